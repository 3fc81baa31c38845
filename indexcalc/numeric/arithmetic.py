"""Two arithmetics for the same evaluation: floats, and integers modulo a prime.

Modulo a prime a function is no function of reals, but it keeps laws that hold for reals: equal values of two
expressions at random arguments prove that they are equal by these laws, and different values prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import mul
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
    def reduced(self, values: Value) -> Value: ...
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

    def reduced(self, values: Value) -> Value:
        return values

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
        return [low + scale * (_mixed(key, k) >> 11) for k in range(count)]


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

    def reduced(self, values: Value) -> Value:
        p = self.prime
        return [x % p for x in values]

    def reciprocal(self, value: int) -> int:
        try:
            return pow(value, -1, self.prime)
        except ValueError:
            raise ZeroDivisionError from None

    def pivot(self, column: Value, largest: Scalar) -> int:
        return next((k for k, x in enumerate(column) if x), -1)

    def apply(self, function: Function, values: Value) -> Value:
        law = RESIDUES.get(function.name)
        if law is not None:
            return [law(self, x) for x in values]
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
            values = list(map(self.reciprocal, values))
        return [pow(x, abs(exponent), p) for x in values]

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
        return list(map(self.exponential, values))

    def exponential(self, x: int) -> int:
        """exp(-x) = 1/exp(x)"""
        if not x:
            return 1
        if 2 * x > self.prime:
            return pow(self.random(seed("exp"), self.prime - x), -1, self.prime)
        return self.random(seed("exp"), x)

    def logarithm(self, x: int) -> int:
        """log(1/x) = -log(x)"""
        key = seed("log")
        return (self.random(key, x) - self.random(key, self.reciprocal(x))) % self.prime

    def log_magnitude(self, value: Scalar) -> Scalar:
        return self.logarithm(value * self.sign(value) % self.prime)

    def sign(self, x: int) -> int:
        """An odd function: were it 1 or -1, abs(x) and x would be equal at one point in two."""
        return _odd("sign", self, x)

    def half_angle(self, x: int) -> int:
        """tan(x/2), an odd function."""
        return _odd("tan", self, x)

    def random(self, key: int, x: int) -> int:
        """A random function for each key."""
        found = self._images.get((key, x))
        if found is None:
            found = self._images[key, x] = _mixed(_mixed(key, x), x >> 7) % self.prime
        return found

    def draw(self, key: int, count: int, positive: bool) -> Value:
        return [_mixed(key, k) % self.prime for k in range(count)]


def _sigmoid(field: Residues, x: int) -> int:
    e = field.exponential(x)
    return e * field.reciprocal(1 + e) % field.prime


def _hyperbolic(above: Callable[[int, int], int], below: Callable[[int, int], int]) -> Callable[[Residues, int], int]:
    """A quotient in e = exp(x) and 1/e."""

    def value(field: Residues, x: int) -> int:
        e = field.exponential(x)
        f = field.reciprocal(e)
        return above(e, f) * field.reciprocal(below(e, f)) % field.prime

    return value


def _circular(above: Callable[[int], int], below: Callable[[int], int]) -> Callable[[Residues, int], int]:
    """A quotient in t = tan(x/2)."""

    def value(field: Residues, x: int) -> int:
        t = field.half_angle(x)
        return above(t) * field.reciprocal(below(t)) % field.prime

    return value


def _step(field: Residues, x: int) -> int:
    return (1 + field.sign(x)) * field.reciprocal(2) % field.prime


def _odd(name: str, field: Residues, x: int) -> int:
    key = seed(name)
    return (field.random(key, x) - field.random(key, -x % field.prime)) % field.prime


RESIDUES: dict[str, Callable[[Residues, int], int]] = {
    "exp": Residues.exponential,
    "expm1": lambda field, x: (field.exponential(x) - 1) % field.prime,
    "log": Residues.logarithm,
    "log1p": lambda field, x: field.logarithm((1 + x) % field.prime),
    "sigmoid": _sigmoid,
    "softplus": lambda field, x: field.logarithm((1 + field.exponential(x)) % field.prime),
    "sinh": _hyperbolic(lambda e, f: e - f, lambda e, f: 2),
    "cosh": _hyperbolic(lambda e, f: e + f, lambda e, f: 2),
    "tanh": _hyperbolic(lambda e, f: e - f, lambda e, f: e + f),
    "sin": _circular(lambda t: 2 * t, lambda t: 1 + t * t),
    "cos": _circular(lambda t: 1 - t * t, lambda t: 1 + t * t),
    "tan": _circular(lambda t: 2 * t, lambda t: 1 - t * t),
    "acos": lambda field, x: (field.constant("pi") * field.reciprocal(2) - _odd("asin", field, x)) % field.prime,
    "erfc": lambda field, x: (1 - _odd("erf", field, x)) % field.prime,
    "sign": Residues.sign,
    "abs": lambda field, x: x * field.sign(x) % field.prime,
    "step": _step,
    "relu": lambda field, x: x * _step(field, x) % field.prime,
}
"""TABLE: the elementwise functions that have laws modulo a prime."""


# ---------------------------------------------------------------------- matrices
def eliminated(arithmetic: Arithmetic, rows: list[Value]) -> Scalar:
    """Gauss and Jordan in place: the left block becomes the identity; its determinant, 0 where it is singular."""
    determinant = arithmetic.number(1)
    largest = max(map(abs, [x for row in rows for x in row[: len(rows)]]))
    for k in range(len(rows)):
        at = arithmetic.pivot([row[k] for row in rows[k:]], largest)
        if at < 0:
            return arithmetic.number(0)
        if at:
            rows[k], rows[k + at], determinant = rows[k + at], rows[k], -determinant
        head = rows[k][k]
        inverse = arithmetic.reciprocal(head)
        (determinant,) = arithmetic.reduced([determinant * head])
        own = rows[k] = arithmetic.reduced([inverse * x for x in rows[k]])
        for j, row in enumerate(rows):
            factor = row[k]
            if j != k and factor:
                rows[j] = arithmetic.reduced([a - factor * b for a, b in zip(row, own, strict=True)])
    return determinant


def inverse(arithmetic: Arithmetic, matrix: Sequence[Scalar], n: int) -> Value:
    """Raises ZeroDivisionError where there is none."""
    one, zero = arithmetic.number(1), arithmetic.number(0)
    rows = [[*matrix[n * k : n * k + n], *[one if j == k else zero for j in range(n)]] for k in range(n)]
    if not eliminated(arithmetic, rows):
        raise ZeroDivisionError
    return [x for row in rows for x in row[n:]]


def determinant(arithmetic: Arithmetic, matrix: Sequence[Scalar], n: int) -> Scalar:
    return eliminated(arithmetic, [list(matrix[n * k : n * k + n]) for k in range(n)])
