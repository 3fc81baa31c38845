"""Derivatives of The Matrix Cookbook (Petersen and Pedersen, 2012) by equation, and the examples of matrixcalculus.org."""

from __future__ import annotations

import numpy as np
import pytest

import indexcalc

from .oracle import evaluate
from .strategies import SIZES

LET = [
    "a, b, c, d, x, s: vector(n)",
    "A, B, C, D, X, Y, W: matrix(n, n)",
    "P: spd(n)",
    "t, m: scalar",
    "V: matrix(n, p)",
]
RNG = np.random.default_rng(5)
N = SIZES["n"]
VALUES: dict[str, np.ndarray] = {name: RNG.standard_normal(N) for name in "abcdxs"}
VALUES |= {name: np.eye(N) + 0.3 * RNG.standard_normal((N, N)) for name in "ABCDXYW"}
VALUES |= {
    "P": VALUES["A"] @ VALUES["A"].T + np.eye(N),
    "t": np.float64(0.7),
    "V": RNG.standard_normal((N, SIZES["p"])),
}

COOKBOOK = [
    ("(33)", "A*X*B", "t", "zeros(n, n)"),
    ("(36)", "tr(X)", "X", "eye(n)"),
    ("(41)", "det(A + t*B)", "t", "det(A + t*B)*tr(inv(A + t*B)*B)"),
    ("(43)", "logdet(A + t*B)", "t", "tr(inv(A + t*B)*B)"),
    ("(40)", "inv(A + t*B)", "t", "-inv(A + t*B)*B*inv(A + t*B)"),
    ("(49)", "det(X)", "X", "det(X)*inv(X)'"),
    ("(51)", "det(A*X*B)", "X", "det(A*X*B)*inv(X)'"),
    ("(53)", "det(X'*A*X)", "X", "det(X'*A*X)*(A*X*inv(X'*A*X) + A'*X*inv(X'*A'*X))"),
    ("(55)", "logdet(V'*V)", "V", "2*V*inv(V'*V)"),
    ("(57)", "logdet(X)", "X", "inv(X)'"),
    ("(58)", "det(X^3)", "X", "3*det(X)^3*inv(X)'"),
    ("(61)", "a'*inv(X)*b", "X", "-inv(X)'*a*b'*inv(X)'"),
    ("(62)", "det(inv(X))", "X", "-det(inv(X))*inv(X)'"),
    ("(63)", "tr(A*inv(X)*B)", "X", "-(inv(X)*B*A*inv(X))'"),
    ("(64)", "tr(inv(X + A))", "X", "-(inv(X + A)*inv(X + A))'"),
    ("(69)", "x'*a", "x", "a"),
    ("(70)", "a'*X*b", "X", "a*b'"),
    ("(71)", "a'*X'*b", "X", "b*a'"),
    ("(72)", "a'*X*a", "X", "a*a'"),
    ("(76)", "sum(X)^2", "X", "2*sum(X)*ones(n, n)"),
    ("(77)", "b'*X'*X*c", "X", "X*(b*c' + c*b')"),
    ("(78)", "(B*x + b)'*C*(D*x + d)", "x", "B'*C*(D*x + d) + D'*C'*(B*x + b)"),
    ("(81)", "x'*B*x", "x", "(B + B')*x"),
    ("(82)", "b'*X'*D*X*c", "X", "D'*X*b*c' + D*X*c*b'"),
    ("(83)", "(X*b + c)'*D*(X*b + c)", "X", "(D + D')*(X*b + c)*b'"),
    ("(84)", "(x - A*s)'*P*(x - A*s)", "s", "-2*A'*P*(x - A*s)"),
    ("(85)", "(x - s)'*P*(x - s)", "x", "2*P*(x - s)"),
    ("(86)", "(x - s)'*P*(x - s)", "s", "-2*P*(x - s)"),
    ("(87)", "(x - A*s)'*P*(x - A*s)", "x", "2*P*(x - A*s)"),
    ("(88)", "(x - A*s)'*P*(x - A*s)", "A", "-2*P*(x - A*s)*s'"),
    ("(91)", "a'*X^3*b", "X", "a*b'*X'*X' + X'*a*b'*X' + X'*X'*a*b'"),
    ("(92)", "a'*X'*X*b", "X", "X*(a*b' + b*a')"),
    ("(98)", "a'*x + b'*x", "x", "a + b"),
    ("(99)", "tr(X)", "X", "eye(n)"),
    ("(100)", "tr(X*A)", "X", "A'"),
    ("(101)", "tr(A*X*B)", "X", "A'*B'"),
    ("(102)", "tr(A*X'*B)", "X", "B*A"),
    ("(103)", "tr(X'*A)", "X", "A"),
    ("(104)", "tr(A*X')", "X", "A"),
    ("(105)", "tr(kron(A, X))", "X", "tr(A)*eye(n)"),
    ("(106)", "tr(X^2)", "X", "2*X'"),
    ("(107)", "tr(X^2*B)", "X", "(X*B + B*X)'"),
    ("(108)", "tr(X'*B*X)", "X", "B*X + B'*X"),
    ("(109)", "tr(B*X*X')", "X", "B*X + B'*X"),
    ("(110)", "tr(X*X'*B)", "X", "B*X + B'*X"),
    ("(111)", "tr(X*B*X')", "X", "X*B' + X*B"),
    ("(112)", "tr(B*X'*X)", "X", "X*B' + X*B"),
    ("(113)", "tr(X'*X*B)", "X", "X*B' + X*B"),
    ("(114)", "tr(A*X*B*X)", "X", "A'*X'*B' + B'*X'*A'"),
    ("(115)", "tr(X'*X)", "X", "2*X"),
    ("(116)", "tr(B'*X'*C*X*B)", "X", "C'*X*B*B' + C*X*B*B'"),
    ("(117)", "tr(X'*B*X*C)", "X", "B*X*C + B'*X*C'"),
    ("(118)", "tr(A*X*B*X'*C)", "X", "A'*C'*X*B' + C*A*X*B"),
    ("(119)", "tr((A*X*B + C)*(A*X*B + C)')", "X", "2*A'*(A*X*B + C)*B'"),
    ("(120)", "tr(kron(X, X))", "X", "2*tr(X)*eye(n)"),
    ("(121)", "tr(X^4)", "X", "4*(X^3)'"),
    ("(122)", "tr(A*X^3)", "X", "(A*X^2 + X*A*X + X^2*A)'"),
    ("(124)", "tr(A*inv(X)*B)", "X", "-inv(X)'*A'*B'*inv(X)'"),
    ("(125)", "tr(inv(X'*P*X)*A)", "X", "-P*X*inv(X'*P*X)*(A + A')*inv(X'*P*X)"),
    ("(126)", "tr(inv(X'*P*X)*(X'*B*X))", "X", "-P*X*inv(X'*P*X)*X'*(B + B')*X*inv(X'*P*X) + (B + B')*X*inv(X'*P*X)"),
    ("(129)", "norm2(x - a)", "x", "(x - a)/norm2(x - a)"),
    ("(131)", "norm2(x)^2", "x", "2*x"),
    ("(132)", "norm2(X)^2", "X", "2*X"),
]

# with their kinds declared: the gradient or the Jacobian that the site gives
SITE = [
    ("0.5*x'*A*x", "x", "1/2*(A + A')*x"),
    ("A*exp(x)", "x", "A*diag(exp(x))"),
    ("(a .* b)'*x", "x", "a .* b"),
    ("t^m", "t", "m*t^(m - 1)"),
    ("norm1(A*x - b)", "x", "A'*sign(A*x - b)"),
    ("norm2(A*x - b)^2", "x", "2*A'*(A*x - b)"),
    ("sum(log(exp(-b .* (X*x)) + vector(1)))", "x", "-X'*(b .* sigmoid(-b .* (X*x)))"),
    ("tr(A*X'*B*X*C)", "X", "B*X*C*A + B'*X*A'*C'"),
    ("log(det(inv(X)))", "X", "-inv(X)'"),
]


def _check(text: str, wrt: str, expected: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt, let=LET)
    values = {**VALUES, "m": np.float64(1.7)}
    want = evaluate(indexcalc.simplify(expected, let=LET), values)
    assert np.allclose(evaluate(answer, values), want, rtol=1e-8)
    assert answer.matrix is not None
    error = answer.verified["numeric_error"]
    assert error is not None
    assert error < 1e-5


@pytest.mark.parametrize("text, wrt, expected", [row[1:] for row in COOKBOOK], ids=[f"{r[0]} {r[1]}" for r in COOKBOOK])
def test_cookbook(text: str, wrt: str, expected: str) -> None:
    _check(text, wrt, expected)


@pytest.mark.parametrize("text, wrt, expected", SITE)
def test_examples_of_matrixcalculus_org(text: str, wrt: str, expected: str) -> None:
    _check(text, wrt, expected)


@pytest.mark.parametrize(
    "text, wrt, index",
    [
        ("(37) X*A", "X", "delta_ik A_lj"),
        ("(73) X", "X", "delta_ik delta_jl"),
        ("(74) X'*B*X", "X", "delta_il B_kp X_pj + X_pi B_pk delta_jl"),
        ("(59) inv(X)", "X", "-inv(X)_ik inv(X)_lj"),
    ],
)
def test_cookbook_entry_by_entry(text: str, wrt: str, index: str) -> None:
    answer = indexcalc.diff(text.split(" ", 1)[1], wrt=wrt, let=LET)
    left = "R_{" + " ".join(answer.indices) + "} = "
    same = indexcalc.simplify(f"{left}{answer.index} - ({index})", let=LET)
    assert same.index == "0"
