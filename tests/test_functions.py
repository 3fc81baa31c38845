"""The table of elementwise functions, row by row."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import indexcalc
from indexcalc.numeric.backends import BACKENDS
from indexcalc.numeric.code import module
from indexcalc.numeric.lowering import lowered
from indexcalc.tensor.elementwise import Function, apply
from indexcalc.tensor.functions import BY_NAME, TABLE
from indexcalc.tensor.nodes import Node, number, variable
from indexcalc.tensor.sums import scale

from .oracle import evaluate
from .strategies import Expression, finite_differences

POINTS = (-1.2, -0.8, -0.35, 0.2, 0.45, 0.9, 1.3)
rows = pytest.mark.parametrize("row", TABLE, ids=repr)


def _domain(row: Function) -> np.ndarray:
    """The points around which the function has values."""

    def inside(u: float) -> bool:
        try:
            return all(math.isfinite(row.value(u + step)) for step in (-0.01, 0.01))
        except ValueError:
            return False

    return np.array([u for u in POINTS if inside(u)])


def _run(node: Node, u: np.ndarray) -> np.ndarray:
    space: dict[str, object] = {}
    exec(module("f", lowered([node], {}), BACKENDS["numpy"], {"u": "u"}, {"u": ("n",)}, ["f."]), space)
    return np.asarray(space["f"](u=u), dtype=float)  # type: ignore[operator]


def _values(row: Function, u: np.ndarray) -> np.ndarray:
    return np.array([row.value(float(x)) for x in u])


@rows
def test_derivative_row_equals_differences_of_value(row: Function) -> None:
    u, h = _domain(row), 1e-3
    want = sum(w * _values(row, u + k * h) for k, w in ((-2, 1), (-1, -8), (1, 8), (2, -1))) / (12 * h)
    node = variable("u", ("n",))
    got = _run(row.derivative(node, apply(row, node)), u)
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)


@rows
def test_code_equals_value(row: Function) -> None:
    u = _domain(row)
    got = eval(row.numpy.format("u"), {"np": np, "math": math, "u": u})
    np.testing.assert_allclose(got, _values(row, u), rtol=1e-13)


@rows
def test_code_keeps_together_what_it_is_given(row: Function) -> None:
    u = _domain(row) / 2
    got = eval(row.numpy.format("u + 0.25"), {"np": np, "math": math, "u": u})
    np.testing.assert_allclose(got, _values(row, u + 0.25), rtol=1e-13)


@rows
def test_parity_is_that_of_value_and_of_the_node(row: Function) -> None:
    node = variable("u", ("n",))
    if row.parity:
        u = _domain(row)
        np.testing.assert_allclose(_values(row, -u), row.parity * _values(row, u), rtol=1e-13)
        assert apply(row, scale(-1, node)) is scale(row.parity, apply(row, node))
    else:
        assert apply(row, scale(-1, node)) not in (apply(row, node), scale(-1, apply(row, node)))


@rows
def test_value_at_zero(row: Function) -> None:
    if row.at_zero is not None:
        assert row.value(0.0) == row.at_zero
        assert apply(row, number(0)) is number(row.at_zero)


@rows
def test_positive_functions_are_positive(row: Function) -> None:
    assert not row.positive or (_values(row, _domain(row)) > 0).all()


@rows
def test_diff_equals_differences(row: Function) -> None:
    u = _domain(row)
    found = Expression(f"{row.name}(x)", lambda v: _values(row, v["x"]), ("n",), {"x": ("n",)})
    answer = indexcalc.diff(found.text, wrt="x", let=["x: vector(n)"])
    np.testing.assert_allclose(evaluate(answer, {"x": u}), finite_differences(found, "x", {"x": u}), atol=1e-7)


@rows
def test_second_derivative_equals_differences_of_the_first(row: Function) -> None:
    u = _domain(row)
    text, let = f"sum({row.name}(x))", ["x: vector(n)"]
    gradient = indexcalc.diff(text, wrt="x", let=let)
    found = Expression("", lambda v: evaluate(gradient, v), ("n",), {"x": ("n",)})
    hessian = indexcalc.diff(text, wrt="x", let=let, order=2)
    np.testing.assert_allclose(evaluate(hessian, {"x": u}), finite_differences(found, "x", {"x": u}), atol=1e-6)


@rows
def test_name_is_read_and_printed(row: Function) -> None:
    answer = indexcalc.simplify(f"{row.name}(x)", let=["x: vector(n)"])
    assert answer.matrix == f"{row.name}(x)"
    assert answer.index == f"{row.name}(x_i)"


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - {row.name for row in TABLE} - {"σ"}))
def test_other_names_mean_the_same(name: str) -> None:
    assert indexcalc.simplify(f"{name}(x)").index == f"{BY_NAME[name].name}(x_i)"


@rows
def test_latex_is_one_command(row: Function) -> None:
    assert re.fullmatch(r"\\[a-z]+(\{\w+\})?", row.latex)


@pytest.mark.parametrize(
    "text, derivative",
    [
        ("relu(x)", "diag(step(x))"),
        ("abs(x)", "diag(sign(x))"),
        ("sign(x)", "zeros(n, n)"),
        ("step(x)", "zeros(n, n)"),
        ("log(x)", "diag(1 ./ x)"),
        ("exp(x)", "diag(exp(x))"),
        ("tanh(x)", "diag(1 - tanh(x).^2)"),
        ("cos(x)", "-diag(sin(x))"),
        ("softplus(x)", "diag(sigmoid(x))"),
        ("sqrt(x)", "1/2*diag(1 ./ sqrt(x))"),
    ],
)
def test_conventions(text: str, derivative: str) -> None:
    let = ["x: vector(n)"]
    got = indexcalc.diff(text, wrt="x", let=let)
    assert got.index == indexcalc.diff(f"{derivative}*v", wrt="v", let=[*let, "v: vector(n)"]).index
    assert got.matrix == derivative


@pytest.mark.parametrize("name, value", [("step", 0.5), ("sign", 0.0), ("relu", 0.0), ("abs", 0.0)])
def test_kinks_have_the_middle_value(name: str, value: float) -> None:
    answer = indexcalc.simplify(f"{name}(x)", let=["x: vector(n)"])
    assert evaluate(answer, {"x": np.zeros(2)}).tolist() == [value, value]


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "erf", "erfc", "relu"])
def test_code_is_finite_far_out(name: str) -> None:
    u = np.array([-900.0, 900.0])
    with np.errstate(over="ignore"):
        got = eval(BY_NAME[name].numpy.format("u"), {"np": np, "math": math, "u": u})
    np.testing.assert_allclose(got, [BY_NAME[name].value(-900.0), BY_NAME[name].value(900.0)], atol=1e-300)
