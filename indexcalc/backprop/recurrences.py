"""Equations as a system: which of them need which, in what order they are carried out, and which only step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from indexcalc.backprop.model import Equation, Model, Term, components, variables_of
from indexcalc.errors import IndexcalcError
from indexcalc.language.steps import Extent, Step, place
from indexcalc.numeric.counting import difference, moved
from indexcalc.tensor.nodes import Dimension, Node, Variable, descendants, variable
from indexcalc.tensor.sums import add

Range = tuple[Step, Step]
"""The first and the last of some members."""


class Read(NamedTuple):
    """Members of a family that an equation reads, or a name of its own. ``offset``: how far they are from the step."""

    unit: str
    range: Range | None = None
    offset: int | None = None


class Segment(NamedTuple):
    """Steps in which the same equations hold, in the order in which they are carried out in each."""

    low: Step
    high: Step
    equations: tuple[Equation, ...]
    down: bool


def position(step: Step) -> Dimension:
    """A step as a number, or a sum of symbols."""
    return step.text if step.base else step.offset


def length(range_: Range) -> Dimension:
    """How many members there are."""
    low, high = range_
    return moved(difference(position(high), position(low)), 1)


def overlap(a: Range, b: Range) -> bool:
    return place(a[0]) <= place(b[1]) and place(b[0]) <= place(a[1])


def within(inner: Range, outer: Range) -> bool:
    return place(outer[0]) <= place(inner[0]) and place(inner[1]) <= place(outer[1])


class System:
    """The equations of a model and its adjoints, each with its left side at the step itself and running up. Raises
    IndexcalcError E404."""

    def __init__(self, model: Model, equations: Iterable[Equation]) -> None:
        self.model = replace(model, members=dict(model.members), moves={})
        self.given = {
            i.name: variable(f"given {i.name}", i.shape)
            for i in model.inputs
            if i.name in model.members and model.members[i.name].family not in model.ranges
        }
        """Inputs that are members of families that are defined: equations give them to these."""
        self._parts: dict[Node, frozenset[Node]] = {}
        first = [Equation(variable(g.name[6:], g.shape), (Term(g),)) for g in self.given.values()]
        self.equations = [*first, *(self._straight(equation) for equation in equations)]

    def _straight(self, equation: Equation) -> Equation:
        """``dh[t-1] = f(dh[t])`` as ``dh[t] = f(dh[t+1])``."""
        if equation.extent is None:
            return equation
        if any(term.extent for term in equation.terms):
            raise IndexcalcError(
                "E404", f"code for a sum over steps in each step, `{equation.name}`, is not supported yet"
            )
        member = self.model.members[equation.name]
        by = member.step.offset
        low, high = equation.extent.moved(by).ends
        step = Step(self.model.step, -by)
        terms = (Term(self.model.moved(add([(1, term.node) for term in equation.terms]), step)),)
        left = self.model.member(equation.left, member.family, Step(self.model.step, 0))
        return Equation(left, terms, Extent(self.model.step, low, high))

    # ------------------------------------------------------------------ what is read and defined
    def range(self, equation: Equation) -> Range | None:
        """The members that an equation defines; None for a name of its own."""
        if equation.extent is not None:
            return equation.extent.ends
        member = self.model.members.get(equation.name)
        return None if member is None else (member.step, member.step)

    def reads(self, equation: Equation) -> Iterator[Read]:
        for term in equation.terms:
            for v in variables_of(term.node):
                member, extent = self.model.members.get(v.name), term.extent or equation.extent
                if member is None:
                    yield Read(v.name)
                elif member.family and member.step.base == self.model.step:
                    assert extent is not None
                    yield Read(self.model.unit(v.name), extent.moved(member.step.offset).ends, member.step.offset)
                elif member.family:
                    yield Read(self.model.unit(v.name), (member.step, member.step))

    def groups(self) -> Iterator[tuple[list[Equation], bool]]:
        """Equations that need each other, those that they need before them; and whether they need themselves."""
        own: dict[str, list[int]] = {}
        for k, equation in enumerate(self.equations):
            own.setdefault(self.model.unit(equation.name), []).append(k)
        ranges = [self.range(equation) for equation in self.equations]
        below: dict[str, list[str]] = {}
        for k, equation in enumerate(self.equations):
            found = below[str(k)] = []
            for read in self.reads(equation):
                for other in own.get(read.unit, ()):
                    defined = ranges[other]
                    if read.range is None or defined is None or overlap(read.range, defined):
                        found.append(str(other))
        for group in components(below, below):
            cyclic = len(group) > 1 or group[0] in below[group[0]]
            yield [self.equations[int(k)] for k in sorted(group, key=int)], cyclic

    # ------------------------------------------------------------------ where parts of them are
    def is_stepped(self, v: Variable) -> bool:
        """Whether a variable differs from step to step."""
        member = self.model.members.get(v.name)
        return v.name == self.model.step or (member is not None and member.step.base == self.model.step)

    def parts(self, node: Node) -> frozenset[Node]:
        if node not in self._parts:
            self._parts[node] = frozenset(descendants([node]))
        return self._parts[node]

    def widest(self, node: Node, here: Range) -> Range:
        """These steps, or more where some equation has the node in all of them."""
        best = here
        offsets = [self.model.members[v.name].step.offset for v in variables_of(node) if v.name in self.model.members]
        reach = max(map(abs, offsets), default=0) + 1
        terms = [(term.node, term.extent or e.extent) for e in self.equations for term in e.terms]
        for by in range(-reach, reach + 1):
            other = self.model.moved(node, Step(self.model.step, by))
            for whole, extent in terms:
                if extent is not None and other in self.parts(whole):
                    low, high = extent.moved(by).ends
                    best = (low, high) if within(best, (low, high)) else best
        return best

    # ------------------------------------------------------------------ what is done step by step
    def segments(self, group: Sequence[Equation]) -> list[Segment]:
        """Equations that need each other, cut where others of them hold. Raises IndexcalcError E404 where there is no
        order in which they can be carried out."""
        units = {self.model.unit(equation.name) for equation in group}
        offsets = {read.offset for e in group for read in self.reads(e) if read.unit in units} - {0, None}
        down = any(offset > 0 for offset in offsets if offset)
        ranges = [self.range(equation) for equation in group]
        bases = {step.base for found in ranges if found for step in found} - {""}
        if None in ranges or len(bases) > 1 or (down and any(offset < 0 for offset in offsets if offset)):
            names = ", ".join([f"`{equation.name}`" for equation in group])
            raise IndexcalcError("E404", f"code for {names}, which need each other, is not supported yet")
        pairs = [(equation, found) for equation, found in zip(group, ranges, strict=True) if found]
        cuts = sorted({step for _, (low, high) in pairs for step in (low, high.moved(1))}, key=place)
        found = []
        for low, after in pairwise(cuts):
            held = [equation for equation, range_ in pairs if within((low, after.moved(-1)), range_)]
            if held:
                found.append(Segment(low, after.moved(-1), tuple(self._ordered(held)), down))
        return found[::-1] if down else found

    def _ordered(self, equations: Sequence[Equation]) -> Iterator[Equation]:
        """In the order in which they need each other in one step."""
        own = {self.model.unit(equation.name): equation for equation in equations}
        below = {
            unit: [read.unit for read in self.reads(equation) if read.unit in own and read.offset == 0]
            for unit, equation in own.items()
        }
        for group in components(own, below):
            if len(group) > 1 or group[0] in below[group[0]]:
                raise IndexcalcError("E404", f"`{own[group[0]].name}` is needed for itself")
            yield own[group[0]]
