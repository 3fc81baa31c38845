"""Sizes and places: sums of symbols, ``T-1`` and ``t-T+2``; and as numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from indexcalc.tensor.nodes import Dimension, Shape

_TERM = re.compile(r"([+-]?)([^+-]+)")


def linear(dimension: Dimension) -> dict[str, int]:
    """How often each symbol is in a sum, and under "" the number in it."""
    found: dict[str, int] = {}
    for sign, word in _TERM.findall(str(dimension)) if isinstance(dimension, str) else ():
        unit = -1 if sign == "-" else 1
        symbol, by = ("", unit * int(word)) if word.isdigit() else (word, unit)
        found[symbol] = found.get(symbol, 0) + by
    return found if isinstance(dimension, str) else {"": dimension}


def total(terms: Mapping[str, int]) -> Dimension:
    """The sum with these terms, symbols before the number and what is added before what is taken away."""
    symbols = sorted([(by < 0, symbol) for symbol, by in terms.items() if symbol for _ in range(abs(by))])
    number = terms.get("", 0)
    if not symbols:
        return number
    text = "".join(
        ["-" * negative + symbol if not k else "+-"[negative] + symbol for k, (negative, symbol) in enumerate(symbols)]
    )
    return text + (f"{number:+d}" if number else "")


def moved(dimension: Dimension, by: int) -> Dimension:
    return dimension + by if isinstance(dimension, int) else total(_sum(linear(dimension), {"": by}, 1))


def difference(a: Dimension, b: Dimension) -> Dimension:
    return total(_sum(linear(a), linear(b), -1))


def _sum(a: Mapping[str, int], b: Mapping[str, int], sign: int) -> dict[str, int]:
    return {symbol: a.get(symbol, 0) + sign * b.get(symbol, 0) for symbol in dict.fromkeys([*a, *b])}


# ---------------------------------------------------------------------- numbers
def count(dimension: Dimension, sizes: Mapping[str, int]) -> int:
    """A size as a number: ``m*n`` is a product, ``T-1`` a difference."""
    return math.prod([_counted(part, sizes) for part in str(dimension).split("*")])


def _counted(part: str, sizes: Mapping[str, int]) -> int:
    if part.isdigit() or part in sizes:
        return int(part) if part.isdigit() else sizes[part]
    return sum(by * (sizes[symbol] if symbol else 1) for symbol, by in linear(part).items())


def entries(shape: Shape, sizes: Mapping[str, int]) -> int:
    return math.prod([count(dimension, sizes) for dimension in shape])
