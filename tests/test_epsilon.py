"""The Levi-Civita symbol: antisymmetry, the epsilon-delta identity, cross products and their derivatives."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

import indexcalc

from .oracle import evaluate

EPS = np.zeros((3, 3, 3))
for p in permutations(range(3)):
    EPS[p] = round(float(np.linalg.det(np.eye(3)[list(p)])))
LET = ["a, b, c: vector(3)", "S: symmetric(3)", "X: matrix(3, 3)"]
RNG = np.random.default_rng(1)
V = {name: RNG.standard_normal(3) for name in "abc"} | {"X": RNG.standard_normal((3, 3))}


@pytest.mark.parametrize(
    "text, index",
    [
        ("eps_ijk eps_ijk", "6"),
        ("eps_ijk eps_jik", "-6"),
        ("eps_ijk eps_ijl", "2 delta_kl"),
        ("eps_iij a_j", "0"),
        ("eps_ijk a_i a_j b_k", "0"),
        ("y_i = eps_ijk S_jk", "0"),
        ("eps_ijk a_i b_j c_k + eps_ijk b_i a_j c_k", "0"),
        ("eps_ijk a_i b_j c_k - eps_ijk c_i a_j b_k", "0"),
    ],
)
def test_antisymmetry_and_contractions(text: str, index: str) -> None:
    assert indexcalc.simplify(text, let=LET).index == index


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("cross(a, cross(b, c))", "(a'*c)*b - (a'*b)*c"),
        ("dot(a, cross(a, b))", "0"),
        ("cross(a, a)", "zeros(3)"),
        ("norm2(cross(a, b))^2", "(a'*a)*b'*b - (a'*b)^2"),
    ],
)
def test_cross_products_simplify(text: str, matrix: str) -> None:
    assert indexcalc.simplify(text, let=LET).matrix == matrix


@pytest.mark.parametrize(
    "text, wrt, want",
    [
        ("v_i = eps_ijk a_j b_k", "b", lambda v: np.einsum("ijk,j->ik", EPS, v["a"])),
        ("v_i = eps_ijk a_j b_k", "a", lambda v: np.einsum("ijk,k->ij", EPS, v["b"])),
        ("eps_ijk a_i b_j c_k", "b", lambda v: np.cross(v["c"], v["a"])),
        ("cross(a, cross(b, c))", "a", lambda v: np.outer(v["b"], v["c"]) - np.outer(v["c"], v["b"])),
        ("1/6 eps_ijk eps_lmn X_il X_jm X_kn", "X", lambda v: np.linalg.det(v["X"]) * np.linalg.inv(v["X"]).T),
        ("E_ijk = eps_ijk a_k", "a", lambda v: np.einsum("ijk,kl->ijkl", EPS, np.eye(3))),
    ],
)
def test_derivatives(text: str, wrt: str, want: object) -> None:
    answer = indexcalc.diff(text, wrt=wrt, let=LET)
    assert np.allclose(evaluate(answer, V), want(V))  # type: ignore[operator]


def test_determinant_has_a_matrix_form_without_epsilons() -> None:
    answer = indexcalc.diff("1/6 eps_ijk eps_lmn X_il X_jm X_kn", wrt="X", let=LET)
    assert answer.matrix == "(X^2 + 1/2*tr(X)^2*eye(3) - 1/2*tr(X^2)*eye(3) - tr(X)*X)'"


def test_size_three_is_needed() -> None:
    with pytest.raises(indexcalc.IndexcalcError, match="E203"):
        indexcalc.simplify("cross(x, y)", let=["x, y: vector(4)"])
