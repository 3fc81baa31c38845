"""LaTeX of forms: balanced, with the commands of a paper, whatever the names."""

from __future__ import annotations

import re

import pytest

import indexcalc
from indexcalc import Answer
from indexcalc.language.characters import GREEK_NAMES
from indexcalc.render.latex import document, letter, name, word

from .test_corpus import ASKS, answered

COMMANDS = set(
    """
    left right frac top odot oslash otimes operatorname mathrm mathbf mathit lVert rVert lvert rvert sqrt sum det
    log exp sin cos tan arcsin arccos arctan sinh cosh tanh sigma delta varepsilon langle rangle partial times
    overline nabla begin end text pi
    """.split()
) | {",", "\\"}
ANSWERED = {ask.name: found for ask in ASKS if isinstance(found := answered(ask.name), Answer)}
every_answer = pytest.mark.parametrize("answer", ANSWERED.values(), ids=ANSWERED)


def is_balanced(text: str) -> bool:
    r"""Whether braces, and \left and \right within them, close each other."""
    stack: list[str] = []
    for token in re.findall(r"\\left|\\right|\\[{}]|[{}]", text):
        if token in ("{", r"\left"):
            stack.append(token)
        elif token in ("}", r"\right") and (not stack or stack.pop() != {"}": "{", r"\right": r"\left"}[token]):
            return False
    return not stack


def _texts(answer: Answer) -> list[str]:
    return [text for text in answer.to_dict()["latex"].values() if text is not None]


@every_answer
def test_braces_and_brackets_are_balanced(answer: Answer) -> None:
    assert all(is_balanced(text) for text in _texts(answer))


@every_answer
def test_there_is_latex_where_there_is_text(answer: Answer) -> None:
    printed = answer.to_dict()
    for form, text in printed["latex"].items():
        assert (text is None) == (printed[form] is None)
        assert text is None or text.strip()


@every_answer
def test_commands_are_those_of_amsmath(answer: Answer) -> None:
    for text in _texts(answer):
        assert set(re.findall(r"\\([A-Za-z]+|.)", text)) <= COMMANDS | GREEK_NAMES | {"epsilon"}
        assert text.isascii()


@every_answer
def test_scripts_are_single(answer: Answer) -> None:
    for text in _texts(answer):
        bare = re.sub(r"\{[^{}]*\}", "{}", re.sub(r"\{[^{}]*\}", "{}", text))
        assert not re.search(r"_(\{\}|\w)_|\^(\{\}|\w|\\top)\^", bare), text


@every_answer
def test_letters_of_names_stand_apart_from_commands(answer: Answer) -> None:
    for text in _texts(answer):
        assert "'" not in text
        assert "*" not in text


@every_answer
def test_notebook_shows_the_answer_in_math_mode(answer: Answer) -> None:
    shown = answer._repr_latex_()
    assert shown.startswith(r"$\displaystyle ")
    assert shown.endswith("$")
    assert shown.count("$") == 2
    assert is_balanced(shown)


@pytest.mark.parametrize("answer", list(ANSWERED.values())[::5], ids=list(ANSWERED)[::5])
def test_document_is_one_align_environment(answer: Answer) -> None:
    lines = [line for line in document(answer.report()) if not line.startswith("%")]
    assert (lines[0], lines[-1]) == (r"\begin{align*}", r"\end{align*}")
    assert all(is_balanced(line) for line in lines)
    assert all(line.endswith(r"\\") for line in lines[1:-2])
    assert not lines[-2].endswith(r"\\")


@pytest.mark.parametrize(
    "text, wrt, form, latex",
    [
        ("x'*A*x", "x", "matrix", r"\left(A + A^\top\right) \, x"),
        ("norm2(x)", "x", "matrix", r"\frac{x}{\left\lVert x \right\rVert_2}"),
        ("log(det(X))", "X", "matrix", r"\left(X^{-1}\right)^\top"),
        ("x.^3", "x", "matrix", r"3 \, \operatorname{diag}\left(x^{\odot 2}\right)"),
        ("A*x", "A", "index", r"\delta_{i k} \, x_{l}"),
        ("tr(X)", "X", "matrix", r"I_{m}"),
        ("sum(x)", "x", "matrix", r"\mathbf{1}_{m}"),
        ("sigmoid(x)", "x", "pullback", r"G \odot \sigma\left(x\right) \odot \sigma\left(-x\right)"),
        ("λ*x'*x", "λ", "matrix", r"x^\top \, x"),
        ("λ*x'*x", "x", "matrix", r"2 \, \lambda \, x"),
        ("Σ*x", "x", "matrix", r"\Sigma"),
        ("W_hh*h_prev", "h_prev", "matrix", r"W_{\mathrm{hh}}"),
        ("x/2", "x", "index", r"\frac{1}{2} \, \delta_{i k}"),
    ],
)
def test_latex_of(text: str, wrt: str, form: str, latex: str) -> None:
    let = ["Σ: matrix(m, n)"] if "Σ" in text else ["W_hh: matrix(m, m)", "h_prev: vector(m)"] if "hh" in text else []
    assert indexcalc.diff(text, wrt=wrt, let=let).to_dict()["latex"][form] == latex


@pytest.mark.parametrize(
    "text, latex",
    [
        ("W", "W"),
        ("lambda", r"\lambda"),
        ("Sigma", r"\Sigma"),
        ("Beta", "B"),
        ("epsilon", r"\epsilon"),
        ("eps", r"\varepsilon"),
        ("Waa", r"\mathrm{Waa}"),
        ("h1", "h_{1}"),
        ("dW", r"\mathrm{d}W"),
        ("dlambda", r"\mathrm{d}\lambda"),
        ("dx", r"\mathrm{d}x"),
        ("data", r"\mathrm{data}"),
    ],
)
def test_word(text: str, latex: str) -> None:
    assert word(text) == latex


@pytest.mark.parametrize(
    "text, letters, latex",
    [
        ("W", ("i", "j"), "W_{i j}"),
        ("x", (), "x"),
        ("a_prev", (), r"a_{\mathrm{prev}}"),
        ("a_prev", ("i",), r"{a_{\mathrm{prev}}}_{i}"),
        ("h_t", (), "h_{t}"),
        ("h_{t-1}", ("i",), "{h_{t-1}}_{i}"),
        ("W^[l]", (), "W^{[l]}"),
        ("x^(i)", ("k",), "x_{k}^{(i)}"),
        ("a^<t>", (), r"a^{\langle t\rangle}"),
        ("h1", ("i",), "{h_{1}}_{i}"),
        ("alpha_i1", (), r"\alpha_{\mathrm{i1}}"),
    ],
)
def test_name_with_scripts_and_indices(text: str, letters: tuple[str, ...], latex: str) -> None:
    assert name(text, letters) == latex
    assert is_balanced(latex)


@pytest.mark.parametrize("text, latex", [("i", "i"), ("i1", "i_{1}"), ("alpha", r"\alpha"), ("k12", "k_{12}")])
def test_index_letter(text: str, latex: str) -> None:
    assert letter(text) == latex


@pytest.mark.parametrize("text, balanced", [("{}", True), (r"\left({\right)}", False), ("{", False), ("}", False)])
def test_the_test_of_balance(text: str, balanced: bool) -> None:
    assert is_balanced(text) == balanced
