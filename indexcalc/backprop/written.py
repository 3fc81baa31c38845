"""Equations as text, in matrix and in index notation."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from indexcalc.backprop.adjoints import Backward
from indexcalc.backprop.model import Equation, Model
from indexcalc.forms.context import FIRST, Context
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form
from indexcalc.forms.printed import Printed, Writer
from indexcalc.language.index_notation import subscript
from indexcalc.language.steps import Extent
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node, number

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
        indexed = indexed or not self.is_matrix
        left = self.name + (subscript(self.letters) if indexed and self.letters else "")
        parts = [self._term(printed, extent, indexed) for printed, extent in self.terms]
        right = parts[0] + "".join(f" - {p[1:]}" if p.startswith("-") else f" + {p}" for p in parts[1:])
        return f"{left} = {right}" + (f" {self.extent.text}" if self.extent else "")

    def _term(self, printed: Printed, extent: Extent | None, indexed: bool) -> str:
        form = printed.indexed if indexed else printed.matrix
        assert form is not None
        return text(form) if extent is None else f"sum({text(form)} {extent.text})"


class Written:
    """The equations of a model and of its backward pass in print."""

    def __init__(self, model: Model, backward: Backward) -> None:
        self.model, self.backward = model, backward
        self._made: dict[Equation, Line] = {}

    @cached_property
    def writer(self) -> Writer:
        model = self.model
        own = dict.fromkeys([*(i.name for i in model.inputs), *(e.name for e in model.equations), *model.members])
        places = {name: place for place, name in enumerate(own)}
        adjoints = {model.unit(e.name) for e in self.backward.equations}
        places |= {name: FIRST for name in own if model.unit(name) in adjoints}
        places |= {e.name: FIRST for e in self.backward.equations} | {model.step: FIRST}
        typed = list(model.typed)
        for step in model.moves:
            typed += [(model.moved(total, step), [model.moved(t, step) for t in terms]) for total, terms in model.typed]
            if step.offset:
                base = model.counted(step._replace(offset=0))
                typed.append((model.counted(step), [base, number(step.offset)]))
        return Writer(Context(places, typed), ())

    def line(self, equation: Equation) -> Line:
        if equation not in self._made:
            letters = LETTERS[: len(equation.left.shape)]
            terms = tuple([(self._printed(term.node, letters), term.extent) for term in equation.terms])
            self._made[equation] = Line(equation.name, letters, terms, equation.extent)
        return self._made[equation]

    def _printed(self, node: Node, letters: Letters) -> Printed:
        printed = self.writer.best(node, letters)
        if printed.indexed is None:
            form: Form = self.writer.index(letters).form(printed.node, letters)
            printed = printed._replace(indexed=form)
        return printed

    def text(self, equation: Equation) -> tuple[str, str]:
        """In matrix notation where there is one, and in index notation."""
        line = self.line(equation)
        return line.text(), line.text(indexed=True)
