"""Parts of right sides that become families of their own, so that they are worked out once in each step and kept.

Functions of what a loop changes that the backward pass needs again, and what is worked out for one step at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from indexcalc.backprop.batching import SINGLE
from indexcalc.backprop.model import Equation, Term, variables_of
from indexcalc.backprop.recurrences import Range, System, within
from indexcalc.language.steps import Extent, Step
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.matrix_functions import Softmax
from indexcalc.tensor.nodes import Node, descendants, transform, variable

KEPT: tuple[type[Node], ...] = (Apply, Softmax)
"""What takes longer to work out than to keep."""


class Pattern(NamedTuple):
    """``node`` is ``value`` in the steps of ``range``; both are written for a step."""

    node: Node
    value: Node
    range: Range


def share(system: System) -> None:
    """Makes the families."""
    while (found := next(_single(system), None)) is not None:
        _keep(system, *found)
    for group, cyclic in list(system.groups()):
        if cyclic:
            _share_in(system, group)


def _single(system: System) -> Iterator[tuple[Node, Range]]:
    """What is worked out for one step at a time and differs from step to step, and stands in something else."""
    for equation in system.equations:
        for term in equation.terms:
            extent = term.extent or equation.extent
            for part in descendants([term.node]) if extent else ():
                alone = part is term.node and term.extent is None and len(equation.terms) == 1
                if (
                    extent
                    and isinstance(part, SINGLE)
                    and not alone
                    and any(map(system.is_stepped, variables_of(part)))
                ):
                    yield part, system.widest(part, extent.ends)


def _share_in(system: System, group: list[Equation]) -> None:
    """Families for what a loop works out and other equations have too, the largest parts first."""
    units = {system.model.unit(equation.name) for equation in group}
    names = {equation.name for equation in group}
    for name in [equation.name for equation in group if equation.extent]:
        done: set[Node] = set()
        while True:
            equation = next(e for e in system.equations if e.name == name and e.extent)
            node = equation.node
            parts = descendants([node])[-2::-1] if node is not None else []
            wanted = (p for p in parts if isinstance(p, KEPT) and p not in done)
            part = next((p for p in wanted if any(system.model.unit(v.name) in units for v in variables_of(p))), None)
            if part is None or equation.extent is None:
                break
            done.add(part)
            others = (system.equations[k].name for k, _ in _uses(system, Pattern(part, part, equation.extent.ends)))
            if any(other not in names for other in others):
                _keep(system, part, equation.extent.ends)


def _keep(system: System, node: Node, range_: Range) -> None:
    """A family for a part."""
    model = system.model
    name = f"*{sum(e.name.startswith('*') for e in system.equations) + 1}k"
    left = model.member(variable(name, node.shape), name, Step(model.step, 0))
    _replace(system, Pattern(node, left, range_))
    system.equations.append(Equation(left, (Term(node),), Extent(model.step, *range_)))


def _replace(system: System, pattern: Pattern) -> None:
    for k, found in list(_uses(system, pattern)):
        equation = system.equations[k]
        terms = [Term(transform(term.node, found.get), term.extent) for term in equation.terms]
        system.equations[k] = equation._replace(terms=tuple(terms))


def _uses(system: System, pattern: Pattern) -> Iterator[tuple[int, dict[Node, Node]]]:
    """The equations that have a pattern, and what it is there."""
    model = system.model
    offsets = {
        v: model.members[v.name].step.offset
        for v in variables_of(pattern.node)
        if system.is_stepped(v) and v.name in model.members
    }
    reach = max(map(abs, offsets.values()), default=0) + 1
    for k, equation in enumerate(system.equations):
        found: dict[Node, Node] = {}
        for term in equation.terms:
            parts = system.parts(term.node)
            extent = term.extent or equation.extent
            if extent is not None:
                low, high = extent.ends
                steps = {Step(model.step, by): (low.moved(by), high.moved(by)) for by in range(-reach, reach + 1)}
            else:
                ends = {model.members[v.name].step for v in variables_of(term.node) if v.name in model.members}
                steps = {s: (s, s) for end in ends for by in offsets.values() for s in (end.moved(-by),)}
            for step, range_ in steps.items():
                if within(range_, pattern.range) and (other := model.moved(pattern.node, step)) in parts:
                    found[other] = model.moved(pattern.value, step)
        if found:
            yield k, found
