"""Two arithmetics for the same evaluation: floats, and integers modulo a prime.

Modulo a prime a function is no function of reals, but it keeps laws that hold for reals: equal values of two
expressions at random arguments prove that they are equal by these laws, and different values prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b, shake_128
from operator import mul
from struct import unpack
from typing import Any, Protocol

from indexcalc.tensor.elementwise import Function
from indexcalc.tensor.nodes import Rational, cache

Scalar = Any
"""A float, or an int modulo a prime."""
Value = list[Any]
"""The entries of a tensor, the last axis varying fastest."""

PRIMES = (2**61 - 11913, 2**61 - 20961, 2**61 - 26961)
"""Every number has one cube root, and primes up to 19 have square roots, of which one has square roots itself."""
ROOTED = 2**24
"""Numbers below this are constants of an expression, not values of variables."""

_seeds: dict[str, int] = cache()


def seed(text: str) -> int:
    """A number for a text, the same in every run."""
    found = _seeds.get(text)
    if found is None:
        found = _seeds[text] = int.from_bytes(blake2b(text.encode(), digest_size=7).digest())
    return found


class Arithmetic(Protocol):
    """What an evaluation asks of numbers. Raises ZeroDivisionError or ValueError where there is no value."""

    def number(self, value: Rational) -> Scalar: ...
    def constant(self, name: str) -> Scalar: ...
    def reduced(self, values: Iterable[Scalar]) -> Value: ...
    def reciprocal(self, value: Scalar) -> Scalar: ...
    def pivot(self, column: Value, largest: Scalar) -> int: ...
    def apply(self, function: Function, values: Value) -> Value: ...
    def power(self, values: Value, exponent: Rational) -> Value: ...
    def raised(self, values: Value, exponents: Value) -> Value: ...
    def exp(self, values: Value) -> Value: ...
    def log_magnitude(self, value: Scalar) -> Scalar: ...
    def draw(self, key: int, count: int, positive: bool) -> Value: ...


# ---------------------------------------------------------------------- floats
RANGES = ((-1.2, 1.2), (0.4, 1.4), (0.05, 0.3), (-0.3, 0.3), (1.5, 3.0))
"""Where random floats are drawn from, in turn: the next one where a function has no value."""
SINGULAR = 1e-9
"""A pivot that is smaller, beside the matrix, is none."""


class Floats:
    """Real numbers. ``range_`` is a row of RANGES."""

    def __init__(self, range_: int = 0) -> None:
        self.low, self.high = RANGES[range_]

    def number(self, value: Rational) -> Scalar:
        return float(value)

    def constant(self, name: str) -> Scalar:
        return float(getattr(math, name))

    def reduced(self, values: Iterable[Scalar]) -> Value:
        return list(values)

    def reciprocal(self, value: Scalar) -> Scalar:
        return 1 / value

    def pivot(self, column: Value, largest: Scalar) -> int:
        sizes = [abs(x) for x in column]
        best = max(sizes)
        return sizes.index(best) if best > SINGULAR * largest else -1

    def apply(self, function: Function, values: Value) -> Value:
        return list(map(function.value, values))

    def power(self, values: Value, exponent: Rational) -> Value:
        if exponent == 2:
            return list(map(mul, values, values))
        if exponent == -1:
            return [1 / x for x in values]
        if isinstance(exponent, int):
            return [x**exponent for x in values]
        return [math.pow(x, exponent) for x in values]

    def raised(self, values: Value, exponents: Value) -> Value:
        return list(map(math.pow, values, exponents))

    def exp(self, values: Value) -> Value:
        return list(map(math.exp, values))

    def log_magnitude(self, value: Scalar) -> Scalar:
        return math.log(abs(value))

    def draw(self, key: int, count: int, positive: bool) -> Value:
        low, high = RANGES[1] if positive and self.low < 0 else (self.low, self.high)
        scale = (high - low) / 2**53
        return [low + scale * (x >> 11) for x in _drawn(key, count)]


def _drawn(key: int, count: int) -> tuple[int, ...]:
    """So many random numbers of 64 bits for a key."""
    return unpack(f"<{count}Q", shake_128(key.to_bytes(16)).digest(8 * count))


def _mixed(key: int, k: int) -> int:
    """64 bits from two numbers (Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014)."""
    z = (key + (k + 1) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return z ^ (z >> 31)


# ---------------------------------------------------------------------- integers modulo a prime
class Residues:
    """Integers modulo ``prime``.

    exp, log, sign, the tangent of the half angle and what has no laws are random functions, but for
    exp(-x) = 1/exp(x), log(1/x) = -log(x) and sign(-x) = -sign(x). The others are made of these: abs(x) = x sign(x).
    Roots of even order are random functions too: a choice between two square roots would make x and -x equal at one
    point in two.
    """

    def __init__(self, prime: int) -> None:
        self.prime = prime
        self._images: dict[tuple[int, int], int] = {}

    def number(self, value: Rational) -> Scalar:
        if type(value) is int:
            return value % self.prime
        return value.numerator * self.reciprocal(value.denominator) % self.prime

    def constant(self, name: str) -> Scalar:
        return (200 + seed(name) % 100) ** 2  # so that its roots are those of a constant

    def reduced(self, values: Iterable[Scalar]) -> Value:
        p = self.prime
        return [x % p for x in values]

    def reciprocal(self, value: int) -> int:
        try:
            return pow(value, -1, self.prime)
        except ValueError:
            raise ZeroDivisionError from None

    def reciprocals(self, values: Value) -> Value:
        """All by one reciprocal, that of their product."""
        p, products = self.prime, [1]
        for x in values:
            products.append(products[-1] * x % p)
        rest = self.reciprocal(products.pop())
        found = []
        for x in reversed(values):
            found.append(rest * products.pop() % p)
            rest = rest * x % p
        found.reverse()
        return found

    def pivot(self, column: Value, largest: Scalar) -> int:
        return next((k for k, x in enumerate(column) if x), -1)

    def apply(self, function: Function, values: Value) -> Value:
        law = RESIDUES.get(function.name)
        if law is not None:
            return law(self, values)
        key, parity, p = seed(function.name), function.parity, self.prime
        if parity:
            return [(self.random(key, x) + parity * self.random(key, -x % p)) % p for x in values]
        return [self.random(key, x) for x in values]

    def power(self, values: Value, exponent: Rational) -> Value:
        p = self.prime
        if exponent == 2:
            return [x * x % p for x in values]
        if type(exponent) is not int:
            whole = exponent.__floor__()
            roots = [self._root(x, exponent.denominator) for x in values]
            return list(map(mul, self.power(values, whole), self.power(roots, (exponent - whole).numerator)))
        if exponent < 0:
            values = self.reciprocals(values)
        return values if exponent == -1 else [pow(x, abs(exponent), p) for x in values]

    def _root(self, x: int, order: int) -> int:
        """x^(1/order): the only root, for constants the one that has square roots itself, else a random number."""
        p = self.prime
        if math.gcd(order, p - 1) == 1:
            return pow(x, pow(order, -1, p - 1), p)
        if order == 2 and x < ROOTED and pow(x, (p - 1) // 2, p) <= 1:
            return pow(x, (p + 1) // 4, p)
        return self.random(seed("root") ^ order, x)

    def raised(self, values: Value, exponents: Value) -> Value:
        key = seed("^")
        return [self.random(key ^ self.random(key, e), x) for x, e in zip(values, exponents, strict=True)]

    def exp(self, values: Value) -> Value:
        """exp(-x) = 1/exp(x)"""
        p, key = self.prime, seed("exp")
        found = [self.random(key, min(x, p - x)) if x else 1 for x in values]
        negative = [k for k, x in enumerate(values) if 2 * x > p]
        if negative:
            for k, below in zip(negative, self.reciprocals([found[k] for k in negative]), strict=True):
                found[k] = below
        return found

    def log(self, values: Value) -> Value:
        """log(1/x) = -log(x)"""
        key, p = seed("log"), self.prime
        below = self.reciprocals(values)
        return [(self.random(key, x) - self.random(key, y)) % p for x, y in zip(values, below, strict=True)]

    def log_magnitude(self, value: Scalar) -> Scalar:
        return self.log(self.abs([value]))[0]

    def odd(self, name: str, values: Value) -> Value:
        """An odd function: were sign(x) 1 or -1, abs(x) and x would be equal at one point in two."""
        key, p = seed(name), self.prime
        return [(self.random(key, x) - self.random(key, -x % p)) % p for x in values]

    def abs(self, values: Value) -> Value:
        """x sign(x)"""
        return self.reduced(map(mul, values, self.odd("sign", values)))

    def step(self, values: Value) -> Value:
        """(1 + sign(x))/2"""
        half = self.reciprocal(2)
        return self.reduced([(1 + x) * half for x in self.odd("sign", values)])

    def quotients(self, above: Value, below: Value) -> Value:
        return self.reduced(map(mul, above, self.reciprocals(self.reduced(below))))

    def random(self, key: int, x: int) -> int:
        """A random function for each key."""
        found = self._images.get((key, x))
        if found is None:
            found = self._images[key, x] = _mixed(_mixed(key, x), x >> 7) % self.prime
        return found

    def draw(self, key: int, count: int, positive: bool) -> Value:
        p = self.prime
        return [x % p for x in _drawn(key, count)]


def _sigmoid(field: Residues, values: Value) -> Value:
    e = field.exp(values)
    return field.quotients(e, [1 + x for x in e])


def _hyperbolic(above: Callable[[int, int], int], below: Callable[[int, int], int]) -> Law:
    """A quotient in e = exp(x) and 1/e."""

    def law(field: Residues, values: Value) -> Value:
        e = field.exp(values)
        f = field.reciprocals(e)
        return field.quotients(list(map(above, e, f)), list(map(below, e, f)))

    return law


def _circular(above: Callable[[int], int], below: Callable[[int], int]) -> Law:
    """A quotient in t = tan(x/2), an odd function."""

    def law(field: Residues, values: Value) -> Value:
        t = field.odd("tan", values)
        return field.quotients(list(map(above, t)), list(map(below, t)))

    return law


def _complement(of: Callable[[Residues], int], name: str) -> Law:
    """A number minus an odd function."""
    return lambda field, values: field.reduced([of(field) - x for x in field.odd(name, values)])


Law = Callable[[Residues, Value], Value]

RESIDUES: dict[str, Law] = {
    "exp": Residues.exp,
    "expm1": lambda field, values: field.reduced([x - 1 for x in field.exp(values)]),
    "log": Residues.log,
    "log1p": lambda field, values: field.log(field.reduced([1 + x for x in values])),
    "sigmoid": _sigmoid,
    "softplus": lambda field, values: field.log(field.reduced([1 + x for x in field.exp(values)])),
    "sinh": _hyperbolic(lambda e, f: e - f, lambda e, f: 2),
    "cosh": _hyperbolic(lambda e, f: e + f, lambda e, f: 2),
    "tanh": _hyperbolic(lambda e, f: e - f, lambda e, f: e + f),
    "sin": _circular(lambda t: 2 * t, lambda t: 1 + t * t),
    "cos": _circular(lambda t: 1 - t * t, lambda t: 1 + t * t),
    "tan": _circular(lambda t: 2 * t, lambda t: 1 - t * t),
    "acos": _complement(lambda field: field.constant("pi") * field.reciprocal(2), "asin"),
    "erfc": _complement(lambda field: 1, "erf"),
    "sign": lambda field, values: field.odd("sign", values),
    "abs": Residues.abs,
    "step": Residues.step,
    "relu": lambda field, values: field.reduced(map(mul, values, field.step(values))),
}
"""TABLE: the elementwise functions that have laws modulo a prime."""


# ---------------------------------------------------------------------- matrices
def eliminated(arithmetic: Arithmetic, rows: list[Value]) -> Scalar:
    """Gauss and Jordan in place: of rows that begin with a square block, the inverse of that times the rest is left;
    the block's determinant, 0 where it is singular."""
    determinant = arithmetic.number(1)
    largest = max(map(abs, [x for row in rows for x in row[: len(rows)]]))
    for k in range(len(rows)):
        at = arithmetic.pivot([row[0] for row in rows[k:]], largest)
        if at < 0:
            return arithmetic.number(0)
        if at:
            rows[k], rows[k + at], determinant = rows[k + at], rows[k], -determinant
        head, *rest = rows[k]
        inverse = arithmetic.reciprocal(head)
        (determinant,) = arithmetic.reduced([determinant * head])
        own = rows[k] = arithmetic.reduced([inverse * x for x in rest])
        for j, row in enumerate(rows):
            if j != k:
                factor, *others = row
                both = zip(others, own, strict=True)
                rows[j] = arithmetic.reduced([a - factor * b for a, b in both]) if factor else others
    return determinant


def inverse(arithmetic: Arithmetic, matrix: Sequence[Scalar], n: int) -> Value:
    """Raises ZeroDivisionError where there is none."""
    one, zero = arithmetic.number(1), arithmetic.number(0)
    rows = [[*matrix[n * k : n * k + n], *[one if j == k else zero for j in range(n)]] for k in range(n)]
    if not eliminated(arithmetic, rows):
        raise ZeroDivisionError
    return [x for row in rows for x in row]


def determinant(arithmetic: Arithmetic, matrix: Sequence[Scalar], n: int) -> Scalar:
    return eliminated(arithmetic, [list(matrix[n * k : n * k + n]) for k in range(n)])
