"""What an explanation is made of: groups of equations, each with its rule and reason, and sentences."""

from __future__ import annotations

from typing import NamedTuple

from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form
from indexcalc.tensor.nodes import Shape


class Side(NamedTuple):
    """One side of an equation as it is read back: index text with ``letters`` for its axes, or matrix text where they
    are None."""

    text: str
    letters: Letters | None
    shape: Shape


class Equation(NamedTuple):
    """One line. Without ``left`` it goes on from the line before it. ``sides`` are what is certified."""

    rule: str
    left: Form | None
    right: Form
    reason: str
    sides: tuple[Side, Side]


class Group(NamedTuple):
    """Lines that belong together: equations, and sentences in words."""

    title: str
    lines: tuple[Equation | str, ...]
    notation: int = 0
    """Whose names and letters these are: the first derivation, or the second."""
