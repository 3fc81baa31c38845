"""What it takes to check a claim, right or wrong, beside the derivative itself, on the corpus."""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import NamedTuple

import pytest

import indexcalc

from ..mistakes import whole
from ..test_corpus import CASES, Ask
from .tables import show

REPETITIONS = 3
TIMES, MORE = 3, 20.0
"""A check takes at most so many times the derivative, and so many milliseconds more."""
SHOWN = 6


class Timed(NamedTuple):
    case: str
    verdict: str
    diff: float
    check: float

    @property
    def over(self) -> float:
        """Milliseconds beyond the goal."""
        return self.check - TIMES * self.diff - MORE


def _diff(ask: Ask) -> float:
    times = []
    for _ in range(REPETITIONS):
        indexcalc.clear_caches()
        start = process_time()
        indexcalc.diff(ask.text, ask.case["wrt"], ask.let, ask.case["order"]).to_dict()
        times.append(1e3 * (process_time() - start))
    return min(times)


def _check(ask: Ask, claim: str) -> tuple[str, float]:
    times = []
    for _ in range(REPETITIONS):
        indexcalc.clear_caches()
        start = process_time()
        verdict = indexcalc.check(ask.text, ask.case["wrt"], claim, ask.let, ask.case["order"])
        verdict.to_dict()
        times.append(1e3 * (process_time() - start))
    return "holds" if verdict.holds else "wrong", min(times)


@pytest.mark.benchmark
def test_a_check_takes_little_more_than_a_derivative() -> None:
    """CPU time with empty caches; every claim of the textbook's, and each with one mistake of every kind."""
    timed: list[Timed] = []
    for case in CASES:
        if case["expr"] and case["expected"]:
            ask = Ask(case, "matrix", False)
            plain = _diff(ask)
            for claim in [case["expected"], *(mistake.text for mistake in whole(case["expected"]))]:
                verdict, taken = _check(ask, claim)
                timed.append(Timed(case["id"], verdict, plain, taken))
    timed.sort(key=lambda one: one.over, reverse=True)
    rows: list[tuple[object, ...]] = [(*one, one.check / one.diff, one.over) for one in timed[:SHOWN]]
    for verdict in ("holds", "wrong"):
        some = [one for one in timed if one.verdict == verdict]
        middle = [median(values) for values in ([o.diff for o in some], [o.check for o in some])]
        ratio = median([one.check / one.diff for one in some])
        rows.append((f"median of {len(some)}", verdict, *middle, ratio, ""))
    show("claims", ["case", "verdict", "diff ms", "check ms", "ratio", "over ms"], rows)
    assert timed[0].over <= 0
