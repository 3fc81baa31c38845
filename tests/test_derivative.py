"""The derivative of random expressions: right, and right in every printed form."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings

import indexcalc
from indexcalc.calculus import derivative
from indexcalc.language.lowering import Lowering
from indexcalc.tensor.nodes import clear_caches

from .oracle import evaluate, read_back
from .strategies import SIZES, Expression, finite_differences, index_questions, questions, values

FUZZ = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


def _close(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> bool:
    return a.shape == b.shape and bool(
        np.max(np.abs(a - b), initial=0) <= tolerance * max(1.0, np.max(np.abs(b), initial=0))
    )


@given(questions())
@FUZZ
def test_code_equals_finite_differences_and_printed_forms_equal_the_code(question: tuple[Expression, str]) -> None:
    found, wrt = question
    clear_caches()
    at = values(found.variables, 1)
    want = finite_differences(found, wrt, at)
    if not np.isfinite(want).all() or np.max(np.abs(want), initial=0) > 1e5:
        return
    note(f"{found.text}  by {wrt}")
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    got = evaluate(answer, at)
    assert _close(got, want)
    shapes = {name: list(shape) for name, shape in found.variables.items()}
    _check_forms(answer, found, wrt, at, shapes, got)


def _check_forms(answer, found, wrt, at, shapes, got) -> None:
    rng = np.random.default_rng(2)
    g, dx = rng.standard_normal([SIZES[d] for d in found.shape]), rng.standard_normal(at[wrt].shape)
    pulled = np.tensordot(g, got, axes=len(found.shape)) if found.shape else got
    changed = np.tensordot(got, dx, axes=dx.ndim)
    more = {**at, answer.cotangent: g, answer.perturbation: dx}
    more_shapes = {**shapes, answer.cotangent: list(found.shape), answer.perturbation: list(found.variables[wrt])}
    note(f"index {answer.index}")
    assert _close(read_back(answer.index, answer.indices, shapes, at, answer.shape), got)
    if answer.matrix is not None:
        note(f"matrix {answer.matrix}")
        assert _close(read_back(answer.matrix, None, shapes, at, answer.shape), got)
    for text, notation, value, axes in (
        (answer.pullback, answer.pullback_notation, pulled, found.variables[wrt]),
        (answer.differential, answer.differential_notation, changed, found.shape),
    ):
        note(f"form {text}")
        if notation == "matrix":
            assert _close(read_back(text, None, more_shapes, more, axes), value)
        else:
            left, right = text.split(" = ", 1)
            letters = left[2:].strip("{}").split() if "{" in left else list(left[2:])
            assert _close(read_back(right, letters, more_shapes, more, axes), value)


@given(index_questions())
@settings(FUZZ, max_examples=300)
def test_index_notation_is_differentiated_as_numpy_would(question: tuple[Expression, str]) -> None:
    found, wrt = question
    at = values(found.variables, 5)
    note(f"{found.text}  by {wrt}")
    want = finite_differences(found, wrt, at)
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    got = evaluate(answer, at)
    assert _close(got, want)
    shapes = {name: list(shape) for name, shape in found.variables.items()}
    output = {**at, "R": found.value(at)}
    _check_forms(answer, found, wrt, output, {**shapes, "R": list(found.shape)}, got)


@given(questions(ranks=(0,), depth=2))
@settings(FUZZ, max_examples=150)
def test_second_derivative_equals_differences_of_the_first(question: tuple[Expression, str]) -> None:
    found, wrt = question
    at = values(found.variables, 3)
    note(f"{found.text}  by {wrt} twice")
    gradient = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    hessian = indexcalc.diff(found.text, wrt=wrt, let=found.let, order=2)
    slope = Expression("", lambda v: evaluate(gradient, v), (), found.variables)
    want = finite_differences(slope, wrt, at)
    if not np.isfinite(want).all() or np.max(np.abs(want), initial=0) > 1e5:
        return
    got = evaluate(hessian, at)
    assert _close(got, want, 1e-5)
    shapes = {name: list(shape) for name, shape in found.variables.items()}
    note(f"index {hessian.index}")
    assert _close(read_back(hessian.index, hessian.indices, shapes, at, hessian.shape), got)
    if hessian.matrix is not None:
        note(f"matrix {hessian.matrix}")
        assert _close(read_back(hessian.matrix, None, shapes, at, hessian.shape), got)


@pytest.mark.parametrize(
    "text, wrt",
    [("x'*A*x", "x"), ("tr(A*X*B)", "X"), ("norm2(A*x - b)^2", "x")],
)
def test_variable_that_cancels_gives_zeros(text: str, wrt: str) -> None:
    answer = indexcalc.diff(f"{text} - {text}", wrt=wrt)
    assert answer.index == "0"


def test_gradients_of_one_question_share_a_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "h1 = tanh(W*x1 + U*h0 + b)\nh2 = tanh(W*x2 + U*h1 + b)\nL = norm2(h2 - y)^2"
    passes = []
    backward = derivative._reverse
    monkeypatch.setattr(derivative, "_reverse", lambda *given: passes.append(given[1]) or backward(*given))
    indexcalc.clear_caches()
    together = {a.task.wrt[0].name: a.derivation.derivative for a in indexcalc.run(f"{text}\ngrad(L)")}
    assert len(passes) == 1
    assert set(together) == {"W", "x1", "U", "h0", "b", "x2", "y"}
    for name, node in together.items():
        (alone,) = indexcalc.run(f"{text}\nd L / d {name}")
        assert alone.derivation.derivative is node


def test_gradients_of_one_question_are_of_one_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is worked out once, and again for a variable with a structure and for one that does not occur."""
    lowered = []
    lower = Lowering.lower
    monkeypatch.setattr(Lowering, "lower", lambda self, root: lowered.append(root) or lower(self, root))
    text = "S: symmetric(n)\nw: vector(n)\nL = norm2(tanh(W*x1 + S*x2 + b) - y)^2"
    assert len(list(indexcalc.run(f"{text}\ngrad(L)"))) == 6
    assert len(lowered) == 2
    by_w, by_b = indexcalc.differentiate(f"{text.replace(chr(10), ';')}; L", wrt=["w", "b"])
    assert (by_w.index, by_w.shape) == ("0", by_b.shape)


@pytest.mark.parametrize("mean", ["mean(x[t-1])", "x[t-1]/n", "x[t-1]/r"])
def test_gradient_is_linear_in_layers_that_divide_by_sizes_and_scalars(mean: str) -> None:
    """The denominators of one layer are not multiplied into the terms of the others."""

    def nodes(layers: int) -> int:
        text = f"r, s: scalar; x[0]: vector(n); W[t]: matrix(n, n) for t = 1..{layers}"
        text += f"; x[t] = x[t-1] + W[t]*tanh(x[t-1] - {mean})/s for t = 1..{layers}; x[{layers}]'*x[{layers}]"
        return indexcalc.diff(text, wrt="x_0").stats["nodes"]

    counts = [nodes(layers) for layers in (4, 6, 8, 10)]
    assert len({b - a for a, b in pairwise(counts)}) == 1
