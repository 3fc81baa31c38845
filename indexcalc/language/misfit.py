"""Operands that do not fit → what an error says of them: their shapes, where those come from, what would fit."""

from __future__ import annotations

import re
from typing import NamedTuple

from indexcalc.errors import Span
from indexcalc.language.core import Core, Elementwise, Leaf, Power, Product, Sum, Whole
from indexcalc.language.library import Value
from indexcalc.language.sizes import Sizes

PRODUCTS = {"MM": "M", "Mc": "c", "rM": "r", "rc": "s", "cr": "M"}
"""The matrix products: the kinds of both sides, and of the result."""
TURNED = {"c": "r", "r": "c"}
LONGEST = 40
"""Characters of an operand that a message shows."""


class Misfit(NamedTuple):
    """Words for the operands of one statement."""

    sizes: Sizes
    text: str

    # ------------------------------------------------------------------ shapes
    def source(self, span: Span) -> str:
        """The user's own text."""
        shown = " ".join(self.text[slice(*span)].split())
        return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"

    def described(self, value: Value, place: int = 0) -> str:
        """Its shape, and where the size of the axis ``place`` was fixed: `B` is 2 x 3 (declared)."""
        sizes = [self.sizes.text(size) for size in value.core.axes]
        shape = {"s": "a scalar", "c": "a column of {} rows", "r": "a row of {} columns"}.get(value.kind, "{} x {}")
        origin = self.origin(value.core, place)
        return f"`{self.source(value.span)}` is {shape.format(*sizes)}" + (f" ({origin})" if origin else "")

    def origin(self, core: Core, place: int) -> str:
        """Where the size of an axis was fixed: declared, or 3 from `x`, inferred from `A*x`; or nothing."""
        found = _leaf(core, place)
        if found is None:
            return ""
        symbol, axis = found[0].symbol, found[0].axes[found[1]]
        cause = self.sizes.cause(axis)
        how = f"inferred from `{cause}`" if cause else "inferred" if symbol.assumed else "declared"
        if symbol.meaning is not None:
            how = "defined"
        if isinstance(core, Leaf):
            return how
        return "" if self.sizes.value(axis) is None else f"{self.sizes.text(axis)} from `{symbol.spelling}`, {how}"

    def axis(self, core: Core, place: int) -> str:
        """A size in index notation: n (axis 2 of `A`, declared)."""
        found, size = _leaf(core, place), self.sizes.text(core.axes[place])
        if found is None:
            return size
        leaf, number = found
        return f"{size} (axis {number + 1} of `{leaf.symbol.spelling}`, {self.origin(leaf, number)})"

    # ------------------------------------------------------------------ ways out
    def product(self, left: Value, right: Value) -> str | None:
        """What to write for a matrix product that is none."""
        a, b = self._operand(left), self._operand(right)
        ways = []
        if left.kind == right.kind == "c":
            same = self._equal(left, right)
            choices = [f"{_turned(a)}*{b} for the dot product"] * same
            choices += [f"{a}*{_turned(b)} for the outer product"]
            choices += [f"{a} .* {b} for the elementwise one"] * same
            return f"write {', '.join(choices)}"
        turned = [f"`{_turned(a)}*{b}`"] * self._multiply(_transpose(left), right)
        turned += [f"`{a}*{_turned(b)}`"] * self._multiply(left, _transpose(right))
        if turned:
            ways.append(f"is a transpose missing, as in {' or '.join(turned)}")
        elif "M" in left.kind + right.kind and self._multiply(right, left):
            ways.append(f"is `{b}*{a}` meant")
        if self._equal(left, right):
            ways.append(f"is `{a} .* {b}` meant, entry by entry")
        return ", or ".join(ways) + "?" if ways else None

    def entrywise(self, left: Value, operator: str, right: Value) -> str | None:
        """What to write where `.*` and its like need equal shapes: a transpose, or the matrix product."""
        a, b = self._operand(left), self._operand(right)
        ways = []
        if self._equal(left, _transpose(right)):
            ways.append(f"is a transpose missing, as in `{a} {operator} {_turned(b)}`")
        if self._multiply(left, right):
            ways.append(f"is the matrix product `{a}*{b}` meant")
        return ", or ".join(ways) + "?" if ways else None

    def transpose(self, left: Value, right: Value) -> str | None:
        """Which transpose makes two shapes equal."""
        if not self._equal(left, _transpose(right)):
            return None
        return f"is a transpose missing, as in `{_turned(self._operand(left))}` or `{_turned(self._operand(right))}`?"

    def _operand(self, value: Value) -> str:
        """The text of an operand, in brackets where it needs them."""
        text = self.source(value.span)
        return text if re.fullmatch(r"\w+(\([^()]*\))?'*|\([^()]*\)'*", text) else f"({text})"

    def _equal(self, left: Value, right: Value) -> bool:
        return left.kind == right.kind and all(map(self.sizes.fits, left.core.axes, right.core.axes))

    def _multiply(self, left: Value, right: Value) -> bool:
        if left.kind + right.kind not in PRODUCTS:
            return False
        inner = left.kind in "Mr" and right.kind in "Mc"
        return not inner or self.sizes.find(left.core.axes[-1]) == self.sizes.find(right.core.axes[0])


def _transpose(value: Value) -> Value:
    """The transpose, as far as its shape goes."""
    axes = value.core.axes[::-1]
    return Value(TURNED.get(value.kind, value.kind), Product(axes, (), tuple(range(len(axes)))), value.span)


def _turned(text: str) -> str:
    return text[:-1] if text.endswith("'") else text + "'"


def _leaf(core: Core, place: int) -> tuple[Leaf, int] | None:
    """The name that an axis of a meaning comes from, and which of its axes that is."""
    match core:
        case Leaf():
            return (core, place) if place < len(core.axes) else None
        case Product(output=output, factors=factors) if place < len(output):
            parts = [(factor, labels, output[place]) for factor, labels in factors]
        case Sum(terms=terms):
            parts = [(term, labels, place) for _, term, labels in terms]
        case Elementwise(body=body) | Power(base=body):
            return _leaf(body, place)
        case Whole(body=body) if len(body.axes) == len(core.axes):
            return _leaf(body, place)
        case _:
            return None
    each = (_leaf(part, labels.index(label)) for part, labels, label in parts if label in labels)
    return next((found for found in each if found is not None), None)
