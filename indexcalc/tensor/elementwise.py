"""Elementwise functions of tensors, in normal form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from indexcalc.errors import IndexcalcError
from indexcalc.tensor.grouping import Flatten, flatten
from indexcalc.tensor.nodes import Labels, Node, Number, Rational, intern, number
from indexcalc.tensor.product import constant_axes, reindex, repeated, without_axes
from indexcalc.tensor.sums import Sum, scale, unit


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """An elementwise function: one row of ``functions.TABLE``.

    ``derivative`` takes the argument u and the value y = f(u). ``parity`` is 1 for even and -1 for odd
    functions; ``reflected`` that f(-u) = 1 - f(u); ``at_zero`` is f(0) where that is rational; ``declared`` that a
    user named it. ``numpy`` and ``latex`` are templates for code and formulas; ``value`` computes with floats.
    """

    name: str
    derivative: Callable[[Node, Node], Node]
    value: Callable[[float], float]
    numpy: str
    latex: str
    parity: int = 0
    reflected: bool = False
    at_zero: Rational | None = None
    positive: bool = False
    also: tuple[str, ...] = ()
    declared: bool = False

    def __repr__(self) -> str:
        return self.name


APPLY_LAWS: dict[str, list[Callable[[Node], Node | None]]] = {}
"""Identities of f(argument), by the function's name: laws.py."""


class Apply(Node):
    """``function`` of ``children[0]``, entry by entry."""

    __slots__ = ("function",)
    entrywise = True
    fields = ("function",)
    function: Function

    def relabelled(self, labels: Labels) -> Node | None:
        return apply(self.function, reindex(self.children[0], labels))

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return apply(self.function, children[0])


def apply(function: Function, argument: Node) -> Node:
    """function(argument): constant axes and the sign of odd and even functions stand outside."""
    if isinstance(argument, Flatten):
        return flatten(apply(function, argument.children[0]), argument.groups)
    axes = constant_axes(argument)
    if axes:
        return repeated(apply(function, without_axes(argument, axes)), argument.shape, axes)
    if isinstance(argument, Number):
        if argument.value == 0 and function.at_zero is not None:
            return number(function.at_zero)
        _defined(function, argument.value)
    for law in APPLY_LAWS.get(function.name, ()):
        new = law(argument)
        if new is not None:
            return new
    if function.parity and is_negative(argument):
        return scale(function.parity, apply(function, scale(-1, argument)))
    return intern(Apply, (function,), argument.shape, (argument,))


def opposite(node: Node) -> Node | None:
    """f(-u) for f(u), where that is 1 - f(u)."""
    if isinstance(node, Apply) and node.function.reflected:
        return apply(node.function, scale(-1, node.children[0]))
    return None


def _defined(function: Function, at: Rational) -> None:
    """Raises IndexcalcError where a real function has no value, as log at zero."""
    try:
        function.value(float(at))
    except ValueError:
        raise IndexcalcError("E405", f"{function.name}({at}) is no real number") from None
    except OverflowError:  # no float, but a number
        return


def is_negative(node: Node) -> bool:
    """Whether the sign that stands outside a node is minus; of u and -u exactly one is."""
    if isinstance(node, Sum):
        return node.primitive()[0] < 0
    return unit(node)[0] < 0
