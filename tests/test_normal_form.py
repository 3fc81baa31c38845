"""The normal form of random products and sums: it keeps the value, and equal tensors are one node."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexcalc.tensor.elementwise import Apply, apply
from indexcalc.tensor.functions import BY_NAME
from indexcalc.tensor.matrix_functions import (
    Determinant,
    Inverse,
    LogDeterminant,
    Softmax,
    inverse,
    softmax,
)
from indexcalc.tensor.nodes import Labels, Node, Number, Shape, Size, Variable, descendants, number, size, variable
from indexcalc.tensor.product import Einsum, Factor, Power, einsum, ones, power, transpose
from indexcalc.tensor.sums import Sum, add, scale

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
SIGNS = [(1, 1), (1, 2), (-1, -2), (3, 1)]
TIED = [(1, -1), (1, -2), (-3, 1)]
SIZES = {"n": 3, "m": 2}
VALUES: dict[str, np.ndarray] = {}

# ---------------------------------------------------------------------- values of nodes


def _variable_value(node: Variable) -> np.ndarray:
    """Positive, so that roots have values; the same in every test."""
    shape = [SIZES[d] if isinstance(d, str) else d for d in node.shape]
    key = f"{node.name}{shape}"
    if key not in VALUES:
        VALUES[key] = np.random.default_rng(list(key.encode())).uniform(0.5, 1.5, shape)
    return VALUES[key]


def value(root: Node) -> np.ndarray:
    """What a node is as an array."""
    made: dict[Node, np.ndarray] = {}
    for node in descendants([root]):
        made[node] = np.asarray(_value(node, [made[child] for child in node.children]), dtype=float)
    return made[root]


def _value(node: Node, parts: Sequence[np.ndarray]) -> np.ndarray | float:
    match node:
        case Variable():
            return _variable_value(node)
        case Number():
            return float(node.value)
        case Size():
            return SIZES[node.symbol]
        case Einsum():
            factors = list(zip(parts, node.subscripts, strict=True))
            return float(node.coefficient) * contracted(factors, node.output, dict(enumerate(node.sizes)))
        case Sum():
            return np.sum([float(c) * part for c, part in zip(node.coefficients, parts, strict=True)], axis=0)
        case Apply():
            return np.vectorize(lambda u: node.function.value(float(u)), otypes=[float])(parts[0])
        case Power():
            return parts[0] ** (parts[1] if node.exponent is None else float(node.exponent))
        case Inverse():
            return np.linalg.inv(parts[0])
        case Determinant():
            return float(np.linalg.det(parts[0]))
        case LogDeterminant():
            return float(np.linalg.slogdet(parts[0])[1])
        case Softmax():
            return np.exp(parts[0]) / np.exp(parts[0]).sum(axis=node.axis, keepdims=True)
    raise TypeError(node)


def contracted(factors: Sequence[tuple[np.ndarray, Labels]], output: Labels, sizes: dict[int, str | int]) -> np.ndarray:
    """A product by NumPy's einsum alone: eye for a repeated label of the output, ones for a new one."""
    length = {x: SIZES[d] if isinstance(d, str) else d for x, d in sizes.items()}
    length |= {x: n for part, labels in factors for x, n in zip(labels, part.shape, strict=True)}
    operands = [*factors, *[(np.ones(n), (x,)) for x, n in length.items()]]
    axes: list[int] = []
    for label in output:
        axes.append(label if label not in axes else max([*length, *axes]) + 1)
        if axes[-1] != label:
            operands.append((np.eye(length[label]), (label, axes[-1])))
    if not operands:
        return np.array(1.0)
    arguments = [x for part, labels in operands for x in (part, list(labels))]
    return np.asarray(np.einsum(*arguments, axes, optimize=True))


# ---------------------------------------------------------------------- random products


class Recipe(NamedTuple):
    """A product before it is put into normal form."""

    coefficient: int
    factors: list[Factor]
    output: Labels
    sizes: dict[int, str | int]

    def node(self) -> Node:
        return einsum(self.coefficient, self.factors, self.output, self.sizes)


def _sizes(labels: Sequence[int]) -> Shape:
    """Labels below 4 have size n, the others m."""
    return tuple("n" if label < 4 else "m" for label in labels)


def _symmetric(name: str) -> Node:
    """An operand that is symmetric by construction and does not come apart."""
    root = variable(name, ("n", "n"))
    return apply(BY_NAME["atan"], add([(1, root), (1, transpose(root))]))


@st.composite
def leaves(draw: st.DrawFn, shape: Shape) -> Node:
    stem = draw(st.sampled_from("ab" if len(shape) != 1 else "xyz"))
    if shape == ("n", "n") and draw(st.integers(0, 3)) == 0:
        return _symmetric("S")
    return variable(f"{stem}{''.join(map(str, shape))}", shape)


@st.composite
def operands(draw: st.DrawFn, shape: Shape, depth: int) -> Node:
    """A node of this shape: a variable, or something made of smaller products."""
    if not depth or draw(st.integers(0, 2)):
        return draw(leaves(shape))
    kind = draw(st.sampled_from(["function", "square", "root", "sum", "product", "transposed"]))
    inner = draw(operands(shape, depth - 1))
    if kind == "function":
        return apply(BY_NAME[draw(st.sampled_from(["tanh", "sigmoid", "atan", "abs"]))], inner)
    if kind == "square":
        return power(inner, draw(st.sampled_from([2, 3])))
    if kind == "root":
        return power(draw(leaves(shape)), draw(st.sampled_from([-1, -2])))
    if kind == "sum":
        signs = draw(st.sampled_from(SIGNS if len(shape) > 1 else SIGNS + TIED))
        return add(zip(signs, [inner, draw(operands(shape, depth - 1))], strict=True))
    if kind == "transposed" and len(shape) == 2:
        return transpose(draw(operands(shape[::-1], depth - 1)))
    labels = _with_shape(shape)
    other = draw(products(depth - 1))
    return einsum(1, [(inner, labels), (einsum(1, other.factors, (), other.sizes), ())], labels)


def _with_shape(shape: Shape) -> Labels:
    free = {"n": iter(range(4)), "m": iter(range(4, 8))}
    return tuple(next(free[str(d)]) for d in shape)


@st.composite
def products(draw: st.DrawFn, depth: int = 2) -> Recipe:
    pool = draw(st.sampled_from([[0, 1, 4], [0, 1, 2, 4, 5], [0, 1], [0, 1, 2, 3, 4, 5]]))
    factors: list[Factor] = []
    for _ in range(draw(st.integers(0, 5))):
        rank = draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))
        labels = tuple(draw(st.sampled_from(pool)) for _ in range(rank))
        factors.append((draw(operands(_sizes(labels), depth)), labels))
    output = tuple(draw(st.lists(st.sampled_from(pool), max_size=3)))
    coefficient = draw(st.sampled_from([1, 1, 1, -1, 2, -3]))
    return Recipe(coefficient, factors, output, dict(zip(output, _sizes(output), strict=True)))


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-8, atol=1e-8 * max(1.0, float(np.abs(b).max()))))


@given(products())
@FUZZ
def test_product_keeps_the_value(recipe: Recipe) -> None:
    parts = [(value(node), labels) for node, labels in recipe.factors]
    want = recipe.coefficient * contracted(parts, recipe.output, recipe.sizes)
    assert _close(value(recipe.node()), want)


@given(st.lists(st.tuples(st.sampled_from([-2, -1, 1, 1, 3]), operands(("n", "n"), 3)), min_size=1, max_size=5))
@FUZZ
def test_sum_keeps_the_value(terms: list[tuple[int, Node]]) -> None:
    assert _close(value(add(terms)), np.sum([c * value(node) for c, node in terms], axis=0))


@given(products())
@FUZZ
def test_normal_form_is_idempotent(recipe: Recipe) -> None:
    for node in descendants([recipe.node()]):
        assert node.rebuilt(node.children) is node


@given(products(), st.randoms(use_true_random=False))
@FUZZ
def test_product_does_not_depend_on_the_order_of_factors(recipe: Recipe, random: Random) -> None:
    shuffled = random.sample(recipe.factors, len(recipe.factors))
    assert recipe._replace(factors=shuffled).node() is recipe.node()


@given(products(), st.permutations(range(10, 18)))
@FUZZ
def test_product_does_not_depend_on_the_names_of_labels(recipe: Recipe, names: list[int]) -> None:
    def renamed(labels: Labels) -> Labels:
        return tuple(names[label] for label in labels)

    factors = [(node, renamed(labels)) for node, labels in recipe.factors]
    sizes = {names[label]: d for label, d in recipe.sizes.items()}
    assert Recipe(recipe.coefficient, factors, renamed(recipe.output), sizes).node() is recipe.node()


@given(products(), st.data())
@FUZZ
def test_product_does_not_depend_on_association(recipe: Recipe, data: st.DataObject) -> None:
    first, second = _split(recipe, data)
    inside = {label for _, labels in first for label in labels}
    outside = {label for _, labels in second for label in labels} | set(recipe.output)
    kept = tuple(sorted(inside & outside))
    inner = einsum(1, first, kept)
    assert einsum(recipe.coefficient, [(inner, kept), *second], recipe.output, recipe.sizes) is recipe.node()


def _split(recipe: Recipe, data: st.DataObject) -> tuple[list[Factor], list[Factor]]:
    sides = [data.draw(st.booleans()) for _ in recipe.factors]
    chosen = list(zip(recipe.factors, sides, strict=True))
    return [f for f, side in chosen if side], [f for f, side in chosen if not side]


@given(products(), st.permutations(range(3)))
@FUZZ
def test_permuted_axes_come_back(recipe: Recipe, order: list[int]) -> None:
    node = recipe.node()
    order = [axis for axis in order if axis < len(node.shape)]
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    turned = einsum(1, [(node, tuple(range(len(order))))], tuple(order))
    assert einsum(1, [(turned, tuple(range(len(order))))], back) is node


@given(st.lists(st.tuples(st.sampled_from([-2, -1, 1, 3]), operands(("n", "m"), 3)), min_size=2, max_size=5), st.data())
@FUZZ
def test_sum_does_not_depend_on_order_and_association(terms: list[tuple[int, Node]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(terms))
    cut = data.draw(st.integers(1, len(terms) - 1))
    assert add(shuffled) is add(terms)
    assert add([(2, scale(1, add(terms[:cut]))), *[(2 * c, node) for c, node in terms[cut:]]]) is scale(2, add(terms))


@given(operands(("n", "n"), 3))
@FUZZ
def test_a_node_minus_itself_is_zero(node: Node) -> None:
    assert add([(1, node), (-1, node)]) is scale(0, node)
    assert transpose(transpose(node)) is node


# ---------------------------------------------------------------------- identities

A, B, S = variable("A", ("n", "n")), variable("B", ("n", "n")), _symmetric("S")
R = variable("R", ("m", "n"))
X, Y, T = variable("x", ("n",)), variable("y", ("n",)), variable("t", ())
M, V = (0, 1), (0,)


def _matmul(*nodes: Node) -> Node:
    """The matrix product; vectors are columns at the end and rows at the beginning."""
    factors: list[Factor] = []
    label = 0
    for node in nodes:
        if len(node.shape) == 2:
            factors.append((node, (label, label + 1)))
            label += 1
        else:
            factors.append((node, (label,)))
    ends = ((0,) if len(nodes[0].shape) == 2 else ()) + ((label,) if len(nodes[-1].shape) == 2 else ())
    return einsum(1, factors, ends)


def _trace(*nodes: Node) -> Node:
    return einsum(1, [(node, (k, (k + 1) % len(nodes))) for k, node in enumerate(nodes)], ())


def _plus(*nodes: Node) -> Node:
    return add([(1, node) for node in nodes])


def _function(name: str, node: Node) -> Node:
    return apply(BY_NAME[name], node)


def _times(*nodes: Node) -> Node:
    labels = tuple(range(len(nodes[0].shape)))
    return einsum(1, [(node, labels) for node in nodes], labels)


def _scaled(scalar: Node, node: Node) -> Node:
    labels = tuple(range(len(node.shape)))
    return einsum(1, [(scalar, ()), (node, labels)], labels)


IDENTITIES: dict[str, tuple[Callable[[], Node], Callable[[], Node]]] = {
    "tr(AB) = tr(BA)": (lambda: _trace(A, B), lambda: _trace(B, A)),
    "tr(ABS) = tr(SAB)": (lambda: _trace(A, B, S), lambda: _trace(S, A, B)),
    "tr(ABS) = tr(SB'A')": (lambda: _trace(A, B, S), lambda: _trace(S, transpose(B), transpose(A))),
    "tr(A') = tr(A)": (lambda: _trace(transpose(A)), lambda: _trace(A)),
    "tr(A + B) = tr(A) + tr(B)": (lambda: _trace(_plus(A, B)), lambda: _plus(_trace(A), _trace(B))),
    "tr(I) = n": (lambda: _trace(einsum(1, (), (0, 0), {0: "n"})), lambda: size("n")),
    "tr(AB') = sum(A .* B)": (
        lambda: _trace(A, transpose(B)),
        lambda: einsum(1, [(_times(A, B), M)], ()),
    ),
    "tr(xy') = x'y": (lambda: _trace(einsum(1, [(X, (0,)), (Y, (1,))], M)), lambda: _matmul(X, Y)),
    "tr(A)tr(A) = tr(A)^2": (lambda: _times(_trace(A), _trace(A)), lambda: power(_trace(A), 2)),
    "tr(A)^2/tr(A) = tr(A)": (lambda: _times(power(_trace(A), 2), power(_trace(A), -1)), lambda: _trace(A)),
    "x'y = y'x": (lambda: _matmul(X, Y), lambda: _matmul(Y, X)),
    "x'x = sum(x.^2)": (lambda: _matmul(X, X), lambda: einsum(1, [(power(X, 2), V)], ())),
    "(x'x)(x'x) = (x'x)^2": (
        lambda: einsum(1, [(X, (0,)), (X, (0,)), (X, (1,)), (X, (1,))], ()),
        lambda: power(_matmul(X, X), 2),
    ),
    "sqrt(x'x)^2 = x'x": (lambda: power(power(_matmul(X, X), Fraction(1, 2)), 2), lambda: _matmul(X, X)),
    "x'Ax = x'A'x": (lambda: _matmul(X, A, X), lambda: _matmul(X, transpose(A), X)),
    "x'Ay = y'A'x": (lambda: _matmul(X, A, Y), lambda: _matmul(Y, transpose(A), X)),
    "x'Sy = y'Sx": (lambda: _matmul(X, S, Y), lambda: _matmul(Y, S, X)),
    "x'(Ay) = (A'x)'y": (
        lambda: _matmul(X, _matmul(A, Y)),
        lambda: _matmul(_matmul(transpose(A), X), Y),
    ),
    "sum(Ax) = ones'Ax": (lambda: einsum(1, [(_matmul(A, X), V)], ()), lambda: _matmul(ones(("n",)), A, X)),
    "(AB)' = B'A'": (lambda: transpose(_matmul(A, B)), lambda: _matmul(transpose(B), transpose(A))),
    "(A + B)' = A' + B'": (lambda: transpose(_plus(A, B)), lambda: _plus(transpose(A), transpose(B))),
    "inv(A)' = inv(A')": (lambda: transpose(inverse(A)), lambda: inverse(transpose(A))),
    "inv(inv(A)) = A": (lambda: inverse(inverse(A)), lambda: A),
    "inv(AB) = inv(B)inv(A)": (lambda: inverse(_matmul(A, B)), lambda: _matmul(inverse(B), inverse(A))),
    "inv(2A) = inv(A)/2": (lambda: scale(2, inverse(scale(2, A))), lambda: inverse(A)),
    "tanh(A') = tanh(A)'": (lambda: _function("tanh", transpose(A)), lambda: transpose(_function("tanh", A))),
    "tanh(-A) = -tanh(A)": (lambda: _function("tanh", scale(-1, A)), lambda: scale(-1, _function("tanh", A))),
    "cos(x - y) = cos(y - x)": (
        lambda: _function("cos", add([(1, X), (-1, Y)])),
        lambda: _function("cos", add([(1, Y), (-1, X)])),
    ),
    "exp of ones = ones of exp": (lambda: _function("exp", ones(("n",))), lambda: scale(1, _exp_ones())),
    "A .* B = B .* A": (lambda: _times(A, B), lambda: _times(B, A)),
    "A .* A = A.^2": (lambda: _times(A, A), lambda: power(A, 2)),
    "(tA).^2 = t^2 A.^2": (
        lambda: power(einsum(1, [(T, ()), (A, M)], M), 2),
        lambda: einsum(1, [(power(T, 2), ()), (power(A, 2), M)], M),
    ),
    "(x/t + y/t)'x = (x + y)'x/t": (
        lambda: _matmul(_plus(_scaled(power(T, -1), X), _scaled(power(T, -1), Y)), X),
        lambda: _scaled(power(T, -1), _matmul(_plus(X, Y), X)),
    ),
    "(1 + x'x/t)tx = (t + x'x)x": (
        lambda: _scaled(_times(_plus(number(1), _scaled(power(T, -1), _matmul(X, X))), T), X),
        lambda: _scaled(_plus(T, _matmul(X, X)), X),
    ),
    "Diag(x)Diag(y) = Diag(x .* y)": (
        lambda: _matmul(einsum(1, [(X, V)], (0, 0)), einsum(1, [(Y, V)], (0, 0))),
        lambda: einsum(1, [(_times(X, Y), V)], (0, 0)),
    ),
    "diag(Diag(x)) = x": (lambda: einsum(1, [(einsum(1, [(X, V)], (0, 0)), (0, 0))], V), lambda: X),
    "diag(AB) = (A .* B')ones": (
        lambda: einsum(1, [(A, (0, 1)), (B, (1, 0))], V),
        lambda: einsum(1, [(_times(A, transpose(B)), M)], V),
    ),
    "I A = A": (lambda: _matmul(einsum(1, (), (0, 0), {0: "n"}), A), lambda: A),
    "inv(A)A = I": (lambda: _matmul(inverse(A), A), lambda: einsum(1, (), (0, 0), {0: "n"})),
    "A + A = 2A": (lambda: _plus(A, A), lambda: scale(2, A)),
    "softmax of ones = ones/n": (
        lambda: softmax(ones(("n",)), 0),
        lambda: einsum(1, [(power(size("n"), -1), ())], V, {0: "n"}),
    ),
}


def _exp_ones() -> Node:
    return einsum(1, [(_function("exp", number(1)), ())], V, {0: "n"})


@pytest.mark.parametrize("identity", IDENTITIES)
def test_both_sides_are_one_node(identity: str) -> None:
    left, right = IDENTITIES[identity]
    assert left() is right()


SYMMETRIC: dict[str, Callable[[], Node]] = {
    "A + A'": lambda: _plus(A, transpose(A)),
    "AA'": lambda: _matmul(A, transpose(A)),
    "R'R": lambda: _matmul(transpose(R), R),
    "S": lambda: _symmetric("S"),
    "A'SA": lambda: _matmul(transpose(A), S, A),
    "RSR'": lambda: _matmul(R, S, transpose(R)),
    "xx'": lambda: einsum(1, [(X, (0,)), (X, (1,))], M),
    "xy' + yx'": lambda: _plus(einsum(1, [(X, (0,)), (Y, (1,))], M), einsum(1, [(X, (1,)), (Y, (0,))], M)),
    "Diag(x)": lambda: einsum(1, [(X, V)], (0, 0)),
    "inv(S)": lambda: inverse(_symmetric("S")),
    "inv(A + A')": lambda: inverse(_plus(A, transpose(A))),
    "tanh(A + A')": lambda: _function("tanh", _plus(A, transpose(A))),
    "S.^2": lambda: power(_symmetric("S"), 2),
    "A .* A'": lambda: _times(A, transpose(A)),
    "S .* xx'": lambda: einsum(1, [(S, M), (X, (0,)), (X, (1,))], M),
    "Diag(x) S Diag(x)": lambda: _matmul(einsum(1, [(X, V)], (0, 0)), S, einsum(1, [(X, V)], (0, 0))),
    "S(A + A')S": lambda: _matmul(S, _plus(A, transpose(A)), S),
    "x + x' broadcast": lambda: _plus(
        einsum(1, [(X, (0,))], M, {1: "n"}),
        einsum(1, [(X, (1,))], M, {0: "n"}),
    ),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_transpose_of_a_symmetric_matrix_is_itself(name: str) -> None:
    node = SYMMETRIC[name]()
    assert transpose(node) is node


@pytest.mark.parametrize(
    "node",
    [A, _matmul(A, S), _matmul(A, B), add([(1, A), (-1, transpose(A))]), _matmul(S, A, S), inverse(A)],
    ids=["A", "AS", "AB", "A - A'", "SAS", "inv(A)"],
)
def test_transpose_of_another_matrix_is_another_node(node: Node) -> None:
    assert transpose(node) is not node


def test_transpose_of_a_skew_matrix_is_its_negative() -> None:
    skew = add([(1, A), (-1, transpose(A))])
    assert transpose(skew) is scale(-1, skew)
    assert transpose(power(skew, 2)) is power(skew, 2)


def test_answers_do_not_depend_on_the_hash_seed() -> None:
    script = (
        "import indexcalc\n"
        "for text, wrt in [('tanh(W*x + b)', 'W'), ('tr(A*X\\'*B*X*C)', 'X'), ('log(det(A*X*A\\' + B))', 'X'),\n"
        "                  ('norm2(A*x - b)^2/(x\\'*x)', 'x'), ('A_ij X_jk B_kl X_lm C_mi', 'X')]:\n"
        "    answer = indexcalc.diff(text, wrt=wrt)\n"
        "    print(answer.to_dict(), answer.to_code('numpy', with_value=True))\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert printed.pop().count("'ok': True") == 5
