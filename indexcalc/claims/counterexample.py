"""Small whole numbers at which a wrong claim differs from the derivative, to be worked out by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from indexcalc.numeric.arithmetic import Floats, Value
from indexcalc.numeric.certificate import NO_VALUE, Points, Valued
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.tensor.nodes import Shape, variable

SIZES = ((2, 3, 4, 5, 6), (3, 2, 4, 5, 6), (3, 4, 2, 5, 6))
"""Sizes in the order in which symbols take them, a row a try."""
TRIES = 4
"""Points that are tried for each row of sizes, as many again with positive numbers."""
NUMBERS = (1, 2, -1, 1, 0, 2, -1, 1, 3, -2)
"""What entries are taken from."""
SHOWN = 4
"""Digits of a number that are shown."""
ZERO, TINY = 4, 20
"""What entries that are zero, or nearly, cost in characters."""


class Small(Floats):
    """Real numbers; variables have small whole ones."""

    def draw(self, key: int, count: int, positive: bool) -> Value:
        found, state = [], key
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            found.append(NUMBERS[(state >> 33) % len(NUMBERS)])
        return [float(abs(x)) if positive or self.low > 0 else float(x) for x in found]


class Counterexample(NamedTuple):
    """Sizes, values of the inputs, and what derivative and claim are there; ``claim`` is None where its own shapes do
    not fit. ``entry`` is the first in which the two differ, counted from 1, with both values; None for a claim of
    another shape."""

    sizes: dict[str, int]
    inputs: dict[str, Any]
    derivative: Any
    claim: Any
    entry: tuple[int, ...] | None
    values: tuple[str, str] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "sizes": self.sizes,
            "inputs": self.inputs,
            "derivative": self.derivative,
            "claim": self.claim,
            "entry": None if self.entry is None else list(self.entry),
            "values": None if self.values is None else list(self.values),
        }

    @property
    def trouble(self) -> int:
        """How much a person has to write and to think about; zeros and tiny numbers teach little."""
        shown = re.findall(r"[^\[\], ]+", f"{self.derivative} {self.claim}")
        dull = sum(ZERO if text == "0" else TINY for text in shown if text == "0" or "e-" in text)
        return dull + sum(map(len, shown))


class Shaped(NamedTuple):
    """What is evaluated, and its sizes."""

    shape: Shape
    value: Valued


def counterexample(
    points: Points, variables: Mapping[str, Shape], right: Shaped, claim: Shaped | None
) -> Counterexample | None:
    """Of a few points the one with the shortest numbers at which a person sees the difference; None where there is
    none. ``claim`` is None for a claim whose own shapes do not fit."""
    for row in SIZES:
        sizes = _sizes(points.symbols, row, points.sizes[0])
        found = [
            _at(Evaluation(Small(k // TRIES), sizes, points.kinds, k), variables, right, claim)
            for k in range(2 * TRIES)
        ]
        seen = [example for example in found if example is not None]
        if seen:
            return min(seen, key=lambda example: example.trouble)
    return None


def _at(at: Evaluation, variables: Mapping[str, Shape], right: Shaped, claim: Shaped | None) -> Counterexample | None:
    """What is seen at one point; None where there is no value or no difference."""
    try:
        expected = right.value(at)
        given = None if claim is None else claim.value(at)
        dims, own = at.shape(right.shape), () if claim is None else at.shape(claim.shape)
        inputs = {name: nested(at.value(variable(name, shape)), at.shape(shape)) for name, shape in variables.items()}
    except (*NO_VALUE, OverflowError):
        return None
    if any(x != x or abs(x) == math.inf for x in [*expected, *(given or ())]):
        return None
    shown = None if given is None else nested(given, own)
    if claim is None or given is None or claim.shape != right.shape:
        return Counterexample(dict(at.sizes), inputs, nested(expected, dims), shown, None, None)
    place = _first_difference(expected, given)
    if place is None:
        return None
    values = number(expected[place]), number(given[place])
    return Counterexample(dict(at.sizes), inputs, nested(expected, dims), shown, _entry(place, dims), values)


def _sizes(symbols: Iterable[str], row: Iterable[int], order: Iterable[str]) -> dict[str, int]:
    numbers = iter([*row, *range(7, 40)])
    return {symbol: next(numbers) for symbol in order if symbol in symbols}


def _first_difference(right: Value, given: Value) -> int | None:
    """The first entry that looks different."""
    return next((k for k, (x, y) in enumerate(zip(right, given, strict=True)) if number(x) != number(y)), None)


def _entry(place: int, dims: tuple[int, ...]) -> tuple[int, ...]:
    """The indices of an entry, from 1."""
    found = []
    for size in reversed(dims):
        place, own = divmod(place, size)
        found.append(own + 1)
    return tuple(reversed(found))


def rounded(value: float) -> float | int:
    """A number with as many digits as are shown."""
    short = float(f"{value:.{SHOWN}g}")
    return int(short) if short == int(short) else short


def number(value: float) -> str:
    """A number as it is shown."""
    return str(rounded(value))


def nested(entries: Value, dims: tuple[int, ...]) -> Any:
    """Entries as lists in lists."""
    if not dims:
        return rounded(entries[0])
    step = len(entries) // dims[0] if dims[0] else 0
    return [nested(entries[k * step : (k + 1) * step], dims[1:]) for k in range(dims[0])]
