"""A claim under one choice of what its own names stand for: what it is compared with, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from indexcalc.claims.comparison import Comparison, Outcome
from indexcalc.claims.formula import MISFITS, Formula, Sketch, Steps
from indexcalc.claims.readings import Reading, Subject
from indexcalc.errors import IndexcalcError
from indexcalc.language.index_notation import Letters
from indexcalc.language.syntax import Syntax
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import NO_VALUE, Valued
from indexcalc.tensor.nodes import Shape, descendants, size, variable

MOST_ORDERS = 60
"""Ways to name the axes of one tensor that are tried."""
ORDERS = 2
"""Ways to name the axes that are tried for formulas other than the claim."""


class Fit(NamedTuple):
    """A formula that has the shape of a reading, with the letters of its axes in index notation."""

    reading: Reading
    letters: Letters
    steps: Steps


class Case:
    """``roles`` are the claim's own names with their shapes, ``vectors`` those that may be a cotangent or a
    perturbation."""

    def __init__(
        self, subject: Subject, formula: Formula, roles: Mapping[str, Shape], vectors: Mapping[str, Shape]
    ) -> None:
        self.subject, self.formula, self.roles, self.vectors = subject, formula, roles, vectors
        self.readings = subject.readings(vectors.items())
        task = subject.derivation.task
        others = [node for node in formula.reader.nodes.values() if node not in task.wrt]
        roots = [task.output, subject.derivative, *task.wrt, *others]
        roots += [variable(name, shape) for name, shape in vectors.items()]
        roots += [size(name) for name in formula.sizes]
        self.comparison = Comparison(descendants(roots), {i.name: i.structure for i in task.inputs})
        self.misfit: IndexcalcError | None = None
        """Why the shapes in the claim itself do not fit."""
        self._orders: dict[tuple[Reading, bool], list[Letters]] = {}

    # ------------------------------------------------------------------ shapes
    def fits(self, tree: Syntax) -> Iterator[Fit]:
        """The readings whose shape a formula has. Raises IndexcalcError."""
        if not self.formula.is_indexed:
            read: dict[tuple[Shape, bool], Steps | None] = {}
            for reading in self.readings:
                key = reading.shape, reading.row
                if key not in read:
                    read[key] = self.formula.read(tree, *key)
                if (steps := read[key]) is not None:
                    yield Fit(reading, (), steps)
            return
        for reading in self.readings:
            for letters in self.orders(reading):
                steps = self.formula.read(tree, reading.shape, False, letters)
                if steps is not None:
                    yield Fit(reading, letters, steps)

    def orders(self, reading: Reading, fitting: bool = True) -> list[Letters]:
        """Ways to name the axes of a reading by the letters of the claim."""
        if reading.row or (not reading.axes and reading.shape):
            return []
        if (reading, fitting) not in self._orders:
            given = self._given_letters
            named = [given[axis] for axis in reading.axes]
            shown = self.subject.derivation.letters
            preferred = [shown[axis] for axis in reading.axes]
            found = self.formula.orders(reading.shape, named, preferred, fitting)
            self._orders[reading, fitting] = list(islice(found, MOST_ORDERS if fitting else ORDERS))
        return self._orders[reading, fitting]

    @cached_property
    def _given_letters(self) -> list[str]:
        """The user's letter for each axis of the derivative, in numerator layout; "" where there is none. Those of
        the output count where the claim has them, those of the variables always."""
        task = self.subject.derivation.task
        shapes = [task.output.shape, *[v.shape for v in task.wrt]] if self.subject.derivation.is_derivative else []
        letters = self.formula.letters(self.formula.tree)
        found: list[str] = []
        for place, shape in enumerate(shapes):
            own = task.letters[place] if place < len(task.letters) else ()
            known = len(own) == len(shape) and (place > 0 or set(own) <= set(letters))
            found += own if known else [""] * len(shape)
        rank = len(self.subject.shape)
        return (found + [""] * rank)[:rank]

    # ------------------------------------------------------------------ values
    def holds(self) -> tuple[Fit, bool] | None:
        """The first reading in which the claim is right, and whether that is proved. Raises IndexcalcError E406 where
        it cannot be decided, and others for a claim that means nothing."""
        tree, compare = self.formula.tree, self.comparison
        try:
            fits = []
            for fit in self.fits(tree):
                if compare.same(fit.reading.value, fit.steps):
                    return fit, True
                fits.append(fit)
            if not fits and self.formula.is_indexed:
                self.formula.own(tree)
        except IndexcalcError as error:
            if error.code not in MISFITS:
                raise
            self.misfit = error
            return None
        undecided = False
        for fit in fits:
            node = self.formula.node(tree, fit.reading.shape, fit.letters or None)
            outcome = compare.outcome(fit.reading.value, fit.steps, node)
            if outcome in (Outcome.PROVED, Outcome.CLOSE):
                return fit, outcome is Outcome.PROVED
            if outcome is Outcome.UNKNOWN:
                if node is not None and fit.reading.node is not None and node is fit.reading.node():
                    return fit, True  # by laws of the normal form alone
                undecided = True
        if undecided:
            message = "no point was found at which the derivative and the claim could be compared"
            raise IndexcalcError("E406", message, tree.span)
        return None

    # ------------------------------------------------------------------ other formulas
    @cached_property
    def sketch(self) -> Sketch | None:
        """Where formulas are told apart quickly."""
        at = self.comparison.point(self.readings[0].value)
        return None if at is None else Sketch(self.formula.reader, at)

    def hit(self, tree: Syntax) -> Fit | None:
        """The first reading in which a formula is right."""
        known: dict[tuple[Shape, bool, Letters], Value | None] = {}
        for reading in self.readings:
            for letters in self.orders(reading, fitting=False) if self.formula.is_indexed else ((),):
                key = reading.shape, reading.row, letters
                if key not in known:
                    known[key] = self._sketched(tree, *key[:2], letters or None)
                steps = self._same(tree, *key[:2], letters or None, reading.value, known[key])
                if steps is not None:
                    return Fit(reading, letters, steps)
        return None

    def is_like(self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None, expected: Valued) -> bool:
        """Whether a formula has the shape and the entries that are expected."""
        got = self._sketched(tree, shape, row, letters)
        return self._same(tree, shape, row, letters, expected, got) is not None

    def _sketched(self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None) -> Value | None:
        """The entries of a formula at one point; None where it has another shape, or no value."""
        if self.sketch is None:
            return None
        try:
            return self.formula.sketched(tree, shape, row, letters, self.sketch)
        except (IndexcalcError, *NO_VALUE):
            return None

    def _same(
        self, tree: Syntax, shape: Shape, row: bool, letters: Letters | None, expected: Valued, got: Value | None
    ) -> Steps | None:
        """The meaning of a formula with these entries at one point, if it has everywhere those that are expected."""
        if got is None or self.sketch is None:
            return None
        try:
            if not self.comparison.near(expected, got, self.sketch.at):
                return None
            steps = self.formula.read(tree, shape, row, letters)
            return steps if steps is not None and self.comparison.confirmed(expected, steps) else None
        except NO_VALUE:
            return None
