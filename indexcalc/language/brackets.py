"""Between lexer and parser: which bars open and which close, and how deep brackets go."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TypeVar

from lark import Token

from indexcalc.errors import IndexcalcError, Span

DEEPEST = 64
"""Brackets that may be open at once."""


class Word(Token):
    """A token that knows its kind and its place, and of no lines."""

    __slots__ = ("span",)
    span: Span
    line = column = end_line = end_column = None
    start_pos = property(lambda self: self.span[0])
    end_pos = property(lambda self: self.span[1])

    def __new__(cls, kind: str, text: str, start: int, end: int) -> Word:
        word = str.__new__(cls, text)
        word.type, word.span = kind, (start, end)
        return word


T = TypeVar("T", bound=Token)


def span_of(token: Token) -> Span:
    """Where a token of Lark's or a word stands."""
    return token.start_pos or 0, token.end_pos or 0


class Brackets:
    """A post-lexer of Lark's."""

    always_accept = ("BAR", "NORM_BAR")
    openers = frozenset({"EINSUM", "OPEN", "OPEN_BRACE", "OPEN_INDEX", "OPEN_BAR", "OPEN_NORM"})
    closers = frozenset({"CLOSE", "CLOSE_BRACE", "CLOSE_INDEX", "CLOSE_BAR", "CLOSE_NORM"})
    operands = closers | {"NUMBER", "NAME", "SUBSCRIPT", "NAME_SUPERSCRIPT", "TRANSPOSE", "SUPERSCRIPT"}

    @classmethod
    def told_apart(cls, text: str, words: Sequence[Word]) -> Iterable[Word]:
        """The words of a text; they need no processing where it has no bars and no loops and few brackets."""
        few = len(text) <= DEEPEST or text.count("(") + text.count("[") + text.count("{") <= DEEPEST
        return words if few and not ("|" in text or "‖" in text or ".." in text) else cls().process(words)

    def process(self, stream: Iterable[T]) -> Iterator[T | Word]:
        previous = ""
        open_bars: list[str] = []
        depth = loops = 0
        token: T | Word
        for token in stream:
            if token.type == "FOR":
                loops += 1
            elif token.type == "RANGE":
                loops -= 1
                if loops < 0:
                    help_ = "`sum(x[t] for t = 1..4)`"
                    raise IndexcalcError("E403", "this leaves out what stands between", span_of(token), help_)
            if token.type in ("BAR", "NORM_BAR"):
                kind = "NORM" if token.type == "NORM_BAR" else "BAR"
                if token == "||" and open_bars and open_bars[-1] == "BAR" and previous in self.operands:
                    both = yield from self._two_bars(token, open_bars)
                    previous = "CLOSE_BAR" if both else "OPEN_BAR"
                    depth -= 2 * both
                    continue
                if previous in self.operands and open_bars and open_bars[-1] == kind:
                    open_bars.pop()
                    token = Word(f"CLOSE_{kind}", str(token), *span_of(token))
                else:
                    open_bars.append(kind)
                    token = Word(f"OPEN_{kind}", str(token), *span_of(token))
            if token.type in self.openers:
                depth += 1
                if depth > DEEPEST:
                    raise IndexcalcError("E502", f"brackets are nested more than {DEEPEST} deep", span_of(token))
            elif token.type in self.closers:
                depth -= 1
            previous = token.type
            yield token

    @staticmethod
    def _two_bars(token: Token, open_bars: list[str]) -> Generator[Word, None, bool]:
        """Two bars that are no norm: both close (|a + |b||), or one closes and one opens (|x||y|)."""
        both = open_bars[-2:] == ["BAR", "BAR"]
        open_bars.pop()
        start, _ = span_of(token)
        yield Word("CLOSE_BAR", "|", start, start + 1)
        if both:
            open_bars.pop()
        else:
            open_bars.append("BAR")
        yield Word("CLOSE_BAR" if both else "OPEN_BAR", "|", start + 1, start + 2)
        return both
