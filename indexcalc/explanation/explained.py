"""The explanation of one answer: its certificate, and how it is handed out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from indexcalc.answer import Answer
from indexcalc.errors import IndexcalcError
from indexcalc.explanation.formats import Page, Told, steps
from indexcalc.explanation.known import Derivatives
from indexcalc.explanation.narrative import STYLES, WHY, Narrative
from indexcalc.explanation.steps import Equation, Group, Side
from indexcalc.forms.index import Letters
from indexcalc.language.meant import Step
from indexcalc.language.reader import Reader
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import Points, Refuted, Valued
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import value
from indexcalc.tensor.nodes import Shape

T = TypeVar("T")
LONGEST = 8000
"""Characters of a side up to which it is read back."""


class Explanation(Told):
    """How an answer comes about.

    What is handed out is checked first: every method raises IndexcalcError E490 where a step does not hold.
    """

    def __init__(self, answer: Answer, style: str = "index", expand: Sequence[int] = ()) -> None:
        if style not in STYLES:
            message = f"the style {style!r} is not known"
            raise IndexcalcError("E404", message, help=f"the styles are {', '.join(STYLES)}")
        self.answer, self.style, self.expand = answer, style, tuple(expand)
        self._narrative = Narrative(answer, style, self.expand)

    # ------------------------------------------------------------------ what it says
    @property
    def title(self) -> str:
        """What is explained: ``∂y / ∂W,  y = tanh(W*x + b)``."""
        return self._narrative.title

    @cached_property
    def groups(self) -> Sequence[Group]:
        """The derivation, in order."""
        return list(self._narrative.groups())

    @property
    def steps(self) -> list[dict[str, str]]:
        """The equations in order: ``group``, ``rule``, ``before`` and ``after`` as text, ``reason``."""
        return list(steps(self.page().groups))

    @property
    def why(self) -> list[str]:
        """Why the result looks as it does, in sentences."""
        lines = [line for group in self.page().groups if group.heading == WHY for line in group.lines]
        return [line for line in lines if isinstance(line, str)]

    # ------------------------------------------------------------------ formats
    def page(self, full: bool = False) -> Page:
        """What formats are made from; with ``full`` nothing is folded."""
        self.verified  # noqa: B018
        return Page(self.title, self.groups, full)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: the question, ``steps``, ``why``, and the answer's own object."""
        task = self.answer.task
        return {
            "schema": 1,
            "line": task.line,
            "input": task.text,
            "ok": True,
            "title": self.title,
            "style": self.style,
            "steps": self.steps,
            "why": self.why,
            "verified": {"exact": self.verified},
            "answer": self.answer.to_dict(),
            "error": None,
        }

    # ------------------------------------------------------------------ the certificate
    @cached_property
    def verified(self) -> bool:
        """Whether every step is proved: both sides, read back, are equal modulo primes; else some were compared with
        floats only, or are too long to be read. Raises IndexcalcError E490 for a step that does not hold."""
        equations = [(line, g.notation) for g in self.groups for line in g.lines if isinstance(line, Equation)]
        points = self.answer.certificate.points
        readers = [_Sides(each.reader(), each.derivatives, points) for each in self._narrative.notations]
        try:
            proved = [readers[place].equal(*line.sides) for line, place in equations if line.sides is not None]
        except IndexcalcError as error:
            raise error.located(self.answer.task.text) from None
        return all(proved)


class _Sides:
    """The sides of equations under one reader: each is read and evaluated once, for one line's right side is what the
    next goes on from."""

    def __init__(self, reader: Reader, derivatives: Derivatives, points: Points) -> None:
        self.reader, self.derivatives, self.points = reader, derivatives, points
        reader.scope.size_symbols |= points.symbols
        self._steps: dict[Side, Sequence[Step]] = {}
        self._values: dict[tuple[Side, Evaluation], Value] = {}

    def equal(self, before: Side, after: Side) -> bool:
        """Whether two sides are proved to be equal; False where floats are. Raises IndexcalcError E490."""
        if max(len(before.text), len(after.text)) > LONGEST:
            return False
        try:
            if self.points.proved(self._valued(before), self._valued(after)):
                return True
            first, second = (self.derivatives.expanded(_read(self.reader.node, side)) for side in (before, after))
            if first is second or self.points.proved(lambda at: at.value(first), lambda at: at.value(second)):
                return True  # by laws of the normal form
            self.points.difference(self._valued(before), self._valued(after))
        except (Refuted, IndexcalcError) as error:
            if isinstance(error, IndexcalcError) and error.code.startswith("E5"):  # too long to be read
                return False
            raise IndexcalcError(
                "E490",
                f"a step of the explanation does not hold: {before.text} = {after.text}",
                help="this is a mistake of indexcalc's, not of the input: please report it",
            ) from None
        return False

    def _valued(self, side: Side) -> Valued:
        """What a side means."""
        if side not in self._steps:
            self._steps[side] = _read(self.reader.steps, side)
        steps = self._steps[side]

        def valued(at: Evaluation) -> Value:
            if (side, at) not in self._values:
                self.derivatives.evaluate(at)
                self._values[side, at] = value(steps, at)
            return self._values[side, at]

        return valued


def _read(read: Callable[[str, Letters | None, Shape], T | None], side: Side) -> T:
    """A side as a reader reads it."""
    found = read(*side)
    if found is None:
        raise IndexcalcError("E490", f"{side.text} has another shape than what it equals")
    return found
