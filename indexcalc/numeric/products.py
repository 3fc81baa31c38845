"""Products of tensors → instructions: their operands as they stand in them, and the order of contractions.

Where an operand is a reciprocal it is divided by; where it is an inverse, a system is solved; where it is a sum of
matrices and meets a vector, its terms meet it one by one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.numeric.contracting import Contractor, Tensor
from indexcalc.numeric.counting import count
from indexcalc.numeric.networks import unfolded
from indexcalc.numeric.paths import GENERIC, quick, steps
from indexcalc.numeric.program import Program, Register
from indexcalc.numeric.rules import raised
from indexcalc.tensor.matrix_functions import Inverse
from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational, Shape, Variable, descendants
from indexcalc.tensor.product import Einsum, Factor, Power, einsum
from indexcalc.tensor.sums import Sum


class Core(NamedTuple):
    """A tensor without its deltas and constant axes: a result, a label for each of its axes, and the labels of the
    tensor's axes: with one that stands twice for a delta, with one that the result lacks for a constant axis."""

    register: Register
    labels: Labels
    output: Labels

    @property
    def is_whole(self) -> bool:
        return self.labels == self.output


class Products(ABC):
    """Works out products; how operands are worked out, a subclass says. ``sizes`` are what the order of contractions
    is chosen for; with ``whole`` each product is one einsum."""

    def __init__(self, roots: Sequence[Node], sizes: Mapping[str, int], whole: bool) -> None:
        self.program = Program()
        self.sizes, self.whole = sizes, whole
        self.cores: dict[Node, Core] = {}
        self.parents = Counter(child for node in descendants(roots) for child in node.children)
        self.parents.update(roots)

    @abstractmethod
    def dense(self, node: Node) -> Register:
        """The whole tensor of a node."""

    @abstractmethod
    def summed(self, terms: Sequence[tuple[Rational, Node]], shape: Shape) -> Register:
        """The sum of coefficient x tensor."""

    def of_node(self, node: Einsum, coefficient: Rational) -> Core:
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
        contractor = Contractor(self.program, dims, self._numbers(dims))
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
        made = raised(self.program, base, -node.exponent, node.shape)
        if base in self.program.nonnegative:
            self.program.nonnegative.add(made)
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
        return self.summed([(-c, term) for c, term in node.terms], node.shape)

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
        terms = [(sign * c, einsum(1, [(term, labels), *vectors], output)) for c, term in total.terms]
        by, divisor = self._scalars([node for node, own in factors if not own])
        shape = tuple([dims[x] for x in output])
        made = Tensor(self.summed(terms, shape), output)
        return Contractor(self.program, dims).scaled(made, by, sign * coefficient, divisor).register


def _is_thin(term: Node) -> bool:
    """Whether a matrix is a diagonal or an outer product."""
    if not isinstance(term, Einsum):
        return False
    return term.output[0] == term.output[1] or all(len(labels) < 2 for labels in term.subscripts)
