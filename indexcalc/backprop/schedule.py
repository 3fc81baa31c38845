"""A system → what is carried out, in order: for all steps at once where that can be, else in loops."""

from __future__ import annotations

from typing import NamedTuple

from indexcalc.backprop.batching import SINGLE, Sliced, batched, summed
from indexcalc.backprop.hoisting import Hoisting, primitive_of
from indexcalc.backprop.model import Equation
from indexcalc.backprop.recurrences import Range, Segment, System, length, overlap
from indexcalc.backprop.sharing import share
from indexcalc.language.steps import Member, Step
from indexcalc.tensor.nodes import Node, Variable, descendants, variable
from indexcalc.tensor.sums import add, scale


class Assignment(NamedTuple):
    """``left`` is ``node``: a name, or the members of a family in ``range``, with an axis for them if ``is_wide``."""

    left: Variable
    node: Node
    range: Range | None = None
    is_wide: bool = False


class Run(NamedTuple):
    """A loop: in each step ``lines`` say what some members are."""

    segment: Segment
    lines: tuple[tuple[Variable, Node], ...]


class Schedule:
    """``done`` is what is carried out. ``slices`` says which members a variable with an axis for steps stands for: of a
    family, or the steps themselves, whose unit is ""."""

    def __init__(self, system: System) -> None:
        self.system, self.model = system, system.model
        self.done: list[Assignment | Run] = []
        self.slices: dict[str, tuple[str, Range]] = {}
        self.made: dict[tuple[Node, Range], Node] = {}
        share(system)
        for group, cyclic in system.groups():
            if cyclic or any(self._is_single(equation) for equation in group):
                self._run(group)
            else:
                self.done.append(self._assignment(group[0]))

    def _is_single(self, equation: Equation) -> bool:
        """Whether a right side has what is worked out for one step at a time, and differs from step to step."""
        stepped: set[Node] = set()
        for part in descendants([term.node for term in equation.terms]):
            if any(child in stepped for child in part.children) or (
                isinstance(part, Variable) and self.system.is_stepped(part)
            ):
                stepped.add(part)
        return equation.extent is not None and any(isinstance(part, SINGLE) for part in stepped)

    # ------------------------------------------------------------------ all steps at once
    def _assignment(self, equation: Equation) -> Assignment:
        if equation.node is not None and equation.extent is not None:
            return self._wide(equation.left, equation.node, equation.extent.ends)
        parts = [self._total(term.node, term.extent.ends) if term.extent else term.node for term in equation.terms]
        return Assignment(equation.left, add([(1, part) for part in parts]), self.system.range(equation))

    def _wide(self, left: Variable, node: Node, range_: Range) -> Assignment:
        sliced = self._slicing(range_)
        family = self.model.members[left.name].family
        return Assignment(self._slice(family, range_, left), batched(node, length(range_), sliced), range_, True)

    def _total(self, node: Node, range_: Range) -> Node:
        return summed(node, length(range_), self._slicing(range_))

    def _slicing(self, range_: Range) -> Sliced:
        def sliced(v: Variable) -> Node | None:
            if not self.system.is_stepped(v):
                return None
            member = self.model.members.get(v.name, Member("", Step(self.model.step, 0)))
            by = member.step.offset
            return self._slice(member.family, (range_[0].moved(by), range_[1].moved(by)), v)

        return sliced

    def _slice(self, family: str, range_: Range, like: Variable) -> Variable:
        """Some members of a family as one variable."""
        low, high = range_
        name = f"{family}[{low.text}..{high.text}]"
        self.slices[name] = (f"{family}[]" if family else "", range_)
        return variable(name, (length(range_), *like.shape))

    # ------------------------------------------------------------------ step by step
    def _run(self, group: list[Equation]) -> None:
        for segment in self.system.segments(group):
            if segment.low == segment.high:
                self.done += [self._single(equation, segment.low) for equation in segment.equations]
            else:
                self.done.append(self._loop(segment, group))

    def _single(self, equation: Equation, step: Step) -> Assignment:
        """What an equation says of one step."""
        if equation.node is None or equation.extent is None:
            return self._assignment(equation)
        left = self.model.member(equation.left, self.model.members[equation.name].family, step)
        return Assignment(left, self.model.moved(equation.node, step), (step, step))

    def _loop(self, segment: Segment, group: list[Equation]) -> Run:
        here = (segment.low, segment.high)
        changed: dict[str, list[Range]] = {}
        for equation in group:
            range_ = self.system.range(equation)
            assert range_ is not None
            changed.setdefault(self.model.unit(equation.name), []).append(range_)

        def varying(v: Variable) -> bool:
            member = self.model.members.get(v.name)
            if member is None:
                return False
            found = (member.step, member.step)
            if member.step.base == self.model.step:
                found = (here[0].moved(member.step.offset), here[1].moved(member.step.offset))
            return any(overlap(found, other) for other in changed.get(self.model.unit(v.name), ()))

        def named(node: Node, is_stepped: bool) -> Node:
            return self._named(node, self.system.widest(node, here) if is_stepped else None)

        hoisting = Hoisting(varying, self.system.is_stepped, named)
        lines = [(equation.left, hoisting.body(equation.node)) for equation in segment.equations if equation.node]
        return Run(segment, tuple(lines))

    def _named(self, node: Node, range_: Range | None) -> Node:
        """A name for what is worked out before a loop."""
        key = (node, range_ or (Step("", 0), Step("", 0)))
        if key not in self.made:
            name = f"*{len(self.made) + 1}"
            if range_ is None:
                self.made[key] = variable(name, node.shape)
                self.done.append(Assignment(variable(name, node.shape), node))
            else:
                left = self.model.member(variable(name, node.shape), name, Step(self.model.step, 0))
                made = self._wide(left, node, range_)
                content, rest = primitive_of(made.node)
                self.made[key] = scale(content, left)
                self.done.append(made._replace(node=rest))
        return self.made[key]
