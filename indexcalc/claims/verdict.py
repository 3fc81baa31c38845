"""What is said of a claim: whether and how it holds, or a counter-example, what is wrong, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from indexcalc.claims.counterexample import Counterexample
from indexcalc.claims.readings import Reading
from indexcalc.derivation import Derivation
from indexcalc.errors import Span
from indexcalc.forms.nodes import Form, Symbol
from indexcalc.render import latex
from indexcalc.render.claim import ClaimReport, Row
from indexcalc.render.report import Report
from indexcalc.render.text import text
from indexcalc.written import Written

LONGEST = 240
"""Characters of a tensor up to which a person is shown all of it."""


@dataclass(frozen=True)
class Diagnosis:
    """Where a claim departs from what is right. ``kind`` is for programs; ``span`` the place in the claim's text,
    where there is one."""

    kind: str
    text: str
    span: Span | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind, "text": self.text, "span": None if self.span is None else list(self.span)}


@dataclass(frozen=True)
class Verdict:
    """The answer to a claim.

    ``found`` is the standard reading in which it holds, or for a wrong claim the one that it comes nearest to;
    ``where`` holds the names that the nearest formula uses for its parts;
    ``exact`` whether equality is proved, not only seen in floats; ``letters`` those that index text has for its axes.
    """

    derivation: Derivation
    text: str
    claim: Form
    holds: bool
    found: Reading
    sentence: str
    exact: bool = True
    letters: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    nearest: Form | None = None
    nearest_letters: tuple[str, ...] = ()
    where: dict[str, Form] = field(default_factory=dict)
    counterexample: Counterexample | None = None
    notes: list[str] = field(default_factory=list)
    typed: str = ""
    """The claim as it was typed, where loops were written out in it."""
    right: str = ""
    """What is right with the loops kept."""

    @property
    def reading(self) -> str | None:
        """The standard reading in which the claim holds, such as ``pullback for G = 1``; None where it does not."""
        return self.found.name if self.holds else None

    @property
    def nearest_text(self) -> str | None:
        """The nearest right formula."""
        return None if self.nearest is None else text(self.nearest)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of a claim; ``verdict`` is ``holds`` or ``refuted``."""
        task = self.derivation.task
        spelled = {i.name: i.spelling for i in task.inputs}
        return {
            "schema": 1,
            "line": task.line,
            "input": task.text,
            "ok": True,
            "claim": self.text,
            "wrt": [spelled.get(v.name, v.name) for v in task.wrt],
            "order": self.derivation.order,
            "shape": list(self.derivation.derivative.shape),
            "declarations": {
                i.spelling: {"kind": i.kind, "shape": list(i.shape), "assumed": i.assumed} for i in task.inputs
            },
            "notes": [*task.notes, *self.notes],
            "verdict": "holds" if self.holds else "refuted",
            "holds": self.holds,
            "exact": self.exact,
            "reading": self.reading,
            "reading_key": self.found.key if self.holds else None,
            "sentence": self.sentence,
            "axes": list(self.letters) or None,
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_dict(),
            "nearest": self.nearest_text,
            "nearest_reading": None if self.nearest is None else self.found.name,
            "nearest_axes": list(self.nearest_letters) or None,
            "where": {name: text(form) for name, form in self.where.items()},
            "right": self.right or None,
            "counterexample": None if self.counterexample is None else self.counterexample.to_dict(),
            "latex": {
                "claim": latex.latex(self.claim),
                "nearest": None if self.nearest is None else latex.latex(self.nearest),
            },
            "error": None,
        }

    # ------------------------------------------------------------------ showing itself
    def report(self) -> ClaimReport:
        """The verdict as it is shown to a person."""
        derivation, task = self.derivation, self.derivation.task
        spelled = {i.name: i.spelling for i in task.inputs}
        written = Written(derivation, by_definitions=bool(task.defined))
        expression = None if self.typed else written.expression
        head = Report(
            question="diff" if derivation.is_derivative else task.form,
            text=task.text,
            name=task.name,
            expression=expression,
            variables=[spelled.get(v.name, v.name) for v in task.wrt],
            axes=derivation.groups,
            vector="" if task.vector is None else text(written.writer.plain(task.vector, ()).shown),
            declarations=[(i.declaration, i.assumed) for i in task.inputs],
            notes=[*task.notes, *self.notes],
            lines=[],
            where={},
            layout="",
            shape="",
        )
        return ClaimReport(head, list(self._rows()))

    def _rows(self) -> Iterator[Row]:
        if self.typed:
            yield Row("claim", self.typed)
        if not self.typed or not self.holds:
            yield Row("" if self.typed else "claim", "", self.claim, _left(self.letters))
        if self.holds:
            yield Row("holds", self.sentence + ("" if self.exact else " (by floats, not proved)"))
            return
        assert self.diagnosis is not None
        yield Row("wrong", self.diagnosis.text)
        if self.nearest is not None:
            yield Row("nearest", self.found.name, self.nearest, _left(self.nearest_letters))
        if self.right:
            yield Row("right", self.right)
        for name, form in self.where.items():
            yield Row("where", "", form, Symbol(name, "", 0))
        example = self.counterexample
        if example is None:
            return
        yield Row("for", ", ".join(f"{name} = {size}" for name, size in example.sizes.items()) or "these numbers")
        for name, value in example.inputs.items():
            yield Row("", f"{name}(u) = {value}" if isinstance(value, str) else f"{name} = {json.dumps(value)}")
        for label, value in (("right is", example.derivative), ("the claim is", example.claim)):
            shown = "not defined" if value is None else json.dumps(value)
            if len(shown) <= LONGEST:
                yield Row(label, shown)
        if example.values is not None:
            right, claimed = example.values
            place = f"entry ({', '.join(map(str, example.entry))})" if example.entry else "the value"
            yield Row("first", f"{place} is {right}, and the claim has {claimed}")

    def __rich__(self) -> object:
        from indexcalc.render.terminal import TerminalClaim  # rich is heavy: only when it is there already

        return TerminalClaim(self.report())

    def _repr_latex_(self) -> str:
        shown = latex.latex(self.claim)
        return f"$\\displaystyle {shown}\\quad\\text{{{'holds' if self.holds else 'refuted'}}}$"


def _left(letters: tuple[str, ...]) -> Form | None:
    return Symbol("D", "", 0, letters) if letters else None
