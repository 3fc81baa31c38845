"""The explanation of one answer: its groups, its certificate, and how it is handed out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from indexcalc.answer import Answer
from indexcalc.calculus.derivative import changed, jacobian, pullback
from indexcalc.errors import IndexcalcError
from indexcalc.explanation.build import IndexStyle
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Group, Side
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Derivative, Symbol
from indexcalc.language.reader import Reader, Step
from indexcalc.numeric.certificate import Refuted
from indexcalc.numeric.meaning import value
from indexcalc.tensor.nodes import Node, Variable, descendants, variable
from indexcalc.tensor.structure import restored

LONGEST = 8000
"""Characters of a side up to which it is read back."""


class Explanation:
    """How an answer comes about. ``steps`` are its equations in order."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.derivation = answer.derivation
        self.task = answer.task

    # ------------------------------------------------------------------ notations
    @cached_property
    def notations(self) -> list[Notation]:
        """Of the first derivative and, where it is asked for, of the second."""
        derivation, task = self.derivation, self.task
        if not task.wrt:
            return []
        groups = derivation.every_group
        given = self._given(task.output)
        first = Notation(derivation, task.output, task.wrt[0], groups[0], groups[1], given)
        if derivation.order == 1:
            return [first]
        name = first.fresh("g" if not task.output.shape else "J")
        given = self._given(derivation.gradient) | first.names | {derivation.gradient: name}
        return [first, Notation(derivation, derivation.gradient, task.wrt[1], groups[0] + groups[1], groups[2], given)]

    def _given(self, root: Node) -> dict[Node, str]:
        """The user's names for the parts of a tensor."""
        task = self.task
        found = {}
        if task.defined:
            for node in descendants([root]):
                name = task.defined.get(restored(node, task.twins))
                if name is not None:
                    found[node] = name
        if task.name and root is task.output:
            found[root] = task.name
        return found

    # ------------------------------------------------------------------ groups
    @cached_property
    def groups(self) -> list[Group]:
        """The derivation, in order."""
        return list(self._groups())

    def _groups(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            style = IndexStyle(notation)
            for part in notation.chain.parts.values():
                yield Group(notation.names[part.node], tuple(style.part(part)), place)
            yield Group("jacobian", tuple(self._jacobian(style, place)), place)
        yield from self._contracted()

    def _jacobian(self, style: IndexStyle, place: int) -> Iterator[Equation]:
        notation, derivation = style.notation, self.derivation
        node = restored(jacobian(notation.output, notation.wrt), self.task.twins)
        letters = (*notation.letters, *notation.by)
        printed = notation.writer.best(node, letters)
        name = notation.names.get(notation.output, notation.spelling)
        above = Symbol(name, "", 0, notation.letters)
        left = Derivative(above, notation.variable, True)
        matrix_left = Derivative(Symbol(name, "", 0), Symbol(notation.spelling, "", 0), True)
        part = notation.chain.parts.get(notation.output)
        written = part.derivative if part is not None and part.lines else None
        yield from style.whole(printed, left, matrix_left, notation.stand_ins[notation.output], written)

    def _contracted(self) -> Iterator[Group]:
        """The pullback, or the change for a direction."""
        derivation, task = self.derivation, self.task
        if not self.notations:
            return
        notation = self.notations[-1]
        style = IndexStyle(notation)
        if task.form in ("jvp", "hvp"):
            assert task.vector is not None
            name, stand_in = notation.fresh("dy"), "change"
            yield self._with(style, task.vector, notation.by, notation.letters, False, Symbol(name, "", 0, notation.letters), Symbol(name, "", 0), derivation.derivative)
        elif derivation.order == 1 and task.output.shape:
            node = derivation.pullback_node
            assert node is not None
            vector = task.vector if task.form == "vjp" else variable(derivation.cotangent or "", task.output.shape)
            assert vector is not None
            loss = Symbol(notation.fresh("L"), "", 0)
            yield self._with(style, vector, notation.letters, notation.by, True, Derivative(loss, notation.variable, True), Derivative(loss, Symbol(notation.spelling, "", 0), True), node)

    def _with(self, style, vector, at, kept, first, left, matrix_left, node) -> Group:
        notation = style.notation
        stand_in = notation.fresh("P")
        notation.known[stand_in] = node
        terms, lines = style.contraction(left, stand_in, vector, at, kept, first, "contracted")
        printed = notation.writer.best(node, kept)
        lines += style.whole(printed, left, matrix_left, stand_in, terms)
        return Group("pullback", tuple(lines), len(self.notations) - 1)

    # ------------------------------------------------------------------ the certificate
    def certify(self) -> list[bool]:
        """Each equation's two sides, read back, are equal: whether that is a proof. Raises IndexcalcError E490."""
        self.groups  # noqa: B018
        readers = [notation.reader() for notation in self.notations]
        points = self.answer.certificate.points
        found = []
        for group in self.groups:
            for line in group.lines:
                if isinstance(line, Equation):
                    found.append(self._holds(line, readers[group.notation]))
        return found

    def _holds(self, equation: Equation, reader: Reader) -> bool:
        points = self.answer.certificate.points
        if any(len(side.text) > LONGEST for side in equation.sides):
            return False
        reader.scope.size_symbols |= points.symbols
        before, after = (self._read(side, reader) for side in equation.sides)
        if points.proved(lambda at: value(before, at), lambda at: value(after, at)):
            return True
        points.difference(lambda at: value(before, at), lambda at: value(after, at))
        return False

    def _read(self, side: Side, reader: Reader):
        steps = reader.steps(side.text, side.letters, side.shape)
        if steps is None:
            raise IndexcalcError("E490", f"a step has another shape: {side}")
        return steps
