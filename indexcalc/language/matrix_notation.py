"""Matrix notation: syntax tree → core language, once the rank of every name is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.core import Core, Elementwise, Literal, Power, Product, Sum, Whole
from indexcalc.language.library import (
    KRON,
    LATER,
    LIBRARY,
    Row,
    Value,
    constant_kind,
    kron,
    size_text,
    subscripts,
    transposed,
)
from indexcalc.language.misfit import PRODUCTS, Misfit
from indexcalc.language.sizes import Sizes
from indexcalc.language.syntax import Syntax
from indexcalc.tensor.functions import BY_NAME, function_named

QUESTIONS = ("grad", "hess", "hvp", "vjp", "jvp", "simplify")
KINDS = {"s": "a scalar", "c": "a column", "r": "a row", "M": "a matrix"}
LARGEST_POWER = 16
"""The highest power of a matrix: each is so many factors."""
UNNAMED = {
    "abs": (
        "bars around a matrix can be its determinant or the absolute value of each entry",
        "write `det(A)` or `abs(A)`",
    ),
    "exp": ("this can be the exponential of the matrix or of each entry", "write `exp(A)` for each entry"),
}
"""Functions that can be written without a name, |A| and e^A, and what is to be said of those of a matrix."""
BARS = {"det": "its determinant", "abs": "the absolute values of its entries"}
MISFIT = 10**6
"""More than any text has terms."""


class Barred(IndexcalcError):
    """Bars around a matrix, whose meaning is not known."""


class MatrixNotation:
    """The matrix text of one statement. ``resolve`` gives the value of a name."""

    def __init__(self, sizes: Sizes, resolve: Callable[[syntax.Name], Value], notes: list[str], text: str = "") -> None:
        self.sizes, self.resolve, self.notes = sizes, resolve, notes
        self.misfit = Misfit(sizes, text)
        self.bars = ""
        """What bars around a matrix mean, det or abs; nothing while that is not known."""
        self.spread = 0
        """How many scalars were added to the entries of a tensor."""

    def statement(self, node: Syntax) -> Value:
        """A whole right side. Bars around matrices are determinants or absolute values, whichever fits; where both do,
        what adds scalars to matrices less often."""
        try:
            return self.value(node)
        except Barred:
            spreads = {bars: self._spreads(node, bars) for bars in BARS}
            fits = [bars for bars, spread in spreads.items() if spread == min(spreads.values()) < MISFIT]
            if len(fits) != 1:
                raise
        (self.bars,) = fits
        self.notes.append(f"bars around a matrix are read as {BARS[self.bars]}: `{self.bars}(…)`")
        return self.value(node)

    def _spreads(self, node: Syntax, bars: str) -> int:
        """How many scalars a text adds to the entries of a tensor, with this meaning of bars."""
        mark, notes = self.sizes.mark(), len(self.notes)
        self.bars, self.spread = bars, 0
        try:
            self.value(node)
            return self.spread
        except IndexcalcError:
            return MISFIT
        finally:
            self.bars = ""
            self.sizes.back_to(mark)
            del self.notes[notes:]

    def value(self, node: Syntax) -> Value:
        return VALUES[type(node)](self, node)

    def _name(self, node: syntax.Name) -> Value:
        return self.resolve(node)

    def _number(self, node: syntax.Number) -> Value:
        return Value("s", Literal((), node.value), node.span)

    def _group(self, node: syntax.Group) -> Value:
        kind, core, _ = self.value(node.body)
        return Value(kind, core, node.span)

    def _signed(self, node: syntax.Signed) -> Value:
        body = self.value(node.body)
        return Value(body.kind, negative(body.core), node.span)

    def _transpose(self, node: syntax.Transpose) -> Value:
        body = self.value(node.body)
        kind = {"c": "r", "r": "c"}.get(body.kind, body.kind)
        return Value(kind, transposed(body.core), node.span)

    def _indices(self, node: Syntax) -> Value:
        raise IndexcalcError("E201", "indices cannot stand in matrix notation", node.span)

    def _partial(self, node: syntax.Partial) -> Value:
        raise IndexcalcError("E107", "a derivative stands alone: `∂a/∂W`", node.span)

    # ------------------------------------------------------------------ sizes
    def times(self, a: Value, b: Value) -> Core:
        running = _Running(a)
        self._times(running, b)
        return running.core()

    def entrywise(self, a: Value, b: Value) -> Core:
        return self._elementwise(a, ".*", b).core

    def product_size(self, parts: Sequence[int]) -> int:
        return self.sizes.product(parts)

    def new_size(self) -> int:
        return self.sizes.new()

    def in_space(self, value: Value) -> int:
        """The size 3 that a vector must have."""
        three = self.sizes.fixed(3)
        if not self.sizes.unify(three, value.core.axes[0]):
            message = f"a vector of size 3 is needed here, not {self.shape(value)}"
            raise IndexcalcError("E203", message, value.span)
        return three

    def square(self, value: Value, what: str) -> None:
        rows, columns = value.core.axes
        if not self.sizes.unify(rows, columns, f"{what}({self.misfit.source(value.span)})"):
            message = f"`{what}` needs a square matrix, and {self.misfit.described(value)}"
            raise IndexcalcError("E206", message, value.span)

    def same_shape(self, a: Value, b: Value, operator: str = "") -> None:
        if a.core.axes == b.core.axes:
            return
        for place, (x, y) in enumerate(zip(a.core.axes, b.core.axes, strict=True)):
            if x != y and not self.sizes.unify(x, y, self.misfit.source((a.span[0], b.span[1]))):
                help_ = self.misfit.entrywise(a, operator, b) if operator else self.misfit.transpose(a, b)
                raise self._misfit(a, b, "equal shapes are needed", (place, place), help_)

    def axis(self, value: Value) -> int:
        """The axis that the second argument of sum, softmax, … names."""
        if isinstance(value.core, Literal) and value.core.value in (1, 2):
            return int(value.core.value) - 1
        raise IndexcalcError("E303", "the axis is 1, down the columns, or 2, along the rows", value.span)

    def shape(self, value: Value) -> str:
        """What an error says of a value: ``a matrix (m x n)``."""
        sizes = [self.sizes.text(size) for size in value.core.axes]
        sizes = {"c": [*sizes, "1"], "r": ["1", *sizes]}.get(value.kind, sizes)
        return f"{KINDS[value.kind]} ({' x '.join(sizes)})" if sizes else KINDS[value.kind]

    def _misfit(
        self, a: Value, b: Value, why: str, places: tuple[int, int] = (0, 0), help_: str | None = None
    ) -> IndexcalcError:
        message = f"{self.misfit.described(a, places[0])} and {self.misfit.described(b, places[1])}: {why}"
        return IndexcalcError("E203", message, (a.span[0], b.span[1]), help_)

    # ------------------------------------------------------------------ sums
    def _sum(self, node: syntax.Sum) -> Value:
        values = [self.value(term) for _, term in node.terms]
        first = next((value for value in values if value.kind != "s"), values[0])
        for value in values:
            if value is first:
                continue
            if value.kind == "s":
                self.spread += first.kind != "s"
                if first.kind == "M" and self.sizes.find(first.core.axes[0]) == self.sizes.find(first.core.axes[1]):
                    self.notes.append(
                        "a scalar is added to every entry of a square matrix; c*eye(n) is a multiple of the identity"
                    )
            elif value.kind != first.kind:
                help_ = self.misfit.transpose(first, value)
                message = f"{self.misfit.described(first)} and {self.misfit.described(value)}: they cannot be added"
                raise IndexcalcError(
                    "E204", message, (min(first.span[0], value.span[0]), max(first.span[1], value.span[1])), help_
                )
            else:
                self.same_shape(first, value)
        axes = first.core.axes
        signs = [sign for sign, _ in node.terms]
        terms = [(s, value.core, tuple(range(len(value.core.axes)))) for s, value in zip(signs, values, strict=True)]
        return Value(first.kind, Sum(axes, tuple(terms)), node.span)

    # ------------------------------------------------------------------ products
    def _product(self, node: syntax.Product) -> Value:
        running = _Running(self.value(node.factors[0][1]))
        before = "*"
        for place, (operator, factor) in enumerate(node.factors[1:]):
            if operator == "" and before in ("/", "./") and number(node.factors[place][1]) is None:
                raise beside_divisor(node.factors[place][1].span, factor.span)
            right = self.value(factor)
            if operator in ("*", ""):
                self._times(running, right)
            elif operator == "/":
                self._divide(running, right)
            elif operator == "⊗":
                value = running.value()
                core = kron(self, (value, right))
                running = _Running(Value(KRON[value.kind + right.kind], core, (value.span[0], right.span[1])))
            else:
                running = _Running(self._elementwise(running.value(), operator, right))
            running.span = (node.span[0], right.span[1])
            before = operator
        return Value(running.kind, running.core(), node.span)

    def _times(self, left: _Running, right: Value) -> None:
        if "s" in (left.kind, right.kind):
            left.take(right)
            return
        kind = PRODUCTS.get(left.kind + right.kind)
        if kind is None:
            raise self._no_product(left.value(), right)
        if left.columns is not None and right.kind in "Mc":
            size, rows = left.columns[1], right.core.axes[0]
            same = size == rows or self.sizes.unify(size, rows, self.misfit.source((left.span[0], right.span[1])))
            if not same:
                whole = left.value()
                why = f"{self.sizes.text(size)} columns against {self.sizes.text(rows)} rows"
                raise self._misfit(whole, right, why, (len(whole.core.axes) - 1, 0), self.misfit.product(whole, right))
        left.take(right)

    def _no_product(self, left: Value, right: Value) -> IndexcalcError:
        span = (left.span[0], right.span[1])
        if left.kind == right.kind == "c":
            message = "two column vectors have no matrix product"
            return IndexcalcError("E205", message, span, self.misfit.product(left, right))
        message = f"{self.shape(left)} times {self.shape(right)} is no matrix product"
        return IndexcalcError("E205", message, span, self.misfit.product(left, right))

    def _divide(self, left: _Running, right: Value) -> None:
        if right.kind != "s":
            help_ = "write `./` for elementwise division" + (", or multiply by `inv(…)`" if right.kind == "M" else "")
            raise IndexcalcError("E207", f"division by {self.shape(right)}", right.span, help_)
        left.take(Value("s", Power((), right.core, Fraction(-1)), right.span))

    def _elementwise(self, left: Value, operator: str, right: Value) -> Value:
        if left.kind != right.kind and (operator == ":" or "s" not in (left.kind, right.kind)):
            help_ = self.misfit.entrywise(left, operator, right)
            raise self._misfit(left, right, f"`{operator}` works entry by entry", help_=help_)
        if left.kind == right.kind:
            self.same_shape(left, right, operator)
        full = right if left.kind == "s" else left
        core = Power(right.core.axes, right.core, Fraction(-1)) if operator == "./" else right.core
        axes = full.core.axes
        labels = tuple(range(len(axes)))
        factors = tuple((c, labels[: len(c.axes)]) for c in (left.core, core))
        if operator == ":":
            return Value("s", Product((), factors, ()), (left.span[0], right.span[1]))
        return Value(full.kind, Product(axes, factors, labels), (left.span[0], right.span[1]))

    # ------------------------------------------------------------------ powers
    def _power(self, node: syntax.Power) -> Value:
        base = self.value(node.base)
        exponent = number(node.exponent)
        if base.kind == "M" and not node.elementwise:
            return self._matrix_power(node, base, exponent)
        if exponent is not None:
            return Value(base.kind, Power(base.core.axes, base.core, exponent), node.span)
        value = self.value(node.exponent)
        if value.kind == "s":
            return Value(base.kind, Power(base.core.axes, base.core, value.core), node.span)
        if base.kind == "s" and node.elementwise:
            repeated = Sum(value.core.axes, ((1, base.core, ()),))
            return Value(value.kind, Power(value.core.axes, repeated, value.core), node.span)
        if value.kind != base.kind or not node.elementwise:
            help_ = "an exponent is a scalar" + ("; `.^` has one for each entry" if value.kind == base.kind else "")
            raise IndexcalcError("E215", f"the exponent is {self.shape(value)}", value.span, help_)
        self.same_shape(base, value)
        return Value(base.kind, Power(base.core.axes, base.core, value.core), node.span)

    def _matrix_power(self, node: syntax.Power, base: Value, exponent: Fraction | None) -> Value:
        if isinstance(node.base, syntax.Call) and is_elementwise(node.base.function):
            message = f"`^` of {node.base.function} of a matrix can be the power of each entry or of the matrix"
            raise IndexcalcError("E214", message, node.span, "write `.^` for each entry, or write the product out")
        if exponent is None or exponent.denominator != 1:
            message = "a matrix has only whole powers"
            raise IndexcalcError("E402", message, node.exponent.span, "write `.^` for the power of each entry")
        if abs(exponent) > LARGEST_POWER:
            raise IndexcalcError("E504", f"matrix powers go up to {LARGEST_POWER}", node.exponent.span)
        self.square(base, "^")
        axes = base.core.axes
        if exponent == 0:
            return Value("M", Product(axes, (), (0, 0), ((0, axes[0]),)), node.span)
        core = Whole(axes, "inv", base.core, 0) if exponent < 0 else base.core
        count = abs(int(exponent))
        if count > 1:
            core = Product(axes, tuple((core, (k, k + 1)) for k in range(count)), (0, count))
        return Value("M", core, node.span)

    # ------------------------------------------------------------------ functions
    def call(self, node: syntax.Call) -> Value:
        row = LIBRARY.get(node.function)
        if row is not None:
            return self._library(row, node)
        if is_elementwise(node.function):
            body = self.value(one_argument(node))
            if body.kind == "M" and node.name_span[0] == node.name_span[1]:
                if node.function == "abs" and self.bars:
                    return self.call(node._replace(function=self.bars, name_span=node.span))
                message, help_ = UNNAMED[node.function]
                error = Barred if node.function == "abs" else IndexcalcError
                raise error("E214", message, node.span, help_)
            return Value(body.kind, elementwise(node.function, body.core), node.span)
        if node.function.startswith(syntax.EINSUM):
            return self._einsum(node)
        raise unknown_function(node)

    def _library(self, row: Row, node: syntax.Call) -> Value:
        if row.sizes:
            return self._constant(row, node)
        arguments = [self.value(argument) for argument in node.arguments]
        kinds = "".join(argument.kind for argument in arguments)
        if kinds not in row.kinds:
            raise self._wrong_arguments(row, node, arguments)
        return Value(row.kinds[kinds], row.build(self, arguments), node.span)

    def _einsum(self, node: syntax.Call) -> Value:
        """einsum('ij,jk->ik', A, B)"""
        inputs, output = subscripts(node.function)
        labels = {letter: place for place, letter in enumerate(dict.fromkeys("".join(inputs)))}
        known = all(letter.isalpha() for letter in labels) and set(output) <= set(labels)
        if len(inputs) != len(node.arguments) or not known or len(set(output)) < len(output):
            message = f"these subscripts do not fit {len(node.arguments)} operands"
            raise IndexcalcError("E211", message, node.name_span, "`einsum('ij,jk->ik', A, B)`")
        if len(output) > 2:
            raise IndexcalcError("E216", f"this has {len(output)} axes", node.span, "write it with indices")
        sizes: dict[str, int] = {}
        factors = []
        for argument, letters in zip(node.arguments, inputs, strict=True):
            value = self.value(argument)
            if len(value.core.axes) != len(letters):
                message = f"{self.shape(value)} has {len(value.core.axes)} axes, not {len(letters)}"
                raise IndexcalcError("E211", message, argument.span)
            for letter, size in zip(letters, value.core.axes, strict=True):
                if not self.sizes.unify(sizes.setdefault(letter, size), size):
                    message = f"the index {letter} runs over different sizes"
                    raise IndexcalcError("E203", message, argument.span)
            factors.append((value.core, tuple([labels[letter] for letter in letters])))
        axes = tuple([sizes[letter] for letter in output])
        core = Product(axes, tuple(factors), tuple([labels[letter] for letter in output]))
        return Value("scM"[len(output)], core, node.span)

    def _wrong_arguments(self, row: Row, node: syntax.Call, arguments: Sequence[Value]) -> IndexcalcError:
        counts = {len(kinds) for kinds in row.kinds}
        if len(arguments) not in counts:
            message = f"{row.name} takes {' or '.join(map(str, sorted(counts)))} argument, not {len(arguments)}"
            return IndexcalcError("E303", message, node.span)
        given = " and ".join(self.shape(argument) for argument in arguments)
        wanted = " or ".join(
            " and ".join(KINDS[kind] for kind in kinds) for kinds in row.kinds if len(kinds) == len(arguments)
        )
        along = f"give the axis: `{row.name}(Z, 1)` down the columns, `{row.name}(Z, 2)` along the rows"
        help_ = along if "".join(a.kind for a in arguments) + "s" in row.kinds else None
        return IndexcalcError("E208", f"{row.name} takes {wanted}, not {given}", node.span, help_)

    def _constant(self, row: Row, node: syntax.Call) -> Value:
        texts = [size_text(argument) for argument in node.arguments]
        least, most = {"eye": (1, 1), "commutation": (2, 2)}.get(row.name, (1, 2))
        if not least <= len(texts) <= most or not all(texts):
            shapes = " or ".join(f"{row.name}({'m, ' * (count - 1)}n)" for count in range(least, most + 1))
            raise IndexcalcError("E303", f"{row.name} takes sizes: {shapes}", node.span)
        values = []
        for text, argument in zip(texts, node.arguments, strict=True):
            dropped = text == "1" and len(texts) == 2 and row.name != "commutation"
            parts = [self.sizes.fixed(int(part) if part.isdigit() else part) for part in text.split("*")]
            axes = () if dropped else (parts[0] if len(parts) == 1 else self.sizes.product(parts),)
            values.append(Value("s", Literal(axes, Fraction(1)), argument.span))
        return Value(constant_kind(row.name, texts), row.build(self, values), node.span)


VALUES: dict[type, Callable[[MatrixNotation, Any], Value]] = {
    syntax.Number: MatrixNotation._number,
    syntax.Name: MatrixNotation._name,
    syntax.Group: MatrixNotation._group,
    syntax.Signed: MatrixNotation._signed,
    syntax.Sum: MatrixNotation._sum,
    syntax.Product: MatrixNotation._product,
    syntax.Transpose: MatrixNotation._transpose,
    syntax.Power: MatrixNotation._power,
    syntax.Call: MatrixNotation.call,
    syntax.Partial: MatrixNotation._partial,
    **dict.fromkeys((syntax.Indexed, syntax.SumOver, syntax.Each), MatrixNotation._indices),
}
"""TABLE: the value of a node of each kind."""


class _Running:
    """A matrix product while it grows from left to right: its factors, and its open row and column labels."""

    __slots__ = ("columns", "factors", "fresh", "kind", "rows", "span")

    def __init__(self, value: Value) -> None:
        self.span = value.span
        self.kind = "s"
        self.factors: list[tuple[Core, tuple[int, ...]]] = []
        self.rows: tuple[int, int] | None = None
        self.columns: tuple[int, int] | None = None
        self.fresh = 0
        self.take(value)

    def take(self, value: Value) -> None:
        """Multiply by a value that fits."""
        kind, core, _ = value
        labels: tuple[int, ...] = ()
        if kind == "c" or kind == "M":
            if self.columns is not None:
                labels = (self.columns[0],)
                self.columns = None
            else:
                labels = (self.fresh,)
                self.rows = (self.fresh, core.axes[0])
                self.fresh += 1
        if kind == "r" or kind == "M":
            labels = (*labels, self.fresh)
            self.columns = (self.fresh, core.axes[-1])
            self.fresh += 1
        self.factors.append((core, labels))
        if self.rows is None:
            self.kind = "s" if self.columns is None else "r"
        else:
            self.kind = "c" if self.columns is None else "M"

    def core(self) -> Core:
        if len(self.factors) == 1:
            return self.factors[0][0]
        ends = [end for end in (self.rows, self.columns) if end is not None]
        return Product(tuple([size for _, size in ends]), tuple(self.factors), tuple([label for label, _ in ends]))

    def value(self) -> Value:
        return Value(self.kind, self.core(), self.span)


def elementwise(function: str, core: Core) -> Core:
    """An elementwise function by name; the square root is a power."""
    if function == "sqrt":
        return Power(core.axes, core, Fraction(1, 2))
    row = function_named(function)
    assert row is not None
    return Elementwise(core.axes, row, core)


def is_elementwise(function: str) -> bool:
    return function == "sqrt" or function_named(function) is not None


def negative(core: Core) -> Core:
    return Sum(core.axes, ((-1, core, tuple(range(len(core.axes)))),))


def number(node: Syntax) -> Fraction | None:
    """The value of a text that consists of numbers only."""
    match node:
        case syntax.Number():
            return node.value
        case syntax.Group():
            return number(node.body)
        case syntax.Signed():
            body = number(node.body)
            return None if body is None else -body
        case syntax.Product():
            result = Fraction(1)
            for operator, factor in node.factors:
                value = number(factor)
                if value is None or operator not in ("*", "", "/") or (operator == "/" and not value):
                    return None
                result = result / value if operator == "/" else result * value
            return result
    return None


def one_argument(node: syntax.Call) -> Syntax:
    if len(node.arguments) != 1:
        raise IndexcalcError("E303", f"{node.function} takes 1 argument, not {len(node.arguments)}", node.span)
    return node.arguments[0]


def beside_divisor(divisor: Span, factor: Span) -> IndexcalcError:
    message = "a factor set beside a divisor can belong above or below the line"
    return IndexcalcError("E109", message, (divisor[0], factor[1]), "write `a/b*c`, or bracket the divisor: `a/(b c)`")


def unsupported(what: str, span: Span) -> IndexcalcError:
    return IndexcalcError("E404", f"{what} is not supported yet", span)


def unknown_function(node: syntax.Call) -> IndexcalcError:
    if node.function in LATER:
        return unsupported(node.function, node.name_span)
    text = node.function
    near = get_close_matches(text.lower(), [*BY_NAME, "sqrt", *LIBRARY, *QUESTIONS])
    near.sort(key=lambda name: sorted(name) != sorted(text.lower()))  # tahn is tanh rather than tan
    declared = f"for a product write `{text}*(…)`; for a function of each entry declare `{text}: elementwise`"
    help_ = f"did you mean `{near[0]}`?" if near else declared
    return IndexcalcError("E302", f"`{text}` is no function that indexcalc knows", node.name_span, help_)
