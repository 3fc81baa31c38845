"""The catalogue of errors as text: one row in full, or all rows in a line each."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from textwrap import wrap

from indexcalc.catalogue import CODES, TABLE, Entry, entry
from indexcalc.errors import IndexcalcError

LONGEST = 150
"""Characters of an example that are shown."""


def explanation(text: str, width: int | None) -> Iterable[str]:
    """The row of a code, wrapped to ``width``. Raises IndexcalcError E111."""
    code = text.upper() if text[0] in "Ee" else f"E{text}"
    found = entry(code)
    if found is None:
        help_ = f"did you mean {' or '.join(_nearest(code))}? `indexcalc explain` lists them all"
        raise IndexcalcError("E111", f"there is no error {code}", (0, len(text)), help_, text)
    return _row(found, width)


def _nearest(code: str) -> list[str]:
    """Three codes that are most like this one; swapped digits come first."""

    def unlike(other: str) -> tuple[bool, float, str]:
        return sorted(other) != sorted(code), -SequenceMatcher(None, code, other).ratio(), other

    return sorted(CODES, key=unlike)[:3]


def titles() -> Iterable[str]:
    """Every code with its title."""
    return (f"{row.code}  {row.title}" for row in TABLE)


def _row(row: Entry, width: int | None) -> Iterable[str]:
    yield from _wrapped(f"{row.code}: {row.title}", width)
    yield ""
    yield from _wrapped(row.explanation, width)
    for title, inputs in (("This gives it:", (row.example,)), ("Instead:", row.mended)):
        if any(inputs):
            yield ""
            yield title
            for each in inputs:
                yield from _wrapped(_short(each), width, "  ")


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    if width is None:
        return [indent + text]
    lines = wrap(text, width, initial_indent=indent, subsequent_indent=indent * 2, break_long_words=False)
    return lines or [indent + text]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 3]} … {text[-LONGEST // 6 :]}"
