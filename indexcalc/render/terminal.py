"""A report for a terminal: in colour, wrapped at operators, with Unicode where the terminal has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from indexcalc.forms.nodes import Symbol
from indexcalc.render import plain
from indexcalc.render.claim import ClaimReport, Row
from indexcalc.render.report import Line, Report
from indexcalc.render.text import pieces

STYLES = {"name": "cyan", "number": "magenta", "function": "green", "operator": "bold", "bracket": "none"}
STYLES |= {"title": "bold", "heading": "bold yellow", "label": "yellow", "reason": "dim", "sentence": "none"}
STYLES |= {f"term{k}": color for k, color in enumerate(("cyan", "magenta", "green", "yellow", "blue", "red"))}
LABEL = 16
"""Columns that the labels take up, and then two more for lines that go on."""
NARROWEST = 20
"""Columns below which formulas are not wrapped at operators any more."""


class TerminalReport:
    """A report that rich can print."""

    def __init__(self, report: Report, ascii_only: bool = False) -> None:
        self.report, self.ascii_only = report, ascii_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        ascii_only = self.ascii_only or options.ascii_only
        report = self.report
        yield from _head(report, ascii_only, options.max_width)
        where = [
            Line("" if place else "where", Symbol(name, "", 0), form)
            for place, (name, form) in enumerate(report.where.items())
        ]
        for line in [*report.lines, *where]:
            formula = _formula(line, options.max_width - LABEL)
            for place, row in enumerate(formula):
                label = f"  {line.label:<{LABEL - 2}}" if place == 0 else " " * (LABEL + 2)
                yield Text.assemble((label, "yellow"), row)
        if report.shape:
            shape = report.shape if ascii_only else report.shape.replace(" x ", " × ")
            layout = f", {report.layout}" if report.layout else ""
            yield Text(f"  {'shape':<{LABEL - 2}}{shape}{layout}", style="dim")


class TerminalRows:
    """Rows of pieces, each text and what it is, whose first piece is a label: wrapped before operators."""

    def __init__(self, rows: Sequence[Sequence[tuple[str, str]]]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for label, *rest in self.rows:
            if not rest:
                yield Text(label[0], style=STYLES.get(label[1], "none"))
                continue
            indent = len(label[0])
            if rest[0][1] == "reason":
                yield from _filled(label[0].strip(), rest[0][0].split(" "), options.max_width, " ", indent)
                continue
            for place, row in enumerate(_wrapped(rest, options.max_width - indent)):
                first = label if place == 0 else (" " * (indent + 2), "label")
                yield Text.assemble((first[0], STYLES.get(first[1], "none")), row)


def styled(row: Sequence[tuple[str, str]]) -> Text:
    """A row of pieces in their colours."""
    return Text.assemble(*[(shown, STYLES.get(kind, "none")) for shown, kind in row])


class TerminalClaim:
    """What is said of a claim, for rich to print."""

    def __init__(self, report: ClaimReport, ascii_only: bool = False) -> None:
        self.report, self.ascii_only = report, ascii_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        ascii_only = self.ascii_only or options.ascii_only
        yield from _head(self.report.head, ascii_only, options.max_width)
        for row in self.report.rows:
            yield from self._row(row, options.max_width)

    def _row(self, row: Row, width: int) -> Iterator[Text]:
        if row.form is not None:
            formula = _formula(Line(row.label, row.left, row.form), width - LABEL)
            for place, part in enumerate(formula):
                label = f"  {row.label:<{LABEL - 2}}" if place == 0 else " " * (LABEL + 2)
                yield Text.assemble((label, "yellow"), part)
            if row.words:
                yield Text(f"{'':<{LABEL}}({row.words})", style="dim")
            return
        style = VERDICTS.get(row.label, "")
        for place, line in enumerate(_filled("", row.words.split(" "), width, " ")):
            label = f"  {row.label:<{LABEL - 2}}" if place == 0 else " " * LABEL
            yield Text.assemble((label, style or "yellow"), (line.plain[LABEL:], style))


VERDICTS = {"holds": "bold green", "wrong": "bold red"}


def _head(report: Report, ascii_only: bool, width: int) -> Iterator[Text]:
    """What is differentiated, and what was assumed."""
    yield Text(plain.title(report, "d " if ascii_only else "∂"), style="bold")
    yield from _filled("assumed", plain.guesses(report), width)
    for note in report.notes:
        yield from _filled("note", note.split(" "), width, " ")


def _filled(label: str, items: Sequence[str], width: int, joint: str = ", ", indent: int = LABEL) -> Iterator[Text]:
    """Items behind a label, in as many rows as they need."""
    rows: list[str] = []
    for place, item in enumerate(items):
        end = joint.rstrip() if place + 1 < len(items) else ""
        if rows and len(rows[-1]) + len(item) + len(end) + 1 <= width - indent:
            rows[-1] += f" {item}{end}"
        else:
            rows.append(item + end)
    for place, row in enumerate(rows):
        yield Text(f"  {label if place == 0 else '':<{indent - 2}}{row}", style="dim")


def _formula(line: Line, width: int) -> list[Text]:
    """A formula in rows that fit, broken before operators."""
    if line.form is None:
        return [Text(plain.equation(line), style="dim")]
    left = [] if line.left is None else [*pieces(line.left), (" = ", "operator")]
    return _wrapped([*left, *pieces(line.form)], width)


def _wrapped(parts: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """Pieces in rows that fit, broken before operators."""
    rows = [Text()]
    for chunk in _chunks(parts):
        room = width if len(rows) == 1 else width - 2
        if rows[-1].cell_len + chunk.cell_len > room >= NARROWEST and rows[-1].cell_len:
            rows.append(Text())
        rows[-1].append_text(chunk)
    return rows


def _chunks(parts: Sequence[tuple[str, str]]) -> Iterator[Text]:
    """Pieces that stay together: an operator with what follows it."""
    chunk = Text()
    for text, kind in parts:
        if kind == "operator" and text.strip() not in ("'", "^", ".^") and chunk.cell_len:
            yield chunk
            chunk = Text()
        chunk.append(text, STYLES[kind])
    yield chunk
