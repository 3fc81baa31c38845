"""The tables of laws: each law rewrites its example to the other side, and keeps its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

import indexcalc
from indexcalc.tensor.elementwise import APPLY_LAWS
from indexcalc.tensor.product import POWER_LAWS, PRODUCT_LAWS

from .oracle import evaluate
from .strategies import SIZES

Values = dict[str, np.ndarray]
SHAPES = {
    "c": (),
    "x": ("n",),
    "y": ("n",),
    "v": ("m",),
    "A": ("n", "n"),
    "B": ("n", "n"),
    "U": ("n", "m"),
    "V": ("m", "n"),
}
KINDS = ("scalar", "vector", "matrix")
LET = [f"{name}: {KINDS[len(s)]}" + (f"({', '.join(s)})" if s else "") for name, s in SHAPES.items()]
LET += ["p, q, r: vector(3)"]
LET += ["D: diagonal(n)", "Q: orthogonal(n)"]


class Case(NamedTuple):
    """A law's name, the two sides of an example, and what the first means in NumPy."""

    law: str
    before: str
    after: str
    value: Callable[[Values], np.ndarray]


def _sigmoid(u: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-u))


def _softmax(u: np.ndarray, axis: int | None = None) -> np.ndarray:
    return np.exp(u) / np.exp(u).sum(axis=axis, keepdims=axis is not None)


# fmt: off
CASES = [
    Case("log_one", "c + log(1)", "c", lambda v: v["c"]),
    Case("log_one", "log(x ./ x)", "zeros(n)", lambda v: 0 * v["x"]),
    Case("log_exp", "log(exp(x))", "x", lambda v: v["x"]),
    Case("log_exp", "log(exp(x).^3)", "3*x", lambda v: 3 * v["x"]),
    Case("log_exp", "log(exp(c))", "c", lambda v: v["c"]),
    Case("log_one_plus_exp", "log(1 + exp(x))", "softplus(x)", lambda v: np.log(1 + np.exp(v["x"]))),
    Case("log_one_plus_exp", "log(1 + exp(-U))", "softplus(-U)", lambda v: np.log(1 + np.exp(-v["U"]))),
    Case("log_sigmoid", "log(sigmoid(x))", "-softplus(-x)", lambda v: np.log(_sigmoid(v["x"]))),
    Case("log_of_reflection", "log(1 - sigmoid(x))", "-softplus(x)", lambda v: np.log(1 - _sigmoid(v["x"]))),
    Case("log_of_reflection", "log(1 - sigmoid(-U))", "-softplus(-U)", lambda v: np.log(_sigmoid(v["U"]))),
    Case("exp_log", "exp(log(x))", "x", lambda v: np.abs(v["x"])),
    Case("exp_log", "exp(-log(x))", "1 ./ x", lambda v: 1 / np.abs(v["x"])),
    Case("exp_content", "exp(2*x)", "exp(x).^2", lambda v: np.exp(2 * v["x"])),
    Case("exp_content", "exp(x) .* exp(-x)", "ones(n)", lambda v: np.ones(4)),
    Case("exp_content", "exp(2*x - 2*y)", "exp(x - y).^2", lambda v: np.exp(2 * v["x"] - 2 * v["y"])),
    Case("log_softmax", "log(softmax(x))", "x - logsumexp(x)", lambda v: np.log(_softmax(v["x"]))),
    Case("log_softmax", "log(softmax(U, 2))", "Y_ij = U_ij - logsumexp(U, 2)_i", lambda v: np.log(_softmax(v["U"], 1))),
    Case("log_softmax", "log(softmax(U, 1))", "Y_ij = U_ij - logsumexp(U, 1)_j", lambda v: np.log(_softmax(v["U"], 0))),
    Case("abs_positive", "abs(exp(x))", "exp(x)", lambda v: np.exp(v["x"])),
    Case("abs_positive", "abs(sigmoid(x))", "sigmoid(x)", lambda v: _sigmoid(v["x"])),
    Case("sign_positive", "sign(exp(x))", "ones(n)", lambda v: np.ones(4)),
    Case("sign_positive", "step(sigmoid(x))", "ones(n)", lambda v: np.ones(4)),
    Case("relu_positive", "relu(exp(x))", "exp(x)", lambda v: np.exp(v["x"])),
    Case("diagonal_entries", "D*x", "diag(D) .* x", lambda v: v["D"] @ v["x"]),
    Case("diagonal_entries", "x'*D*A*D*y", "(diag(D) .* x)'*A*(diag(D) .* y)", lambda v: (v["D"] @ v["x"]) @ v["A"] @ v["D"] @ v["y"]),
    Case("orthogonal_rows_and_columns", "Q'*Q*x", "x", lambda v: v["x"]),
    Case("orthogonal_rows_and_columns", "tr(A*Q*Q')", "tr(A)", lambda v: np.trace(v["A"])),
    Case("orthogonal_rows_and_columns", "x'*Q'*A*Q*Q'*y", "x'*Q'*A*y", lambda v: v["x"] @ v["Q"].T @ v["A"] @ v["y"]),
    Case("deviations_added_up", "sum(A - sum(A, 2)*ones(1, n)/n, 2)", "zeros(n)", lambda v: 0 * v["x"]),
    Case("deviations_added_up", "sum(diag(x) - x*(y - mean(y))', 2)", "x", lambda v: v["x"]),
    Case("power_of_reflection", "sigmoid(-x) ./ (1 - sigmoid(x))", "ones(n)", lambda v: np.ones(4)),
    Case("power_of_reflection", "sqrt(1 - sigmoid(c))", "sqrt(sigmoid(-c))", lambda v: np.sqrt(1 - _sigmoid(v["c"]))),
    Case("power_of_positive", "sqrt(exp(x).^3)", "exp(x).^(3/2)", lambda v: np.exp(1.5 * v["x"])),
    Case("power_of_positive", "sqrt(x.^2)", "abs(x)", lambda v: np.abs(v["x"])),
    Case("power_of_positive", "(c^4)^(1/4)", "abs(c)", lambda v: np.abs(v["c"])),
    Case("reciprocal_one_plus_exp", "1 ./ (1 + exp(x))", "sigmoid(-x)", lambda v: 1 / (1 + np.exp(v["x"]))),
    Case("reciprocal_one_plus_exp", "1/(1 + exp(c))^2", "sigmoid(-c)^2", lambda v: _sigmoid(-v["c"]) ** 2),
    Case("even_power_of_abs", "abs(x).^2", "x.^2", lambda v: v["x"]**2),
    Case("even_power_of_abs", "abs(c)^4", "c^4", lambda v: v["c"]**4),
    Case("inverse_times_argument", "inv(A)*A*x", "x", lambda v: v["x"]),
    Case("inverse_times_argument", "U'*A*inv(A)", "U'", lambda v: v["U"].T),
    Case("inverse_times_argument", "inv(A')*A'*x", "x", lambda v: v["x"]),
    Case("inverse_times_argument", "inv(A + B)*(B + A)*x", "x", lambda v: v["x"]),
    Case("inverse_times_argument", "inv(V*U)*V*U*v", "v", lambda v: v["v"]),
    Case("inverse_times_argument", "inv(V*V')*V*V'*v", "v", lambda v: v["v"]),
    Case("inverse_times_argument", "tr(inv(A)*A)", "n", lambda v: np.array(4.0)),
    Case("inverse_times_argument", "A*inv(B*A)*x", "inv(B)*x", lambda v: np.linalg.solve(v["B"], v["x"])),
    Case("exp_over_sum", "exp(x)/sum(exp(x))", "softmax(x)", lambda v: _softmax(v["x"])),
    Case("exp_over_sum", "exp(-2*x)/sum(exp(-2*x))", "softmax(-2*x)", lambda v: _softmax(-2 * v["x"])),
    Case("exp_over_sum", "Y_ij = exp(U_ij)/sum_j(exp(U_ij))", "softmax(U, 2)", lambda v: _softmax(v["U"], 1)),
    Case("exp_over_sum", "Y_ij = exp(U_ij)/sum_i(exp(U_ij))", "softmax(U, 1)", lambda v: _softmax(v["U"], 0)),
    Case("softmax_total", "sum(softmax(x))", "1", lambda v: np.array(1.0)),
    Case("softmax_total", "softmax(U, 2)*ones(m)", "ones(n)", lambda v: np.ones(4)),
    Case("relu_times_step", "relu(x) .* step(x)", "relu(x)", lambda v: np.maximum(v["x"], 0)),
    Case("relu_times_step", "relu(x).^2 .* step(x)", "relu(x).^2", lambda v: np.maximum(v["x"], 0)**2),
    Case("abs_times_sign", "abs(x) .* sign(x)", "x", lambda v: v["x"]),
    Case("abs_times_sign", "abs(c)^3*sign(c)", "c^2*abs(c)*sign(c)*abs(c)/abs(c)", lambda v: v["c"]**3),
    Case("exp_times_sigmoid", "exp(x) .* sigmoid(-x)", "sigmoid(x)", lambda v: _sigmoid(v["x"])),
    Case("exp_times_sigmoid", "sigmoid(x) ./ exp(x)", "sigmoid(-x)", lambda v: _sigmoid(-v["x"])),
    Case("product_of_epsilons", "cross(p, cross(q, r))", "q*(p'*r) - r*(p'*q)", lambda v: np.cross(v["p"], np.cross(v["q"], v["r"]))),
    Case("power_of_flattened", "kron(x, y).^2", "kron(x.^2, y.^2)", lambda v: np.kron(v["x"], v["y"]) ** 2),
    Case("powers_of_one_base", "abs(x).^c .* abs(x)", "abs(x).^(c + 1)", lambda v: np.abs(v["x"]) ** (v["c"] + 1)),
    Case("powers_of_one_base", "exp(x).^c .* exp(x).^(1 - c)", "exp(x)", lambda v: np.exp(v["x"])),
]
GUARDS = [
    ("inv(A)*diag(A)", lambda v: np.linalg.solve(v["A"], np.diag(v["A"]))),
    ("inv(B*A)*B*diag(A)", lambda v: np.linalg.solve(v["A"], np.diag(v["A"]))),
    ("Y_ik = inv(A)_ij A_jk x_j", lambda v: np.einsum("ij,jk,j->ik", np.linalg.inv(v["A"]), v["A"], v["x"])),
    ("Y_ij = inv(A)_ij A_jk", lambda v: np.einsum("ij,jk->ij", np.linalg.inv(v["A"]), v["A"])),
    ("inv(A) .* A", lambda v: np.linalg.inv(v["A"]) * v["A"]),
    ("inv(A)*A'", lambda v: np.linalg.inv(v["A"]) @ v["A"].T),
    ("tr(inv(A)*A*A)", lambda v: np.trace(v["A"])),
    ("inv(A)*B*A", lambda v: np.linalg.inv(v["A"]) @ v["B"] @ v["A"]),
    ("softmax(x)'*y", lambda v: _softmax(v["x"]) @ v["y"]),
    ("sum(softmax(x).^2)", lambda v: (_softmax(v["x"])**2).sum()),
    ("softmax(U, 1)*ones(m)", lambda v: _softmax(v["U"], 0).sum(axis=1)),
    ("exp(x)/sum(exp(y))", lambda v: np.exp(v["x"]) / np.exp(v["y"]).sum()),
    ("exp(x)/sum(exp(2*x))", lambda v: np.exp(v["x"]) / np.exp(2 * v["x"]).sum()),
    ("Y_ij = exp(A_ij)/sum_j(exp(A_ji))", lambda v: np.exp(v["A"]) / np.exp(v["A"]).sum(axis=0)[:, None]),
    ("relu(x) .* step(y)", lambda v: np.maximum(v["x"], 0) * (v["y"] > 0)),
    ("relu(x) .* step(-x)", lambda v: 0 * v["x"]),
    ("abs(x) .* sign(y)", lambda v: np.abs(v["x"]) * np.sign(v["y"])),
    ("sqrt(x.^2) + x", lambda v: np.abs(v["x"]) + v["x"]),
    ("log(1 + exp(x) + exp(x))", lambda v: np.log(1 + 2 * np.exp(v["x"]))),
    ("log(2 + exp(x))", lambda v: np.log(2 + np.exp(v["x"]))),
    ("abs(x).^3", lambda v: np.abs(v["x"])**3),
]
# fmt: on


def _values() -> Values:
    rng = np.random.default_rng(7)
    values = {name: rng.standard_normal([SIZES[d] for d in shape]) for name, shape in SHAPES.items()}
    values |= {name: rng.standard_normal(3) for name in "pqr"}
    return values | {"D": np.diag(values["x"]), "Q": np.linalg.qr(values["A"])[0]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.law}: {case.before}")
def test_law_rewrites_one_side_to_the_other(case: Case) -> None:
    before, after = (indexcalc.simplify(text, let=LET) for text in (case.before, case.after))
    assert before.derivation.node is after.derivation.node


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.law}: {case.before}")
def test_law_keeps_the_value(case: Case) -> None:
    values = _values()
    if case.law == "exp_log":  # holds where the logarithm has a value
        values["x"] = np.abs(values["x"])
    np.testing.assert_allclose(evaluate(indexcalc.simplify(case.before, let=LET), values), case.value(values))


@pytest.mark.parametrize("text, value", GUARDS, ids=[text for text, _ in GUARDS])
def test_no_law_acts_where_it_does_not_hold(text: str, value: Callable[[Values], np.ndarray]) -> None:
    values = _values()
    np.testing.assert_allclose(evaluate(indexcalc.simplify(text, let=LET), values), value(values), atol=1e-12)


def test_every_law_has_an_example() -> None:
    registered = [law for table in (APPLY_LAWS, POWER_LAWS, PRODUCT_LAWS) for laws in table.values() for law in laws]
    assert {law.__name__ for law in registered} == {case.law for case in CASES}


def test_every_law_states_itself() -> None:
    registered = [law for table in (APPLY_LAWS, POWER_LAWS, PRODUCT_LAWS) for laws in table.values() for law in laws]
    assert all("=" in (law.__doc__ or "") for law in registered)
