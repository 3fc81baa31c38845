"""Matrix notation as a SymPy user would write it: syntax tree → SymPy expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy
from sympy import Identity, Inverse, MatrixExpr, MatrixSymbol, OneMatrix, Trace, ZeroMatrix
from sympy.matrices.expressions.determinant import Determinant
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.kronecker import KroneckerProduct

from indexcalc.language import syntax
from indexcalc.language.syntax import Syntax

Expression = Any
"""A scalar of SymPy, or one of its matrices: a vector is n x 1."""
WRITINGS = ("trace", "entry", "matrix")
"""What becomes of a 1 x 1 matrix that meets scalars: its trace, its entry, or they become 1 x 1 matrices, too."""

_z = sympy.Dummy("z", real=True)
ELEMENTWISE: dict[str, Callable[[Expression], Expression]] = {
    **{
        name: getattr(sympy, name) for name in "exp log sin cos tan asin acos atan sinh cosh tanh sign erf erfc".split()
    },
    "ln": sympy.log,
    "abs": sympy.Abs,
    "sqrt": sympy.Lambda(_z, sympy.sqrt(_z)),
    "log1p": sympy.Lambda(_z, sympy.log(1 + _z)),
    "expm1": sympy.Lambda(_z, sympy.exp(_z) - 1),
    "sigmoid": sympy.Lambda(_z, 1 / (1 + sympy.exp(-_z))),
    "softplus": sympy.Lambda(_z, sympy.log(1 + sympy.exp(_z))),
    "relu": sympy.Lambda(_z, sympy.Max(0, _z)),
    "step": sympy.Lambda(_z, sympy.Heaviside(_z)),
}


class Unsupported(Exception):
    """What has no matrix expression in SymPy."""


def size(text: str) -> Expression:
    return sympy.Integer(text) if text.isdigit() else sympy.Symbol(text, integer=True, positive=True)


def _typed_size(node: Syntax) -> Expression:
    match node:
        case syntax.Name():
            return size(node.text)
        case syntax.Number():
            return size(str(node.value))
    raise Unsupported("a computed size")


def _symbol(name: str, axes: Sequence[str]) -> Expression:
    if len(axes) > 2:
        raise Unsupported("a tensor")
    return MatrixSymbol(name, *map(size, [*axes, "1"][:2])) if axes else sympy.Symbol(name, real=True)


def _is_matrix(value: Expression) -> bool:
    return isinstance(value, MatrixExpr)


def _is_scalar(value: Expression) -> bool:
    return not _is_matrix(value) or value.shape == (1, 1)


class Reader:
    """The trees of one question, in one of the WRITINGS."""

    def __init__(self, axes: Mapping[str, Sequence[str]], writing: str = "trace") -> None:
        self.names = {name: _symbol(name, sizes) for name, sizes in axes.items()}
        self.writing = writing

    def value(self, node: Syntax) -> Expression:
        match node:
            case syntax.Number():
                return sympy.Rational(node.value.numerator, node.value.denominator)
            case syntax.Name():
                return self._name(syntax.spelling(node.text, node.scripts))
            case syntax.Group():
                return self.value(node.body)
            case syntax.Signed():
                return -self.value(node.body)
            case syntax.Transpose():
                return _transpose(self.value(node.body))
            case syntax.Sum():
                return self._sum([sign * self.value(term) for sign, term in node.terms])
            case syntax.Product():
                running = self.value(node.factors[0][1])
                for operator, factor in node.factors[1:]:
                    running = self._product(running, operator, self.value(factor))
                return running
            case syntax.Power():
                return self._power(node)
            case syntax.Call():
                return self._call(node)
        raise Unsupported(type(node).__name__)

    def _name(self, name: str) -> Expression:
        if name not in self.names:
            raise Unsupported(name)
        return self.names[name]

    # ------------------------------------------------------------------ scalars
    def _scalar(self, value: Expression) -> Expression:
        """A number, not a 1 x 1 matrix."""
        if not _is_matrix(value):
            return value
        if value.shape != (1, 1):
            raise Unsupported("a scalar is needed")
        return value[0, 0] if self.writing == "entry" else Trace(value)

    def _lifted(self, value: Expression) -> Expression:
        """A 1 x 1 matrix, where the writing wants them and the value depends on matrices."""
        if self.writing != "matrix":
            return self._scalar(value)
        return value * Identity(1) if not _is_matrix(value) and value.has(MatrixSymbol) else value

    def _function(self, function: Callable[[Expression], Expression], body: Expression) -> Expression:
        body = self._lifted(body) if _is_scalar(body) else body
        return body.applyfunc(function) if _is_matrix(body) else function(body)

    # ------------------------------------------------------------------ operators
    def _sum(self, values: list[Expression]) -> Expression:
        full = next((value for value in values if not _is_scalar(value)), None)
        if full is not None:
            values = [self._scalar(value) * OneMatrix(*full.shape) if _is_scalar(value) else value for value in values]
        elif not all(map(_is_matrix, values)):
            values = [self._lifted(value) for value in values]
            if any(map(_is_matrix, values)):
                values = [value if _is_matrix(value) else value * Identity(1) for value in values]
        total = values[0]
        for value in values[1:]:
            total += value
        return total

    def _product(self, left: Expression, operator: str, right: Expression) -> Expression:
        if operator == ":":
            return Trace(left.T * right)
        if operator == "⊗":
            return KroneckerProduct(left, right)
        if operator in ("/", "./"):
            right = self._inverted(right)
            operator = "*" if operator == "/" else ".*"
        if operator == ".*" and not _is_scalar(left) and not _is_scalar(right):
            return HadamardProduct(left, right)
        if _is_matrix(left) and _is_matrix(right) and left.shape[1] != right.shape[0]:
            return self._scalar(left) * right if _is_scalar(left) else left * self._scalar(right)
        return left * right

    def _inverted(self, divisor: Expression) -> Expression:
        if not _is_scalar(divisor):
            return HadamardPower(divisor, -1)
        lifted = self._lifted(divisor)
        return Inverse(lifted) if _is_matrix(lifted) else 1 / lifted

    def _power(self, node: syntax.Power) -> Expression:
        match node:
            case syntax.Power(base=syntax.Call(function="norm2" | "norm" | "normF", arguments=(body,)), exponent=two):
                if isinstance(two, syntax.Number) and two.value == 2:
                    return _square(self.value(body))
        base, exponent = self.value(node.base), self.value(node.exponent)
        if _is_scalar(exponent):
            exponent = self._scalar(exponent)
        if _is_scalar(base):
            return self._function(sympy.Lambda(_z, _z**exponent), base)
        return HadamardPower(base, exponent) if node.elementwise or base.shape[1] == 1 else base**exponent

    # ------------------------------------------------------------------ functions
    def _call(self, node: syntax.Call) -> Expression:
        name = node.function
        if name in ("eye", "ones", "zeros"):
            sizes = [*map(_typed_size, node.arguments), sympy.Integer(1)]
            return Identity(sizes[0]) if name == "eye" else (OneMatrix if name == "ones" else ZeroMatrix)(*sizes[:2])
        arguments = [self.value(argument) for argument in node.arguments]
        if name in TWO and len(arguments) == 2:
            return TWO[name](*arguments)
        if len(arguments) != 1:
            raise Unsupported(name)
        (body,) = arguments
        if name in ELEMENTWISE:
            return self._function(ELEMENTWISE[name], body)
        if name in ONE:
            return ONE[name](body)
        match name:
            case "norm1":
                return _total(self._function(sympy.Abs, body))
            case "norm2" | "norm" | "normF":
                return self._function(ELEMENTWISE["sqrt"], _square(body))
            case "softmax":
                return self._product(body.applyfunc(sympy.exp), "/", _total(body.applyfunc(sympy.exp)))
            case "logsumexp":
                return self._function(sympy.log, _total(body.applyfunc(sympy.exp)))
        raise Unsupported(name)


def _transpose(body: Expression) -> Expression:
    return body.T if _is_matrix(body) else body


def _total(body: Expression) -> Expression:
    """The sum of all entries."""
    if _is_scalar(body):
        return body
    rows, columns = body.shape
    left = body if rows == 1 else OneMatrix(1, rows) * body
    return left if columns == 1 else left * OneMatrix(columns, 1)


def _mean(body: Expression) -> Expression:
    return body if _is_scalar(body) else _total(body) / (body.shape[0] * body.shape[1])


def _square(body: Expression) -> Expression:
    """The sum of squares."""
    if _is_scalar(body):
        return body**2
    return body.T * body if body.shape[1] == 1 else Trace(body.T * body)


ONE: dict[str, Callable[[Expression], Expression]] = {
    "tr": Trace,
    "trace": Trace,
    "det": Determinant,
    "logdet": lambda body: sympy.log(Determinant(body)),
    "inv": Inverse,
    "transpose": _transpose,
    "sum": _total,
    "mean": _mean,
    "diag": lambda body: DiagMatrix(body) if 1 in body.shape else DiagonalOf(body),
}
TWO: dict[str, Callable[[Expression, Expression], Expression]] = {
    "kron": KroneckerProduct,
    "dot": lambda left, right: left.T * right,
    "outer": lambda left, right: left * right.T,
}
