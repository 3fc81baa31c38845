"""An explanation → rows of styled pieces, for a terminal, a pipe and a picture alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from indexcalc.explanation.steps import Equation, Group, addends
from indexcalc.forms.nodes import Form, Product
from indexcalc.language.characters import GREEK
from indexcalc.render.report import Line
from indexcalc.render.text import pieces, text

Piece = tuple[str, str]
"""Text, and what it is: a kind of render.text's, or heading, label, reason, sentence."""
Row = list[Piece]

COLUMNS = 80
"""The width of text that is no terminal's."""
NARROW = 70
"""Columns below which reasons stand under their lines."""
LEAST_REASON = 30
"""Columns that a reason has at least beside its line."""
MOST_TOKENS = 300
"""Tokens of a form in the answer up to which it is shown."""
REASON = "reason"
WIDEST_LEFT = 16
"""Columns of a left side up to which relation signs are aligned with it."""
MOST_LINES = 18
"""Equations of one heading up to which all are shown."""
TERM_COLORS = 6
"""Colours for terms that come back."""
INDENT = "  "
PLAIN = str.maketrans({**GREEK, "∂": "d", "…": "..."})


class Layout:
    """``width`` columns; ``unicode`` says whether δ and ∂ may be used; ``full`` that nothing is folded."""

    def __init__(self, width: int, unicode: bool = True, full: bool = False) -> None:
        self.width, self.unicode, self.full = max(width, 24), unicode, full

    def rows(self, title: str, groups: Iterable[Group]) -> Iterator[Row]:
        """All rows; between headings an empty one."""
        yield from self._wrapped(title, "", "title")
        for heading, found in groupby(groups, lambda group: group.heading):
            under = list(found)
            if any(group.lines for group in under):
                yield []
                yield from self._wrapped(heading, "", "heading")
                yield from self._under(under)

    def _text(self, shown: str) -> str:
        return shown.replace("delta_", "δ_") if self.unicode else shown.translate(PLAIN)

    # ------------------------------------------------------------------ one heading
    def _under(self, groups: Sequence[Group]) -> Iterator[Row]:
        equations = [line for group in groups for line in group.lines if isinstance(line, Equation)]
        lefts = [len(self._flat(line.left)) for line in equations if line.left is not None]
        left = max([size for size in lefts if size <= WIDEST_LEFT], default=0)
        column = self._column(equations, left) if self.width >= NARROW else len(INDENT) + left + 5
        label = max([len(line.label) for group in groups for line in group.lines if isinstance(line, Line)] or [0])
        first, last = (0, 0) if self.full or any(line.tags is not None for line in equations) else _folded(equations)
        place = -1
        for group in groups:
            for line in group.lines:
                place += isinstance(line, Equation)
                if isinstance(line, Line):
                    yield from self._labelled(line, label)
                elif isinstance(line, str):
                    yield from self._wrapped(line, INDENT, "sentence")
                elif not first <= place < last:
                    yield from self._equation(line, left, column)
                elif place == first:
                    yield [
                        (
                            self._text(f"{INDENT}… {last - first} more steps in the same way (--full shows them)"),
                            "reason",
                        )
                    ]

    def _column(self, equations: Sequence[Equation], left: int) -> int:
        """The column for reasons that takes the fewest rows."""
        sizes = []
        for line in equations:
            own = 0 if line.left is None else len(self._flat(line.left))
            sizes.append((len(INDENT) + max(own, left) + 5 + len(self._flat(line.right)), len(line.reason)))

        def rows(column: int) -> int:
            room, total = self.width - column, 0
            for end, reason in sizes:
                beside = end <= column or end + reason <= self.width
                total += -(-reason // (room if end <= column else max(room, self.width - end))) + (not beside)
            return total

        columns = [end for end, _ in sizes if end + LEAST_REASON <= self.width]
        return min(sorted(columns, reverse=True), key=rows, default=self.width - LEAST_REASON)

    # ------------------------------------------------------------------ lines
    def _equation(self, line: Equation, left: int, column: int) -> Iterator[Row]:
        head = self._pieces(line.left) if line.left is not None else []
        pad = " " * max(0, left - _length(head))
        start: Row = [(INDENT, ""), *head, (pad + " = ", "operator")]
        indent = len(INDENT) + left + 3
        rows = list(_broken([*start], self._right(line), self.width, indent))
        reason = self._text(line.reason)
        if not reason:
            yield from rows
            return
        length = _length(rows[-1])
        if self.width >= NARROW and (length + 2 <= column or length + 2 + len(reason) <= self.width):
            column = max(column, length + 2) if length + 2 > column else column
            told = wrap(reason, max(self.width - column, 20), break_long_words=False)
            rows[-1] += [(" " * (column - length), ""), (told.pop(0), REASON)]
        else:
            told = wrap(reason, max(self.width - column, 20), break_long_words=False)
        yield from rows
        for each in told:
            yield [(" " * column + each, REASON)]

    def _labelled(self, line: Line, label: int) -> Iterator[Row]:
        assert line.form is not None
        if line.form.tokens > MOST_TOKENS and not self.full:
            yield [
                (f"{INDENT}{line.label:<{label}}  ", "label"),
                (f"{line.form.tokens} tokens long (--full shows it)", REASON),
            ]
            return
        head = [*self._pieces(line.left), (" = ", "operator")] if line.left is not None else []
        indent = len(INDENT) + label + 2
        start: Row = [(f"{INDENT}{line.label:<{label}}  ", "label"), *head]
        yield from _broken(start, self._pieces(line.form), self.width, indent)

    def _wrapped(self, sentence: str, indent: str, kind: str) -> Iterator[Row]:
        shown = self._text(sentence)
        for row in wrap(shown, self.width, initial_indent=indent, subsequent_indent=indent * 2, break_long_words=False):
            yield [(row, kind)]

    def _right(self, line: Equation) -> Row:
        """The right side; with a colour for each factor that has a letter."""
        if line.tags is None:
            return self._pieces(line.right)
        row: Row = []
        for place, (sign, number, factors) in enumerate(addends(line.right)):
            row += (
                [("-" if sign < 0 else "", "operator")] if not place else [(" - " if sign < 0 else " + ", "operator")]
            )
            parts: list[Row] = [[(str(number), "number")]] if number != 1 else []
            for factor in factors:
                color = ord(line.tags.get(text(factor), "a")[0]) % TERM_COLORS
                single = Product(" ", 1, (factor,)) if len(factors) > 1 else factor
                parts.append([(shown, f"term{color}") for shown, _ in self._pieces(single)])
            for k, part in enumerate(parts):
                row += [(" ", "operator"), *part] if k else part
        return row

    def _pieces(self, form: Form) -> Row:
        return [(self._text(shown), kind) for shown, kind in pieces(form)]

    def _flat(self, form: Form) -> str:
        return self._text(text(form))


def _folded(equations: Sequence[Equation]) -> tuple[int, int]:
    """The first equation that is left out, and the first after it that is not: it has a left side."""
    if len(equations) <= MOST_LINES:
        return 0, 0
    first, last = MOST_LINES // 2, len(equations) - MOST_LINES // 2
    while last < len(equations) - 1 and equations[last].left is None:
        last += 1
    return first, last


def _length(row: Row) -> int:
    return sum(len(shown) for shown, _ in row)


def _broken(start: Row, parts: Row, width: int, indent: int) -> Iterator[Row]:
    """A formula in rows that fit, broken before operators."""
    row, used = list(start), _length(start)
    for chunk in _chunks(parts):
        size = _length(chunk)
        if used + size > width and used > indent:
            yield row
            row, used = [(" " * (indent + 2), "")], indent + 2
        row += chunk
        used += size
    yield row


def _chunks(parts: Row) -> Iterator[Row]:
    """Pieces that stay together: an operator with what follows it."""
    chunk: Row = []
    for shown, kind in parts:
        if kind == "operator" and shown.strip() not in ("'", "^", ".^") and chunk:
            yield chunk
            chunk = []
        chunk.append((shown, kind))
    yield chunk
