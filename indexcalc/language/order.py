"""Definitions in any order, and for each step of a loop: what a statement uses is defined before it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.definitions import Definitions
from indexcalc.language.differentials import Question
from indexcalc.language.loops import at_step, steps, written_out
from indexcalc.language.parser import normalise, parse
from indexcalc.language.programs import Program
from indexcalc.language.scope import walk
from indexcalc.language.statements import Claim, Declaration, Definition, classify, declaration
from indexcalc.language.steps import member_of
from indexcalc.language.syntax import Name
from indexcalc.language.templates import Template

Place = tuple[int, str, int]
"""A statement's line and text, and its step in a loop."""


class Pending(NamedTuple):
    """A definition that stands below."""

    place: Place
    repeated: syntax.Statement
    number: int | None
    """The value of the loop's variable."""


class Order:
    """The definitions of a file that stand below, or were wanted early: ``early``. ``parsed`` are statements by their
    text."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions, self.scope = definitions, definitions.scope
        self.early: set[Place] = set()
        self.parsed: dict[str, syntax.Statement] = {}
        self._later: dict[str, Pending] = {}
        self._bases: dict[str, list[str]] = {}
        """For each family the members that are defined outside of open loops."""
        self._wanted: list[str] = []

    def foresee(self, statements: Iterable[tuple[int, str]]) -> None:
        """The statements of a file with their lines: a definition may stand below what uses it."""
        read: list[tuple[int, str, syntax.Statement]] = []
        for line, text in statements:
            if "=" in text:
                try:
                    statement = parse(normalise(text))
                except IndexcalcError:
                    continue  # told where it stands
                read.append((line, text, statement))
                if statement.relation == "=" and statement.right is not None:
                    left, right = statement.left.items[0], statement.right.items[0]
                    if isinstance(left, Name) and isinstance(right, syntax.Number):
                        self.scope.numbers[left.text] = right.value
        for _, text, statement in read:
            self._notice(statement, text)
        for _, _, statement in read:
            self.scope.open.notice_last(statement)
        for line, text, statement in read:
            self.parsed[normalise(text)] = placed = self.scope.open.placed(statement)
            try:
                numbers = self._numbers(placed)
            except IndexcalcError:
                continue
            for step, number in enumerate(numbers):
                left = self._left(placed, number)
                name = self._defined_by(placed, left)
                if name:
                    self._later.setdefault(name, Pending((line, text, step), placed, number))
                    found = member_of(left)
                    if found is not None and found[1].step.base != self.scope.open.variable:
                        self._bases.setdefault(found[1].family, []).append(name)

    def _notice(self, statement: syntax.Statement, text: str) -> None:
        """The loops of a statement; the lengths of open ones are sizes."""
        if "for" in text and self.scope.open.notice(statement):
            for length in self.scope.open.open_lengths:
                self.scope.sizes.fixed(length)
                self.scope.size_symbols.add(length)

    def take(self, line: int, text: str) -> Declaration | Definition | Program | Question | Claim | None:
        """What a statement asks, once all that it uses is defined; None for one that is done already: a loop, or what
        was wanted early. Raises IndexcalcError."""
        place, text = (line, text), normalise(text)
        parsed = self._read(text)
        if parsed.loop is not None:
            left = parsed.left.items[0]
            if parsed.relation == "=" and isinstance(left, syntax.Call):
                message = f"`{left.function}(…)` is a function, and a loop defines the members of a family"
                raise IndexcalcError("E107", message, left.span, f"`{left.function}[t] = … for t = 1..T`")
            template: Template | None = None
            for step, number in enumerate(self._numbers(parsed)):
                if number is None or template is None or not template.keep(number):
                    pending = Pending((*place, step), parsed, number)
                    if pending.place not in self.early:
                        self.settle(pending, parsed.loop.span)
                        template = self._template(parsed, number)
            return None
        if (*place, 0) in self.early:
            return None
        self.define_first(parsed, text)
        return classify(parsed, self.scope)

    def _read(self, text: str) -> syntax.Statement:
        """A statement as it was foreseen, or as it is read now. Raises IndexcalcError."""
        statement = self.parsed.pop(text, None)
        if statement is None:
            statement = parse(text)
            self._notice(statement, text)
            statement = self.scope.open.placed(statement)
        return statement

    def _numbers(self, statement: syntax.Statement) -> Sequence[int | None]:
        """The values of the variable of a statement's loop; None for once, as in an open loop."""
        loop = statement.loop
        if loop is None or self.scope.open.extent(loop) is not None:
            return [None]
        return steps(loop, self.scope.whole)

    def _once(self, statement: syntax.Statement, number: int | None) -> syntax.Statement:
        """A statement in one step of its loop."""
        loop = statement.loop
        if loop is None or number is None:
            return statement

        def side(side: syntax.Side) -> syntax.Side:
            return side._replace(items=tuple([at_step(item, loop.variable, number) for item in side.items]))

        right = statement.right
        once = statement._replace(left=side(statement.left), right=right and side(right), loop=None)
        return self.scope.open.placed(once)

    def _left(self, statement: syntax.Statement, number: int | None) -> syntax.Syntax:
        """The left side in one step."""
        return self._once(statement._replace(right=None), number).left.items[0]

    def _template(self, statement: syntax.Statement, number: int | None) -> Template | None:
        """A definition that was read in one step of a loop between numbers, for the others."""
        left = statement.left.items[0]
        if number is None or statement.relation != "=" or not isinstance(left, Name):
            return None
        made = self.scope.symbols.get(self._defined_by(statement, self._left(statement, number)))
        return None if made is None else Template(self.scope, statement, made, number)

    def _defined_by(self, statement: syntax.Statement, left: syntax.Syntax) -> str:
        if statement.relation != "=" or not isinstance(left, Name | syntax.Call):
            return ""
        if isinstance(left, syntax.Call) and statement.loop is not None:
            return ""
        return left.function if isinstance(left, syntax.Call) else self.scope.lookup(left)[1]

    def settle(self, pending: Pending, span: Span) -> None:
        """A declaration or definition that is repeated or wanted early."""
        statement = self._once(pending.repeated, pending.number)
        self.define_first(statement, pending.place[1])
        found = classify(statement, self.scope)
        if isinstance(found, Question | Claim):
            message = "only declarations and definitions are repeated"
            raise IndexcalcError("E403", message, span, "ask for the steps one by one")
        self.definitions.keep(found, normalise(pending.place[1]), statement.loop)

    def define_first(self, statement: syntax.Statement, text: str) -> None:
        """What a statement uses and a later one defines."""
        if not self._later or declaration(statement.left.items, statement.span) is not None:
            return
        defines = statement.left.items[0] if statement.relation == "=" else None
        items = [*statement.left.items, *(statement.right.items if statement.right else ())]
        for node in (
            node
            for item in items
            if item is not defines
            for node in walk(self._spread(item) if "for" in text else item)
        ):
            if isinstance(node, Name | syntax.Call):
                name = node.function if isinstance(node, syntax.Call) else self.scope.lookup(node)[1]
                if not self._is_settled(name):
                    self._define_now(name, node)
                found = member_of(node) if isinstance(node, Name) else None
                for base in self._bases.get(found[1].family, ()) if found is not None else ():
                    own = self._defined_by(statement, statement.left.items[0])
                    if not self._is_settled(base) and base not in (*self._wanted, own):
                        self._define_now(base, node)

    def _is_settled(self, name: str) -> bool:
        """Whether a name is not defined below, or was defined early."""
        if name not in self._later or name in self.scope.programs or name in self.scope.open.recurrences:
            return True
        known = self.scope.symbols.get(name)
        assumed = known is not None and known.assumed and name not in self.scope.open.members
        return known is not None and (assumed or known.meaning is not None)

    def _spread(self, item: syntax.Syntax) -> syntax.Syntax:
        try:
            return written_out(item, self.scope.whole)
        except IndexcalcError:  # told when it is read
            return item

    def _define_now(self, name: str, node: Name | syntax.Call) -> None:
        """What is defined below, and is used here."""
        if name in self._wanted:
            circle = " → ".join([*self._wanted[self._wanted.index(name) :], name])
            raise IndexcalcError("E309", f"`{name}` is defined by itself: {circle}", node.span)
        pending = self._later[name]
        self._wanted.append(name)
        try:
            self.settle(pending, node.span)
        except IndexcalcError as error:
            if error.code == "E309":
                raise IndexcalcError("E309", error.message, node.span) from error
            if error.code == "E310":
                raise IndexcalcError("E310", error.message, node.span) from error
            message = f"`{name}` is defined in line {pending.place[0]}, and there is a mistake ({error.code})"
            raise IndexcalcError("E310", message, node.span) from error
        finally:
            self._wanted.pop()
        self.early.add(pending.place)
