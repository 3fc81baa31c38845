"""The time that the search for a contraction path takes, beside opt_einsum's "auto"."""

from __future__ import annotations

import random
from time import perf_counter

import opt_einsum
import pytest

from indexcalc.numeric.paths import flops, quick

from .tables import show

LENGTHS = (5, 10, 20, 30, 40)
CHAINS = 30
REPETITIONS = 5
TIMES_AUTO = 2.0


def _time(function: object, *arguments: object) -> float:
    """The least of some repetitions."""
    best = float("inf")
    for _ in range(REPETITIONS):
        start = perf_counter()
        function(*arguments)  # type: ignore[operator]
        best = min(best, perf_counter() - start)
    return best


@pytest.mark.benchmark
def test_search_for_chains_takes_at_most_twice_as_long_as_auto() -> None:
    """Optimal orders of random chains; the sum of the times over all chains of a length."""
    rng = random.Random(0)
    rows = []
    for length in LENGTHS:
        ours = theirs = saved = 0.0
        for _ in range(CHAINS):
            sizes = {k: rng.randint(2, 1000) for k in range(length + 1)}
            inputs = [(k, k + 1) for k in range(length)]
            sets, output = [frozenset(labels) for labels in inputs], frozenset((0, length))
            ours += _time(quick, inputs, output, sizes)
            theirs += _time(opt_einsum.paths.auto, sets, output, sizes)
            auto = opt_einsum.paths.auto(sets, output, sizes)
            saved += flops(auto, inputs, output, sizes) / flops(quick(inputs, output, sizes), inputs, output, sizes)
        rows.append((length, 1e6 * ours / CHAINS, 1e6 * theirs / CHAINS, ours / theirs, saved / CHAINS))
    show("chains of matrices", ["matrices", "us", "auto us", "ratio", "auto's flops / ours"], rows)
    assert max(ratio for _, _, _, ratio, _ in rows) <= TIMES_AUTO
