"""Whether two tensors are equal: modulo a prime equality proves; where functions have laws of their own, floats refute."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from fractions import Fraction
from functools import cached_property
from itertools import islice

from indexcalc.numeric.arithmetic import Residues, Value
from indexcalc.numeric.certificate import NO_VALUE, Points, Refuted, Valued
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import value
from indexcalc.claims.formula import Steps
from indexcalc.tensor.nodes import Node

CLOSE = 1e-9
"""The largest relative error of floats that are taken for equal."""
MOST_TERM = 60
"""Numerators and denominators up to this one are told as factors."""


class Outcome(Enum):
    PROVED = "proved"
    CLOSE = "close"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Comparison:
    """Compares at points that are shared by all that is asked of one claim."""

    def __init__(self, nodes: Collection[Node], kinds: Mapping[str, tuple[str, ...]]) -> None:
        self.nodes, self.kinds = nodes, kinds
        self.points = Points(nodes, kinds)

    @cached_property
    def first(self) -> list[Evaluation]:
        """Where most of what differs is told apart."""
        return list(islice(self.points.residues(), 1))

    def same(self, expected: Valued, steps: Steps) -> bool:
        """Whether equality is proved, at one point first."""
        (at,) = self.first
        try:
            if expected(at) != value(steps, at):
                return False
        except NO_VALUE:
            pass
        return self.points.proved(expected, valued(steps))

    def outcome(self, expected: Valued, steps: Steps, node: Node | None) -> Outcome:
        """What is known of an equality that is not proved by the texts as they stand."""
        if node is not None and self.points.proved(expected, lambda at: at.value(node)):
            return Outcome.PROVED
        try:
            error = self.points.difference(expected, valued(steps), CLOSE)
        except Refuted:
            return Outcome.REFUTED
        return Outcome.UNKNOWN if error is None else Outcome.CLOSE

    def ratio(self, expected: Valued, steps: Steps) -> Fraction | None:
        """The rational number that a claim is of what was expected; None where it is none, or 0."""
        found: Fraction | None = None
        for at in self.first:
            try:
                right, claimed = expected(at), value(steps, at)
            except NO_VALUE:
                return None
            found = _ratio(at, right, claimed)
        if found is None or not self.points.proved(_scaled(found, expected), valued(steps)):
            return None
        return found

    def under(self, kinds: Mapping[str, tuple[str, ...]]) -> Comparison:
        """The same comparison where variables are of these kinds."""
        return Comparison(self.nodes, {**self.kinds, **kinds})


def valued(steps: Steps) -> Valued:
    """The entries that a meaning has at a point."""
    return lambda at: value(steps, at)


def _scaled(factor: Fraction, expected: Valued) -> Valued:
    def scaled(at: Evaluation) -> Value:
        by = at.arithmetic.number(factor)
        return at.arithmetic.reduced([by * x for x in expected(at)])

    return scaled


def _ratio(at: Evaluation, right: Value, claimed: Value) -> Fraction | None:
    """claimed / right, if that is a fraction of small numbers."""
    field = at.arithmetic
    assert isinstance(field, Residues)
    pair = next(((x, y) for x, y in zip(right, claimed, strict=True) if x), None)
    if pair is None or not pair[1]:
        return None
    quotient = pair[1] * field.reciprocal(pair[0]) % field.prime
    for below in range(1, MOST_TERM + 1):
        above = quotient * below % field.prime
        if above > field.prime // 2:
            above -= field.prime
        if abs(above) <= MOST_TERM:
            return Fraction(above, below)
    return None


def kinds_to_try(squares: Iterable[str]) -> list[dict[str, tuple[str, ...]]]:
    """Kinds of the square matrices under which a claim may be right: each alone, then all."""
    names = list(squares)
    words = ("symmetric", "skew", "diagonal", "orthogonal")
    single = [{name: (word,)} for word in words for name in names]
    return single + ([dict.fromkeys(names, (word,)) for word in words] if len(names) > 1 else [])
