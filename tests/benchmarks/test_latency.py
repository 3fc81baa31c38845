"""Hot latency with empty caches, against SymPy's matrix and array derivatives and against goals in milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from math import exp, log
from statistics import mean, median
from time import perf_counter
from typing import NamedTuple

import pytest

import indexcalc

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
    text: str, wrt: str, order: int = 1, let: Sequence[str] = (), *, notation: str = "matrix", certified: bool = False
) -> tuple[float, float]:
    """Milliseconds to one form in this notation, index text where there is no matrix text, and to every form as text
    and LaTeX."""
    indexcalc.clear_caches()
    start = perf_counter()
    answer = indexcalc.diff(text, wrt=wrt, order=order, let=let)
    answer.certified = certified
    assert (notation == "matrix" and answer.matrix) or answer.index
    one = perf_counter()
    assert answer.to_dict()["ok"]
    return 1e3 * (one - start), 1e3 * (perf_counter() - start)


def _asked(ask: Ask, *, certified: bool = False) -> tuple[float, float]:
    case = ask.case
    return _indexcalc(ask.text, case["wrt"], case["order"], ask.let, notation=ask.notation, certified=certified)


def _mean(ratios: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(mean(map(log, ratios)))


class Beside(NamedTuple):
    """One question in milliseconds: SymPy's, ours to one form, ours to every form."""

    name: str
    notation: str
    sympy: float
    one: float
    every: float

    @property
    def row(self) -> tuple[object, ...]:
        return self.name, self.sympy, self.one, self.sympy / self.one, self.every, self.sympy / self.every


@pytest.mark.benchmark
def test_faster_than_sympy() -> None:
    """One form as text from both, on the questions of the corpus that both answer, in matrix notation (SymPy's matrix
    and array expressions) and in index notation (its sums of indexed symbols, carried out over deltas); minima of
    repetitions in turns. Every form as text and LaTeX from indexcalc stands beside it."""
    sympy = pytest.importorskip("sympy")
    from .sympy_judge import VERDICTS, asked, differentiated, judged

    verdicts: Counter[tuple[str, str]] = Counter()
    rows: list[Beside] = []
    for ask in ASKS:
        if ask.structured:
            continue
        question = asked(ask)
        verdict = judged(question)
        verdicts[ask.notation, verdict.name] += 1
        if verdict.name not in ("right", "soup"):
            continue
        times: list[tuple[float, float, float]] = []
        with suppress(indexcalc.IndexcalcError):
            for _ in range(REPETITIONS):
                ours = _asked(ask)
                sympy.core.cache.clear_cache()
                start = perf_counter()
                assert str(differentiated(question, verdict.writing))
                times.append((1e3 * (perf_counter() - start), *ours))
        if times:
            name = f"{ask.text} by {ask.case['wrt']}" + (" twice" if ask.case["order"] == 2 else "")
            rows.append(Beside(name, ask.notation, *map(min, zip(*times, strict=True))))
    rows.sort(key=lambda row: row.sympy / row.one)
    heads = ["question", "SymPy ms", "one form ms", "ratio", "all forms ms", "ratio"]
    show("SymPy on the corpus", ["notation", *VERDICTS], [_counted(verdicts, name) for name in ("matrix", "index")])
    show("the least and the largest", heads, [row.row for row in [*rows[:EXTREMES], *rows[-EXTREMES:]]])
    means = [_means(name, [r for r in rows if r.notation == name]) for name in ("matrix", "index")]
    whole = _means("both", rows)
    show("against SymPy, geometric means", ["notation", "questions", *heads[1:]], [*means, whole])
    assert whole[4] >= TIMES_SYMPY


def _counted(verdicts: Counter[tuple[str, str]], notation: str) -> tuple[object, ...]:
    from .sympy_judge import VERDICTS

    return notation, *[verdicts[notation, name] for name in VERDICTS]


def _means(name: str, rows: Sequence[Beside]) -> tuple[str, int, float, float, float, float, float]:
    """Notation, number of questions, and the geometric mean of each column."""
    sympy, one, every = (_mean([getattr(row, column) for row in rows]) for column in ("sympy", "one", "every"))
    return name, len(rows), sympy, one, sympy / one, every, sympy / every


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
