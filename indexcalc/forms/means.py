"""Scalar factors of a matrix form: a sum of entries by their number is a mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from indexcalc.forms.nodes import Call, Form
from indexcalc.tensor.nodes import Node, Rational, Size
from indexcalc.tensor.product import Einsum, split_power

Scalar = tuple[Node, Form, Rational]
"""A scalar factor: its node, its form without its exponent, and its exponent."""


def with_means(scalars: Sequence[Scalar]) -> list[tuple[Form, Rational]]:
    """The factors as forms with exponents, sum(x)/m among them as mean(x) where m is the number of entries of x."""
    symbols = [_size(node) for node, _, _ in scalars]
    left = {symbol: -e for symbol, (_, _, e) in zip(symbols, scalars, strict=True) if symbol}
    found: list[tuple[Form, Rational]] = []
    for node, form, exponent in scalars:
        counts = _entries(node, form) if left else {}
        if counts and exponent > 0 and all(left.get(size, 0) >= exponent * n for size, n in counts.items()):
            left |= {size: left[size] - exponent * n for size, n in counts.items()}
            form = Call("mean", "s", form.parts)
        found.append((form, exponent))
    changed = [(form, -left[symbol] if symbol else e) for symbol, (form, e) in zip(symbols, found, strict=True)]
    return [(form, exponent) for form, exponent in changed if exponent]


def _size(node: Node) -> str:
    """The symbol where a scalar is a power of a size, else nothing."""
    base, _ = split_power(node)
    return base.symbol if isinstance(base, Size) else ""


def _entries(node: Node, form: Form) -> dict[str, int]:
    """The sizes that multiply to the number of entries that a scalar adds up, each with how often; none where it is no
    sum of entries."""
    base, _ = split_power(node)
    is_sum = isinstance(form, Call) and form.function == "sum" and len(form.parts) == 1
    return Counter(map(str, base.sizes)) if is_sum and isinstance(base, Einsum) and len(base.children) == 1 else {}
