"""What an explanation is made of: groups of equations, each with its rule and reason, and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form
from indexcalc.render.report import Line
from indexcalc.tensor.nodes import Shape


class Side(NamedTuple):
    """One side of an equation as it is read back: index text with ``letters`` for its axes, or matrix text where they
    are None."""

    text: str
    letters: Letters | None
    shape: Shape


class Equation(NamedTuple):
    """One line. Without ``left`` it goes on from the line before it. ``sides`` are what is certified; None where that
    has been done. ``tags`` are letters for the terms on the right, the same for the same term in all lines."""

    rule: str
    left: Form | None
    right: Form
    reason: str
    sides: tuple[Side, Side] | None
    tags: tuple[str, ...] = ()


class Group(NamedTuple):
    """Lines that belong together, under a heading that neighbours may share: equations, sentences in words, and, of
    the answer, forms with a label. ``notation`` says whose names and letters these are."""

    heading: str
    lines: Sequence[Equation | Line | str]
    name: str = ""
    """What is worked out, where a heading has several groups."""
    notation: int = 0
