"""What an explanation costs, certificate and all, beside the answer that it explains."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import pytest

from indexcalc import IndexcalcError, clear_caches
from indexcalc.explanation.explained import Explanation
from indexcalc.session import differentiate
from tests.test_corpus import ASKS, Ask

from .tables import show

REPETITIONS = 3
RATIO, OFFSET = 3, 20e-3


def _least(work: Callable[[], object]) -> float:
    """Processor time with cold caches."""
    taken = []
    for _ in range(REPETITIONS):
        clear_caches()
        start = process_time()
        work()
        taken.append(process_time() - start)
    return min(taken)


@pytest.mark.benchmark
def test_explaining_takes_three_times_a_derivative_and_20_ms() -> None:
    def answer(ask: Ask) -> object:
        case = ask.case
        return differentiate(ask.text, case["wrt"], ask.let, case["order"])[0]

    rows = []
    for ask in ASKS:
        try:
            plain = _least(lambda ask=ask: answer(ask).report())  # type: ignore[attr-defined, misc]
        except IndexcalcError:
            continue
        told = _least(lambda ask=ask: Explanation(answer(ask)).text())  # type: ignore[arg-type, misc]
        rows.append((ask.name, 1e3 * plain, 1e3 * told, told / plain, 1e3 * (told - RATIO * plain - OFFSET)))
    rows.sort(key=lambda row: -row[4])
    middle = [median(row[k] for row in rows) for k in range(1, 5)]
    show("explanations", ["case", "diff ms", "explain ms", "ratio", "over ms"], [*rows[:8], ("median", *middle)])
    assert [row[0] for row in rows if row[4] > 0] == []
