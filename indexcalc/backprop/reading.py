"""scope → model: the equations that an output depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from indexcalc.backprop.model import Equation, Model, Term
from indexcalc.derivation import Input
from indexcalc.errors import IndexcalcError
from indexcalc.language.core import Core, Leaf, Symbol, subcores
from indexcalc.language.lowering import Lowering
from indexcalc.language.scope import Scope
from indexcalc.language.steps import Extent, Member, Step, place
from indexcalc.tensor.nodes import Node, Variable
from indexcalc.tensor.structure import restored


class Unread:
    """What an output depends on, not yet as tensor expressions."""

    def __init__(self, scope: Scope, output: Symbol) -> None:
        self.scope, self.output = scope, output
        self.open = scope.open
        self.symbols = self._reached()
        self.ranges: dict[str, tuple[Step, Step]] = {}
        """The first and the last member of each family of inputs."""
        self.first: set[str] = set()
        """Members of families that nothing defines: the first ones."""
        self._complete()

    def _reached(self) -> list[Symbol]:
        """The names that the output depends on, in the order in which the user has them."""
        families: dict[str, list[Symbol]] = {}
        for name, member in self.open.members.items():
            symbol = self.scope.symbols.get(name)
            if symbol is not None and self.meaning(symbol) is not None:
                families.setdefault(member.family, []).append(symbol)
        found: dict[Symbol, None] = {}
        stack = [self.output]
        while stack:
            symbol = stack.pop()
            if symbol in found:
                continue
            found[symbol] = None
            meaning = self.meaning(symbol)
            stack += [] if meaning is None else leaves(meaning)
            if symbol.name in self.open.members:
                stack += families.get(self.open.members[symbol.name].family, ())
        places = {symbol: place for place, symbol in enumerate(self.scope.symbols.values())}
        return sorted(found, key=lambda symbol: places.get(symbol, len(places)))

    def meaning(self, symbol: Symbol) -> Core | None:
        """What a name stands for; None for a variable."""
        recurrence = self.open.recurrences.get(symbol.name)
        return symbol.meaning if recurrence is None else recurrence.meaning

    @property
    def has_steps(self) -> bool:
        """Whether anything in it is done once for each step of an open loop."""
        return any(symbol.name in self.open.recurrences or symbol.name in self.open.members for symbol in self.symbols)

    def is_numbered(self, symbol: Symbol) -> bool:
        """Whether a name is one of a family whose steps are written out: h[3]."""
        stem, _, step = symbol.name.rpartition("_")
        return step.isdigit() and int(step) in self.scope.families.get(stem, ())

    # ------------------------------------------------------------------ what families have
    def _complete(self) -> None:
        """Members that stand in for no step that is defined are inputs, as h[0] of h[t] = f(h[t-1]); families that are
        defined nowhere are inputs as a whole. Raises IndexcalcError E311 for a member behind the last."""
        defined: dict[str, list[tuple[Step, Step]]] = {}
        owners: dict[str, list[Symbol]] = {}
        used: dict[str, list[tuple[Step, Step, Symbol]]] = {}
        for symbol in self.symbols:
            meaning, recurrence = self.meaning(symbol), self.open.recurrences.get(symbol.name)
            if meaning is None:
                continue
            extent = None if recurrence is None else recurrence.extent
            if member := self.open.members.get(symbol.name):
                ends = extent.moved(member.step.offset).ends if extent else (member.step, member.step)
                defined.setdefault(member.family, []).append(ends)
                owners.setdefault(member.family, []).append(symbol)
            for leaf in leaves(meaning):
                member = self.open.members.get(leaf.name)
                if member is not None and member.family:
                    relative = extent is not None and member.step.base == self.open.variable
                    ends = extent.moved(member.step.offset).ends if extent and relative else (member.step,) * 2
                    used.setdefault(member.family, []).append((*ends, leaf))
        if output := self.open.members.get(self.output.name):
            used.setdefault(output.family, []).append((output.step, output.step, self.output))
        for family, each_owner in owners.items():
            self._defined_once(each_owner, defined[family])
        for family, each in used.items():
            if family not in defined:
                self.ranges[family] = (
                    min((low for low, _, _ in each), key=place),
                    max((h for _, h, _ in each), key=place),
                )
                continue
            for low, high, leaf in each:
                self._cover(family, low, high, leaf, defined[family])

    def _defined_once(self, owners: list[Symbol], defined: list[tuple[Step, Step]]) -> None:
        """Raises IndexcalcError E305 for a member that a definition of its own and a loop define."""
        for (first, (a, b)), (second, (c, d)) in combinations(zip(owners, defined, strict=True), 2):
            if place(a) <= place(d) and place(c) <= place(b):
                message = f"`{second.spelling}` and `{first.spelling}` define the same step"
                error = IndexcalcError("E305", message, help="let the loop begin behind it, or end before it")
                raise self._placed(error, second)

    def _placed(self, error: IndexcalcError, member: Symbol) -> IndexcalcError:
        """An error in the text that has a member."""
        error.text, error.span = self.open.places.get(member.name, (error.text, error.span))
        return error

    def _cover(self, family: str, low: Step, high: Step, leaf: Symbol, defined: list[tuple[Step, Step]]) -> None:
        """Inputs for the members from ``low`` that nothing defines, where the family begins with no definition."""
        last = max((step for _, step in defined), key=place)
        if place(high) > place(last):
            message = f"`{leaf.spelling}` is out of range: `{family}` is defined to {last.text}"
            raise self._placed(IndexcalcError("E311", message, help="define it, or change the range"), leaf)
        while not low.base and place(low) <= place(high):
            if not any(place(a) <= place(low) <= place(b) for a, b in defined):
                member = Member(family, low)
                self.first.add(member.name)
                if any(a == b for a, b in defined):
                    message = f"`{member.name}` is out of range: `{family}` has other first members"
                    raise self._placed(IndexcalcError("E311", message, help="define it, or change the range"), leaf)
                if member.name not in self.scope.symbols:
                    made = Symbol(member.name, leaf.kind, leaf.axes, member.name, leaf.span, assumed=True)
                    self.scope.add(made)
                    self.open.members[member.name] = member
                symbol = self.scope.symbols[member.name]
                if symbol not in self.symbols:
                    self.symbols.append(symbol)
            elif any(b.base and place(a) <= place(low) for a, b in defined):
                return
            low = low.moved(1)

    def inputs(self) -> list[Symbol]:
        """What nothing defines, a family of inputs once."""
        found: dict[str, Symbol] = {}
        for symbol in self.symbols:
            member = self.open.members.get(symbol.name)
            if self.meaning(symbol) is not None or (member is not None and not member.family):
                continue
            if member is not None and member.family in self.ranges:
                found.setdefault(f"{member.family}[]", symbol)
            elif member is None or symbol.name in self.first:
                found[symbol.name] = symbol
        return list(found.values())

    # ------------------------------------------------------------------ the model
    def model(self, wanted: Sequence[Symbol], lowering: Lowering) -> Model:
        """The model; ``lowering`` takes defined and wanted names as variables."""
        twins = {lowering.variable(v): lowering.known(v) for v in wanted if v.structure}
        members = {name: self.open.members[name] for name in self.open.members if name in self.scope.symbols}
        inputs = tuple([self._input(symbol, lowering) for symbol in self.inputs()])
        defined = [symbol for symbol in self.symbols if self.meaning(symbol) is not None]
        nodes = {symbol: lowering.lower(self._known(symbol)) for symbol in defined}
        typed = tuple((restored(a, twins), [restored(b, twins) for b in bs]) for a, bs in lowering.typed)
        output = lowering.variable(self.output)
        model = Model((), output, inputs, self.ranges, self.open.variable, members, typed, twins)
        model.equations = tuple([self._equation(model, symbol, nodes[symbol], lowering) for symbol in defined])
        return model

    def _known(self, symbol: Symbol) -> Core:
        meaning = self.meaning(symbol)
        assert meaning is not None
        return meaning

    def _input(self, symbol: Symbol, lowering: Lowering) -> Input:
        shape = lowering.shape(symbol.axes)
        return Input(symbol.name, symbol.spelling, symbol.kind, symbol.structure, shape, symbol.assumed)

    def _equation(self, model: Model, symbol: Symbol, node: Node, lowering: Lowering) -> Equation:
        left: Variable = lowering.variable(symbol)
        recurrence = self.open.recurrences.get(symbol.name)
        if recurrence is None:
            return Equation(left, (Term(node),))
        if recurrence.added:
            return Equation(left, (Term(node, recurrence.extent),))
        return self._from_zero(model, left, node, recurrence.extent)

    def _from_zero(self, model: Model, left: Variable, node: Node, extent: Extent) -> Equation:
        """``h[t+1] = f(h[t])`` as ``h[t] = f(h[t-1])``."""
        member = model.members[left.name]
        by = member.step.offset
        step = Step(model.step, 0)
        if by:
            node, left = model.moved(node, step.moved(-by)), model.member(left, member.family, step)
        return Equation(left, (Term(node),), extent.moved(by))


def leaves(meaning: Core) -> Iterator[Symbol]:
    """The names in a meaning."""
    seen: set[int] = set()
    stack = [meaning]
    while stack:
        part = stack.pop()
        if id(part) not in seen:
            seen.add(id(part))
            if isinstance(part, Leaf):
                yield part.symbol
            stack.extend(subcores(part))
