"""Every wrong answer is withheld, and no right one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import indexcalc
from indexcalc import Answer, IndexcalcError
from indexcalc.answer import UNCHECKED
from indexcalc.cli.main import app
from indexcalc.derivation import Derivation
from indexcalc.numeric.certificate import Points, draws_of_sizes
from indexcalc.tensor.nodes import Node, Variable, clear_caches, descendants, transform, variable
from indexcalc.tensor.product import Einsum, einsum, reindex
from indexcalc.tensor.sums import Sum, add, scale

from .oracle import evaluate, read_back
from .strategies import SIZES, Expression, index_questions, questions, values
from .test_corpus import ASKS, Ask

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
CAUGHT: Counter[str] = Counter()
FORMS = ("index", "matrix", "pullback", "differential")


def refused(answer: Answer) -> bool:
    """Whether the certificate fails."""
    try:
        answer.to_dict()
    except IndexcalcError as error:
        if error.code != "E490":
            raise
        return True
    return False


def differ(a: np.ndarray, b: np.ndarray) -> bool | None:
    """Whether two arrays differ; None where they are too close to tell or no numbers."""
    if a.shape != b.shape:
        return True
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    largest = max(np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    error = np.max(np.abs(a - b), initial=0) / largest if largest else 0.0
    return True if error > 1e-4 else False if error < 1e-10 else None


MANY_SIZES = ({"m": 3, "n": 4, "p": 5}, {"m": 4, "n": 5, "p": 3}, {"m": 5, "n": 3, "p": 4})
"""At 2, and for determinants at even or at odd sizes, some wrong derivatives are right."""


@contextmanager
def other_sizes(**sizes: int) -> Iterator[None]:
    before = dict(SIZES)
    SIZES.update(sizes)
    try:
        yield
    finally:
        SIZES.update(before)


# ---------------------------------------------------------------------- mutants of texts
TOKEN = re.compile(r"[A-Za-z]\w*'?|\d+|\.[*/^]|\S|\s+")


def text_mutants(text: str, names: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """A sign, a factor, a transpose, a name, an index, a term, a side of a product."""
    pieces = TOKEN.findall(text)
    for k, piece in enumerate(pieces):

        def swapped(*new: str, k: int = k) -> str:
            return "".join([*pieces[:k], *new, *pieces[k + 1 :]])

        stem = piece.rstrip("'")
        name, _, letters = stem.partition("_")
        if piece in "+-" and piece:
            yield swapped("-" if piece == "+" else "+")
        elif piece.isdigit():
            yield swapped(str(int(piece) + 1))
        elif name in names:
            yield swapped(f"2*{piece}") if not letters else swapped(f"2 {piece}")
            if not letters and len(names[name]) == 2:
                yield swapped(stem if piece.endswith("'") else f"{piece}'")
            if letters and len(letters) == 2:
                yield swapped(f"{name}_{letters[::-1]}")
            for other, shape in names.items():
                if other != name and shape == names[name]:
                    yield swapped(piece.replace(name, other, 1))
        elif piece == "*" and 0 < k < len(pieces) - 1:
            left, right = pieces[k - 1], pieces[k + 1]
            if left.rstrip("'") in names and right.rstrip("'") in names:
                yield "".join([*pieces[: k - 1], right, "*", left, *pieces[k + 2 :]])
        elif re.fullmatch(r"(exp|sin|cos|tanh|sigmoid|atan)", piece):
            yield swapped("softplus")
    terms = re.split(r" [+-] (?![^(]*\))", text)
    if len(terms) > 1:
        yield text[len(terms[0]) + 3 :]
        yield text[: -len(terms[-1]) - 3]
    yield f"-({text})"


def wrong(answer: Answer, found: Expression, label: str, mutant: str, original: str) -> bool | None:
    """Whether a text's value is not that of the original; None where nobody can tell."""
    shapes = {**found.variables}
    if answer.cotangent:
        shapes[answer.cotangent] = found.shape
    if answer.perturbation:
        shapes[answer.perturbation] = found.variables[answer.task.wrt[-1].name]
    verdicts = []
    for sizes in MANY_SIZES:
        with other_sizes(**sizes):
            verdicts.append(_differs(answer, found, dict(shapes), label, mutant, original))
    return True if True in verdicts else None if None in verdicts else False


def _differs(
    answer: Answer, found: Expression, shapes: dict[str, Any], label: str, mutant: str, original: str
) -> bool | None:
    at = values(shapes, 3)
    if answer.task.name:
        shapes[answer.task.name], at[answer.task.name] = found.shape, np.asarray(found.value(at))
    indices = list(answer.indices) if label == "index" else None
    axes = list(map(str, answer.shape)) if label == "index" else []
    try:
        got = read_back(mutant, indices, shapes, at, axes)
        want = read_back(original, indices, shapes, at, axes)
    except IndexcalcError:
        return True  # no text that can be read, or of another shape
    except (AssertionError, np.linalg.LinAlgError):
        return None
    return differ(got, want)


def check_texts(found: Expression, wrt: str, data: st.DataObject) -> None:
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    assert not refused(answer)
    texts = {label: getattr(answer, label) for label in FORMS}
    pairs = [(label, text) for label, text in texts.items() if text is not None and " = " not in text]
    label, text = data.draw(st.sampled_from(pairs))
    names = dict(found.variables)
    mutants = [mutant for mutant in dict.fromkeys(text_mutants(text, names)) if mutant != text]
    for mutant in data.draw(st.lists(st.sampled_from(mutants), min_size=1, max_size=4, unique=True)):
        with np.errstate(all="ignore"):
            expected = wrong(answer, found, label, mutant, text)
        if expected is None:
            continue
        again = indexcalc.diff(found.text, wrt=wrt, let=found.let)
        again.__dict__[label] = mutant
        assert refused(again) == expected, (label, mutant, text)
        CAUGHT["texts, wrong" if expected else "texts, equal"] += 1


@FUZZ
@given(questions(), st.data())
def test_a_wrong_text_is_refused(question: tuple[Expression, str], data: st.DataObject) -> None:
    check_texts(*question, data)


@FUZZ
@given(index_questions(), st.data())
def test_a_wrong_text_in_index_notation_is_refused(question: tuple[Expression, str], data: st.DataObject) -> None:
    check_texts(*question, data)


# ---------------------------------------------------------------------- mutants of derivatives
def node_mutants(node: Node, variables: list[Node]) -> list[Node]:
    """The same operation with a factor, a transpose, another variable, or without a term."""
    found: list[Node] = [scale(-1, node), scale(2, node)]
    if len(node.shape) == 2 and node.shape[0] == node.shape[1]:
        found.append(reindex(node, (1, 0)))
    if isinstance(node, Sum):
        found += [add(node.terms[1:]), add([(-node.coefficients[0], node.children[0]), *node.terms[1:]])]
    if isinstance(node, Variable):
        found += [other for other in variables if other is not node and other.shape == node.shape]
    if isinstance(node, Einsum):
        for k, labels in enumerate(node.subscripts):
            if len(labels) == 2 and node.sizes[labels[0]] == node.sizes[labels[1]]:
                factors = [(n, own[::-1] if j == k else own) for j, (n, own) in enumerate(node.factors)]
                found.append(einsum(node.coefficient, factors, node.output, dict(enumerate(node.sizes))))
    return [mutant for mutant in found if mutant is not node]


def _differ_at(sizes: dict[str, int], a: Answer, b: Answer, found: Expression) -> bool | None:
    with np.errstate(all="ignore"), other_sizes(**sizes):
        at = values(found.variables, 3)
        return differ(evaluate(a, at), evaluate(b, at))


def check_nodes(found: Expression, wrt: str, data: st.DataObject) -> None:
    right = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    derivative = right.derivation.derivative
    variables = [variable(name, shape) for name, shape in found.variables.items()]
    part = data.draw(st.sampled_from(descendants([derivative])))
    mutants = node_mutants(part, variables)
    assume(mutants)
    by = data.draw(st.sampled_from(mutants))
    try:
        mutant = transform(derivative, lambda node: by if node is part else None)
    except IndexcalcError:
        return
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    answer.derivation.__dict__["derivative"] = mutant
    answer.certified = right.certified = False
    try:
        verdicts = [_differ_at(sizes, answer, right, found) for sizes in MANY_SIZES]
    except np.linalg.LinAlgError:
        return
    expected = True in verdicts
    if not expected and None in verdicts:
        return
    answer.certified = True
    try:
        caught = refused(answer)
    except IndexcalcError:  # a mutant that cannot be written down
        return
    assert caught == expected, (found.text, wrt, mutant)
    CAUGHT["nodes, wrong" if expected else "nodes, equal"] += 1


@FUZZ
@given(questions(), st.data())
def test_a_wrong_derivative_is_refused(question: tuple[Expression, str], data: st.DataObject) -> None:
    check_nodes(*question, data)


@FUZZ
@given(index_questions(), st.data())
def test_a_wrong_derivative_in_index_notation_is_refused(question: tuple[Expression, str], data: st.DataObject) -> None:
    check_nodes(*question, data)


def test_enough_mutants_were_tried() -> None:
    """Runs after the tests above, where these ran."""
    if CAUGHT:
        print(dict(CAUGHT))
        assert CAUGHT["texts, wrong"] + CAUGHT["nodes, wrong"] > 600


SQUARE = ["A, B: matrix(n, n)", "x, y: vector(n)"]


@pytest.mark.parametrize(
    "expression, wrt, right, mutants",
    [
        ("x'*A*x", "x", "(A + A')*x", ["(A + A)*x", "2*A*x", "2*A'*x", "(A - A')*x"]),
        ("tr(A*B)", "A", "B'", ["B", "A'", "-B'", "2*B'"]),
        ("A*B*x", "x", "A*B", ["B*A", "A*B'", "A'*B", "(A*B)'"]),
        ("det(A)", "A", "det(A)*inv(A)'", ["det(A)*inv(A)", "tr(A)*eye(n) - A'", "inv(A)'", "det(A)^2*inv(A)'"]),
        ("x'*y*x", "x", "x*y' + x'*y*eye(n)", ["y*x' + x'*y*eye(n)", "x*y'", "x*y' + n*eye(n)", "x*y' - x'*y*eye(n)"]),
        ("sum(x)*x", "x", "sum(x)*eye(n) + x*ones(n)'", ["sum(x)*eye(n) + ones(n)*x'", "n*eye(n) + x*ones(n)'"]),
        ("abs(x)", "x", "diag(sign(x))", ["eye(n)", "diag(abs(x))", "diag(x)"]),
        ("softmax(x)", "x", "diag(softmax(x)) - softmax(x)*softmax(x)'", ["diag(softmax(x))", "diag(softmax(x)).^2"]),
        ("norm2(x)^3", "x", "3*norm2(x)*x", ["3*norm2(x)^2*x", "3*x", "3*norm1(x)*x", "3*abs(norm2(x)*x)"]),
        ("tr(A)^2", "A", "2*tr(A)*eye(n)", ["2*n*eye(n)", "tr(A)*eye(n)", "2*tr(A)*ones(n, n)", "2*A", "3*tr(A)*eye(n)"]),
        ("n*sum(x)", "x", "n*ones(n)", ["2*ones(n)", "3*ones(n)", "5*ones(n)", "n^2*ones(n)/3", "n*ones(n)'", "n"]),
    ],
)  # fmt: skip
def test_mutants_of_square_answers(expression: str, wrt: str, right: str, mutants: list[str]) -> None:
    def answer(text: str) -> Answer:
        found = indexcalc.diff(expression, wrt=wrt, let=SQUARE)
        assert found.matrix is not None
        found.__dict__["matrix"] = text
        return found

    assert not refused(answer(right))
    assert all(refused(answer(mutant)) for mutant in mutants)


def test_a_wrong_left_hand_side_is_refused() -> None:
    answer = indexcalc.diff("y_i = A_ij x_j T_jkl", wrt="A")
    assert answer.pullback is not None
    left, right = answer.pullback.split(" = ")
    swapped = left.replace(left[-2:], left[:-3:-1])
    assert not refused(answer)
    again = indexcalc.diff("T_ijk A_kl A_lj", wrt="A", let=["T: tensor(m, n, n)", "A: matrix(n, n)"])
    assert again.pullback_notation == "index"
    left, right = (again.pullback or "").split(" = ")
    again.__dict__["pullback"] = f"{left[:-2]}{left[-1]}{left[-2]} = {right}"
    assert refused(again)
    assert swapped


# ---------------------------------------------------------------------- right answers
@pytest.mark.parametrize("ask", ASKS, ids=[ask.name for ask in ASKS])
def test_no_right_answer_is_refused(ask: Ask) -> None:
    try:
        answer = indexcalc.diff(ask.text, wrt=ask.case["wrt"], let=ask.let, order=ask.case["order"])
    except IndexcalcError:
        return
    found = answer.to_dict()["verified"]
    answer.report()
    assert found["exact"]
    assert found["numeric_error"] is not None
    assert found["numeric_error"] < 1e-6


@pytest.mark.parametrize(
    "text, right, wrongs",
    [
        ("a'*S*b", "a*b'", ["b*a'", "1/2*(a*b' + b*a')"]),
        ("tr(A*S)", "A'", ["A", "1/2*(A + A')"]),
        ("a'*S*b - b'*S*a", "a*b' - b*a'", ["zeros(n, n)"]),
    ],
)
@pytest.mark.parametrize("kind", ["symmetric", "spd"])
def test_a_symmetric_variable_does_not_act_before_differentiating(
    text: str, right: str, wrongs: list[str], kind: str
) -> None:
    let = [f"S: {kind}(n)", "A: matrix(n, n)", "a, b: vector(n)"]

    def answer(matrix: str) -> Answer:
        found = indexcalc.diff(text, wrt="S", let=let)
        found.__dict__["matrix"] = matrix
        return found

    assert not refused(answer(right))
    assert all(refused(answer(matrix)) for matrix in wrongs)
    for matrix in wrongs:
        mutant = indexcalc.diff(text, wrt="S", let=let)
        node = indexcalc.simplify(matrix, let=let).derivation.derivative
        mutant.derivation.__dict__["derivative"] = node
        assert refused(mutant)


@pytest.mark.parametrize(
    "statement",
    [
        "S: symmetric(n); f = x'*inv(S)*x; df/dS",
        "Q: orthogonal(n); A: matrix(n, n); f = tr(Q*A*Q'*A); df/dQ",
        "K: skew(n); x, y: vector(n); f = x'*K*K*y; df/dK",
        "K: skew(n); x, y: vector(n); f = x'*inv(K)*y; df/dK",
        "D: diagonal(n); A: matrix(n, n); f = logdet(D*A); df/dD",
        "S: spd(n); L = logdet(S) + x'*inv(S)*x; dL/dS",
        "X: matrix(m, n) positive; f = sum(log(X)); df/dX",
        "X: matrix(m, n); y: vector(m); w = inv(X'*X)*X'*y; dw/dy",
        "X: matrix(m, n); f = logdet(X'*X); df/dX",
        "X: matrix(m, n); f = logdet(X*X'); df/dX",
        "a = tanh(W*x + b); vjp(a, W, G)",
        "a = tanh(W*x + b); jvp(a, W, V)",
        "a = tanh(W*x + b); jvp(a, W, W)",
        "f = sum(exp(A*x)); hvp(f, x, v)",
        "f = sum(exp(A*x)); hvp(f, x, x)",
        "f = sum(exp(A*x)); hess(f, x)",
        "f = sum(log(x)) + sqrt(y'*y); grad(f)",
        "simplify(A_ij delta_jk B_kl)",
        "Wax: matrix(m, n); a_prev: vector(p); a = tanh(Wax*x + Waa*a_prev + b); d a/d Waa; d a/d a_prev",
        "f = sum(asin(x)) + sum(acos(y/3)); df/dx",
        "f = logsumexp(A*x); d^2 f/dx^2",
        "n: scalar; f = n*sum(x); df/dx",
    ],
)
def test_right_answers_of_every_question_are_exact(statement: str) -> None:
    text = statement.replace("; ", "\n")
    answers = list(indexcalc.run(text))
    assert answers
    for answer in answers:
        verified = answer.to_dict()["verified"]
        assert verified["exact"], answer.to_dict()
        assert verified["numeric_error"] is not None
        assert verified["numeric_error"] < 1e-6
        answer.report()


def test_denominator_layout_is_certified() -> None:
    for text in ("a = tanh(W x + b)", "A*X*B", "x'*A*x"):
        for wrt in ("W", "x") if "W" in text else ("X",) if "X" in text else ("x",):
            answer = indexcalc.diff(text, wrt=wrt, layout="denominator")
            assert answer.to_dict()["verified"]["exact"]
            if answer.vec is not None:
                answer = indexcalc.diff(text, wrt=wrt, layout="denominator")
                answer.__dict__["vec"] = indexcalc.diff(text, wrt=wrt).vec
                assert refused(answer)


def test_a_wrong_kronecker_form_is_refused() -> None:
    for text in ("kron(B, A)", "kron(B', A')", "kron(A, B')", "commutation(m, n)", "kron(B', 2*A)"):
        answer = indexcalc.diff("A*X*B", wrt="X")
        assert answer.vec == "kron(B', A)"
        answer.__dict__["vec"] = text
        assert refused(answer)


def test_what_is_only_numerically_equal_is_not_exact() -> None:
    answer = indexcalc.diff("sum(sin(x).^2)", wrt="x")
    answer.__dict__["matrix"] = "sin(2*x)"
    verified = answer.to_dict()["verified"]
    assert verified["exact"] is False
    assert verified["numeric_error"] < 1e-6
    answer = indexcalc.diff("sum(sin(x).^2)", wrt="x")
    answer.__dict__["matrix"] = "sin(3*x)"
    assert refused(answer)


def test_laws_of_the_normal_form_count_as_proof() -> None:
    answer = indexcalc.diff("sum(exp(x))", wrt="x")
    answer.__dict__["matrix"] = "exp(-x) .* exp(2*x)"
    assert answer.to_dict()["verified"]["exact"]


def test_without_a_point_there_is_a_note() -> None:
    found = indexcalc.diff("det(x*x')", wrt="x").to_dict()
    assert found["verified"]["numeric_error"] is None
    assert UNCHECKED in found["notes"]
    large = indexcalc.diff("W*x", wrt="x", let=["W: matrix(300, 200)"]).to_dict()
    assert large["verified"] == {"exact": False, "numeric_error": None} or large["verified"]["exact"]


def test_the_certificate_can_be_switched_off() -> None:
    answer = indexcalc.diff("sum(x)", wrt="x")
    answer.certified = False
    answer.__dict__["matrix"] = "x"
    assert answer.to_dict()["verified"] is None


# ---------------------------------------------------------------------- where it shows
@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derivatives of what has a tanh are wrong by a factor."""
    right = Derivation._differentiated

    def _differentiated(self: Derivation) -> Node:
        return scale(2, right(self)) if "tanh" in self.task.text else right(self)

    monkeypatch.setattr(Derivation, "_differentiated", _differentiated)


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize("show", ["to_dict", "report", "to_code", "_repr_latex_", "__rich__"])
def test_nothing_is_shown_of_a_wrong_answer(show: str) -> None:
    answer = indexcalc.diff("tanh(x)", wrt="x")
    assert answer.matrix == "2*diag(1 - tanh(x).^2)"  # a form that is asked for by itself is not checked
    with pytest.raises(IndexcalcError) as error:
        getattr(answer, show)()
    assert error.value.code == "E490"
    assert error.value.text == "tanh(x)"


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize("format", ["plain", "latex", "json", "numpy"])
def test_the_command_withholds_a_wrong_answer_and_exits_with_3(format: str) -> None:
    result = CliRunner().invoke(app, ["diff", "--wrt", "x", "--format", format], input="sin(x)\ntanh(x)\ncos(x)\n")
    assert result.exit_code == 3
    assert "E490" in result.output
    if format == "json":
        lines: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        assert [line["ok"] for line in lines] == [True, False, True]
        assert lines[1]["error"]["code"] == "E490"


@pytest.mark.usefixtures("mistaken")
def test_a_rejected_input_counts_more_than_a_failed_certificate() -> None:
    result = CliRunner().invoke(app, ["diff", "--wrt", "x"], input="tanh(x)\nsin(x\n")
    assert result.exit_code == 1


# ---------------------------------------------------------------------- sizes and points
def test_sizes_are_distinct_and_no_coefficients() -> None:
    output = indexcalc.simplify("3*A*B*x", let=["A: matrix(n, n)", "B: matrix(n, 4)", "x: vector(4)"]).derivation.output
    for sizes in draws_of_sizes(descendants([output])):
        assert sizes["n"] not in (2, 3, 4) or len(sizes) > 1
    output = indexcalc.simplify(
        "A*B*C", let=["A: matrix(n, n)", "B: matrix(n, p)", "C: matrix(p, m)"]
    ).derivation.output
    draws = draws_of_sizes(descendants([output]))
    assert all(len(set(sizes.values())) == 3 for sizes in draws)
    assert [draws[draw]["n"] for draw in (0, 1)] == [3, 4]


def test_kinds_reach_the_twins() -> None:
    answer = indexcalc.diff("x'*S*x", wrt="S", let=["S: symmetric(n)"])
    points = Points(descendants([answer.task.output]), {"S": ("symmetric",)})
    at = next(points.residues())
    entries = at.value(answer.task.wrt[0])
    n = at.sizes["n"]
    assert entries == [entries[n * j + i] for i in range(n) for j in range(n)]


def test_evaluations_are_forgotten_with_the_caches() -> None:
    clear_caches()
    assert not refused(indexcalc.diff("tanh(W x + b)", wrt="W"))
    assert SIZES


def test_sizes_of_printed_constants_may_be_products() -> None:
    """The Kronecker form of zero names the size of kron(A, A)."""
    answer = indexcalc.diff("kron(A, A)", wrt="x", let=["A: matrix(n, n)", "x: vector(n)"])
    assert answer.vec == "0*kron(ones(n*n), ones(n*n, n))"
    assert answer.verified is not None
    assert answer.verified["exact"]


@pytest.mark.parametrize("ask", ASKS[::9], ids=[ask.name for ask in ASKS[::9]])
def test_an_expression_that_was_read_wrongly_is_withheld(ask: Ask) -> None:
    """Its derivative is right, and its forms say the same; only the text says something else."""
    task = indexcalc.diff(ask.text, wrt=ask.case["wrt"], let=ask.let, order=ask.case["order"]).task
    mistaken = Answer(task._replace(output=scale(2, task.output)))
    with pytest.raises(IndexcalcError) as error:
        mistaken.to_dict()
    assert (error.value.code, "what was typed" in error.value.message) == ("E490", True)
    assert Answer(task).to_dict()["ok"]


@pytest.mark.parametrize("ask", ASKS[::9], ids=[ask.name for ask in ASKS[::9]])
def test_an_expression_is_read_through_names_that_stand_for_others(ask: Ask) -> None:
    if ask.notation == "index":
        ask = ask._replace(notation="matrix")
    if ask.case["expr"] is None:
        pytest.skip("it has no matrix notation")
    text = f"fresh = {ask.text}; other = fresh; other"
    assert indexcalc.diff(text, wrt=ask.case["wrt"], let=ask.let, order=ask.case["order"]).to_dict()["ok"]
