"""Statements: declarations, definitions, derivatives, questions; how a file is cut into them."""

from __future__ import annotations

import pytest

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.answer import Answer
from indexcalc.session import Session

NEURON = "W: matrix(m, n)\nx: vector(n)\nb: vector(m)\na = tanh(W x + b)\n"
FORM = "x: vector(n)\nA: matrix(n, n)\nL = x'*A*x\n"


def _ask(text: str) -> Answer:
    (answer,) = indexcalc.run(text)
    return answer


def _refused(text: str) -> IndexcalcError:
    with pytest.raises(IndexcalcError) as caught:
        list(indexcalc.run(text))
    return caught.value


@pytest.mark.parametrize(
    "question",
    [
        "d a / d W",
        "d a/d W",
        "d a / dW",
        "da/dW",
        "da / dW",
        "∂a/∂W",
        "∂ a / ∂ W",
        "d/dW a",
        "d/d W a",
        "∂/∂W a",
        "d a_i / d W_kl",
        "da_i/dW_kl",
        "∂a_i/∂W_kl",
    ],
)
def test_every_spelling_of_a_derivative_is_one_question(question: str) -> None:
    answer = _ask(NEURON + question)
    assert answer.index == "(1 - a_i^2) delta_ik x_l"
    assert answer.indices == ("i", "k", "l")
    assert answer.pullback == "(G .* (1 - a.^2))*x'"


@pytest.mark.parametrize(
    "question",
    ["∂(W x + b)/∂x", "d (W x + b) / d x", "d/dx (W x + b)", "∂/∂x (W x + b)", "d(W x + b)/dx"],
)
def test_an_expression_may_stand_above_the_line(question: str) -> None:
    assert _ask(NEURON + question).matrix == "W"


@pytest.mark.parametrize(
    "question",
    ["d^2 L / d x^2", "d²L/dx²", "d^2L/dx^2", "∂²L/∂x²", "∂^2 L / ∂ x^2", "hess(L, x)", "d^2 (x'*A*x) / d x^2"],
)
def test_every_spelling_of_a_second_derivative_is_one_question(question: str) -> None:
    answer = _ask(FORM + question)
    assert (answer.order, answer.matrix) == (2, "A + A'")


@pytest.mark.parametrize(
    "question",
    [
        "∂vec(A*X*B)/∂vec(X)'",
        "∂vec(A*X*B)/∂vec(X)ᵀ",
        "d vec(A*X*B) / d vec(X)",
        "dvec(A*X*B)/dvec(X)'",
        "d vec(A*X*B) / d X",
        "d A*X*B / d vec(X)'",
        r"\frac{\partial \operatorname{vec}(AXB)}{\partial \operatorname{vec}(X)^\top}",
    ],
)
def test_stacked_columns_ask_for_the_kronecker_form(question: str) -> None:
    answer = _ask("A: matrix(m, n)\nX: matrix(n, p)\nB: matrix(p, q)\n" + question)
    assert answer.vec == "kron(B', A)"
    assert answer.shape == ("m", "q", "n", "p")
    assert any("vec(Y)" in note for note in answer.to_dict()["notes"])


@pytest.mark.parametrize("question", ["∂²L/∂x∂x'", "∂²L/∂x∂xᵀ", "d^2 L / d x d x'", "d²L/(dx dx')"])
def test_a_transposed_variable_is_the_layout_of_a_hessian(question: str) -> None:
    answer = _ask(FORM + question)
    assert (answer.order, answer.matrix) == (2, "A + A'")


@pytest.mark.parametrize("question", ["∂(A*x)/∂x'", "d(A*x)/dx'", "d/dx' (A*x)", "∂/∂x' (A*x)"])
def test_a_transposed_variable_is_the_layout_of_a_jacobian(question: str) -> None:
    assert _ask("A: matrix(m, n)\nx: vector(n)\n" + question).matrix == "A"


@pytest.mark.parametrize("question", ["d L / d A'", "∂L/∂(A')"])
def test_the_derivative_by_the_transpose_of_a_matrix_is_refused(question: str) -> None:
    assert _refused(FORM + question).code == "E304"


@pytest.mark.parametrize("question", ["d^2 L / d x d A", "∂²L/∂x∂A", "d²L/dx dA", "d^2 L / (d x d A)"])
def test_a_mixed_derivative_is_by_both_variables_in_order(question: str) -> None:
    answer = _ask(FORM + question)
    assert answer.order == 2
    assert answer.to_dict()["wrt"] == ["x", "A"]
    assert answer.shape == ("n", "n", "n")


@pytest.mark.parametrize("question", ["d L / d x", "grad(L, x)", "dL/dx", "∂L/∂x", "grad(x'*A*x, x)"])
def test_the_derivative_of_a_scalar_is_its_gradient(question: str) -> None:
    answer = _ask(FORM + question)
    assert answer.matrix == "(A + A')*x"
    assert answer.shape == ("n",)


def test_grad_without_a_variable_is_by_every_variable() -> None:
    answers = list(indexcalc.run(FORM + "grad(L)"))
    assert [answer.to_dict()["wrt"] for answer in answers] == [["x"], ["A"]]
    assert [answer.matrix for answer in answers] == ["(A + A')*x", "x*x'"]


@pytest.mark.parametrize(
    "question, matrix, shape",
    [
        ("hvp(L, x, v)", "(A + A')*v", ("n",)),
        ("hvp(L, x, 2*x)", "2*(A + A')*x", ("n",)),
    ],
)
def test_hvp_is_the_hessian_times_a_vector(question: str, matrix: str, shape: tuple[str, ...]) -> None:
    answer = _ask(FORM + question)
    assert (answer.matrix, answer.shape) == (matrix, shape)


@pytest.mark.parametrize(
    "question, matrix, shape",
    [
        ("vjp(a, W, da)", "(da .* (1 - a.^2))*x'", ("m", "n")),
        ("vjp(a, x, g)", "W'*(g .* (1 - a.^2))", ("n",)),
        ("vjp(a, b, a)", "a .* (1 - a.^2)", ("m",)),
        ("jvp(a, W, V)", "(1 - a.^2) .* (V*x)", ("m",)),
        ("jvp(a, x, v)", "(1 - a.^2) .* (W*v)", ("m",)),
    ],
)
def test_vjp_and_jvp_multiply_from_the_left_and_from_the_right(
    question: str, matrix: str, shape: tuple[str, ...]
) -> None:
    answer = _ask(NEURON + question)
    assert (answer.matrix, answer.shape) == (matrix, shape)


@pytest.mark.parametrize("question", ["2*a - a", "simplify(2*a - a)", "a"])
def test_an_expression_alone_is_simplified(question: str) -> None:
    answer = _ask(NEURON + question)
    assert (answer.order, answer.matrix) == (0, "tanh(W*x + b)")


@pytest.mark.parametrize("text", ["W: matrix(m, n)", "a = W x", "W: matrix(m, n); a = W x", "", "\n# c\n", ";;"])
def test_declarations_and_definitions_ask_nothing(text: str) -> None:
    assert list(indexcalc.run(text)) == []


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("a = W x\nb = a .* a\nsum(b)", "norm2(W*x)^2"),
        ("a_i = W_ij x_j\na_k a_k", "norm2(W*x)^2"),
        ("y = A x\ny", "A*x"),
        ("T[i,j] = A[i,k] B[k,j]\nT", "A*B"),
        ("c = 3\nc x", "3*x"),
        ("y: vector(m)\ny = A x\ny", "A*x"),
    ],
)
def test_later_statements_may_use_a_definition(text: str, matrix: str) -> None:
    assert _ask(text).matrix == matrix


def test_a_definition_may_be_differentiated_through() -> None:
    text = "W: matrix(m, n)\na = tanh(W x)\nL = sum(a .* a)\ngrad(L, x)"
    assert _ask(text).to_dict()["wrt"] == ["x"]


def test_the_answer_uses_the_name_of_the_definition_that_it_is_of() -> None:
    assert _ask(NEURON + "d a / d x").matrix == "diag(1 - a.^2)*W"


@pytest.mark.parametrize(
    "text", ["a = W x\na = W y", "W: vector(n)\nW: vector(n)", "W x\nW: matrix(m, n)\nW = y y'\nW = 2"]
)
def test_a_name_stands_for_one_thing(text: str) -> None:
    assert _refused(text).code == "E305"


def test_a_definition_has_the_declared_shape() -> None:
    assert _refused("W: matrix(m, n)\nW = 2").code == "E203"


@pytest.mark.parametrize("text", ["x; y", "x;y;", ";x;;y", "x\ny", "x\n\ny\n", "x\r\ny", "x\ry", "x # c\ny % c"])
def test_statements_end_at_line_ends_and_semicolons(text: str) -> None:
    assert [answer.matrix for answer in indexcalc.run(text)] == ["x", "y"]


@pytest.mark.parametrize(
    "text",
    ["# only\nx", "% only\nx", "x # y", "x % y", "x# + y", "  # indented\n  x  ", "x # ( open", "x # it's"],
)
def test_comments_and_blank_lines_are_ignored(text: str) -> None:
    assert _ask(text).matrix == "x"


@pytest.mark.parametrize(
    "text",
    ["tanh(W\nx + b)", "tanh(\n  W x\n  + b\n)", "tanh(W x # c\n + b)", "tanh(W*(\nx\n) + b)"],
)
def test_a_line_goes_on_inside_open_brackets(text: str) -> None:
    assert _ask(text).matrix == "tanh(W*x + b)"


def test_a_declaration_goes_on_inside_its_brackets() -> None:
    assert _ask("W: matrix(m,\n  n)\nW").shape == ("m", "n")


def test_brackets_that_never_close_spoil_their_line_only() -> None:
    answers = indexcalc.run("x\n(y\nz")
    assert next(answers).matrix == "x"
    with pytest.raises(IndexcalcError) as caught:
        next(answers)
    assert caught.value.code == "E104"
    assert caught.value.text == "(y"


@pytest.mark.parametrize(
    "text, lines", [("x\n\ny", [1, 3]), ("x; y\nz", [1, 1, 2]), ("# c\nx\nexp(\ny)\nz", [2, 3, 5])]
)
def test_an_answer_tells_the_line_that_it_began_on(text: str, lines: list[int]) -> None:
    assert [answer.to_dict()["line"] for answer in indexcalc.run(text)] == lines


@pytest.mark.parametrize(
    "names",
    ["da: scalar; dW: scalar", "da: vector(n); dW: scalar", "a = W x; d: scalar; dW: scalar", "da = 2; dW: scalar"],
)
def test_da_over_dw_is_a_quotient_with_a_note_where_a_name_is_taken(names: str) -> None:
    answer = _ask(f"{names}\nda/dW")
    assert answer.order == 0
    assert any("∂" in note for note in answer.to_dict()["notes"])


def test_the_sign_of_a_partial_is_a_derivative_even_where_d_is_a_name() -> None:
    assert _ask("a = W x; d: scalar; ∂a/∂x").matrix == "W"


def test_a_defined_name_of_several_letters_is_differentiated() -> None:
    assert _ask("loss = x'x; dloss/dx").matrix == "2*x"


@pytest.mark.parametrize(
    "question, matrix",
    [
        ("d x / d x", "eye(n)"),
        ("d b / d x", "zeros(m, n)"),
        ("d W / d x", None),
    ],
)
def test_a_variable_by_a_variable(question: str, matrix: str | None) -> None:
    assert _ask(NEURON + question).matrix == matrix


def test_a_variable_that_does_not_occur_is_noted() -> None:
    assert any("does not occur" in note for note in _ask(NEURON + "d b / d x").to_dict()["notes"])


@pytest.mark.parametrize(
    "question, code, where",
    [
        ("d a / d q", "E304", "q"),
        ("d^3 a / d x^3", "E505", "d^3"),
        ("grad(a, W)", "E217", "a"),
        ("hess(a, x)", "E217", "a"),
        ("hvp(a, x, v)", "E217", "a"),
        ("grad()", "E303", "grad()"),
        ("vjp(a, W)", "E303", "vjp(a, W)"),
        ("jvp(a, W, V, V)", "E303", "jvp(a, W, V, V)"),
        ("vjp(a, 2, da)", "E304", "2"),
        ("vjp(a, W, x)", "E203", "x"),
        ("jvp(a, W, x)", "E203", "x"),
        ("d a_i / d W_k", "E211", "W_k"),
        ("d a_ij / d W_kl", "E211", "a_ij"),
        ("a = 3", "E305", "a"),
        ("a: vector(m)", "E305", "a"),
        ("x + 1 = b", "E107", "x + 1"),
        ("2 = x", "E107", "2"),
        ("y = x, b", "E107", "x, b"),
        ("x, b", "E107", "b"),
        ("y = ", "E101", "="),
        ("d a / d W == (g .* (1 - a.^2)) q", "E312", "q"),
        ("d a / d W == g, x", "E107", "g, x"),
        ("a, b == x", "E107", "b"),
        ("h[t] = tanh(W x) for t = 1..W", "E305", "h[t] = tanh(W x) for t = 1..W"),
        ("d a / d W for t = 1..2", "E403", "for t = 1..2"),
        ("1..3", "E403", ".."),
    ],
)
def test_a_statement_that_cannot_be_answered_is_an_error(question: str, code: str, where: str) -> None:
    error = _refused(NEURON + question)
    assert (error.code, error.text[slice(*error.span)]) == (code, where)


def test_a_bad_statement_leaves_nothing_behind() -> None:
    session = Session()
    with pytest.raises(IndexcalcError):
        session.answers("q = x*y*z")
    assert not session.scope.symbols


def test_answers_come_one_by_one_until_the_bad_statement() -> None:
    answers = indexcalc.run("x\n)\ny")
    assert next(answers).matrix == "x"
    with pytest.raises(IndexcalcError):
        next(answers)


@pytest.mark.parametrize("text", ["a = tanh(W x + b); a", "a = tanh(W x + b)", "tanh(W x + b)"])
def test_the_last_statement_is_the_expression(text: str) -> None:
    answer = indexcalc.diff(text, wrt="x")
    assert answer.shape == ("m", "n")
    assert answer.order == 1


def test_a_left_hand_side_names_the_output() -> None:
    assert indexcalc.diff("a = tanh(W x + b)", wrt="W").index == "(1 - a_i^2) delta_ik x_l"


# ---------------------------------------------------------------------- programs
PROGRAM = """
d L / d W1
L = loss(h2, y)
h2 = layer(W2, h1, b2)
h1 = layer(W1, x, b1)
layer(W, x, b) = tanh(W x + b)
loss(a, y) = norm2(a - y)^2
"""


def test_definitions_may_stand_in_any_order() -> None:
    (above,) = indexcalc.run(PROGRAM)
    (below,) = indexcalc.run("\n".join(reversed(PROGRAM.splitlines())))
    assert above.derivation.node is below.derivation.node
    (whole,) = indexcalc.run("L = norm2(tanh(W2*tanh(W1*x + b1) + b2) - y)^2\nd L / d W1")
    assert above.stats == whole.stats


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("f(u) = tanh(u)\nf(A*x + b)", "tanh(A*x + b)"),
        ("f(u, v) = u'*v\nf(x, A*y)", "x'*A*y"),
        ("f(u) = u'\nf(x)*y", "x'*y"),
        ("f(A) = A*A'\nf(B*C)", "B*C*C'*B'"),
        ("x: vector(n)\nf(x) = 2*x\ng(y) = f(f(y))\ng(x)", "4*x"),
        ("f(u) = u_i u_i\nf(x)", "x'*x"),
        ("f(x) = A*x\nf(y)", "A*y"),
        ("f(c) = exp(c)/c\nc: scalar\nf(c)", "exp(c)/c"),
    ],
)
def test_call_stands_for_the_body_of_the_function(text: str, matrix: str) -> None:
    assert _ask(text).matrix == matrix


@pytest.mark.parametrize(
    "text, code, span",
    [
        ("f(x) = 2*x; f(y, z)", "E303", (0, 7)),
        ("f(x) = f(x) + 1; y + f(y)", "E309", (7, 11)),
        ("f(x) = g(x); g(x) = f(x); f(y)", "E309", (7, 11)),
        ("a = a + 1", "E309", (4, 5)),
        ("p = q + r; q = p + r; p", "E309", (4, 5)),
        ("a = b + c; b = x*; a", "E101", None),
        ("w = u + 1; u = x*y; x, y: vector(n)", "E310", (4, 5)),
        ("tanh(x) = x", "E305", (0, 4)),
        ("f(x) = x; f(x) = 2*x", "E305", (0, 1)),
        ("f(x, x) = x", "E107", (0, 7)),
        ("f(x + y) = x", "E107", (0, 8)),
        ("f(x) = x_i y_i; f(A*z)", "E303", (2, 5)),
        ("f(x) = x + x; g(x) = f(f(f(f(x)))); h(x) = g(g(g(g(x)))); h(y)", "E508", (0, 4)),
    ],
)
def test_wrong_programs(text: str, code: str, span: tuple[int, int] | None) -> None:
    with pytest.raises(indexcalc.IndexcalcError) as error:
        list(indexcalc.run(text))
    assert error.value.code == code
    assert span is None or error.value.span == span


RECURRENT = """
h[0] = h0
h[t] = tanh(W h[t-1] + U x[t] + b) for t = 1..T
L = sum(norm2(h[t] - y[t])^2 for t = 1..T)
d L / d W
T = 3
"""
STEPS = """
h1 = tanh(W h0 + U x_1 + b)
h2 = tanh(W h1 + U x_2 + b)
h3 = tanh(W h2 + U x_3 + b)
L = norm2(h1 - y_1)^2 + norm2(h2 - y_2)^2 + norm2(h3 - y_3)^2
d L / d W
"""


def test_loop_is_its_steps_written_out() -> None:
    (loop,), (steps,) = indexcalc.run(RECURRENT), indexcalc.run(STEPS)
    assert loop.derivation.node is steps.derivation.node
    assert loop.to_dict()["verified"]["exact"]


def test_families_may_depend_on_each_other_and_stand_in_any_order() -> None:
    text = """
        d L / d W
        L = norm2(h[2])^2
        h[t] = tanh(c[t]) for t = 1..2
        c[t] = c[t-1] + W h[t-1] for t = 1..2
        c[0] = c0
        h[0] = h0
    """
    (answer,) = indexcalc.run(text)
    (whole,) = indexcalc.run("u = c0 + W h0\nL = norm2(tanh(u + W tanh(u)))^2\nd L / d W")
    assert answer.derivation.node is whole.derivation.node


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("sum(x[t] for t = 1..3)", "x_1 + x_2 + x_3"),
        ("sum(t*x[t] for t = 1..2)", "x_1 + 2*x_2"),
        ("T = 2\nsum(A^t*x for t = 1..T)", "A*x + A^2*x"),
        ("sum(sum(x[s]'*x[t] for s = 1..t) for t = 1..2)", "x_1'*x_1 + x_1'*x_2 + x_2'*x_2"),
        ("h_0 = x\nh_t = A h_{t-1} for t = 1..2\nh_2", "A^2*x"),
        ("x[t]: vector(n) for t = 1..2\nx[1]'*x[2]", "x_1'*x_2"),
        ("h[4] = x\nh[t] = A*h[t+1] for t = 3..1\nh[1]", "A^3*x"),
        ("h[0] = u\nh[1] = v\nh[t] = h[t-1] + h[t-2] for t = 2..4\nh[4]", "3*v + 2*u"),
        ("h[0] = u\nh[t] = A*h[t-1] + h[0] for t = 1..3\nh[3]", "A*(A*(A*u + u) + u) + u"),
        ("f(v) = A*v + h[0]\nh[0] = u\nh[t] = f(h[t-1]) for t = 1..2\nh[2]", "A*(A*u + u) + u"),
        ("x[t]: vector(n) for t = 0..3\ny[t] = x[t] + 2*x[3-t] for t = 0..3\ny[2]", "x_2 + 2*x_1"),
        ("h[0] = x\nh[t] = A*h[t-1] + t*b for t = 1..2\nh[2]", "A*(A*x + b) + 2*b"),
        ("W[1]: matrix(a, b)\nW[2]: matrix(c, a)\nh[0] = x\nh[k] = W[k]*h[k-1] for k = 1..2\nh[2]", "W_2*W_1*x"),
    ],
)
def test_loops(text: str, matrix: str) -> None:
    assert _ask(text).matrix == matrix


@pytest.mark.parametrize(
    "text, code, shown",
    [
        ("h[0] = x; h[t] = 2*h[t-1] for t = 1..2; h[3]", "E311", "h[3]"),
        ("h[t] = A*h[t-2] for t = 1..2", "E311", "[t-2]"),
        ("h[0] = x; h[t] = A*h[t-1] for t = 1..1/2", "E403", "1/2"),
        ("h[t-1]", "E403", "[t-1]"),
        ("prod(x[t] for t = 1..2)", "E403", "prod(x[t] for t = 1..2)"),
        ("h[t] = h[t+1] for t = 1..2; h[3] = h[1]; h[1]", "E309", None),
        ("h[t] = x for t = 1..9999", "E509", "for t = 1..9999"),
        ("x: vector(n); x[2]", "E106", "[2]"),
    ],
)
def test_wrong_loops(text: str, code: str, shown: str | None) -> None:
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        list(indexcalc.run(text))
    error = caught.value
    assert error.code == code
    assert shown is None or error.text[slice(*error.span)] == shown


def test_mistake_in_a_definition_is_told_in_its_own_line_and_where_it_is_used() -> None:
    session = Session()
    statements = [(1, "y = a + x"), (2, "x'*x"), (3, "a = u*v"), (4, "v, u: vector(n)")]
    statements = [statements[3], *statements[:3]]
    session.foresee(statements)
    codes = []
    for line, text in statements:
        try:
            session.answers(text, line=line)
        except indexcalc.IndexcalcError as error:
            codes.append((line, error.code))
    assert codes == [(1, "E310"), (3, "E205")]


def test_a_gradient_by_several_variables_is_one_answer_each() -> None:
    text = "L = norm2(W x + b)^2\ngrad(L, W, b)"
    assert [answer.matrix for answer in indexcalc.run(text)] == ["2*(W*x + b)*x'", "2*(W*x + b)"]
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        list(indexcalc.run("L = norm2(W x)^2\ngrad(L, W, 2)"))
    assert caught.value.text[slice(*caught.value.span)] == "2"


def test_a_subscript_of_a_scalar_made_of_tensors_is_part_of_its_name() -> None:
    answer = indexcalc.diff("L_reg = norm2(w)^2; cos_sim = dot(w, x)/norm(x); L_reg + cos_sim", wrt="w")
    assert answer.matrix == "2*w + x/norm2(x)"
    constant = indexcalc.simplify("y_ij = c + 1", let=["c: scalar"])
    assert constant.matrix == "(c + 1)*ones(m, n)"  # made of scalars: one for each entry


def test_a_definition_of_many_axes_has_letters() -> None:
    answer = indexcalc.diff("delta_abcde = x_i x_i", wrt="x")
    assert answer.to_dict()["where"] == {}
    named = "T_abcde = u_a u_b u_c u_d u_e; y_abcde = T_abcde x_a; y_abcde T_abcde"
    assert indexcalc.diff(named, wrt="x").to_dict()["ok"]
