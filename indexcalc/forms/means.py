"""Sums of entries by their number as means, in matrix forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from indexcalc.forms.nodes import Call, Form
from indexcalc.tensor.nodes import Node, Rational, Size
from indexcalc.tensor.product import Einsum, Factor, split_power


class Means:
    """The sizes that a product is divided by, each with how often; the sums in it take them."""

    def __init__(self, factors: Iterable[Factor]) -> None:
        powers = [split_power(node) for node, labels in factors if not labels]
        sizes = [(base.symbol, e) for base, e in powers if isinstance(base, Size) and type(e) is int]
        self.left: dict[str, Rational] = {symbol: -e for symbol, e in sizes if e < 0}

    def of(self, node: Node, form: Form, exponent: Rational = 1) -> Form:
        """The form of a factor: mean(x) for sum(x) where the product is divided by the number of entries of x."""
        if not self.left or not isinstance(form, Call) or form.function != "sum" or exponent <= 0:
            return form
        base, _ = split_power(node)
        if not isinstance(base, Einsum) or len(base.children) != 1:
            return form
        counts = Counter([str(size) for label, size in enumerate(base.sizes) if label not in base.output])
        if any(self.left.get(size, 0) < exponent * count for size, count in counts.items()):
            return form
        self.left |= {size: self.left[size] - exponent * count for size, count in counts.items()}
        return Call("mean", form.kind, form.parts)

    def exponent(self, node: Node, exponent: Rational) -> Rational:
        """What is left of the exponent of a scalar factor, if it is a size."""
        base, _ = split_power(node)
        return -self.left[base.symbol] if isinstance(base, Size) and base.symbol in self.left else exponent
