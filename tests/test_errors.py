"""Errors: the code, the place and the help of every input that is rejected; no other exception ever."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import indexcalc
from indexcalc import IndexcalcError

LET = [
    "A, C: matrix(m, n)",
    "S: matrix(n, n)",
    "x, y: vector(n)",
    "u: vector(m)",
    "c, t: scalar",
    "T: tensor(m, n, p)",
]


def _simplify_error(text: str) -> IndexcalcError:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text, let=LET)
    return caught.value


def _diff_error(text: str, wrt: str, order: int = 1) -> IndexcalcError:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.diff(text, wrt=wrt, let=LET, order=order)
    return caught.value


WRONG = [
    # text, code, what the caret is under, a word of the help
    ("x +", "E101", "+", None),
    ("tanh(x) -", "E101", "-", None),
    ("x^", "E101", "^", None),
    ("A*", "E101", "*", None),
    ("√", "E101", "√", None),
    ("y =", "E101", "=", None),
    ("* x", "E102", "*", "name"),
    ("x * * y", "E102", "*", "name"),
    ("x // 2", "E102", "/", "name"),
    ("= x", "E102", "=", None),
    ("-> i", "E102", "->", None),
    ("()", "E102", ")", None),
    ("x , , y", "E102", ",", None),
    ("tanh(x,)", "E102", ")", None),
    ("a = x = y", "E102", "=", None),
    ("[x]", "E102", "[", None),
    ("{x}", "E102", "{", None),
    ("x!", "E103", "!", None),
    ("x ? y", "E103", "?", None),
    ("x & y", "E103", "&", None),
    ("日本", "E103", "日", None),
    ("x\x00", "E103", "\x00", None),
    ("x\x07 + y", "E103", "\x07", None),
    ("x\x1b[31m", "E103", "\x1b", None),
    ("x\u200by", "E103", "\u200b", None),
    ("\ufeffx", "E103", "\ufeff", None),
    ("x . y", "E103", ".", None),
    ("x_", "E103", "_", None),
    ("(x", "E104", "(", "closing bracket"),
    ("x)", "E104", ")", "remove"),
    ("(x]", "E104", "]", "remove"),
    ("((x)", "E104", "(", "closing bracket"),
    ("tanh(A*x + u", "E104", "(", "closing bracket"),
    ("tanh A*x + u)", "E104", ")", "remove"),
    ("S[i,j", "E104", "[", "closing bracket"),
    ("|x", "E104", "|", None),
    ("‖x", "E104", "‖", None),
    ("x|", "E104", "|", None),
    ("a^b^c", "E105", "a^b^c", "(a^b)^c"),
    ("x.^2.^c", "E105", "x.^2.^c", None),
    ("x[1]", "E106", "[1]", "A[i,j]"),
    ("x[i*j]", "E106", "i*j", "A[i,j]"),
    ("x[i+1]", "E403", "[i+1]", "for t"),
    ("", "E107", "", None),
    ("  ", "E107", "  ", None),
    ("# nothing", "E107", "# nothing", None),
    ("x, y", "E107", "y", None),
    ("2 = x", "E107", "2", "a = "),
    ("x + y = c", "E107", "x + y", "a_i = "),
    ("q: matrix(m, n)", "E107", "q: matrix(m, n)", None),
    ("2*∂x", "E107", "∂", None),
    ("c/t x", "E109", "t x", "bracket"),
    ("c/(t + 1) x", "E109", "(t + 1) x", "bracket"),
    ("A x_i", "E201", "A", "indices"),
    ("A_ij x", "E201", "x", "indices"),
    ("A_ij .* C_ij", "E201", "C_ij", "y_i = a_i b_i"),
    ("A_ij'", "E201", "A_ij'", "swap"),
    ("softmax(x_i)", "E201", "softmax(x_i)", "softmax("),
    ("inv(S_ij)", "E201", "inv(S_ij)", "inv("),
    ("x_i softmax(y)", "E201", "softmax(y)", "_i"),
    ("x_i y_i x_i", "E202", "x_i y_i x_i", "sum_i("),
    ("A_ij A_ij C_ij", "E202", "A_ij A_ij C_ij", "y_ij = "),
    ("x + u", "E203", "x + u", None),
    ("A*C", "E203", "A*C", "`A*C'`"),
    ("A .* S", "E203", "A .* S", "`A*S`"),
    ("A : S", "E203", "A : S", "`A*S`"),
    ("A*x + A*u", "E203", "A*u", "`A'*u`"),
    ("A + A'", "E203", "A + A'", "transpose"),
    ("x .* A", "E203", "x .* A", None),
    ("x_i u_i", "E203", "x_i u_i", None),
    ("A_ij u_j", "E203", "A_ij u_j", None),
    ("T_ijk x_k", "E203", "T_ijk x_k", None),
    ("A_ij + S_ij", "E203", "A_ij + S_ij", None),
    ("x_i + y_j", "E204", "x_i", "on the left"),
    ("A_ij + u_i", "E204", "u_i", "y_ij"),
    ("A + x", "E204", "A + x", None),
    ("x + y'", "E204", "x + y'", "transpose"),
    ("x*y", "E205", "x*y", "x'*y"),
    ("x y", "E205", "x y", "x*y'"),
    ("x*A", "E205", "x*A", "`A*x`"),
    ("A*x*y", "E205", "A*x*y", "(A*x)*y'"),
    ("tr(A)", "E206", "A", None),
    ("A^2", "E206", "A", None),
    ("det(A)*c", "E206", "A", None),
    ("1 + inv(A)", "E206", "A", None),
    ("x/y", "E207", "y", "./"),
    ("c/x", "E207", "x", "./"),
    ("u/A", "E207", "A", "inv"),
    ("x/(A'*u)", "E207", "(A'*u)", "./"),
    ("tr(x)", "E208", "tr(x)", None),
    ("dot(x, A)", "E208", "dot(x, A)", None),
    ("softmax(A)", "E208", "softmax(A)", "softmax(Z, 1)"),
    ("v*w", "E209", "v*w", "declare"),
    ("A^2_ij", "E210", "A^2_ij", "(A^2)_ij"),
    ("x_i + x_ij", "E211", "x_ij", None),
    ("A_i", "E211", "A_i", None),
    ("(A*S)_i", "E211", "(A*S)_i", None),
    ("delta_ijk", "E211", "delta_ijk", None),
    ("x_i -> 2", "E211", "2", None),
    ("A^i_j", "E212", "A^i_j", "A_ij"),
    ("sum_k(A_ij)", "E213", "_k", None),
    ("tanh(S)^2", "E214", "tanh(S)^2", ".^"),
    ("tr inv(A) B", "E109", "tr inv(A) B", "brackets"),
    ("x^y", "E215", "y", "scalar"),
    ("n_b = norm2(X_bi)", "E201", "norm2(X_bi)", "sqrt(sum_j(x_j^2))"),
    ("sum_i(norm1(x_i))", "E201", "norm1(x_i)", "vector"),
    ("x.^A", "E215", "A", None),
    ("T + 1", "E216", "T", "indices"),
    ("T*x", "E216", "T", "indices"),
    ("grad(A*x, x)", "E217", "A*x", "vjp"),
    ("f(x)", "E302", "f", "f*("),
    ("tahn(x)", "E302", "tahn", "did you mean `tanh`"),
    ("sigmoidd(x)", "E302", "sigmoidd", "`sigmoid`"),
    ("logdett(S)", "E302", "logdett", "`logdet`"),
    ("x_i + f(x_i)", "E302", "f", "declare"),
    ("os.system(x)", "E103", ".", None),
    ("__import__(x)", "E103", "_", None),
    ("tanh()", "E303", "tanh()", None),
    ("tanh(x, y)", "E303", "tanh(x, y)", None),
    ("sum(A, 3)", "E303", "3", None),
    ("ones(n + 1)", "E303", "ones(n + 1)", None),
    ("norm2(A, 2)", "E208", "norm2(A, 2)", None),
    ("vjp(x, y)", "E303", "vjp(x, y)", "vjp(a, W, da)"),
    ("d x / d q", "E304", "q", None),
    ("d x / d (A x)", "E304", "A x", "name first"),
    ("d x / d 2", "E304", "2", "name first"),
    ("A*x -> i", "E201", "A*x -> i", "arrow"),
    ("x = 2", "E203", "x", None),
    ("Ax", "E306", "Ax", "A x"),
    ("z: matrix(n)", "E307", "matrix(n)", "matrix(m, n)"),
    ("z: matrix(m, 0)", "E307", "0", None),
    ("z: matrix(m, 2.5)", "E307", "2.5", None),
    ("S^c", "E402", "c", ".^"),
    ("S^0.5", "E402", "0.5", ".^"),
    ("1/0", "E405", "1/0", None),
    ("x/(c - c)", "E405", "x/(c - c)", None),
    ("0^-1", "E405", "0^-1", None),
    ("log(0)", "E405", "log(0)", None),
    ("sqrt(-2)", "E405", "sqrt(-2)", None),
    ("inv(S - S)", "E405", "inv(S - S)", None),
    ("S^17", "E504", "17", None),
    ("d^3 c / d c^3", "E505", "d^3", None),
    ("1e5000", "E506", "1e5000", None),
    ("2^1000000", "E506", "2^1000000", "variable"),
]


@pytest.mark.parametrize("text, code, where, help_", WRONG)
def test_a_wrong_input_has_its_code_its_place_and_its_help(text: str, code: str, where: str, help_: str | None) -> None:
    error = _simplify_error(text)
    assert error.code == code
    assert error.text[slice(*error.span)] == where
    if help_ is not None:
        assert help_ in (error.help or "")


@pytest.mark.parametrize("text", sorted({row[0] for row in WRONG}))
def test_a_message_is_one_plain_sentence_without_a_trace_of_python(text: str) -> None:
    error = _simplify_error(text)
    assert error.message
    assert "\n" not in error.message
    assert not re.search(r"Traceback|NoneType|<class|Token\(|object at 0x|Error\b", f"{error.message} {error.help}")
    assert str(error) == f"{error.code}: {error.message}"
    assert error.to_dict() == {
        "code": error.code,
        "message": error.message,
        "span": list(error.span),
        "help": error.help,
    }


@pytest.mark.parametrize("text, code, where, help_", [row for row in WRONG if row[1][:2] in ("E1", "E2")][::4])
def test_diff_rejects_what_simplify_rejects(text: str, code: str, where: str, help_: str | None) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.diff(text, let=LET)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text, wrt, order, code, help_",
    [
        ("A*x", "z", 1, "E304", "variables are A"),
        ("A*x", "a", 1, "E304", None),
        ("tanh(A*lambda)", "lamda", 1, "E304", "`lambda`"),
        ("A*x", "A*x", 1, "E304", "name first"),
        ("A*x", "2", 1, "E304", None),
        ("A*x", "tanh", 1, "E304", None),
        ("A*x", "n", 1, "E304", None),
        ("A*x", "x = 1", 1, "E304", None),
        ("A_ij x_j", "A_k", 1, "E211", None),
        ("A*x", "x", 3, "E505", None),
        ("A*x", "x", 0, "E505", None),
        ("x: vector(n)", "x", 1, "E107", None),
    ],
)
def test_a_variable_or_order_that_cannot_be_is_an_error(
    text: str, wrt: str, order: int, code: str, help_: str | None
) -> None:
    error = _diff_error(text.replace("x: ", "z: "), wrt, order)
    assert error.code == code
    if help_ is not None:
        assert help_ in (error.help or "")


@pytest.mark.parametrize(
    "let, text, message",
    [
        (
            ["A: matrix(2, 3)", "x: vector(4)"],
            "A*x",
            "`A` is 2 x 3 (declared) and `x` is a column of 4 rows (declared)",
        ),
        (["A: matrix(2, 3)", "B: matrix(2, 4)"], "A*x + B*x", "`x` is a column of 3 rows (inferred from `A*x`)"),
        (["A: matrix(2, 3)", "x: vector(4)"], "y = A'; y*x", "`y` is 3 x 2 (defined)"),
        (["A: matrix(2, 3)", "x: vector(4)"], "A*A'*x", "`A*A'` is 2 x 2 (2 from `A`, declared)"),
        (["A: matrix(2, 3)", "x: vector(4)"], "A_ij x_j", "over 3 (axis 2 of `A`, declared) and over 4 (axis 1 of `x`"),
        (["x: vector(3)", "y: vector(4)"], "x_i^(y_i)", "the index i runs over 3 (axis 1 of `x`, declared) and over 4"),
        (["A: matrix(2, 3)"], "det(A)", "`det` needs a square matrix, and `A` is 2 x 3 (declared)"),
        (["A: matrix(2, 3)"], "A^2", "`^` needs a square matrix, and `A` is 2 x 3 (declared)"),
        (["x: vector(3)"], "x = 2", "`x` is declared as a vector(3), and this is a scalar"),
    ],
)
def test_a_misfit_names_both_shapes_and_where_each_was_fixed(let: list[str], text: str, message: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text, let=let)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["h_t = tanh(W_hh h_{t-1} + b)", "y_i = W x + b_i", "h_i = tanh(Waa a_prev + Wax x_t + b_a)"],
)
def test_the_declarations_of_a_help_work(text: str) -> None:
    error = _undeclared_error(text)
    assert error.code == "E201"
    declarations = (error.help or "").split("`")[1].split("; ")
    assert indexcalc.simplify(text, let=declarations).index


def _undeclared_error(text: str) -> IndexcalcError:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    ["A*C", "A'*C'", "A*S*u", "A + A'", "A .* S", "A : S", "x*A", "x*y", "A*x*y", "S*(A + C)", "u*A", "x + y'"],
)
def test_what_a_help_offers_for_shapes_works(text: str) -> None:
    offered = re.findall(r"`([^`]+)`", _simplify_error(text).help or "") or ["x*y'"]
    for other in offered:
        assert indexcalc.simplify(other, let=LET).index


def test_there_is_no_derivative_without_a_variable() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.diff("2 + 3")
    assert caught.value.code == "E304"


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.diff("A x", wrt="x", layout="sideways")
    assert "numerator" in (caught.value.help or "")


@pytest.mark.parametrize(
    "declaration, code, where",
    [
        ("x + 1", "E307", "x + 1"),
        ("x = 3", "E307", "x = 3"),
        ("", "E107", ""),
        ("x: vector(n", "E104", "("),
        ("1: scalar", "E107", "1: scalar"),
        ("x: vector(n) y", "E307", "y"),
        ("x, x: vector(n)", "E305", "x"),
    ],
)
def test_a_bad_declaration_is_an_error_in_its_own_text(declaration: str, code: str, where: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.simplify("y", let=[declaration])
    error = caught.value
    assert (error.code, error.text[slice(*error.span)]) == (code, where)


UNSUPPORTED = [
    ("repmat(A)", "repmat"),
    ("x_i + reshape(A)_i", "reshape"),
]


@pytest.mark.parametrize("text, word", UNSUPPORTED)
def test_what_is_not_supported_yet_is_refused_by_name(text: str, word: str) -> None:
    error = _simplify_error(text)
    assert error.code.startswith("E4")
    assert "not supported yet" in error.message
    assert word in error.message
    start, end = error.span
    assert 0 <= start < end <= len(text)


@pytest.mark.parametrize("backend, form", [("fortran", "jacobian"), ("numpy", "sideways")])
def test_code_that_cannot_be_written_is_refused(backend: str, form: str) -> None:
    answer = indexcalc.diff("A x", wrt="x")
    with pytest.raises(IndexcalcError) as caught:
        answer.to_code(backend, form=form)
    assert caught.value.code == "E404"


@pytest.mark.parametrize(
    "text, code",
    [
        ("(" * 10_000 + "x" + ")" * 10_000, "E502"),
        ("(" * 10_000, "E502"),
        ("tanh(" * 500 + "x" + ")" * 500, "E502"),
        ("√" * 20_000 + "x", "E502"),
        ("x + " * 50_000 + "x", "E501"),
        ("x " * 65, "E507"),
        ("9" * 5_000, "E506"),
        ("10^(10^3)^(10^3)", "E105"),
        ("(((10^100)^100)^100)^100", "E506"),
    ],
)
def test_work_is_bounded(text: str, code: str) -> None:
    start = time.perf_counter()
    assert _simplify_error(text).code == code
    assert time.perf_counter() - start < 3


def test_a_span_counts_code_points() -> None:
    error = _simplify_error("λ + 𝐱")
    assert error.span == (4, 5)
    assert error.text[4] == "𝐱"


def test_a_file_stops_at_its_first_error_and_keeps_the_text_of_that_statement() -> None:
    answers = indexcalc.run("x\ny + \nz")
    assert next(answers).matrix == "x"
    with pytest.raises(IndexcalcError) as caught:
        next(answers)
    assert (caught.value.code, caught.value.text) == ("E101", "y +")


@pytest.mark.parametrize("text", ["__import__('os')", "x.__class__", "exec(x)", "eval(x)", "open(x)", "x; import os"])
def test_input_is_data(text: str) -> None:
    with pytest.raises(IndexcalcError):
        indexcalc.simplify(text)


WORDS = [
    *"x y A c λ 1 2 .5 + - * / .* ./ .^ ^ ' ( ) [ ] , : = == -> _i _ij ^{-1} ² ᵀ | ‖ √ ∂ d dx".split(),
    *"tanh(x) inv(A) tr(A) sum(x) diag(x) det(A) sum_j( ∑_i A_ij x_j x_i ones(n) pi @ ⊗ vector(n)".split(),
]


def _outcome(text: str) -> str | IndexcalcError:
    try:
        return indexcalc.simplify(text).index
    except IndexcalcError as error:
        return error


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7), st.sampled_from(["", " "]))
@settings(max_examples=400, deadline=None)
def test_any_words_give_an_answer_or_an_error_with_a_place(words: list[str], blank: str) -> None:
    found = _outcome(blank.join(words))
    if isinstance(found, IndexcalcError):
        start, end = found.span
        assert 0 <= start <= end <= len(found.text)
        assert re.fullmatch(r"E[1-5]\d\d", found.code)


def test_the_table_covers_the_codes_of_the_language() -> None:
    assert len({row[0] for row in WRONG}) == len(WRONG) >= 120
    assert {row[1] for row in WRONG} >= {f"E1{k:02}" for k in (1, 2, 3, 4, 5, 6, 7, 9)} | {
        f"E2{k:02}" for k in range(1, 18)
    }
