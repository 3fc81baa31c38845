"""Open loops, read: what a family is in each step, and sums over steps."""

from __future__ import annotations

from collections.abc import Iterable

from indexcalc.errors import IndexcalcError
from indexcalc.language import syntax
from indexcalc.language.core import Core, Symbol
from indexcalc.language.families import Recurrence
from indexcalc.language.loops import sum_of_steps
from indexcalc.language.scope import Reading, Scope, kind_of, walk
from indexcalc.language.steps import Extent, Member, Step, member_of
from indexcalc.language.syntax import Each, Name, Script, Syntax


class Recurrences:
    """Puts open loops into the scope: each of their names is a variable there, and what it is stands apart."""

    def __init__(self, scope: Scope) -> None:
        self.scope, self.families = scope, scope.open

    def keep(self, made: Symbol, meaning: Core, extent: Extent, *, added: bool = False) -> None:
        """What a name is in each step of a loop, or the sum of it over the steps. Raises IndexcalcError E305, E311."""
        known = self.scope.symbols.get(made.name)
        if made.name in self.families.recurrences or (known is not None and known.meaning is not None):
            message = f"`{made.spelling}` stands for something already"
            raise IndexcalcError("E305", message, made.span, "give it another name")
        if known is None:
            self.scope.add(made)
            known = made
        elif len(known.axes) != len(made.axes) or not all(map(self.scope.sizes.unify, known.axes, made.axes)):
            raise self._unlike(made, known)
        known.letters = made.letters
        self.families.recurrences[made.name] = Recurrence(known, meaning, extent, added)

    # ------------------------------------------------------------------ members
    def foretell(self, trees: Iterable[Syntax], within: Extent | None, text: str) -> None:
        """Members of families whose shape is known are declared before the text that has them is read. Raises
        IndexcalcError E311 for a step before the first, E305 for a length that is something else."""
        for base in (within.first.base, within.last.base) if within is not None else ():
            if base in self.scope.symbols:
                symbol = self.scope.symbols[base]
                message = f"`{base}` is a {symbol.kind}, and here it counts steps"
                raise IndexcalcError("E305", message, help=f"leave `{base}` undeclared, or define it: `{base} = 4`")
        for tree in trees:
            for node in walk(tree):
                if isinstance(node, Name):
                    self._foretell(node, within)
                    if (found := member_of(node)) is not None:
                        self.families.places[found[0]] = text, node.span

    def _foretell(self, node: Name, within: Extent | None) -> None:
        found = member_of(node)
        if found is None:
            if within is not None and node.text == within.variable and not node.scripts:
                self._declare(node.text, Member("", Step(node.text, 0)), (), node)
            return
        name, member = found
        if within is not None and member.step.base == within.variable:
            lowest = within.ends[0].moved(member.step.offset)
            if not lowest.base and lowest.offset < 0:
                message = f"`{member.step.text}` is {lowest.offset} in the first step: steps are not negative"
                raise IndexcalcError("E311", message, node.span)
        elif member.step.base == self.families.variable:
            message = f"`{member.step.text}` is a step, and no loop runs over it here"
            raise IndexcalcError("E403", message, node.span, "`h[t] = … for t = 1..T`")
        like = self.families.shapes.get(member.family)
        if like is not None:
            self._declare(name, member, like.axes, node, assumed=like.assumed)
        self.families.members[name] = member

    def _declare(self, name: str, member: Member, axes: tuple[int, ...], node: Name, *, assumed: bool = True) -> None:
        known = self.scope.symbols.get(name)
        if known is None:
            self.scope.add(Symbol(name, kind_of(axes), axes, name, node.span, assumed=assumed))
        elif not member.family and name not in self.families.members:
            message = f"`{name}` stands for something already, and here for a step"
            raise IndexcalcError("E305", message, node.span, "give one of them another name")
        self.families.members[name] = member

    def learn(self, names: Iterable[str]) -> None:
        """The shapes of families from members that were read. Raises IndexcalcError E203."""
        for name in names:
            member, symbol = self.families.members.get(name), self.scope.symbols.get(name)
            if member is None or symbol is None or not member.family:
                continue
            like = self.families.shapes.setdefault(member.family, symbol)
            unify = self.scope.sizes.unify
            if len(like.axes) != len(symbol.axes) or not all(map(unify, like.axes, symbol.axes)):
                raise self._unlike(symbol, like)

    def _unlike(self, symbol: Symbol, like: Symbol) -> IndexcalcError:
        kinds = []
        for each in (symbol, like):
            sizes = ", ".join(map(self.scope.sizes.text, each.axes))
            kinds.append(f"a {kind_of(each.axes)}" + (f"({sizes})" if sizes else ""))
        message = f"`{symbol.spelling}` is {kinds[0]}, and `{like.spelling}` is {kinds[1]}"
        help_ = f"declare the family: `{symbol.spelling}: {kind_of(symbol.axes)} for t = 1..T`"
        return IndexcalcError("E203", message, symbol.span, help_)

    # ------------------------------------------------------------------ sums over steps
    def named_sums(self, tree: Syntax, text: str, stem: str) -> Syntax:
        """A text with a name for each sum over the steps of an open loop. Raises IndexcalcError E403."""
        each = sum_of_steps(tree)
        extent = None if each is None else self.families.extent(each.loop)
        if each is None or extent is None:
            return syntax.mapped(tree, lambda part: self.named_sums(part, text, stem))
        self.refuse_sums(each.body)
        self.foretell([each.body], extent, text)
        reading = Reading(self.scope, text)
        meaning, letters = reading.read(each.body, None)
        self.learn(members_in(each.body))
        name = self._fresh(stem)
        symbol = Symbol(
            name, "row" if reading.kind == "r" else kind_of(meaning.axes), meaning.axes, name, tree.span, assumed=False
        )
        self.keep(symbol, meaning, extent, added=True)
        self.families.own.add(name)
        script = (Script(tree.span, " ".join(letters), "["),) if letters else ()
        return Name(tree.span, name, script)

    def refuse_sums(self, tree: Syntax) -> None:
        """Raises IndexcalcError E403 for a sum of open length inside of a loop."""
        for node in walk(tree):
            if isinstance(node, Each) and self.families.extent(node.loop) is not None:
                message = "a sum whose length is a symbol cannot stand in a loop"
                raise IndexcalcError("E403", message, node.span, "carry it along: `s[t] = s[t-1] + …`")

    def _fresh(self, stem: str) -> str:
        taken = {*self.scope.symbols, *self.families.stems}
        return next(name for k in range(1, len(taken) + 2) if (name := f"{stem}{k}") not in taken)


def members_in(tree: Syntax) -> list[str]:
    """The names of members of families in a text."""
    found = [member_of(node) for node in walk(tree) if isinstance(node, Name)]
    return [each[0] for each in found if each is not None]
