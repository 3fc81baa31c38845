"""Text to syntax tree: precedence, postfix order, names, numbers, look-alikes, brackets, limits."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import UnexpectedInput

from indexcalc import IndexcalcError
from indexcalc.language import syntax
from indexcalc.language.brackets import DEEPEST, Brackets, Word, span_of
from indexcalc.language.builder import LONGEST_NUMBER, MOST_FACTORS, Builder
from indexcalc.language.parser import LONGEST, _grammar, normalise, parse
from indexcalc.language.syntax import Syntax


def _tree(text: str) -> str:
    """The tree of an expression with every bracket written out; `_` is juxtaposition."""
    (item,) = parse(normalise(text)).left.items
    return _written(item)


def _written(node: Syntax) -> str:
    match node:
        case syntax.Number():
            return str(node.value)
        case syntax.Name():
            return syntax.spelling(node.text, node.scripts)
        case syntax.Group():
            return _written(node.body)
        case syntax.Signed():
            return f"(-{_written(node.body)})"
        case syntax.Transpose():
            return f"({_written(node.body)})'"
        case syntax.Power():
            sign = ".^" if node.elementwise else "^"
            return f"({_written(node.base)} {sign} {_written(node.exponent)})"
        case syntax.Call():
            return f"{node.function}({', '.join(map(_written, node.arguments))})"
        case syntax.Indexed():
            return f"({_written(node.body)})_{{{node.script.text}}}"
        case syntax.SumOver():
            return f"sum_{{{node.indices.text}}}({_written(node.body)})"
        case syntax.Sum():
            first, *rest = [("+" if sign > 0 else "-", _written(term)) for sign, term in node.terms]
            return "(" + first[1] + "".join(f" {sign} {term}" for sign, term in rest) + ")"
        case syntax.Product():
            first, *rest = [(operator or "_", _written(factor)) for operator, factor in node.factors]
            return "[" + first[1] + "".join(f" {operator} {factor}" for operator, factor in rest) + "]"
    return "∂"


@pytest.mark.parametrize(
    "text, tree",
    [
        ("a + b*c", "(a + [b * c])"),
        ("a*b + c", "([a * b] + c)"),
        ("a - b - c", "(a - b - c)"),
        ("a - (b - c)", "(a - (b - c))"),
        ("a*b*c", "[a * b * c]"),
        ("a/b/c", "[a / b / c]"),
        ("a/b*c", "[a / b * c]"),
        ("1/2 x", "[1 / 2 _ x]"),
        ("A .* B*C", "[A .* B * C]"),
        ("a : b ./ c", "[a : b ./ c]"),
        ("A ⊗ B C", "[A ⊗ B _ C]"),
        ("-x^2", "(-(x ^ 2))"),
        ("(-x)^2", "((-x) ^ 2)"),
        ("-a*b", "[(-a) * b]"),
        ("a*-b", "[a * (-b)]"),
        ("a - -b", "(a - (-b))"),
        ("--a", "a"),
        ("+a", "a"),
        ("a^-n", "(a ^ (-n))"),
        ("a^n b", "[(a ^ n) _ b]"),
        ("a b^2", "[a _ (b ^ 2)]"),
        ("-x'", "(-(x)')"),
        ("2x", "[2 _ x]"),
    ],
)
def test_products_have_one_level_and_signs_stand_outside_powers(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize(
    "text, tree",
    [
        ("A^-1'", "((A ^ (-1)))'"),
        ("A'^-1", "((A)' ^ (-1))"),
        ("A'^2", "((A)' ^ 2)"),
        ("A²ᵀ", "((A ^ 2))'"),
        ("Aᵀ²", "((A)' ^ 2)"),
        ("x_i^2", "(x_i ^ 2)"),
        ("(A*B)_ij", "([A * B])_{ij}"),
        ("A'_ij", "((A)')_{ij}"),
        ("A^-1_ij", "((A ^ (-1)))_{ij}"),
        ("inv(A)_ij", "(inv(A))_{ij}"),
        ("f(x)'", "(f(x))'"),
        ("√x^2", "(sqrt(x) ^ 2)"),
        ("a b'", "[a _ (b)']"),
    ],
)
def test_postfix_operators_bind_tightest_left_to_right(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize("text", ["A'", "A’", "A′", "A.T", "A^T", "A^{T}", "Aᵀ", "A⊤", "A^⊤"])
def test_every_spelling_of_the_transpose_is_one_tree(text: str) -> None:
    assert _tree(text) == "(A)'"


@pytest.mark.parametrize("text", ["A^-T", "A^{-T}", "A⁻ᵀ"])
def test_inverse_transpose_transposes_the_inverse(text: str) -> None:
    assert _tree(text) == "((A ^ -1))'"


def test_a_transpose_of_a_transpose_vanishes() -> None:
    assert _tree("A''") == _tree("A.T.T") == "A"


def test_a_bracketed_t_is_an_exponent() -> None:
    assert _tree("A^(T)") == "(A ^ T)"


@pytest.mark.parametrize(
    "text, like",
    [
        ("a − b", "a - b"),
        ("a – b", "a - b"),
        ("a ∗ b", "a*b"),
        ("a ⋅ b", "a*b"),
        ("a · b", "a*b"),
        ("a × b", "a*b"),
        ("a @ b", "a*b"),
        ("a\u00a0b", "a b"),
        ("a\tb", "a b"),
        ("a ⊙ b", "a .* b"),
        ("a ∘ b", "a .* b"),
        ("a ⊘ b", "a ./ b"),
        ("x²", "x^2"),
        ("x¹²", "x^12"),
        ("√(x)", "sqrt(x)"),
        ("‖x‖", "||x||"),
        ("e\u0301", "é"),
    ],
)
def test_look_alikes_are_read_as_what_they_stand_for(text: str, like: str) -> None:
    assert _tree(text) == _tree(like)


def test_normalisation_keeps_the_length_that_spans_count() -> None:
    text = "a − b ∗ c′ ⋅ d\u00a0e"
    assert len(normalise(text)) == len(text)


@pytest.mark.parametrize(
    "text, tree",
    [
        ("λ", "lambda"),
        ("λx", "lambdax"),
        ("Σ", "Sigma"),
        ("ϕ", "phi"),
        ("ϵ", "eps"),
        ("π", "pi"),
        ("W_hh", "W_hh"),
        ("W_{hh}", "W_hh"),
        ("h_{t-1}", "h_{t-1}"),
        ("h_{ t - 1 }", "h_{t-1}"),
        ("a^{<t>}", "a^{<t>}"),
        ("a^{<t-1>}", "a^{<t-1>}"),
        ("W^{[l]}", "W^{[l]}"),
        ("x^{(i)}", "x^{(i)}"),
        (r"x_{\text{in}}", r"x_{\text{in}}"),
        ("Wᵢⱼ", "W_ij"),
        ("x₁₂", "x_12"),
        ("x1", "x1"),
        ("x_i_j", "x_i_j"),
    ],
)
def test_names_have_one_spelling(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize("text", ["W_{i j}", "W_{i,j}", "W_{i, j}", "W_{ i  j }"])
def test_blanks_and_commas_separate_indices(text: str) -> None:
    (name,) = parse(text).left.items
    assert isinstance(name, syntax.Name)
    assert name.scripts[0].text.replace(",", " ").split() == ["i", "j"]


@pytest.mark.parametrize("text", ["W[i,j]", "W[i, j]", "W [i,j]"])
def test_square_brackets_hold_indices(text: str) -> None:
    (name,) = parse(text).left.items
    assert isinstance(name, syntax.Name)
    assert [(script.text, script.mark) for script in name.scripts] == [("i j", "[")]


@pytest.mark.parametrize(
    "text, tree",
    [
        ("0.5", "1/2"),
        (".5", "1/2"),
        ("1e-3", "1/1000"),
        ("1E3", "1000"),
        ("1.5e+2", "150"),
        ("007", "7"),
        ("0.1", "1/10"),
        ("12345678901234567890", "12345678901234567890"),
        ("1./x", "[1 ./ x]"),
        ("2.*x", "[2 .* x]"),
        ("2.5.*x", "[5/2 .* x]"),
        ("1.^x", "(1 .^ x)"),
        ("1e-3x", "[1/1000 _ x]"),
        ("2e x", "[2 _ e _ x]"),
        (".5x", "[1/2 _ x]"),
    ],
)
def test_numbers_are_exact_and_never_end_in_a_dot(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize(
    "text, tree",
    [
        ("|x|", "abs(x)"),
        ("|a| + |b|", "(abs(a) + abs(b))"),
        ("|a*b|^2", "(abs([a * b]) ^ 2)"),
        ("|(|a|)|", "abs(abs(a))"),
        ("||x||", "norm2(x)"),
        ("‖x - y‖²", "(norm2((x - y)) ^ 2)"),
        ("||x||*||y||", "[norm2(x) * norm2(y)]"),
        ("||x|| ||y||", "[norm2(x) _ norm2(y)]"),
        ("‖ |x| ‖", "norm2(abs(x))"),
        ("||A*x||/||x||", "[norm2([A * x]) / norm2(x)]"),
    ],
)
def test_bars_open_and_close_by_what_stands_before_them(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize(
    "text, tree",
    [
        ("a^(n+1)", "(a ^ (n + 1))"),
        ("a^{n+1}", "(a ^ (n + 1))"),
        ("a^(1/2)", "(a ^ [1 / 2])"),
        ("a^1/2", "[(a ^ 1) / 2]"),
        ("(a^b)^c", "((a ^ b) ^ c)"),
        ("a^(b^c)", "(a ^ (b ^ c))"),
        ("a.^2", "(a .^ 2)"),
        ("a^{-1}", "(a ^ (-1))"),
        ("a⁻¹", "(a ^ -1)"),
    ],
)
def test_exponents_are_one_number_or_name_or_stand_in_brackets(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize("text", ["a^b^c", "2^3^2", "a.^b.^c", "a²³^2", "a^b^c^d"])
def test_two_powers_in_a_row_are_an_error(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        parse(text)
    assert caught.value.code == "E105"
    assert "(a^b)^c" in (caught.value.help or "")


@pytest.mark.parametrize(
    "text, tree",
    [
        ("tanh(x)", "tanh(x)"),
        ("tanh (x)", "tanh(x)"),
        ("tanh.(x)", "tanh(x)"),
        ("np.tanh(x)", "tanh(x)"),
        ("torch.tanh(x)", "tanh(x)"),
        ("np.linalg.inv(A)", "inv(A)"),
        ("f(x, y)", "f(x, y)"),
        ("f()", "f()"),
        ("3(x)", "[3 _ x]"),
        ("(a)(b)", "[a _ b]"),
    ],
)
def test_a_word_before_a_bracket_is_a_call(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize(
    "text, tree",
    [
        ("sum_j(A_ij)", "sum_{j}(A_ij)"),
        ("sum_{j k}(A_jk)", "sum_{j k}(A_jk)"),
        ("∑_j(A_ij)", "sum_{j}(A_ij)"),
        ("∑_j A_ij x_j", "sum_{j}([A_ij _ x_j])"),
        ("∑_j A_ij + b", "(sum_{j}(A_ij) + b)"),
        ("sum_i(x_i)^2", "(sum_{i}(x_i) ^ 2)"),
        ("sum(x)", "sum(x)"),
    ],
)
def test_a_sum_sign_reaches_to_the_end_of_its_product(text: str, tree: str) -> None:
    assert _tree(text) == tree


@pytest.mark.parametrize(
    "text, relation, arrow",
    [("a = b", "=", False), ("a == b", "==", False), ("a -> i", "", True), ("a ->", "", True), ("a", "", False)],
)
def test_a_statement_has_a_relation_or_an_arrow(text: str, relation: str, arrow: bool) -> None:
    statement = parse(text)
    assert (statement.relation, statement.left.arrow) == (relation, arrow)


def test_commas_separate_the_items_of_a_side() -> None:
    assert [_written(item) for item in parse("ij,jk -> ik").left.items] == ["ij", "jk"]


@pytest.mark.parametrize("text", ["A x + b", "tanh(W x)'", "∂a/∂W", "a_ij b_jk^2", "||x - y||^2", "-2*x"])
def test_every_node_spans_its_own_text(text: str) -> None:
    stack = list(parse(text).left.items)
    while stack:
        node = stack.pop()
        start, end = node.span
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        if isinstance(node, syntax.Name) and not node.scripts:
            assert text[start:end] == node.text
        stack += syntax.children(node)


@pytest.mark.parametrize(
    "text, code",
    [
        ("x" + "+x" * LONGEST, "E501"),
        ("(" * 10_000 + "x" + ")" * 10_000, "E502"),
        ("(" * (DEEPEST + 1) + "x" + ")" * (DEEPEST + 1), "E502"),
        ("tanh(" * (DEEPEST + 1) + "x" + ")" * (DEEPEST + 1), "E502"),
        ("|" * 1000 + "x", "E502"),
        ("a^{" * 200 + "2" + "}" * 200, "E502"),
        ("1" * (LONGEST_NUMBER + 1), "E506"),
        (f"1e{LONGEST_NUMBER}", "E506"),
        ("1e-999999999999999999999", "E506"),
        ("*".join(["x"] * (MOST_FACTORS + 1)), "E507"),
        (" ".join(["x"] * (MOST_FACTORS + 1)), "E507"),
    ],
)
def test_each_limit_has_its_own_error(text: str, code: str) -> None:
    start = time.perf_counter()
    with pytest.raises(IndexcalcError) as caught:
        parse(text)
    assert caught.value.code == code
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEPEST + "x" + ")" * DEEPEST,
        "*".join(["x"] * MOST_FACTORS),
        "1" * LONGEST_NUMBER,
        "x" + "'" * 5_001,
        "-" * 5_000 + "x",
        "+".join(["x"] * 5_000),
    ],
)
def test_what_is_within_the_limits_is_read(text: str) -> None:
    assert parse(text).left.items


WORDS = re.findall(
    r"\S+",
    "A x W_ij b_{i j} X[i,j] 2 1/2 1e-3 + - * @ .* ./ / : ⊗ ^ ^2 .^2 ** ' .T ^T ^-T ⁻¹ ( ) tanh( np.exp( sum_j( ∑_i | || "
    "-> = == , [ ] { } for .. forest √ ∂ einsum('ij,jk->ik', a^{<t>} ? ~",
)


@pytest.fixture(scope="module")
def lark() -> Lark:
    """Lark's own parser, with the builder as its transformer."""
    options = {"parser": "lalr", "lexer": "basic", "maybe_placeholders": False}
    return Lark(_grammar(), **options, postlex=Brackets(), transformer=Builder())


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), st.sampled_from(["", " "]))
def test_the_tables_read_what_lark_reads(lark: Lark, words: list[str], blank: str) -> None:
    """The parser's own loop over Lark's tables gives the same tree, and refuses the same texts."""
    text = normalise(blank.join(words))
    reader = lark.parse_interactive()
    try:
        for token in lark.lex(text):
            reader.feed_token(Word(token.type, token, *span_of(token)))
        expected = reader.feed_eof()
    except (UnexpectedInput, IndexcalcError):
        with pytest.raises(IndexcalcError):
            parse(text)
    else:
        assert parse(text) == expected
