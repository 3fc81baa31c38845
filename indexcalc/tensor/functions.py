"""TABLE: the elementwise functions. A new one is one row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from indexcalc.tensor.elementwise import Apply, Function, apply
from indexcalc.tensor.nodes import Node, Rational, cache, constant, descendants
from indexcalc.tensor.product import einsum, ones, power, zeros
from indexcalc.tensor.sums import add, scale

HALF = Fraction(1, 2)


def _affine(offset: Rational, coefficient: Rational, u: Node) -> Node:
    """offset + coefficient u."""
    return add([(offset, ones(u.shape)), (coefficient, u)])


def _bell(u: Node) -> Node:
    """2/sqrt(pi) exp(-u^2), the derivative of erf."""
    axes = tuple(range(len(u.shape)))
    bell = apply(EXP, scale(-1, power(u, 2)))
    return einsum(2, [(power(constant("pi"), -HALF), ()), (bell, axes)], axes)


def _times(u: Node, v: Node) -> Node:
    axes = tuple(range(len(u.shape)))
    return einsum(1, [(u, axes), (v, axes)], axes)


def _sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u)) if u >= 0 else math.exp(u) / (1 + math.exp(u))


def _sign(u: float) -> float:
    return (u > 0) - (u < 0)


# fmt: off
EXP = Function("exp", lambda u, y: y, math.exp, "np.exp({})", r"\exp", at_zero=1, positive=True)
LOG = Function("log", lambda u, y: power(u, -1), math.log, "np.log({})", r"\log", also=("ln",))
LOG1P = Function("log1p", lambda u, y: power(_affine(1, 1, u), -1), math.log1p, "np.log1p({})", r"\operatorname{log1p}", at_zero=0)
EXPM1 = Function("expm1", lambda u, y: apply(EXP, u), math.expm1, "np.expm1({})", r"\operatorname{expm1}", at_zero=0)
ABS = Function("abs", lambda u, y: apply(SIGN, u), abs, "np.abs({})", r"\operatorname{abs}", parity=1, at_zero=0)
SIGN: Function = Function("sign", lambda u, y: zeros(u.shape), _sign, "np.sign({})", r"\operatorname{sign}", parity=-1, at_zero=0)
STEP = Function("step", lambda u, y: zeros(u.shape), lambda u: (_sign(u) + 1) / 2, "np.heaviside({}, 0.5)", r"\operatorname{step}",
                at_zero=HALF, also=("heaviside",))
SIN = Function("sin", lambda u, y: apply(COS, u), math.sin, "np.sin({})", r"\sin", parity=-1, at_zero=0)
COS: Function = Function("cos", lambda u, y: scale(-1, apply(SIN, u)), math.cos, "np.cos({})", r"\cos", parity=1, at_zero=1)
TAN = Function("tan", lambda u, y: _affine(1, 1, power(y, 2)), math.tan, "np.tan({})", r"\tan", parity=-1, at_zero=0)
ASIN = Function("asin", lambda u, y: power(_affine(1, -1, power(u, 2)), -HALF), math.asin, "np.arcsin({})", r"\arcsin",
                parity=-1, at_zero=0, also=("arcsin",))
ACOS: Function = Function("acos", lambda u, y: scale(-1, power(_affine(1, -1, power(u, 2)), -HALF)), math.acos, "np.arccos({})", r"\arccos",
                also=("arccos",))
ATAN = Function("atan", lambda u, y: power(_affine(1, 1, power(u, 2)), -1), math.atan, "np.arctan({})", r"\arctan",
                parity=-1, at_zero=0, also=("arctan",))
SINH = Function("sinh", lambda u, y: apply(COSH, u), math.sinh, "np.sinh({})", r"\sinh", parity=-1, at_zero=0)
COSH: Function = Function("cosh", lambda u, y: apply(SINH, u), math.cosh, "np.cosh({})", r"\cosh", parity=1, at_zero=1, positive=True)
TANH = Function("tanh", lambda u, y: _affine(1, -1, power(y, 2)), math.tanh, "np.tanh({})", r"\tanh", parity=-1, at_zero=0)
SIGMOID: Function = Function("sigmoid", lambda u, y: _times(y, apply(SIGMOID, scale(-1, u))), _sigmoid, "1/(1 + np.exp(-({})))", r"\sigma",
                   reflected=True, at_zero=HALF, positive=True, also=("sigma", "σ", "logistic", "expit"))
SOFTPLUS = Function("softplus", lambda u, y: apply(SIGMOID, u), lambda u: max(u, 0) + math.log1p(math.exp(-abs(u))),
                    "np.logaddexp(0, {})", r"\operatorname{softplus}", positive=True)
RELU = Function("relu", lambda u, y: apply(STEP, u), lambda u: max(u, 0.0), "np.maximum({}, 0)", r"\operatorname{relu}", at_zero=0)
ERF = Function("erf", lambda u, y: _bell(u), math.erf, "np.vectorize(math.erf)({})", r"\operatorname{erf}", parity=-1, at_zero=0)
ERFC = Function("erfc", lambda u, y: scale(-1, _bell(u)), math.erfc, "np.vectorize(math.erfc)({})", r"\operatorname{erfc}", at_zero=1)
# fmt: on

TABLE = (
    EXP, LOG, LOG1P, EXPM1, ABS, SIGN, STEP, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH, SIGMOID,
    SOFTPLUS, RELU, ERF, ERFC,
)  # fmt: skip

BY_NAME = {name: row for row in TABLE for name in (row.name, *row.also)}

DECLARED = "@"
"""What the syntax tree puts in front of the name of a function that the user declared: nothing typed begins so."""
_declared: dict[tuple[str, int], Function] = cache()


def declared(name: str, order: int) -> Function:
    """A function of which nothing is known, or its derivative: f, f', f'' … As a number it is a wave of a phase and
    a frequency of its own, so that derivatives can be checked."""
    if (name, order) not in _declared:
        rate, phase = wave(name)
        _declared[name, order] = Function(
            name + "'" * order,
            lambda u, y: apply(declared(name, order + 1), u),
            lambda u: rate**order * math.sin(rate * u + phase + order * math.pi / 2),
            "{}",
            name + "'" * order,
            declared=True,
        )
    return _declared[name, order]


def wave(name: str) -> tuple[float, float]:
    """The frequency and the phase of the wave that stands for a function of which nothing is known."""
    seed = sum(ord(letter) * 31**place for place, letter in enumerate(name))
    return 1 + seed % 7 / 10, seed % 11 / 5


def function_named(name: str) -> Function | None:
    """The elementwise function of a name in the syntax tree."""
    if name.startswith(DECLARED):
        stem = name.removeprefix(DECLARED).rstrip("'")
        return declared(stem, len(name) - len(stem) - 1)
    return BY_NAME.get(name)


def declared_functions(roots: Iterable[Node]) -> list[str]:
    """The functions that the user declared, and their derivatives, in these tensors."""
    found = {node.function.name for node in descendants(roots) if isinstance(node, Apply) and node.function.declared}
    return sorted(found)
