"""Hot latency with empty caches, against SymPy's matrix and array derivatives and against goals in milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from math import exp, log
from statistics import mean, median
from time import perf_counter

import pytest

import indexcalc
from indexcalc.language.parser import parse

from ..test_corpus import ASKS, Ask
from .tables import show

REPETITIONS = 5
TIMES_SYMPY = 25
QUADRATIC_MS = 1.5
CORPUS_MS = 3.5
CERTIFIED_MS = 6.0
CERTIFIED_MEAN_MS = 4.0
EXTREMES = 5
"""So many of the smallest and of the largest ratios are printed."""


def _indexcalc(
    text: str, wrt: str, order: int = 1, let: Sequence[str] = (), *, certified: bool = False
) -> tuple[float, float]:
    """Milliseconds to one form, the matrix text or else the index text, and to every form as text and LaTeX."""
    indexcalc.clear_caches()
    start = perf_counter()
    answer = indexcalc.diff(text, wrt=wrt, order=order, let=let)
    answer.certified = certified
    assert answer.matrix or answer.index
    one = perf_counter()
    assert answer.to_dict()["ok"]
    return 1e3 * (one - start), 1e3 * (perf_counter() - start)


def _asked(ask: Ask, *, certified: bool = False) -> tuple[float, float]:
    return _indexcalc(ask.text, ask.case["wrt"], ask.case["order"], ask.let, certified=certified)


def _mean(ratios: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(mean(map(log, ratios)))


@pytest.mark.benchmark
def test_faster_than_sympy() -> None:
    """One form as text from both, on the cases of the corpus in matrix notation that both answer; minima of
    repetitions in turns. Every form as text and LaTeX from indexcalc stands beside it."""
    sympy = pytest.importorskip("sympy")
    from .sympy_judge import VERDICTS, differentiated, judged

    verdicts: Counter[str] = Counter()
    rows: list[tuple[str, float, float, float, float, float]] = []
    for ask in ASKS:
        if ask.notation != "matrix" or ask.structured:
            continue
        (tree,) = parse(ask.text).left.items
        verdict = judged(ask.case, tree)
        verdicts[verdict.name] += 1
        if verdict.name not in ("right", "soup"):
            continue
        times: list[tuple[float, float, float]] = []
        with suppress(indexcalc.IndexcalcError):
            for _ in range(REPETITIONS):
                ours = _asked(ask)
                sympy.core.cache.clear_cache()
                start = perf_counter()
                assert str(differentiated(ask.case, tree, verdict.writing))
                times.append((1e3 * (perf_counter() - start), *ours))
        if times:
            name = f"{ask.text} by {ask.case['wrt']}" + (" twice" if ask.case["order"] == 2 else "")
            theirs, one, every = map(min, zip(*times, strict=True))
            rows.append((name, theirs, one, theirs / one, every, theirs / every))
    rows.sort(key=lambda row: row[3])
    one_form, all_forms = _mean([row[3] for row in rows]), _mean([row[5] for row in rows])
    whole = ("geometric mean", "", "", one_form, "", all_forms)
    show("SymPy on the corpus", ["verdict", "cases"], [(name, verdicts[name]) for name in VERDICTS])
    heads = ["question", "SymPy ms", "one form ms", "ratio", "all forms ms", "ratio"]
    show(f"against SymPy, {len(rows)} cases", heads, [*rows[:EXTREMES], *rows[-EXTREMES:], whole])
    assert one_form >= TIMES_SYMPY


@pytest.mark.benchmark
def test_latency_of_the_corpus_and_of_a_quadratic_form() -> None:
    """Milliseconds to every form as text and LaTeX, which depend on the machine."""
    quadratic = min(_indexcalc("x'*A*x", "x")[1] for _ in range(30))
    taken: list[float] = []
    certified: list[float] = []
    plain = [ask for ask in ASKS if not ask.structured]
    for ask in plain:
        with suppress(indexcalc.IndexcalcError):
            taken.append(min(_asked(ask)[1] for _ in range(3)))
            certified.append(min(_asked(ask, certified=True)[1] for _ in range(3)))
    every = _mean([min(_asked(ask, certified=True)[1] for _ in range(3)) for ask in ASKS])
    ninth = sorted(taken)[int(0.9 * len(taken))]
    rows = [
        ("gradient of x'*A*x", "1 of 1", quadratic, "", QUADRATIC_MS),
        ("the corpus", f"{len(taken)} of {len(plain)}", median(taken), ninth, CORPUS_MS),
        ("with certificates", f"{len(certified)}", median(certified), "", CERTIFIED_MS),
        ("the same with kinds, geometric mean", f"{len(ASKS)}", every, "", CERTIFIED_MEAN_MS),
    ]
    show("latency", ["question", "answered", "median ms", "90% ms", "goal"], rows)
    assert quadratic <= QUADRATIC_MS
    assert median(taken) <= CORPUS_MS
    assert median(certified) <= CERTIFIED_MS
    assert every <= CERTIFIED_MEAN_MS
