"""Functions that are read as an expression of other functions: one row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from indexcalc.errors import Span
from indexcalc.language import syntax
from indexcalc.language.syntax import Syntax

Build = Callable[[Span, Span, Syntax, Syntax], Syntax]
"""The call's span, its name's, and its arguments → the tree that it stands for."""


class Shorthand(NamedTuple):
    """A function of two arguments; ``signature`` says what it stands for."""

    name: str
    signature: str
    build: Build
    also: tuple[str, ...] = ()


def _greater(sign: int) -> Build:
    """b + relu(a - b) where the sign is 1, else b - relu(b - a); a number stands for b: max(0, x) is relu(x)."""

    def build(span: Span, name: Span, a: Syntax, b: Syntax) -> Syntax:
        if isinstance(a, syntax.Number):
            a, b = b, a
        terms = ((1, a), (-1, b)) if sign > 0 else ((1, b), (-1, a))
        relu = syntax.Call(span, "relu", name, (syntax.Sum(span, terms),))
        return syntax.Group(span, syntax.Sum(span, ((1, b), (sign, relu))))

    return build


TABLE = (
    Shorthand("max", "max(a, b) = b + relu(a - b)", _greater(1), ("maximum",)),
    Shorthand("min", "min(a, b) = b - relu(b - a)", _greater(-1), ("minimum",)),
)
SHORTHANDS = {name: row for row in TABLE for name in (row.name, *row.also)}
