"""Values of tensor expressions in pure Python, against NumPy; and the laws that hold modulo a prime."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import indexcalc
from indexcalc.numeric.arithmetic import PRIMES, RESIDUES, Floats, Residues, determinant, inverse
from indexcalc.numeric.evaluation import RULES, Evaluation, TooLarge, contraction
from indexcalc.tensor.elementwise import apply
from indexcalc.tensor.functions import BY_NAME, TABLE
from indexcalc.tensor.matrix_functions import softmax
from indexcalc.tensor.nodes import Node, variable
from indexcalc.tensor.product import einsum, ones, power, transpose
from indexcalc.tensor.structure import structured
from indexcalc.tensor.sums import add

from .oracle import evaluate
from .strategies import SIZES, Expression, index_questions, questions

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
EVERY_NODE = settings(parent=FUZZ, max_examples=300)


def floats(range_: int = 0) -> Evaluation:
    return Evaluation(Floats(range_), SIZES, {})


def residues(prime: int = PRIMES[0]) -> Evaluation:
    return Evaluation(Residues(prime), SIZES, {})


def arrays(at: Evaluation, node: Node) -> np.ndarray:
    return np.array(at.value(node), dtype=float).reshape(at.shape(node.shape))


def point(at: Evaluation, variables: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    return {name: arrays(at, variable(name, shape)) for name, shape in variables.items()}


# ---------------------------------------------------------------------- against NumPy
def agree(found: Expression, wrt: str) -> None:
    at = floats()
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    values = point(at, found.variables)
    for node, want in (
        (answer.derivation.output, found.value(values)),
        (answer.derivation.derivative, evaluate(answer, values)),
    ):
        got = arrays(at, node)
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8 * max(1, np.max(np.abs(want), initial=0)))


@EVERY_NODE
@given(questions())
def test_values_are_those_of_numpy(question: tuple[Expression, str]) -> None:
    agree(*question)


@FUZZ
@given(index_questions())
def test_values_of_index_notation_are_those_of_numpy(question: tuple[Expression, str]) -> None:
    agree(*question)


A, B = variable("A", ("m", "m")), variable("B", ("m", "n"))
x, y = variable("x", ("m",)), variable("y", ("n",))


@pytest.mark.parametrize(
    "output, factors, formula, extra",
    [
        ((0, 0), [(x, (0,))], "i,ij->ij", [np.eye(3)]),
        ((0, 1, 0, 1), [], "ij,kl->ikjl", [np.eye(3), np.eye(4)]),
        ((0, 1), [(x, (0,))], "i,j->ij", [np.ones(4)]),
        ((1, 0), [(x, (0,))], "i,j->ji", [np.ones(4)]),
        ((0, 1, 2), [(y, (1,)), (x, (0,))], "j,i,k->ijk", [np.ones(3)]),
        ((0,), [(A, (0, 0)), (x, (0,))], "ii,i->i", []),
        ((), [(A, (0, 0))], "ii->", []),
        ((1,), [(B, (0, 1)), (x, (0,)), (x, (0,)), (y, (1,))], "ij,i,i,j->j", []),
    ],
)  # fmt: skip
def test_repeated_and_new_labels_are_deltas_and_ones(output, factors, formula, extra) -> None:
    at = floats()
    sizes = {0: "m", 1: "n", 2: "m"} if (0, 0) not in [f[1] for f in factors] else {0: "m"}
    node = einsum(1, factors, output, {k: sizes[k] for k in set(output)})
    want = np.einsum(formula, *[arrays(at, n) for n, _ in factors], *extra)
    np.testing.assert_allclose(arrays(at, node), want.reshape(at.shape(node.shape)), rtol=1e-12)


def test_sums_over_labels_that_nothing_has_count() -> None:
    by = Floats()
    assert contraction([[2.0, 3.0]], ((0,),), (0,), (2, 5), by) == [10.0, 15.0]
    assert contraction([], (), (), (2, 5), by) == [10.0]
    assert contraction([], (), (0, 0), (2,), by) == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("function", TABLE, ids=lambda row: row.name)
def test_elementwise_functions_are_those_of_numpy(function) -> None:
    import math

    at = floats(2)
    node = apply(function, B)
    want = eval(function.numpy.format("u"), {"np": np, "math": math, "u": arrays(at, B)})
    np.testing.assert_allclose(arrays(at, node), want, rtol=1e-12)


@pytest.mark.parametrize("exponent", [2, 3, -1, -2, Fraction(1, 2), Fraction(-3, 2), Fraction(2, 3)])
def test_powers_are_those_of_numpy(exponent) -> None:
    at = floats(1)
    np.testing.assert_allclose(arrays(at, power(B, exponent)), arrays(at, B) ** float(exponent), rtol=1e-12)


def test_symbolic_powers_are_those_of_numpy() -> None:
    at = floats(1)
    np.testing.assert_allclose(arrays(at, power(x, apply(BY_NAME["exp"], x))), arrays(at, x) ** np.exp(arrays(at, x)))


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_is_along_its_axis(axis: int) -> None:
    at = floats()
    exps = np.exp(arrays(at, B))
    np.testing.assert_allclose(arrays(at, softmax(B, axis)), exps / exps.sum(axis=axis, keepdims=True))


@pytest.mark.parametrize("text", ["kron(A, B)*vec(C)", "eps_ijk u_j v_k", "vec(A)*y'"])
def test_groups_of_axes_and_levi_civita(text: str) -> None:
    let = ["A: matrix(m, m)", "B: matrix(n, p)", "C: matrix(p, m)", "u, v: vector(3)", "y: vector(n)"]
    answer = indexcalc.simplify(text, let=let)
    at = floats()
    shapes = {"A": ("m", "m"), "B": ("n", "p"), "C": ("p", "m"), "u": (3,), "v": (3,), "y": ("n",)}
    values = point(at, shapes)
    np.testing.assert_allclose(arrays(at, answer.derivation.derivative), evaluate(answer, values), rtol=1e-12)


def test_every_kind_of_node_has_a_rule() -> None:
    def kinds(kind: type[Node]) -> set[type[Node]]:
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    abstract = {"Node", "MatrixFunction"}
    assert {kind.__name__ for kind in kinds(Node)} - abstract == {kind.__name__ for kind in RULES}


# ---------------------------------------------------------------------- modulo a prime
@pytest.mark.parametrize("prime", PRIMES)
def test_primes_have_the_form_that_roots_need(prime: int) -> None:
    assert prime % 12 == 11
    assert all(pow(base, (prime - 1) // 2, prime) == 1 for base in (2, 3, 5, 7, 11, 13, 17, 19))
    assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11, 13))


@FUZZ
@given(questions())
def test_values_modulo_a_prime_are_the_same_in_another_order(question: tuple[Expression, str]) -> None:
    """d f = sum over k of the k-th direction: the Jacobian times a vector is linear."""
    found, wrt = question
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let)
    at = residues()
    try:
        jacobian = at.value(answer.derivation.derivative)
        pulled = at.value(answer.derivation.pullback_node)
    except ZeroDivisionError:
        return
    if not found.shape:
        assert pulled == jacobian
        return
    g = at.value(variable(answer.cotangent, found.shape))
    n = len(pulled)
    want = [sum(g[i] * jacobian[n * i + k] for i in range(len(g))) % PRIMES[0] for k in range(n)]
    assert pulled == want


@pytest.mark.parametrize("name", sorted(RESIDUES))
def test_parity_holds_modulo_a_prime(name: str) -> None:
    field, function = Residues(PRIMES[0]), BY_NAME[name]
    for u in (5, 12345678901234567, PRIMES[0] - 99):
        here, there = field.apply(function, [u, -u % PRIMES[0]])
        if function.parity:
            assert (here - function.parity * there) % PRIMES[0] == 0


@pytest.mark.parametrize(
    "zero",
    [
        "sin(x).^2 + cos(x).^2 - ones(m)",
        "sigmoid(-x) + sigmoid(x) - ones(m)",
        "cosh(x).^2 - sinh(x).^2 - ones(m)",
        "tanh(x) - sinh(x) ./ cosh(x)",
        "tan(x) - sin(x) ./ cos(x)",
        "abs(x) - x .* sign(x)",
        "relu(x) - relu(-x) - x",
        "erf(x) + erfc(x) - ones(m)",
        "log(exp(x) + ones(m)) - softplus(x)",
        "log1p(x) - log(x + ones(m))",
        "expm1(x) - exp(x) + ones(m)",
        "x.^(1/3) .* x.^(2/3) - x",
        "x.^(3/2) - x .* sqrt(x)",
        "softmax(x) - exp(x)/sum(exp(x))",
        "log(x) + log(1 ./ x)",
        "asin(x) + acos(x) - 1/2*pi*ones(m)",
    ],
)
def test_laws_hold_modulo_a_prime(zero: str) -> None:
    at = residues()
    assert not any(at.value(indexcalc.simplify(zero, let=["x: vector(m)"]).derivation.derivative))


@pytest.mark.parametrize("wrong", ["abs(c) - c", "sign(c) - 1", "sqrt(c^2) - c", "sqrt(c^2) + c", "relu(c) - c"])
def test_a_choice_of_sign_proves_nothing(wrong: str) -> None:
    """The value of no function is one of two: else chance would decide."""
    for prime in PRIMES:
        for key in range(20):
            at = Evaluation(Residues(prime), SIZES, {}, key)
            c = at.value(variable("c", ()))
            field = at.arithmetic
            root = field.power(field.power(c, 2), Fraction(1, 2))[0]
            values = {name: field.apply(BY_NAME[name], c)[0] for name in ("abs", "sign", "relu")}
            differences = {
                "abs(c) - c": values["abs"] - c[0],
                "sign(c) - 1": values["sign"] - 1,
                "sqrt(c^2) - c": root - c[0],
                "sqrt(c^2) + c": root + c[0],
                "relu(c) - c": values["relu"] - c[0],
            }
            assert differences[wrong] % prime


@pytest.mark.parametrize("prime", PRIMES)
def test_inverse_and_determinant(prime: int) -> None:
    field = Residues(prime)
    for n in (1, 2, 3, 4):
        a, b = field.draw(1, n * n, False), field.draw(2, n * n, False)
        product_ = contraction([a, b], ((0, 1), (1, 2)), (0, 2), (n, n, n), field)
        assert determinant(field, product_, n) == determinant(field, a, n) * determinant(field, b, n) % prime
        eye = contraction([a, inverse(field, a, n)], ((0, 1), (1, 2)), (0, 2), (n, n, n), field)
        assert eye == [int(i == j) for i, j in product(range(n), repeat=2)]


def test_a_singular_matrix_has_no_inverse() -> None:
    for by in (Floats(), Residues(PRIMES[0])):
        rank_one = [by.number(k) for k in (1, 2, 2, 4)]
        assert determinant(by, rank_one, 2) == 0
        with pytest.raises(ZeroDivisionError):
            inverse(by, rank_one, 2)


# ---------------------------------------------------------------------- kinds
@pytest.mark.parametrize("at", [floats(), residues()], ids=["floats", "residues"])
@pytest.mark.parametrize("kind", ["symmetric", "skew", "spd", "diagonal", "orthogonal", "positive"])
def test_variables_are_of_their_kinds(at: Evaluation, kind: str) -> None:
    node = structured("S", ("m", "m"), (kind,))
    entries = at.value(node)
    n, p = SIZES["m"], getattr(at.arithmetic, "prime", 0)
    turned = [entries[n * j + i] for i, j in product(range(n), repeat=2)]
    gram = contraction([entries, entries], ((0, 1), (0, 2)), (1, 2), (n, n, n), at.arithmetic)
    eye = [float(i == j) for i, j in product(range(n), repeat=2)]
    match kind:
        case "symmetric" | "spd":
            assert entries == turned
        case "skew":
            assert not any(at.arithmetic.reduced([a + b for a, b in zip(entries, turned, strict=True)]))
        case "diagonal":
            assert [bool(v) for v in entries] == [bool(v) for v in eye]
        case "orthogonal":
            assert gram == (eye if p else pytest.approx(eye))
        case "positive":
            assert p or min(entries) > 0
    if kind == "spd" and not p:
        assert min(np.linalg.eigvalsh(np.array(entries).reshape(n, n))) > 0


def test_a_variable_and_its_twin_have_one_value() -> None:
    at = Evaluation(Floats(), SIZES, {"S": ("symmetric",)})
    assert at.value(variable("S", ("m", "m"))) == at.value(structured("S", ("m", "m"), ("symmetric",)))


def test_values_are_the_same_in_every_run() -> None:
    assert floats().value(x) == floats().value(x)
    assert residues().value(apply(BY_NAME["exp"], x)) == residues().value(apply(BY_NAME["exp"], x))
    assert floats().value(x) != Evaluation(Floats(), SIZES, {}, 1).value(x)


def test_large_declared_sizes_are_refused() -> None:
    with pytest.raises(TooLarge):
        floats().value(variable("W", (300, 200)))
    with pytest.raises(TooLarge):
        floats().value(add([(1, transpose(ones((300, 200))))]))
