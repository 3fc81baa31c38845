"""Families of names with steps, h[t], and loops whose length is a symbol: which names are members of which family.

A loop is open where its length is no number. Names of its families keep their steps, h[t-1], h[T], h[0], and each is
a name of its own; all open loops have one variable, the first one's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.core import Core, Symbol
from indexcalc.language.loops import Whole, script_at, sum_of_steps, written_out
from indexcalc.language.steps import Extent, Member, Step, as_script, step_of
from indexcalc.language.syntax import Each, Loop, Name, Script, Statement, Syntax, children, spelling


class Recurrence(NamedTuple):
    """What ``symbol`` is in each step, h[t]; or the sum over the steps, where it is no member of a family."""

    symbol: Symbol
    meaning: Core
    extent: Extent
    added: bool


class Families:
    """The families of a file. ``whole`` gives the value of a length that is a number."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.lengths: dict[str, int | None] = {}
        """What loops run to; None for a symbol."""
        self.stems: set[str] = set()
        self.open_stems: set[str] = set()
        self.variable = ""
        """The variable of all open loops."""
        self.members: dict[str, Member] = {}
        """Members of open families by their names."""
        self.shapes: dict[str, Symbol] = {}
        """For each open family a member of it, whose axes are those of all."""
        self.recurrences: dict[str, Recurrence] = {}
        self.places: dict[str, tuple[str, Span]] = {}
        """The text that a member was read in last, and where it stands there."""
        self.own: set[str] = set()
        """Names that we gave to sums over steps."""

    def mark(self) -> tuple[dict[str, Member], dict[str, Symbol], dict[str, Recurrence], set[str]] | None:
        if not self.variable:
            return None
        return self.members.copy(), self.shapes.copy(), self.recurrences.copy(), self.own.copy()

    def back_to(
        self, mark: tuple[dict[str, Member], dict[str, Symbol], dict[str, Recurrence], set[str]] | None
    ) -> None:
        """Undo what was read since ``mark``."""
        if mark is not None:
            self.members, self.shapes, self.recurrences, self.own = mark

    # ------------------------------------------------------------------ what a file has
    def notice(self, statement: Statement) -> bool:
        """The loops of a statement; whether it has any."""
        loops = list(_loops(statement))
        variables = {loop.variable for loop in loops}
        for loop in loops:
            named = [n for end in (loop.first, loop.last) for n in _names(end) if n.text not in variables]
            for name in named:
                try:
                    self.lengths[name.text] = self.whole(name)
                except IndexcalcError:
                    self.lengths[name.text] = None
        for loop in loops:
            stems = {stem for item in _items(statement) for stem in _stems(item, loop.variable)}
            self.stems |= stems
            if self._is_open(loop):
                self.open_stems |= stems
                self.variable = self.variable or loop.variable
        return bool(loops)

    def notice_last(self, statement: Statement) -> None:
        """A definition of the last member, h[T] = …, is one of a family, whether or not a loop has it."""
        left = statement.left.items[0]
        if not isinstance(left, Name) or statement.relation != "=":
            return
        for k, script in enumerate(left.scripts):
            step = step_of(script)
            if script.mark == "[" and step is not None and step.base in self.lengths:
                stem = spelling(left.text, left.scripts[:k])
                self.stems.add(stem)
                if self.lengths[step.base] is None:
                    self.open_stems.add(stem)

    def _is_open(self, loop: Loop) -> bool:
        ends = [name.text for end in (loop.first, loop.last) for name in _names(end)]
        return any(name in self.lengths and self.lengths[name] is None for name in ends)

    @property
    def open_lengths(self) -> list[str]:
        """The lengths that are symbols."""
        return [name for name, value in self.lengths.items() if value is None]

    def extent(self, loop: Loop) -> Extent | None:
        """From where to where an open loop runs; None for a loop between numbers. Raises IndexcalcError E403."""
        if not self._is_open(loop):
            return None
        first, last = self._end(loop.first), self._end(loop.last)
        if first.base and last.base and first.base != last.base:
            message = "a loop runs from a number, or from steps of one length"
            raise IndexcalcError("E403", message, loop.span, "`for t = 1..T`")
        return Extent(self.variable, first, last)

    def _end(self, node: Syntax) -> Step:
        match node:
            case syntax.Group(body=body):
                return self._end(body)
            case Name(text=text, scripts=()) if text in self.lengths and self.lengths[text] is None:
                return Step(text, 0)
            case syntax.Sum(terms=terms):
                each = [(sign, self._end(term)) for sign, term in terms]
                bases = [step.base for _, step in each if step.base]
                if len(bases) <= 1 and all(sign > 0 for sign, step in each if step.base):
                    return Step("".join(bases), sum(sign * step.offset for sign, step in each))
                message = "a loop runs to a length and a number: `T`, `T-1`"
                raise IndexcalcError("E403", message, node.span)
        return Step("", self.whole(node))

    # ------------------------------------------------------------------ names of members
    def placed(self, statement: Statement) -> Statement:
        """A statement in which steps by a length are numbers, h[T] is h[4]; or, where loops are open, in which each
        member of a family is a name."""
        if not self.stems or not self.lengths:
            return statement
        own = {statement.loop.variable} if statement.loop is not None and self._is_open(statement.loop) else set()

        def side(side: syntax.Side) -> syntax.Side:
            return side._replace(items=tuple([self._placed(item, own) for item in side.items]))

        right = statement.right
        return statement._replace(left=side(statement.left), right=right and side(right))

    def _placed(self, node: Syntax, variables: Collection[str]) -> Syntax:
        """``variables`` are those of the open loops around a part."""
        if isinstance(node, Each) and self._is_open(node.loop):
            return node._replace(body=self._placed(node.body, {*variables, node.loop.variable}))
        each = sum_of_steps(node)
        if each is not None and variables and not self._is_open(each.loop):  # h[t-k] for k = 1..2
            return self._placed(written_out(node, self.whole), variables)
        if not isinstance(node, Name):
            return syntax.mapped(node, lambda part: self._placed(part, variables))
        if not node.scripts:
            return node._replace(text=self.variable) if node.text in variables else node
        scripts = list(node.scripts)
        for k, script in enumerate(node.scripts):
            if spelling(node.text, node.scripts[:k]) in self.stems:
                scripts[k] = self._script(script, spelling(node.text, node.scripts[:k]), variables)
        return node._replace(scripts=tuple(scripts))

    def _script(self, script: Script, stem: str, variables: Collection[str]) -> Script:
        step = step_of(script)
        if step is None:
            return script
        if step.base in variables:
            return as_script(script, step._replace(base=self.variable))
        value = self.lengths.get(step.base)
        if value is not None:
            return script_at(script, step.base, value)
        is_open = stem in self.open_stems
        return as_script(script, step) if is_open and (not step.base or step.base in self.lengths) else script


def _items(statement: Statement) -> tuple[Syntax, ...]:
    return (*statement.left.items, *(statement.right.items if statement.right else ()))


def _loops(statement: Statement) -> Iterator[Loop]:
    if statement.loop is not None:
        yield statement.loop
    stack = list(_items(statement))
    while stack:
        node = stack.pop()
        if isinstance(node, Each):
            yield node.loop
        stack.extend(children(node))


def _names(tree: Syntax) -> Iterator[Name]:
    if isinstance(tree, Name):
        yield tree
    for part in children(tree):
        yield from _names(part)


def _stems(tree: Syntax, variable: str) -> Iterator[str]:
    """The families that have members in the steps of a loop."""
    for name in _names(tree):
        for k, script in enumerate(name.scripts):
            step = step_of(script)
            if step is not None and step.base == variable:
                yield spelling(name.text, name.scripts[:k])
