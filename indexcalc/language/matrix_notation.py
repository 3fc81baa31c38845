"""Matrix notation: syntax tree → core language, once the rank of every name is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.core import Core, Elementwise, Leaf, Literal, Power, Product, SizeOf, Sum, Symbol
from indexcalc.language.library import LATER, LIBRARY, ONE, Value, constant_kind, dot, scaled, transposed
from indexcalc.language.sizes import Sizes
from indexcalc.language.syntax import Syntax
from indexcalc.tensor.functions import BY_NAME

KINDS = {"s": "a scalar", "c": "a column vector", "r": "a row vector", "M": "a matrix"}
PRODUCTS = {"MM": "M", "Mc": "c", "rM": "r", "rc": "s", "cr": "M"}


class MatrixNotation:
    """One statement's matrix text. ``resolve`` gives a name's symbol, a size, or None for I and pi."""

    def __init__(
        self,
        sizes: Sizes,
        resolve: Callable[[syntax.Name], Symbol | int | None],
        describe: Callable[[Core], str],
        notes: list[str],
    ) -> None:
        self.sizes, self.resolve, self.describe, self.notes = sizes, resolve, describe, notes

    # ------------------------------------------------------------------ sizes
    def square(self, value: Value) -> None:
        rows, columns = value.core.axes
        if not self.sizes.unify(rows, columns):
            message = f"a square matrix is needed here, and this one is {self.describe(value.core)}"
            raise IndexcalcError("E206", message, value.span)

    def same_shape(self, a: Value, b: Value) -> None:
        for x, y in zip(a.core.axes, b.core.axes, strict=True):
            if not self.sizes.unify(x, y):
                raise self._misfit(a, b, "need the same shape")

    def _misfit(self, a: Value, b: Value, what: str) -> IndexcalcError:
        left, right = f"{KINDS[a.kind]} of size {self.describe(a.core)}", f"{KINDS[b.kind]} of size {self.describe(b.core)}"
        return IndexcalcError("E203", f"shapes do not fit: {left} and {right} {what}", (a.span[0], b.span[1]))
