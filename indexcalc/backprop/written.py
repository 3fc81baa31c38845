"""Equations as text, in matrix and in index notation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from indexcalc.backprop.model import Equation, Model
from indexcalc.forms.context import FIRST, Context
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form, Sum
from indexcalc.forms.printed import Printed, Writer
from indexcalc.language.index_notation import subscript
from indexcalc.language.steps import Extent
from indexcalc.render import latex
from indexcalc.render.text import pieces
from indexcalc.tensor.nodes import number

LETTERS = ("i", "j", "k", "l", "p", "q", "r", "s")


class Line(NamedTuple):
    """An equation in print: its left side without indices, each term's forms with the steps that it is summed over, and
    in which steps it holds."""

    name: str
    letters: Letters
    terms: tuple[tuple[Printed, Extent | None], ...]
    extent: Extent | None

    @property
    def is_matrix(self) -> bool:
        return all(printed.matrix is not None for printed, _ in self.terms)

    def text(self, indexed: bool = False) -> str:
        """In matrix notation, or index notation where there is no other or that is asked for."""
        return "".join([shown for shown, _ in self.pieces(indexed)])

    def right(self, indexed: bool) -> str:
        """The right side alone."""
        return "".join([shown for shown, _ in self._right(indexed)])

    def pieces(self, indexed: bool = False) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with what it is."""
        indexed = indexed or not self.is_matrix
        yield self.name + (subscript(self.letters) if indexed and self.letters else ""), "name"
        yield " = ", "operator"
        yield from self._right(indexed)
        if self.extent is not None:
            yield f" {self.extent.text}", "label"

    def _right(self, indexed: bool) -> Iterator[tuple[str, str]]:
        for place, (printed, extent) in enumerate(self.terms):
            if place:
                yield " + ", "operator"
            form = self._form(printed, indexed)
            if extent is None:
                yield from pieces(form)
                continue
            yield "sum", "function"
            yield "(", "bracket"
            yield from pieces(form)
            yield f" {extent.text}", "label"
            yield ")", "bracket"

    def latex(self, indexed: bool = False) -> str:
        """As LaTeX, the left side before ``&=``."""
        indexed = indexed or not self.is_matrix
        parts = []
        for printed, extent in self.terms:
            form = self._form(printed, indexed)
            sign = "" if extent is None else _sum_sign(extent)
            several = sign and isinstance(form, Sum)
            parts.append(sign + (rf"\left({latex.latex(form)}\right)" if several else latex.latex(form)))
        left = latex.name(self.name, self.letters if indexed else ())
        steps = "" if self.extent is None else rf", \quad {_steps(self.extent)}"
        return f"{left} &= {' + '.join(parts)}{steps}"

    def _form(self, printed: Printed, indexed: bool) -> Form:
        form = printed.indexed if indexed else printed.matrix
        assert form is not None
        return form


def _sum_sign(extent: Extent) -> str:
    low, high = extent.ends
    return rf"\sum_{{{extent.variable} = {low.text}}}^{{{high.text}}} "


def _steps(extent: Extent) -> str:
    return rf"{extent.variable} = {extent.first.text}, \dots, {extent.last.text}"


class Written:
    """The equations of a model in print, and ``own``, those that were derived from them."""

    def __init__(self, model: Model, own: Sequence[Equation]) -> None:
        self.model, self.own = model, own
        self._made: dict[Equation, Line] = {}

    @cached_property
    def writer(self) -> Writer:
        model = self.model
        own = dict.fromkeys([*(i.name for i in model.inputs), *(e.name for e in model.equations), *model.members])
        places = {name: place for place, name in enumerate(own)}
        derived = {model.unit(e.name) for e in self.own}
        places |= {name: FIRST for name in own if model.unit(name) in derived}
        places |= {e.name: FIRST for e in self.own} | {model.step: FIRST}
        typed = list(model.typed)
        for step in model.moves:
            typed += [(model.moved(total, step), [model.moved(t, step) for t in terms]) for total, terms in model.typed]
            if step.offset:
                base = model.counted(step._replace(offset=0))
                typed.append((model.counted(step), [base, number(step.offset)]))
        return Writer(Context(places, typed), (), (model.step,))

    def line(self, equation: Equation) -> Line:
        if equation not in self._made:
            letters = tuple([x for x in LETTERS if x != self.model.step][: len(equation.left.shape)])
            terms = tuple([(self.writer.best(term.node, letters), term.extent) for term in equation.terms])
            self._made[equation] = Line(equation.name, letters, terms, equation.extent)
        return self._made[equation]
