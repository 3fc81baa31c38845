"""What would be right instead of a wrong claim: the forms of the derivative, in the claim's own notation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from indexcalc.claims.case import Case
from indexcalc.claims.readings import Reading
from indexcalc.errors import IndexcalcError
from indexcalc.forms import algebra
from indexcalc.forms.index import NoIndexForm
from indexcalc.forms.nodes import Form
from indexcalc.language.index_notation import Letters
from indexcalc.language.parser import normalise, parse
from indexcalc.language.scope import Reading as TextReading
from indexcalc.language.syntax import Syntax
from indexcalc.render.text import text
from indexcalc.written import Written

SHOWN = 3
"""Right formulas that a claim is compared with."""


class Right:
    """The right formulas for one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._made: dict[Reading, tuple[Form | None, Letters]] = {}
        self._written: dict[str, Written] = {}

    def written(self, vector: str) -> Written:
        """The forms under the user's own names, as far as the claim can use them."""
        if vector not in self._written:
            derivation, known = self.case.subject.derivation, self.case.formula.reader.scope.symbols
            task = derivation.task
            defined = {node: name for node, name in task.defined.items() if name in known}
            task = task._replace(defined=defined, name=task.name if task.name in known else "")
            self._written[vector] = Written(derivation.renamed(task, vector), by_definitions=True)
        return self._written[vector]

    def form(self, reading: Reading) -> tuple[Form | None, Letters]:
        """The form of a reading: index text where the claim is one, with the letters of its axes."""
        if reading not in self._made:
            try:
                self._made[reading] = self._form(reading)
            except (NoIndexForm, IndexcalcError):
                self._made[reading] = None, ()
        return self._made[reading]

    def _form(self, reading: Reading) -> tuple[Form | None, Letters]:
        written = self.written(reading.vector)
        if reading.node is None:
            vec = written.vec
            return (algebra.transpose(vec) if vec is not None and reading.key != "vec" else vec), ()
        letters = self._letters(reading)
        indexed = self.case.formula.is_indexed
        is_whole = reading.key == "numerator" and letters == self.case.subject.derivation.letters
        printed = written.derivative if is_whole else written.writer.best(reading.node(), letters)
        if printed.matrix is None or indexed:
            form = printed.indexed
            return form, printed.letters
        return (algebra.transpose(printed.matrix) if reading.row else printed.matrix), ()

    def _letters(self, reading: Reading) -> Letters:
        """The claim's own letters for the axes of a reading, else those of the answer."""
        derivation = self.case.subject.derivation
        own = self.case.orders(reading, fitting=False) if self.case.formula.is_indexed else []
        if own:
            return own[0]
        shown = [letter for group in derivation.groups for letter in group]
        return tuple([shown[axis] for axis in reading.axes])

    def where(self, form: Form, reading: Reading) -> dict[str, Form]:
        """The names of our own that a form uses for its parts, in order."""
        written = self.written(reading.vector)
        task = written.derivation.task
        found = written.writer.where([form])
        return {name: part for name, part in found.items() if name not in (task.name, *task.defined.values())}

    # ------------------------------------------------------------------ as trees
    @cached_property
    def usual(self) -> Reading:
        """The reading that a claim is most likely meant in."""
        readings = self.case.readings
        named = next((r for r in readings if r.vector), None)
        if named is not None:
            return named
        whole = readings[0]
        if len(whole.shape) > 2 and not self.case.formula.is_indexed:
            return next((r for r in readings if r.key == "pullback of ones"), whole)
        return whole

    def readings(self) -> Iterator[tuple[Reading, Syntax, Letters | None]]:
        """The right formulas that a claim is compared with, as trees, with the letters of their axes in index text."""
        readings = self.case.readings
        wanted = [self.usual, *(r for r in readings if r.key in ("numerator", "value", "pullback of ones", "vec"))]
        for reading in list(dict.fromkeys(wanted))[:SHOWN]:
            form, letters = self.form(reading)
            if form is not None and bool(letters) == (self.case.formula.is_indexed and bool(reading.shape)):
                yield (
                    reading,
                    self._tree(form, self.written(reading.vector)),
                    letters if self.case.formula.is_indexed else None,
                )

    @cached_property
    def trees(self) -> list[Syntax]:
        return [tree for _, tree, _ in self.readings()]

    def _tree(self, form: Form, written: Written) -> Syntax:
        reader = self.case.formula.reader
        for node, name in written.writer.context.names.items():
            if name not in reader.scope.symbols:
                reader.know(name, node)
        shown = normalise(text(form))
        return TextReading(self.case.formula.reader.scope, shown).prepared(parse(shown).left.items[0])[0]
