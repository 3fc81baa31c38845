"""tensor expressions → a straight-line program.

A product is contracted two operands at a time. Where an operand is a reciprocal it is divided by; where it is an
inverse, a system is solved; where it is a sum of matrices and meets a vector, its terms meet it one by one. Deltas and
constant axes are put in only where a result asks for them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from indexcalc.numeric.contracting import Contractor, Tensor, specification
from indexcalc.numeric.factoring import factored
from indexcalc.numeric.networks import unfolded
from indexcalc.numeric.paths import GENERIC, quick, steps
from indexcalc.numeric.program import Finished, Program, Register, count
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.functions import SIGMOID
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import Determinant, Inverse, LogDeterminant, Softmax
from indexcalc.tensor.nodes import (
    Constant,
    Dimension,
    Labels,
    Node,
    Number,
    Rational,
    Shape,
    Size,
    Variable,
    descendants,
    magnitude,
)
from indexcalc.tensor.product import Einsum, Factor, Power, einsum
from indexcalc.tensor.structure import Structured, is_positive
from indexcalc.tensor.sums import Sum

DEEPEST = 40
"""How many operands may wait for one another before they are worked out in turn."""
CUBE = 4
"""Integer powers up to this are products: NumPy's own power is many times slower."""


class Core(NamedTuple):
    """A tensor without its deltas and constant axes: a result, a label for each of its axes, and the labels of the
    tensor's axes: with one that stands twice for a delta, with one that the result lacks for a constant axis."""

    register: Register
    labels: Labels
    output: Labels

    @property
    def is_whole(self) -> bool:
        return self.labels == self.output


class Lowering:
    """Makes one program for several tensors. ``sizes`` are what the order of contractions is chosen for; with ``whole``
    each product is one einsum."""

    def __init__(self, roots: Sequence[Node], sizes: Mapping[str, int], whole: bool = False) -> None:
        self.program = Program()
        self.sizes, self.whole = sizes, whole
        self.cores: dict[Node, Core] = {}
        self.nonnegative: set[Register] = set()
        self.depth = 0
        self.nodes = descendants(roots)
        self.parents = Counter(child for node in self.nodes for child in node.children)
        self.parents.update(roots)

    # ------------------------------------------------------------------ nodes
    def core(self, root: Node) -> Core:
        """A node's core. Iterative, but for operands that wait to see what they meet."""
        for node in descendants([root], self._unknown):
            if node not in self.cores and (node is root or not self._waits(node)):
                self.cores[node] = self._core(node)
        return self.cores[root]

    def dense(self, node: Node) -> Register:
        """The whole tensor of a node."""
        return self.filled(self.core(node), node.shape)

    def _unknown(self, node: Node) -> tuple[Node, ...]:
        return () if node in self.cores else node.children

    def _waits(self, node: Node) -> bool:
        """Whether how a node is best worked out depends on what it meets."""
        if self.depth > DEEPEST or self.whole:
            return False
        match node:
            case Inverse():
                return True
            case Power():
                return node.exponent is not None and node.exponent < 0
            case Sum():
                return len(node.shape) == 2 and self.parents[node] == 1
            case Einsum():
                return self.parents[node] == 1 and not node.opaque
        return False

    def _core(self, node: Node) -> Core:
        self.depth += 1
        core = self._product(node, 1) if isinstance(node, Einsum) else self._single(node)
        self.depth -= 1
        if is_positive(node) and core.is_whole:
            self.nonnegative.add(core.register)
        return core

    def _single(self, node: Node) -> Core:
        axes = tuple(range(len(node.shape)))
        if isinstance(node, Sum):
            return Core(self._sum(node.terms, node.shape), axes, axes)
        rule = RULES.get(type(node))
        if rule is not None:
            return Core(rule(self, node, [self.dense(child) for child in node.children]), axes, axes)
        op, *parameters = LEAVES[type(node)](node)
        return Core(self.program.emit(op, (), parameters, node.shape), axes, axes)

    # ------------------------------------------------------------------ deltas and constant axes
    def filled(self, core: Core, shape: Shape) -> Register:
        """A tensor with its deltas and constant axes."""
        program, output = self.program, core.output
        view = tuple(dict.fromkeys(output))
        dims = dict(zip(output, shape, strict=True))
        contractor = Contractor(program, dims, self.nonnegative)
        tensor = Tensor(core.register, core.labels)
        if len(view) == len(output):
            if core.is_whole:
                return core.register
            if set(core.labels) == set(output):
                return contractor.permuted(tensor, output)
            if program[core.register].op == "number":
                (value,) = program[core.register].parameters
                return program.emit({0: "zeros", 1: "ones"}.get(value, "fill"), (), (value,), shape)
            return program.emit("broadcast", (contractor.aligned(tensor, view),), (), shape)
        literal = program[core.register]
        if len(view) == 1 and len(output) == 2 and literal.op == "number" and literal.parameters == (1,):
            return program.emit("eye", (), (), shape)
        value = contractor.aligned(tensor, view)
        op = "scatter" if program[value].shape else "scatter_scalar"
        return program.emit(op, (value,), (specification([output], view),), shape)

    # ------------------------------------------------------------------ products
    def _product(self, node: Einsum, coefficient: Rational) -> Core:
        """coefficient x the product."""
        used = {x for labels in node.subscripts for x in labels}
        labels = tuple(dict.fromkeys([x for x in node.output if x in used]))
        factors = self._unfolded(node)
        dims = dict(enumerate(node.sizes))
        dims |= {x: d for child, own in factors for x, d in zip(own, child.shape, strict=True)}
        made = self.product(node.coefficient * coefficient, factors, labels, dims)
        return Core(made, labels, node.output)

    def _unfolded(self, node: Einsum) -> Sequence[Factor]:
        """The factors; of a product that was too long for one node all of them."""
        long = any(isinstance(child, Einsum) and not child.opaque and child.shape for child in node.children)
        return unfolded(node, self.parents) if long and not self.whole else node.factors

    def product(
        self, coefficient: Rational, factors: Sequence[Factor], output: Labels, dims: Mapping[int, Dimension]
    ) -> Register:
        """coefficient x the factors, summed over every label that is not in the output; every label is in one."""
        tensors = [factor for factor in factors if factor[1]]
        distributed = self._distributed(coefficient, factors, tensors, output, dims)
        if distributed is not None:
            return distributed
        contractor = Contractor(self.program, dims, self.nonnegative, self._numbers(dims))
        by, divisor = self._scalars([node for node, labels in factors if not labels])
        if not tensors:
            if by is None:
                by, coefficient = self.program.emit("number", parameters=(coefficient,)), 1
            return contractor.scaled(Tensor(by, ()), None, coefficient, divisor).register
        flipped = next((node for node, _ in tensors if self._turns(node)), None) if coefficient < 0 else None
        coefficient = coefficient if flipped is None else -coefficient
        operands = [
            contractor.diagonal(Tensor(self._negated(node), labels) if node is flipped else self._operand(node, labels))
            for node, labels in tensors
        ]
        if self.whole and (len(operands) > 1 or set(operands[0].labels) != set(output)):
            made = contractor.einsum([contractor.plain(operand) for operand in operands], output)
            return contractor.scaled(made, by, coefficient, divisor).register
        made = self._contracted(contractor, operands, output, (by, coefficient, divisor))
        return contractor.permuted(contractor.plain(made), output)

    def _scalars(self, nodes: Sequence[Node]) -> tuple[Register | None, Register | None]:
        """The product of scalars as numerator and denominator."""
        sides: list[Register | None] = [None, None]
        for node in nodes:
            side, register = 0, self.dense(node) if not self._is_quotient(node) else self._reciprocal(node)
            if self._is_quotient(node):
                side = 1
            before = sides[side]
            sides[side] = register if before is None else self.program.emit("multiply", (before, register))
        return sides[0], sides[1]

    def _is_quotient(self, node: Node) -> bool:
        return isinstance(node, Power) and node.exponent is not None and node.exponent < 0

    def _reciprocal(self, node: Node) -> Register:
        """The base of a negative power, to the positive power."""
        assert isinstance(node, Power)
        assert node.exponent is not None
        base = self.dense(node.children[0])
        made = self.raised(base, -node.exponent, node.shape)
        if base in self.nonnegative:
            self.nonnegative.add(made)
        return made

    def _turns(self, node: Node) -> bool:
        """Whether a sum that stands nowhere else is no longer with its sign reversed."""
        return (
            isinstance(node, Sum)
            and self.parents[node] == 1
            and 2 * sum(c > 0 for c in node.coefficients) <= len(node.children)
        )

    def _negated(self, node: Node) -> Register:
        assert isinstance(node, Sum)
        return self._sum([(-c, term) for c, term in node.terms], node.shape)

    def _operand(self, node: Node, labels: Labels) -> Tensor:
        """An operand as it stands in a product."""
        if self._is_quotient(node) and node not in self.cores:
            return Tensor(self._reciprocal(node), labels, "divisor")
        if isinstance(node, Inverse) and node not in self.cores:
            return Tensor(self.dense(node.children[0]), labels, "inverse")
        return Tensor(self.dense(node), labels)

    def _contracted(
        self,
        contractor: Contractor,
        operands: list[Tensor],
        output: Labels,
        scalars: tuple[Register | None, Rational, Register | None],
    ) -> Tensor:
        """The operands two by two. The scalars are taken in where there are the fewest entries."""
        sizes = contractor.sizes
        for k, operand in enumerate(operands):
            others = {x for other in [*operands[:k], *operands[k + 1 :]] for x in other.labels}
            operands[k] = contractor.summed(operand, others | set(output))
        inputs = [operand.labels for operand in operands]
        path = quick(inputs, output, sizes) if len(operands) > 1 else []
        found = list(steps(path, inputs, output, sizes))
        places = [math.prod([sizes[x] for x in t.labels]) for t in operands] + [step.entries for step in found]
        where = min(range(len(places)), key=lambda k: (places[k], bool(k < len(operands) and operands[k].kind), -k))
        stock = dict(enumerate(operands))
        if where < len(operands):
            stock[where] = contractor.scaled(stock[where], *scalars)
        for k, step in enumerate(found, len(operands)):
            first, *rest = [stock.pop(place) for place in step.operands]
            while rest:
                other = rest.pop(0)
                kept = step.output.union(*(later.labels for later in rest))
                first = contractor.contracted(first, other, kept, output)
            stock[k] = contractor.scaled(first, *scalars) if k == where else first
        (made,) = stock.values()
        return made

    def _numbers(self, dims: Mapping[int, Dimension]) -> dict[int, int]:
        """The size of each label as a number, a generic one where none is given."""
        symbols = {part for d in dims.values() for part in str(d).split("*") if not part.isdigit()}
        sizes = {**dict.fromkeys(symbols, GENERIC), **self.sizes}
        return {x: count(d, sizes) for x, d in dims.items()}

    def _distributed(
        self,
        coefficient: Rational,
        factors: Sequence[Factor],
        tensors: Sequence[Factor],
        output: Labels,
        dims: Mapping[int, Dimension],
    ) -> Register | None:
        """(A + B) x as A x + B x: a matrix takes longer to add than to multiply by a vector; and (diag(u) + v w') A,
        which never needs the matrix. None where the product is no sum of matrices times such."""
        sums = [factor for factor in tensors if isinstance(factor[0], Sum) and len(factor[1]) == 2]
        others = [factor for factor in tensors if factor not in sums]
        if self.whole or len(sums) != 1:
            return None
        (total, labels), rest = sums[0], [factor for factor in factors if factor not in sums]
        if any(len(own) > 1 for _, own in others) and not all(map(_is_thin, total.children)):
            return None
        met = {x for _, own in others for x in own if x in labels and x not in output}
        if not met or self.parents[total] > 1 or total in self.cores or len(set(labels)) < 2:
            return None
        assert isinstance(total, Sum)
        if not all(isinstance(term, Variable | Einsum) for term in total.children):
            return None
        sign = -1 if coefficient < 0 else 1
        vectors = [factor for factor in rest if factor[1]]
        terms = [(sign * c, einsum(1, [(term, labels), *vectors], output, dict(dims))) for c, term in total.terms]
        by, divisor = self._scalars([node for node, own in factors if not own])
        shape = tuple([dims[x] for x in output])
        made = Tensor(self._sum(terms, shape), output)
        return Contractor(self.program, dims, self.nonnegative).scaled(made, by, sign * coefficient, divisor).register

    # ------------------------------------------------------------------ sums
    def _sum(self, terms: Sequence[tuple[Rational, Node]], shape: Shape) -> Register:
        """Thin terms first, deltas last: they are added to a diagonal."""
        axes = tuple(range(len(shape)))
        contractor = Contractor(self.program, dict(enumerate(shape)), self.nonnegative)
        plain: list[tuple[Rational, Tensor, bool]] = []
        deltas: list[tuple[Rational, Core]] = []
        for coefficient, node in terms:
            core, c = self._term(coefficient, node)
            if len(set(core.output)) < len(core.output):
                deltas.append((c, core))
            else:
                labels = tuple([core.output.index(x) for x in core.labels])
                plain.append((c, Tensor(core.register, labels), isinstance(node, Variable)))
        plain.sort(key=lambda term: (len(term[1].labels), term[2], self.program[term[1].register].op == "T"))
        first = next((k for k, (c, _, _) in enumerate(plain) if c > 0), 0)
        plain.insert(0, plain.pop(first)) if plain else None
        made: Tensor | None = None
        turned = self._turned([tensor.register for _, tensor, _ in plain], shape)
        for c, tensor, _ in plain:
            made = self._added(contractor, made, c, contractor.flipped(tensor) if turned else tensor)
        if turned and made is not None:
            made = Tensor(contractor.permuted(made, axes), axes)
        whole = None if made is None else self.filled(Core(made.register, made.labels, axes), shape)
        for c, core in deltas:
            whole = self._scattered(contractor, whole, c, core, shape)
        assert whole is not None
        return whole

    def _term(self, coefficient: Rational, node: Node) -> tuple[Core, Rational]:
        """A term's core, and the coefficient that is still missing: it is 1 or -1 where a product takes it in."""
        size = magnitude(coefficient)
        if isinstance(node, Einsum) and node not in self.cores and size != 1:
            return self._product(node, size), 1 if coefficient > 0 else -1
        return self.core(node), coefficient

    def _turned(self, terms: Sequence[Register], shape: Shape) -> bool:
        """Whether a sum of matrices has more transposes than others: then its transpose is worked out. A product of
        matrices goes either way."""
        ops = [self.program[term].op for term in terms if len(self.program[term].shape) == 2]
        return len(shape) == 2 and 2 * ops.count("T") > len(ops) - ops.count("matmul")

    def _added(self, contractor: Contractor, made: Tensor | None, c: Rational, tensor: Tensor) -> Tensor:
        scaled = contractor.scaled(tensor, None, magnitude(c), None)
        if made is None:
            return contractor.scaled(scaled, None, 1 if c > 0 else -1, None)
        every = {*made.labels, *tensor.labels}
        labels = next((t.labels for t in (made, tensor) if len(t.labels) == len(every)), tuple(sorted(every)))
        pair = (contractor.aligned(made, labels), contractor.aligned(scaled, labels))
        op = "add" if c > 0 else "subtract"
        return Tensor(self.program.emit(op, pair, (), contractor.shape(labels)), labels)

    def _scattered(
        self, contractor: Contractor, whole: Register | None, c: Rational, core: Core, shape: Shape
    ) -> Register:
        """A term with deltas, added to what there is."""
        size = contractor.scaled(Tensor(core.register, ()), None, c, None) if not core.labels else None
        own = Contractor(self.program, dict(zip(core.output, shape, strict=True)), self.nonnegative)
        scaled = size or own.scaled(Tensor(core.register, core.labels), None, c, None)
        core = core._replace(register=scaled.register)
        if whole is None:
            return self.filled(core, shape)
        view = tuple(dict.fromkeys(core.output))
        value = own.aligned(scaled, view)
        return self.program.emit("scatter_add", (whole, value), (specification([core.output], view),), shape)

    # ------------------------------------------------------------------ powers
    def raised(self, base: Register, exponent: Rational, shape: Shape) -> Register:
        """A positive power."""
        if exponent == 1:
            return base
        if exponent == 2:
            square = self.program.emit("square", (base,), (), shape)
            self.nonnegative.add(square)
            return square
        if exponent == Fraction(1, 2) and not self.program.is_literal(base):
            return self.program.emit("sqrt", (base,), (), shape)
        if isinstance(exponent, int) and exponent <= CUBE:
            half = self.raised(base, exponent // 2, shape)
            whole = self.program.emit("square", (half,), (), shape)
            return self.program.emit("multiply", (whole, base), (), shape) if exponent % 2 else whole
        return self.program.emit("power", (base,), (exponent,), shape)


def _is_thin(term: Node) -> bool:
    """Whether a matrix is a diagonal or an outer product."""
    if not isinstance(term, Einsum):
        return False
    return term.output[0] == term.output[1] or all(len(labels) < 2 for labels in term.subscripts)


# ---------------------------------------------------------------------- rules
Rule = Callable[[Lowering, Any, Sequence[Register]], Register]


def _power(at: Lowering, node: Power, parts: Sequence[Register]) -> Register:
    if node.exponent is None:
        return at.program.emit("raised", parts, (), node.shape)
    if node.exponent > 0:
        return at.raised(parts[0], node.exponent, node.shape)
    one = at.program.emit("number", parameters=(1,))
    return at.program.emit("divide", (one, at.raised(parts[0], -node.exponent, node.shape)), (), node.shape)


def _apply(at: Lowering, node: Apply, parts: Sequence[Register]) -> Register:
    (argument,) = parts
    if at.program.is_literal(argument):
        argument = at.program.emit("lift", (argument,))
    if node.function is SIGMOID:
        return _sigmoid(at, argument, node.shape)
    op = "declared" if node.function.declared else "function"
    return at.program.emit(op, (argument,), (node.function.name,), node.shape)


def _sigmoid(at: Lowering, argument: Register, shape: Shape) -> Register:
    """1 / (1 + exp(-u)), and 1 / (1 + exp(u)) of -u."""
    instruction = at.program[argument]
    turned = instruction.operands[0] if instruction.op == "negative" else None
    exponent = at.program.emit("negative", (argument,), (), shape) if turned is None else turned
    one = at.program.emit("number", parameters=(1,))
    below = at.program.emit("add", (one, at.program.emit("function", (exponent,), ("exp",), shape)), (), shape)
    return at.program.emit("divide", (one, below), (), shape)


def _softmax(at: Lowering, node: Softmax, parts: Sequence[Register]) -> Register:
    """exp(u - max(u)) / sum(exp(u - max(u)))"""
    thin = tuple([1 if axis == node.axis else d for axis, d in enumerate(node.shape)])
    top = at.program.emit("max_kept", parts, (node.axis,), thin)
    shifted = at.program.emit("subtract", (parts[0], top), (), node.shape)
    exps = at.program.emit("function", (shifted,), ("exp",), node.shape)
    return at.program.emit("divide", (exps, at.program.emit("sum_kept", (exps,), (node.axis,), thin)), (), node.shape)


def _unary(op: str) -> Rule:
    return lambda at, node, parts: at.program.emit(op, parts, (), node.shape)


RULES: dict[type[Node], Rule] = {
    Power: _power,
    Apply: _apply,
    Softmax: _softmax,
    Inverse: _unary("inv"),
    Determinant: _unary("det"),
    LogDeterminant: _unary("logdet"),
    Flatten: _unary("reshape"),
    Split: _unary("reshape"),
}
"""TABLE: the result of a node of each kind, given those of its children."""

LEAVES: dict[type[Node], Callable[[Any], tuple[Any, ...]]] = {
    Variable: lambda node: ("input", node.name),
    Structured: lambda node: ("input", node.name),
    Number: lambda node: ("number", node.value),
    Size: lambda node: ("size", node.symbol),
    Constant: lambda node: ("constant", node.name),
    Epsilon: lambda node: ("epsilon",),
}
"""TABLE: the instruction and its constants for a node without children."""


def lowered(roots: Sequence[Node], sizes: Mapping[str, int], whole: bool = False) -> Finished:
    """The program for some tensors."""
    roots = factored(roots)
    lowering = Lowering(roots, sizes, whole)
    return lowering.program.finished([lowering.dense(root) for root in roots])


def cores(roots: Sequence[Node], sizes: Mapping[str, int]) -> tuple[Finished, list[Core]]:
    """The program for the cores of some tensors."""
    roots = factored(roots)
    lowering = Lowering(roots, sizes)
    found = [lowering.core(root) for root in roots]
    return lowering.program.finished([core.register for core in found]), found
