"""Explanations on the command line: their options, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from indexcalc.answer import Answer
from indexcalc.cli.output import Color, Form, Format, Output
from indexcalc.errors import IndexcalcError

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Passes
    from indexcalc.explanation.explained import Explanation
    from indexcalc.explanation.passes import PassesExplanation


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
        super().__init__(None if kind is None else Format(kind), [Form.ALL], color, ascii_only, file=file)
        self.style, self.expand, self.full = style, expand, full

    def answer(self, answer: Answer) -> None:
        """The explanation of an answer."""
        from indexcalc.explanation.explained import Explanation  # only where one is wanted

        self._explained(Explanation(answer, self.style, self.sizes()))

    def passes(self, passes: Passes) -> None:
        """The explanation of a backward pass."""
        from indexcalc.explanation.passes import PassesExplanation

        self._explained(PassesExplanation(passes, self.style))

    def _shows_passes(self, passes: Passes) -> bool:
        return passes.is_open

    def _explained(self, explanation: Explanation | PassesExplanation) -> None:
        match self.format:
            case Format.JSON:
                self._line(json.dumps(explanation.to_dict(), ensure_ascii=self.ascii_only))
                return
            case Format.HTML | Format.SVG:
                self.add_page(explanation.rows(full=self.full))
                return
            case Format.TEXT:
                shown = self._styled(explanation)
            case Format.PLAIN:
                shown = explanation.text(unicode=not self.ascii_only, full=self.full)
            case _:
                shown = explanation.to_format(self.format, self.full)
        self._write(("\n" if self.written else "") + shown)

    def sizes(self) -> Sequence[int]:
        """The sizes of ``--expand``. Raises IndexcalcError E404."""
        parts = [part.strip() for part in self.expand.split(",")] if self.expand else []
        if not all(part.isdecimal() and part.isascii() for part in parts):
            raise IndexcalcError(
                "E404", "--expand takes sizes, such as 2,3", help="the sizes of a derivative's axes in their order"
            )
        return [int(part) for part in parts]

    def _styled(self, explanation: Explanation | PassesExplanation) -> str:
        """In colour, for the terminal's width."""
        from indexcalc.render.terminal import styled  # rich is heavy: only when it is wanted

        console = self._rich()
        rows = explanation.rows(console.width, not self.ascii_only, self.full)
        with console.capture() as capture:
            for row in rows:
                console.print(styled(row), soft_wrap=True)
        return str(capture.get())
