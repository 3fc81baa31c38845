"""What a text means → its entries at one point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import neg
from typing import Any

from indexcalc.language import core
from indexcalc.language.meant import Step
from indexcalc.numeric.arithmetic import Arithmetic, Value, determinant, inverse
from indexcalc.numeric.evaluation import Evaluation, contraction, levi_civita, softmax
from indexcalc.tensor.functions import LOG
from indexcalc.tensor.nodes import Labels, Rational, Shape


def value(steps: Sequence[Step], at: Evaluation) -> Value:
    """The entries of the last step; each step is valued once at a point. Raises ArithmeticError or ValueError where it
    has none."""
    values = at.values
    for step in steps:
        if step not in values:
            values[step] = entries(step.kind, step.what, step.sizes, [values[part] for part in step.parts], at)
    return values[steps[-1]]


def entries(kind: type[core.Core], what: Any, sizes: Shape, parts: Sequence[Value], at: Evaluation) -> Value:
    """The entries of a meaning of this kind, given those of its parts."""
    return RULES[kind](at, what, parts, at.shape(sizes))


def _literal(at: Evaluation, literal: Rational | str) -> Value:
    return [at.arithmetic.constant(literal) if isinstance(literal, str) else at.arithmetic.number(literal)]


def _sum(at: Evaluation, terms: Sequence[tuple[int, Labels]], parts: Sequence[Value], dims: tuple[int, ...]) -> Value:
    every = tuple(range(len(dims)))
    scaled = []
    for (sign, labels), part in zip(terms, parts, strict=True):
        spread = part if labels == every else contraction([part], (labels,), every, dims, at.arithmetic)
        scaled.append(spread if sign > 0 else map(neg, spread))
    return at.arithmetic.reduced(map(sum, zip(*scaled, strict=True)))


def _power(at: Evaluation, exponent: Rational | None, parts: Sequence[Value]) -> Value:
    by = at.arithmetic
    if exponent is not None:
        return by.reduced(by.power(parts[0], exponent))
    return by.raised(parts[0], parts[1] if len(parts[1]) == len(parts[0]) else parts[1] * len(parts[0]))


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


Rule = Callable[[Evaluation, Any, Sequence[Value], tuple[int, ...]], Value]

RULES: dict[type[core.Core], Rule] = {
    core.Leaf: lambda at, node, parts, dims: at.value(node),
    core.Literal: lambda at, literal, parts, dims: _literal(at, literal),
    core.SizeOf: lambda at, what, parts, dims: [at.arithmetic.number(dims[0])],
    core.LeviCivita: lambda at, what, parts, dims: levi_civita(at.arithmetic, 3),
    core.Product: lambda at, labels, parts, dims: contraction(parts, labels[0], labels[1], dims, at.arithmetic),
    core.Sum: _sum,
    core.Elementwise: lambda at, function, parts, dims: at.arithmetic.apply(function, parts[0]),
    core.Power: lambda at, exponent, parts, dims: _power(at, exponent, parts),
    core.Grouped: lambda at, axes, parts, dims: contraction(
        parts, (tuple(range(len(dims))),), axes, dims, at.arithmetic
    ),
    core.Whole: lambda at, what, parts, dims: WHOLE[what[0]](at.arithmetic, parts[0], dims, what[1]),
}
"""TABLE: the entries of a meaning of each kind, given what it is, the entries of its parts, and its sizes."""
