"""A report for a terminal: in colour, wrapped at operators, with Unicode where the terminal has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from indexcalc.forms.nodes import Symbol
from indexcalc.render import plain
from indexcalc.render.report import Line, Report
from indexcalc.render.text import pieces

STYLES = {"name": "cyan", "number": "magenta", "function": "green", "operator": "bold", "bracket": "none"}
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
        yield Text(plain.title(report, "d " if ascii_only else "∂"), style="bold")
        yield from _filled("assumed", plain.guesses(report), options.max_width)
        for note in report.notes:
            yield from _filled("note", note.split(" "), options.max_width, " ")
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


def _filled(label: str, items: Sequence[str], width: int, joint: str = ", ") -> Iterator[Text]:
    """Items behind a label, in as many rows as they need."""
    rows: list[str] = []
    for place, item in enumerate(items):
        end = joint.rstrip() if place + 1 < len(items) else ""
        if rows and len(rows[-1]) + len(item) + len(end) + 1 <= width - LABEL:
            rows[-1] += f" {item}{end}"
        else:
            rows.append(item + end)
    for place, row in enumerate(rows):
        yield Text(f"  {label if place == 0 else '':<{LABEL - 2}}{row}", style="dim")


def _formula(line: Line, width: int) -> list[Text]:
    """A formula in rows that fit, broken before operators."""
    if line.form is None:
        return [Text(plain.equation(line), style="dim")]
    left = [] if line.left is None else [*pieces(line.left), (" = ", "operator")]
    rows = [Text()]
    for chunk in _chunks([*left, *pieces(line.form)]):
        room = width if len(rows) == 1 else width - 2
        if rows[-1].cell_len + chunk.cell_len > room >= NARROWEST and rows[-1].cell_len:
            rows.append(Text())
        rows[-1].append_text(chunk)
    return rows


def _chunks(parts: list[tuple[str, str]]) -> Iterator[Text]:
    """Pieces that stay together: an operator with what follows it."""
    chunk = Text()
    for text, kind in parts:
        if kind == "operator" and text.strip() not in ("'", "^", ".^") and chunk.cell_len:
            yield chunk
            chunk = Text()
        chunk.append(text, STYLES[kind])
    yield chunk
