"""Whether two tensors are equal: modulo a prime equality proves, floats refute."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from fractions import Fraction

from indexcalc.claims.formula import Steps
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import NO_VALUE, Points, Refuted, Valued
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import value
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

        self._expected: dict[Valued, Value] = {}

    def point(self, expected: Valued) -> Evaluation | None:
        """The first point of floats where the derivative has a value; None where none was found."""
        for _, at in self.points.floats():
            try:
                if all(x == x and abs(x) < math.inf for x in expected(at)):
                    return at
            except NO_VALUE:
                continue
        return None

    def near(self, expected: Valued, got: Value, at: Evaluation) -> bool:
        """Whether entries are about those that are expected at this point, which is the same every time."""
        if expected not in self._expected:
            self._expected[expected] = expected(at)
        right = self._expected[expected]
        largest = max([*map(abs, right), *map(abs, got)], default=0.0)
        return len(right) == len(got) and all(abs(x - y) <= CLOSE * largest for x, y in zip(right, got, strict=True))

    def same(self, expected: Valued, steps: Steps) -> bool:
        """Whether equality is proved."""
        return self.points.proved(expected, valued(steps))

    def confirmed(self, expected: Valued, steps: Steps) -> bool:
        """Whether equality is proved, or not refuted by floats."""
        return self.same(expected, steps) or self.outcome(expected, steps, None) is Outcome.CLOSE

    def outcome(self, expected: Valued, steps: Steps, node: Node | None) -> Outcome:
        """What is known of an equality that is not proved by the texts as they stand."""
        if node is not None and self.points.proved(expected, lambda at: at.value(node)):
            return Outcome.PROVED
        try:
            error = self.points.difference(expected, valued(steps), CLOSE)
        except Refuted:
            return Outcome.REFUTED
        return Outcome.UNKNOWN if error is None else Outcome.CLOSE

    def ratio(self, expected: Valued, steps: Steps, at: Evaluation) -> Fraction | None:
        """The rational number that a claim is of what was expected; None where it is none, or 0."""
        try:
            right, claimed = expected(at), value(steps, at)
        except NO_VALUE:
            return None
        largest = max(range(len(right)), key=lambda k: abs(right[k]))
        if not right[largest] or not claimed[largest]:
            return None
        found = Fraction(claimed[largest] / right[largest]).limit_denominator(MOST_TERM)
        if not found or abs(found.numerator) > MOST_TERM or not self.confirmed(_scaled(found, expected), steps):
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


def kinds_to_try(squares: Iterable[str]) -> list[dict[str, tuple[str, ...]]]:
    """Kinds of the square matrices under which a claim may be right: each alone and all."""
    names = list(squares)
    words = ("symmetric", "skew", "diagonal", "orthogonal")
    groups = [[name] for name in names] + ([names] if len(names) > 1 else [])
    return [dict.fromkeys(group, (word,)) for word in words for group in groups]
