"""Printed text read again, under the declarations of one answer.

It is not lowered to tensor expressions: what the text means is evaluated as it stands, so that no law of the normal
form is taken on trust, and because that is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

from indexcalc.errors import IndexcalcError
from indexcalc.language.core import Axes, Core, Literal, Symbol
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.lowering import Lowering
from indexcalc.language.meant import Meanings, Step
from indexcalc.language.parser import normalise, parse
from indexcalc.language.scope import Reading, Scope, kind_of
from indexcalc.language.syntax import Name
from indexcalc.tensor.nodes import Dimension, Node, Shape, variable
from indexcalc.tensor.structure import structured

T = TypeVar("T")


class Declared(NamedTuple):
    """A variable, and its kinds beyond the rank."""

    name: str
    shape: Shape
    structure: tuple[str, ...] = ()


class Reader:
    """``known`` are names of tensor expressions, ``functions`` those of elementwise functions that the user declared;
    each text is read apart from the others."""

    def __init__(self, declared: Iterable[Declared], known: Mapping[str, Node], functions: Iterable[str]) -> None:
        self.scope = Scope()
        self.scope.functions = dict.fromkeys(functions, (0, 0))
        self.nodes: dict[Symbol, Node] = {}
        self.known: list[tuple[Literal, Node]] = []
        self.meanings = Meanings(self.nodes, self.scope.sizes.value)
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
        return self._read(text, letters, shape, self.meanings.steps)

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
        value = self.scope.sizes.value(size)
        if value is None:
            raise IndexcalcError("E203", "the size of this is not known")
        return value
