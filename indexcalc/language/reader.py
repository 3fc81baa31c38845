"""printed text → tensor expression, under the declarations of one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from indexcalc.errors import IndexcalcError
from indexcalc.language.core import Axes, Literal, Symbol
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.lowering import Lowering
from indexcalc.language.parser import normalise, parse
from indexcalc.language.scope import Reading, Scope, kind_of
from indexcalc.language.syntax import Name
from indexcalc.tensor.nodes import Dimension, Node, Shape


class Declared(NamedTuple):
    """A variable, and its kinds beyond the rank."""

    name: str
    shape: Shape
    structure: tuple[str, ...] = ()


class Reader:
    """``known`` are names of tensor expressions; each text is read apart from the others."""

    def __init__(self, declared: Iterable[Declared], known: Mapping[str, Node]) -> None:
        self.scope = Scope()
        self.known: list[tuple[Literal, Node]] = []
        for name, shape, structure in declared:
            self._symbol(name, shape).structure = structure
        for name, node in known.items():
            meaning = Literal(self._axes(node.shape), Fraction(0))
            self._symbol(name, node.shape).meaning = meaning
            self.known.append((meaning, node))

    def _symbol(self, name: str, shape: Shape) -> Symbol:
        axes = self._axes(shape)
        symbol = self.scope.symbols[name] = Symbol(name, kind_of(axes), axes, name, (0, 0), assumed=False)
        return symbol

    def _axes(self, shape: Shape) -> Axes:
        return tuple([self._size(dimension) for dimension in shape])

    def _size(self, dimension: Dimension) -> int:
        sizes = self.scope.sizes
        parts = str(dimension).split("*")
        if len(parts) > 1:
            return sizes.product([self._size(int(part) if part.isdigit() else part) for part in parts])
        if isinstance(dimension, str):
            self.scope.size_symbols.add(dimension)
        return sizes.fixed(dimension)

    def read(self, text: str, letters: Letters | None, shape: Shape | None) -> Node | None:
        """The meaning of a text: index text where ``letters`` name its axes, else matrix text; the letters of a
        left-hand side come first. None where it has not this shape. Raises IndexcalcError."""
        statement = parse(normalise(text))
        side = statement.left
        if statement.right is not None:
            (left,) = side.items
            side = statement.right
            if letters is not None and isinstance(left, Name):
                letters = tuple([letter for script in left.scripts for letter in letters_of(script) or ()])
        with self.scope.attempt(keep=False):
            reading = Reading(self.scope, text)
            meaning, _ = reading.read(side.items[0], letters)
            if reading.undeclared:
                names = ", ".join(name.text for name in reading.undeclared)
                raise IndexcalcError("E304", f"{names} stands for nothing", side.span)
            if shape is not None:
                wanted = self._axes(shape)
                fits = len(wanted) == len(meaning.axes) and all(map(self.scope.sizes.unify, meaning.axes, wanted))
                if not fits or (letters is None and reading.kind == "r"):
                    return None
            lowering = Lowering(self._dimension)
            for stand_in, node in self.known:
                lowering.nodes[id(stand_in)] = node
            return lowering.lower(meaning)

    def _dimension(self, size: int) -> Dimension:
        found = self.scope.sizes.value(size)
        if found is None:
            raise IndexcalcError("E203", "the size of this is not known")
        return found
