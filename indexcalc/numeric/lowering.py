"""tensor expressions → a straight-line program.

Deltas and constant axes are put in only where a result asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indexcalc.numeric.contracting import Contractor, Tensor, specification
from indexcalc.numeric.factoring import factored
from indexcalc.numeric.products import Core, Products
from indexcalc.numeric.program import Finished, Register
from indexcalc.numeric.rules import LEAVES, RULES
from indexcalc.tensor.matrix_functions import Inverse
from indexcalc.tensor.nodes import Node, Rational, Shape, Variable, descendants, magnitude
from indexcalc.tensor.product import Einsum, Power
from indexcalc.tensor.structure import is_positive
from indexcalc.tensor.sums import Sum

DEEPEST = 40
"""How many operands may wait for one another before they are worked out in turn."""


class Lowering(Products):
    """Makes one program for several tensors."""

    def __init__(self, roots: Sequence[Node], sizes: Mapping[str, int], whole: bool = False) -> None:
        super().__init__(roots, sizes, whole)
        self.depth = 0

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
        core = self.of_node(node, 1) if isinstance(node, Einsum) else self._single(node)
        self.depth -= 1
        if is_positive(node) and core.is_whole:
            self.program.nonnegative.add(core.register)
        return core

    def _single(self, node: Node) -> Core:
        axes = tuple(range(len(node.shape)))
        if isinstance(node, Sum):
            return Core(self.summed(node.terms, node.shape), axes, axes)
        rule = RULES.get(type(node))
        if rule is not None:
            return Core(rule(self.program, node, [self.dense(child) for child in node.children]), axes, axes)
        op, *parameters = LEAVES[type(node)](node)
        return Core(self.program.emit(op, (), parameters, node.shape), axes, axes)

    # ------------------------------------------------------------------ deltas and constant axes
    def filled(self, core: Core, shape: Shape) -> Register:
        """A tensor with its deltas and constant axes."""
        program, output = self.program, core.output
        view = tuple(dict.fromkeys(output))
        dims = dict(zip(output, shape, strict=True))
        contractor = Contractor(program, dims)
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

    # ------------------------------------------------------------------ sums
    def summed(self, terms: Sequence[tuple[Rational, Node]], shape: Shape) -> Register:
        """Thin terms first, deltas last: they are added to a diagonal."""
        axes = tuple(range(len(shape)))
        contractor = Contractor(self.program, dict(enumerate(shape)))
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
        positive = next((k for k, (c, _, _) in enumerate(plain) if c > 0), 0)
        plain = [*plain[positive : positive + 1], *plain[:positive], *plain[positive + 1 :]]
        made: Tensor | None = None
        turned = self._turned([tensor.register for _, tensor, _ in plain], shape)
        for c, tensor, _ in plain:
            made = self._added(contractor, made, c, contractor.flipped(tensor) if turned else tensor)
        if turned and made is not None:
            made = Tensor(contractor.permuted(made, axes), axes)
        whole = None if made is None else self.filled(Core(made.register, made.labels, axes), shape)
        for c, core in deltas:
            whole = self._scattered(whole, c, core, shape)
        assert whole is not None
        return whole

    def _term(self, coefficient: Rational, node: Node) -> tuple[Core, Rational]:
        """A term's core, and the coefficient that is still missing: it is 1 or -1 where a product takes it in."""
        size = magnitude(coefficient)
        if isinstance(node, Einsum) and node not in self.cores and size != 1:
            return self.of_node(node, size), 1 if coefficient > 0 else -1
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

    def _scattered(self, whole: Register | None, c: Rational, core: Core, shape: Shape) -> Register:
        """A term with deltas, added to what there is."""
        contractor = Contractor(self.program, dict(zip(core.output, shape, strict=True)))
        scaled = contractor.scaled(Tensor(core.register, core.labels), None, c, None)
        if whole is None:
            return self.filled(core._replace(register=scaled.register), shape)
        view = tuple(dict.fromkeys(core.output))
        value = contractor.aligned(scaled, view)
        return self.program.emit("scatter_add", (whole, value), (specification([core.output], view),), shape)


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
