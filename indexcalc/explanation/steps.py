"""What an explanation is made of: groups of equations, each with its rule and reason, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form, Product, Sum
from indexcalc.render.report import Line
from indexcalc.tensor.nodes import Rational, Shape, magnitude


class Side(NamedTuple):
    """One side of an equation as it is read back: index text with ``letters`` for its axes, or matrix text where they
    are None."""

    text: str
    letters: Letters | None
    shape: Shape


class Equation(NamedTuple):
    """One line. Without ``left`` it goes on from the line before it. ``sides`` are what is certified; None where that
    has been done. ``tags`` are letters for factors on the right, the same for the same factor in all lines."""

    rule: str
    left: Form | None
    right: Form
    reason: str
    sides: tuple[Side, Side] | None
    tags: Mapping[str, str] | None = None


class Addend(NamedTuple):
    """A term of a sum: its sign, its number, and its factors."""

    sign: int
    number: Rational
    factors: tuple[Form, ...]


def addends(form: Form) -> list[Addend]:
    """The terms of a form; what is no product of factors is one factor."""
    found = []
    for sign, term in form.terms if isinstance(form, Sum) else ((1, form),):
        if isinstance(term, Product) and not term.divisors:
            own = -sign if term.coefficient < 0 else sign
            found.append(Addend(own, magnitude(term.coefficient), term.factors))
        else:
            found.append(Addend(sign, 1, (term,)))
    return found


class Group(NamedTuple):
    """Lines that belong together, under a heading that neighbours may share: equations, sentences in words, and, of
    the answer, forms with a label. ``notation`` says whose names and letters these are."""

    heading: str
    lines: Sequence[Equation | Line | str]
    name: str = ""
    """What is worked out, where a heading has several groups."""
    notation: int = 0
