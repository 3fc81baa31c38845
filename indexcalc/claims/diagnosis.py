"""Where a wrong claim departs from what is right: the smallest change that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from typing import NamedTuple

from indexcalc.claims.case import Case, Fit
from indexcalc.claims.comparison import kinds_to_try, valued
from indexcalc.claims.edits import Change, changes, parts
from indexcalc.claims.formula import Own
from indexcalc.claims.mistakes import DELETIONS, ROWS, SHAPING, insertions, renamings
from indexcalc.claims.readings import Reading
from indexcalc.claims.right import Right
from indexcalc.claims.verdict import Diagnosis
from indexcalc.errors import IndexcalcError
from indexcalc.forms.nodes import Form
from indexcalc.language.index_notation import Letters
from indexcalc.language.scope import walk
from indexcalc.language.syntax import Syntax
from indexcalc.render.text import text

MOST_NODES = 120
"""Parts of a claim up to which changes are tried."""
MOST_TRIES = 90
"""Changes of one sort that are tried."""
MOST_WORK = 3000
"""Parts of formulas in index notation that are read; in matrix notation they share theirs."""
MOST_NODES_OF_DONORS = 20
"""Parts of a factor or a term up to which it is tried whether the claim lacks it."""
MOST_NODES_OF_TWO, MOST_PAIRS = 16, 100
"""Parts of a claim up to which two changes at once are tried, and how many pairs."""
USUAL = ("numerator", "value", "row", "vec", "pullback", "differential")
"""The readings that a claim is meant in before all others."""


class Found(NamedTuple):
    """A diagnosis, the reading in which the claim is nearly right, and what is right then."""

    diagnosis: Diagnosis
    reading: Reading
    nearest: Form | None
    letters: Letters
    where: dict[str, Form]


class Search:
    """The ways in which a claim can be wrong, the likeliest first."""

    def __init__(self, case: Case, right: Right) -> None:
        self.case, self.right = case, right
        self.tree = case.formula.tree
        self.usual = [r for r in case.readings if r.key in USUAL]
        self.others = [r for r in case.readings if r.key not in USUAL]
        self.fits = self._fits()

    def _fits(self) -> list[Fit]:
        try:
            return list(self.case.fits(self.tree))
        except IndexcalcError:
            return []

    def best(self) -> Found:
        """The diagnosis of a claim that is wrong."""
        small = _count(self.tree) <= MOST_NODES
        searches = [self._factor]
        if small:
            searches += [self._change, self._lacking, self._kind, self._insertion, self._two_changes]
        for search in searches:
            found = search()
            if found is not None:
                return found
        return self._nothing()

    # ------------------------------------------------------------------ the claim as it stands
    def _factor(self) -> Found | None:
        """Right up to a number."""
        sketch = self.case.sketch
        if sketch is None:
            return None
        for fit in self.fits:
            ratio = self.case.comparison.ratio(fit.reading.value, fit.steps, sketch.at)
            if ratio is not None:
                kind, words = _off_by(ratio, fit.reading)
                return self._found(Diagnosis(kind, words, self.tree.span), fit.reading)
        return None

    def _kind(self) -> Found | None:
        """Right for symmetric A only."""
        task = self.case.subject.derivation.task
        squares = [i for i in task.inputs if len(i.shape) == 2 and i.shape[0] == i.shape[1] and not i.structure]
        spelled = {i.name: i.spelling for i in squares}
        for kinds in kinds_to_try(spelled) if self.fits else ():
            there = self.case.comparison.under(kinds)
            for fit in self.fits:
                if there.same(fit.reading.value, fit.steps):
                    (word,) = next(iter(kinds.values()))
                    words = f"right for {word} {' and '.join(spelled[name] for name in kinds)} only"
                    return self._found(Diagnosis(word, words, self.tree.span), fit.reading)
        return None

    # ------------------------------------------------------------------ changes of the claim
    def _change(self) -> Found | None:
        """One change that makes the claim right: the first in a usual reading, else the first in another."""
        rows = [row for row in ROWS if (row.indexed if self.case.formula.is_indexed else row.matrix)]
        tried = changes(self.tree, rows)
        if self.case.formula.is_indexed:
            own, axes = self.case.formula.letters(self.tree), self.case.subject.derivation.letters
            kept = {letter for reading in self.usual for order in self.case.orders(reading) for letter in order}
            tried = chain(tried, renamings(self.tree, list(dict.fromkeys([*own, *axes])), kept))
        return self._first(tried)

    def _insertion(self) -> Found | None:
        """A factor or a term of the right formula that the claim lacks."""
        donors = [part for tree in self.right.trees for part in parts(tree) if _count(part) <= MOST_NODES_OF_DONORS]
        misfit = self.case.misfit
        tried = insertions(self.tree, donors, self.case.formula.is_indexed, None if misfit is None else misfit.span)
        return self._first(tried)

    def _two_changes(self) -> Found | None:
        """Two changes of the shape: transposes, orders, products entry by entry."""
        if self.case.formula.is_indexed or _count(self.tree) > MOST_NODES_OF_TWO:
            return None

        firsts = changes(self.tree, SHAPING)
        both = (second._replace(first=first) for first in firsts for second in changes(first.tree, SHAPING))
        return self._first(both, MOST_PAIRS)

    def _worded(self, change: Change) -> str:
        """What was wrong, with the parts before and after."""
        before, after = (text(self.case.formula.form(part)) for part in (change.before, change.after))
        words = change.words.format(f"`{before}`", f"`{after}`")
        return words if change.first is None else f"{self._worded(change.first)}; and {words}"

    def _first(self, tried: Iterator[Change], most: int = MOST_TRIES) -> Found | None:
        second: tuple[Change, Fit] | None = None
        for change in self._bounded(islice(tried, most)):
            fit = self.case.hit(change.tree)
            if fit is not None and fit.reading in self.usual:
                return self._changed(change, fit)
            if fit is not None and second is None:
                second = change, fit
        return None if second is None else self._changed(*second)

    def _bounded(self, tried: Iterable[Change]) -> Iterator[Change]:
        """As many changes as there is time for."""
        work = MOST_WORK
        for change in tried:
            work -= _count(change.tree) if self.case.formula.is_indexed else 0
            if work < 0:
                return
            yield change

    def _changed(self, change: Change, fit: Fit) -> Found:
        form = self.case.formula.form
        if change.kind == "transpose" and change.before is self.tree and change.first is None:
            words = f"a transpose: this is that of the {fit.reading.name}"
            return self._found(Diagnosis("transpose", words, change.span), fit.reading)
        words = self._worded(change)
        if self.case.misfit is not None:
            words += f" (as it stands {self.case.misfit.message})"
        start = change.first or change
        return Found(Diagnosis(start.kind, words, start.span), fit.reading, form(change.tree), fit.letters, {})

    # ------------------------------------------------------------------ changes of the right formula
    def _lacking(self) -> Found | None:
        """A right formula less a factor or a term is the claim."""
        formula = self.case.formula
        own = self._own()
        if own is None:
            return None
        expected = valued(own.steps)
        for reading, tree, letters in self.right.readings():
            if letters is not None and len(letters) != len(own.shape):
                continue
            for change in self._bounded(changes(tree, DELETIONS)):
                if self.case.is_like(change.tree, own.shape, own.row, letters, expected):
                    kind = change.kind
                    lost = text(formula.form(change.lost))
                    whole = text(formula.form(change.before))
                    words = f"a {kind.split()[-1]} is missing: `{lost}` in `{whole}`"
                    return self._found(Diagnosis(kind, words, self.tree.span), reading)
        return None

    def _own(self) -> Own | None:
        """The claim with its own shape, or where that is open with that of what it is compared with."""
        try:
            own = self.case.formula.own(self.tree)
        except IndexcalcError:
            return None
        if own is None and self.fits:
            reading, letters, steps = self.fits[0]
            return Own(reading.shape, reading.row, letters, steps)
        return own

    # ------------------------------------------------------------------ what is right instead
    def _found(self, diagnosis: Diagnosis, reading: Reading) -> Found:
        nearest, letters = self.right.form(reading)
        where = {} if nearest is None else self.right.where(nearest, reading)
        return Found(diagnosis, reading, nearest, letters, where)

    def _nothing(self) -> Found:
        """No single change mends the claim: the shapes, if they do not fit."""
        case, span = self.case, self.tree.span
        reading = self.fits[0].reading if self.fits else self.right.usual
        if case.misfit is not None:
            return self._found(
                Diagnosis("shape", f"shapes do not fit: {case.misfit.message}", case.misfit.span), reading
            )
        if not self.fits:
            return self._found(Diagnosis("shape", self._shapes(), span), reading)
        words = "no single change of the claim makes it right"
        return self._found(Diagnosis("unknown", words, span), reading)

    def _shapes(self) -> str:
        """Both shapes of a claim that has none of those that fit."""
        subject = self.case.subject
        if self.case.formula.is_indexed and (message := self._axes()):
            return message
        try:
            own = self.case.formula.own(self.tree)
        except IndexcalcError as error:
            return error.message
        wanted = [f"the {subject.word} is {_sizes(subject.shape)}"]
        wanted += [
            f"its {r.name.split(' ')[0]} {_sizes(r.shape)}" for r in self.case.readings if r.key.startswith("pullback")
        ][:1]
        given = "has no shape of its own" if own is None else f"is {_sizes(own.shape)}" + (", a row" if own.row else "")
        return f"the claim {given}, and {' and '.join(wanted)}"

    def _axes(self) -> str:
        """Which index of index text runs over another size than the axis that it should name."""
        sizes = self.case.formula.letters(self.tree)
        for reading in self.usual:
            for letters in self.case.orders(reading, fitting=False):
                for letter, size in zip(letters, reading.shape, strict=True):
                    if sizes.get(letter) not in (None, size):
                        where = f"that axis of the {reading.name} over {size}"
                        return f"the index {letter} runs over {sizes[letter]}, and {where}"
        return ""


def _count(tree: Syntax) -> int:
    return sum(1 for _ in walk(tree))


def _sizes(shape: Sequence[object]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"


def _off_by(ratio: Fraction, reading: Reading) -> tuple[str, str]:
    """What is wrong with a claim that is so many times what is right."""
    if ratio == -1:
        return "sign", f"the sign is wrong: the claim is minus the {reading.name}"
    factor = 1 / ratio
    return "scale", f"right up to the factor {factor}: the {reading.name} is {factor} times the claim"
