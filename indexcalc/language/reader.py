"""Printed text read again, under the declarations of one answer.

It is not lowered to tensor expressions: what the text means is evaluated as it stands, so that no law of the normal
form is taken on trust, and because that is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from indexcalc.errors import IndexcalcError
from indexcalc.language import core
from indexcalc.language.core import Axes, Core, Leaf, Literal, Symbol, subcores
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.lowering import Lowering
from indexcalc.language.parser import normalise, parse
from indexcalc.language.scope import Reading, Scope, kind_of
from indexcalc.language.syntax import Name
from indexcalc.tensor.nodes import Dimension, Node, Shape, rational, variable
from indexcalc.tensor.structure import structured

T = TypeVar("T")


class Declared(NamedTuple):
    """A variable, and its kinds beyond the rank."""

    name: str
    shape: Shape
    structure: tuple[str, ...] = ()


class Step:
    """A part of what texts mean, one object wherever it occurs in the texts of a reader. ``kind`` is that of the
    meaning, ``what`` all of it but its parts and sizes: the node that a name stands for, labels, a function, an
    exponent. The sizes are those of a product's labels, of a sum's axes, of the axes of what a function takes."""

    __slots__ = ("kind", "parts", "sizes", "what")

    def __init__(self, kind: type[Core], what: Any, parts: tuple[Step, ...], sizes: Shape) -> None:
        self.kind, self.what, self.parts, self.sizes = kind, what, parts, sizes


class Reader:
    """``known`` are names of tensor expressions, ``functions`` those of elementwise functions that the user declared;
    each text is read apart from the others."""

    def __init__(self, declared: Iterable[Declared], known: Mapping[str, Node], functions: Iterable[str]) -> None:
        self.scope = Scope()
        self.scope.functions = dict.fromkeys(functions, (0, 0))
        self.nodes: dict[Symbol, Node] = {}
        self.known: list[tuple[Literal, Node]] = []
        self._steps: dict[tuple[type[Core], Any, tuple[Step, ...], Shape], Step] = {}
        self._axes: dict[Shape, Axes] = {}
        for name, shape, structure in declared:
            symbol = self.declare(name, shape)
            symbol.structure = structure
            self.nodes[symbol] = structured(name, shape, structure) if structure else variable(name, shape)
        for name, node in known.items():
            self.know(name, node)

    def know(self, name: str, node: Node) -> None:
        """A name that stands for a tensor expression."""
        symbol = self.declare(name, node.shape)
        symbol.meaning = Literal(symbol.axes, Fraction(0))
        self.nodes[symbol] = node
        self.known.append((symbol.meaning, node))

    def declare(self, name: str, shape: Shape) -> Symbol:
        """A name with a shape; the tensor that it stands for goes to ``nodes``."""
        axes = self.axes(shape)
        stem, _, step = name.rpartition("[")
        spelled = f"{stem}_{step[:-1]}" if step[:-1].isdigit() else name  # as it is read back
        symbol = self.scope.symbols[spelled] = Symbol(name, kind_of(axes), axes, name, (0, 0), assumed=False)
        return symbol

    def axes(self, shape: Shape) -> Axes:
        """The sizes of a shape, as unknowns with a value."""
        found = self._axes.get(shape)
        if found is None:
            found = self._axes[shape] = tuple([self._size(dimension) for dimension in shape])
        return found

    def _size(self, dimension: Dimension) -> int:
        sizes = self.scope.sizes
        parts = str(dimension).split("*")
        if len(parts) > 1:
            return sizes.product([self._size(int(part) if part.isdigit() else part) for part in parts])
        if isinstance(dimension, str):
            self.scope.size_symbols.add(dimension)
        return sizes.fixed(dimension)

    # ------------------------------------------------------------------ reading
    def steps(self, text: str, letters: Letters | None, shape: Shape) -> Sequence[Step] | None:
        """The meaning of a text, its parts before it: of index text where ``letters`` name its axes, else of matrix
        text; the letters of a left-hand side come first. None where it has not this shape. Raises IndexcalcError."""
        return self._read(text, letters, shape, self.steps_of)

    def node(self, text: str, letters: Letters | None, shape: Shape) -> Node | None:
        """The tensor expression that a text stands for. Raises IndexcalcError."""

        return self._read(text, letters, shape, self.lowered)

    def lowered(self, meaning: Core) -> Node:
        """The tensor expression of a meaning."""
        lowering = Lowering(self._dimension)
        for stand_in, node in self.known:
            lowering.nodes[id(stand_in)] = node
        return lowering.lower(meaning)

    def is_indexed(self, text: str) -> bool:
        """Whether a text is index text."""
        return Reading(self.scope, text).indexed(parse(normalise(text)).left.items[0])

    def _read(self, text: str, letters: Letters | None, shape: Shape, then: Callable[[Core], T]) -> T | None:
        statement = parse(normalise(text))
        side = statement.left
        if statement.right is not None:
            (left,) = side.items
            side = statement.right
            if letters is not None and isinstance(left, Name):
                letters = tuple([letter for script in left.scripts for letter in letters_of(script) or ()])
        with self.scope.attempt(keep=False):
            reading, known = Reading(self.scope, text), len(self.scope.symbols)
            meaning, _ = reading.meaning(*reading.prepared(side.items[0]), letters)
            if len(self.scope.symbols) > known:
                names = ", ".join(list(self.scope.symbols)[known:])
                raise IndexcalcError("E304", f"{names} stands for nothing", side.span)
            wanted = self.axes(shape)
            fits = len(wanted) == len(meaning.axes) and all(map(self.scope.sizes.unify, meaning.axes, wanted))
            if not fits or (letters is None and reading.kind == "r"):
                return None
            return then(meaning)

    def _dimension(self, size: int) -> Dimension:
        return self._dimensions([size])[0]

    def _dimensions(self, sizes: Sequence[int]) -> Shape:
        found = tuple([value for value in map(self.scope.sizes.value, sizes) if value is not None])
        if len(found) < len(sizes):
            raise IndexcalcError("E203", "the size of this is not known")
        return found

    def steps_of(self, root: Core) -> Sequence[Step]:
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
                own = simplest(meaning)
                parts = subcores(own)
                stack.append([meaning, own, parts])
                stack += parts
        return list(steps)

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
                return self._dimensions(axes)
            case core.Grouped(body=body) | core.Whole(body=body):
                return self._dimensions(body.axes)
            case core.SizeOf(size=size):
                return (self._dimension(size),)
        return ()

    def _label_sizes(self, meaning: core.Product) -> Shape:
        sizes = dict(meaning.sizes)
        for part, labels in meaning.factors:
            sizes.update(zip(labels, part.axes, strict=True))
        every = range(max(sizes, default=-1) + 1)
        if len(sizes) == len(every):
            return self._dimensions([sizes[label] for label in every])
        return tuple([self._dimension(sizes[label]) if label in sizes else 1 for label in every])


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
