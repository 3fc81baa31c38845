"""Lark's tables of the grammar, run without what only the messages of errors need: Lark's own parser says what is
wrong with a text that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

from lark import Lark
from lark.grammar import Rule

from indexcalc.language.brackets import Word
from indexcalc.language.builder import Builder
from indexcalc.language.syntax import Statement

END = Word("$END", "", 0, 0)


class Misfit(Exception):
    """The text is not of the language."""


class Reduction(NamedTuple):
    """How many parts a rule has, which of them are lists of parts, what makes a value of them (nothing where there is
    one part, whose value it has), and its name."""

    size: int
    lists: tuple[int, ...]
    build: Callable[[list[Any]], Any] | None
    name: str


class State(dict[str | tuple[str, str], Any]):
    """A state of the parser. Its entries are made when they are first asked for: of a kind of word the next state, or
    the rule that is complete before it; of a rule and the kind of the word behind it the next state once all rules
    of one part are complete, too. Raises Misfit."""

    __slots__ = ("number", "tables")

    def __init__(self, number: int, tables: Tables) -> None:
        self.number, self.tables = number, tables

    def __missing__(self, key: str | tuple[str, str]) -> State | Reduction:
        name, kind = (key, "") if isinstance(key, str) else key
        made: Any = self.tables.action(self.number, name)
        while kind and isinstance(unit := made[kind], Reduction) and unit.build is None:
            made = self.tables.action(self.number, unit.name)
        self[key] = made
        return made  # type: ignore[no-any-return]


class Tables:
    """Reads a text's words, and puts them together."""

    def __init__(self, lark: Lark, builder: Builder) -> None:
        conf = lark.parse_interactive().parser_state.parse_conf
        self._table, self._end, self._builder = conf.states, conf.end_state, builder
        self._states: dict[int, State] = {}
        self._reductions: dict[Rule, Reduction] = {}
        self._start = self._state(conf.start_state)
        inline = [rule for rule in lark.rules if rule.origin.name.startswith("_")]
        self._lists = frozenset([rule.origin.name for rule in inline if len(rule.expansion) > 1])
        """The rules that are lists of parts; others whose names begin with ``_`` are one part."""
        self._ignored = frozenset(lark.lexer_conf.ignore)
        self._reserved = {t.pattern.value: t.name for t in lark.terminals if t.pattern.type == "str"}
        # as Lark has it: the first that matches wins
        words = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
        # with its name behind it, a word is told by its first character
        named = "|".join([f"(?:{t.pattern.to_regexp()})(?P<{t.name}>)" for t in words])
        blank = "|".join([t.pattern.to_regexp() for t in words if t.name in self._ignored])
        self._word = re.compile(f"(?:{named})(?:{blank})?")
        self._kinds = {place: name for name, place in self._word.groupindex.items()}

    # ------------------------------------------------------------------ Lark's tables
    def action(self, number: int, kind: str) -> Any:
        """What a state does before a kind of word, or behind a rule. Raises Misfit."""
        if kind == END.type and number == self._end:
            return self._state(number)
        if kind not in self._table[number]:
            raise Misfit
        _, to = self._table[number][kind]
        return self._state(to) if isinstance(to, int) else self._reduction(to)

    def _state(self, number: int) -> State:
        return self._states.setdefault(number, State(number, self))

    def _reduction(self, rule: Rule) -> Reduction:
        found = self._reductions.get(rule)
        if found is None:
            lists = tuple([k for k, symbol in enumerate(rule.expansion) if symbol.name in self._lists])
            name, size = rule.alias or rule.origin.name, len(rule.expansion)
            is_list = rule.origin.name in self._lists
            is_part = size == 1 and not lists and not is_list and (name.startswith("_") or rule.options.expand1)
            build = None if is_part and not rule.alias else list if is_list else getattr(self._builder, name)
            found = self._reductions[rule] = Reduction(size, lists, build, rule.origin.name)
        return found

    # ------------------------------------------------------------------ reading
    def words(self, text: str) -> list[Word]:
        """The words of a text. Raises Misfit."""
        found: list[Word] = []
        at, make = 0, str.__new__
        for match in self._word.finditer(text):
            start, place = match.start(), match.lastindex or 0
            if start > at:
                raise Misfit
            at, end, kind = match.end(), match.end(place), self._kinds[place]
            if kind not in self._ignored:
                word = make(Word, text[start:end])  # Word(…), which takes twice as long
                word.type, word.span = self._reserved.get(word, kind) if kind == "NAME" else kind, (start, end)
                found.append(word)
        if at < len(text):
            raise Misfit
        return found

    def parse(self, words: Iterable[Word]) -> Statement:
        """The syntax tree of a statement. Raises Misfit, and IndexcalcError."""
        states: list[State] = [self._start]
        values: list[Any] = []
        for word in chain(words, [END]):
            kind = word.type
            while (action := states[-1][kind]).__class__ is Reduction:
                size, lists, build, name = action
                if build is not None:
                    first = len(values) - size
                    parts = values[first:]
                    values[first:] = (build(_joined(parts, lists) if lists else parts),)
                if size:
                    del states[-size:]
                states.append(states[-1][name, kind])
            states.append(action)
            values.append(word)
        return values[0]  # type: ignore[no-any-return]


def _joined(parts: list[Any], lists: tuple[int, ...]) -> list[Any]:
    """The parts with those of lists among them, in the first part where that is a list."""
    first, *others = parts
    joined: list[Any] = first if 0 in lists else [first]
    for place, part in enumerate(others, 1):
        if place in lists:
            joined += part
        else:
            joined.append(part)
    return joined
