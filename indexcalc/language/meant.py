"""What an expression means, as it was read → its parts in order, to be evaluated as they stand.

It is not lowered to tensor expressions, so that no law of the normal form is taken on trust.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from indexcalc.errors import IndexcalcError
from indexcalc.language import core
from indexcalc.language.core import Core, Leaf, Symbol, subcores
from indexcalc.language.lowering import Lowering
from indexcalc.tensor.nodes import Dimension, Node, Shape, rational


class Step:
    """A part of what texts mean, one object wherever it occurs in them. ``kind`` is that of the
    meaning, ``what`` all of it but its parts and sizes: the node that a name stands for, labels, a function, an
    exponent. The sizes are those of a product's labels, of a sum's axes, of the axes of what a function takes."""

    __slots__ = ("kind", "parts", "sizes", "what")

    def __init__(self, kind: type[Core], what: Any, parts: tuple[Step, ...], sizes: Shape) -> None:
        self.kind, self.what, self.parts, self.sizes = kind, what, parts, sizes


class Meanings:
    """``nodes`` are the tensors that names stand for; any other name stands for its definition. ``dimension`` gives the
    value of a size. Raises IndexcalcError E203 where that is not known."""

    def __init__(self, nodes: Mapping[Symbol, Node], dimension: Callable[[int], Dimension | None]) -> None:
        self.nodes, self._dimension = nodes, dimension
        self._steps: dict[tuple[type[Core], Any, tuple[Step, ...], Shape], Step] = {}

    def steps(self, root: Core) -> Sequence[Step]:
        """A meaning with its parts before it. Iterative: a sum of many terms may be nested deeply."""
        steps: dict[Step, None] = {}
        found: dict[int, Step] = {}
        stack: list[Core | list[Any]] = [root]
        while stack:
            meaning = stack.pop()
            if isinstance(meaning, list):  # its parts are done
                meaning, own, parts = meaning
                step = found[id(meaning)] = self.step(own, tuple([found[id(part)] for part in parts]))
                steps[step] = None
            elif id(meaning) not in found:
                own = simplest(self._defined(meaning))
                parts = subcores(own)
                stack.append([meaning, own, parts])
                stack += parts
        return list(steps)

    def _defined(self, meaning: Core) -> Core:
        """What a name is defined to mean, through names that only stand for others; any other meaning is itself."""
        while isinstance(meaning, Leaf) and meaning.symbol not in self.nodes and meaning.symbol.meaning is not None:
            meaning = meaning.symbol.meaning
        return meaning

    def step(self, own: Core, parts: tuple[Step, ...]) -> Step:
        """A meaning whose parts are these."""
        kind, what, sizes = self.told(own)
        key = (kind, what, parts, sizes)
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = Step(*key)
        return found

    def told(self, own: Core) -> tuple[type[Core], Any, Shape]:
        """The kind of a meaning, all of it but its parts and sizes, and the sizes."""
        kind = type(own)
        what = WHAT[kind](own)
        return kind, self.nodes[what] if kind is Leaf else what, self._sizes(own) if kind in SIZED else ()

    def _sizes(self, meaning: Core) -> Shape:
        match meaning:
            case core.Product():
                return self._label_sizes(meaning)
            case core.Sum(axes=axes):
                return self._shape(axes)
            case core.Grouped(body=body) | core.Whole(body=body):
                return self._shape(body.axes)
            case core.SizeOf(size=size):
                return self._shape((size,))
        return ()

    def _shape(self, sizes: Sequence[int]) -> Shape:
        found = tuple([value for value in map(self._dimension, sizes) if value is not None])
        if len(found) < len(sizes):
            raise IndexcalcError("E203", "the size of this is not known")
        return found

    def _label_sizes(self, meaning: core.Product) -> Shape:
        sizes = dict(meaning.sizes)
        for part, labels in meaning.factors:
            sizes.update(zip(labels, part.axes, strict=True))
        every = range(max(sizes, default=-1) + 1)
        if len(sizes) == len(every):
            return self._shape([sizes[label] for label in every])
        return tuple([self._shape((sizes[label],))[0] if label in sizes else 1 for label in every])


class Meant:
    """What a question's expression means as it was read. ``lowering`` knows its names, and every size in it."""

    def __init__(self, root: Core, symbols: Iterable[Symbol], lowering: Lowering) -> None:
        self._root, self._symbols, self._lowering = root, symbols, lowering

    @cached_property
    def steps(self) -> Sequence[Step]:
        """The expression with its parts before it."""
        nodes = {symbol: self._lowering.named(symbol) for symbol in self._symbols}
        return Meanings(nodes, self._lowering.dimension).steps(self._root)


def simplest(meaning: Core) -> Core:
    """(u^a)^k as u^(ak) for whole k."""
    if not isinstance(meaning, core.Power) or not isinstance(meaning.base, core.Power):
        return meaning
    inner, outer = meaning.base.exponent, meaning.exponent
    if not isinstance(inner, Fraction) or not isinstance(outer, Fraction) or outer.denominator != 1:
        return meaning
    return core.Power(meaning.axes, meaning.base.base, inner * outer)


SIZED = frozenset({core.Grouped, core.Product, core.SizeOf, core.Sum, core.Whole})
"""The meanings that have sizes of their own."""

WHAT: dict[type[Core], Callable[[Any], Any]] = {
    core.Leaf: lambda leaf: leaf.symbol,
    core.Literal: lambda literal: literal.value if isinstance(literal.value, str) else rational(literal.value),
    core.LeviCivita: lambda eps: None,
    core.SizeOf: lambda size: None,
    core.Product: lambda product: (tuple([labels for _, labels in product.factors]), product.output),
    core.Sum: lambda terms: tuple([(sign, labels) for sign, _, labels in terms.terms]),
    core.Grouped: lambda grouped: tuple([axis for group in grouped.groups for axis in group]),
    core.Elementwise: lambda applied: applied.function,
    core.Power: lambda power: rational(power.exponent) if isinstance(power.exponent, Fraction) else None,
    core.Whole: lambda whole: (whole.function, whole.axis),
}
"""TABLE: what a meaning of each kind is, apart from its parts and sizes; of a name, its symbol."""
