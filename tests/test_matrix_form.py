"""Matrix, vec, pullback and index text of well-known derivatives, each beside its value."""

from __future__ import annotations

import re

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer
from indexcalc.render.latex import document
from indexcalc.render.text import text as written

from .oracle import evaluate
from .strategies import SIZES

# expression, variable, matrix text of the derivative; all entries of the variables are independent
FIRST = """
x'*A*x              | x | (A + A')*x
0.5*x'*A*x          | x | 1/2*(A + A')*x
x'*A*x + b'*x       | x | (A + A')*x + b
x'*x                | x | 2*x
b'*x                | x | b
(y .* v)'*x         | x | y .* v
A*x                 | x | A
A*x - b             | x | A
x                   | x | eye(m)
sum(x)              | x | ones(m)
mean(x)             | x | ones(m)/m
norm2(x)            | x | x/norm2(x)
norm2(A*x - b)      | x | A'*(A*x - b)/norm2(A*x - b)
norm2(A*x - b)^2    | x | 2*A'*(A*x - b)
norm1(A*x - y)      | x | A'*sign(A*x - y)
x ./ y              | x | diag(1 ./ y)
x .* y              | x | diag(y)
x .* x              | x | 2*diag(x)
x.^3                | x | 3*diag(x.^2)
exp(x)              | x | diag(exp(x))
A*exp(x)            | x | A*diag(exp(x))
tanh(W*x + b)       | x | diag(1 - tanh(W*x + b).^2)*W
tanh(W*x + b)       | b | diag(1 - tanh(W*x + b).^2)
softmax(x)          | x | diag(softmax(x)) - softmax(x)*softmax(x)'
logsumexp(x)        | x | softmax(x)
softmax(W*x)        | x | (diag(softmax(W*x)) - softmax(W*x)*softmax(W*x)')*W
x/norm2(x)          | x | eye(m)/norm2(x) - x*x'/norm2(x)^3
inv(A)*x            | x | inv(A)
tr(X)               | X | eye(m)
tr(X^2)             | X | 2*X'
tr(X^3)             | X | 3*(X^2)'
tr(A*X)             | X | A'
tr(A*X*B)           | X | A'*B'
tr(A*X'*B)          | X | B*A
tr(X'*A*X)          | X | (A + A')*X
tr(A*inv(X)*B)      | X | -(inv(X)*B*A*inv(X))'
tr(A*X'*B*X*C)      | X | B'*X*A'*C' + B*X*C*A
a'*X*b              | X | a*b'
a'*X'*b             | X | b*a'
b'*inv(X)*a         | X | -inv(X)'*b*a'*inv(X)'
det(X)              | X | det(X)*inv(X)'
logdet(X)           | X | inv(X)'
log(det(X))         | X | inv(X)'
log(det(inv(X)))    | X | -inv(X)'
logdet(X'*X)        | X | 2*X*inv(X'*X)
norm2(X)^2          | X | 2*X
norm2(T - U*V')^2   | U | -2*(T - U*V')*V
norm2(T - U*V')^2   | V | -2*(T - U*V')'*U
sum(X)              | X | ones(m, n)
sum(X .* A)         | X | A
sum(exp(X))         | X | exp(X)
t*A                 | t | A
tr(A + t*B)         | t | tr(B)
log(det(A + t*B))   | t | tr(inv(A + t*B)*B)
"""
SECOND = """
x'*A*x              | x | A + A'
x'*x                | x | 2*eye(m)
norm2(A*x - b)^2    | x | 2*A'*A
b'*x                | x | zeros(m, m)
logsumexp(x)        | x | diag(softmax(x)) - softmax(x)*softmax(x)'
sum(exp(A*x))       | x | A'*diag(exp(A*x))*A
sum(x.^3)           | x | 6*diag(x)
alpha^3             | alpha | 6*alpha
"""
# expression, variable, index text, vec text, pullback text
HIGHER = [
    ("X", "X", "delta_ik delta_jl", "kron(eye(n), eye(m))", "G"),
    ("X'", "X", "delta_jk delta_il", "commutation(m, n)", "G'"),
    ("A*X*B", "X", "A_ik B_lj", "kron(B', A)", "A'*G*B'"),
    ("A*X", "X", "A_ik delta_jl", "kron(eye(p), A)", "A'*G"),
    ("W*x", "W", "delta_ik x_l", "kron(x', eye(m))", "G*x'"),
    (
        "tanh(W*x + b)",
        "W",
        "(1 - tanh(W_ij x_j + b_i)^2) delta_ik x_l",
        "kron(x', diag(1 - tanh(W*x + b).^2))",
        "(G .* (1 - tanh(W*x + b).^2))*x'",
    ),
    (
        "tanh(W*X)",
        "X",
        "(1 - tanh(W_ip X_pj)^2) W_ik delta_jl",
        "diag(vec(1 - tanh(W*X).^2))*kron(eye(p), W)",
        "W'*(G .* (1 - tanh(W*X).^2))",
    ),
    ("inv(X)", "X", "-inv(X)_ik inv(X)_lj", "-kron(inv(X)', inv(X))", "-inv(X)'*G*inv(X)'"),
    ("x*y'", "x", "delta_ik y_j", "kron(y, eye(m))", "G*y"),
    (
        "y .* softplus(-W*x) + (1 - y) .* softplus(W*x)",
        "W",
        "-(y_i - sigmoid(W_ij x_j)) x_l delta_ik",
        "-kron(x', diag(y - sigmoid(W*x)))",
        "-(G .* (y - sigmoid(W*x)))*x'",
    ),
]
SHAPES = {
    "A": ("m", "n"), "B": ("n", "p"), "C": ("n", "m"), "X": ("n", "n"), "Z": ("n", "p"),
    "a": ("m",), "u": ("m",), "x": ("n",), "y": ("n",), "v": ("p",), "c": (),
}  # fmt: skip


def _rows(table: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in line.split("|")) for line in table.strip().splitlines()]


@pytest.mark.parametrize("text, wrt, matrix", _rows(FIRST))
def test_first_derivative(text: str, wrt: str, matrix: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt)
    assert answer.matrix == matrix
    assert answer.no_matrix_reason is None


@pytest.mark.parametrize("text, wrt, matrix", _rows(SECOND))
def test_second_derivative(text: str, wrt: str, matrix: str) -> None:
    assert indexcalc.diff(text, wrt=wrt, order=2).matrix == matrix


@pytest.mark.parametrize("text, wrt, index, vec, pullback", HIGHER)
def test_derivative_of_order_three_and_four(text: str, wrt: str, index: str, vec: str, pullback: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt)
    assert answer.matrix is None
    assert (answer.index, answer.vec, answer.pullback) == (index, vec, pullback)


@pytest.mark.parametrize(
    "text, wrt, reason",
    [
        ("tanh(W*x + b)", "W", "it has 3 indices, and a matrix has two"),
        ("X", "X", "it has 4 indices, and a matrix has two"),
    ],
)
def test_reason_counts_the_axes(text: str, wrt: str, reason: str) -> None:
    assert indexcalc.diff(text, wrt=wrt).no_matrix_reason == reason


def _declared(text: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """Declarations and values of the variables that a text has."""
    kinds = ("scalar", "vector", "matrix")
    rng = np.random.default_rng(11)
    let, values = [], {}
    for name, shape in SHAPES.items():
        x = rng.standard_normal([SIZES[d] for d in shape])
        if name in text:
            let.append(f"{name}: {kinds[len(shape)]}" + (f"({', '.join(shape)})" if shape else ""))
            values[name] = x + 3 * np.eye(len(x)) if name == "X" else x
    return let, values


def _commutation(rows: int, columns: int) -> np.ndarray:
    """What takes vec(X) to vec(X') for X of these sizes."""
    places = np.arange(rows * columns).reshape((rows, columns), order="F")
    return np.eye(rows * columns)[places.T.ravel(order="F")]


def _kronecker_value(text: str, values: dict[str, np.ndarray]) -> np.ndarray:
    """A vec form read as Python, vectors as columns."""
    names: dict[str, object] = {name: _Matrix(x) if x.ndim else float(x) for name, x in values.items()}
    names |= SIZES | {
        "kron": lambda a, b: _Matrix(np.kron(a.array, b.array)),
        "eye": lambda n: _Matrix(np.eye(n)),
        "ones": lambda *n: _Matrix(np.ones(n)),
        "vec": lambda a: _Matrix(a.array.ravel(order="F")),
        "diag": lambda a: _Matrix(np.diag(a.array.ravel())),
        "inv": lambda a: _Matrix(np.linalg.inv(a.array)),
        "tr": lambda a: float(np.trace(a.array)),
        "tanh": lambda a: _Matrix(np.tanh(a.array)),
        "exp": lambda a: _Matrix(np.exp(a.array)),
        "power": lambda a, k: _Matrix(np.linalg.matrix_power(a.array, k)),
        "commutation": lambda m, n: _Matrix(_commutation(m, n)),
    }
    plain = text.replace(".^", "**").replace(".*", "@").replace("'", ".T")
    plain = re.sub(r"(\w+)\^(\d+)", r"power(\1, \2)", plain)
    return np.asarray(eval(plain, {"__builtins__": {}}, names).array)


class _Matrix:
    """Arrays with the operators of matrix text."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array[:, None] if array.ndim == 1 else array

    @property
    def T(self) -> _Matrix:
        return _Matrix(self.array.T)

    def __mul__(self, other: object) -> _Matrix:
        return _Matrix(self.array @ other.array if isinstance(other, _Matrix) else self.array * other)

    def __rmul__(self, other: float) -> _Matrix:
        return _Matrix(other * self.array)

    def __matmul__(self, other: _Matrix) -> _Matrix:
        return _Matrix(self.array * other.array)

    def __add__(self, other: _Matrix) -> _Matrix:
        return _Matrix(self.array + other.array)

    def __sub__(self, other: _Matrix) -> _Matrix:
        return _Matrix(self.array - other.array)

    def __rsub__(self, other: float) -> _Matrix:
        return _Matrix(other - self.array)

    def __neg__(self) -> _Matrix:
        return _Matrix(-self.array)

    def __pow__(self, exponent: int) -> _Matrix:
        return _Matrix(self.array**exponent)


@pytest.mark.parametrize(
    "text, wrt",
    [
        ("A*Z", "Z"),
        ("Z", "Z"),
        ("Z'", "Z"),
        ("A*X*B", "X"),
        ("(A*X*B)'", "X"),
        ("A*X'*B", "X"),
        ("X*X", "X"),
        ("X*X*X", "X"),
        ("Z*Z'", "Z"),
        ("Z'*Z", "Z"),
        ("Z'*X*Z", "Z"),
        ("inv(X)", "X"),
        ("inv(X)'", "X"),
        ("inv(X)*C", "C"),
        ("A*inv(X)", "X"),
        ("inv(X)*x", "X"),
        ("A*x", "A"),
        ("tanh(A*x + a)", "A"),
        ("tanh(A*B)", "A"),
        ("tanh(A*B)", "B"),
        ("tanh(A*B)'", "B"),
        ("B .* Z", "Z"),
        ("B .* Z.^2", "Z"),
        ("diag(x)*B", "x"),
        ("x*v'", "x"),
        ("x*v'", "v"),
        ("x*x'", "x"),
        ("exp(x*v')", "v"),
        ("a*tr(A*C)", "A"),
        ("c*B + 2*B", "B"),
        ("tr(A*C)*B", "C"),
        ("tr(X)*eye(n)", "X"),
        ("tr(X)*inv(X)", "X"),
        ("A*tanh(X*B)", "X"),
        ("tanh(X*B)*Z'", "X"),
        ("tanh(X)*X", "X"),
        ("A*tanh(X*tanh(C*A)*X)", "C"),
        ("tanh(A*tanh(X*B)*Z')", "X"),
        ("tanh(tanh(X*A')*tanh(A*X))", "X"),
    ],
)
def test_vec_form_is_the_jacobian_of_vec(text: str, wrt: str) -> None:
    let, values = _declared(f"{text} {wrt}")
    answer = indexcalc.diff(text, wrt=wrt, let=let)
    jacobian = evaluate(answer, values)
    want = jacobian.reshape((-1, values[wrt].size), order="F")
    assert answer.vec is not None
    np.testing.assert_allclose(_kronecker_value(answer.vec, values), want, atol=1e-12)


@pytest.mark.parametrize("text, wrt", [("A*diag(x)*B", "x"), ("x'*A*x", "x"), ("A*x", "x"), ("x.^2", "x")])
def test_no_vec_form_without_kronecker_product(text: str, wrt: str) -> None:
    assert indexcalc.diff(text, wrt=wrt).vec is None


@pytest.mark.parametrize(
    "text, wrt, order, entries",
    [
        ("norm2(T - U*V')^2", "U", 2, "2 delta_ik (V'*V)_jl"),
        ("A*B*X*C", "X", 1, "(A*B)_ik C_lj"),
        ("(x'*A*x)*A*B", "A", 1, "x_p x_q A_pq delta_ik B_lj + (A*B)_ij x_k x_l"),
        ("softmax(W*x)", "W", 1, "(diag(softmax(W*x)) - softmax(W*x)*softmax(W*x)')_ik x_l"),
        ("tanh(W*x + b)", "W", 1, None),  # it has no product of matrices
        ("X", "X", 1, None),
        ("A*x", "x", 1, None),
    ],
)
def test_core_and_deltas_are_shown(text: str, wrt: str, order: int, entries: str | None) -> None:
    lines = {line.label: line for line in indexcalc.diff(text, wrt=wrt, order=order).report().lines}
    form = lines["entries"].form if "entries" in lines else None
    assert (None if form is None else written(form)) == entries


@pytest.mark.parametrize(
    "text, wrt, order, left, component",
    [
        ("tanh(W*x + b)", "W", 1, "D_i", "(e_i .* (1 - tanh(W*x + b).^2))*x'"),
        ("A*X*B", "X", 1, "D_ij", "A'*e_i*e_j'*B'"),
        ("diag(x)*B", "x", 1, "D_k", "diag(e_k)*B"),
        ("x*x'", "x", 1, "D_k", "e_k*x' + x*e_k'"),
        ("norm2(T - U*V')^2", "U", 2, "D_ij", "2*e_i*e_j'*V'*V"),
        ("A*x", "x", 1, None, None),
    ],
)
def test_matrix_at_fixed_places_of_the_other_axes(
    text: str, wrt: str, order: int, left: str | None, component: str | None
) -> None:
    report = indexcalc.diff(text, wrt=wrt, order=order).report()
    found = {line.label: (line.left, line.form) for line in report.lines}.get("component", (None, None))
    assert [None if form is None else written(form) for form in found] == [left, component]


def test_what_a_long_result_repeats_is_named_where_people_read_it() -> None:
    answer = indexcalc.diff("log(sum(exp(A*tanh(B*x))))", wrt="x", order=2)
    report = answer.report()
    assert {name: written(form) for name, form in report.where.items()} == {"h1": "tanh(B*x)", "h2": "softmax(A*h1)"}
    assert report.expression is not None
    assert written(report.expression) == "logsumexp(A*tanh(B*x))"
    (matrix,) = (line.form for line in report.lines if line.label == "matrix")
    assert matrix is not None
    shown = "(A'*(diag(h2) - h2*h2')*A*diag(1 - h1.^2)*B - 2*diag(h1 .* (A'*h2))*B)'*diag(1 - h1.^2)*B"
    assert written(matrix) == shown
    assert answer.to_dict()["where"] == {}
    assert "h1" not in str(answer.matrix)
    assert r"h_{2} &= \operatorname{softmax}" in "\n".join(document(report))


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("norm2(A*x)^2", "norm2(A*x)^2"),
        ("x'*A'*A*x", "norm2(A*x)^2"),
        ("sum((A*B).^2)", "norm2(A*B)^2"),
        ("tr(B'*A'*A*B)", "norm2(A*B)^2"),
        ("norm2(X .* (A'*A*X))^2", "norm2(X .* (A'*A*X))^2"),
        ("x'*x", "x'*x"),
        ("(x'*x)*(a'*a)", "(x'*x)*a'*a"),
        ("x'*X*X*x", "x'*X^2*x"),
    ],
)
def test_scalar_that_is_a_square_is_a_squared_norm(text: str, matrix: str) -> None:
    let, _ = _declared(text)
    assert indexcalc.simplify(text, let=let).matrix == matrix


@pytest.mark.parametrize(
    "text, wrt, matrix",
    [
        ("sum((a .* x + b .* x) .* c)", "x", "c .* (a + b)"),
        ("x'*x*(x'*y) - (y'*x)*(x'*x)", "x", "zeros(m)"),
        ("x'*(A - A')*x", "x", "zeros(m)"),
        ("(x + y)'*(x - y)", "x", "2*x"),
        ("norm2(x - y)^2 - norm2(x)^2", "x", "-2*y"),
        ("tr(A*B*X) - tr(X*A*B)", "X", "zeros(p, m)"),
        ("(A*x - b)'*C*(D*x + e)", "x", "A'*C*(D*x + e) + D'*C'*(A*x - b)"),
        ("tr((X - A)*(X - A)')", "X", "2*(X - A)"),
        ("sum((A*x - b).^2) + sum((A*x - b).^2)", "x", "4*A'*(A*x - b)"),
        ("a'*x + b'*x", "x", "a + b"),
        ("g .* (x - mean(x))/s^2 + b", "x", "diag(g)*(eye(m) - 1/m)/s^2"),
        ("-(eta*log(sigmoid(w'*x)) + (1 - eta)*log(1 - sigmoid(w'*x)))", "w", "(sigmoid(w'*x) - eta)*x"),
    ],
)
def test_sums_are_factored_and_multiplied_out_where_that_is_shorter(text: str, wrt: str, matrix: str) -> None:
    assert indexcalc.diff(text, wrt=wrt).matrix == matrix


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("A*B*A", "A*B*A"),
        ("A*A*A", "A^3"),
        ("(A')'", "A"),
        ("A + A", "2*A"),
        ("A - A", "zeros(m, n)"),
        ("eye(n)*A", "A"),
        ("x'*A*x - x'*A'*x", "0"),
        ("diag(diag(x))", "x"),
        ("tr(A*B) - tr(B*A)", "0"),
    ],
)
def test_simplify(text: str, matrix: str) -> None:
    answer = indexcalc.simplify(text)
    assert isinstance(answer, Answer)
    assert answer.matrix == matrix


@pytest.mark.parametrize("table", [FIRST, SECOND])
def test_matrix_text_is_stable(table: str) -> None:
    """What was printed is simplest: read again, it prints the same."""
    for text, wrt, matrix in _rows(table):
        answer = indexcalc.diff(text, wrt=wrt, order=1 if table is FIRST else 2)
        let = [i.declaration for i in answer.task.inputs]
        assert indexcalc.simplify(matrix, let=let).matrix == matrix


@pytest.mark.parametrize(
    "text, matrix",
    [
        ("x - mean(x)", "x - mean(x)"),
        ("sum(x)/n*y", "mean(x)*y"),
        ("mean(X)^2", "mean(X)^2"),
        ("mean(X)/m", "mean(X)/m"),
        ("n*mean(x)", "sum(x)"),
        ("sum(X)/n", "sum(X)/n"),
        ("sum(x)*sum(y)/n^2", "mean(x)*mean(y)"),
        ("sum(x)^2/n", "sum(x)^2/n"),
        ("c/n + 1/n", "c/n + 1/n"),
        ("sum(X, 1)/m", "mean(X, 1)"),
        ("x/sqrt(n)", "x/sqrt(n)"),
        ("sum(x)/sqrt(n)", "sum(x)/sqrt(n)"),
        ("sqrt(n)*y", "sqrt(n)*y"),
        ("sum(x)/n^(3/2)", "sum(x)/n^(3/2)"),
        ("sum(X, 2)/m", "sum(X, 2)/m"),
        ("X - ones(m)*mean(X, 1)'", "X - ones(m)*mean(X, 1)'"),
        ("mean(X, 2)*y'", "mean(X, 2)*y'"),
    ],
)
def test_a_sum_by_the_number_of_its_entries_is_a_mean(text: str, matrix: str) -> None:
    answer = indexcalc.simplify(text, let=["x, y: vector(n)", "X: matrix(m, n)", "c: scalar"])
    assert answer.matrix == matrix
    assert answer.to_dict()["verified"]["exact"]
