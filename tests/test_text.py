"""Printed text: only the vocabulary of LANGUAGE.md, section 3, and it reads back to the same value."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, IndexcalcError
from indexcalc.tensor.functions import TABLE

from .oracle import evaluate
from .test_corpus import ASKS, Ask, answered, inputs, reference, sizes

ELEMENTWISE = {row.name for row in TABLE} | {"sqrt"}
MATRIX_WORDS = {
    "tr", "det", "logdet", "inv", "adj", "sum", "norm1", "norm2", "diag", "vec", "kron", "eye", "ones", "zeros",
    "softmax", "logsumexp", "commutation", "pi",
}  # fmt: skip
TOKEN = re.compile(r"\d+\.\d+|\d+|\.[*/^]|[-+*/^'(),={}\[\]]|_\{[\w ]+\}|_?[A-Za-z]\w*|\s+|.")
KINDS = ("scalar", "vector", "matrix", "tensor")
ANSWERED = [ask for ask in ASKS if isinstance(answered(ask.name), Answer)]
every_answer = pytest.mark.parametrize("ask", ANSWERED, ids=[ask.name for ask in ANSWERED])


def _answer(ask: Ask) -> Answer:
    answer = answered(ask.name)
    assert isinstance(answer, Answer)
    return answer


def _forms(answer: Answer) -> dict[str, str]:
    texts = {
        "index": answer.index,
        "matrix": answer.matrix,
        "vec": answer.vec,
        "pullback": answer.pullback,
        "differential": answer.differential,
    }
    return {name: text for name, text in texts.items() if text is not None}


def _notation(answer: Answer, form: str) -> str:
    found = {"index": "index", "pullback": answer.pullback_notation, "differential": answer.differential_notation}
    return found.get(form) or "matrix"


def _names(answer: Answer) -> set[str]:
    """Variables, sizes, and the names that stand for other tensors."""
    own = {i.name for i in answer.task.inputs} | {d for i in answer.task.inputs for d in i.shape if isinstance(d, str)}
    return (
        own | {name for name in (answer.cotangent, answer.perturbation, answer.task.name) if name} | set(answer.where)
    )


@every_answer
def test_printed_text_is_ascii_on_one_line(ask: Ask) -> None:
    for text in _forms(_answer(ask)).values():
        assert text.isascii()
        assert text == " ".join(text.split())


@every_answer
def test_matrix_text_has_only_known_words(ask: Ask) -> None:
    answer = _answer(ask)
    for form, text in _forms(answer).items():
        if _notation(answer, form) == "matrix":
            words = set(re.findall(r"[A-Za-z]\w*(?:\{[^}]*\})?", text))
            assert words <= MATRIX_WORDS | ELEMENTWISE | _names(answer)
            assert not re.sub(r"[\w\s+\-*/^'(),.{}]", "", text)


@every_answer
def test_index_text_has_only_known_words_and_indices(ask: Ask) -> None:
    answer = _answer(ask)
    for form, text in _forms(answer).items():
        if _notation(answer, form) == "index":
            words = re.findall(r"(?<![A-Za-z0-9_])([A-Za-z][A-Za-z0-9]*)(?:_(?:[A-Za-z]+|\{[\w ]+\}))?", text)
            known = MATRIX_WORDS | ELEMENTWISE | {"delta", "eps", "D", *"ijklmnpqrstuvwabcdefgh"}
            assert set(words) <= known | {name.split("_")[0] for name in _names(answer)}
            assert "'" not in re.sub(r"\b(?:inv|softmax|det|logdet|tr|norm2|norm1|sum|logsumexp|vec)\(.*\)", "", text)


@every_answer
def test_elementwise_operators_beside_products_are_bracketed(ask: Ask) -> None:
    answer = _answer(ask)
    for form, text in _forms(answer).items():
        if _notation(answer, form) == "matrix":
            assert all(len(level) <= 1 for level in _operators_by_product(text)), text


def _operators_by_product(text: str) -> list[set[str]]:
    """The kinds of product, elementwise or not, in each run of factors within one bracket."""
    done: list[set[str]] = []
    stack: list[set[str]] = [set()]
    for token in re.findall(r"\.[*/^]|[-+*/(),]", text):
        if token == "(":
            stack.append(set())
        elif token == ")":
            done.append(stack.pop())
        elif token in "+-,":
            done.append(stack.pop())
            stack.append(set())
        elif token in (".*", "./", "*"):
            stack[-1].add("product" if token == "*" else "elementwise")
    return done + stack


@every_answer
def test_numbers_and_signs_stand_in_front(ask: Ask) -> None:
    for text in _forms(_answer(ask)).values():
        assert not re.search(r"\*\s*-|[\w)']\s*\.?\*\s*\d+(?![\w(])\b(?!\))", text), text


def _values(ask: Ask) -> dict[str, Any]:
    """Values of the variables, the sizes, and the output where it has a name."""
    answer, values = _answer(ask), inputs(ask.case, 1)
    at: dict[str, Any] = {answer.arguments.get(name, name): x for name, x in values.items()} | sizes(ask.case, 1)
    return at | ({answer.task.name: reference(ask.case, "fn", values)} if answer.task.name else {})


def _read(ask: Ask, text: str, indices: tuple[str, ...] | None, axes: tuple[str, ...], more: dict[str, Any]) -> Answer:
    """What a printed text means, read with the question's declarations; of axes ``axes``."""
    left = "Zout"
    if indices:
        left += "_{" + " ".join(indices) + "}"
    answer = _answer(ask)
    shapes = {**more, "Zout": axes} | ({answer.task.name: answer.task.output.shape} if answer.task.name else {})
    let = [
        f"{name}: {KINDS[min(len(s), 3)]}" + (f"({', '.join(map(str, s))})" if s else "") for name, s in shapes.items()
    ]
    return indexcalc.simplify(f"{left} = {text}", let=[*ask.let, *let])


@every_answer
def test_index_and_matrix_text_read_back_to_the_derivative(ask: Ask) -> None:
    answer, at = _answer(ask), _values(ask)
    want = evaluate(answer, at)
    for text, indices in ((answer.index, answer.indices), (answer.matrix, None)):
        if text is not None:
            got = evaluate(_read(ask, text, indices, answer.shape, {}), at)
            np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("text", ["A_ij/tr(A)", "x_i A_jk/tr(A)", "A_ij/(x_i tr(A))", "x_i/tr(D)"])
def test_a_quotient_by_a_trace_reads_back(text: str) -> None:
    """``/A_pp`` is entry by entry, as ``/D_ii`` is; the trace stands as ``A_pp^-1`` or squared."""
    answer = indexcalc.diff(
        text, wrt="A" if "A" in text else "D", let=["A: matrix(n, n)", "D: diagonal(n)", "x: vector(n)"]
    )
    assert answer.verified is not None


@every_answer
def test_pullback_and_differential_read_back_to_contractions_of_the_derivative(ask: Ask) -> None:
    answer, at = _answer(ask), _values(ask)
    jacobian, wrt = evaluate(answer, at), answer.task.wrt[-1]
    rank, by = jacobian.ndim - len(wrt.shape), len(wrt.shape)
    rng = np.random.default_rng(4)
    change = rng.standard_normal(jacobian.shape[rank:])
    shapes = {answer.perturbation: wrt.shape}
    checks = [(answer.differential, np.tensordot(jacobian, change, axes=by), answer.shape[:rank])]
    at[answer.perturbation or ""] = change
    if answer.pullback is not None and answer.task.output.shape:
        g = rng.standard_normal(jacobian.shape[:rank])
        shapes[answer.cotangent] = answer.task.output.shape
        at[answer.cotangent or ""] = g
        checks.append((answer.pullback, np.tensordot(g, jacobian, axes=rank), wrt.shape))
    for text, want, axes in checks:
        left, equals, right = text.partition(" = ")
        indices = tuple(re.findall(r"[a-z]\d*", left[1:])) if equals else None
        got = evaluate(_read(ask, right if equals else text, indices, axes, shapes), at)
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize(
    "text, matrix, index",
    [
        ("A - A", "zeros(m, n)", "0"),
        ("x - x", "zeros(m)", "0"),
        ("x'*x - x'*x", "0", "0"),
        ("tr(eye(n))", "n", "n"),
        ("2*x", "2*x", "2 x_i"),
        ("-x", "-x", "-x_i"),
        ("0.5*x", "1/2*x", "1/2 x_i"),
        ("0.3333333*x", "0.3333333*x", "0.3333333 x_i"),
        ("1e-3*x", "1/1000*x", "1/1000 x_i"),
        ("pi*x", "pi*x", "pi x_i"),
        ("x .* y", "x .* y", "x_i y_i"),
        ("A*(x .* y)", "A*(x .* y)", "sum_j(A_ij x_j y_j)"),
        ("x.^2", "x.^2", "x_i^2"),
        ("x'*x", "x'*x", "sum_i(x_i^2)"),
        ("x ./ y", "x ./ y", "x_i/y_i"),
        ("sqrt(x)", "sqrt(x)", "sqrt(x_i)"),
        ("A^2*x", "A^2*x", "A_ij A_jk x_k"),
        ("inv(A)*x", "inv(A)*x", "inv(A)_ij x_j"),
        ("softmax(x)", "softmax(x)", "softmax(x)_i"),
        ("sum(x)", "sum(x)", "sum_i(x_i)"),
        ("tr(A)", "tr(A)", "A_ii"),
        ("(A + B)'", "A' + B'", "A_ji + B_ji"),
        ("eye(n)", "eye(n)", "delta_ij"),
        ("ones(n)", "ones(n)", "1"),
    ],
)
def test_text_of(text: str, matrix: str, index: str) -> None:
    answer = indexcalc.simplify(text)
    assert answer.matrix == matrix
    assert answer.index == index


@pytest.mark.parametrize("text", ["W x + ", "x'*A*x +* b", "A_ij B_jk C_j x_j"])
def test_rejected_text_has_a_span_and_a_message(text: str) -> None:
    with pytest.raises(IndexcalcError) as error:
        indexcalc.simplify(text)
    first, last = error.value.span
    assert 0 <= first <= last <= len(text)
    assert re.fullmatch(r"E[1-5]\d\d", error.value.code)
