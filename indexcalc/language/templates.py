"""A definition in a loop, read in one step, for the other steps: the same meaning with other members of families."""

from __future__ import annotations

from fractions import Fraction

from indexcalc.language import core
from indexcalc.language.core import Core, Leaf, Symbol
from indexcalc.language.loops import script_at
from indexcalc.language.programs import expanded
from indexcalc.language.scope import Scope, walk
from indexcalc.language.syntax import Each, Name, Script, Statement


class Template:
    """A definition as it was read in step ``step`` of its loop."""

    def __init__(self, scope: Scope, statement: Statement, made: Symbol, step: int) -> None:
        self.scope, self.made = scope, made
        self.variable = statement.loop.variable if statement.loop is not None else ""
        left, right = statement.left.items[0], statement.right
        assert isinstance(left, Name)
        assert right is not None
        self.left = left
        body = right.items[0]
        nodes = list(walk(expanded(body, scope.programs) if scope.programs else body))
        names = [node for node in nodes if isinstance(node, Name)]
        self.names = [name for name in names if self._at(name, step) is not name]
        self.first = [scope.lookup(self._at(name, step)) for name in self.names]
        fixed = {scope.lookup(name)[0] for name in names if self._at(name, step) is name}
        self.fits = (
            made.meaning is not None
            and not any(isinstance(node, Each) for node in nodes)
            and not any(name.text == self.variable and not name.scripts for name in names)
            and not any(first in fixed for first, _, _ in self.first)  # h[t-1] is h[0] in one step only
        )

    def _at(self, name: Name, step: int) -> Name:
        """The member at a step; the name itself where it is the same in every step."""
        scripts = tuple([script_at(script, self.variable, step) for script in name.scripts])
        moved = any(a is not b for a, b in zip(scripts, name.scripts, strict=True))
        return name._replace(scripts=scripts) if moved else name

    def keep(self, step: int) -> bool:
        """Define the name of another step, if all that it is made of is known and shaped as in the first step."""
        if not self.fits:
            return False
        scope = self.scope
        members: dict[Symbol, Symbol] = {}
        for name, (first, _, scripts) in zip(self.names, self.first, strict=True):
            found, _, others = scope.lookup(self._at(name, step))
            if first is None or found is None or not self._alike(first, found) or _texts(others) != _texts(scripts):
                return False
            if members.setdefault(first, found) is not found:
                return False
        left = self._at(self.left, step)
        known, spelled, _ = scope.lookup(left)
        if known is not None or left is self.left:
            return False
        assert self.made.meaning is not None
        made = Symbol(spelled, self.made.kind, self.made.axes, spelled, left.span, assumed=False)
        made.meaning, made.letters = _with(self.made.meaning, members, {}), self.made.letters
        scope.add(made)
        for symbol in members.values():
            scope.appear(symbol)
        last = left.scripts[-1].text if not made.letters else ""
        if last.isdigit():
            scope.families.setdefault(left.text, set()).add(int(last))
        return True

    def _alike(self, first: Symbol, found: Symbol) -> bool:
        """Whether one can stand for the other."""
        if found.assumed and found.meaning is None:
            return False
        find = self.scope.sizes.find
        return (
            (first.kind, first.structure, first.letters) == (found.kind, found.structure, found.letters)
            and len(first.axes) == len(found.axes)
            and all(find(a) == find(b) for a, b in zip(first.axes, found.axes, strict=True))
        )


def _texts(scripts: tuple[Script, ...]) -> list[str]:
    return [script.text for script in scripts]


def _with(meaning: Core, members: dict[Symbol, Symbol], made: dict[int, Core]) -> Core:
    """A meaning with other names in it."""
    found = made.get(id(meaning))
    if found is None:
        found = made[id(meaning)] = _replaced(meaning, members, made)
    return found


def _replaced(meaning: Core, members: dict[Symbol, Symbol], made: dict[int, Core]) -> Core:
    match meaning:
        case Leaf(symbol=symbol):
            return Leaf(meaning.axes, members[symbol]) if symbol in members else meaning
        case core.Product():
            factors = tuple([(_with(factor, members, made), labels) for factor, labels in meaning.factors])
            return meaning._replace(factors=factors)
        case core.Sum():
            return meaning._replace(
                terms=tuple([(s, _with(t, members, made), labels) for s, t, labels in meaning.terms])
            )
        case core.Power():
            base, exponent = _with(meaning.base, members, made), meaning.exponent
            if not isinstance(exponent, Fraction):
                exponent = _with(exponent, members, made)
            return meaning._replace(base=base, exponent=exponent)
        case core.Elementwise() | core.Whole() | core.Grouped():
            return meaning._replace(body=_with(meaning.body, members, made))
    return meaning
