"""tensor expression → its entries at one point, on small sizes, in pure Python.

The program checks every answer so before it prints it: without NumPy, which takes longer to load than a
derivative takes to find.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product, repeat
from operator import itemgetter, mul
from typing import Any, NamedTuple

from indexcalc.numeric.arithmetic import (
    Arithmetic,
    Value,
    determinant,
    inverse,
    seed,
)
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import Determinant, Inverse, LogDeterminant, Softmax
from indexcalc.tensor.nodes import Constant, Dimension, Labels, Node, Number, Shape, Size, Variable
from indexcalc.tensor.product import Einsum, Power
from indexcalc.tensor.structure import SYMMETRIC, Structured
from indexcalc.tensor.sums import Sum

LARGEST = 20_000
"""Entries that a tensor may have on the way."""


class TooLarge(ArithmeticError):
    """Declared sizes make an evaluation too long."""


class Evaluation:
    """The values of nodes at one point: random variables, the same for the same ``key``.

    ``sizes`` gives each size symbol a number, ``kinds`` what is known of a variable by its name.
    """

    def __init__(
        self, arithmetic: Arithmetic, sizes: Mapping[str, int], kinds: Mapping[str, tuple[str, ...]], key: int = 0
    ) -> None:
        self.arithmetic, self.sizes, self.kinds, self.key = arithmetic, sizes, kinds, key
        self.values: dict[Any, Value] = {}
        """Of nodes, and of steps of texts."""
        self._dimensions: dict[Dimension, int] = {}
        self._shapes: dict[Shape, tuple[int, ...]] = {}

    def dimension(self, dimension: Dimension) -> int:
        """A size as a number."""
        found = self._dimensions.get(dimension)
        if found is None:
            parts = str(dimension).split("*")
            found = math.prod([int(part) if part.isdigit() else self.sizes[part] for part in parts])
            self._dimensions[dimension] = found
        return found

    def shape(self, shape: Shape) -> tuple[int, ...]:
        found = self._shapes.get(shape)
        if found is None:
            found = self._shapes[shape] = tuple(map(self.dimension, shape))
        return found

    def value(self, root: Node) -> Value:
        """The entries of a node. Raises ArithmeticError or ValueError where it has none."""
        values = self.values
        stack = [] if root in values else [root]
        while stack:
            node = stack[-1]
            missing = [child for child in node.children if child not in values]
            if missing:
                stack += missing
                continue
            stack.pop()
            if node not in values:
                values[node] = RULES[type(node)](self, node, [values[child] for child in node.children])
        return values[root]

    def evaluate(self, nodes: Iterable[Node]) -> None:
        """Nodes with their children before them."""
        values = self.values
        for node in nodes:
            if node not in values:
                values[node] = RULES[type(node)](self, node, [values[child] for child in node.children])

    def moved(self, values: dict[Any, Value]) -> Evaluation:
        """The same point but for a variable: its value, and those that are kept of nodes that it does not reach."""
        other = Evaluation(self.arithmetic, self.sizes, self.kinds, self.key)
        other.values = values
        other._dimensions, other._shapes = self._dimensions, self._shapes
        return other

    # ------------------------------------------------------------------ variables
    def variable(self, name: str, shape: Shape, kinds: tuple[str, ...]) -> Value:
        """A random tensor of these kinds."""
        dimensions = self.shape(shape)
        count = math.prod(dimensions)
        if count > LARGEST:
            raise TooLarge
        positive = "positive" in kinds
        entries = self.arithmetic.draw(seed(name) ^ (self.key << 56), count, positive)
        square = set(kinds) - {"positive"}
        if not square:
            return entries
        n = dimensions[0]
        if positive and square & {"skew", "orthogonal"}:
            raise ValueError
        return self._square(entries, n, square)

    def _square(self, entries: Value, n: int, kinds: set[str]) -> Value:
        arithmetic = self.arithmetic
        zero = arithmetic.number(0)
        turned = [entries[n * j + i] for i in range(n) for j in range(n)]
        if "diagonal" in kinds:
            return [x if k % (n + 1) == 0 else zero for k, x in enumerate(entries)]
        if kinds & SYMMETRIC:
            both = arithmetic.reduced([a + b for a, b in zip(entries, turned, strict=True)])
            large = arithmetic.number(3 * n) if "spd" in kinds else zero
            return [x + large if k % (n + 1) == 0 else x for k, x in enumerate(both)]
        skew = arithmetic.reduced([a - b for a, b in zip(entries, turned, strict=True)])
        if "skew" in kinds:
            return skew
        one = arithmetic.number(1)
        eye = [one if k % (n + 1) == 0 else zero for k in range(n * n)]
        lower = inverse(arithmetic, [a + b for a, b in zip(eye, skew, strict=True)], n)
        upper = [a - b for a, b in zip(eye, skew, strict=True)]
        return contraction([upper, lower], ((0, 1), (1, 2)), (0, 2), (n, n, n), arithmetic)


# ---------------------------------------------------------------------- products
class Step(NamedTuple):
    """Takes operands out, by their places, gathers each in the order of the labels that they have, multiplies, and
    adds up ``length`` neighbours."""

    operands: tuple[tuple[int, Callable[[Value], Sequence[Any]] | None], ...]
    length: int


class Plan(NamedTuple):
    """How a product is worked out: steps, each of which appends an operand; then, where the output has repeated
    labels, the size of the result and where the entries go."""

    steps: tuple[Step, ...]
    spread: tuple[int, Sequence[int]] | None
    broadcast: int
    factor: int
    """Over labels that nothing has."""


def contraction(
    operands: Sequence[Value], subscripts: tuple[Labels, ...], output: Labels, dims: tuple[int, ...], by: Arithmetic
) -> Value:
    """The product of the operands, summed over every label that is not in ``output``."""
    if len(operands) == 1 and subscripts[0] == output and len(set(output)) == len(output) == len(dims):
        return operands[0]
    plan = _plan(subscripts, output, dims)
    stock: list[Any] = list(operands)
    for taken, length in plan.steps:
        parts = [stock[place] if gather is None else gather(stock[place]) for place, gather in taken]
        entries: Iterable[Any] = parts[0]
        for other in parts[1:]:
            entries = map(mul, entries, other)
        if length > 1:
            entries = map(sum, zip(*[iter(entries)] * length, strict=True))
        stock.append(list(entries) if len(parts) == length == 1 else by.reduced(entries))
    last: Value = stock[-1] if stock else [by.number(1)]
    if plan.factor != 1:
        last = by.reduced([plan.factor * x for x in last])
    if plan.broadcast > 1:
        last = last * plan.broadcast
    if plan.spread is None:
        return last
    size, at = plan.spread
    whole = [by.number(0)] * size
    for place, x in zip(at, last, strict=True):
        whole[place] = x
    return whole


@lru_cache(maxsize=10_000)
def _plan(subscripts: tuple[Labels, ...], output: Labels, dims: tuple[int, ...]) -> Plan:
    """Labels are summed one by one, the one first that leaves the smallest tensor. Kept as a compiled pattern is: a
    plan knows numbers only, and no tensors."""
    left = dict(enumerate(subscripts))
    steps: list[Step] = []
    kept = tuple(dict.fromkeys(output))
    used = {x for labels in subscripts for x in labels}
    summed = used.difference(kept)
    factor = math.prod([dims[x] for x in range(len(dims)) if x not in used and x not in kept])
    while summed:
        label, own = _cheapest(summed, left, dims)
        places = tuple([k for k, labels in left.items() if label in labels])
        steps.append(_step(places, left, (*own, label), dims, dims[label]))
        for place in places:
            del left[place]
        left[len(subscripts) + len(steps) - 1] = own
        summed.remove(label)
    broadcast = 1
    if left:
        labels = tuple([x for x in kept if x in used])
        missing = [x for x in kept if x not in used]
        tail = tuple(missing) == kept[: len(missing)]
        wanted = labels if tail else kept
        if list(left.values()) != [wanted]:
            steps.append(_step(tuple(left), left, wanted, dims, 1))
        broadcast = math.prod([dims[x] for x in missing]) if tail else 1
    else:
        broadcast = math.prod([dims[x] for x in kept])
    return Plan(tuple(steps), _spread(output, kept, dims), broadcast, factor)


def _cheapest(summed: Iterable[int], left: Mapping[int, Labels], dims: tuple[int, ...]) -> tuple[int, Labels]:
    """The label to sum over first, and the labels of what that leaves."""
    best: tuple[int, int, Labels] | None = None
    for label in summed:
        own = tuple(dict.fromkeys([y for labels in left.values() if label in labels for y in labels if y != label]))
        size = math.prod([dims[y] for y in own])
        if best is None or (size, label) < best[:2]:
            best = size, label, own
    assert best is not None
    return best[1:]


def _step(
    places: tuple[int, ...], operands: Mapping[int, Labels], labels: Labels, dims: tuple[int, ...], length: int
) -> Step:
    if math.prod([dims[x] for x in labels]) > LARGEST:
        raise TooLarge
    gathers = [None if operands[k] == labels else _gather(operands[k], labels, dims) for k in places]
    return Step(tuple(zip(places, gathers, strict=True)), length)


def _strides(labels: Labels, dims: tuple[int, ...]) -> dict[int, int]:
    """How far a step along each label goes; along a repeated one, a diagonal."""
    strides: dict[int, int] = {}
    stride = 1
    for label in reversed(labels):
        strides[label] = strides.get(label, 0) + stride
        stride *= dims[label]
    return strides


def _places(strides: Mapping[int, int], labels: Labels, dims: tuple[int, ...]) -> list[int]:
    """Where in a tensor with these strides the entries are, in the order of the labels."""
    places = [0]
    for label in labels:
        stride = strides.get(label, 0)
        places = [place + stride * k for place in places for k in range(dims[label])]
    return places


def _gather(own: Labels, labels: Labels, dims: tuple[int, ...]) -> Callable[[Value], Sequence[Any]]:
    places = _places(_strides(own, dims), labels, dims)
    if len(places) == 1:
        return lambda value: value[:1]
    return itemgetter(*places)


def _spread(output: Labels, kept: Labels, dims: tuple[int, ...]) -> tuple[int, Sequence[int]] | None:
    size = math.prod([dims[x] for x in output])
    if size > LARGEST:
        raise TooLarge
    return None if len(kept) == len(output) else (size, _places(_strides(output, dims), kept, dims))


# ---------------------------------------------------------------------- rules
Rule = Callable[[Evaluation, Any, Sequence[Value]], Value]


def _einsum(at: Evaluation, node: Einsum, parts: Sequence[Value]) -> Value:
    by = at.arithmetic
    dims = at.shape(node.sizes)
    if not node.coefficient:
        return [by.number(0)] * math.prod(at.shape(node.shape))
    entries = contraction(parts, node.subscripts, node.output, dims, by)
    if node.coefficient == 1:
        return entries
    factor = by.number(node.coefficient)
    return by.reduced([factor * x for x in entries])


def _sum(at: Evaluation, node: Sum, parts: Sequence[Value]) -> Value:
    by = at.arithmetic
    scaled: list[Iterable[Any]] = []
    for coefficient, part in zip(node.coefficients, parts, strict=True):
        scaled.append(part if coefficient == 1 else map(mul, part, repeat(by.number(coefficient))))
    return by.reduced(map(sum, zip(*scaled, strict=True)))


def _power(at: Evaluation, node: Power, parts: Sequence[Value]) -> Value:
    if node.exponent is None:
        return at.arithmetic.raised(parts[0], parts[1])
    return at.arithmetic.reduced(at.arithmetic.power(parts[0], node.exponent))


def _structured(at: Evaluation, node: Structured, parts: Sequence[Value]) -> Value:
    """Of a diagonal variable only the diagonal is ever taken: what stands beside it is no zero to divide by."""
    return at.variable(node.name, node.shape, tuple([kind for kind in node.kinds if kind != "diagonal"]))


def _inverse(at: Evaluation, node: Node, parts: Sequence[Value]) -> Value:
    return inverse(at.arithmetic, parts[0], at.dimension(node.shape[0]))


def _determinant(at: Evaluation, node: Node, parts: Sequence[Value]) -> Value:
    return [determinant(at.arithmetic, parts[0], at.dimension(node.children[0].shape[0]))]


def _log_determinant(at: Evaluation, node: Node, parts: Sequence[Value]) -> Value:
    return [at.arithmetic.log_magnitude(_determinant(at, node, parts)[0])]


def softmax(by: Arithmetic, argument: Value, dims: tuple[int, ...], axis: int) -> Value:
    """exp(u) / sum(exp(u)) along one axis."""
    exps = by.exp(argument)
    axes = tuple(range(len(dims)))
    rest = axes[:axis] + axes[axis + 1 :]
    totals = contraction([exps], (axes,), rest, dims, by)
    return contraction([exps, by.power(totals, -1)], (axes, rest), axes, dims, by)


def levi_civita(by: Arithmetic, rank: int) -> Value:
    """The entries of eps_ijk."""
    return [by.number(_parity(places)) for places in product(range(rank), repeat=rank)]


def _parity(places: Sequence[int]) -> int:
    """The sign of a permutation; 0 of what is none."""
    pairs = [b - a for k, a in enumerate(places) for b in places[k + 1 :]]
    return math.prod([(d > 0) - (d < 0) for d in pairs])


RULES: dict[type[Node], Rule] = {
    Number: lambda at, node, parts: [at.arithmetic.number(node.value)],
    Size: lambda at, node, parts: [at.arithmetic.number(at.sizes[node.symbol])],
    Constant: lambda at, node, parts: [at.arithmetic.constant(node.name)],
    Variable: lambda at, node, parts: at.variable(node.name, node.shape, at.kinds.get(node.name, ())),
    Structured: _structured,
    Einsum: _einsum,
    Sum: _sum,
    Power: _power,
    Apply: lambda at, node, parts: at.arithmetic.apply(node.function, parts[0]),
    Inverse: _inverse,
    Determinant: _determinant,
    LogDeterminant: _log_determinant,
    Softmax: lambda at, node, parts: softmax(at.arithmetic, parts[0], at.shape(node.shape), node.axis),
    Epsilon: lambda at, node, parts: levi_civita(at.arithmetic, len(node.shape)),
    Flatten: lambda at, node, parts: parts[0],
    Split: lambda at, node, parts: parts[0],
}
"""TABLE: the value of a node of each kind, given the values of its children."""
