"""text → syntax tree."""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from pathlib import Path

from lark import Lark
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
        return _tables().parse(Brackets().process(_tables().tokens(text)))
    except Misfit:
        return _refused(text)


def _refused(text: str) -> Statement:
    """What is wrong with a text that the tables refuse."""
    try:
        return _parser().parse(text)  # type: ignore[return-value]
    except UnexpectedCharacters as error:
        raise unreadable(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        raise syntax_error(text, error, _parser().lex(text), error.accepts or ()) from None


def _parse_latex(text: str) -> Statement:
    """The same grammar, fed with the tokens that LaTeX stands for."""
    reader, parser = LatexReader(text), _parser().parse_interactive()
    try:
        for token in Brackets().process(reader.tokens()):
            parser.feed_token(token)
        statement: Statement = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        tokens = Brackets().process(LatexReader(text).tokens())
        raise syntax_error(text, error, tokens, parser.accepts()) from None  # type: ignore[no-untyped-call]
    return statement._replace(runs=frozenset(reader.runs))


@cache
def _tables() -> Tables:
    return Tables(_parser(), Builder())


@cache
def _parser() -> Lark:
    package = Path(__file__).resolve().parent.parent
    checkout = (package.parent / "pyproject.toml").is_file()  # an editable install may leave a stale copy
    folder = (package.parent if checkout else package) / "grammar"
    grammar = "\n".join((folder / f"{name}.lark").read_text(encoding="utf-8") for name in GRAMMAR)
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        maybe_placeholders=False,
        postlex=Brackets(),
        transformer=Builder(),
        cache=_cache_file(),
    )


def _cache_file() -> str | bool:
    """Where Lark keeps its tables between runs: the user's own cache, never a shared folder."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(root, "indexcalc")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.path.join(folder, "grammar.bin") if os.access(folder, os.W_OK) else False
