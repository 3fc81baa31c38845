"""The options that several commands have."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from indexcalc.cli.output import Color, Form, Format
from indexcalc.session import LAYOUTS

Expression = Annotated[
    str | None,
    typer.Argument(help="The expression; `-`, or nothing with a pipe: one statement a line.", show_default=False),
]
Let = Annotated[
    list[str] | None, typer.Option("--let", help="A declaration, such as `W: matrix(m, n)`.", metavar="DECL")
]
Layout = Annotated[
    str, typer.Option("--layout", help=f"Which axes come first: {' or '.join(LAYOUTS)}.", metavar="LAYOUT")
]
Forms = Annotated[list[Form], typer.Option("--form", help="The form to print; may be given more than once.")]
Formats = Annotated[
    Format | None,
    typer.Option("--format", help="How to print: text on a terminal, plain in a pipe.", show_default=False),
]
Colors = Annotated[Color, typer.Option("--color", help="Whether text is in colour.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="No Unicode.")]
File = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Write to a file, in the format that its name ends with.", metavar="FILE"),
]
Sizes = Annotated[
    list[str] | None, typer.Option("--size", help="A size that code is made for, such as m=1000.", metavar="SIZE=N")
]
Prefix = Annotated[
    str,
    typer.Option("--prefix", help="What the names of adjoints begin with; else d.", metavar="TEXT", show_default=False),
]
WithValue = Annotated[bool, typer.Option("--with-value", help="In code: return the value too.")]
Compressed = Annotated[
    bool, typer.Option("--compressed", help="In code: leave out deltas and constant axes; the docstring says which.")
]


def sizes_of(given: list[str] | None) -> dict[str, int]:
    """``m=1000`` as a symbol and a number. Wrong usage is typer's."""
    found: dict[str, int] = {}
    for text in given or ():
        symbol, _, number = text.partition("=")
        if not symbol.strip().isidentifier() or not number.strip().isdecimal() or int(number) < 1:
            raise typer.BadParameter(f"{text!r} is no size: write --size m=1000")
        found[symbol.strip()] = int(number)
    return found


def bytes_of(text: str | None) -> int | None:
    """``2GB``, ``500 MB`` or ``1000`` in bytes. Wrong usage is typer's."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([kMGTP]?B?)", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no amount of memory: write --memory 2GB")
    return int(float(match.group(1)) * 1000 ** " kMGTP".index(match.group(2)[:1].replace("B", " ") or " "))
