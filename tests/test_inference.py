"""Kinds and sizes of undeclared names: the reading that respects every operator and breaks the fewest habits."""

from __future__ import annotations

from typing import Any

import pytest

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.answer import Answer

LETTERS = {"s": "scalar", "v": "vector", "M": "matrix", "T": "tensor"}


def _declarations(answer: Answer) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = answer.to_dict()["declarations"]
    return found


def _kinds(text: str, let: list[str] | None = None) -> dict[str, str]:
    return {name: row["kind"] for name, row in _declarations(indexcalc.simplify(text, let=let or [])).items()}


def _shapes(text: str, let: list[str] | None = None) -> dict[str, list[Any]]:
    return {name: row["shape"] for name, row in _declarations(indexcalc.simplify(text, let=let or [])).items()}


def _expected(kinds: str) -> dict[str, str]:
    """``W:M X:v`` as kinds by name."""
    return {name: LETTERS[kind] for name, kind in (pair.split(":") for pair in kinds.split())}


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("W", "W:M"),
        ("x", "x:v"),
        ("λ", "λ:s"),
        ("Λ", "Λ:M"),
        ("x1", "x1:v"),
        ("Waa", "Waa:M"),
        ("a", "a:v"),
        ("e", "e:v"),
        ("i", "i:v"),
        ("A + B", "A:M B:M"),
        ("x + y", "x:v y:v"),
        ("α + β", "α:s β:s"),
        ("tanh(x)", "x:v"),
        ("A .* B", "A:M B:M"),
        ("W X", "W:M X:M"),
        ("x'y", "x:v y:v"),
        ("A'", "A:M"),
    ],
)
def test_habit_capitals_are_matrices_small_letters_vectors_greek_scalars(text: str, kinds: str) -> None:
    assert _kinds(text) == _expected(kinds)


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("A x", "A:M x:v"),
        ("x' A x", "x:v A:M"),
        ("A x + b", "A:M x:v b:v"),
        ("x y'", "x:v y:v"),
        ("(x'y) z", "x:v y:v z:v"),
        ("λ x", "λ:s x:v"),
        ("α A x + β y", "α:s A:M x:v β:s y:v"),
        ("x / c", "x:v c:s"),
        ("x^n", "x:v n:s"),
        ("det(A) x", "A:M x:v"),
        ("inv(A) b", "A:M b:v"),
        ("tr(a)", "a:M"),
        ("diag(x) A", "x:v A:M"),
        ("dot(X, y)", "X:M y:v"),
        ("softmax(X)", "X:v"),
        ("x - μ", "x:v μ:v"),
        ("(x - μ)' Σ⁻¹ (x - μ)", "x:v μ:v Σ:M"),
        ("exp(-γ*norm2(x - z)^2)", "γ:s x:v z:v"),
        ("norm2(T - U*V')^2", "T:M U:M V:M"),
        ("tr(A*B)", "A:M B:M"),
        ("a : b", "a:v b:v"),
        ("X'*(A*X*b - y)", "X:M A:M b:v y:v"),
        ("eye(n)*x", "x:v"),
        ("tanh(c)*x", "c:s x:v"),
    ],
)
def test_every_operator_is_respected_over_the_whole_expression(text: str, kinds: str) -> None:
    assert _kinds(text) == _expected(kinds)


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("tanh(W X + b)", "W:M X:v b:v"),
        ("c*x", "c:s x:v"),
        ("c x", "c:s x:v"),
        ("x - c*y", "x:v c:s y:v"),
        ("a*b*x", "a:s b:s x:v"),
        ("g*x", "g:s x:v"),
        ("(a + b) x", "a:s b:s x:v"),
        ("W X - y", "W:M X:v y:v"),
        ("A + c", "A:v c:v"),
        ("a*B*c", "a:s B:M c:v"),
    ],
)
def test_early_letters_break_their_habit_as_scalars_and_capitals_as_vectors(text: str, kinds: str) -> None:
    assert _kinds(text) == _expected(kinds)


@pytest.mark.parametrize("text", ["x y", "x*y", "a*b", "s*x", "p*q", "A .* b", "A.^b", "log(x) y", "a*b*c"])
def test_equal_readings_are_an_error_that_shows_them(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    error = caught.value
    assert error.code == "E209"
    assert error.text[slice(*error.span)] == text
    assert "; or " in error.message
    assert "declare" in (error.help or "")


@pytest.mark.parametrize("text, declaration", [("x*y", "y: scalar"), ("s*x", "s: scalar"), ("A .* b", "b: vector(n)")])
def test_one_declaration_settles_an_ambiguous_reading(text: str, declaration: str) -> None:
    assert indexcalc.simplify(text, let=[declaration]).shape


@pytest.mark.parametrize(
    "text, shapes",
    [
        ("Waa a", {"Waa": ["m", "n"], "a": ["n"]}),
        ("A B", {"A": ["m", "n"], "B": ["n", "p"]}),
        ("A B C", {"A": ["m", "n"], "B": ["n", "p"], "C": ["p", "q"]}),
        ("x y'", {"x": ["m"], "y": ["n"]}),
        ("A'A", {"A": ["m", "n"]}),
        ("tr(A*B)", {"A": ["m", "n"], "B": ["n", "m"]}),
        ("det(A) x", {"A": ["m", "m"], "x": ["n"]}),
        ("U V'", {"U": ["m", "n"], "V": ["p", "n"]}),
        ("A*ones(3)", {"A": ["m", 3]}),
        ("(x'y) z", {"x": ["m"], "y": ["m"], "z": ["n"]}),
    ],
)
def test_sizes_stay_as_general_as_the_expression_allows(text: str, shapes: dict[str, list[Any]]) -> None:
    assert _shapes(text) == shapes


@pytest.mark.parametrize(
    "text, shapes",
    [
        ("Waa a + a", {"Waa": ["m", "m"], "a": ["m"]}),
        ("Waa Waa a", {"Waa": ["m", "m"], "a": ["m"]}),
        ("x' A x", {"x": ["m"], "A": ["m", "m"]}),
        ("A + A'", {"A": ["m", "m"]}),
        ("A^2", {"A": ["m", "m"]}),
        ("inv(A)", {"A": ["m", "m"]}),
        ("tr(A)", {"A": ["m", "m"]}),
        ("diag(A)", {"A": ["m", "m"]}),
        ("I + A", {"A": ["m", "m"]}),
        ("eye(n) + A", {"A": ["n", "n"]}),
        ("eye(3)*x", {"x": [3]}),
        ("x x'*x", {"x": ["m"]}),
        ("ones(n)'x", {"x": ["n"]}),
    ],
)
def test_sizes_become_equal_where_something_forces_it(text: str, shapes: dict[str, list[Any]]) -> None:
    assert _shapes(text) == shapes


@pytest.mark.parametrize(
    "text, let, kinds",
    [
        ("c*x", ["c: vector(n)"], "c:v x:s"),
        ("c*x", ["c: matrix(m, n)"], "c:M x:v"),
        ("x'*y", ["x: scalar"], "x:s y:v"),
        ("tanh(W X + b)", ["X: matrix(n, p)"], "W:M X:M b:M"),
        ("λ + x", ["λ: vector(n)"], "λ:v x:v"),
        ("A + b", ["A: scalar"], "A:s b:v"),
        ("A x", ["A: vector(n)"], "A:v x:s"),
    ],
)
def test_declared_names_win(text: str, let: list[str], kinds: str) -> None:
    found = {name.replace("lambda", "λ"): kind for name, kind in _kinds(text, let).items()}
    assert found == _expected(kinds)


@pytest.mark.parametrize(
    "text, let, shapes",
    [
        ("W x + b", ["W: matrix(3, 4)"], {"W": [3, 4], "x": [4], "b": [3]}),
        ("P + Q", ["P: matrix(k, l)"], {"P": ["k", "l"], "Q": ["k", "l"]}),
        ("A x", ["x: vector(m)"], {"A": ["n", "m"], "x": ["m"]}),
        ("W_ij x_j", ["W: matrix(m, n)"], {"W": ["m", "n"], "x": ["n"]}),
        ("x + y", ["x: vector(k)"], {"x": ["k"], "y": ["k"]}),
    ],
)
def test_declared_sizes_reach_the_names_beside_them(text: str, let: list[str], shapes: dict[str, list[Any]]) -> None:
    assert _shapes(text, let) == shapes


@pytest.mark.parametrize("name", ["λ", "lambda"])
@pytest.mark.parametrize("declared", ["λ", "lambda"])
def test_greek_letters_and_their_names_are_one(name: str, declared: str) -> None:
    assert indexcalc.simplify(f"{name}*x", let=[f"{declared}: vector(n)", "x: scalar"]).index == "x lambda_i"


def test_what_was_inferred_is_marked_and_what_was_declared_is_not() -> None:
    rows = _declarations(indexcalc.simplify("A x + b", let=["A: matrix(m, n)"]))
    assert {name: row["assumed"] for name, row in rows.items()} == {"A": False, "x": True, "b": True}


@pytest.mark.parametrize("text", ["x + c", "x + a", "A x + λ", "x + k", "A + b"])
def test_no_name_is_inferred_to_be_a_scalar_to_be_added_to_every_entry(text: str) -> None:
    assert "scalar" not in _kinds(text).values()


@pytest.mark.parametrize("text, kinds", [("x + c", "x:v c:s"), ("A + c", "A:M c:s"), ("A x - c", "A:M x:v c:s")])
def test_a_declared_scalar_is_added_to_every_entry(text: str, kinds: str) -> None:
    assert _kinds(text, ["c: scalar"]) == _expected(kinds)


@pytest.mark.parametrize(
    "text, let, printed",
    [
        ("m*A", ["A: matrix(m, n)"], "m*A"),
        ("sum(x)/n", ["x: vector(n)"], "mean(x)"),
        ("sum(x)/n^2", ["x: vector(n)"], "mean(x)/n"),
        ("x + n", ["x: vector(n)"], "x + n"),
        ("n^2", ["x: vector(n)"], "n^2"),
        ("n*eye(n)", [], "n*eye(n)"),
    ],
)
def test_a_size_symbol_is_a_scalar(text: str, let: list[str], printed: str) -> None:
    answer = indexcalc.simplify(text, let=let)
    assert answer.matrix == printed
    assert not {"m", "n"} & set(_declarations(answer))


def test_a_variable_with_the_name_of_a_size_wins() -> None:
    answer = indexcalc.simplify("m'*A", let=["A: matrix(m, n)", "m: vector(m)"])
    assert answer.matrix == "A'*m"
    assert answer.shape == ("n",)


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("A_ij x_j", "A:M x:v"),
        ("a_i", "a:v"),
        ("T_ijk", "T:T"),
        ("c x_i", "c:s x:v"),
        ("λ_i x_i", "λ:v x:v"),
        ("x_i^c", "x:v c:s"),
        ("det(A) x_i", "A:M x:v"),
        ("(A*x)_i y_i", "A:M x:v y:v"),
    ],
)
def test_in_index_notation_the_number_of_indices_is_the_rank(text: str, kinds: str) -> None:
    assert _kinds(text) == _expected(kinds)


@pytest.mark.parametrize("text, word", [("W x_i", "W"), ("A*x + y_i", "A"), ("x_i C", "C"), ("A_ij B", "B")])
def test_mixed_notations_point_at_the_odd_one_out_and_list_declarations(text: str, word: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    error = caught.value
    assert error.code == "E201"
    assert error.text[slice(*error.span)] == word
    assert f"{word}: matrix" in (error.help or "")


def test_the_declarations_that_a_mixed_statement_lists_make_it_work() -> None:
    text = "tanh(Wax xt + Waa a_prev + ba)"
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    assert caught.value.help is not None
    declarations = caught.value.help.split("`")[1].split("; ")
    assert [line.split(":")[0] for line in declarations] == ["Wax", "xt", "Waa", "a_prev", "ba"]
    let = [line.replace("(m, n)", "(n, n)") for line in declarations]
    assert indexcalc.simplify(text, let=let).matrix == "tanh(Wax*xt + Waa*a_prev + ba)"


@pytest.mark.parametrize(
    "name, declaration",
    [
        ("W_hh", "W_hh: matrix(n, n)"),
        ("W_{hh}", "W_hh: matrix(n, n)"),
        ("W_hh", "W_{hh}: matrix(n, n)"),
        ("W^{[l]}", "W^{[l]}: matrix(n, n)"),
        (r"W_{\text{in}}", r"W_{\text{in}}: matrix(n, n)"),
    ],
)
def test_a_declared_name_wins_over_indices(name: str, declaration: str) -> None:
    answer = indexcalc.simplify(f"{name} x", let=[declaration])
    assert answer.shape == ("n",)
    assert len(_declarations(answer)) == 2


@pytest.mark.parametrize("text", ["W a^{<t>} + b", "W h_{t-1} + b", "W x_1 + b", "W^{[1]} a^{[0]} + b^{[1]}"])
def test_a_subscript_that_cannot_be_indices_is_part_of_the_name(text: str) -> None:
    answer = indexcalc.simplify(text)
    assert answer.shape == ("m",)
    assert [row["kind"] for row in _declarations(answer).values()] == ["matrix", "vector", "vector"]


def test_indices_follow_a_declared_name_with_a_script() -> None:
    answer = indexcalc.simplify("W_hh_ij x_j", let=["W_hh: matrix(m, n)"])
    assert answer.matrix == "W_hh*x"


@pytest.mark.parametrize("text, wrt", [("tanh(Wx+b)", "W"), ("tanh(Wx+b)", "x"), ("Wx + Vy", "W"), ("x'Ax", "A")])
def test_a_word_that_hides_the_variable_is_split_with_a_note(text: str, wrt: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt)
    assert any("is read as" in note for note in answer.to_dict()["notes"])
    spaced = indexcalc.diff(text.replace("Wx", "W x").replace("Vy", "V y").replace("Ax", "A x"), wrt=wrt)
    assert answer.index == spaced.index


@pytest.mark.parametrize("text, word", [("tanh(Wx+b)", "Wx"), ("Ax", "Ax"), ("Wx + b", "Wx"), ("x'Ax", "Ax")])
def test_a_word_that_can_be_a_product_is_an_error_that_offers_both(text: str, word: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    error = caught.value
    assert error.code == "E306"
    assert error.text[slice(*error.span)] == word
    assert " ".join(word) in (error.help or "")
    assert f"{word}: matrix" in (error.help or "")


def test_a_declared_word_is_not_split() -> None:
    assert indexcalc.diff("Wx + b", wrt="b", let=["Wx: vector(n)"]).matrix == "eye(n)"


@pytest.mark.parametrize(
    "text, name, kind, shape",
    [
        ("a = W x; a", "W", "matrix", ["m", "n"]),
        ("c = x'x; c*y", "y", "vector", ["n"]),
        ("A = x y'; A z", "z", "vector", ["n"]),
    ],
)
def test_a_definition_gives_its_name_a_kind(text: str, name: str, kind: str, shape: list[str]) -> None:
    row = _declarations(indexcalc.simplify(text))[name]
    assert (row["kind"], row["shape"]) == (kind, shape)


def test_what_one_statement_inferred_holds_in_the_next() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify("a = W x; W*a + x'")
    assert caught.value.code in ("E203", "E204")


@pytest.mark.parametrize(
    "declaration, kind, shape",
    [
        ("W: matrix(m, n)", "matrix", ("m", "n")),
        ("W: matrix(3, n)", "matrix", (3, "n")),
        ("W: vector(k)", "vector", ("k",)),
        ("W: scalar", "scalar", ()),
        ("W: tensor(m, n, p)", "tensor", ("m", "n", "p")),
        ("W : matrix( m , n )", "matrix", ("m", "n")),
        ("V, W: vector(n)", "vector", ("n",)),
    ],
)
def test_a_declaration_gives_kind_and_sizes(declaration: str, kind: str, shape: tuple[Any, ...]) -> None:
    answer = indexcalc.simplify("W", let=[declaration])
    assert answer.shape == shape
    assert _declarations(answer)["W"]["kind"] == kind


@pytest.mark.parametrize("text", ["X : Y", "x: y", "A: B"])
def test_a_colon_before_what_is_no_kind_is_a_double_contraction(text: str) -> None:
    assert indexcalc.simplify(text).shape == ()


@pytest.mark.parametrize(
    "declaration",
    [
        "A: matrix(n)",
        "x: vector(m, n)",
        "c: scalar(n)",
        "A: matrix(m, 0)",
        "A: matrix(m, 1.5)",
    ],
)
def test_a_kind_with_other_sizes_than_it_has_is_an_error(declaration: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify("x", let=[declaration])
    assert caught.value.code == "E307"


def test_many_undeclared_names_are_still_read_quickly() -> None:
    assert indexcalc.simplify(" + ".join(f"x{k}" for k in range(500))).shape == ("m",)


def test_too_many_readings_are_a_limit_with_its_own_error() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(" ".join(f"x{k}" for k in range(40)))
    assert caught.value.code == "E503"
    assert "declare" in (caught.value.help or "")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-log det(A)", "-log(det(A))"),
        ("log det inv(A)/2", "1/2*log(det(inv(A)))"),
        ("2 sin cos(x)", "2*sin(cos(x))"),
        ("log|x| x", "log(abs(x)) .* x"),
    ],
)
def test_a_function_before_a_call_is_applied_to_it(text: str, same: str) -> None:
    let = ["x: scalar"]
    assert indexcalc.simplify(text, let=let).matrix == indexcalc.simplify(same, let=let).matrix
