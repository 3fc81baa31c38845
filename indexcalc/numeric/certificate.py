"""Two tensor expressions compared, and a derivative with differences of what it is the derivative of.

Modulo a prime equal values prove; different ones prove nothing, and floats decide. At least two draws of sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from operator import mul
from typing import NamedTuple

from indexcalc.numeric.arithmetic import PRIMES, RANGES, Floats, Residues, Value, seed
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.tensor.matrix_functions import MatrixFunction
from indexcalc.tensor.nodes import Dimension, Node, Number, Size, Variable, descendants
from indexcalc.tensor.product import Einsum
from indexcalc.tensor.sums import Sum

SQUARE_SIZES = ((3, 4, 5, 6), (4, 3, 6, 5), (3, 4, 5, 6), (4, 3, 6, 5), (5, 4, 3, 6))
OTHER_SIZES = ((4, 2, 5, 6, 7, 3), (3, 5, 2, 4, 6, 7), (4, 5, 6, 7, 8, 9), (5, 6, 7, 8, 9, 3), (2, 3, 5, 7, 4, 6))
"""Sizes in the order in which symbols take them, a row a draw; where a matrix is forced square first odd, then
even (det(-A) is -det(A) for odd sizes only), and not 2, where there are laws that hold nowhere else. In the
third and fourth row what is square is smallest, for A*X*B with long inner sides has an inverse."""
FLOATS = sorted(product(range(len(SQUARE_SIZES)), range(len(RANGES))), key=lambda pair: (sum(pair), pair[1]))
"""Draws of sizes, each with a range of numbers, in the order in which they are taken."""
DRAWS = 2
CLOSE = 1e-6
"""The largest relative error of a comparison of floats."""
STEP = 1e-3
STENCIL = ((2, -1 / 12), (1, 2 / 3), (-1, -2 / 3), (-2, 1 / 12))
"""Places and weights of central differences of the fourth order."""
NOISE = 1e-4
"""Of the values that differences are taken of, what counts as zero beside a derivative, times ``CLOSE``."""

NO_VALUE = (ArithmeticError, ValueError)
"""What an evaluation raises where an expression has no value."""


class Slope(NamedTuple):
    """``derivative`` is that of ``output`` by ``variable``: whole (``how`` is "jacobian"), times a cotangent on the
    left ("pullback"), or times a direction on the right ("differential"), which is ``vector``."""

    output: Node
    variable: Variable
    derivative: Node
    how: str = "jacobian"
    vector: Node | None = None


class Refuted(Exception):
    """Two expressions differ."""


Valued = Callable[[Evaluation], Value]
"""The entries of an expression at a point."""


class Points:
    """Where the expressions of one answer are evaluated, shared by its forms. ``nodes`` give the sizes, and ``more``
    those that they may lack."""

    def __init__(
        self, nodes: Iterable[Node], kinds: Mapping[str, tuple[str, ...]], more: Iterable[Dimension] = ()
    ) -> None:
        self.kinds = kinds
        self.sizes = draws_of_sizes(nodes, more)
        self.symbols = self.sizes.symbols
        self._made: dict[tuple[int, int], Evaluation] = {}

    def residues(self) -> Iterator[Evaluation]:
        for draw in range(len(self.sizes)):
            yield self._at(draw, -1)

    def floats(self) -> Iterator[tuple[int, Evaluation]]:
        """With the number of the draw of sizes; the same sizes come back with other ranges of numbers."""
        for draw, range_ in FLOATS:
            yield draw, self._at(draw, range_)

    def _at(self, draw: int, range_: int) -> Evaluation:
        found = self._made.get((draw, range_))
        if found is None:
            arithmetic = Residues(PRIMES[draw % len(PRIMES)]) if range_ < 0 else Floats(range_)
            found = Evaluation(arithmetic, self.sizes[draw], self.kinds, 8 * draw + range_ + 1)
            self._made[draw, range_] = found
        return found

    # ------------------------------------------------------------------ comparing
    def proved(self, expected: Valued, got: Valued) -> bool:
        """Whether two expressions are equal at random points modulo primes."""
        agreed = 0
        for at in self.residues():
            try:
                if expected(at) != got(at):
                    return False
            except NO_VALUE:
                continue
            agreed += 1
            if agreed == DRAWS:
                return True
        return False

    def difference(self, expected: Valued, got: Valued) -> float | None:
        """By how much two expressions differ in floats; None where they have no values. Raises Refuted."""
        errors: list[float] = []
        for _, at in self.floats():
            try:
                error = distance(expected(at), got(at))
            except NO_VALUE:
                continue
            if error > CLOSE:
                raise Refuted
            errors.append(error)
            if len(errors) > DRAWS:
                break
        return max(errors, default=None)

    # ------------------------------------------------------------------ differences
    def differences(self, slope: Slope) -> float | None:
        """The largest relative error of a derivative beside differences; None where no point was found.
        Raises Refuted."""
        errors: dict[int, float] = {}
        course = _Course(slope)
        for draw, at in self.floats():
            if draw not in errors:
                try:
                    error = course.error(at)
                except NO_VALUE:
                    continue
                if error is not None:
                    errors[draw] = error
                    if len(errors) == DRAWS:
                        break
        return max(errors.values(), default=None)


class _Course:
    """The output of a slope along a direction."""

    def __init__(self, slope: Slope) -> None:
        self.slope = slope
        reached: set[Node] = {slope.variable}
        self.dependents: list[Node] = []
        self.others: list[Node] = []
        for node in descendants([slope.output]):
            if node in reached or any(child in reached for child in node.children):
                reached.add(node)
                self.dependents.append(node)
            else:
                self.others.append(node)

    def error(self, at: Evaluation) -> float | None:
        """The relative error; None where differences of several steps do not agree. Raises Refuted."""
        slope = self.slope
        derivative = at.value(slope.derivative)
        vector = [] if slope.vector is None else at.value(slope.vector)
        count = math.prod(at.shape(slope.variable.shape))
        direction = vector if slope.how == "differential" else Floats().draw(seed("direction"), count, False)
        if slope.how != "differential":
            derivative = times_vector(derivative, direction)
        at.evaluate(self.others)
        found: list[Value] = []
        for step in (STEP, STEP / 8, STEP * 4):
            change, size = self._difference(at, direction, step)
            if slope.how == "pullback":
                change, size = times_vector(vector, change), size * max(map(abs, vector), default=0.0)
            error = distance(derivative, change, NOISE * size)
            if error <= CLOSE:
                return error
            if any(distance(change, other, NOISE * size) < error / 16 for other in found):
                raise Refuted
            found.append(change)
        return None

    def _difference(self, at: Evaluation, direction: Value, step: float) -> tuple[Value, float]:
        """The slope of the output along a direction, and the size of the output."""
        slope = self.slope
        here = at.value(slope.variable)
        kept = {node: at.values[node] for node in self.others}
        total: Value = []
        for place, weight in STENCIL:
            moved = [x + place * step * v for x, v in zip(here, direction, strict=True)]
            there = at.moved({**kept, slope.variable: moved})
            there.evaluate(self.dependents)
            scaled = [weight / step * y for y in there.values[slope.output]]
            total = [a + b for a, b in zip(total, scaled, strict=True)] if total else scaled
        return total, max(map(abs, there.values[slope.output]), default=0.0)


def times_vector(matrix: Value, vector: Value) -> Value:
    """M v, for a tensor whose last axes are those of v."""
    n = len(vector)
    return [sum(map(mul, matrix[k : k + n], vector)) for k in range(0, len(matrix), n)]


def vector_times(vector: Value, matrix: Value) -> Value:
    """v' M, for a tensor whose first axes are those of v."""
    n = len(matrix) // len(vector)
    return [sum(map(mul, matrix[k::n], vector)) for k in range(n)]


def distance(a: Value, b: Value, noise: float = 0.0) -> float:
    """The largest difference of entries, relative to the largest entry. Raises ArithmeticError for no numbers."""
    largest = max([*map(abs, a), *map(abs, b), noise])
    if len(a) != len(b):
        return math.inf
    if not math.isfinite(largest) or any(x != x for x in a) or any(x != x for x in b):
        raise ArithmeticError
    return max([abs(x - y) for x, y in zip(a, b, strict=True)]) / largest if largest else 0.0


# ---------------------------------------------------------------------- sizes
class Draws:
    """Numbers for size symbols, as distinct as they can be: from each other, and from those to be avoided. Each draw
    is made when first asked for."""

    def __init__(self, symbols: Collection[str], square: Collection[str], avoided: Collection[int]) -> None:
        self.symbols = frozenset(symbols)
        self._ordered = sorted(symbols, key=lambda symbol: symbol not in square)
        self._square, self._avoided = square, avoided
        self._made: dict[int, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(SQUARE_SIZES)

    def __getitem__(self, draw: int) -> dict[str, int]:
        """For each symbol the first number in turn that nothing has; where none is left, the first that no symbol
        has."""
        squares, others = SQUARE_SIZES[draw], OTHER_SIZES[draw]
        if draw not in self._made:
            found = self._made[draw] = {}
            for symbol in self._ordered:
                row = squares if symbol in self._square else others
                free = [n for n in row if n not in found.values()] or list(row)
                found[symbol] = next((n for n in free if n not in self._avoided), free[0])
        return self._made[draw]


def draws_of_sizes(nodes: Iterable[Node], more: Iterable[Dimension] = ()) -> Draws:
    """Numbers for the size symbols of these nodes and for those in ``more``, distinct from their sizes that are numbers
    and from their coefficients."""
    symbols: dict[str, None] = {}
    square: set[str] = set()
    avoided: set[int] = set()
    for node in nodes:
        shape = node.children[0].shape if isinstance(node, MatrixFunction) else node.shape
        if isinstance(node, Einsum):
            shape += node.sizes
            avoided |= {abs(node.coefficient.numerator), node.coefficient.denominator}
        elif isinstance(node, Variable | MatrixFunction):
            square |= {str(dimension) for dimension in shape if shape.count(dimension) > 1}
        elif isinstance(node, Sum):
            avoided |= {abs(c.numerator) for c in node.coefficients}
        elif isinstance(node, Number):
            avoided |= {abs(node.value.numerator), node.value.denominator}
        elif isinstance(node, Size):
            shape = (node.symbol,)
        _note(shape, symbols, avoided)
    _note(more, symbols, avoided)
    return Draws(symbols, square, avoided)


def _note(dimensions: Iterable[Dimension], symbols: dict[str, None], avoided: set[int]) -> None:
    """The symbols and the numbers in sizes."""
    for dimension in dimensions:
        for part in str(dimension).split("*"):
            if part.isdigit():
                avoided.add(int(part))
            else:
                symbols.setdefault(part)
