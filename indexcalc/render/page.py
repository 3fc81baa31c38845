"""Rows of coloured text as a page of HTML or a picture in SVG. Nothing is linked to; equal rows give equal files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from indexcalc.render import plain
from indexcalc.render.claim import ClaimReport
from indexcalc.render.report import Line, Report
from indexcalc.render.text import pieces

Row = Sequence[tuple[str, str]]
"""Pieces of text, each with what it is."""

COLORS = {
    "name": "#0b6e8a",
    "number": "#8a1f7a",
    "function": "#2b7a2b",
    "operator": "#222222",
    "bracket": "#222222",
    "title": "#111111",
    "heading": "#a05a00",
    "label": "#a05a00",
    "reason": "#666666",
    "sentence": "#222222",
    "holds": "#1c7a1c",
    "wrong": "#b01818",
} | {f"term{k}": c for k, c in enumerate(("#0b6e8a", "#8a1f7a", "#2b7a2b", "#a05a00", "#2244aa", "#aa2222"))}
"""One colour for each kind of piece, dark on white."""
BOLD = frozenset({"title", "heading", "holds", "wrong"})
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
WIDE, HIGH = 8.43, 19
"""The size of a character of 14 px in pixels."""


def html(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """A page on its own: no script, no link."""
    yield "<!DOCTYPE html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>pre{{font-family:{FONT};font-size:14px;line-height:1.35}}"
    yield "".join(
        f".{kind}{{color:{color}{';font-weight:bold' if kind in BOLD else ''}}}" for kind, color in COLORS.items()
    )
    yield "</style></head><body><pre>"
    for row in rows:
        yield "".join(
            f'<span class="{kind}">{escape(shown)}</span>' if kind else escape(shown) for shown, kind in row
        ).rstrip()
    yield "</pre></body></html>"


def svg(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """A picture of the text, in the reader's own monospaced font."""
    width = max(sum(len(shown) for shown, _ in row) for row in rows)
    size = f'width="{round(width * WIDE + 20)}" height="{(len(rows) + 1) * HIGH}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-size="14">'
    yield f"<title>{escape(title)}</title>"
    yield '<rect width="100%" height="100%" fill="#ffffff"/>'
    for place, row in enumerate(rows, 1):
        column = 0
        for shown, kind in row:
            if shown.strip():
                x = f'{10 + column * WIDE:.1f}" y="{place * HIGH}'
                style = f'fill="{COLORS.get(kind, "#222222")}"' + (' font-weight="bold"' if kind in BOLD else "")
                length = f'textLength="{len(shown) * WIDE:.1f}" xml:space="preserve"'
                yield f'<text x="{x}" {style} {length}>{escape(shown)}</text>'
            column += len(shown)
    yield "</svg>"


def answer_rows(report: Report) -> Iterator[Row]:
    """An answer, its forms one below the other."""
    yield from _head(report)
    labels = [line.label for line in report.lines] + ["where"] * bool(report.where) + ["shape"] * bool(report.shape)
    width = max(map(len, labels), default=0)
    for line in report.lines:
        yield [(f"  {line.label:<{width}}  ", "label"), *_formula(line)]
    for place, (name, form) in enumerate(report.where.items()):
        yield [(f"  {'' if place else 'where':<{width}}  ", "label"), (f"{name} = ", "name"), *pieces(form)]
    if report.shape:
        shape = report.shape + (f", {report.layout}" if report.layout else "")
        yield [(f"  {'shape':<{width}}  {shape}", "reason")]


def claim_rows(report: ClaimReport) -> Iterator[Row]:
    """What is said of a claim."""
    yield from _head(report.head)
    width = max(len(row.label) for row in report.rows)
    for row in report.rows:
        label = (f"  {row.label:<{width}}  ", row.label if row.label in BOLD else "label")
        if row.form is None:
            yield [label, (row.words, row.label if row.label in BOLD else "sentence")]
        else:
            words = [(f"  ({row.words})", "reason")] if row.words else []
            yield [label, *_formula(Line(row.label, row.left, row.form)), *words]


def _head(report: Report) -> Iterator[Row]:
    yield [(plain.title(report, "∂"), "title")]
    yield from ([(f"  {line}", "reason")] for line in plain.assumed(report))


def _formula(line: Line) -> Row:
    if line.form is None:
        return [(plain.equation(line), "reason")]
    left = [] if line.left is None else [*pieces(line.left), (" = ", "operator")]
    return [*left, *pieces(line.form)]
