"""text → syntax tree."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from indexcalc.errors import IndexcalcError
from indexcalc.language.brackets import Brackets
from indexcalc.language.builder import Builder
from indexcalc.language.characters import LOOK_ALIKES
from indexcalc.language.latex import LatexReader
from indexcalc.language.latex_words import is_latex
from indexcalc.language.mistakes import syntax_error, unreadable
from indexcalc.language.syntax import Statement
from indexcalc.language.tables import Misfit, Tables

LONGEST = 100_000
"""Code points that one statement may have."""
GRAMMAR = ("statement", "expression", "terminals")


def normalise(text: str) -> str:
    """NFC, and what looks like an operator is one. NFKC would turn xᵀ into xT."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text).translate(LOOK_ALIKES)


def parse(text: str) -> Statement:
    """The syntax tree of one normalised statement. Raises IndexcalcError E1xx, E5xx."""
    if len(text) > LONGEST:
        raise IndexcalcError("E501", f"a statement of {len(text):,} characters is longer than {LONGEST:,}", (0, 1))
    if is_latex(text):
        return _parse_latex(text)
    try:
        return _tables().parse(Brackets.told_apart(text, _tables().words(text)))
    except Misfit:
        raise _mistake(text, lambda: _parser().lex(text)) from None


def _parse_latex(text: str) -> Statement:
    """The same grammar, fed with the words that LaTeX stands for."""
    reader = LatexReader(text)
    try:
        statement = _tables().parse(Brackets().process(reader.tokens()))
    except Misfit:
        raise _mistake(text, lambda: Brackets().process(LatexReader(text).tokens())) from None
    return statement._replace(runs=frozenset(reader.runs))


def _mistake(text: str, tokens: Callable[[], Iterator[Token]]) -> IndexcalcError:
    """What is wrong with a text that the tables refuse."""
    parser = _parser().parse_interactive()
    try:
        for token in tokens():
            parser.feed_token(token)
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedCharacters as error:
        return unreadable(text, error.pos_in_stream or 0)
    except UnexpectedToken as error:
        return syntax_error(text, error, tokens(), parser.accepts())  # type: ignore[no-untyped-call]
    raise AssertionError(text)


@cache
def _tables() -> Tables:
    return Tables(_parser(), Builder())


@cache
def _parser() -> Lark:
    return Lark(
        _grammar(), parser="lalr", lexer="basic", maybe_placeholders=False, postlex=Brackets(), cache=_cache_file()
    )


def _grammar() -> str:
    package = Path(__file__).resolve().parent.parent
    checkout = (package.parent / "pyproject.toml").is_file()  # an editable install may leave a stale copy
    folder = (package.parent if checkout else package) / "grammar"
    return "\n".join([(folder / f"{name}.lark").read_text(encoding="utf-8") for name in GRAMMAR])


def _cache_file() -> str | bool:
    """Where Lark keeps its tables between runs: the user's own cache, never a shared folder."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(root, "indexcalc")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.path.join(folder, "grammar.bin") if os.access(folder, os.W_OK) else False
