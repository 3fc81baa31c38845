"""Index notation as a SymPy user would write it: syntax tree → sums of products of indexed symbols; and its value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import erf
from typing import Any

import numpy as np
import sympy
from sympy import IndexedBase, KroneckerDelta, LeviCivita

from indexcalc.language import syntax
from indexcalc.language.index_notation import letters_of
from indexcalc.language.syntax import Syntax

from .sympy_reader import ELEMENTWISE, Expression, Unsupported, size

Letters = tuple[str, ...]
Tensor = tuple[Expression, Letters]
"""An expression, and the indices in it that are not summed, as often as they stand in it."""


class IndexReader:
    """One statement with a left-hand side."""

    def __init__(self, axes: Mapping[str, Sequence[str]], statement: syntax.Statement) -> None:
        self.axes = {name: tuple(map(size, sizes)) for name, sizes in axes.items()}
        self.names = {
            name: IndexedBase(name, shape=shape, real=True) if shape else sympy.Symbol(name, real=True)
            for name, shape in self.axes.items()
        }
        (left,), right = statement.left.items, statement.right
        assert isinstance(left, syntax.Name)
        assert right is not None
        self.output = _letters(left)
        (self.body,) = right.items
        self.sizes: dict[str, Expression] = {}
        """The size of each index that a tensor has."""

    def derivative(self, variable: str, order: int) -> Expression:
        """The derivative of an entry of the output by an entry of the variable, its sums over deltas carried out."""
        value = self._over(*self.expression(self.body, self.output), self.output)
        for turn in range(order):
            own = self._own(variable, turn)
            value = value.diff(self.names[variable][own] if own else self.names[variable])
        return value.doit()

    def indices(self, variable: str, order: int) -> list[Expression]:
        """The derivative's indices: the output's, then the variable's."""
        return [*map(_index, self.output), *(index for turn in range(order) for index in self._own(variable, turn))]

    def _own(self, variable: str, turn: int) -> tuple[Expression, ...]:
        """The indices of an entry of the variable."""
        return tuple([_index(f"{variable}{turn}{axis}") for axis in range(len(self.axes[variable]))])

    # ------------------------------------------------------------------ the rule of where a sum stands
    def expression(self, node: Syntax, kept: Iterable[str]) -> Tensor:
        match node:
            case syntax.Group():
                return self.expression(node.body, kept)
            case syntax.Sum():
                terms = [(sign, *self.expression(term, kept)) for sign, term in node.terms]
                letters = tuple(dict.fromkeys(letter for _, _, own in terms for letter in own))
                return sum((sign * term for sign, term, _ in terms), sympy.Integer(0)), letters
            case syntax.Product():
                return self.product(node.factors, kept)
        return self.product((("*", node),), kept)

    def product(self, factors: Sequence[tuple[str, Syntax]], kept: Iterable[str]) -> Tensor:
        value, letters = sympy.Integer(1), []
        for operator, factor in factors:
            own, its_letters = self.factor(factor, kept)
            value = value / own if operator == "/" else value * own
            letters += its_letters
        once = tuple(dict.fromkeys(x for x in letters if x in kept or letters.count(x) == 1))
        return self._over(value, tuple(dict.fromkeys(letters)), once), once

    def _over(self, value: Expression, letters: Letters, kept: Letters) -> Expression:
        """The sum over the letters that are not kept."""
        limits = [(_index(x), 0, self.sizes[x] - 1) for x in letters if x not in kept]
        return sympy.Sum(value, *limits) if limits else value

    def factor(self, node: Syntax, kept: Iterable[str]) -> Tensor:
        match node:
            case syntax.Number():
                return sympy.Rational(node.value.numerator, node.value.denominator), ()
            case syntax.Name():
                return self._name(node)
            case syntax.Signed():
                value, letters = self.factor(node.body, kept)
                return -value, letters
            case syntax.Power():
                base, letters = self.expression(node.base, kept)
                return base ** self.expression(node.exponent, kept)[0], letters
            case syntax.Call(arguments=(argument,)):
                if node.function in self.names:  # a scalar before brackets
                    return self.product((("*", syntax.Name(node.span, node.function, ())), ("*", argument)), kept)
                value, letters = self.expression(argument, kept)
                return ELEMENTWISE[node.function](value), letters
            case syntax.SumOver():
                own = letters_of(node.indices) or ()
                value, letters = self.expression(node.body, {*kept, *own})
                rest = tuple(x for x in letters if x not in own)
                return self._over(value, letters, rest), rest
            case syntax.Sum() | syntax.Product() | syntax.Group():
                return self.expression(node, kept)
        raise Unsupported(type(node).__name__)

    def _name(self, node: syntax.Name) -> Tensor:
        letters = _letters(node)
        indices = list(map(_index, letters))
        if node.text in self.names:
            self.sizes.update(zip(letters, self.axes[node.text], strict=True))
            return (self.names[node.text][tuple(indices)] if indices else self.names[node.text]), letters
        if node.text == "delta":
            return KroneckerDelta(*indices), letters
        if node.text == "eps":
            self.sizes.update(dict.fromkeys(letters, sympy.Integer(3)))
            return LeviCivita(*indices), letters
        raise Unsupported(node.text)


def _index(letter: str) -> Expression:
    """``i_`` for the index i: no size has such a name."""
    return sympy.Symbol(f"{letter}_", integer=True)


def _letters(node: syntax.Name) -> Letters:
    return tuple(letter for script in node.scripts for letter in letters_of(script) or ())


class Entries:
    """The NumPy value of every entry of an expression at once; ``names`` has numbers and arrays for its names."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def value(self, node: Expression, indices: Sequence[Expression], shape: Sequence[int]) -> np.ndarray:
        """The array whose axes are these indices."""
        places = np.indices(shape, sparse=True) if indices else []
        got = self._value(node, dict(zip(map(str, indices), places, strict=True)))
        return np.broadcast_to(np.asarray(got, dtype=float), shape)

    def _value(self, node: Expression, places: Mapping[str, np.ndarray]) -> Any:
        match node:
            case sympy.Symbol():
                return places[node.name] if node.name in places else self.names[node.name]
            case sympy.Integer():
                return int(node)
            case sympy.Indexed():
                array = self.names[str(node.base)]
                at = [self._value(index, places) for index in node.indices]
                # a condition around it leaves out what is not in the range
                return array[tuple([np.clip(k, 0, d - 1) for k, d in zip(at, array.shape, strict=True)])]
            case sympy.Sum():
                (index, first, last), *others = node.limits
                body = sympy.Sum(node.function, *others) if others else node.function
                steps = range(int(self._value(first, places)), int(self._value(last, places)) + 1)
                return sum(self._value(body, {**places, index.name: np.asarray(step)}) for step in steps)
            case sympy.Piecewise():
                value: Any = 0.0
                for body, condition in reversed(node.args):
                    value = np.where(self._value(condition, places), self._value(body, places), value)
                return value
        if node.is_number or not node.args:
            return bool(node) if node.is_Boolean else float(node)
        parts = [self._value(part, places) for part in node.args]
        match node:
            case sympy.And() | sympy.Or():
                return (np.logical_and if isinstance(node, sympy.And) else np.logical_or).reduce(
                    np.broadcast_arrays(*parts)
                )
            case sympy.Max():
                return np.max(np.broadcast_arrays(*parts), axis=0)
            case KroneckerDelta():
                return 1.0 * np.equal(*parts)
        return _numeric(node.func, len(parts))(*parts)


@functools.cache
def _numeric(function: Any, arguments: int) -> Callable[..., Any]:
    """A SymPy function or operation on NumPy arrays."""
    letters = sympy.symbols(f"a:{arguments}")
    return sympy.lambdify(letters, function(*letters), [{"erf": np.vectorize(erf)}, "numpy"])
