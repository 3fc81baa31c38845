"""Hot latency with empty caches, against SymPy's matrix and array derivatives and against goals in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import exp, log
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any, ClassVar

import pytest

import indexcalc

from .tables import MARGIN, show

REPETITIONS = 7
TIMES_SYMPY = 25
QUADRATIC_MS = 1.5
CORPUS_MS = 3.5
CORPUS = Path(__file__).parents[1] / "corpus" / "public.jsonl"


class Symbols:
    """SymPy's variables, made when first asked for, capitals matrices, others vectors; and its functions."""

    shapes: ClassVar[dict[str, str]] = {"W": "mn", "c": "m1", "v": "m1"}

    def __init__(self, sympy: Any) -> None:
        self.sympy, self.inv, self.tr, self.times = sympy, sympy.Inverse, sympy.Trace, sympy.HadamardProduct

    def __getattr__(self, name: str) -> Any:
        shape = self.shapes.get(name, "nn" if name.isupper() else "n1")
        sizes = [1 if d == "1" else self.sympy.Symbol(d, integer=True, positive=True) for d in shape]
        setattr(self, name, self.sympy.MatrixSymbol(name, *sizes))
        return getattr(self, name)

    def tanh(self, argument: Any) -> Any:
        return argument.applyfunc(self.sympy.tanh)

    def exp(self, argument: Any) -> Any:
        return argument.applyfunc(self.sympy.exp)


# What SymPy leaves undone (det) or gets wrong (0 for log det) is no row.
QUESTIONS: list[tuple[str, str, int, Callable[[Symbols], Any]]] = [
    ("a'*x", "x", 1, lambda s: s.a.T * s.x),
    ("x'*A*x", "x", 1, lambda s: s.x.T * s.A * s.x),
    ("x'*A*x", "x", 2, lambda s: s.x.T * s.A * s.x),
    ("x'*inv(A)*x", "x", 1, lambda s: s.x.T * s.inv(s.A) * s.x),
    ("(W*x - c)'*(W*x - c)", "x", 1, lambda s: (s.W * s.x - s.c).T * (s.W * s.x - s.c)),
    ("A*x", "x", 1, lambda s: s.A * s.x),
    ("a .* x", "x", 1, lambda s: s.times(s.a, s.x)),
    ("tanh(x)", "x", 1, lambda s: s.tanh(s.x)),
    ("tanh(W*x + c)", "x", 1, lambda s: s.tanh(s.W * s.x + s.c)),
    ("v'*tanh(W*x + c)", "x", 1, lambda s: s.v.T * s.tanh(s.W * s.x + s.c)),
    ("tanh(W*x + c)", "W", 1, lambda s: s.tanh(s.W * s.x + s.c)),
    ("a'*X*b", "X", 1, lambda s: s.a.T * s.X * s.b),
    ("a'*X'*X*b", "X", 1, lambda s: s.a.T * s.X.T * s.X * s.b),
    ("a'*inv(X)*b", "X", 1, lambda s: s.a.T * s.inv(s.X) * s.b),
    ("tr(A*X)", "X", 1, lambda s: s.tr(s.A * s.X)),
    ("tr(A*X*B)", "X", 1, lambda s: s.tr(s.A * s.X * s.B)),
    ("tr(X'*A*X)", "X", 1, lambda s: s.tr(s.X.T * s.A * s.X)),
    ("tr(A*X*B*X')", "X", 1, lambda s: s.tr(s.A * s.X * s.B * s.X.T)),
    ("tr(X^3)", "X", 1, lambda s: s.tr(s.X**3)),
    ("tr(X)^2", "X", 1, lambda s: s.tr(s.X) ** 2),
    ("tr(A*inv(X))", "X", 1, lambda s: s.tr(s.A * s.inv(s.X))),
    ("tr(A'*(X .* B))", "X", 1, lambda s: s.tr(s.A.T * s.times(s.X, s.B))),
    ("tr(A*exp(B*X))", "X", 1, lambda s: s.tr(s.A * s.exp(s.B * s.X))),
    ("A*X*B", "X", 1, lambda s: s.A * s.X * s.B),
    ("X^2", "X", 1, lambda s: s.X**2),
    ("inv(X)", "X", 1, lambda s: s.inv(s.X)),
    ("inv(X)*a", "X", 1, lambda s: s.inv(s.X) * s.a),
]


def _indexcalc(text: str, wrt: str, order: int = 1, let: Sequence[str] = ()) -> tuple[float, float]:
    """Milliseconds to the derivative's graph, and to every form as text and LaTeX."""
    indexcalc.clear_caches()
    start = perf_counter()
    answer = indexcalc.diff(text, wrt=wrt, order=order, let=let)
    assert answer.stats["nodes"] >= 0  # 0 where the derivative is a variable
    derived = perf_counter()
    assert answer.to_dict()["ok"]
    return 1e3 * (derived - start), 1e3 * (perf_counter() - start)


def _sympy(sympy: Any, write: Callable[[Symbols], Any], wrt: str, order: int) -> tuple[float, float]:
    """Milliseconds to the derivative, and to its one form as text and LaTeX."""
    sympy.core.cache.clear_cache()
    start = perf_counter()
    symbols = Symbols(sympy)
    derivative = write(symbols)
    for _ in range(order):
        derivative = derivative.diff(getattr(symbols, wrt))
    derived = perf_counter()
    assert derivative != 0
    assert not isinstance(derivative, sympy.Derivative)
    assert str(derivative)
    assert sympy.latex(derivative)
    return 1e3 * (derived - start), 1e3 * (perf_counter() - start)


def _mean(ratios: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(mean(map(log, ratios)))


@pytest.mark.benchmark
def test_faster_than_sympy() -> None:
    """Every form as text and LaTeX from indexcalc, against the one form as text and LaTeX from SymPy; minima of
    repetitions in turns. The derivatives alone stand beside it."""
    sympy = pytest.importorskip("sympy")
    rows: list[tuple[object, ...]] = []
    ratios, alone = [], []
    for text, wrt, order, write in QUESTIONS:
        pairs = [(_indexcalc(text, wrt, order), _sympy(sympy, write, wrt, order)) for _ in range(REPETITIONS)]
        ours, ours_whole = (min(ours[k] for ours, _ in pairs) for k in (0, 1))
        theirs, theirs_whole = (min(theirs[k] for _, theirs in pairs) for k in (0, 1))
        name = f"{text} by {wrt}" + (" twice" if order == 2 else "")
        ratios.append(theirs_whole / ours_whole)
        alone.append(theirs / ours)
        rows.append((name, ours_whole, theirs_whole, ratios[-1], ours, theirs, alone[-1]))
    rows.append(("geometric mean", "", "", _mean(ratios), "", "", _mean(alone)))
    show("against SymPy", ["question", "indexcalc ms", "SymPy ms", "ratio", "derivative ms", "SymPy ms", "ratio"], rows)
    assert _mean(ratios) >= TIMES_SYMPY


@pytest.mark.benchmark
def test_latency_of_the_corpus_and_of_a_quadratic_form() -> None:
    """Milliseconds to every form as text and LaTeX. They depend on the machine: a test fails only where they are
    half as much again as the goal."""
    quadratic = min(_indexcalc("x'*A*x", "x")[1] for _ in range(30))
    taken: list[float] = []
    asked = 0
    for case in map(json.loads, CORPUS.read_text(encoding="utf-8").splitlines()):
        let = [_declaration(name, sizes) for name, sizes in case["vars"].items()]
        for text in filter(None, (case["expr"], case["index"])):
            asked += 1
            question = text if text == case["expr"] or "=" in text else f"result = {text}"
            with suppress(indexcalc.IndexcalcError):
                taken.append(min(_indexcalc(question, case["wrt"], case["order"], let)[1] for _ in range(3)))
    ninth = sorted(taken)[int(0.9 * len(taken))]
    rows = [
        ("gradient of x'*A*x", "1 of 1", quadratic, "", QUADRATIC_MS),
        ("the corpus", f"{len(taken)} of {asked}", median(taken), ninth, CORPUS_MS),
    ]
    show("latency", ["question", "answered", "median ms", "90% ms", "goal"], rows)
    assert quadratic <= MARGIN * QUADRATIC_MS
    assert median(taken) <= MARGIN * CORPUS_MS


def _declaration(name: str, sizes: list[str]) -> str:
    kind = ("scalar", "vector", "matrix", "tensor")[min(len(sizes), 3)]
    return f"{name}: {kind}" + (f"({', '.join(sizes)})" if sizes else "")
