"""What is said of a claim, as plain text and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexcalc.forms.nodes import Form
from indexcalc.render.latex import latex
from indexcalc.render.plain import assumed, title
from indexcalc.render.report import Report
from indexcalc.render.text import text


class Row(NamedTuple):
    """A label with words, or with a formula and its left side."""

    label: str
    words: str
    form: Form | None = None
    left: Form | None = None

    @property
    def shown(self) -> str:
        """The row as text."""
        if self.form is None:
            return self.words
        shown = f"{text(self.left)} = {text(self.form)}" if self.left is not None else text(self.form)
        return f"{shown}  ({self.words})" if self.words else shown


class ClaimReport(NamedTuple):
    """``head`` says what is differentiated."""

    head: Report
    rows: Sequence[Row]


def plain(report: ClaimReport, assumptions: bool) -> Iterator[str]:
    """The lines of a report, with what was assumed if it is not told elsewhere."""
    yield title(report.head)
    if assumptions:
        yield from (f"  {line}" for line in assumed(report.head))
    width = max(len(row.label) for row in report.rows)
    for row in report.rows:
        yield f"  {row.label:<{width}}  {row.shown}"


def document(report: ClaimReport) -> Iterator[str]:
    """The lines of an align* environment, what was assumed in comments before it."""
    yield f"% {title(report.head)}"
    yield from (f"% {line}" for line in assumed(report.head))
    yield r"\begin{align*}"
    for place, row in enumerate(report.rows):
        end = r" \\" if place < len(report.rows) - 1 else ""
        yield rf"  \text{{{_escaped(row.label)}}} && & {_cell(row)}{end}"
    yield r"\end{align*}"


def _cell(row: Row) -> str:
    if row.form is None:
        return rf"\text{{{_escaped(row.words)}}}"
    words = rf" \quad \text{{({_escaped(row.words)})}}" if row.words else ""
    return formula(row) + words


def formula(row: Row) -> str:
    """The LaTeX of a row that has a formula."""
    assert row.form is not None
    return f"{latex(row.left)} = {latex(row.form)}" if row.left is not None else latex(row.form)


ESCAPES = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"^": r"\^{}", "~": r"\~{}", "\\": r"\textbackslash{}", "`": "", "⊙": r"$\odot$"}
)


def _escaped(words: str) -> str:
    return words.translate(ESCAPES)
