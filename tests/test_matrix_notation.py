"""Matrix notation: every operator and function against NumPy, and every spelling against another."""

from __future__ import annotations

from collections.abc import Callable
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
RNG = np.random.default_rng(1)
V = SimpleNamespace(
    A=RNG.standard_normal((M, N)),
    C=RNG.standard_normal((M, N)),
    K=1 + RNG.random((M, N)),
    B=RNG.standard_normal((N, P)),
    D=RNG.standard_normal((P, M)),
    S=4 * np.eye(N) + RNG.standard_normal((N, N)),
    R=RNG.standard_normal((N, N)),
    x=RNG.standard_normal(N),
    y=RNG.standard_normal(N),
    z=1 + RNG.random(N),
    u=RNG.standard_normal(M),
    c=np.array(1.7),
    t=np.array(0.6),
)
VALUES: dict[str, np.ndarray] = vars(V)
LET = [
    "A, C, K: matrix(m, n)",
    "B: matrix(n, p)",
    "D: matrix(p, m)",
    "S, R: matrix(n, n)",
    "x, y, z: vector(n)",
    "u: vector(m)",
    "c, t: scalar",
]
Meaning = Callable[[Any], Any]
inv, det = np.linalg.inv, np.linalg.det


def _read(text: str) -> Answer:
    return indexcalc.simplify(text, let=LET)


def _check(text: str, want: Any) -> None:
    got = evaluate(_read(text), VALUES)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose(got, want, atol=1e-9)


def _refused(text: str) -> IndexcalcError:
    with pytest.raises(IndexcalcError) as caught:
        _read(text)
    return caught.value


@pytest.mark.parametrize(
    "text, want",
    [
        ("A*B", lambda v: v.A @ v.B),
        ("A*x", lambda v: v.A @ v.x),
        ("u'*A", lambda v: v.u @ v.A),
        ("x'*y", lambda v: v.x @ v.y),
        ("u*x'", lambda v: np.outer(v.u, v.x)),
        ("c*A", lambda v: v.c * v.A),
        ("A*c", lambda v: v.c * v.A),
        ("c*t", lambda v: v.c * v.t),
        ("x'*S*x", lambda v: v.x @ v.S @ v.x),
        ("A*B*D", lambda v: v.A @ v.B @ v.D),
        ("x*y'*z", lambda v: v.x * (v.y @ v.z)),
        ("x'*y*z", lambda v: (v.x @ v.y) * v.z),
        ("A + C", lambda v: v.A + v.C),
        ("A - 2*C", lambda v: v.A - 2 * v.C),
        ("-x + y", lambda v: v.y - v.x),
        ("x - (y - z)", lambda v: v.x - v.y + v.z),
    ],
)
def test_products_and_sums_are_those_of_matrices(text: str, want: Meaning) -> None:
    _check(text, want(V))


@pytest.mark.parametrize(
    "texts",
    [
        ["A*B", "A B", "A @ B", "A@B", "A · B", "A ⋅ B", "A∗B", "(A)(B)", "A(B)"],
        ["A'*u", "A' u", "A.T @ u", "A^T u", "A^T*u", "Aᵀ u", "A^{T} u", "A⊤u", "A′*u", "A’*u", "transpose(A)*u"],
        ["A .* C", "A ⊙ C", "A ∘ C", "A.*C", "C .* A"],
        ["A ./ K", "A ⊘ K", "A./K", "A .* K.^-1"],
        ["x.^2", "x^2", "x²", "x .* x", "x**2", "x .^ 2"],
        ["A : C", "A:C", "sum(A .* C)", "tr(A'*C)"],
        ["S^-1", "S⁻¹", "S^{-1}", "S^(-1)", "inv(S)", "np.linalg.inv(S)"],
        ["S^-1'", "S'^-1", "inv(S)'", "inv(S')", "S^-T", "S⁻ᵀ", "S^{-T}"],
        ["S^3", "S*S*S", "S S S", "S³", "S^2*S"],
        ["S^0", "eye(n)", "I*eye(n)"],
        ["S^-2", "inv(S)*inv(S)", "inv(S^2)"],
        ["x'*y", "x'y", "x.T @ y", "x^T y", "dot(x, y)", "x : y", "y'*x", "sum(x .* y)"],
        ["u*x'", "u x'", "outer(u, x)", "u @ x.T"],
        ["1/2 x", "x/2", "0.5*x", ".5 x", "1/2*x", "5e-1 x"],
        ["1./z", "1 ./ z", "z.^-1", "z^-1", "z.^(-1)"],
        ["1e-3*x", "x/1000", "0.001 x"],
        ["c/t*x", "c*x/t", "(c/t)*x", "x*c/t", "c t^-1 x"],
        ["‖x‖", "||x||", "norm2(x)", "norm(x)", "normF(x)", "sqrt(x'*x)", "np.linalg.norm(x)"],
        ["|x|", "abs(x)", "np.abs(x)"],
        ["√(z)", "sqrt(z)", "z.^(1/2)", "z^0.5", "np.sqrt(z)"],
        ["A'", "A'''", "transpose(A)"],
        ["-x^2", "-(x^2)", "-1*x.^2"],
        ["(-x)^2", "x^2"],
        ["tr(S)", "trace(S)", "np.trace(S)", "sum(diag(S))"],
        ["diag(x)", "Diag(x)"],
        ["S + I", "S + eye(n)", "I + S"],
        ["pi*x", "π x", "x*pi"],
        ["x - -y", "x + y", "+x + y"],
        ["c*x", "x*c", "c x", "c .* x", "x .* c", "c(x)"],
    ],
)
def test_spelled_alternatives_give_the_same_answer(texts: list[str]) -> None:
    first = evaluate(_read(texts[0]), VALUES)
    for text in texts[1:]:
        got = evaluate(_read(text), VALUES)
        assert got.shape == first.shape, text
        np.testing.assert_allclose(got, first, atol=1e-10, err_msg=text)


@pytest.mark.parametrize(
    "name, spellings, want",
    [
        ("exp", ["np.exp", "torch.exp"], np.exp),
        ("log", ["ln", "np.log"], np.log),
        ("log1p", ["np.log1p"], np.log1p),
        ("expm1", ["np.expm1"], np.expm1),
        ("sqrt", ["np.sqrt", "math.sqrt"], np.sqrt),
        ("abs", ["np.abs"], np.abs),
        ("sign", ["np.sign"], np.sign),
        ("step", ["heaviside"], lambda w: np.heaviside(w, 0.5)),
        ("sin", ["np.sin"], np.sin),
        ("cos", ["np.cos"], np.cos),
        ("tan", ["np.tan"], np.tan),
        ("asin", ["arcsin", "np.arcsin"], np.arcsin),
        ("acos", ["arccos", "np.arccos"], np.arccos),
        ("atan", ["arctan", "np.arctan"], np.arctan),
        ("sinh", ["np.sinh"], np.sinh),
        ("cosh", ["np.cosh"], np.cosh),
        ("tanh", ["np.tanh", "torch.tanh", "jnp.tanh", "math.tanh"], np.tanh),
        ("sigmoid", ["torch.sigmoid", "logistic"], lambda w: 1 / (1 + np.exp(-w))),
        ("softplus", ["F.softplus"], lambda w: np.log1p(np.exp(w))),
        ("relu", ["F.relu", "nn.functional.relu"], lambda w: np.maximum(w, 0)),
    ],
)
def test_an_elementwise_function_acts_on_every_entry_under_all_its_names(
    name: str, spellings: list[str], want: Meaning
) -> None:
    values = {"w": np.array([0.25, 0.5, 0.75, 0.9])}
    for spelling in [name, *spellings, f"{name}."]:
        answer = indexcalc.simplify(f"{spelling}(w)", let=["w: vector(n)"])
        np.testing.assert_allclose(evaluate(answer, values), want(values["w"]), err_msg=spelling)
        assert answer.matrix == f"{name}(w)"


@pytest.mark.parametrize(
    "function, at_zero", [("erf", 0.0), ("erfc", 1.0), ("step", 0.5), ("sign", 0.0), ("relu", 0.0)]
)
def test_the_value_at_zero(function: str, at_zero: float) -> None:
    answer = indexcalc.simplify(f"{function}(w)", let=["w: vector(n)"])
    np.testing.assert_allclose(evaluate(answer, {"w": np.zeros(N)}), np.full(N, at_zero))


@pytest.mark.parametrize(
    "text, want",
    [
        ("tr(S)", lambda v: np.trace(v.S)),
        ("det(S)", lambda v: det(v.S)),
        ("logdet(S)", lambda v: np.log(abs(det(v.S)))),
        ("logdet(-S)", lambda v: np.log(abs(det(v.S)))),
        ("inv(S)*x", lambda v: inv(v.S) @ v.x),
        ("adj(S)", lambda v: det(v.S) * inv(v.S)),
        ("sum(A)", lambda v: v.A.sum()),
        ("sum(x)", lambda v: v.x.sum()),
        ("sum(A, 1)", lambda v: v.A.sum(0)),
        ("sum(A, 2)", lambda v: v.A.sum(1)),
        ("mean(A)", lambda v: v.A.mean()),
        ("mean(x)", lambda v: v.x.mean()),
        ("mean(A, 1)", lambda v: v.A.mean(0)),
        ("mean(A, 2)", lambda v: v.A.mean(1)),
        ("norm1(A)", lambda v: np.abs(v.A).sum()),
        ("norm1(x)", lambda v: np.abs(v.x).sum()),
        ("norm2(A)", lambda v: np.sqrt((v.A**2).sum())),
        ("diag(x)", lambda v: np.diag(v.x)),
        ("diag(S)", lambda v: np.diag(v.S)),
        ("diag(x)*S", lambda v: v.x[:, None] * v.S),
        ("ones(m)*x'", lambda v: np.tile(v.x, (M, 1))),
        ("ones(m, n) + A", lambda v: v.A + 1),
        ("u*ones(1, n)", lambda v: np.tile(v.u[:, None], N)),
        ("zeros(m, n)", lambda v: np.zeros((M, N))),
        ("zeros(n) + x", lambda v: v.x),
        ("c*eye(n)", lambda v: v.c * np.eye(N)),
        ("S - c*I", lambda v: v.S - v.c * np.eye(N)),
        ("softmax(x)", lambda v: np.exp(v.x) / np.exp(v.x).sum()),
        ("softmax(A, 1)", lambda v: np.exp(v.A) / np.exp(v.A).sum(0)),
        ("softmax(A, 2)", lambda v: np.exp(v.A) / np.exp(v.A).sum(1, keepdims=True)),
        ("logsumexp(x)", lambda v: np.log(np.exp(v.x).sum())),
        ("logsumexp(A, 1)", lambda v: np.log(np.exp(v.A).sum(0))),
        ("logsumexp(A, 2)", lambda v: np.log(np.exp(v.A).sum(1))),
        ("transpose(x)*y", lambda v: v.x @ v.y),
        ("dot(x, S*y)", lambda v: v.x @ v.S @ v.y),
        ("n*x", lambda v: N * v.x),
        ("m/n", lambda v: M / N),
    ],
)
def test_a_function_of_a_whole_matrix_is_that_of_numpy(text: str, want: Meaning) -> None:
    _check(text, want(V))


@pytest.mark.parametrize(
    "text, want",
    [
        ("A .* C", lambda v: v.A * v.C),
        ("A ./ K", lambda v: v.A / v.K),
        ("c ./ z", lambda v: v.c / v.z),
        ("K.^2", lambda v: v.K**2),
        ("K.^c", lambda v: v.K**v.c),
        ("K.^A", lambda v: v.K**v.A),
        ("z.^x", lambda v: v.z**v.x),
        ("z^c", lambda v: v.z**v.c),
        ("c^t", lambda v: v.c**v.t),
        ("tanh(S).^2", lambda v: np.tanh(v.S) ** 2),
        ("tanh(x)^2", lambda v: np.tanh(v.x) ** 2),
        ("tanh(S)*tanh(S)", lambda v: np.tanh(v.S) @ np.tanh(v.S)),
        ("A .* C*B", lambda v: (v.A * v.C) @ v.B),
        ("A*(x .* y)", lambda v: v.A @ (v.x * v.y)),
        ("x .* y ./ z", lambda v: v.x * v.y / v.z),
        ("x/c/t", lambda v: v.x / v.c / v.t),
        ("1/2/c*x", lambda v: v.x / 2 / v.c),
        ("2/3 x", lambda v: 2 / 3 * v.x),
    ],
)
def test_elementwise_operators_act_entry_by_entry_left_to_right(text: str, want: Meaning) -> None:
    _check(text, want(V))


@pytest.mark.parametrize(
    "text, want",
    [
        ("A + 1", lambda v: v.A + 1),
        ("x - c", lambda v: v.x - v.c),
        ("2 - x", lambda v: 2 - v.x),
        ("A + c", lambda v: v.A + v.c),
        ("A + tr(S)", lambda v: v.A + np.trace(v.S)),
        ("x + x'*y", lambda v: v.x + v.x @ v.y),
        ("x - mean(x)", lambda v: v.x - v.x.mean()),
        ("x + norm2(y)", lambda v: v.x + np.linalg.norm(v.y)),
        ("x + det(S)", lambda v: v.x + det(v.S)),
        ("x + sum(A)", lambda v: v.x + v.A.sum()),
        ("x' + c", lambda v: v.x + v.c),
        ("c + 1", lambda v: v.c + 1),
        ("1 - tanh(x)^2", lambda v: 1 - np.tanh(v.x) ** 2),
        ("x + n", lambda v: v.x + N),
    ],
)
def test_a_scalar_beyond_doubt_is_added_to_every_entry(text: str, want: Meaning) -> None:
    _check(text, want(V))


@pytest.mark.parametrize("text, noted", [("S + c", True), ("S - 1", True), ("S + tr(S)", True), ("A + c", False)])
def test_a_scalar_added_to_a_square_matrix_is_noted(text: str, noted: bool) -> None:
    notes = _read(text).to_dict()["notes"]
    assert any("square" in note and "eye(n)" in note for note in notes) == noted


def test_no_note_where_a_multiple_of_the_identity_is_added() -> None:
    assert not _read("S + c*I").to_dict()["notes"]


@pytest.mark.parametrize("text", ["tanh(S)^2", "exp(A)^2", "sigmoid(S)^3", "tanh(S)^-1"])
def test_a_power_of_an_elementwise_function_of_a_matrix_offers_the_two_readings(text: str) -> None:
    error = _refused(text)
    assert error.code == "E214"
    assert ".^" in (error.help or "")
    assert "product" in (error.help or "")


@pytest.mark.parametrize("text", ["x/y", "c/x", "1/A", "A/S", "x/(A*y)"])
def test_division_by_a_vector_or_matrix_names_the_elementwise_quotient(text: str) -> None:
    error = _refused(text)
    assert error.code == "E207"
    assert "./" in (error.help or "")


@pytest.mark.parametrize("text", ["x/S", "c/A"])
def test_division_by_a_matrix_names_inv(text: str) -> None:
    assert "inv" in (_refused(text).help or "")


@pytest.mark.parametrize("text", ["c/t x", "x/c t", "A/t B", "c/(1 + t) x", "c ./ z x"])
def test_a_factor_set_beside_a_divisor_that_is_no_number_is_an_error(text: str) -> None:
    assert _refused(text).code == "E109"


@pytest.mark.parametrize(
    "text, words",
    [("x*y", ["x'*y", "x*y'", "x .* y"]), ("x y", [".*"]), ("A*x*y", ["(A*x)*y'"]), ("x*A", ["`A*x`"])],
)
def test_a_product_of_kinds_that_do_not_fit_shows_what_fits(text: str, words: list[str]) -> None:
    error = _refused(text)
    assert error.code == "E205"
    assert all(word in (error.help or "") for word in words)


@pytest.mark.parametrize("text", ["A*C", "A + A'", "x + u", "A .* B", "A : B", "B*A", "A*u", "dot(x, u)", "x ./ u"])
def test_sizes_that_differ_are_an_error(text: str) -> None:
    assert _refused(text).code == "E203"


@pytest.mark.parametrize("text", ["tr(A)", "det(A)", "inv(A)", "A^2", "A^-1", "logdet(B)", "diag(A)", "A + I"])
def test_a_square_matrix_is_asked_for(text: str) -> None:
    assert _refused(text).code in ("E206", "E203")


@pytest.mark.parametrize("text", ["S^c", "S^x", "S^0.5", "S^(1/2)"])
def test_a_matrix_has_only_whole_powers(text: str) -> None:
    error = _refused(text)
    assert error.code == "E402"
    assert ".^" in (error.help or "")


def test_a_declared_name_shadows_a_function_except_before_a_bracket() -> None:
    answer = indexcalc.simplify("tanh*tanh(x)", let=["tanh: matrix(m, n)"])
    values = {"tanh": V.A, "x": V.x}
    np.testing.assert_allclose(evaluate(answer, values), V.A @ np.tanh(V.x))


@pytest.mark.parametrize("text, product", [("c(x + y)", "c*(x + y)"), ("A(x + y)", "A*(x + y)"), ("A(x)", "A*x")])
def test_a_declared_variable_before_a_bracket_is_a_product_with_a_note(text: str, product: str) -> None:
    answer = _read(text)
    assert answer.matrix == product
    assert any("product" in note for note in answer.to_dict()["notes"])


@pytest.mark.parametrize("text", ["f(x)", "x + f(x)", "q(x + y)"])
def test_an_undeclared_word_before_a_bracket_is_a_call(text: str) -> None:
    assert _refused(text).code == "E302"


def test_a_declared_i_is_no_identity() -> None:
    answer = indexcalc.simplify("I*x", let=["I: matrix(m, n)"])
    assert answer.matrix == "I*x"
    assert answer.shape == ("m",)


@pytest.mark.parametrize("name", ["e", "i"])
def test_e_and_i_are_ordinary_names(name: str) -> None:
    answer = indexcalc.simplify(f"A*{name}", let=["A: matrix(m, n)"])
    assert answer.to_dict()["declarations"][name]["kind"] == "vector"


@pytest.mark.parametrize(
    "text, let, want",
    [
        ("0.5*x'*A*x", ["x: vector(n)", "A: matrix(n, n)"], lambda v: v.x @ v.A @ v.x / 2),
        ("A*exp(x)", ["x: vector(n)", "A: matrix(m, n)"], lambda v: v.A @ np.exp(v.x)),
        ("(y.*v)'*x", ["x, y, v: vector(n)"], lambda v: (v.y * v.v) @ v.x),
        ("a^b", ["a, b: scalar"], lambda v: v.a**v.b),
        ("norm1(A*x-y)", ["x: vector(n)", "A: matrix(m, n)"], lambda v: np.abs(v.A @ v.x - v.y).sum()),
        ("norm2(A*x-y)^2", ["x: vector(n)", "A: matrix(m, n)"], lambda v: ((v.A @ v.x - v.y) ** 2).sum()),
        ("tr(A*X'*B*X*C)", ["X: matrix(m, n)"], lambda v: np.trace(v.A @ v.X.T @ v.B @ v.X @ v.C)),
        ("log(det(inv(X)))", ["X: matrix(n, n)"], lambda v: -np.log(det(v.X))),
        (
            "sum(log(exp(-y.*(X*w)) + ones(m)))",
            ["X: matrix(m, n)", "w: vector(n)"],
            lambda v: np.log(1 + np.exp(-v.y * (v.X @ v.w))).sum(),
        ),
    ],
)
def test_the_examples_of_matrixcalculus_mean_the_same(text: str, let: list[str], want: Meaning) -> None:
    answer = indexcalc.simplify(text, let=let)
    shapes = {name: row["shape"] for name, row in answer.to_dict()["declarations"].items()}
    sizes = SIZES | {"q": 5}
    rng = np.random.default_rng(2)
    values = {name: rng.standard_normal([sizes[s] for s in shape]) for name, shape in shapes.items()}
    if shapes.get("X") == ["n", "n"]:
        values["X"] = values["X"] @ values["X"].T + np.eye(N)
    if not any(shapes.values()):
        values = {name: np.abs(value) for name, value in values.items()}
    np.testing.assert_allclose(evaluate(answer, values), want(SimpleNamespace(**values)))


@pytest.mark.parametrize(
    "text, printed",
    [
        ("1/2 x'*S*x", "1/2*x'*S*x"),
        ("x.^2", "x.^2"),
        ("A.*C", "A .* C"),
        ("S^-1 x", "inv(S)*x"),
        ("I*x", "x"),
        ("x - x", "zeros(n)"),
        ("A - A", "zeros(m, n)"),
        ("c - c", "0"),
        ("A*B - A*B", "zeros(m, p)"),
        ("x + x", "2*x"),
        ("norm2(A*x - u)^2", "norm2(A*x - u)^2"),
        ("(S^2)'", "(S^2)'"),
        ("tr(eye(n))", "n"),
        ("exp(x)/sum(exp(x))", "softmax(x)"),
    ],
)
def test_printed_matrix_text(text: str, printed: str) -> None:
    assert _read(text).matrix == printed


@pytest.mark.parametrize("text", ["u'*A", "x'", "x' + y'", "ones(1, n)*S"])
def test_a_row_has_one_axis(text: str) -> None:
    assert _read(text).shape == ("n",)


@pytest.mark.parametrize(
    "text, same",
    [
        ("e^x/sum(e^x)", "softmax(x)"),
        ("1/(1 + e^(-x'*y))", "sigmoid(x'*y)"),
        ("e^{-norm2(x)^2}", "exp(-norm2(x)^2)"),
        ("e.^x", "exp(x)"),
        ("e^(x'*y)*e^2", "exp(x'*y)*exp(2)"),
        ("y_i = e^{x_i}", "exp(x)"),
    ],
)
def test_a_power_of_e_is_an_exponential(text: str, same: str) -> None:
    answer = indexcalc.simplify(text, let=["x, y: vector(n)"])
    assert answer.matrix == indexcalc.simplify(same, let=["x, y: vector(n)"]).matrix
    assert any("exp" in note for note in answer.to_dict()["notes"])


@pytest.mark.parametrize("text", ["e^2*x", "e*e^c*x", "e'*x", "e^c*x; e: scalar"])
def test_e_is_a_name_where_it_is_more_than_that(text: str) -> None:
    text, _, let = text.partition("; ")
    answer = indexcalc.simplify(text, let=["x: vector(n)", "c: scalar", *([let] if let else [])])
    assert "e" in answer.to_dict()["declarations"]


def test_e_may_be_a_size() -> None:
    assert indexcalc.simplify("e^c*z", let=["z: vector(e)", "c: scalar"]).to_dict()["notes"] == []


def test_e_to_the_power_of_a_matrix_offers_the_two_readings() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify("e^A", let=["A: matrix(n, n)"])
    assert caught.value.code == "E214"


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("log(|S|) + y'*inv(S)*y", "log(det(S)) + y'*inv(S)*y"),
        ("1/|S|", "1/det(S)"),
        ("log|S| + 2 log|S| + y'*y", "3*log(det(S)) + y'*y"),
        ("W .* |W|", "W .* abs(W)"),
        ("|W|", "abs(W)"),
        ("|y|", "abs(y)"),
        ("exp|y|", "exp(abs(y))"),
        ("log‖y‖", "log(norm2(y))"),
    ],
)
def test_bars_are_what_fits(text: str, matrix: str) -> None:
    answer = indexcalc.simplify(text, let=["S: matrix(n, n)", "y: vector(n)", "W: matrix(n, m)"])
    assert answer.matrix == matrix
    assert any("bars" in note for note in answer.to_dict()["notes"]) == ("y" not in text or "S" in text)


@pytest.mark.parametrize("text", ["|S|", "log(|S|)", "|S|*y", "norm2(|S|*W)"])
def test_bars_that_can_be_both_are_refused(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text, let=["S: matrix(n, n)", "y: vector(n)", "W: matrix(n, m)"])
    assert caught.value.code == "E214"


def test_bars_of_an_undeclared_matrix_are_its_determinant_beside_a_scalar() -> None:
    answer = indexcalc.diff(r"\ln|\Sigma| + (x-\mu)^T\Sigma^{-1}(x-\mu)", wrt="Sigma")
    assert answer.matrix == "(eye(m) - inv(Sigma)'*(x - mu)*(x - mu)')*inv(Sigma)'"


def test_declarations_given_apart_may_share_a_text() -> None:
    answer = indexcalc.diff("W*x", wrt="x", let=["W: matrix(m, n); x: vector(n)"])
    assert answer.matrix == "W"


def test_mixed_notations_say_how_the_names_are_declared() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(r"h_t = \tanh(W_h h_{t-1} + \alpha_k x_t + b)")
    assert "`W_h: matrix; h_{t-1}: vector; alpha_k: scalar; x_t: vector; b: vector; h_t: vector`" in caught.value.help
