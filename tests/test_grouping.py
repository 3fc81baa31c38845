"""kron, vec and commutation: their laws, derivatives, and sizes that are products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import indexcalc

from .oracle import evaluate

RNG = np.random.default_rng(2)
SHAPES = {
    "A": "mn",
    "B": "pm",
    "C": "nm",
    "E": "mp",
    "X": "mn",
    "M": "mm",
    "N": "nn",
    "x": "m",
    "y": "n",
    "a": "m",
    "b": "n",
}
SIZE = {"m": 3, "n": 4, "p": 2}
V = {name: RNG.standard_normal([SIZE[d] for d in shape]) for name, shape in SHAPES.items()} | {"t": np.float64(0.3)}
V["v"] = RNG.standard_normal(12)
KINDS = ("scalar", "vector", "matrix")
LET = [f"{name}: {KINDS[len(shape)]}({', '.join(shape)})" for name, shape in SHAPES.items()] + ["t: scalar"]


def _vec(x: np.ndarray) -> np.ndarray:
    return x.ravel(order="F")


@pytest.mark.parametrize(
    "text, want",
    [
        ("kron(A, B)", lambda v: np.kron(v["A"], v["B"])),
        ("A ⊗ B", lambda v: np.kron(v["A"], v["B"])),
        ("kron(A, B)'", lambda v: np.kron(v["A"], v["B"]).T),
        ("kron(x, y)", lambda v: np.kron(v["x"], v["y"])),
        ("kron(x', y)", lambda v: np.kron(v["x"][None], v["y"][:, None])),
        ("kron(x, A)", lambda v: np.kron(v["x"][:, None], v["A"])),
        ("kron(A, y')", lambda v: np.kron(v["A"], v["y"][None])),
        ("vec(X)", lambda v: _vec(v["X"])),
        ("vec(X')", lambda v: _vec(v["X"].T)),
        ("vec(A*C*E)", lambda v: _vec(v["A"] @ v["C"] @ v["E"])),
        ("vec(x*y')", lambda v: np.kron(v["y"], v["x"])),
        ("kron(A, B)*kron(C, E)", lambda v: np.kron(v["A"] @ v["C"], v["B"] @ v["E"])),
        ("kron(N', M)*vec(X)", lambda v: _vec(v["M"] @ v["X"] @ v["N"])),
        ("commutation(m, n)*vec(X)", lambda v: _vec(v["X"].T)),
        ("inv(kron(M, N))", lambda v: np.kron(np.linalg.inv(v["M"]), np.linalg.inv(v["N"]))),
        ("tr(kron(M, N))", lambda v: np.trace(v["M"]) * np.trace(v["N"])),
        ("det(kron(M, N))", lambda v: np.linalg.det(np.kron(v["M"], v["N"]))),
        ("logdet(kron(M, N))", lambda v: np.linalg.slogdet(np.kron(v["M"], v["N"]))[1]),
        ("kron(A, B)*kron(y, x)", lambda v: np.kron(v["A"] @ v["y"], v["B"] @ v["x"])),
        ("exp(kron(A, B))", lambda v: np.exp(np.kron(v["A"], v["B"]))),
        ("kron(A + t*X, B)", lambda v: np.kron(v["A"] + v["t"] * v["X"], v["B"])),
        ("sum(kron(A, B))", lambda v: v["A"].sum() * v["B"].sum()),
    ],
)
def test_values(text: str, want: Callable[[dict[str, np.ndarray]], np.ndarray]) -> None:
    assert np.allclose(evaluate(indexcalc.simplify(text, let=LET), V), want(V))


def test_sizes_of_a_product_have_to_fit() -> None:
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        indexcalc.simplify("y'*N*kron(y', x)*kron(y, x')*N*y", let=LET)
    assert caught.value.code == "E203"


@pytest.mark.parametrize(
    "text, simple",
    [
        ("kron(A, B)*kron(C, E)", "kron(A*C, B*E)"),
        ("kron(A, B)'", "kron(A', B')"),
        ("inv(kron(M, N))", "kron(inv(M), inv(N))"),
        ("tr(kron(M, N))", "tr(M)*tr(N)"),
        ("det(kron(M, N))", "det(M)^n*det(N)^m"),
        ("kron(N', M)*vec(X)", "vec(M*X*N)"),
        ("commutation(m, n)*vec(X)", "vec(X')"),
        ("vec(x*y')", "kron(y, x)"),
    ],
)
def test_laws(text: str, simple: str) -> None:
    same = indexcalc.simplify(f"{text} - {simple}", let=LET)
    assert same.index == "0"


@pytest.mark.parametrize(
    "text, wrt, matrix",
    [
        ("kron(A + t*X, B)", "t", "kron(X, B)"),
        ("kron(x, y)", "x", "kron(eye(m), y)"),
        ("kron(x, y)", "y", "kron(x, eye(n))"),
        ("norm2(kron(A, X))^2", "X", "2*norm2(A)^2*X"),
        ("tr(kron(M, M))", "M", "2*tr(M)*eye(m)"),
        ("vec(X)'*kron(N', a*x')*vec(X)", "X", "a*x'*X*N + x*a'*X*N'"),
        ("logdet(kron(M, N))", "M", "n*inv(M)'"),
    ],
)
def test_derivatives(text: str, wrt: str, matrix: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt, let=LET)
    assert answer.matrix == matrix


def test_vector_of_the_size_that_fits() -> None:
    answer = indexcalc.diff("kron(A, B)*v", wrt="v", let=[line for line in LET if "v" not in line])
    assert answer.matrix == "kron(A, B)"
    assert answer.shape == ("m*p", "m*n")
    assert answer.pullback == "kron(A', B')*G"
