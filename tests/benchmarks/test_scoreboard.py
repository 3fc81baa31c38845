"""The scoreboard of the README: the public corpus in matrix notation, indexcalc beside SymPy in one run."""

from __future__ import annotations

import re
from collections import Counter
from statistics import median
from time import perf_counter

import pytest

import indexcalc

from ..oracle import evaluate
from ..test_corpus import ASKS, STRUCTURED, Ask, inputs, reference
from .tables import show

TOKEN = re.compile(r"\d+(?:\.\d+)?|[A-Za-z_]\w*|\.\*|\./|\.\^|\S")
HEADS = ["", "right", "soup", "wrong", "failed", "length 50 %", "mean", "95 %", "ms 50 %"]


class Tally:
    """What one program makes of the corpus."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.verdicts: Counter[str] = Counter()
        self.lengths: list[float] = []
        self.times: list[float] = []

    def add(self, verdict: str, milliseconds: float, text: str | None, textbook: str | None) -> None:
        """``text`` in matrix notation, beside the textbook's where it has one."""
        self.verdicts[verdict] += 1
        if verdict in ("right", "soup"):
            self.times.append(milliseconds)
        if verdict == "right" and text is not None and textbook is not None:
            self.lengths.append(len(TOKEN.findall(text)) / len(TOKEN.findall(textbook)))

    @property
    def row(self) -> tuple[object, ...]:
        lengths = sorted(self.lengths)
        whole = [self.verdicts[name] for name in ("right", "soup", "wrong", "failed")]
        mean = sum(lengths) / len(lengths)
        return (self.name, *whole, median(lengths), mean, lengths[int(0.95 * len(lengths))], median(self.times))


def _ours(ask: Ask) -> tuple[str, float, str | None]:
    """Verdict, milliseconds with all forms and the certificate, and the matrix text."""
    indexcalc.clear_caches()
    start = perf_counter()
    try:
        answer = indexcalc.diff(ask.text, wrt=ask.case["wrt"], order=ask.case["order"], let=ask.let)
        answer.to_dict()
    except indexcalc.IndexcalcError:
        return "failed", 0.0, None
    taken = 1e3 * (perf_counter() - start)
    for draw in (0, 1):
        values = inputs(ask.case, draw)
        want = reference(ask.case, "expected_np", values)
        got = evaluate(answer, values)
        if got.shape != want.shape or abs(got - want).max(initial=0) > 1e-8 * max(1.0, abs(want).max(initial=0)):
            return "wrong", taken, answer.matrix
    lacks = answer.matrix is None and ask.case["expected"] is not None
    return "soup" if lacks else "right", taken, answer.matrix


@pytest.mark.benchmark
def test_scoreboard() -> None:
    """Right: the reference's value, in matrix notation where the textbook has that; soup: the value as an array
    expression; length: tokens of the matrix form over the textbook's."""
    sympy = pytest.importorskip("sympy")
    from .sympy_judge import asked, differentiated, judged

    ours, theirs = Tally("indexcalc"), Tally("SymPy 1.14")
    for ask in ASKS:
        if ask.notation != "matrix" or ask.structured:
            continue
        structured = any(kind in STRUCTURED for kind in ask.case["assume"].values())
        textbook = None if structured else ask.case["expected"]  # it may be shorter by what was not declared
        ours.add(*_ours(ask), textbook)
        question = asked(ask)
        verdict = judged(question)
        taken, text = 0.0, None
        if verdict.name in ("right", "soup"):
            sympy.core.cache.clear_cache()
            start = perf_counter()
            text = str(differentiated(question, verdict.writing))
            taken = 1e3 * (perf_counter() - start)
        theirs.add(verdict.name, taken, text, textbook)
    show("the public corpus in matrix notation", HEADS, [ours.row, theirs.row])
    assert ours.verdicts["right"] == sum(ours.verdicts.values())
