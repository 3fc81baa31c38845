"""A model as equations: one for each name that the user defined, those of a family once for all steps of a loop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from indexcalc.derivation import Input
from indexcalc.language.steps import Extent, Member, Step
from indexcalc.tensor.elementwise import opposite
from indexcalc.tensor.nodes import Node, Variable, descendants, number, size, transform, variable
from indexcalc.tensor.product import ones
from indexcalc.tensor.sums import add


class Term(NamedTuple):
    """A part of a right side; the sum over the steps of ``extent``, if there is one."""

    node: Node
    extent: Extent | None = None


class Equation(NamedTuple):
    """What ``left`` is: the sum of some terms, in each step of ``extent`` if there is one."""

    left: Variable
    terms: tuple[Term, ...]
    extent: Extent | None = None

    @property
    def name(self) -> str:
        return self.left.name

    @property
    def node(self) -> Node | None:
        """The right side, where it is no sum over steps."""
        return self.terms[0].node if len(self.terms) == 1 and self.terms[0].extent is None else None


@dataclass
class Model:
    """The equations that ``output`` depends on, in order. ``members`` says which variables are members of families,
    ``step`` is the variable of all loops. ``inputs`` are what no equation defines, one member for a family of them;
    ``ranges`` has the first and the last member of such a family."""

    equations: tuple[Equation, ...]
    output: Variable
    inputs: tuple[Input, ...]
    ranges: Mapping[str, tuple[Step, Step]]
    step: str
    members: dict[str, Member]
    typed: tuple[tuple[Node, Sequence[Node]], ...]
    twins: Mapping[Variable, Node]
    moves: dict[Step, None] = field(default_factory=dict)
    """Where steps were moved to."""

    # ------------------------------------------------------------------ names
    def unit(self, name: str) -> str:
        """What a variable belongs to: its family, or itself."""
        member = self.members.get(name)
        return name if member is None or not member.family else f"{member.family}[]"

    def family(self, unit: str) -> str:
        """The family that a unit is; "" for a name of its own."""
        return unit[:-2] if unit.endswith("[]") else ""

    def member(self, like: Variable, family: str, step: Step) -> Variable:
        """A member of a family, with the shape of another one."""
        found = Member(family, step)
        self.members[found.name] = found
        return variable(found.name, like.shape)

    def prefixed(self, v: Variable, prefix: str) -> Variable:
        """What belongs to a variable under its name with a prefix: its adjoint dh[t], its change."""
        member = self.members.get(v.name)
        if member is None:
            return variable(prefix + v.name, v.shape)
        return self.member(v, prefix + member.family, member.step)

    # ------------------------------------------------------------------ steps
    def moved(self, node: Node, to: Step) -> Node:
        """A right side at another step: ``t-1``, ``T``, ``3``."""
        if to == Step(self.step, 0):
            return node
        self.moves[to] = None

        def replace(part: Node) -> Node | None:
            member = self.members.get(part.name) if isinstance(part, Variable) else None
            if member is None or member.step.base != self.step:
                return None
            step = to.moved(member.step.offset)
            assert isinstance(part, Variable)
            return self.member(part, member.family, step) if member.family else self.counted(step)

        return transform(node, replace)

    def counted(self, step: Step) -> Node:
        """A step as a number."""
        base = number(0) if not step.base else self.own_step if step.base == self.step else size(step.base)
        return add([(1, base), (1, number(step.offset))])

    @property
    def own_step(self) -> Node:
        return variable(self.step, ())


def variables_of(node: Node) -> list[Variable]:
    """The variables in a node."""
    return [part for part in descendants([node]) if isinstance(part, Variable)]


def components(units: Iterable[str], below: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Units that depend on each other, and those on which they depend before them (Tarjan, Depth-first search and
    linear graph algorithms, 1972). Iterative."""
    place: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: dict[str, None] = {}
    for root in units:
        if root in place:
            continue
        stack = [(root, iter(below.get(root, ())))]
        place[root] = low[root] = len(place)
        open_[root] = None
        while stack:
            unit, rest = stack[-1]
            for other in rest:
                if other not in place:
                    place[other] = low[other] = len(place)
                    open_[other] = None
                    stack.append((other, iter(below.get(other, ()))))
                    break
                if other in open_:
                    low[unit] = min(low[unit], place[other])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[unit])
                if low[unit] == place[unit]:
                    found: list[str] = []
                    while not found or found[-1] != unit:
                        found.append(open_.popitem()[0])
                    yield found[::-1]


def lengths(model: Model) -> dict[str, int]:
    """For each length the least for which every loop has a step."""
    found: dict[str, int] = {}
    extents = [extent for e in model.equations for extent in (e.extent, *[term.extent for term in e.terms])]
    for low, high in (extent.ends for extent in extents if extent is not None):
        if high.base and not low.base:
            found[high.base] = max(found.get(high.base, 1), low.offset - high.offset)
    return found


def values(equation: Equation) -> dict[Node, Node]:
    """What a right side is called in the backward pass; and f(-u) = 1 - f(u), where f(u) has a name."""
    node, left = equation.node, equation.left
    if node is None or not node.children:
        return {}
    found: dict[Node, Node] = {node: left}
    other = opposite(node)
    if other is not None:
        found[other] = add([(1, ones(left.shape) if left.shape else number(1)), (-1, left)])
    return found
