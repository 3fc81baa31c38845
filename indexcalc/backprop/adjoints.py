"""The backward pass of a model: an equation for the adjoint of each name, over loops a recurrence that runs the other
way.

The adjoint of v is the gradient by v of the output. An equation y[t] = f(u[t-k], W) gives the adjoint of u[s] the
pullback of f for the adjoint of y[s+k] wherever s + k is a step of its loop, and W the sum of them over all steps
(Werbos, Backpropagation through time, 1990, with the loops kept).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from indexcalc.backprop.model import Equation, Model, Term, components, lengths, values, variables_of
from indexcalc.calculus.derivative import pullbacks
from indexcalc.errors import IndexcalcError
from indexcalc.language.steps import Extent, Step, place
from indexcalc.tensor.nodes import Node, Variable, transform, variable
from indexcalc.tensor.product import zeros
from indexcalc.tensor.structure import restored
from indexcalc.tensor.sums import add


class Share(NamedTuple):
    """What one use of a name gives its adjoint: ``term``, for the members from ``low`` to ``high`` of a family.
    ``offset``: how far a member is from the step that the term is written for; None where it is the same member in
    every step. ``source`` is the name whose right side has ``used`` in it, None for what is given."""

    term: Term
    source: Variable | None
    used: Variable
    low: Step = Step("", 0)
    high: Step = Step("", 0)
    offset: int | None = None


class Backward(NamedTuple):
    """The equations of the adjoints, and which of them are those of each wanted variable or family. ``shares`` says
    where the adjoint of a unit comes from; ``least`` from which lengths on they hold."""

    equations: tuple[Equation, ...]
    wanted: dict[str, tuple[Equation, ...]]
    shares: dict[str, list[Share]]
    least: dict[str, int]
    prefix: str
    given: dict[str, Node]
    """Adjoints that have no name, for they are numbers or were given."""


def backward(model: Model, wanted: Sequence[str], seed: Node, prefix: str) -> Backward:
    """The adjoints of the wanted units and of all that lies between them and the output, whose adjoint is ``seed``.
    Raises IndexcalcError E403 where steps of two lengths meet in one family."""
    return _Pass(model, wanted, prefix).run(seed)


class _Pass:
    def __init__(self, model: Model, wanted: Sequence[str], prefix: str) -> None:
        self.model, self.wanted, self.prefix = model, wanted, prefix
        self.shares: dict[str, list[Share]] = {}
        self.given: dict[str, Node] = {}
        """Adjoints that need no name: numbers, and that of the output."""
        self.least = lengths(model)
        self.defining: dict[str, list[Equation]] = {}
        self.uses: dict[str, list[str]] = {}
        self.values: dict[Node, Node] = {}
        self.last: dict[str, int] = {}
        """The place of the last equation of each unit."""
        for position, equation in enumerate(model.equations):
            unit = model.unit(equation.name)
            self.last[unit] = position
            self.defining.setdefault(unit, []).append(equation)
            used = [model.unit(v.name) for term in equation.terms for v in variables_of(term.node)]
            self.uses[unit] = list(dict.fromkeys([*self.uses.get(unit, ()), *used]))
            self.values |= values(equation)
        self.active = self._active()

    def _active(self) -> Collection[str]:
        """The units that depend on a wanted one."""
        above: dict[str, list[str]] = {}
        for unit, used in self.uses.items():
            for other in used:
                above.setdefault(other, []).append(unit)
        found: set[str] = set()
        stack = [self.model.unit(name) for name in self.wanted]
        while stack:
            unit = stack.pop()
            if unit not in found:
                found.add(unit)
                stack.extend(above.get(unit, ()))
        return found

    def run(self, seed: Node) -> Backward:
        model, output = self.model, self.model.output
        member = model.members.get(output.name)
        if member is None:
            self.given[output.name] = seed
        else:
            share = Share(Term(seed), None, output, member.step, member.step)
            self.shares.setdefault(model.unit(output.name), []).append(share)
        made: dict[str, list[Equation]] = {}
        for group in reversed(list(components(self.defining, self.uses))):
            own = [unit for unit in group if unit in self.defining and unit in self.active]
            if len(own) == 1 and not model.family(own[0]):
                made[own[0]] = self._plain(self.defining[own[0]][0].left, kept=own[0] in self.wanted)
            for unit in own:
                for equation in self.defining[unit]:
                    self._pass_on(equation)
            for unit in sorted(own, key=self.last.__getitem__, reverse=True):
                if model.family(unit):
                    made[unit] = self._family(unit)
        inputs: dict[str, list[Equation]] = {}
        for name in self.wanted:
            unit = model.unit(name)
            if unit not in made and model.family(unit):
                inputs[unit] = self._family(unit)
            elif unit not in made:
                inputs[unit] = self._plain(self._input(name), kept=True)
        made |= inputs
        self._without_copies(made)
        done = {
            unit: tuple(
                [
                    e._replace(terms=tuple([t._replace(node=restored(t.node, model.twins)) for t in e.terms]))
                    for e in own
                ]
            )
            for unit, own in made.items()
        }
        wanted: dict[str, tuple[Equation, ...]] = {}
        for name in self.wanted:
            adjoint = done[model.unit(name)]
            member = model.members.get(name)
            point = "" if member is None else member._replace(family=self.prefix + member.family).name
            wanted[name] = tuple([e for e in adjoint if e.name == point]) or adjoint
        return Backward(
            tuple([e for own in done.values() for e in own]), wanted, self.shares, self.least, self.prefix, self.given
        )

    def _without_copies(self, made: dict[str, list[Equation]]) -> None:
        """``dh0 = dh[0]`` takes the right side of dh[0], if that stands nowhere else."""
        every = [e for own in made.values() for e in own]
        uses = Counter(v for e in every for term in e.terms for v in variables_of(term.node))
        single = {e.left: e for e in every if e.extent is None}
        for unit, own in made.items():
            for k, equation in enumerate([] if self.model.family(unit) else own):
                source = single.get(equation.node) if isinstance(equation.node, Variable) else None
                wanted = source is not None and source.name in {self.prefix + name for name in self.wanted}
                if source is not None and not wanted and uses[source.left] == 1:
                    own[k] = equation._replace(terms=source.terms)
                    home = next(others for others in made.values() if source in others)
                    home.remove(source)

    def _input(self, name: str) -> Variable:
        shape = next(i.shape for i in self.model.inputs if i.name == name)
        return variable(name, shape)

    def _holds_from(self, low: Step, high: Step) -> None:
        """The step ``low`` is not behind ``high``."""
        self.least[high.base] = max(self.least.get(high.base, 1), low.offset - high.offset)

    # ------------------------------------------------------------------ what is passed on
    def _pass_on(self, equation: Equation) -> None:
        """The adjoint of a name goes to what its right side is made of."""
        model = self.model
        cotangent = self.given.get(equation.name)
        if cotangent is None:
            cotangent = model.prefixed(equation.left, self.prefix)
        for term in equation.terms:
            used = [v for v in variables_of(term.node) if model.unit(v.name) in self.active]
            extent = term.extent or equation.extent
            for v, node in pullbacks(term.node, tuple(used), cotangent).items():
                assert isinstance(v, Variable)
                node = transform(node, self.values.get)
                share = Share(Term(node, extent), equation.left, v)
                member = model.members.get(v.name)
                if member is not None and extent is not None and member.step.base == model.step:
                    low, high = extent.moved(member.step.offset).ends
                    share = share._replace(term=Term(node), low=low, high=high, offset=member.step.offset)
                elif member is not None:
                    share = share._replace(low=member.step, high=member.step)
                self.shares.setdefault(model.unit(v.name), []).append(share)

    # ------------------------------------------------------------------ adjoints
    def _plain(self, v: Variable, kept: bool = False) -> list[Equation]:
        """The adjoint of a name of its own; nothing where it is a number, unless it is wanted."""
        if v.name in self.given and not kept:
            return []
        terms = _gathered(v, [share.term for share in self.shares.get(v.name, ())])
        node = terms[0].node if len(terms) == 1 and terms[0].extent is None else None
        if node is not None and not kept and not variables_of(node):
            self.given[v.name] = node
            return []
        return [Equation(self.model.prefixed(v, self.prefix), terms)]

    def _family(self, unit: str) -> list[Equation]:
        """The adjoints of a family: one equation for all steps that take the same shares, the last ones first where
        the family runs up."""
        shares = self.shares.get(unit, [])
        domain = self._domain(unit) or [(share.low, share.high) for share in shares]
        if not domain:
            return []
        marks = {step for share in shares for step in (share.low, share.high.moved(1))}
        marks |= {step for low, high in domain for step in (low, high.moved(1))}
        if len({step.base for step in marks} - {""}) > 1:
            message = f"the steps of `{self.model.family(unit)}` are counted by two lengths"
            raise IndexcalcError("E403", message, help="give each length a family of its own")
        order = sorted(marks, key=place)
        points = {step for step, _ in self._points(unit)}
        cells: list[tuple[Step, Step, list[Share]]] = []
        for low, after in pairwise(order):
            if any(place(a) <= place(low) and place(after) <= place(b.moved(1)) for a, b in domain):
                own = [s for s in shares if place(s.low) <= place(low) and place(after) <= place(s.high.moved(1))]
                if cells and cells[-1][1:] == (low, own) and not {cells[-1][0], low} & points:
                    cells[-1] = (cells[-1][0], after, own)
                else:
                    cells.append((low, after, own))
        ends = {step for low, after, _ in cells for step in (low, after)}
        for low in (step for step in ends if not step.base):
            for high in (step for step in ends if step.base):
                self._holds_from(low, high)
        loops = [e.extent for e in self.defining.get(unit, ()) if e.extent is not None]
        down = bool(loops) and not loops[0].down  # adjoints run against the loop
        found = [self._cell(unit, low, after.moved(-1), own, down, bool(loops)) for low, after, own in cells]
        return found[::-1] if down else found

    def _domain(self, unit: str) -> list[tuple[Step, Step]]:
        """The members whose adjoints are needed: those that are defined, and inputs that are wanted; empty for a
        family of inputs."""
        if unit not in self.defining:
            return []
        model = self.model
        active = [e for e in self.defining[unit] if e.extent or self._is_active(e)]
        found = [e.extent.ends if e.extent else (model.members[e.name].step,) * 2 for e in active]
        return [*found, *self._points(unit)]

    def _points(self, unit: str) -> list[tuple[Step, Step]]:
        """The members of a family that are wanted by themselves."""
        members = [self.model.members[name] for name in self.wanted if name in self.model.members]
        steps = [m.step for m in members if self.model.unit(m.name) == unit and m.step.base != self.model.step]
        return [(step, step) for step in steps]

    def _is_active(self, equation: Equation) -> bool:
        used = [v for term in equation.terms for v in variables_of(term.node)]
        return any(self.model.unit(v.name) in self.active for v in used)

    def _cell(self, unit: str, low: Step, high: Step, shares: list[Share], down: bool, recurs: bool) -> Equation:
        """The adjoint of the members from ``low`` to ``high``."""
        model = self.model
        like = self._member(unit)
        family = self.prefix + model.family(unit)
        if low == high:
            terms = [
                s.term if s.offset is None else Term(model.moved(s.term.node, low.moved(-s.offset))) for s in shares
            ]
            return Equation(model.member(like, family, low), _gathered(like, terms))
        offsets = [-s.offset for s in shares if s.offset is not None]
        ahead = (max([0, *offsets]) if down else min([0, *offsets])) if recurs else 0
        step = Step(model.step, -ahead)
        terms = [s.term if s.offset is None else Term(model.moved(s.term.node, step.moved(-s.offset))) for s in shares]
        extent = Extent(model.step, low.moved(ahead), high.moved(ahead))
        left = model.member(like, family, step)
        return Equation(left, _gathered(like, terms), extent.reversed if down else extent)

    def _member(self, unit: str) -> Variable:
        if unit in self.defining:
            return self.defining[unit][0].left
        return self.shares[unit][0].used


def _gathered(v: Variable, terms: Sequence[Term]) -> tuple[Term, ...]:
    """Terms of one adjoint, those over the same steps as one."""
    groups: dict[Extent | None, list[tuple[int, Node]]] = {}
    for term in terms:
        groups.setdefault(term.extent, []).append((1, term.node))
    found = [Term(add(nodes), extent) for extent, nodes in groups.items()]
    zero = zeros(v.shape)
    return tuple([term for term in found if term.node is not zero]) or (Term(zero),)
