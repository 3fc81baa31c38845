"""Reports as Markdown, with formulas between double dollars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from indexcalc.render import claim, latex
from indexcalc.render.claim import ClaimReport
from indexcalc.render.plain import assumed, title
from indexcalc.render.report import Report

MARKS = str.maketrans({c: f"\\{c}" for c in "\\*_<>[]#"})


def answer(report: Report) -> Iterator[str]:
    """The lines of an answer."""
    yield from _head(report)
    for left, right, label in latex.equations(report):
        yield from _formula(label, f"{left} = {right}")


def passes(title: str, report: Report, equations: Sequence[str]) -> Iterator[str]:
    """The lines of a model's equations, each in LaTeX."""
    yield f"**{_plain(title)}**"
    yield ""
    yield from (f"- {_plain(line)}" for line in assumed(report))
    yield from ("", r"$$\begin{aligned}")
    yield " \\\\\n".join(equations)
    yield r"\end{aligned}$$"


def verdict(report: ClaimReport) -> Iterator[str]:
    """The lines of what is said of a claim."""
    yield from _head(report.head)
    for row in report.rows:
        if row.form is None:
            yield f"- {row.label + ': ' if row.label else ''}{_plain(row.words)}"
        else:
            yield from _formula(row.label + (f" ({row.words})" if row.words else ""), claim.formula(row))


def _head(report: Report) -> Iterator[str]:
    yield f"**{_plain(title(report))}**"
    yield ""
    yield from (f"- {_plain(line)}" for line in assumed(report))


def _formula(label: str, formula: str) -> Iterator[str]:
    yield from (f"- {_plain(label)}:", "", f"  $${formula}$$", "")


def _plain(words: str) -> str:
    """Words in which Markdown sees no marks; what stands between backquotes is code as it is."""
    parts = words.split("`")
    return "`".join([part if place % 2 else part.translate(MARKS) for place, part in enumerate(parts)])
