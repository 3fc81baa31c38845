"""Lark's tables of the grammar, run without what only the messages of errors need: Lark's own parser says what is
wrong with a text that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from lark import Lark, Token
from lark.grammar import Rule

from indexcalc.language.brackets import Word
from indexcalc.language.builder import Builder
from indexcalc.language.syntax import Statement

END = Word("$END", "", 0, 0)


class Misfit(Exception):
    """The text is not of the language."""


class Reduction(NamedTuple):
    """How many parts a rule has, which of them are lists of parts (rules that begin with ``_``), what makes a value of
    them (nothing where there is one part, whose value it has), and its name."""

    size: int
    lists: tuple[int, ...]
    build: Callable[[list[Any]], Any] | None
    name: str


class _States(dict[int, dict[str, Any]]):
    """States of the parser, each made when it is first come to: for each kind of token or part the next state, or the
    rule that is complete before it."""

    def __init__(self, tables: Mapping[int, Mapping[str, tuple[Any, Any]]], builder: Builder) -> None:
        self._tables, self._builder = tables, builder
        self._made: dict[int, Reduction] = {}

    def __missing__(self, state: int) -> dict[str, Any]:
        table = self._tables[state]
        row = {kind: to if isinstance(to, int) else self._reduction(to) for kind, (_, to) in table.items()}
        self[state] = row
        return row

    def _reduction(self, rule: Rule) -> Reduction:
        found = self._made.get(id(rule))
        if found is None:
            lists = tuple([k for k, symbol in enumerate(rule.expansion) if symbol.name.startswith("_")])
            name, size = rule.alias or rule.origin.name, len(rule.expansion)
            is_part = rule.options.expand1 and not rule.alias and size == 1 and not lists
            build = None if is_part else list if name.startswith("_") else getattr(self._builder, name)
            found = self._made[id(rule)] = Reduction(size, lists, build, rule.origin.name)
        return found


class Tables:
    """Reads a text's words, and puts them together."""

    def __init__(self, lark: Lark, builder: Builder) -> None:
        conf = lark.parse_interactive().parser_state.parse_conf
        self._start, self._end = conf.start_state, conf.end_state
        self._states = _States(conf.states, builder)
        self._ignored = frozenset(lark.lexer_conf.ignore)
        self._reserved = {t.pattern.value: t.name for t in lark.terminals if t.pattern.type == "str"}
        # as Lark has it: the first that matches wins
        words = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
        # with its name behind it, a word is told by its first character
        named = "|".join([f"(?:{t.pattern.to_regexp()})(?P<{t.name}>)" for t in words])
        blank = "|".join([t.pattern.to_regexp() for t in words if t.name in self._ignored])
        self._word = re.compile(f"(?:{named})(?:{blank})?")

    def tokens(self, text: str) -> Iterator[Token]:
        """The words of a text. Raises Misfit."""
        at = 0
        for found in self._word.finditer(text):
            start, kind = found.start(), found.lastgroup or ""
            if start > at:
                raise Misfit
            at, end = found.end(), found.end(kind)
            if kind not in self._ignored:
                word = text[start:end]
                yield Word(self._reserved.get(word, kind) if kind == "NAME" else kind, word, start, end)
        if at < len(text):
            raise Misfit

    def parse(self, tokens: Iterable[Token]) -> Statement:
        """The syntax tree of a statement. Raises Misfit, and IndexcalcError."""
        actions, states = self._states, [self._start]
        values: list[Any] = []
        for token in chain(tokens, [END]):
            kind = token.type
            while True:
                action = actions[states[-1]].get(kind)
                if action.__class__ is int:
                    states.append(action)
                    values.append(token)
                    break
                if action is None:
                    if kind == "$END" and states[-1] == self._end:
                        break
                    raise Misfit
                size, lists, build, name = action
                if build is None:
                    states[-1] = actions[states[-2]][name]
                    continue
                parts = values[-size:] if size else []
                del values[len(values) - size :], states[len(states) - size :]
                values.append(build(_joined(parts, lists) if lists else parts))
                states.append(actions[states[-1]][name])
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
