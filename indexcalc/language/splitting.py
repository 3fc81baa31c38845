"""A text as statements: one a line, a row of LaTeX, or between semicolons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from indexcalc.language.latex_words import is_blank, rows

MOST_LINES = 64
"""Lines that one statement may go on for."""


def split(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a text with the line that each begins on: one a line, a row of LaTeX or between semicolons;
    # and % begin comments. A line goes on while brackets, environments or dollars are open; if they never close, it
    stands alone."""
    lines = [_CODE.findall(line)[0].strip() for line in _LINE_END.split(text)]
    number = 0
    while number < len(lines):
        last = _last_line(lines, number)
        for offset, row in rows(lines[number : last + 1]):
            for piece in _SEMICOLON.split(row):
                if piece.strip() and not is_blank(piece):
                    yield number + offset + 1, piece.strip()
        number = last + 1


_LINE_END = re.compile(r"\r\n?|\n")
_CODE = re.compile(r"^(?:[^\\#%]++|\\.?)*")
_SEMICOLON = re.compile(r"(?<!\\);")


def _last_line(lines: Sequence[str], first: int) -> int:
    """The line on which what opens on the first one is closed, or the first."""
    if first + 1 == len(lines):
        return first
    depth = displays = dollars = 0
    for number, line in enumerate(lines[first : first + MOST_LINES], first):
        depth += sum(map(line.count, ("(", "[", "{", r"\begin{"))) - sum(map(line.count, (")", "]", "}", r"\end{")))
        displays += line.count("$$")
        dollars += line.count("$")
        if depth < 0:
            return first
        if depth == 0 and displays % 2 == 0 and dollars % 2 == 0:
            return number
    return first
