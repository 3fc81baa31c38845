"""The formula of a claim, and formulas like it, under the names of the question: syntax tree → what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, permutations
from typing import NamedTuple

from indexcalc.errors import IndexcalcError
from indexcalc.forms.nodes import Form
from indexcalc.forms.typed import typed
from indexcalc.language import syntax
from indexcalc.language.core import Core, Literal, Sum, subcores
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.library import Value
from indexcalc.language.matrix_notation import MatrixNotation
from indexcalc.language.meant import Step, simplest
from indexcalc.language.reader import Reader
from indexcalc.language.scope import Reading, refuse_function, size_names, walk
from indexcalc.language.syntax import Name, Syntax
from indexcalc.numeric.arithmetic import Value as Entries
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import entries
from indexcalc.tensor.nodes import Dimension, Node, Shape, variable

MISFITS = frozenset({"E203", "E204", "E205", "E206"})
"""The errors of formulas whose shapes do not fit: such a claim is understood, and wrong."""

MOST_PERMUTATIONS = 5000
"""Ways to name axes that are looked at."""

Steps = Sequence[Step]


class Remembering(MatrixNotation):
    """Matrix notation that meets the same parts of trees again and again."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.scope.sizes, reading.value_of, [], reading.text)
        self._known: dict[int, tuple[Syntax, Value]] = {}

    def value(self, node: Syntax) -> Value:
        found = self._known.get(id(node))
        if found is not None:
            return found[1]
        mark = self.sizes.mark()
        value = super().value(node)
        if self.sizes.mark() == mark and None not in map(self.sizes.value, value.core.axes):
            self._known[id(node)] = node, value  # with the node, so that no other takes its id
        return value


class Sketch:
    """Formulas at one point, where they share their parts with each other."""

    def __init__(self, reader: Reader, at: Evaluation) -> None:
        self.reader, self.at = reader, at
        self._known: dict[int, tuple[Core, Entries]] = {}

    def entries(self, meaning: Core) -> Entries:
        """The entries of a meaning. Raises ArithmeticError or ValueError where it has none."""
        known = self._known
        found = known.get(id(meaning))
        if found is None:
            own = simplest(meaning)
            parts = [known[id(part)][1] if id(part) in known else self.entries(part) for part in subcores(own)]
            found = known[id(meaning)] = meaning, entries(*self.reader.meanings.told(own), parts, self.at)
        return found[1]


class Own(NamedTuple):
    """A formula of its own shape: whether it is a row, and the letters of its axes in index notation."""

    shape: Shape
    row: bool
    letters: Letters | None
    steps: Steps


class Formula:
    """A formula, and the formulas that are made of it. ``left`` are the letters of its left-hand side, if it has one.

    ``roles`` are the shapes of its names that the question does not have. Raises IndexcalcError where the formula
    means nothing; shapes that do not fit are found out later.
    """

    def __init__(
        self, reader: Reader, text: str, tree: Syntax, left: Letters | None, roles: Mapping[str, Shape]
    ) -> None:
        self.reader, self.text, self.left = reader, text, left
        for name, shape in roles.items():
            symbol = reader.declare(name, shape)
            reader.nodes[symbol] = variable(name, shape)
            symbol.assumed = True
        scope = reader.scope
        self.sizes = [name for name in size_names(walk(tree)) if not name.isdigit()]
        for name in self.sizes:
            scope.sizes.fixed(name)
            scope.size_symbols.add(name)
        self.reading = Reading(scope, text)
        self.tree, _ = self.reading.prepared(tree)
        self.is_indexed = bool(left) or self.reading.indexed(self.tree)
        self.matrix = Remembering(self.reading)

    # ------------------------------------------------------------------ what trees mean
    def read(self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None = None) -> Steps | None:
        """A tree as a tensor of this shape; None where it has another. ``letters`` are those of the axes in index
        text. Raises IndexcalcError."""
        with self.reader.scope.attempt(keep=False):
            meaning = self._shaped(tree, shape, row, letters)
            return None if meaning is None else self.reader.meanings.steps(meaning)

    def sketched(
        self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None, sketch: Sketch
    ) -> Entries | None:
        """The entries at one point of a tree that has this shape; None where it has another. Raises IndexcalcError,
        ArithmeticError, ValueError."""
        with self.reader.scope.attempt(keep=False):
            meaning = self._shaped(tree, shape, row, letters)
            return None if meaning is None else sketch.entries(meaning)

    def own(self, tree: Syntax) -> Own | None:
        """A tree as it stands; None where its shape is open. Raises IndexcalcError."""
        with self.reader.scope.attempt(keep=False):
            letters: Letters | None = self.left
            if self.is_indexed and letters is None:
                letters = self.free(tree)
            meaning, kind = self._meaning(tree, letters)
            sizes = [self.reader.scope.sizes.value(axis) for axis in meaning.axes]
            shape: Shape = tuple([size for size in sizes if size is not None])
            if len(shape) < len(sizes):
                return None
            return Own(shape, kind == "r", letters, self.reader.meanings.steps(meaning))

    def node(self, tree: Syntax, shape: Shape, letters: Letters | None) -> Node | None:
        """A tree as a tensor expression; None where it has none."""
        with self.reader.scope.attempt(keep=False):
            try:
                meaning, _ = self._meaning(tree, letters)
                if all(map(self.reader.scope.sizes.unify, meaning.axes, self.reader.axes(shape))):
                    return self.reader.lowered(meaning)
            except (IndexcalcError, ArithmeticError):
                pass
        return None

    def _shaped(self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None) -> Core | None:
        """The meaning of a tree that has this shape; a 0 has every one."""
        meaning, kind = self._meaning(tree, letters)
        wanted = self.reader.axes(shape)
        if isinstance(meaning, Literal) and meaning.value == 0:
            return Sum(wanted, ((1, meaning, ()),))
        fits = len(meaning.axes) == len(wanted) and (kind == "r") == row
        return meaning if fits and all(map(self.reader.scope.sizes.unify, meaning.axes, wanted)) else None

    def _meaning(self, tree: Syntax, letters: Letters | None) -> tuple[Core, str]:
        if self.is_indexed:
            return Reading(self.reader.scope, self.text).meaning(tree, walk(tree), letters)[0], ""
        value = self.matrix.value(tree)
        return value.core, value.kind

    # ------------------------------------------------------------------ letters
    def free(self, tree: Syntax) -> Letters:
        """The letters that are free in index text. Raises IndexcalcError."""
        with self.reader.scope.attempt(keep=False):
            return Reading(self.reader.scope, self.text).meaning(tree, walk(tree), None)[1] or ()

    def letters(self, tree: Syntax) -> dict[str, Dimension | None]:
        """The letters of index text in order, but for those that a sum names, with their sizes where a name has
        them."""
        found: dict[str, Dimension | None] = {}
        summed: set[str] = set()
        for node in walk(tree):
            match node:
                case Name():
                    symbol, _, scripts = self.reader.scope.lookup(node)
                    own = [letter for script in scripts for letter in letters_of(script) or ()]
                    axes = symbol.axes if symbol is not None and len(symbol.axes) == len(own) else None
                    for place, letter in enumerate(own):
                        size = None if axes is None else self.reader.scope.sizes.value(axes[place])
                        found[letter] = found.get(letter) or size
                case syntax.Indexed(script=script):
                    for letter in letters_of(script) or ():
                        found.setdefault(letter, None)
                case syntax.SumOver(indices=indices):
                    summed |= set(letters_of(indices) or ())
        return {letter: size for letter, size in found.items() if letter not in summed}

    def orders(self, shape: Shape, named: Sequence[str], shown: Sequence[str], fitting: bool) -> Iterator[Letters]:
        """Ways to name the axes of a tensor by the letters of the formula: ``named`` are those that are fixed, ""
        where they are not, ``shown`` those that are tried first. ``fitting``: only those whose sizes fit, and that
        leave no index of the formula over."""
        if self.left is not None:
            if len(self.left) == len(shape) and all(x in ("", own) for x, own in zip(named, self.left, strict=True)):
                yield self.left
            return
        sizes = self.letters(self.tree)
        try:
            must = set(self.free(self.tree))
        except IndexcalcError:  # its terms have different letters, or one occurs too often: the left side has them
            must = set()
        fixed = {place: letter for place, letter in enumerate(named) if letter}
        spare = sorted((x for x in sizes if x not in fixed.values()), key=lambda x: (x not in shown, _place(x, shown)))
        if len(fixed) > len(shape):
            return
        for chosen in islice(permutations(spare, len(shape) - len(fixed)), MOST_PERMUTATIONS):
            rest = iter(chosen)
            letters = tuple([fixed[place] if place in fixed else next(rest) for place in range(len(shape))])
            fits = all(sizes.get(x) in (None, size) for x, size in zip(letters, shape, strict=True))
            if not fitting or (fits and must <= set(letters)):
                yield letters

    # ------------------------------------------------------------------ writing
    def form(self, tree: Syntax) -> Form:
        """A tree as a form, to be written in any format."""

        def lookup(name: Name) -> tuple[str, tuple[syntax.Script, ...]]:
            symbol, spelled, scripts = self.reader.scope.lookup(name)
            return (symbol.spelling if symbol is not None else spelled), scripts

        return typed(tree, lookup, " " if self.is_indexed else "*")


def _place(letter: str, shown: Sequence[str]) -> int:
    return list(shown).index(letter) if letter in shown else len(shown)


def unknown_names(reader: Reader, text: str, tree: Syntax) -> list[Name]:
    """The names of a formula that stand for nothing yet, each once. Raises IndexcalcError for functions."""
    reading = Reading(reader.scope, text)
    found: dict[str, Name] = {}
    for node in reading.prepared(tree)[1]:
        if isinstance(node, Name) and reader.scope.lookup(node)[0] is None and reading.is_unknown(node):
            name = reader.scope.lookup(node)[1]
            refuse_function(name, node)
            found.setdefault(name, node)
    return list(found.values())


def letters_of_name(name: Name) -> Letters:
    """The letters behind a name on a left-hand side."""
    return tuple([letter for script in name.scripts for letter in letters_of(script) or ()])
