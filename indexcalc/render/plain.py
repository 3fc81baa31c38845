"""A report as plain text: no colour, no wrapping."""

from __future__ import annotations

from collections.abc import Iterator

from indexcalc.render.report import Line, Report, heading
from indexcalc.render.text import text


def plain(report: Report, assumptions: bool) -> Iterator[str]:
    """The lines of a report, with what was assumed if it is not told elsewhere."""
    yield title(report)
    if assumptions:
        yield from (f"  {line}" for line in assumed(report))
    width = max([len(line.label) for line in report.lines] + [len("where") if report.where else 0])
    for line in report.lines:
        yield f"  {line.label:<{width}}  {equation(line)}"
    for place, (name, form) in enumerate(report.where.items()):
        yield f"  {'' if place else 'where':<{width}}  {name} = {text(form)}"
    if report.shape:
        yield f"  {'shape':<{width}}  {report.shape}" + (f", {report.layout}" if report.layout else "")


def title(report: Report, partial: str = "d ") -> str:
    """What is asked, and the expression as it was read."""
    read = "" if report.expression is None else text(report.expression)
    head = heading(report, partial)
    if report.question == "simplify":
        return report.text
    if not read:
        return head
    return f"{head},  {report.name} = {read}" if report.name else f"{head}  {read}"


def assumed(report: Report) -> Iterator[str]:
    """What was assumed, and notes."""
    if assumptions := guesses(report):
        yield "assumed: " + ", ".join(assumptions)
    yield from (f"note: {note}" for note in report.notes)


def guesses(report: Report) -> list[str]:
    """The declarations that were assumed."""
    return [declaration for declaration, guessed in report.declarations if guessed]


def equation(line: Line) -> str:
    """The text of a form with its left side; or why there is none."""
    if line.form is None:
        return f"none: {line.reason}"
    return f"{text(line.left)} = {text(line.form)}" if line.left is not None else text(line.form)
