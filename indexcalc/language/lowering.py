"""core language → tensor expression."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any

from indexcalc.language import core
from indexcalc.language.core import Core, Leaf, Literal, Product, Symbol, subcores
from indexcalc.tensor.elementwise import apply
from indexcalc.tensor.epsilon import epsilon
from indexcalc.tensor.grouping import flatten
from indexcalc.tensor.matrix_functions import determinant, inverse, log_determinant, logsumexp, softmax
from indexcalc.tensor.nodes import Dimension, Labels, Node, Variable, constant, number, size, variable
from indexcalc.tensor.product import LARGEST, broadcast, einsum, power
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
        self._products: dict[int, Product] = {}
        """Products that have products as factors, as one; as they are, where they stay so."""
        self._turning: dict[int, bool] = {}
        self._twins: dict[Symbol, Variable] = {}

    def lower(self, root: Core) -> Node:
        """Iterative: a chain of thousands of definitions is no deeper than one."""
        nodes, stack = self.nodes, [root]
        while stack:
            meaning, before = stack[-1], len(stack)
            for part in self._parts(meaning):
                if id(part) in nodes:
                    continue
                if isinstance(part, Leaf) and (part.symbol.meaning is None or part.symbol in self.variables):
                    nodes[id(part)] = self.named(part.symbol)
                else:
                    stack.append(part)
            if len(stack) == before:
                stack.pop()
                if id(meaning) not in nodes:
                    nodes[id(meaning)] = BUILD[type(meaning)](self, meaning)
        return nodes[id(root)]

    def shape(self, axes: core.Axes) -> tuple[Dimension, ...]:
        return tuple(map(self.dimension, axes))

    def variable(self, symbol: Symbol) -> Variable:
        """The variable that something is differentiated by: without structure."""
        found = self._twins.get(symbol)
        if found is None:
            found = self._twins[symbol] = variable(symbol.name, self.shape(symbol.axes))
        return found

    def known(self, symbol: Symbol) -> Node:
        """The variable with all that is known of it."""
        if not symbol.structure:
            return self.variable(symbol)
        return structured(symbol.name, self.shape(symbol.axes), symbol.structure)

    def named(self, symbol: Symbol) -> Node:
        """What a name stands for."""
        if symbol in self.variables:
            return self.variable(symbol)
        return self.known(symbol) if symbol.meaning is None else self.lower(symbol.meaning)

    def _parts(self, meaning: Core) -> tuple[Core, ...]:
        if isinstance(meaning, Leaf):
            inner = meaning.symbol.meaning
            return () if inner is None or meaning.symbol in self.variables else (inner,)
        return subcores(self._flat(meaning) if isinstance(meaning, Product) else meaning)

    # ------------------------------------------------------------------ the nodes of meanings whose parts have theirs
    def _leaf(self, meaning: Leaf) -> Node:
        symbol = meaning.symbol
        if symbol.meaning is None or symbol in self.variables:
            return self.named(symbol)
        node = self.nodes[id(symbol.meaning)]
        self.defined.setdefault(node, symbol.name)
        return node

    def _literal(self, meaning: Literal) -> Node:
        value = meaning.value
        return constant(value) if isinstance(value, str) else number(value)

    def _product(self, meaning: Product) -> Node:
        nodes, (_, factors, output, sizes) = self.nodes, self._flat(meaning)
        placed = [(nodes[id(factor)], labels) for factor, labels in factors]
        return einsum(1, placed, output, {label: self.dimension(unknown) for label, unknown in sizes})

    def _flat(self, product: Product) -> Product:
        """A B C for (A B) C: one product to bring into normal form, and none that only stands inside it."""
        for factor, _ in product.factors:
            if isinstance(factor, Product):
                break
        else:
            return product
        found = self._products.get(id(product))
        if found is None:
            found = self._products[id(product)] = self._joined(product)
        return found

    def _joined(self, product: Product) -> Product:
        """The product with the factors of its factors; as it is where these are too many for a normal form, or a sign
        is to be found product by product."""
        factors: list[tuple[Core, Labels]] = []
        named = [label for _, labels in product.factors for label in labels] + [label for label, _ in product.sizes]
        fresh = 1 + max(named, default=-1)
        for factor, labels in product.factors:
            inner = self._flat(factor) if isinstance(factor, Product) else None
            if self._products.get(id(factor)) is factor:
                return product
            if inner is None or not _opens(inner):
                factors.append((factor, labels))
                continue
            names = dict(zip(inner.output, labels, strict=True))
            for part, own in inner.factors:
                for label in own:
                    if label not in names:
                        names[label] = fresh
                        fresh += 1
                factors.append((part, tuple([names[label] for label in own])))
        if len(factors) > LARGEST or any(self._turns(factor) for factor, _ in factors):
            return product
        return Product(product.axes, tuple(factors), product.output, product.sizes)

    def _turns(self, meaning: Core) -> bool:
        """Whether the sign of a factor may depend on the order of its axes, as a skew matrix's."""
        if isinstance(meaning, Product):
            found = self._turning.get(id(meaning))
            if found is None:
                found = self._turning[id(meaning)] = any(map(self._turns, subcores(meaning)))
            return found
        if len(meaning.axes) < 2:
            return False
        if isinstance(meaning, Leaf):
            return meaning.symbol.meaning is not None or "skew" in meaning.symbol.structure
        return isinstance(meaning, core.LeviCivita) or any(map(self._turns, subcores(meaning)))

    def _sum(self, meaning: core.Sum) -> Node:
        nodes, shape = self.nodes, self.shape(meaning.axes)
        terms = [(sign, spread(nodes[id(term)], labels, shape)) for sign, term, labels in meaning.terms]
        total = add(terms)
        self.typed.append((total, [node for _, node in terms]))
        return total

    def _power(self, meaning: core.Power) -> Node:
        base, exponent = self.nodes[id(meaning.base)], meaning.exponent
        if isinstance(exponent, Fraction):
            return power(base, exponent)
        raised = self.nodes[id(exponent)]
        return power(base, raised if raised.shape else broadcast(raised, base.shape))


BUILD: dict[type, Callable[[Lowering, Any], Node]] = {
    Leaf: Lowering._leaf,
    Literal: Lowering._literal,
    Product: Lowering._product,
    core.LeviCivita: lambda lowering, meaning: epsilon(),
    core.SizeOf: lambda lowering, meaning: size(lowering.dimension(meaning.size)),
    core.Sum: Lowering._sum,
    core.Elementwise: lambda lowering, meaning: apply(meaning.function, lowering.nodes[id(meaning.body)]),
    core.Power: Lowering._power,
    core.Grouped: lambda lowering, meaning: flatten(lowering.nodes[id(meaning.body)], meaning.groups),
    core.Whole: lambda lowering, meaning: WHOLE[meaning.function](lowering.nodes[id(meaning.body)], meaning.axis),
}
"""TABLE: the node of a meaning of each kind, once its parts have theirs."""


def _opens(product: Product) -> bool:
    """Whether a product inside a product is no more than its factors there: no axis is along a diagonal or constant."""
    return not product.sizes and len(set(product.output)) == len(product.output)


def spread(node: Node, labels: Labels, shape: tuple[Dimension, ...]) -> Node:
    """A node whose axes are the axes ``labels`` of ``shape``, constant along the others."""
    every = tuple(range(len(shape)))
    return node if labels == every else einsum(1, [(node, labels)], every, dict(enumerate(shape)))
