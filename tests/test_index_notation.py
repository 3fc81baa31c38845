"""Index notation: what each spelling means, and where a sum stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.answer import Answer

from .oracle import evaluate
from .strategies import SIZES

M, N, P = SIZES["m"], SIZES["n"], SIZES["p"]
RNG = np.random.default_rng(0)
V = SimpleNamespace(
    A=RNG.standard_normal((M, N)),
    C=RNG.standard_normal((M, N)),
    B=RNG.standard_normal((N, P)),
    D=RNG.standard_normal((P, M)),
    S=3 * np.eye(M) + RNG.standard_normal((M, M)),
    R=RNG.standard_normal((M, M)),
    T=RNG.standard_normal((M, N, P)),
    x=RNG.standard_normal(N),
    y=RNG.standard_normal(N),
    a=RNG.standard_normal(M),
    b=2 + RNG.random(M),
    g=RNG.standard_normal(M),
    t=RNG.standard_normal(P),
    c=np.array(1.7),
)
VALUES: dict[str, np.ndarray] = vars(V)
Meaning = Callable[[Any], Any]
E = np.einsum


def _check(answer: Answer, indices: Sequence[str], want: Any) -> None:
    assert answer.indices == tuple(indices)
    got = evaluate(answer, VALUES)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose(got, want, atol=1e-10)


@pytest.mark.parametrize("text", ["A_ij", "A_{ij}", "A_{i j}", "A_{i,j}", "A_{i, j}", "A[i,j]", "A[i, j]", "Aᵢⱼ"])
def test_every_spelling_of_two_indices_is_one_tensor(text: str) -> None:
    answer = indexcalc.simplify(text)
    _check(answer, "ij", V.A)
    assert answer.index == "A_ij"


@pytest.mark.parametrize(
    "text, indices",
    [("A_{i1 j2}", ["i1", "j2"]), ("A_{i1,j2}", ["i1", "j2"]), ("A[row, col]", ["row", "col"])],
)
def test_blanks_commas_and_brackets_allow_longer_indices(text: str, indices: list[str]) -> None:
    _check(indexcalc.simplify(text), indices, V.A)


@pytest.mark.parametrize(
    "text", ["A_ij x_j", "A_ij*x_j", "A_ij·x_j", "A_ij ⋅ x_j", "x_j A_ij", "A[i,j] x[j]", "Aᵢⱼ xⱼ"]
)
def test_every_spelling_of_the_product_sums_the_repeated_index(text: str) -> None:
    _check(indexcalc.simplify(text), "i", V.A @ V.x)


@pytest.mark.parametrize("text", ["z_i = a_i b_i", "a_i b_i -> i", "z_k = a_k b_k", "z[i] = a[i] b[i]"])
def test_a_kept_index_makes_the_product_elementwise(text: str) -> None:
    answer = indexcalc.simplify(text)
    assert answer.matrix == "a .* b"
    np.testing.assert_allclose(evaluate(answer, VALUES), V.a * V.b)


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("sum_j(A_ij x_j)", "i", lambda v: v.A @ v.x),
        ("sum_j(A_ij)", "i", lambda v: v.A.sum(1)),
        ("sum_i(A_ij)", "j", lambda v: v.A.sum(0)),
        ("sum_{i j}(A_ij)", "", lambda v: v.A.sum()),
        ("sum_ij(A_ij)", "", lambda v: v.A.sum()),
        ("sum_{i,j}(A_ij^2)", "", lambda v: (v.A**2).sum()),
        ("sum_jk(A_ij B_jk t_k)", "i", lambda v: v.A @ v.B @ v.t),
        ("sum_{j k}(A_ij B_jk)", "i", lambda v: (v.A @ v.B).sum(1)),
        ("sum_i(a_i b_i g_i)", "", lambda v: (v.a * v.b * v.g).sum()),
        ("∑_j(A_ij)", "i", lambda v: v.A.sum(1)),
        ("∑_j A_ij x_j", "i", lambda v: v.A @ v.x),
        ("∑_i a_i b_i g_i + c", "", lambda v: (v.a * v.b * v.g).sum() + v.c),
        ("sum_i(a_i)^2", "", lambda v: v.a.sum() ** 2),
        ("sum_i(a_i^2)", "", lambda v: (v.a**2).sum()),
    ],
)
def test_an_explicit_sum_runs_over_its_indices(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("sum_i(a_i) b_i", "i", lambda v: v.a.sum() * v.b),
        ("sum_i(a_i b_i g_i) a_i", "i", lambda v: (v.a * v.b * v.g).sum() * v.a),
        ("sum_i(a_i) sum_i(b_i)", "", lambda v: v.a.sum() * v.b.sum()),
        ("z_i = sum_i(a_i) b_i", "i", lambda v: v.a.sum() * v.b),
        ("sum_j(A_ij) x_j", "ij", lambda v: np.outer(v.A.sum(1), v.x)),
    ],
)
def test_the_index_of_a_sum_is_its_own(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("delta_ij x_j", "i", lambda v: v.x),
        ("δ_ij x_j", "i", lambda v: v.x),
        ("δᵢⱼ xⱼ", "i", lambda v: v.x),
        ("delta_{i j} x_j", "i", lambda v: v.x),
        ("delta_ij S_ij", "", lambda v: np.trace(v.S)),
        ("delta_ij A_jk", "ik", lambda v: v.A),
        ("A_ij delta_jk B_kl", "il", lambda v: v.A @ v.B),
        ("delta_ij delta_jk a_k", "i", lambda v: v.a),
        ("delta_ij x_i y_j", "", lambda v: v.x @ v.y),
        ("delta_ij a_i -> i j", "ij", lambda v: np.diag(v.a)),
    ],
)
def test_delta_contraction_renames_label(text: str, indices: str, want: Meaning) -> None:
    answer = indexcalc.simplify(text)
    _check(answer, indices, want(V))


@pytest.mark.parametrize("text", ["delta_ii", "δ_ii", "delta_ij delta_ij", "delta_ij delta_ji"])
def test_a_closed_delta_is_its_size(text: str) -> None:
    answer = indexcalc.simplify(text)
    assert (answer.index, answer.indices, answer.order) == ("m", (), 0)
    assert evaluate(answer, VALUES) == M


def test_delta_prints_as_eye() -> None:
    assert indexcalc.simplify("delta_ij").matrix == "eye(m)"


def test_a_declared_delta_is_a_variable() -> None:
    answer = indexcalc.simplify("delta_ij x_j", let=["delta: matrix(m, n)"])
    assert answer.index == "delta_ij x_j"


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("tanh(A_ij x_j + b_i)", "i", lambda v: np.tanh(v.A @ v.x + v.b)),
        ("exp(A_ij)", "ij", lambda v: np.exp(v.A)),
        ("exp(a_i b_i)", "", lambda v: np.exp(v.a @ v.b)),
        ("exp(a_i) b_i", "", lambda v: np.exp(v.a) @ v.b),
        ("tanh(sin(a_i))", "i", lambda v: np.tanh(np.sin(v.a))),
        ("np.tanh(a_i)", "i", lambda v: np.tanh(v.a)),
        ("sqrt(b_i)", "i", lambda v: np.sqrt(v.b)),
        ("|a_i|", "i", lambda v: np.abs(v.a)),
    ],
)
def test_an_elementwise_function_keeps_the_free_indices(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("x_i^2", "i", lambda v: v.x**2),
        ("x_i²", "i", lambda v: v.x**2),
        ("A_ij^2", "ij", lambda v: v.A**2),
        ("1/b_i", "i", lambda v: 1 / v.b),
        ("b_i^-1", "i", lambda v: 1 / v.b),
        ("b_i^(1/2)", "i", lambda v: np.sqrt(v.b)),
        ("b_i^c", "i", lambda v: v.b**v.c),
        ("b_i^(g_i)", "i", lambda v: v.b**v.g),
        ("2^(x_i)", "i", lambda v: 2**v.x),
        ("b_i^(x_j)", "ij", lambda v: v.b[:, None] ** v.x),
        ("b_i^(A_ij) x_j", "i", lambda v: v.b[:, None] ** v.A @ v.x),
        ("a_i^2 b_i", "", lambda v: v.a**2 @ v.b),
        ("a_i/b_i", "", lambda v: (v.a / v.b).sum()),
        ("A_ij/b_i", "j", lambda v: (v.A / v.b[:, None]).sum(0)),
        ("-x_i^2", "i", lambda v: -(v.x**2)),
        ("1/2 x_i", "i", lambda v: v.x / 2),
        ("x_j/(x_i x_i)", "j", lambda v: v.x / (v.x @ v.x)),
    ],
)
def test_a_power_or_quotient_mentions_its_index_once(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("inv(S)_ij", "ij", lambda v: np.linalg.inv(v.S)),
        ("inv(S)_ij a_j", "i", lambda v: np.linalg.solve(v.S, v.a)),
        ("inv(S + R)_ii", "", lambda v: np.trace(np.linalg.inv(v.S + v.R))),
        ("S^-1_ij", "ij", lambda v: np.linalg.inv(v.S)),
        ("S^{-1}_ij a_j", "i", lambda v: np.linalg.solve(v.S, v.a)),
        ("S⁻¹_ij a_j", "i", lambda v: np.linalg.solve(v.S, v.a)),
        ("(S^2)_ij", "ij", lambda v: v.S @ v.S),
        ("det(S) x_i", "i", lambda v: np.linalg.det(v.S) * v.x),
        ("tr(S) + R_ii", "", lambda v: np.trace(v.S) + np.trace(v.R)),
        ("tr(S) x_i", "i", lambda v: np.trace(v.S) * v.x),
        ("(A*B)_ij", "ij", lambda v: v.A @ v.B),
        ("(A*B)_ij t_j", "i", lambda v: v.A @ v.B @ v.t),
        ("(A*B*D)_ii", "", lambda v: np.trace(v.A @ v.B @ v.D)),
        ("A'_ij", "ij", lambda v: v.A.T),
        ("(A')_ij a_j", "i", lambda v: v.A.T @ v.a),
        ("Aᵀ_ij a_j", "i", lambda v: v.A.T @ v.a),
        ("(A.*C)_ij x_j", "i", lambda v: (v.A * v.C) @ v.x),
        ("(A*x + b)_i g_i", "", lambda v: (v.A @ v.x + v.b) @ v.g),
        ("softmax(x)_i", "i", lambda v: np.exp(v.x) / np.exp(v.x).sum()),
        ("softmax(A*x)_i b_i", "", lambda v: np.exp(v.A @ v.x) @ v.b / np.exp(v.A @ v.x).sum()),
        ("softmax(A, 2)_ij", "ij", lambda v: np.exp(v.A) / np.exp(v.A).sum(1, keepdims=True)),
        ("diag(S)_i", "i", lambda v: np.diag(v.S)),
        ("diag(a)_ij b_j", "i", lambda v: v.a * v.b),
        ("ones(m)_i a_i", "", lambda v: v.a.sum()),
        ("norm2(x)^2 a_i", "i", lambda v: v.x @ v.x * v.a),
        ("norm2(A_ij x_j)", "", lambda v: np.linalg.norm(v.A @ v.x)),
        ("sum(A_ij)", "", lambda v: v.A.sum()),
        ("tr(S_ij)", "", lambda v: np.trace(v.S)),
    ],
)
def test_matrix_text_takes_indices_behind_it(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text",
    ["∂a_i/∂W_kl", "d a_i / d W_kl", "da_i/dW_kl", "∂ a_i / ∂ W_kl", "∂a/∂W_kl"],
)
def test_a_derivative_names_its_new_axes(text: str) -> None:
    (answer,) = indexcalc.run(f"a_i = W_ij x_j\n{text}")
    assert (answer.index, answer.indices) == ("delta_ik x_l", ("i", "k", "l"))


def test_a_derivative_takes_the_letters_of_the_user() -> None:
    (answer,) = indexcalc.run("a_i = W_ij x_j; d a_p / d W_qr")
    assert (answer.index, answer.indices) == ("delta_pq x_r", ("p", "q", "r"))


def test_an_index_of_the_variable_may_be_named_by_wrt() -> None:
    assert indexcalc.diff("W_ij x_j", wrt="W_pq").indices == ("i", "p", "q")


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("ij,jk->ik", "ik", lambda v: v.A @ v.B),
        ("ij,jk -> ik", "ik", lambda v: v.A @ v.B),
        ("ij,jk -> i k", "ik", lambda v: v.A @ v.B),
        ("ij,jk->ki", "ki", lambda v: (v.A @ v.B).T),
        ("ij->ji", "ji", lambda v: v.A.T),
        ("ij->i", "i", lambda v: v.A.sum(1)),
        ("ij->", "", lambda v: v.A.sum()),
        ("ij,kl->ijkl", "ijkl", lambda v: E("ij,kl->ijkl", v.A, v.B)),
        ("ij,jk,ki->", "", lambda v: np.trace(v.A @ v.B @ v.F)),
        ("ij,jk,ki->i", "i", lambda v: np.diag(v.A @ v.B @ v.F)),
        ("ij,jk->ijk", "ijk", lambda v: E("ij,jk->ijk", v.A, v.B)),
    ],
)
def test_an_einsum_string_takes_operands_a_b_c(text: str, indices: str, want: Meaning) -> None:
    values = {"A": V.A, "B": V.B, "C": V.D}
    answer = indexcalc.simplify(text)
    assert answer.indices == tuple(indices)
    np.testing.assert_allclose(evaluate(answer, values), want(SimpleNamespace(A=V.A, B=V.B, F=V.D)))


@pytest.mark.parametrize("text, numpy", [("ii->i", "ii->i"), ("ii->", "ii->")])
def test_an_einsum_string_takes_diagonals(text: str, numpy: str) -> None:
    np.testing.assert_allclose(evaluate(indexcalc.simplify(text), {"A": V.S}), E(numpy, V.S))


def test_an_einsum_string_takes_the_declared_names_in_order() -> None:
    answer = indexcalc.simplify("ij,jk->ik", let=["P: matrix(m, n)", "Q: matrix(n, p)"])
    assert answer.index == "P_ij Q_jk"
    assert answer.shape == ("m", "p")


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("z_i = A_ij C_ij", "i", lambda v: (v.A * v.C).sum(1)),
        ("z_ij = A_ij C_ij", "ij", lambda v: v.A * v.C),
        ("z_ij = a_i x_j", "ij", lambda v: np.outer(v.a, v.x)),
        ("z_ji = a_i x_j", "ji", lambda v: np.outer(v.x, v.a)),
        ("A_ij -> j i", "ji", lambda v: v.A.T),
        ("A_ij -> ji", "ji", lambda v: v.A.T),
        ("z_i = S_ii", "i", lambda v: np.diag(v.S)),
        ("S_ii -> i", "i", lambda v: np.diag(v.S)),
        ("z_i = a_i b_i g_i", "i", lambda v: v.a * v.b * v.g),
        ("z_i = (a_i b_i)^2", "i", lambda v: (v.a * v.b) ** 2),
        ("z_i = exp(a_i) b_i", "i", lambda v: np.exp(v.a) * v.b),
        ("z_ij = exp(A_ij)/sum_j(exp(A_ij))", "ij", lambda v: np.exp(v.A) / np.exp(v.A).sum(1, keepdims=True)),
        ("A_ij B_jk -> i j k", "ijk", lambda v: E("ij,jk->ijk", v.A, v.B)),
        ("a_i b_i ->", "", lambda v: v.a @ v.b),
        ("T_ijk x_j -> k i", "ki", lambda v: E("ijk,j->ki", v.T, v.x)),
    ],
)
def test_an_index_that_is_kept_is_never_summed_by_repetition(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("a_i b_i", "", lambda v: v.a @ v.b),
        ("S_ii", "", lambda v: np.trace(v.S)),
        ("A_ij x_j a_i", "", lambda v: v.a @ v.A @ v.x),
        ("A_ij C_ij", "", lambda v: (v.A * v.C).sum()),
        ("(a_i b_i)^2", "", lambda v: (v.a @ v.b) ** 2),
        ("tanh(a_i b_i)", "", lambda v: np.tanh(v.a @ v.b)),
        ("1/(a_i a_i)", "", lambda v: 1 / (v.a @ v.a)),
        ("(A_ij x_j)^2", "i", lambda v: (v.A @ v.x) ** 2),
        ("z_i = (A_ij x_j)^2", "i", lambda v: (v.A @ v.x) ** 2),
        ("z_i = tanh(A_ij x_j)", "i", lambda v: np.tanh(v.A @ v.x)),
        ("a_i b_i + c", "", lambda v: v.a @ v.b + v.c),
        ("z_i = (A_ij x_j) (C_ij x_j)", "i", lambda v: (v.A @ v.x) * (v.C @ v.x)),
        ("z_i = A_ij x_j C_ij x_j", "i", lambda v: (v.A * v.C) @ v.x**2),
        ("T_ijk B_jk", "i", lambda v: E("ijk,jk->i", v.T, v.B)),
    ],
)
def test_a_repeated_index_is_summed_at_its_product_before_what_stands_around_it(
    text: str, indices: str, want: Meaning
) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("a_i (b_i + g_i)", "", lambda v: v.a @ (v.b + v.g)),
        ("(a_i + b_i)(a_i - b_i)", "", lambda v: (v.a + v.b) @ (v.a - v.b)),
        ("A_ij (B_jk t_k)", "i", lambda v: v.A @ (v.B @ v.t)),
        ("a_i tanh(A_ij x_j)", "", lambda v: v.a @ np.tanh(v.A @ v.x)),
        ("(A_ij x_j)(A_ij y_j)", "", lambda v: (v.A @ v.x) @ (v.A @ v.y)),
        ("a_i (b_j g_j)", "i", lambda v: v.a * (v.b @ v.g)),
        ("b_i^2 a_i", "", lambda v: v.b**2 @ v.a),
    ],
)
def test_an_index_that_occurs_once_passes_up_to_the_enclosing_product(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize("text", ["a_i b_i g_i", "A_ij C_ij S_ij", "a_i (b_i g_i) a_i b_i g_i", "tanh(a_i b_i g_i)"])
def test_three_of_an_index_without_a_left_hand_side_shows_both_ways_out(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    assert caught.value.code == "E202"
    letters = "ij" if "_ij" in text else "i"
    assert f"sum_{letters}(" in (caught.value.help or "")
    assert f"y_{letters} = " in (caught.value.help or "")


@pytest.mark.parametrize(
    "text, indices",
    [("A_ij", "ij"), ("x_j A_ij", "i"), ("b_j a_i", "ji"), ("x_k T_ijk", "ij"), ("a_q + b_q", "q"), ("t_k x_j", "kj")],
)
def test_the_free_indices_in_order_of_appearance_are_the_axes(text: str, indices: str) -> None:
    assert indexcalc.simplify(text).indices == tuple(indices)


@pytest.mark.parametrize(
    "text, indices, want, summed",
    [
        ("z_i = A_ij", "i", lambda v: v.A.sum(1), "j"),
        ("z = a_i", "", lambda v: v.a.sum(), "i"),
        ("z_i = A_ij t_k", "i", lambda v: v.A.sum(1) * v.t.sum(), "j, k"),
        ("a_i x_j -> i", "i", lambda v: v.a * v.x.sum(), "j"),
        ("z_i = exp(A_ij)", "i", lambda v: np.exp(v.A).sum(1), "j"),
    ],
)
def test_an_index_that_is_neither_kept_nor_repeated_is_summed_with_a_note(
    text: str, indices: str, want: Meaning, summed: str
) -> None:
    answer = indexcalc.simplify(text)
    _check(answer, indices, want(V))
    assert any(f"summed over {summed}" in note for note in answer.to_dict()["notes"])


@pytest.mark.parametrize("text", ["z_i = A_ij x_j", "a_i b_i", "z_i = a_i b_i", "sum_j(A_ij)", "A_ij"])
def test_no_note_where_every_sum_is_repeated_or_written(text: str) -> None:
    assert not indexcalc.simplify(text).to_dict()["notes"]


@pytest.mark.parametrize("text", ["a_i + x_j", "A_ij + a_i", "A_ij x_j + y_j", "a_i b_i + A_ij - x_j"])
def test_terms_with_different_free_indices_are_an_error(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    assert caught.value.code == "E204"
    assert "on the left" in (caught.value.help or "")


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("A_ij + C_ij", "ij", lambda v: v.A + v.C),
        ("S_ij + R_ji", "ij", lambda v: v.S + v.R.T),
        ("z_ij = a_i + x_j", "ij", lambda v: v.a[:, None] + v.x),
        ("z_ij = A_ij + a_i", "ij", lambda v: v.A + v.a[:, None]),
        ("z_ij = A_ij + x_j + c", "ij", lambda v: v.A + v.x + v.c),
        ("z_ji = a_i + x_j", "ji", lambda v: v.x[:, None] + v.a),
        ("a_i + x_j -> i j", "ij", lambda v: v.a[:, None] + v.x),
    ],
)
def test_terms_are_broadcast_to_the_left_hand_side(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


@pytest.mark.parametrize(
    "text, indices, want",
    [
        ("a_i + 1", "i", lambda v: v.a + 1),
        ("a_i + c", "i", lambda v: v.a + v.c),
        ("A_ij - 2", "ij", lambda v: v.A - 2),
        ("a_i + x_j y_j", "i", lambda v: v.a + v.x @ v.y),
        ("z_i = a_i + x_j y_j", "i", lambda v: v.a + v.x @ v.y),
        ("a_i + det(S)", "i", lambda v: v.a + np.linalg.det(v.S)),
        ("A_ij + sum_k(a_k)", "ij", lambda v: v.A + v.a.sum()),
    ],
)
def test_index_free_terms_are_always_broadcast(text: str, indices: str, want: Meaning) -> None:
    _check(indexcalc.simplify(text), indices, want(V))


def test_a_declared_scalar_fills_the_left_hand_side() -> None:
    answer = indexcalc.simplify("z_i = c", let=["c: scalar"])
    assert answer.indices == ("i",)
    np.testing.assert_allclose(evaluate(answer, VALUES), np.full(M, V.c))


@pytest.mark.parametrize("text", ["A^2_ij", "A^2_{i j}", "A²_ij"])
def test_a_power_before_the_indices_shows_both_readings(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    assert caught.value.code == "E210"
    assert "(A^2)_ij" in (caught.value.help or "")
    assert "A_ij^2" in (caught.value.help or "")


@pytest.mark.parametrize("text", ["A^i_j", "A^i_j x_j", "B_ij A^k_j"])
def test_upper_indices_are_an_error_that_says_to_write_them_below(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    assert caught.value.code == "E212"
    assert "no metric here" in caught.value.message
    assert "below" in caught.value.message


@pytest.mark.parametrize(
    "one, other",
    [
        ("A_ij x_j", "A_pq x_q"),
        ("A_ij B_jk", "B_jk A_ij -> i k"),
        ("a_i b_i", "b_k a_k"),
        ("(A_ij B_jk) t_k", "A_ij (B_jk t_k)"),
        ("sum_j(A_ij x_j)", "A_ij x_j"),
        ("(A*B)_ij", "A_ik B_kj"),
        ("A'_ij a_j", "A_ji a_j -> i"),
        ("inv(S)_ij", "S^-1_ij"),
        ("A_ij x_j + b_i", "b_i + x_j A_ij"),
    ],
)
def test_names_of_dummies_order_and_association_do_not_matter(one: str, other: str) -> None:
    first, second = indexcalc.simplify(one), indexcalc.simplify(other)
    np.testing.assert_allclose(evaluate(first, VALUES), evaluate(second, VALUES))


@pytest.mark.parametrize(
    "index, matrix",
    [
        ("A_ij x_j", "A*x"),
        ("A_ij B_jk", "A*B"),
        ("a_i x_j", "a*x'"),
        ("a_i b_i", "a'*b"),
        ("S_ii", "tr(S)"),
        ("z_i = S_ii", "diag(S)"),
        ("A_ji", "A"),
        ("A_ij -> ji", "A'"),
        ("z_ij = A_ij C_ij", "A .* C"),
        ("inv(S)_ij a_j", "inv(S)*a"),
        ("sum_j(A_ij)", "sum(A, 2)"),
    ],
)
def test_index_text_has_the_matrix_form(index: str, matrix: str) -> None:
    assert indexcalc.simplify(index).matrix == matrix


def test_a_tensor_of_order_three_has_no_matrix_form() -> None:
    answer = indexcalc.simplify("T_ijk")
    assert answer.matrix is None
    assert "3" in (answer.no_matrix_reason or "")


def test_variables_sizes_and_indices_live_in_three_namespaces() -> None:
    answer = indexcalc.simplify("i_i n_i", let=["i, n: vector(n)"])
    assert answer.matrix == "i'*n"
    assert answer.shape == ()


def test_a_declared_size_reaches_every_tensor_with_that_index() -> None:
    answer = indexcalc.simplify("A_ij x_j", let=["x: vector(7)"])
    assert answer.to_dict()["declarations"]["A"]["shape"] == ["m", 7]


def test_a_common_coefficient_of_a_sum_stands_in_front() -> None:
    answer = indexcalc.diff("1/2 C_ijkl e_ij e_kl", wrt="e")
    assert answer.index == "1/2 (C_pqij e_ij + C_ijpq e_ij)"


@pytest.mark.parametrize("text", ["y_i = 1/x_i + z_i", "1/(a_j b_j) + 1/c^2", "A_ij - 1/m"])
def test_a_reciprocal_that_stands_alone_is_a_quotient(text: str) -> None:
    answer = indexcalc.simplify(text, let=["A: matrix(m, n)", "c: scalar"])
    assert "^-" not in answer.index
    assert answer.verified is not None
    assert answer.verified["exact"]


def test_delta_and_eps_with_fewer_indices_are_names() -> None:
    stress = indexcalc.diff("σ_ij = λ δ_ij ε_kk + 2 μ ε_ij", wrt="ε")
    assert stress.index == "lambda delta_ij delta_pq + 2 mu delta_ip delta_jq"
    error = indexcalc.diff("y_i = delta_i x_i", wrt="x")
    assert (error.index, error.matrix) == ("delta_i delta_ik", "diag(delta)")
    both = indexcalc.diff("eps_ijk w_j eps_kl x_l", wrt="x", let=["w: vector(3)"])
    assert both.index == "eps_ijk eps_kp w_j"
