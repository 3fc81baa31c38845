"""Random well-shaped expressions, with what they mean in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

SIZES = {"m": 3, "n": 4, "p": 2}
ELEMENTWISE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "softplus": lambda u: np.log1p(np.exp(u)),
    "atan": np.arctan,
}
Shape = tuple[str, ...]
Value = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass
class Expression:
    """Matrix text, its meaning, and its kind: "s", "c" (column) or "M" with its sizes."""

    text: str
    value: Value
    shape: Shape
    variables: dict[str, Shape] = field(default_factory=dict)

    @property
    def let(self) -> list[str]:
        kinds = ("scalar", "vector", "matrix", "tensor")
        return [f"{name}: {kinds[len(s)]}" + (f"({', '.join(s)})" if s else "") for name, s in self.variables.items()]


def values(variables: dict[str, Shape], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: 0.7 * rng.standard_normal([SIZES[d] for d in shape]) for name, shape in sorted(variables.items())}


def _name(shape: Shape) -> st.SearchStrategy[str]:
    stems = {0: "cdgt", 1: "xyzuv", 2: "ABCWX"}[len(shape)]
    suffix = "".join(shape)  # a name has one shape wherever it stands
    return st.sampled_from([stem + suffix for stem in stems])


@st.composite
def leaf(draw: st.DrawFn, shape: Shape) -> Expression:
    name = draw(_name(shape))
    return Expression(name, lambda v: v[name], shape, {name: shape})


def _merge(text: str, value: Value, shape: Shape, *parts: Expression) -> Expression:
    variables: dict[str, Shape] = {}
    for part in parts:
        variables |= part.variables
    return Expression(text, value, shape, variables)


sizes = st.sampled_from(sorted(SIZES))


@st.composite
def expression(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    """A random expression of this shape."""
    if depth == 0:
        return draw(leaf(shape))
    rule = draw(st.sampled_from(RULES[len(shape)]))
    return draw(rule(shape, depth))


@st.composite
def add(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression(shape, depth - 1)), draw(expression(shape, depth - 1))
    sign = draw(st.sampled_from("+-"))
    factor = draw(st.sampled_from([1, 1, 2, 3]))
    text = f"({a.text} {sign} {factor}*{b.text})" if factor > 1 else f"({a.text} {sign} {b.text})"
    k = factor if sign == "+" else -factor
    return _merge(text, lambda v: a.value(v) + k * b.value(v), shape, a, b)


@st.composite
def scaled(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression((), depth - 1)), draw(expression(shape, depth - 1))
    return _merge(f"({a.text}*{b.text})", lambda v: a.value(v) * b.value(v), shape, a, b)


@st.composite
def quotient(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression(shape, depth - 1)), draw(expression((), depth - 1))
    return _merge(f"({a.text}/(2 + {b.text}^2))", lambda v: a.value(v) / (2 + b.value(v) ** 2), shape, a, b)


@st.composite
def hadamard(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression(shape, depth - 1)), draw(expression(shape, depth - 1))
    return _merge(f"({a.text} .* {b.text})", lambda v: a.value(v) * b.value(v), shape, a, b)


@st.composite
def apply(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression(shape, depth - 1))
    name = draw(st.sampled_from(sorted(ELEMENTWISE)))
    return _merge(f"{name}({a.text})", lambda v: ELEMENTWISE[name](a.value(v)), shape, a)


@st.composite
def square(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression(shape, depth - 1))
    k = draw(st.sampled_from([2, 3]))
    return _merge(f"(({a.text}).^{k})", lambda v: a.value(v) ** k, shape, a)


@st.composite
def product(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    inner = draw(sizes)
    a, b = draw(expression((shape[0], inner), depth - 1)), draw(expression((inner, *shape[1:]), depth - 1))
    return _merge(f"({a.text}*{b.text})", lambda v: a.value(v) @ b.value(v), shape, a, b)


@st.composite
def transpose(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression(shape[::-1], depth - 1))
    return _merge(f"{a.text}'", lambda v: a.value(v).T, shape, a)


@st.composite
def outer(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression(shape[:1], depth - 1)), draw(expression(shape[1:], depth - 1))
    return _merge(f"({a.text}*{b.text}')", lambda v: np.outer(a.value(v), b.value(v)), shape, a, b)


@st.composite
def scaled_rows(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a, b = draw(expression(shape[:1], depth - 1)), draw(expression(shape, depth - 1))
    return _merge(f"(diag({a.text})*{b.text})", lambda v: a.value(v)[:, None] * b.value(v), shape, a, b)


@st.composite
def row_sums(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    inner = draw(sizes)
    a = draw(expression((shape[0], inner), depth - 1))
    return _merge(f"({a.text}*ones({inner}))", lambda v: a.value(v).sum(axis=1), shape, a)


@st.composite
def diagonal(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression(shape * 2, depth - 1))
    return _merge(f"diag({a.text})", lambda v: np.diag(a.value(v)), shape, a)


@st.composite
def softmax(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression(shape, depth - 1))
    return _merge(f"softmax({a.text})", lambda v: np.exp(a.value(v)) / np.exp(a.value(v)).sum(), shape, a)


@st.composite
def inverse(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression((shape[0], shape[0]), depth - 1))
    b = draw(expression(shape, depth - 1))
    n = shape[0]
    text = f"(inv(9*eye({n}) + {a.text})*{b.text})"
    return _merge(text, lambda v: np.linalg.solve(9 * np.eye(SIZES[n]) + a.value(v), b.value(v)), shape, a, b)


@st.composite
def dot(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    inner = (draw(sizes),)
    a, b = draw(expression(inner, depth - 1)), draw(expression(inner, depth - 1))
    return _merge(f"({a.text}'*{b.text})", lambda v: a.value(v) @ b.value(v), (), a, b)


@st.composite
def total(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    inner = draw(st.one_of(st.tuples(sizes), st.tuples(sizes, sizes)))
    a = draw(expression(inner, depth - 1))
    function, value = draw(
        st.sampled_from(
            [
                ("sum", np.sum),
                ("mean", np.mean),
                ("norm2", lambda z: np.sqrt((z**2).sum())),
            ]
        )
    )
    return _merge(f"{function}({a.text})", lambda v: value(a.value(v)), (), a)


@st.composite
def trace(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    n, k = draw(sizes), draw(sizes)
    a, b = draw(expression((n, k), depth - 1)), draw(expression((k, n), depth - 1))
    return _merge(f"tr({a.text}*{b.text})", lambda v: np.trace(a.value(v) @ b.value(v)), (), a, b)


@st.composite
def contraction(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    inner = (draw(sizes), draw(sizes))
    a, b = draw(expression(inner, depth - 1)), draw(expression(inner, depth - 1))
    return _merge(f"({a.text} : {b.text})", lambda v: (a.value(v) * b.value(v)).sum(), (), a, b)


@st.composite
def log_determinant(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    n = draw(sizes)
    a = draw(expression((n, n), depth - 1))
    function = draw(st.sampled_from(["logdet", "det"]))
    value = (lambda z: np.linalg.slogdet(z)[1]) if function == "logdet" else np.linalg.det
    return _merge(f"{function}(eye({n}) + 1/9*{a.text})", lambda v: value(np.eye(SIZES[n]) + a.value(v) / 9), (), a)


@st.composite
def log_sum_exp(draw: st.DrawFn, shape: Shape, depth: int) -> Expression:
    a = draw(expression((draw(sizes),), depth - 1))
    return _merge(f"logsumexp({a.text})", lambda v: np.log(np.exp(a.value(v)).sum()), (), a)


COMMON = [add, add, scaled, quotient, hadamard, apply, apply, square]
RULES = {
    0: [*COMMON, dot, dot, total, trace, contraction, log_determinant, log_sum_exp],
    1: [*COMMON, product, product, product, row_sums, diagonal, softmax, inverse],
    2: [*COMMON, product, product, transpose, outer, scaled_rows, inverse],
}


@st.composite
def questions(draw: st.DrawFn, ranks: tuple[int, ...] = (0, 0, 1, 2), depth: int = 3) -> tuple[Expression, str]:
    """An expression and one of its variables."""
    rank = draw(st.sampled_from(ranks))
    shape = tuple(draw(sizes) for _ in range(rank))
    found = draw(expression(shape, draw(st.integers(1, depth))))
    return found, draw(st.sampled_from(sorted(found.variables)))


# ---------------------------------------------------------------------- index notation
LETTERS = {"i": "m", "j": "m", "k": "n", "l": "n", "q": "p"}
Indexed = tuple[str, Callable[[dict[str, np.ndarray]], np.ndarray], str]
"""Index text, its array, and the letters of the array's axes."""


@st.composite
def entry(draw: st.DrawFn, variables: dict[str, Shape]) -> Indexed:
    """``A_ij``, perhaps as an argument of a function or with an exponent."""
    letters = "".join(draw(st.lists(st.sampled_from(sorted(LETTERS)), min_size=1, max_size=3)))
    shape = tuple(LETTERS[letter] for letter in letters)
    name = draw(st.sampled_from("AB" if len(letters) > 1 else "xz")) + "".join(shape)
    variables[name] = shape
    text = f"{name}_{letters}"
    if len(set(letters)) < len(letters):  # f(A_ii) would be f of the trace
        return text, lambda v: v[name], letters
    match draw(st.integers(0, 5)):
        case 0:
            function = draw(st.sampled_from(sorted(ELEMENTWISE)))
            return f"{function}({text})", lambda v: ELEMENTWISE[function](v[name]), letters
        case 1:
            return f"{text}^2", lambda v: v[name] ** 2, letters
    return text, lambda v: v[name], letters


@st.composite
def product_of_entries(draw: st.DrawFn, variables: dict[str, Shape], kept: str) -> Indexed:
    """A product, summed over what it repeats and nobody keeps; perhaps with a function around it."""
    parts = draw(st.lists(entry(variables), min_size=1, max_size=3))
    counts = "".join(letters for _, _, letters in parts)
    free = "".join(x for x in dict.fromkeys(counts) if x in kept or counts.count(x) == 1)
    formula = ",".join(letters for _, _, letters in parts) + "->" + free

    def value(v: dict[str, np.ndarray]) -> np.ndarray:
        return np.einsum(formula, *[part(v) for _, part, _ in parts])

    text = " ".join(text for text, _, _ in parts)
    if draw(st.integers(0, 3)) == 0:
        function = draw(st.sampled_from(sorted(ELEMENTWISE)))
        return f"{function}({text})", lambda v: ELEMENTWISE[function](value(v)), free
    return text, value, free


@st.composite
def index_questions(draw: st.DrawFn) -> tuple[Expression, str]:
    """``R_ik = …`` and one of its variables: terms are summed over what is not kept, and broadcast to what is."""
    kept = "".join(draw(st.lists(st.sampled_from(sorted(LETTERS)), min_size=1, max_size=2, unique=True)))
    variables: dict[str, Shape] = {}
    terms = draw(st.lists(product_of_entries(variables, kept), min_size=1, max_size=2))
    assume(set(kept) <= set("".join(free for _, _, free in terms)))
    assume(len({frozenset(free) - set(kept) for _, _, free in terms}) == 1)  # else it is not clear which sum is meant
    shape = tuple(LETTERS[letter] for letter in kept)

    def value(v: dict[str, np.ndarray]) -> np.ndarray:
        total: np.ndarray = np.zeros([SIZES[d] for d in shape])
        for _, term, free in terms:
            missing = [x for x in kept if x not in free]
            ones = [np.ones(SIZES[LETTERS[x]]) for x in missing]
            total = total + np.einsum(",".join([free, *missing]) + "->" + kept, term(v), *ones)
        return total

    left = f"R_{kept}" if kept else "R"
    text = f"{left} = " + " + ".join(text for text, _, _ in terms)
    return Expression(text, value, shape, variables), draw(st.sampled_from(sorted(variables)))


def finite_differences(found: Expression, wrt: str, at: dict[str, np.ndarray], step: float = 1e-4) -> np.ndarray:
    """∂value/∂wrt by fourth-order central differences: the output's axes, then the variable's."""
    x = at[wrt]
    columns = []
    for place in np.ndindex(x.shape):
        total: np.ndarray | float = 0.0
        for weight, offset in ((-1 / 12, 2), (2 / 3, 1), (-2 / 3, -1), (1 / 12, -2)):
            moved = np.array(x, dtype=float)
            moved[place] += offset * step
            total = total + weight * np.asarray(found.value({**at, wrt: moved}))
        columns.append(np.asarray(total) / step)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + x.shape)
