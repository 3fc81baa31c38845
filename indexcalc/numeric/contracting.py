"""One product of tensors → instructions: contractions of two operands at a time, each the cheapest that does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from indexcalc.numeric.program import Program, Register
from indexcalc.tensor.nodes import Dimension, Labels, Rational, Shape, magnitude

SYMMETRIC = 64
"""Rows from which on a symmetric product computed by halves is faster: NumPy fills in the other half slowly."""
LETTERS = "ijklmnpqrstuvwxyzabcdefghIJKLMNPQRSTUVWXYZABCDEFGH"


class Tensor(NamedTuple):
    """A result with a label for each axis. A ``divisor`` is divided by, an ``inverse`` is of this matrix."""

    register: Register
    labels: Labels
    kind: str = ""


class Contractor:
    """Emits what is done to labelled tensors. ``dims`` are the sizes of the labels, ``sizes`` numbers for them that
    choices are made for, where there are any to make."""

    def __init__(
        self,
        program: Program,
        dims: Mapping[int, Dimension],
        sizes: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        self.program, self.dims, self.sizes = program, dims, sizes

    def shape(self, labels: Collection[int]) -> Shape:
        return tuple([self.dims[x] for x in labels])

    # ------------------------------------------------------------------ one operand
    def plain(self, tensor: Tensor) -> Tensor:
        """The tensor itself where it stands for a reciprocal or an inverse."""
        if tensor.kind == "divisor":
            one = self.program.emit("number", parameters=(1,))
            register = self.program.emit("divide", (one, tensor.register), shape=self.shape(tensor.labels))
            return Tensor(register, tensor.labels)
        if tensor.kind == "inverse":
            return Tensor(self.program.emit("inv", (tensor.register,), shape=self.shape(tensor.labels)), tensor.labels)
        return tensor

    def permuted(self, tensor: Tensor, labels: Labels) -> Register:
        """The axes in another order."""
        if tensor.labels == labels:
            return tensor.register
        return self.program.transposed(tensor.register, tuple([tensor.labels.index(x) for x in labels]))

    def flipped(self, tensor: Tensor) -> Tensor:
        """A matrix with its axes exchanged: (A B)' as B' A'."""
        if len(tensor.labels) != 2:
            return tensor
        is_product = self.program[tensor.register].op == "matmul"
        turn = self.program.flipped if is_product else self.program.transposed
        return Tensor(turn(tensor.register), tensor.labels[::-1])

    def aligned(self, tensor: Tensor, labels: Labels) -> Register:
        """With axes of length one for labels that the tensor lacks, so that it is broadcast to all."""
        own = tuple([x for x in labels if x in tensor.labels])
        register = self.permuted(tensor, own)
        while labels and labels[0] not in tensor.labels:
            labels = labels[1:]
        if len(own) == len(labels):
            return register
        index = ", ".join([":" if x in own else "None" for x in labels])
        shape = tuple([self.dims[x] if x in own else 1 for x in labels])
        return self.program.emit("expand", (register,), (index,), shape)

    def diagonal(self, tensor: Tensor) -> Tensor:
        """Repeated labels taken once."""
        labels = tuple(dict.fromkeys(tensor.labels))
        if labels == tensor.labels:
            return tensor
        tensor = self.plain(tensor)
        spec = specification([tensor.labels], labels)
        return Tensor(self.program.emit("diagonal", (tensor.register,), (spec,), self.shape(labels)), labels)

    def summed(self, tensor: Tensor, kept: Collection[int]) -> Tensor:
        """The sum over every label that is not kept."""
        axes = tuple([axis for axis, x in enumerate(tensor.labels) if x not in kept])
        if not axes:
            return tensor
        tensor = self.plain(tensor)
        labels = tuple([x for x in tensor.labels if x in kept])
        instruction = self.program[tensor.register]
        if len(axes) == len(tensor.labels) == 1 and instruction.op == "square":
            return Tensor(self.program.emit("matmul", instruction.operands * 2), ())
        if not labels:
            return Tensor(self.program.emit("total", (tensor.register,)), ())
        axis = axes[0] if len(axes) == 1 else axes
        return Tensor(self.program.emit("sum", (tensor.register,), (axis,), self.shape(labels)), labels)

    def scaled(self, tensor: Tensor, by: Register | None, coefficient: Rational, divisor: Register | None) -> Tensor:
        """coefficient x by / divisor x the tensor."""
        tensor = self.plain(tensor) if coefficient not in (1, -1) or by is not None or divisor is not None else tensor
        register, shape = tensor.register, self.shape(tensor.labels)
        if self.program[register].op == "number" and by is None and divisor is None:
            value = coefficient * self.program[register].parameters[0]
            return Tensor(self.program.emit("number", parameters=(value,)), ())
        if by is not None:
            register = self.times(by, register, shape)
        size = magnitude(coefficient)
        if size.numerator != 1:
            register = self.times(self.program.emit("number", parameters=(size,)), register, shape)
        elif size.denominator != 1:
            whole = self.program.emit("number", parameters=(size.denominator,))
            register = self._kept_sign(self.program.emit("divide", (register, whole), shape=shape), register)
        if divisor is not None:
            register = self.program.emit("divide", (register, divisor), shape=shape)
        if coefficient < 0:
            register = self.program.emit("negative", (register,), shape=shape)
        return Tensor(register, tensor.labels, tensor.kind)

    def times(self, a: Register, b: Register, shape: Shape) -> Register:
        """a x b, entry by entry."""
        product = self.program.emit("multiply", (a, b), shape=shape)
        return self._kept_sign(product, a, b)

    def _kept_sign(self, made: Register, *of: Register) -> Register:
        if all(x in self.program.nonnegative or self.program[x].op == "number" for x in of):
            self.program.nonnegative.add(made)
        return made

    # ------------------------------------------------------------------ two operands
    def contracted(self, a: Tensor, b: Tensor, kept: Collection[int], order: Labels) -> Tensor:
        """a x b, summed over the labels that are not kept; ``order`` is that of the whole product's output."""
        shared = [x for x in a.labels if x in b.labels]
        summed = [x for x in shared if x not in kept]
        if not summed:
            return self._multiplied(a, b, order)
        if len(summed) == len(shared) == 1 and "inverse" in (a.kind, b.kind):
            return self._noted(self._solved(a, b, summed[0]), a, b)
        a, b = self.plain(a), self.plain(b)
        free_a, free_b = (tuple([x for x in t.labels if x not in shared]) for t in (a, b))
        if len(summed) == len(shared) == 1 and len(free_a) < 2 and len(free_b) < 2:
            return self._noted(self._matmul(a, b, summed[0], order), a, b)
        if len(summed) == len(shared) and (free_a or free_b):
            axes = tuple([tuple([t.labels.index(x) for x in summed]) for t in (a, b)])
            labels = free_a + free_b
            operands = (a.register, b.register)
            made = Tensor(self.program.emit("tensordot", operands, (axes,), self.shape(labels)), labels)
            return self._noted(made, a, b)
        batch = tuple([x for x in shared if x in kept])
        if len(summed) == len(free_a) == len(free_b) == 1:
            labels = (*batch, *free_a, *free_b)
            left = self.permuted(a, (*batch, *free_a, *summed))
            right = self.permuted(b, (*batch, *summed, *free_b))
            made = Tensor(self.program.emit("matmul", (left, right), shape=self.shape(labels)), labels)
            return self._noted(made, a, b)
        free = {*free_a, *free_b, *batch}
        labels = tuple([x for x in order if x in free])
        labels += tuple([x for x in (*batch, *free_a, *free_b) if x not in labels])
        return self.einsum([a, b], labels)

    def einsum(self, tensors: Sequence[Tensor], output: Labels) -> Tensor:
        """All at once."""
        spec = specification([t.labels for t in tensors], output)
        register = self.program.emit("einsum", [t.register for t in tensors], (spec,), self.shape(output))
        made = Tensor(register, output)
        self.program.contractions[register] = spec
        return made

    def _noted(self, made: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if self.program[made.register].op not in ("T", "transpose"):
            self.program.contractions[made.register] = specification([a.labels, b.labels], made.labels)
        return made

    def _multiplied(self, a: Tensor, b: Tensor, order: Labels) -> Tensor:
        """Entry by entry, in the order of the operand that has all labels, else of the output."""
        labels = next((t.labels for t in (a, b) if {*a.labels, *b.labels} <= set(t.labels)), ())
        if not labels:
            every = dict.fromkeys((*a.labels, *b.labels))
            labels = tuple([x for x in order if x in every])
            labels += tuple([x for x in every if x not in labels])
        if a.kind == "divisor" and b.kind != "divisor":
            a, b = b, a
        a = self.plain(a)
        divided = b.kind == "divisor"
        b = b if divided else self.plain(b)
        left, right = self.aligned(a, labels), self.aligned(b, labels)
        self._inherit(a, left)
        self._inherit(b, right)
        if divided:
            made = self.program.emit("divide", (left, right), shape=self.shape(labels))
            return Tensor(self._kept_sign(made, left, right), labels)
        return Tensor(self.times(left, right, self.shape(labels)), labels)

    def _inherit(self, tensor: Tensor, aligned: Register) -> None:
        if tensor.register in self.program.nonnegative:
            self.program.nonnegative.add(aligned)

    def _solved(self, a: Tensor, b: Tensor, label: int) -> Tensor:
        """inv(A) B as the solution of A X = B."""
        if a.kind != "inverse":
            a, b = b, a
        b = self.plain(b)
        matrix = a.register
        if a.labels[0] == label:  # inv(A)' B
            matrix = self.program.transposed(matrix, (1, 0))
        kept = a.labels[1] if a.labels[0] == label else a.labels[0]
        free = tuple([x for x in b.labels if x != label])
        if len(free) > 1:
            return self.contracted(self.plain(a), b, {kept, *free}, ())
        labels = (kept, *free)
        right = self.permuted(b, (label, *free))
        return Tensor(self.program.emit("solve", (matrix, right), shape=self.shape(labels)), labels)

    def _matmul(self, a: Tensor, b: Tensor, label: int, order: Labels) -> Tensor:
        """A product of matrices and vectors, the free label that comes first in the output on the left."""
        free_a, free_b = (tuple([x for x in t.labels if x != label]) for t in (a, b))
        swapped = bool(free_b) and (
            not free_a
            or (free_b[0] in order and free_a[0] in order and order.index(free_b[0]) < order.index(free_a[0]))
        )
        if swapped:
            a, b, free_a, free_b = b, a, free_b, free_a
        left, right = self.permuted(a, (*free_a, label)), self.permuted(b, (label, *free_b))
        labels = free_a + free_b
        if free_a and free_b and self.sizes.get(free_a[0], 0) >= SYMMETRIC:
            left, right = self._symmetric(left, right)
        return Tensor(self.program.emit("matmul", (left, right), shape=self.shape(labels)), labels)

    def _symmetric(self, left: Register, right: Register) -> tuple[Register, Register]:
        """X' D X with D >= 0 as (sqrt(D) X)' (sqrt(D) X): of one array and its own transpose BLAS computes half."""
        turned = self.program[left].op == "T"
        if turned == (self.program[right].op == "T"):
            return left, right
        pair = (self.program[left].operands[0], right) if turned else (left, self.program[right].operands[0])
        for weighted, other in (pair, pair[::-1]):
            instruction = self.program[weighted]
            if instruction.op != "multiply" or other not in instruction.operands:
                continue
            weight = instruction.operands[instruction.operands[0] == other]
            rows = self.program[weight].op == "expand" and self.program[weight].parameters == (":, None",)
            if weight in self.program.nonnegative and (rows if turned else len(self.program[weight].shape) == 1):
                half = self.program.emit("multiply", (self.root(weight), other), shape=instruction.shape)
                mirror = self.program.transposed(half, (1, 0))
                return (mirror, half) if turned else (half, mirror)
        return left, right

    def root(self, weight: Register) -> Register:
        """The root of a vector that is broadcast."""
        instruction = self.program[weight]
        if instruction.op == "expand":
            (inner,) = instruction.operands
            root = self.program.emit("sqrt", (inner,), shape=self.program[inner].shape)
            return self.program.emit("expand", (root,), instruction.parameters, instruction.shape)
        return self.program.emit("sqrt", (weight,), shape=instruction.shape)


def specification(inputs: Sequence[Labels], output: Labels) -> str:
    """``ij,jk->ik``"""
    letters: dict[int, str] = {}
    for labels in (output, *inputs):
        for x in labels:
            letters.setdefault(x, LETTERS[len(letters)])
    return (
        ",".join(["".join([letters[x] for x in labels]) for labels in inputs])
        + "->"
        + "".join([letters[x] for x in output])
    )
