"""The Python API of an answer, of a session and of errors."""

from __future__ import annotations

import json
import math
from io import StringIO

import pytest
from rich.console import Console

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.language.splitting import split
from indexcalc.session import Session


def test_forms_are_text_or_none() -> None:
    answer = indexcalc.diff("tanh(W x + b)", wrt="W", let=["W: matrix(m, n)"], order=1, layout="numerator")
    assert answer.index == "(1 - tanh(W_ij x_j + b_i)^2) delta_ik x_l"
    assert answer.matrix is None
    assert answer.vec == "kron(x', diag(1 - tanh(W*x + b).^2))"
    assert answer.differential == "(1 - tanh(W*x + b).^2) .* (dW*x)"
    assert answer.shape == ("m", "m", "n")


def test_dictionary_survives_json() -> None:
    found = indexcalc.diff("tanh(W x + b)", wrt="W", let=["W: matrix(m, n)"]).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["declarations"]["W"] == {"kind": "matrix", "shape": ["m", "n"], "assumed": False}
    assert found["declarations"]["x"] == {"kind": "vector", "shape": ["n"], "assumed": True}
    assert (found["schema"], found["ok"], found["error"], found["structured"]) == (1, True, None, None)


@pytest.mark.parametrize(
    "text, wrt, cotangent, perturbation",
    [
        ("A*x", "x", "G", "dx"),
        ("G*x", "x", "G1", "dx"),
        ("G*x + G1", "x", "G2", "dx"),
        ("A*x + dx", "x", "G", "dx1"),
    ],
)
def test_names_that_are_taken_get_a_number(text: str, wrt: str, cotangent: str, perturbation: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt)
    assert (answer.cotangent, answer.perturbation) == (cotangent, perturbation)


def test_second_derivative_has_no_pullback_and_a_differential() -> None:
    answer = indexcalc.diff("x'*A*x", wrt="x", order=2)
    assert (answer.matrix, answer.pullback, answer.differential) == ("A + A'", None, "(A + A')*dx")


def test_mixed_derivative() -> None:
    assert indexcalc.diff("x'*A*y", wrt=["x", "y"], order=2).matrix == "A"


def test_code_gives_value_and_derivative() -> None:
    space: dict[str, object] = {}
    exec(indexcalc.diff("exp(2*s)", wrt="s", let=["s: scalar"]).to_code("numpy", with_value=True), space)
    value, slope = space["derivative"](s=0.5)  # type: ignore[operator]
    assert math.isclose(value, math.e)
    assert math.isclose(slope, 2 * math.e)


def test_arguments_name_what_the_code_takes() -> None:
    assert indexcalc.diff("λ*x", wrt="x", let=["λ: scalar"]).arguments == {"λ": "lambda_", "x": "x"}


def test_stats_count_nodes_and_operations() -> None:
    assert set(indexcalc.diff("x'*A*x", wrt="x").stats) == {"nodes", "operations"}


def test_answer_shows_itself_in_notebook_and_terminal() -> None:
    answer = indexcalc.diff("x'*A*x", wrt="x")
    assert answer._repr_latex_() == r"$\displaystyle \left(A + A^\top\right) \, x$"
    screen = StringIO()
    Console(file=screen, width=80).print(answer)
    assert "(A + A')*x" in screen.getvalue()


def test_clear_caches_changes_no_answer() -> None:
    before = indexcalc.diff("tr(A*X*B)", wrt="X").to_dict()
    indexcalc.clear_caches()
    assert indexcalc.diff("tr(A*X*B)", wrt="X").to_dict() == before


def test_answer_made_before_clearing_still_works() -> None:
    answer = indexcalc.diff("softmax(A*x)", wrt="x")
    indexcalc.clear_caches()
    assert answer.matrix == "(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A"


# ---------------------------------------------------------------------- errors
def test_error_has_code_message_span_and_help() -> None:
    with pytest.raises(IndexcalcError) as raised:
        indexcalc.simplify("a + x*y", let=["x, y, a: vector(n)"])
    error = raised.value
    assert (error.code, error.span) == ("E205", (4, 7))
    assert error.message
    assert error.help


@pytest.mark.parametrize(
    "arguments, code",
    [
        ({"text": "x", "wrt": "y"}, "E304"),
        ({"text": "x", "wrt": "x", "order": 3}, "E505"),
        ({"text": "x", "wrt": "x", "layout": "other"}, "E404"),
        ({"text": "x", "wrt": "x", "let": ["x + 1"]}, "E307"),
        ({"text": ""}, "E107"),
        ({"text": "x: vector(n)"}, "E107"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], code: str) -> None:
    with pytest.raises(IndexcalcError) as raised:
        indexcalc.diff(**arguments)  # type: ignore[arg-type]
    assert raised.value.code == code


# ---------------------------------------------------------------------- sessions
def test_statements_are_split_at_lines_and_semicolons_outside_brackets_and_comments() -> None:
    text = "a = 1; b = 2 # c; d\n% e\n\nx = (1 +\n 2)\r\ny"
    assert list(split(text)) == [(1, "a = 1"), (1, "b = 2"), (4, "x = (1 + 2)"), (6, "y")]


def test_rejected_statement_leaves_no_trace() -> None:
    session = Session()
    with pytest.raises(IndexcalcError):
        session.answers("y = foo(A*x)")
    session.answers("A: vector(n)")
    (answer,) = session.answers("A + x")
    assert answer.matrix == "A + x"


def test_earlier_answers_do_not_fix_later_sizes() -> None:
    session = Session()
    session.answers("W*x")
    session.answers("W: matrix(2, 3)")
    (answer,) = session.answers("W*x")
    assert answer.shape == (2,)


def test_definitions_are_used_by_later_statements() -> None:
    first, second = indexcalc.run("h = tanh(W*x); L = v'*h\nd L / d x\nL")
    assert first.matrix == "W'*(v .* (1 - tanh(W*x).^2))"
    assert second.matrix == "tanh(W*x)'*v"
