"""What both notations mean: products with labels, sums, functions; names resolved, sizes as unknowns."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from indexcalc.errors import Span
from indexcalc.tensor.elementwise import Function
from indexcalc.tensor.nodes import Labels

Axes = tuple[int, ...]
"""The unknown size of each axis."""


class Symbol:
    """A name that stands for a tensor: a variable, or a definition with its meaning.

    ``letters`` are the indices that the user wrote behind a defined name; ``spelling`` is the name as
    typed; ``structure`` holds its kinds beyond the rank; ``assumed`` whether rank or sizes were inferred;
    ``place`` its rank among the names read so far; ``leaf`` what it means, one object wherever it stands.
    """

    __slots__ = (
        "assumed",
        "axes",
        "kind",
        "leaf",
        "letters",
        "meaning",
        "name",
        "place",
        "span",
        "spelling",
        "structure",
    )

    def __init__(self, name: str, kind: str, axes: Axes, spelling: str, span: Span, *, assumed: bool) -> None:
        self.name, self.kind, self.axes, self.spelling, self.span = name, kind, axes, spelling, span
        self.assumed = assumed
        self.structure: tuple[str, ...] = ()
        self.place = -1
        self.letters: tuple[str, ...] = ()
        self.meaning: Core | None = None
        self.leaf = Leaf(axes, self)


class Leaf(NamedTuple):
    axes: Axes
    symbol: Symbol


class Literal(NamedTuple):
    """A number, or a named constant."""

    axes: Axes
    value: Fraction | str


class LeviCivita(NamedTuple):
    """eps_ijk"""

    axes: Axes


class SizeOf(NamedTuple):
    """A size as a scalar."""

    axes: Axes
    size: int


class Product(NamedTuple):
    """The product of the factors, summed over the labels that are not in ``output``."""

    axes: Axes
    factors: tuple[tuple[Core, Labels], ...]
    output: Labels
    sizes: tuple[tuple[int, int], ...] = ()
    """Sizes of labels that no factor has."""


class Sum(NamedTuple):
    """Signed terms; a term's axes are the axes ``labels`` of the sum, along the others it is constant."""

    axes: Axes
    terms: tuple[tuple[int, Core, Labels], ...]


class Grouped(NamedTuple):
    """A tensor with groups of its axes as axes, the last of a group varying fastest."""

    axes: Axes
    body: Core
    groups: tuple[Labels, ...]


class Elementwise(NamedTuple):
    axes: Axes
    function: Function
    body: Core


class Power(NamedTuple):
    axes: Axes
    base: Core
    exponent: Fraction | Core


class Whole(NamedTuple):
    """A function of a whole matrix or vector; ``axis`` along which it works, where it does."""

    axes: Axes
    function: str
    body: Core
    axis: int


Core = Leaf | Literal | LeviCivita | SizeOf | Product | Sum | Elementwise | Power | Whole | Grouped


PARTS: dict[type, Callable[[Any], tuple[Core, ...]]] = {
    Product: lambda core: tuple([factor for factor, _ in core.factors]),
    Sum: lambda core: tuple([term for _, term, _ in core.terms]),
    Power: lambda core: (core.base,) if isinstance(core.exponent, Fraction) else (core.base, core.exponent),
    **dict.fromkeys((Elementwise, Whole, Grouped), lambda core: (core.body,)),
    **dict.fromkeys((Leaf, Literal, LeviCivita, SizeOf), lambda core: ()),
}
"""TABLE: the parts of a meaning of each kind."""


def subcores(core: Core) -> tuple[Core, ...]:
    """The parts of a meaning."""
    return PARTS[type(core)](core)
