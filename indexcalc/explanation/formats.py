"""An explanation in each of its formats: functions from what it says to text. TABLE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from indexcalc.errors import IndexcalcError
from indexcalc.explanation.layout import COLUMNS, Layout, Row
from indexcalc.explanation.steps import Equation, Group
from indexcalc.render.latex import latex
from indexcalc.render.page import html, svg
from indexcalc.render.report import Line
from indexcalc.render.text import text


class Page(NamedTuple):
    """What a format is made from."""

    title: str
    groups: Sequence[Group]
    full: bool = False


def to_plain(page: Page) -> Iterator[str]:
    """Text."""
    for row in _rows(page):
        yield "".join(shown for shown, _ in row).rstrip()


# ---------------------------------------------------------------------- LaTeX and Markdown
def to_latex(page: Page) -> Iterator[str]:
    """An align* with reasons, between headings in words; amsmath."""
    yield f"% {page.title}"
    for heading, groups in groupby(page.groups, lambda group: group.heading):
        lines = [line for group in groups for line in group.lines]
        if not lines:
            continue
        yield rf"\paragraph{{{_prose(heading)}}}"
        for is_formula, run in groupby(lines, lambda line: not isinstance(line, str)):
            if is_formula:
                yield r"\begin{align*}"
                yield from _aligned(run, _prose)
                yield r"\end{align*}"
            else:
                yield r"\begin{itemize}"
                yield from (rf"  \item {_prose(str(line))}" for line in run)
                yield r"\end{itemize}"


def to_markdown(page: Page) -> Iterator[str]:
    """Headings, displayed formulas between ``$$``, and lists."""
    yield f"# {page.title}"
    for heading, groups in groupby(page.groups, lambda group: group.heading):
        lines = [line for group in groups for line in group.lines]
        if not lines:
            continue
        yield from ("", f"## {heading}")
        for is_formula, run in groupby(lines, lambda line: not isinstance(line, str)):
            yield ""
            if is_formula:
                yield from ("$$", r"\begin{aligned}", *_aligned(run, _escaped), r"\end{aligned}", "$$")
            else:
                yield from (f"- {_marked(str(line))}" for line in run)


def _aligned(lines: Iterable[Equation | Line | str], words: Callable[[str], str]) -> Iterator[str]:
    """The rows of an aligned display; ``words`` writes what stands in it as text."""
    rows = []
    for line in lines:
        if isinstance(line, Equation):
            left = "" if line.left is None else latex(line.left)
            rows.append((left, "=", latex(line.right), line.reason))
        elif isinstance(line, Line) and line.form is not None:
            left = "" if line.left is None else latex(line.left)
            rows.append((left, "=" if left else "", latex(line.form), line.label))
    for place, (left, sign, right, reason) in enumerate(rows):
        told = rf" && \text{{{words(reason)}}}" if reason else ""
        yield rf"  {left} &{sign} {right}{told}" + (r" \\" if place < len(rows) - 1 else "")


_INDEXED = re.compile(r"δ_(\w+)|∂(\w+)/∂(\w+)|(\w+)_(\w+)")


def _prose(sentence: str) -> str:
    """A sentence as LaTeX text, its indices in math mode."""
    found: list[str] = []
    end = 0
    for match in _INDEXED.finditer(sentence):
        found.append(_escaped(sentence[end : match.start()]))
        letters, above, below, name, script = match.groups()
        if letters:
            found.append(rf"$\delta_{{{letters}}}$")
        elif above:
            found.append(rf"$\partial {_scripted(above)} / \partial {_scripted(below)}$")
        else:
            found.append(rf"${name}_{{{_escaped(script)}}}$")
        end = match.end()
    shown = "".join(found) + _escaped(sentence[end:])
    return "".join(_SYMBOLS.get(character, character) for character in shown)


def _scripted(word: str) -> str:
    name, _, script = word.partition("_")
    return rf"{name}_{{{_escaped(script)}}}" if script else name


_SPECIAL = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
_SYMBOLS = {"∂": r"$\partial$", "δ": r"$\delta$", "…": r"\ldots{}"}


def _escaped(words: str) -> str:
    return "".join(_SPECIAL.get(c, f"\\{c}" if c in "#$%&_{}" else c) for c in words)


def _marked(sentence: str) -> str:
    """A sentence for Markdown, where * and _ are no emphasis."""
    return re.sub(r"([*_\\])", r"\\\1", sentence)


# ---------------------------------------------------------------------- pictures and pages
def to_html(page: Page) -> Iterator[str]:
    """A page on its own."""
    return html(page.title, _rows(page))


def to_svg(page: Page) -> Iterator[str]:
    """A picture of the text."""
    return svg(page.title, _rows(page))


def _rows(page: Page) -> list[Row]:
    return list(Layout(COLUMNS, True, page.full).rows(page.title, page.groups))


TABLE: dict[str, Callable[[Page], Iterator[str]]] = {
    "plain": to_plain,
    "latex": to_latex,
    "markdown": to_markdown,
    "html": to_html,
    "svg": to_svg,
}
"""The lines of each format that is text."""


def steps(groups: Sequence[Group]) -> Iterator[dict[str, str]]:
    """The equations: what a rule was applied to, what it gave, and why."""
    for group in groups:
        before = ""
        for line in group.lines:
            if isinstance(line, Equation):
                left = before if line.left is None else text(line.left)
                before = text(line.right)
                yield {
                    "group": group.heading if not group.name else f"{group.heading}: {group.name}",
                    "rule": line.rule,
                    "before": left,
                    "after": before,
                    "reason": line.reason,
                }


class Told:
    """What has pages, in all formats."""

    def page(self, full: bool = False) -> Page:
        """What formats are made from; with ``full`` nothing is folded."""
        raise NotImplementedError

    def rows(self, width: int = COLUMNS, unicode: bool = True, full: bool = False) -> Iterator[Row]:
        """Rows of pieces for ``width`` columns, each text and what it is."""
        page = self.page(full)
        return Layout(width, unicode, full).rows(page.title, page.groups)

    def text(self, width: int = COLUMNS, unicode: bool = True, full: bool = False) -> str:
        """The explanation as plain text; in ASCII without ``unicode``."""
        return "".join("".join(shown for shown, _ in row).rstrip() + "\n" for row in self.rows(width, unicode, full))

    def to_format(self, name: str, full: bool = False) -> str:
        """As ``plain``, ``latex``, ``markdown``, ``html`` or ``svg``. Raises IndexcalcError E404."""
        if name not in TABLE:
            raise IndexcalcError("E404", f"explanations have no format {name!r}", help=f"there are {', '.join(TABLE)}")
        return "".join(f"{line}\n" for line in TABLE[name](self.page(full)))

    def _repr_html_(self) -> str:
        return self.to_format("html")

    def __str__(self) -> str:
        return self.text()
