"""What is said of a claim: whether and how it holds, or a counter-example, what is wrong, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from indexcalc.claims.counterexample import Counterexample
from indexcalc.claims.readings import Reading
from indexcalc.derivation import Derivation
from indexcalc.errors import Span
from indexcalc.forms.nodes import Form
from indexcalc.render import latex
from indexcalc.render.text import text


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
    counterexample: Counterexample | None = None
    notes: list[str] = field(default_factory=list)

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
            "counterexample": None if self.counterexample is None else self.counterexample.to_dict(),
            "latex": {
                "claim": latex.latex(self.claim),
                "nearest": None if self.nearest is None else latex.latex(self.nearest),
            },
            "error": None,
        }
