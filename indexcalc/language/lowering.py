"""core language → tensor expression."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction

from indexcalc.language import core
from indexcalc.language.core import Core, Symbol, subcores
from indexcalc.tensor.elementwise import apply
from indexcalc.tensor.epsilon import epsilon
from indexcalc.tensor.grouping import flatten
from indexcalc.tensor.matrix_functions import determinant, inverse, log_determinant, logsumexp, softmax
from indexcalc.tensor.nodes import Dimension, Labels, Node, Variable, constant, number, size, variable
from indexcalc.tensor.product import broadcast, einsum, power
from indexcalc.tensor.structure import structured
from indexcalc.tensor.sums import add

WHOLE: dict[str, Callable[[Node, int], Node]] = {
    "inv": lambda node, axis: inverse(node),
    "det": lambda node, axis: determinant(node),
    "logdet": lambda node, axis: log_determinant(node),
    "softmax": softmax,
    "logsumexp": logsumexp,
}
"""The functions of whole tensors, by name."""


class Lowering:
    """Meanings to nodes, each once. ``dimension`` gives the value of an unknown size; ``variables`` are
    defined names that stand for themselves, because something is differentiated by them."""

    def __init__(self, dimension: Callable[[int], Dimension], variables: Collection[Symbol] = ()) -> None:
        self.dimension, self.variables = dimension, variables
        self.nodes: dict[int, Node] = {}
        self.typed: list[tuple[Node, list[Node]]] = []
        """The sums that the user wrote, with their terms in order."""
        self.defined: dict[Node, str] = {}
        """What the user's definitions name."""

    def lower(self, root: Core) -> Node:
        """Iterative: a chain of thousands of definitions is no deeper than one."""
        stack = [root]
        while stack:
            meaning = stack[-1]
            waiting = [part for part in self._parts(meaning) if id(part) not in self.nodes]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if id(meaning) not in self.nodes:
                self.nodes[id(meaning)] = self._build(meaning)
        return self.nodes[id(root)]

    def shape(self, axes: core.Axes) -> tuple[Dimension, ...]:
        return tuple([self.dimension(size_) for size_ in axes])

    def variable(self, symbol: Symbol) -> Variable:
        """The variable that something is differentiated by: without structure."""
        return variable(symbol.name, self.shape(symbol.axes))

    def known(self, symbol: Symbol) -> Node:
        """The variable with all that is known of it."""
        shape = self.shape(symbol.axes)
        return structured(symbol.name, shape, symbol.structure) if symbol.structure else variable(symbol.name, shape)

    def named(self, symbol: Symbol) -> Node:
        """What a name stands for."""
        if symbol in self.variables:
            return self.variable(symbol)
        return self.known(symbol) if symbol.meaning is None else self.lower(symbol.meaning)

    def _parts(self, meaning: Core) -> tuple[Core, ...]:
        if isinstance(meaning, core.Leaf):
            inner = meaning.symbol.meaning
            return () if inner is None or meaning.symbol in self.variables else (inner,)
        return subcores(meaning)

    def _build(self, meaning: Core) -> Node:
        parts = [self.nodes[id(part)] for part in self._parts(meaning)]
        match meaning:
            case core.Leaf(symbol=symbol):
                if parts:
                    self.defined.setdefault(parts[0], symbol.name)
                return parts[0] if parts else self.named(symbol)
            case core.Literal(value=value):
                return constant(value) if isinstance(value, str) else number(value)
            case core.LeviCivita():
                return epsilon()
            case core.SizeOf(size=unknown):
                return size(self.dimension(unknown))
            case core.Product():
                sizes = {label: self.dimension(unknown) for label, unknown in meaning.sizes}
                labels = [labels for _, labels in meaning.factors]
                return einsum(1, zip(parts, labels, strict=True), meaning.output, sizes)
            case core.Sum():
                shape = self.shape(meaning.axes)
                placed = zip(parts, meaning.terms, strict=True)
                terms = [(sign, spread(node, labels, shape)) for node, (sign, _, labels) in placed]
                total = add(terms)
                self.typed.append((total, [node for _, node in terms]))
                return total
            case core.Elementwise(function=function):
                return apply(function, parts[0])
            case core.Power(exponent=exponent):
                if isinstance(exponent, Fraction):
                    return power(parts[0], exponent)
                shape = parts[0].shape
                return power(parts[0], broadcast(parts[1], shape) if not parts[1].shape else parts[1])
            case core.Grouped(groups=groups):
                return flatten(parts[0], groups)
            case core.Whole(function=name, axis=axis):
                return WHOLE[name](parts[0], axis)


def spread(node: Node, labels: Labels, shape: tuple[Dimension, ...]) -> Node:
    """A node whose axes are the axes ``labels`` of ``shape``, constant along the others."""
    every = tuple(range(len(shape)))
    return node if labels == every else einsum(1, [(node, labels)], every, dict(enumerate(shape)))
