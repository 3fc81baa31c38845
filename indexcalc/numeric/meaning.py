"""What a printed text means → its entries at one point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import repeat
from operator import mul

from indexcalc.language import core
from indexcalc.language.reader import Step
from indexcalc.numeric.arithmetic import Arithmetic, Value, determinant, inverse
from indexcalc.numeric.evaluation import Evaluation, contraction, levi_civita, softmax
from indexcalc.tensor.functions import LOG
from indexcalc.tensor.nodes import Labels, rational


def value(steps: Sequence[Step], at: Evaluation) -> Value:
    """The entries of the last step. Raises ArithmeticError or ValueError where it has none."""
    values: list[Value] = []
    for step in steps:
        values.append(entries(step, [values[place] for place in step.parts], at))
    return values[-1]


def entries(step: Step, parts: Sequence[Value], at: Evaluation) -> Value:
    """The entries of one step, given those of its parts."""
    by = at.arithmetic
    dims = at.shape(step.sizes)
    match step.meaning:
        case core.Leaf():
            assert step.node is not None
            return at.value(step.node)
        case core.Literal(value=literal):
            return [by.constant(literal) if isinstance(literal, str) else by.number(rational(literal))]
        case core.SizeOf():
            return [by.number(dims[0])]
        case core.LeviCivita():
            return levi_civita(by, 3)
        case core.Product(factors=factors, output=output):
            return contraction(parts, tuple([labels for _, labels in factors]), output, dims, by)
        case core.Sum(terms=terms):
            return _sum([(sign, labels) for sign, _, labels in terms], parts, dims, at)
        case core.Elementwise(function=function):
            return by.apply(function, parts[0])
        case core.Power(exponent=exponent):
            if isinstance(exponent, Fraction):
                return by.reduced(by.power(parts[0], rational(exponent)))
            return by.raised(parts[0], parts[1] if len(parts[1]) == len(parts[0]) else parts[1] * len(parts[0]))
        case core.Grouped(groups=groups):
            flat = tuple([axis for group in groups for axis in group])
            return contraction(parts, (tuple(range(len(dims))),), flat, dims, by)
        case core.Whole(function=name, axis=axis):
            return WHOLE[name](by, parts[0], dims, axis)


def _sum(terms: Sequence[tuple[int, Labels]], parts: Sequence[Value], dims: tuple[int, ...], at: Evaluation) -> Value:
    every = tuple(range(len(dims)))
    scaled = []
    for (sign, labels), part in zip(terms, parts, strict=True):
        spread = part if labels == every else contraction([part], (labels,), every, dims, at.arithmetic)
        scaled.append(spread if sign > 0 else map(mul, spread, repeat(-1)))
    return at.arithmetic.reduced(list(map(sum, zip(*scaled, strict=True))))


def _logsumexp(by: Arithmetic, argument: Value, dims: tuple[int, ...], axis: int) -> Value:
    axes = tuple(range(len(dims)))
    return by.apply(LOG, contraction([by.exp(argument)], (axes,), axes[:axis] + axes[axis + 1 :], dims, by))


WHOLE: dict[str, Callable[[Arithmetic, Value, tuple[int, ...], int], Value]] = {
    "inv": lambda by, argument, dims, axis: inverse(by, argument, dims[0]),
    "det": lambda by, argument, dims, axis: [determinant(by, argument, dims[0])],
    "logdet": lambda by, argument, dims, axis: [by.log_magnitude(determinant(by, argument, dims[0]))],
    "softmax": softmax,
    "logsumexp": _logsumexp,
}
"""TABLE: the functions of whole tensors."""
