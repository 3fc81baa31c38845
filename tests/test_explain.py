"""Explanations: every step certified, every question answered in words, every format."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.calculus.derivative import changed, dependents, differential, jacobian
from indexcalc.explanation.explained import Explanation
from indexcalc.explanation.narrative import Narrative
from indexcalc.language.splitting import split
from indexcalc.session import Session
from indexcalc.tensor.functions import TANH, apply
from indexcalc.tensor.nodes import variable
from indexcalc.tensor.product import einsum
from indexcalc.tensor.sums import add

from .strategies import Expression, index_questions, questions
from .test_cli import on_terminal, run
from .test_corpus import ASKS, KINDS, Ask, answered, every_ask

ROOT = Path(__file__).parent.parent
NEURON = "tanh(W x + b)"
MOST_LINES = 45


def explained(text: str, wrt: str | None = None, **options: object) -> Explanation:
    return indexcalc.explain(text, wrt, **options)  # type: ignore[arg-type]


def sample(name: str) -> list[Explanation]:
    session = Session()
    statements = list(split((ROOT / "samples" / name).read_text("utf-8")))
    session.foresee(statements)
    results = [result for line, text in statements for result in session.answers(text, line=line)]
    return [Explanation(result) for result in results if isinstance(result, indexcalc.Answer)]


def told(explanation: Explanation) -> str:
    """All that it says, in one line."""
    return " ".join(explanation.text(full=True).split())


RNN = sample("rnn_step.ein")
ACCEPTED = [*(explained(NEURON, name) for name in "Wxb"), *RNN]
each_accepted = pytest.mark.parametrize("explanation", ACCEPTED, ids=lambda each: each.title)


# ---------------------------------------------------------------------- certificates
@every_ask
def test_every_step_of_the_corpus_is_proved(ask: Ask) -> None:
    answer = answered(ask.name)
    if isinstance(answer, IndexcalcError):
        return
    explanation = Explanation(answer)
    assert explanation.verified
    assert explanation.steps
    assert explanation.text(60)


@pytest.mark.parametrize("style", ["differential", "vec"])
@pytest.mark.parametrize("ask", [ask for ask in ASKS if ask.notation == "matrix"], ids=lambda ask: ask.name)
def test_every_step_in_matrices_is_proved(ask: Ask, style: str) -> None:
    answer = answered(ask.name)
    if not isinstance(answer, IndexcalcError):
        assert Explanation(answer, style).verified


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "samples").glob("*.ein"))])
def test_every_step_of_the_samples_is_proved(name: str) -> None:
    for explanation in sample(name):
        assert explanation.verified


@pytest.mark.parametrize("style", ["index", "differential", "vec"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(questions(), index_questions()), st.sampled_from([1, 2]))
def test_every_step_of_random_expressions_is_proved(style: str, question: tuple[Expression, str], order: int) -> None:
    found, wrt = question
    let = [
        f"{name}: {KINDS[len(axes)]}" + (f"({', '.join(axes)})" if axes else "")
        for name, axes in found.variables.items()
    ]
    try:
        answer = indexcalc.diff(found.text, wrt, let, order)
    except IndexcalcError:
        return
    explanation = Explanation(answer, style)
    assert explanation.verified in (True, False)  # it raises where a step does not hold; some are equal in floats
    assert explanation.text(60, full=True)


def test_a_long_chain_takes_time_in_proportion() -> None:
    steps = "".join(f"h{t} = tanh(W*h{t - 1} + x{t});" for t in range(1, 13))
    explanation = explained(f"W: matrix(n, n); h0: vector(n); {steps} L = norm2(h12)^2; grad(L, W)")
    assert explanation.verified
    shown = explanation.text()
    assert "tokens long (--full shows it)" in shown
    assert "tokens long" not in explanation.text(full=True)


@pytest.mark.parametrize(
    "text, wrt",
    [
        ("exp(zn_l zm_j xm_j) -> j", "xm"),  # a delta beside a path of several steps
        ("A*inv(X)*B*inv(X)*C", "X"),  # one form twice in a path
        ("softmax(softmax(x))", "x"),  # a derivative beside its own factor
        ("inv(eye(n) + c*C)*tanh(X*ones(m))", "c"),  # a product inside another, with letters of its own
    ],
)
def test_paths_hang_together(text: str, wrt: str) -> None:
    let = ["c: scalar", "C: matrix(n, n)", "X: matrix(n, m)"] if wrt == "c" else []
    assert explained(text, wrt, let=let, order=1).verified
    assert explained(text, wrt, let=let, order=2).verified


def test_a_wrong_step_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = list(Narrative(indexcalc.diff(NEURON, "W"), "index", ()).groups())
    line = groups[1].lines[3]
    wrong = line._replace(sides=(line.sides[0], line.sides[1]._replace(text="delta_ik x_l + x_l")))  # type: ignore[union-attr, index]
    groups[1] = groups[1]._replace(lines=[wrong])
    monkeypatch.setattr(Explanation, "groups", groups)
    with pytest.raises(IndexcalcError) as error:
        explained(NEURON, "W").text()
    assert error.value.code == "E490"
    assert "delta_ik x_l + x_l" in error.value.message


def test_steps_follow_from_one_another() -> None:
    steps = [
        step for step in explained(NEURON, "W").steps if "∂z_i" in step["before"] or step["before"].endswith("x_j")
    ]
    assert [step["after"] for step in steps] == [
        "(∂W_ij/∂W_kl) x_j",
        "delta_ik delta_jl x_j",
        "delta_ik x_l",
        "(1 - y_i^2) delta_ik x_l",
    ][: len(steps)]
    assert all(a["after"] == b["before"] for a, b in pairwise(steps[:3]))


# ---------------------------------------------------------------------- the derivation
def test_each_rule_has_its_name_and_each_delta_its_renaming() -> None:
    steps = explained(NEURON, "W").steps
    rules = [step["rule"] for step in steps]
    for rule in ("sum rule, product rule", "delta contraction", "outer derivative", "chain rule", "contraction step"):
        assert rule in rules
    reasons = [step["reason"] for step in steps]
    assert "δ_jl renames j to l" in reasons
    assert "δ_ik renames i to k" in reasons
    assert "outer derivative: tanh' = 1 - tanh^2" in reasons


def test_the_answer_stands_last() -> None:
    lines = explained(NEURON, "W").text().splitlines()
    assert lines[-4] == "Answer"
    assert lines[-1] == "  pullback  (G .* (1 - tanh(W*x + b).^2))*x'"


def test_relation_signs_are_aligned() -> None:
    lines = explained(NEURON, "W").text().splitlines()
    start = lines.index("Derivative by W, from the inside out")
    assert {line.index(" = ") for line in lines[start + 1 : start + 8]} == {12}


@each_accepted
def test_an_explanation_fits_a_page(explanation: Explanation) -> None:
    lines = explanation.text(80).splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 80


@each_accepted
def test_the_six_questions_are_answered_in_words(explanation: Explanation) -> None:
    text = told(explanation)
    variable_ = explanation.answer.task.wrt[0].name
    sides = "it lies along a row, transposed" in text or "so W" in text or "Nothing is transposed" in text
    for question, answer in {
        "which index is summed": re.search(r"(\w summed|sum over i)", text),
        "what is transposed, and why": sides,
        "why it stands there": re.search(r"on the right|stands left|Nothing is transposed", text),
        "which layout": "Layout: numerator." in text,
        "what the textbook prints": f"Textbooks print the pullback, which has the shape of {variable_}" in text,
        "how sizes tell": "Sizes:" in text,
    }.items():
        assert answer, question


def test_a_square_matrix_is_told_from_its_transpose() -> None:
    by_matrix, by_vector = told(RNN[1]), told(RNN[4])
    assert "so a_prev*(da .* (1 - a.^2))' fits too, and is wrong: if Waa were 3 x 2, it would be 2 x 3" in by_matrix
    assert "so Waa in place of Waa' fits too, and is wrong: if Waa were 3 x 2, only Waa' would take" in by_vector


@pytest.mark.parametrize(
    "text, wrt, sentences",
    [
        (
            "A*W*B",
            "W",
            [
                "In A_ik the row index i is summed, and the column index k is the result's row: so A is transposed",
                "In B_lj the column index j is summed, and the row index l is the result's column: so B is transposed",
                "here A is left of W, B right",
            ],
        ),
        ("A*x", "x", ["so A is transposed, A', and stands left", "here A is left of x"]),
        ("y'*W*x", "W", ["y carries i, the row index: a column, on the left", "x carries j, the column index"]),
        ("diag(v)*x", "x", ["Nothing is transposed"]),
        ("x'*A*x", "x", ["x stands in 2 places: the product rule gives a term for each"]),
        ("A*x", "A", ["Sizes: G*x' is m x n, as A; x*G' would be n x m"]),
    ],
)
def test_why_things_stand_where_they_do(text: str, wrt: str, sentences: list[str]) -> None:
    shown = told(explained(text, wrt))
    for sentence in sentences:
        assert sentence in shown


def test_the_place_of_the_user_is_kept() -> None:
    steps = explained("A_ij x_j B_jk -> ik", "x").steps
    assert steps[0]["after"] == "sum_j(A_ij x_j B_jk)"


def test_parts_are_the_users_definitions() -> None:
    explanation = explained("h = tanh(W1*x); y = W2*h; L = norm2(y - t)^2; grad(L, W1)")
    groups = [group.name for group in explanation.groups if group.name]
    assert {"h", "L"} <= set(groups)
    assert "from the inside out" in explanation.groups[1].heading


def test_a_long_derivation_is_folded_unless_asked_for_in_full() -> None:
    steps = "; ".join(f"a{k} = tanh(Wax x{k} + Waa a{k - 1} + ba)" for k in (1, 2, 3))
    explanation = explained(f"{steps}; L = 1/2 norm2(a3 - y)^2; grad(L, Waa)")
    short, full = explanation.text(), explanation.text(full=True)
    assert "more steps in the same way (--full shows them)" in short
    assert "more steps" not in full
    assert len(full.splitlines()) > len(short.splitlines())


def test_a_second_derivative_is_derived_twice() -> None:
    headings = [group.heading for group in explained("x'*A*x", "x", order=2).groups]
    assert "Derivative by x, from the inside out" in headings
    assert "Second derivative, by x" in headings


def test_a_direction_is_contracted_on_the_right() -> None:
    steps = explained("a = tanh(W*x); jvp(a, W, V)").steps
    assert steps[-1]["after"] == "(1 - a.^2) .* (V*x)"


@pytest.mark.parametrize(
    "text, wrt",
    [("X", "X"), ("A*b", "x"), ("kron(x, y)", "x"), ("x^c", "c"), ("2*c", "c"), ("eps_ijk a_j b_k -> i", "a")],
)
def test_odd_questions_are_explained_too(text: str, wrt: str) -> None:
    let = ["x: vector(n)"] if wrt == "x" else ["c: scalar", "x: vector(n)"] if wrt == "c" else []
    assert explained(text, wrt, let=let).text()


def test_an_expression_is_explained_by_its_forms() -> None:
    (answer,) = indexcalc.run("A_ij delta_jk B_kl")
    assert "matrix  A*B" in Explanation(answer).text()


# ---------------------------------------------------------------------- other ways to derive it
def test_differentials() -> None:
    after = [(step["before"], step["after"]) for step in explained(NEURON, "W", style="differential").steps]
    assert ("dz", "dW*x") in after
    assert ("G'*dy", "sum(((G .* (1 - y.^2))*x') .* dW)") in after


def test_stacked_columns() -> None:
    after = [(step["before"], step["after"]) for step in explained(NEURON, "W", style="vec").steps]
    assert ("∂z/∂vec(W)'", "kron(x', eye(m))") in after
    assert ("∂y/∂vec(W)'", "diag(1 - y.^2)*∂z/∂vec(W)'") in after
    assert after[-1][1] == "kron(x', diag(1 - y.^2))"


def test_entry_by_entry() -> None:
    explanation = explained(NEURON, "x", expand=[2, 3])
    steps = {step["before"]: (step["after"], step["reason"]) for step in explanation.steps}
    assert steps["z_1"] == ("W_11 x_1 + W_12 x_2 + W_13 x_3 + b_1", "a b + c d + e f + g")
    assert steps["z_2"][1] == "h b + i d + j f + k"  # x_1, x_2 and x_3 have their letters again
    assert steps["∂y_2/∂x_3"][0] == "(1 - y_2^2) W_23"
    assert steps["∂L/∂x_1"][0] == "G_1 (1 - y_1^2) W_11 + G_2 (1 - y_2^2) W_21"


def test_every_entry_has_its_equation() -> None:
    steps = explained(NEURON, "W", expand=[2, 3]).steps
    assert sum(step["before"].startswith("∂y") for step in steps) == 2 * 2 * 3
    assert [step["after"] for step in steps if step["before"] == "∂y_1/∂W_21"] == ["0"]


@pytest.mark.parametrize("sizes", [[0], [2, 3, 4], [40, 40]])
def test_sizes_that_cannot_be_expanded_for_are_refused(sizes: list[int]) -> None:
    with pytest.raises(IndexcalcError, match="E404"):
        explained(NEURON, "W", expand=sizes).text()


@pytest.mark.parametrize("name", ["Index", ""])
def test_an_unknown_style_is_refused(name: str) -> None:
    with pytest.raises(IndexcalcError, match="E404"):
        explained(NEURON, "W", style=name)


# ---------------------------------------------------------------------- formats
def test_a_slope_is_written_as_textbooks_do() -> None:
    steps = explained("sigmoid(W x)", "x").steps
    assert "y_i (1 - y_i) ∂z_i/∂x_k" in [step["after"] for step in steps]
    assert "outer derivative: sigmoid' = sigmoid*(1 - sigmoid)" in [step["reason"] for step in steps]


def test_the_object_survives_json() -> None:
    found = explained(NEURON, "W").to_dict()
    assert json.loads(json.dumps(found)) == found
    assert set(found["steps"][0]) == {"group", "rule", "before", "after", "reason"}
    assert found["verified"] == {"exact": True}
    assert found["answer"]["pullback"] == "(G .* (1 - tanh(W*x + b).^2))*x'"
    assert found["why"]


def test_latex_is_an_align_with_reasons() -> None:
    shown = explained(NEURON, "W").to_format("latex")
    assert r"&= \delta_{i k} \, x_{l} && \text{$\delta_{jl}$ renames j to l} \\" in shown
    assert shown.count(r"\begin{align*}") == shown.count(r"\end{align*}") > 1
    body = "\n".join(line for line in shown.splitlines() if not line.startswith("%"))
    assert body.isascii()
    assert body.count(r"\left") == body.count(r"\right")
    assert body.count("{") == body.count("}")


def test_markdown_has_displayed_formulas() -> None:
    shown = explained(NEURON, "x").to_format("markdown")
    assert shown.startswith("# ∂y / ∂x,  y = tanh(W*x + b)\n")
    assert shown.count("$$\n") % 2 == 0
    assert r"\begin{aligned}" in shown


@pytest.mark.parametrize("name", ["html", "svg"])
def test_pictures_are_stable_and_need_nothing_from_outside(name: str) -> None:
    shown = explained(NEURON, "W").to_format(name)
    assert shown == explained(NEURON, "W").to_format(name)
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "")
    assert "δ_jl renames j to l" in shown
    if name == "svg":
        root = ElementTree.fromstring(shown)
        assert root.tag.endswith("svg")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(IndexcalcError, match="E404"):
        explained(NEURON, "W").to_format("pdf")


@pytest.mark.parametrize("width", [50, 60, 69, 70, 80, 120])
@each_accepted
def test_text_keeps_to_its_width(explanation: Explanation, width: int) -> None:
    for line in explanation.text(width).splitlines():
        assert len(line) <= width


def test_below_70_columns_reasons_stand_under_their_lines() -> None:
    lines = explained(NEURON, "W").text(60).splitlines()
    place = lines.index("             = δ_ik x_l")
    assert lines[place + 1].strip() == "δ_jl renames j to l"


def test_ascii_text() -> None:
    shown = explained(NEURON, "W").text(unicode=False)
    assert shown.isascii()
    assert "delta_jl renames j to l" in shown


# ---------------------------------------------------------------------- the command
def test_the_command_prints_what_python_gives() -> None:
    done = run("explain", NEURON, "--wrt", "W")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == explained(NEURON, "W").text()


def test_statements_with_definitions() -> None:
    text = "a = tanh(W x + b); vjp(a, W, da)"
    piped = run("explain", stdin=text.replace(";", "\n"))
    assert run("explain", text).stdout == piped.stdout == explained(text).text()
    assert "da .* (1 - a.^2)" in piped.stdout


def test_every_variable_is_explained_where_none_is_named() -> None:
    assert run("explain", NEURON).stdout.count("\nAnswer\n") == 3


@pytest.mark.parametrize(
    "end, begin",
    [(".svg", "<svg"), (".html", "<!DOCTYPE"), (".md", "# "), (".tex", "% "), (".json", "{"), (".txt", "∂y")],
)
def test_a_file_gets_the_format_of_its_name(tmp_path: Path, end: str, begin: str) -> None:
    file = tmp_path / f"neuron{end}"
    done = run("explain", NEURON, "--wrt", "W", "-o", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text("utf-8").startswith(begin)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    done = run("explain", NEURON, "--wrt", "W", "-o", str(tmp_path / "no" / "file.svg"))
    assert done.returncode == 1
    assert "error E110: cannot write" in done.stderr


def test_json_is_one_object_a_line() -> None:
    lines = run("explain", "--format", "json", stdin="f = x'*A*x\ngrad(f, x)\nx +\n").stdout.splitlines()
    assert [json.loads(line)["ok"] for line in lines] == [True, False]


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_terminal_it_fits_and_keeps_brackets(columns: int) -> None:
    shown = on_terminal("explain", "y = W[i,j] x[j] -> i", "--wrt", "x", columns=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(map(len, plain.splitlines())) <= columns
    assert "\x1b[" in on_terminal("explain", NEURON, "--wrt", "W", columns=columns)
    assert "\x1b" not in on_terminal("explain", NEURON, "--wrt", "W", environment={"TERM": "dumb", "NO_COLOR": "1"})


@pytest.mark.parametrize("arguments", [["--expand", "2,x"], ["--expand", "0"], ["--order", "3"], ["--layout", "wide"]])
def test_what_cannot_be_done_is_refused(arguments: list[str]) -> None:
    done = run("explain", NEURON, "--wrt", "W", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error E" in done.stderr


def test_an_unknown_style_is_wrong_usage() -> None:
    assert run("explain", NEURON, "--style", "prose").returncode == 2


# ---------------------------------------------------------------------- it costs nothing where it is not asked for
def test_a_plain_answer_does_not_load_it() -> None:
    code = (
        "import sys, indexcalc; indexcalc.diff('tanh(W*x + b)', wrt='W').report(); "
        "print([name for name in sys.modules if name.startswith('indexcalc.explanation')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout.decode().strip() == "[]"


# ---------------------------------------------------------------------- the engine's part
def test_changes_start_at_any_node_and_derivatives_hold_nodes_fixed() -> None:
    x, w = variable("x", ("n",)), variable("W", ("n", "n"))
    z = einsum(1, [(w, (0, 1)), (x, (1,))], (0,))
    h = apply(TANH, z)
    y = add([(1, z), (1, h)])
    dz = variable("dz", ("n",))
    eye = einsum(1, (), (0, 0), {0: "n"})
    assert jacobian(y, z, fixed=[h]) is eye
    assert changed(y, {z: dz, h: variable("dh", ("n",))}) is add([(1, dz), (1, variable("dh", ("n",)))])
    assert changed(y, {x: dz}) is differential(y, x, dz)
    assert dependents(y, [x], fixed=[h])[-1] is y
    assert h not in dependents(y, [x], fixed=[h])
