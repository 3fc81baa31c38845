"""Kinds: their identities, never on the variable before it is differentiated by, and the structured gradients."""

from __future__ import annotations

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer

LET = ["x, y, a, b: vector(n)", "A, B: matrix(n, n)", "S: symmetric(n)", "P: spd(n)", "K: skew(n)", "D: diagonal(n)"]
LET += ["Q: orthogonal(n)", "z: vector(n) positive", "Z: matrix(n, n) positive"]


def _diff(text: str, wrt: str, order: int = 1) -> Answer:
    return indexcalc.diff(text, wrt=wrt, let=LET, order=order)


@pytest.mark.parametrize(
    "text, simple",
    [
        ("S'", "S"),
        ("P' - P", "zeros(n, n)"),
        ("K' + K", "zeros(n, n)"),
        ("x'*K*x", "0"),
        ("x'*K*y + y'*K*x", "0"),
        ("tr(K)", "0"),
        ("tr(S*K)", "0"),
        ("tr(K*K*K)", "0"),
        ("D'", "D"),
        ("D*x - x .* diag(D)", "zeros(n)"),
        ("D*inv(D)", "eye(n)"),
        ("D^2", "D^2"),
        ("Q'*Q*x", "x"),
        ("Q*Q'", "eye(n)"),
        ("inv(Q)", "Q'"),
        ("norm2(Q)^2", "n"),
        ("norm2(Q*x)^2", "x'*x"),
        ("logdet(Q)", "0"),
        ("abs(z)", "z"),
        ("sign(z)", "ones(n)"),
        ("sqrt(z.^2)", "z"),
        ("relu(Z)", "Z"),
        ("inv(P)'", "inv(P)"),
    ],
)
def test_identities_simplify(text: str, simple: str) -> None:
    assert indexcalc.simplify(text, let=LET).matrix == simple


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("a'*S*b", "a*b'"),
        ("tr(A*S)", "A'"),
        ("a'*S*b - b'*S*a", "a*b' - b*a'"),
        ("x'*S*x", "x*x'"),
        ("tr(S*S)", "2*S"),
        ("logdet(S)", "inv(S)"),
    ],
)
def test_symmetry_does_not_act_before_differentiating(text: str, matrix: str) -> None:
    assert _diff(text, "S").matrix == matrix


@pytest.mark.parametrize(
    "text, wrt, structured",
    [
        ("a'*S*b", "S", "1/2*(a*b' + b*a')"),
        ("tr(A*P)", "P", "1/2*(A + A')"),
        ("tr(A*D)", "D", "A .* eye(n)"),
        ("tr(A*A)", "A", None),
        ("sum(z)", "z", None),
    ],
)
def test_structured_gradient(text: str, wrt: str, structured: str | None) -> None:
    assert _diff(text, wrt).structured == structured


def test_gradients_on_tangent_spaces() -> None:
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    space: dict[str, object] = {}
    g = rng.standard_normal((4, 4))
    for text in ("1/2*(G - G')", "G - Q*(G'*Q + Q'*G)/2"):
        code = indexcalc.simplify(text, let=["G: matrix(n, n)", "Q: matrix(n, n)"]).to_code("numpy")
        exec(code, space)
        got = space["derivative"](**({"G": g, "Q": q} if "Q" in text else {"G": g}))  # type: ignore[operator]
        if "Q" in text:  # tangent to the orthogonal matrices: Q'X is skew
            assert np.allclose(q.T @ got, -(q.T @ got).T)
        else:
            assert np.allclose(got, -got.T)


def test_second_derivative_by_a_structured_variable() -> None:
    assert _diff("tr(S*A*S*B)", "S", order=2).differential == "(A*dS*B + B*dS*A)'"


@pytest.mark.parametrize(
    "declaration", ["S: symmetric", "S: symmetric(n)", "S: spd(n) positive", "W: matrix", "x: vector"]
)
def test_declared_kinds_are_shown(declaration: str) -> None:
    name, kind = declaration.split(": ")
    found = indexcalc.simplify(name, let=[declaration]).to_dict()["declarations"][name]
    assert found["kind"] == kind.replace("(n)", "")
    assert found["assumed"] is False


def test_note_names_the_derivative_by_distinct_entries() -> None:
    assert any("G + G' - diag(diag(G))" in note for note in _diff("logdet(S)", "S").to_dict()["notes"])
