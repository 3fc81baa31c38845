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
    """How many parts a rule has, which of them are lists of parts (the last first), what makes a value of them (nothing
    where that is its one part, or the list of its parts), and its name."""

    size: int
    lists: tuple[int, ...]
    build: Callable[[list[Any]], Any] | None
    name: str


class State(dict[str | tuple[str, str], Any]):
    """A state of the parser. Its entries are made when they are first asked for: of a kind of word the next state, or
    the rule that is complete before it; of a rule and the kind of the word behind it the next state once all rules
    of one part are complete, too, with that state's own entry for the word. Raises Misfit."""

    __slots__ = ("number", "tables")

    def __init__(self, number: int, tables: Tables) -> None:
        self.number, self.tables = number, tables

    def __missing__(self, key: str | tuple[str, str]) -> Any:
        if isinstance(key, str):
            self[key] = made = self.tables.action(self.number, key)
            return made
        name, kind = key
        state = self.tables.action(self.number, name)
        while isinstance(then := state[kind], Reduction) and then.build is None and then.size == 1:
            state = self.tables.action(self.number, then.name)
        self[key] = state, then
        return state, then


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
            lists = tuple([k for k, symbol in enumerate(rule.expansion) if symbol.name in self._lists][::-1])
            name, size = rule.alias or rule.origin.name, len(rule.expansion)
            is_list = rule.origin.name in self._lists
            is_part = size == 1 and not lists and not is_list and (name.startswith("_") or rule.options.expand1)
            build: Callable[[list[Any]], Any] | None = None
            if is_list:
                build = list if size == 1 else None
            elif rule.alias or not is_part:
                build = getattr(self._builder, name)
            found = self._reductions[rule] = Reduction(size, lists, build, rule.origin.name)
        return found

    # ------------------------------------------------------------------ reading
    def words(self, text: str) -> list[Word]:
        """The words of a text. Raises Misfit."""
        found: list[Word] = []
        at, make, ignored, reserved = 0, str.__new__, self._ignored, self._reserved
        for match in self._word.finditer(text):
            before, (start, at), kind = at, match.span(), match.lastgroup or ""
            if start > before:
                raise Misfit
            end = match.end(kind)
            if kind not in ignored:
                letters = text[start:end]
                word = make(Word, letters)  # Word(…), which takes twice as long
                word.type, word.span = reserved.get(letters, kind) if kind == "NAME" else kind, (start, end)
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
            action = states[-1][kind]
            while action.__class__ is Reduction:
                size, lists, build, name = action
                if size == 1 and not lists:
                    if build is not None:
                        values[-1] = build(values[-1:])
                    states.pop()
                else:
                    first = len(values) - size
                    parts = values[first:]
                    for place in lists:
                        parts[place : place + 1] = parts[place]
                    del values[first:], states[first + 1 :]  # a value has the state behind it; one comes before all
                    values.append(parts if build is None else build(parts))
                state, action = states[-1][name, kind]
                states.append(state)
            states.append(action)
            values.append(word)
        return values[0]  # type: ignore[no-any-return]
