"""Small whole numbers at which a wrong claim differs from the derivative, to be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from indexcalc.numeric.arithmetic import Floats, Value
from indexcalc.numeric.certificate import NO_VALUE, Points, Valued
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.tensor.nodes import Shape, variable

SIZES = ((2, 3, 4, 5, 6), (3, 2, 4, 5, 6), (3, 4, 2, 5, 6))
"""Sizes in the order in which symbols take them, a row a try."""
TRIES = 4
"""Points that are tried for each row of sizes."""
NUMBERS = (1, 2, -1, 1, 3, -2, 2, 1, -1, 2, 1, -3)
"""What entries are taken from."""
SHOWN = 4
"""Digits of a number that are shown."""
LARGEST = 64
"""Entries that a tensor may have so that a person can look at it."""


class Small(Floats):
    """Real numbers; variables have small whole ones."""

    def draw(self, key: int, count: int, positive: bool) -> Value:
        found, state = [], key
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            found.append(NUMBERS[(state >> 33) % len(NUMBERS)])
        return [float(abs(x)) if positive or self.low > 0 else float(x) for x in found]


class Counterexample(NamedTuple):
    """Sizes, values of the inputs, and what derivative and claim are there. ``claim`` is None for a claim whose
    shapes do not fit; else ``entry`` is the first in which the two differ, counted from 1, with both values."""

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


def counterexample(
    points: Points, variables: Mapping[str, Shape], shape: Shape, expected: Valued, claimed: Valued | None
) -> Counterexample | None:
    """The first point at which a person sees the difference; None where none was found."""
    for row in SIZES:
        sizes = _sizes(points.symbols, row, points.sizes[0])
        for k in range(2 * TRIES):
            at = Evaluation(Small(0 if k < TRIES else 1), sizes, points.kinds, k)
            try:
                right = expected(at)
                given = None if claimed is None else claimed(at)
                dims = at.shape(shape)
                inputs = {name: nested(at.value(variable(name, own)), at.shape(own)) for name, own in variables.items()}
            except (*NO_VALUE, OverflowError):
                continue
            if any(x != x or abs(x) == float("inf") for x in [*right, *(given or ())]):
                continue
            place = None if given is None else _first_difference(right, given)
            if given is not None and place is None:
                continue
            entry = None if place is None else _entry(place, dims)
            values = None if place is None or given is None else (number(right[place]), number(given[place]))
            shown = None if given is None else nested(given, dims)
            return Counterexample(sizes, inputs, nested(right, dims), shown, entry, values)
    return None


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
