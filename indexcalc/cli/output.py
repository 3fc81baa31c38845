"""Results to stdout, and errors, assumptions and progress to stderr, in the format that was asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from indexcalc.answer import Answer
from indexcalc.errors import IndexcalcError
from indexcalc.language.characters import GREEK
from indexcalc.render import claim, latex, markdown
from indexcalc.render.plain import assumed, equation, guesses, plain
from indexcalc.render.report import Report
from indexcalc.session import is_verdict

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Gradient, Passes
    from indexcalc.claims.verdict import Verdict
    from indexcalc.render.page import Row


class Format(StrEnum):
    """How results are written."""

    TEXT = "text"
    PLAIN = "plain"
    LATEX = "latex"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"
    SVG = "svg"
    NUMPY = "numpy"
    EINSUM = "einsum"
    JAX = "jax"
    TORCH = "torch"


class Form(StrEnum):
    """The forms of an answer."""

    ALL = "all"
    PROGRAM = "program"
    INDEX = "index"
    ENTRIES = "entries"
    MATRIX = "matrix"
    COMPONENT = "component"
    VEC = "vec"
    PULLBACK = "pullback"
    DIFFERENTIAL = "differential"


class Color(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Code(NamedTuple):
    """What code is to be like: made for these sizes, returning the value too, or without deltas."""

    sizes: Mapping[str, int] = {}
    with_value: bool = False
    compressed: bool = False


BY_SUFFIX = {
    ".txt": Format.PLAIN,
    ".tex": Format.LATEX,
    ".md": Format.MARKDOWN,
    ".json": Format.JSON,
    ".svg": Format.SVG,
    ".html": Format.HTML,
    ".py": Format.NUMPY,
}
"""The format of a file by the end of its name."""
CODE = (Format.NUMPY, Format.EINSUM, Format.JAX, Format.TORCH)
"""Formats that are modules of Python."""
PAGES = (Format.HTML, Format.SVG)
"""Formats that have one page for all answers."""

EQUIVALENTS = str.maketrans(GREEK | dict(zip("×∂…—–⊙‖", ["x", "d", "...", "-", "-", ".*", "||"], strict=True)))
"""What a terminal without Unicode gets for our signs, and for what users type."""


class Output:
    """Writes answers and errors; counts what went wrong."""

    def __init__(
        self,
        format: Format | None,
        forms: Collection[Form],
        color: Color,
        ascii_only: bool,
        code: Code = Code(),  # noqa: B008
        file: str | None = None,
    ) -> None:
        self.code = code
        self.file = file
        self.terminal = sys.stdout.isatty() and file is None
        if format is None and file is not None:
            format = BY_SUFFIX.get(Path(file).suffix.lower(), Format.PLAIN)
        self.format = format or (Format.TEXT if self.terminal else Format.PLAIN)
        self.forms = () if Form.ALL in forms else tuple(forms)
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        self.ascii_only = ascii_only or not encoding.startswith("utf")
        self.color = color
        self.written = False
        self.rejected = 0
        self.failed = 0
        self.refuted = 0
        self._console: Any = None
        self._told: list[str] = []
        self._rows: list[Row] = []
        self._filed: list[str] = []

    # ------------------------------------------------------------------ answers
    def results(self, results: Sequence[Answer | Gradient | Verdict]) -> None:
        """What a question or a claim gets."""
        passes = getattr(results[0], "passes", None) if results else None
        if passes is not None and self._shows_passes(passes):
            self.passes(passes)
            return
        for result in results:
            if isinstance(result, Answer):
                self.answer(result)
            elif is_verdict(result):
                self.verdict(result)
            else:
                self._line(json.dumps(result.to_dict(), ensure_ascii=self.ascii_only))

    def _shows_passes(self, passes: Passes) -> bool:
        """Whether a question is answered by its passes rather than by a formula for each variable."""
        if self.format is Format.JSON:
            return False
        return passes.is_open or Form.PROGRAM in self.forms or (passes.has_steps and not self.forms)

    def passes(self, passes: Passes) -> None:
        """The forward and the backward pass of a question."""
        report = passes.report
        if self.format in CODE:
            text: Iterable[str] = [passes.to_code(str(self.format), self.code.sizes).rstrip()]
        elif self.format is Format.LATEX:
            text = passes.latex()
        elif self.format is Format.MARKDOWN:
            text = markdown.passes(passes.title(), report, [line.latex() for _, line in passes.lines()])
        else:
            on_screen = self.format in (Format.TEXT, *PAGES) and not self.ascii_only
            head = [
                [(passes.title("∂" if on_screen else "d "), "title")],
                *([(f"  {line}", "reason")] for line in assumed(report)),
            ]
            if not self.terminal and self.format not in PAGES:
                head = head[:1]
            rows = [*head, *passes.rows([str(form) for form in self.forms])]
            if self.format in PAGES:
                self.add_page(rows)
                return
            if self.format is Format.TEXT:
                self._show_rows(rows)
                return
            text = ["".join(shown for shown, _ in row).rstrip() for row in rows]
        if not self.terminal:
            for line in assumed(report):
                self.report(line)
        if self.written:
            self._line("")
        self.lines(text)

    def answer(self, answer: Answer) -> None:
        if self.format is Format.JSON:
            self._line(json.dumps(answer.to_dict(), ensure_ascii=self.ascii_only))
            return
        report = answer.report(self.forms)
        told, self._told = self._told, [*guesses(report), *report.notes]
        if set(guesses(report)) <= set(told):  # once for all answers of one question
            report = report._replace(declarations=())
        report = report._replace(notes=[note for note in report.notes if note not in told])
        text: Iterable[str]
        match self.format:
            case Format.TEXT:
                self._show(report)
                return
            case Format.HTML | Format.SVG:
                from indexcalc.render import page  # few want one

                self.add_page(page.answer_rows(report))
                return
            case Format.NUMPY | Format.EINSUM | Format.JAX | Format.TORCH:
                code_form = "pullback" if self.forms == (Form.PULLBACK,) else "jacobian"
                sizes, with_value, compressed = self.code
                text = [answer.to_code(self.format, code_form, with_value, compressed, sizes).rstrip()]
            case Format.LATEX if len(self.forms) == 1:
                text = [latex.latex(line.form) for line in report.lines if line.form is not None]
            case Format.LATEX:
                text = latex.document(report)
            case Format.MARKDOWN:
                text = markdown.answer(report)
            case _ if len(self.forms) == 1:
                text = [equation(line) for line in report.lines] or [f"none: this answer has no {self.forms[0]} form"]
            case _:
                text = plain(report, assumptions=self.terminal)
        if not self.terminal:
            for line in assumed(report):
                self.report(line)
        lines = list(text)
        if self.written and len(lines) > 1:
            self._line("")
        for line in lines:
            self._line(line)

    def verdict(self, verdict: Verdict) -> None:
        """What is said of a claim; those that are refuted are counted."""
        self.refuted += not verdict.holds
        if self.format is Format.JSON:
            self._line(json.dumps(verdict.to_dict(), ensure_ascii=self.ascii_only))
            return
        report = verdict.report()
        if self.format is Format.TEXT:
            self._show(report)
            return
        if self.format in PAGES:
            from indexcalc.render import page

            self.add_page(page.claim_rows(report))
            return
        if not self.terminal:
            for line in assumed(report.head):
                self.report(line)
        if self.written:
            self._line("")
        match self.format:
            case Format.LATEX:
                self.lines(claim.document(report))
            case Format.MARKDOWN:
                self.lines(markdown.verdict(report))
            case Format.NUMPY | Format.EINSUM | Format.JAX | Format.TORCH:
                self.lines(f"# {line}" for line in claim.plain(report, assumptions=False))
            case _:
                self.lines(claim.plain(report, assumptions=self.terminal))

    def _show(self, report: Report | claim.ClaimReport) -> None:
        """In colour, wrapped to the terminal's width."""
        from indexcalc.render.terminal import TerminalClaim, TerminalReport  # rich is heavy: only when it is wanted

        if self.written:
            self._line("")
        console = self._rich()
        with console.capture() as capture:
            if isinstance(report, Report):
                console.print(TerminalReport(report, self.ascii_only))
            else:
                console.print(TerminalClaim(report, self.ascii_only))
        self._write(capture.get())

    def _show_rows(self, rows: Iterable[Row]) -> None:
        """Rows of pieces in colour, wrapped at operators."""
        from indexcalc.render.terminal import TerminalRows

        if self.written:
            self._line("")
        console = self._rich()
        with console.capture() as capture:
            console.print(TerminalRows(list(rows)))
        self._write(capture.get())

    def _rich(self) -> Any:
        if self._console is None:
            from rich.console import Console  # heavy

            plain_ = self.color is Color.NEVER or (
                self.color is Color.AUTO and (not self.terminal or "NO_COLOR" in os.environ)
            )
            self._console = Console(
                markup=False,
                emoji=False,
                highlight=False,
                no_color=plain_,
                force_terminal=True if self.color is Color.ALWAYS else None,
                width=None if self.terminal else 80,
                soft_wrap=False,
            )
        return self._console

    def lines(self, lines: Iterable[str]) -> None:
        """Text that is no answer."""
        for line in lines:
            self._line(line)

    def _line(self, line: str) -> None:
        self._write(line + "\n")

    def add_page(self, rows: Iterable[Row]) -> None:
        """What a page is to show, too."""
        self._rows += [*([[]] if self._rows else []), *rows]

    def close(self) -> None:
        """Write the page, and the file, if there are any."""
        if self._rows:
            from indexcalc.render import page

            title = "".join(shown for shown, _ in self._rows[0])
            self.lines((page.html if self.format is Format.HTML else page.svg)(title, self._rows))
        if self.file is None or not self._filed:
            return
        try:
            Path(self.file).write_text("".join(self._filed), encoding="utf-8")
        except OSError as error:
            self.error(IndexcalcError("E110", f"cannot write {self.file}: {error.strerror}"))

    def _write(self, text: str) -> None:
        """To the file or to stdout; the end where nobody reads it any more."""
        if self.file is not None:
            self._filed.append(text)
            self.written = True
            return
        try:
            sys.stdout.write(ascii_text(text) if self.ascii_only else text)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        self.written = True

    def progress(self, statements: Sequence[tuple[int, str]]) -> Iterable[tuple[int, str]]:
        """The statements, with a bar on stderr while results go elsewhere."""
        if self.terminal or not sys.stderr.isatty():
            return statements
        from rich.console import Console  # heavy
        from rich.progress import track

        return track(statements, description="differentiating", console=Console(stderr=True), transient=True)

    # ------------------------------------------------------------------ errors
    def error(self, error: IndexcalcError, line: int | None = None) -> None:
        """An input that was rejected, or an answer that failed its certificate: on stderr, and in JSON as an object
        of its own."""
        if error.code == "E490":
            self.failed += 1
        else:
            self.rejected += 1
        if self.format is Format.JSON:
            self._line(
                json.dumps(
                    {"schema": 1, "line": line or 1, "input": error.text, "ok": False, "error": error.to_dict()},
                    ensure_ascii=self.ascii_only,
                )
            )
        sys.stdout.flush()
        for text in explained(error, line):
            self.report(text)

    def report(self, text: str) -> None:
        """A line on stderr."""
        unicode = (sys.stderr.encoding or "ascii").lower().startswith("utf")
        sys.stderr.write((text if unicode else ascii_text(text)) + "\n")


def ascii_text(text: str) -> str:
    """A text without Unicode."""
    return text.translate(EQUIVALENTS).encode("ascii", "replace").decode()


def own_fault(bug: Exception) -> IndexcalcError:
    """An error of the program itself: no traceback ever reaches a user."""
    message = f"indexcalc itself failed ({type(bug).__name__}: {bug})"
    return IndexcalcError("E491", message, help="please report this input")


LONGEST_LINE = 72
"""Columns of the input that an error shows."""


def explained(error: IndexcalcError, line: int | None) -> Iterable[str]:
    """An error with the place in the text marked."""
    place = "" if line is None else f"line {line}: "
    yield f"{place}error {error.code}: {error.message}"
    if error.text:
        start, end = error.span
        first = max(0, min(start, len(error.text)) - LONGEST_LINE // 2) if len(error.text) > LONGEST_LINE else 0
        shown = "".join(c if c.isprintable() else "?" for c in error.text[first : first + LONGEST_LINE])
        width = max(1, min(end, first + LONGEST_LINE) - start)
        yield f"  {shown}"
        yield "  " + " " * (start - first) + "^" * width
    if error.help:
        yield f"help: {error.help}"
