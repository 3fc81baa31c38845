"""Explanations on the command line: their options, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexcalc.answer import Answer
from indexcalc.cli.output import Color, Form, Format, Output
from indexcalc.errors import IndexcalcError

if TYPE_CHECKING:
    from indexcalc.explanation.explained import Explanation


class ExplanationFormat(StrEnum):
    """How explanations are written."""

    TEXT = "text"
    PLAIN = "plain"
    LATEX = "latex"
    MARKDOWN = "markdown"
    JSON = "json"
    SVG = "svg"
    HTML = "html"


class ExplanationStyle(StrEnum):
    """How a derivation goes."""

    INDEX = "index"
    DIFFERENTIAL = "differential"
    VEC = "vec"


BY_SUFFIX = {
    ".txt": ExplanationFormat.PLAIN,
    ".tex": ExplanationFormat.LATEX,
    ".md": ExplanationFormat.MARKDOWN,
    ".json": ExplanationFormat.JSON,
    ".svg": ExplanationFormat.SVG,
    ".html": ExplanationFormat.HTML,
}
"""The format of a file by the end of its name."""
LIKE_A_CODE = re.compile(r"[Ee][\dOoIl]{1,4}|\d+")
"""What is meant as the code of an error."""

Formats = Annotated[
    ExplanationFormat | None,
    typer.Option(
        "--format", help="How to print: text on a terminal, plain in a pipe, else by FILE's end.", show_default=False
    ),
]
Styles = Annotated[ExplanationStyle, typer.Option("--style", help="How the derivation goes.")]
Expand = Annotated[
    str,
    typer.Option("--expand", help="Write it entry by entry, for these sizes in their order.", metavar="2,3"),
]
Full = Annotated[bool, typer.Option("--full", help="Fold no steps of a long derivation.")]
File = Annotated[
    str | None, typer.Option("--output", "-o", help="Write to a file.", metavar="FILE", show_default=False)
]


class ExplanationOutput(Output):
    """Writes the explanations of answers; with a ``file`` into that."""

    def __init__(
        self,
        kind: ExplanationFormat | None,
        color: Color,
        ascii_only: bool,
        style: str,
        expand: str,
        full: bool,
        file: str | None,
    ) -> None:
        if kind is None and file is not None:
            kind = BY_SUFFIX.get(Path(file).suffix.lower(), ExplanationFormat.PLAIN)
        super().__init__(Format.JSON if kind is ExplanationFormat.JSON else None, [Form.ALL], color, ascii_only)
        self.kind = kind or (ExplanationFormat.TEXT if self.terminal else ExplanationFormat.PLAIN)
        self.style, self.expand, self.full, self.file = style, expand, full, file
        self._filed: list[str] = []

    def answer(self, answer: Answer) -> None:
        """The explanation of an answer."""
        from indexcalc.explanation.explained import Explanation  # only where one is wanted

        explanation = Explanation(answer, self.style, self.sizes())
        if self.kind is ExplanationFormat.JSON:
            self._line(json.dumps(explanation.to_dict(), ensure_ascii=self.ascii_only))
            return
        if self.kind is ExplanationFormat.TEXT:
            shown = self._styled(explanation)
        elif self.kind is ExplanationFormat.PLAIN:
            shown = explanation.text(unicode=not self.ascii_only, full=self.full)
        else:
            shown = explanation.to_format(self.kind, self.full)
        self._write(("\n" if self.written else "") + shown)

    def sizes(self) -> Sequence[int]:
        """The sizes of ``--expand``. Raises IndexcalcError E404."""
        parts = [part.strip() for part in self.expand.split(",")] if self.expand else []
        if not all(part.isdecimal() and part.isascii() for part in parts):
            raise IndexcalcError(
                "E404", "--expand takes sizes, such as 2,3", help="the sizes of a derivative's axes in their order"
            )
        return [int(part) for part in parts]

    def _styled(self, explanation: Explanation) -> str:
        """In colour, for the terminal's width."""
        from indexcalc.render.terminal import styled  # rich is heavy: only when it is wanted

        console = self._rich()
        rows = explanation.rows(console.width, not self.ascii_only, self.full)
        with console.capture() as capture:
            for row in rows:
                console.print(styled(row), soft_wrap=True)
        return str(capture.get())

    def _write(self, text: str) -> None:
        if self.file is None:
            super()._write(text)
        else:
            self._filed.append(text)
            self.written = True

    def close(self) -> None:
        """Write the file, if there is one and something for it."""
        if self.file is None or not self._filed:
            return
        try:
            Path(self.file).write_text("".join(self._filed), encoding="utf-8")
        except OSError as error:
            self.error(IndexcalcError("E110", f"cannot write {self.file}: {error.strerror}"))
