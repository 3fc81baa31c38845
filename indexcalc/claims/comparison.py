"""Whether two tensors are equal: modulo a prime equality proves, floats refute."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from fractions import Fraction
from functools import cached_property
from typing import Any

from indexcalc.claims.formula import Steps
from indexcalc.language import core
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import NO_VALUE, Points, Valued, distance
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import value
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import Determinant, Inverse
from indexcalc.tensor.nodes import Node, Number, Size, Variable
from indexcalc.tensor.product import Einsum, Power
from indexcalc.tensor.sums import Sum

RATIONAL = (Determinant, Einsum, Epsilon, Flatten, Inverse, Number, Size, Split, Sum, Variable)

CLOSE = 1e-8
"""The largest relative error of floats that are taken for equal."""
FAR = 1e-4
"""The smallest that cannot come from rounding: smaller ones have to be seen twice."""
AGREED = 3
"""Points at which what is not proved has to agree."""
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
        self._expected: dict[Valued, tuple[Value, float]] = {}

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
            right = expected(at)
            self._expected[expected] = right, max(map(abs, right), default=0.0)
        right, largest = self._expected[expected]
        if len(right) != len(got):
            return False
        near = CLOSE * max([largest, *map(abs, got)])
        return all(abs(x - y) <= near for x, y in zip(right, got, strict=True))

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
        if self._is_rational and is_rational(steps) and self._differ_in_residues(expected, valued(steps)):
            return Outcome.REFUTED
        agreed = doubtful = 0
        for _, at in self.points.floats():
            try:
                error = distance(expected(at), value(steps, at))
            except NO_VALUE:
                continue
            doubtful += error > CLOSE
            agreed += error <= CLOSE
            if error > FAR or doubtful == 2:
                return Outcome.REFUTED
            if agreed == AGREED:
                break
        return Outcome.CLOSE if agreed else Outcome.UNKNOWN

    @cached_property
    def _is_rational(self) -> bool:
        """Whether arithmetic modulo a prime refutes as well: no functions, no roots, no named constants."""
        return all(
            isinstance(node, RATIONAL) or (isinstance(node, Power) and isinstance(node.exponent, int))
            for node in self.nodes
        )

    def _differ_in_residues(self, expected: Valued, got: Valued) -> bool:
        for at in self.points.residues():
            try:
                return expected(at) != got(at)
            except NO_VALUE:
                continue
        return False

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


def is_rational(steps: Steps) -> bool:
    """Whether a formula has no functions, roots or named constants."""
    return all(step.kind not in IF_RATIONAL or IF_RATIONAL[step.kind](step.what) for step in steps)


IF_RATIONAL: dict[type[core.Core], Callable[[Any], bool]] = {
    core.Elementwise: lambda function: False,
    core.Literal: lambda value: not isinstance(value, str),
    core.Power: lambda exponent: exponent is not None and exponent.denominator == 1,
    core.Whole: lambda what: what[0] in ("inv", "det"),
}
"""TABLE: the parts of a meaning that can be irrational, each with when it is not."""


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
