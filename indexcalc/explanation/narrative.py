"""An answer → the groups of its explanation, in the style that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from indexcalc.answer import Answer
from indexcalc.calculus.derivative import jacobian
from indexcalc.explanation.build import IndexStyle, is_open
from indexcalc.explanation.expand import Expanded, sizes_of
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Group
from indexcalc.explanation.styles import DifferentialStyle, VecStyle
from indexcalc.explanation.why import Result, Why
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Derivative, Form, Symbol
from indexcalc.render import plain
from indexcalc.render.report import Line, Report
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node, descendants, variable
from indexcalc.tensor.structure import restored

STYLES = ("index", "differential", "vec")
WHY = "Why"
ANSWER = ("index", "matrix", "vec", "pullback", "structured")
"""The forms that an explanation ends with."""


class Narrative:
    """How one answer is told: in indices, by differentials or by stacked columns; or, for the sizes in ``expand``,
    entry by entry."""

    def __init__(self, answer: Answer, style: str, expand: Sequence[int]) -> None:
        self.answer, self.style, self.expand = answer, style, expand
        self.derivation, self.task = answer.derivation, answer.task

    @property
    def title(self) -> str:
        """What is explained: ``∂y / ∂W,  y = tanh(W*x + b)``."""
        report = self._report
        if self.notations:
            first = self.notations[0]
            report = report._replace(name=first.names.get(first.output, ""))
        return plain.title(report, "∂")

    @cached_property
    def _report(self) -> Report:
        return self.answer.report(ANSWER)

    # ------------------------------------------------------------------ notations
    @cached_property
    def notations(self) -> list[Notation]:
        """Of the first derivative and, where it is asked for, of the second."""
        derivation, task = self.derivation, self.task
        if not task.wrt:
            return []
        groups = derivation.every_group
        first = Notation(derivation, task.output, task.wrt[0], groups[0], groups[1], self._given(task.output))
        if derivation.order == 1:
            return [first]
        gradient = derivation.gradient
        given = self._given(gradient) | first.names | {gradient: first.fresh("J" if task.output.shape else "g")}
        return [first, Notation(derivation, gradient, task.wrt[1], groups[0] + groups[1], groups[2], given)]

    def _given(self, root: Node) -> dict[Node, str]:
        """The user's names for the parts of a tensor."""
        task = self.task
        found: dict[Node, str] = {}
        for node in descendants([root]) if task.defined else ():
            name = task.defined.get(restored(node, task.twins))
            if name is not None:
                found[node] = name
        return found | ({root: task.name} if task.name and root is task.output else {})

    # ------------------------------------------------------------------ groups
    def groups(self) -> Iterator[Group]:
        """The derivation, in order."""
        yield self._reading()
        if self.expand:
            yield from self._entry_by_entry()
        elif self.notations:
            styles = {"index": self._by_index, "differential": self._by_differentials, "vec": self._by_vec}
            yield from styles[self.style]()
        lines: list[Line | str] = [line for line in self._report.lines if line.form is not None]
        yield Group("Answer", [*lines, *(f"{name} = {text(form)}" for name, form in self._report.where.items())])

    def _reading(self) -> Group:
        """How names were read."""
        report = self._report
        lines = [
            f"{label}{shown}" for label, assumed in (("", False), ("assumed: ", True)) if (shown := self._told(assumed))
        ]
        if self.style == "index" and any(len(i.shape) > 1 for i in self.task.inputs):
            lines.append("W_ij stands in row i, column j of W; an index that occurs twice is summed.")
        return Group("How it is read", [*lines, *report.notes])

    def _told(self, assumed: bool) -> str:
        """The declarations, names of one kind together: ``W: matrix(m, n), x, b: vector(n)``."""
        names: dict[str, list[str]] = {}
        for declaration, guessed in self._report.declarations:
            if guessed is assumed:
                name, kind = declaration.split(": ", 1)
                names.setdefault(kind, []).append(name)
        return ", ".join(f"{', '.join(each)}: {kind}" for kind, each in names.items())

    def _why(self, result: Result) -> Iterator[Group]:
        if self.derivation.order == 1 and self.task.form != "jvp":
            yield Group(WHY, list(Why(self.notations[0], result, self.task.layout).sentences()))

    # ------------------------------------------------------------------ in indices
    def _by_index(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            second = f"Second derivative, by {notation.spelling}"
            heading = second if place else f"Derivative by {notation.spelling}, from the inside out"
            style = IndexStyle(notation)
            told = self.notations[0].names if place and self.task.wrt[0] is self.task.wrt[1] else {}
            for part in notation.chain.parts.values():
                if part.node not in told:
                    yield Group(heading, list(style.part(part)), notation.names[part.node], place)
            lines, result = self._whole(style)
            whole = "Jacobian" if notation.output.shape else "Gradient"
            yield Group("The second derivative" if place else whole, lines, "", place)
        if self.task.form in ("jvp", "hvp"):
            yield Group("Change", self._change(style), "", len(self.notations) - 1)
        elif self.task.output.shape and self.derivation.pullback_node is not None:
            equations, pulled = self._pulled(style)
            loss, name = notation.fresh("L"), _name(notation)
            yield Group(f"Pullback of {pulled.vector} = ∂{loss}/∂{name}, for a loss {loss}({name})", equations)
            result = pulled._replace(jacobian=result.printed.matrix)
        yield from self._why(result)

    def _whole(self, style: IndexStyle) -> tuple[list[Equation | Line | str], Result]:
        """The derivative as a whole: the Jacobian, or the gradient of a scalar."""
        notation = style.notation
        node = restored(jacobian(notation.output, notation.wrt), self.task.twins)
        printed = notation.best(node, (*notation.letters, *notation.by))
        name = _name(notation)
        left = Derivative(Symbol(name, "", 0, notation.letters), notation.variable, True)
        part = notation.chain.parts.get(notation.output)
        written = part.derivative if part is not None and part.lines else None
        stand_in = notation.stand_ins[notation.output]
        lines: list[Equation | Line | str] = [
            *style.whole(printed, left, _derivative(name, notation), stand_in, written, False)
        ]
        if printed.matrix is None and printed.reason:
            shape = " x ".join(map(str, node.shape))
            lines.append(f"∂{name}/∂{notation.spelling} has order {len(node.shape)}, {shape}: {printed.reason}.")
        return lines, Result(printed, notation.by, "")

    def _pulled(self, style: IndexStyle) -> tuple[list[Equation], Result]:
        """The pullback: the Jacobian contracted with the cotangent."""
        notation, vector, node = style.notation, self._cotangent, self.derivation.pullback_node
        assert vector is not None
        assert node is not None
        loss = notation.fresh("L")
        left = Derivative(Symbol(loss, "", 0), notation.variable, True)
        given = self._shown(vector, notation.letters)
        reason = f"chain rule: sum over {', '.join(notation.letters)}"
        stand_in = notation.known_as(node)
        terms, lines = style.contraction(left, stand_in, vector, notation.letters, notation.by, True, reason)
        printed = notation.best(node, notation.by)
        lines += style.whole(printed, left, _derivative(loss, notation), stand_in, terms, True)
        return lines, Result(printed, notation.by, given)

    def _change(self, style: IndexStyle) -> list[Equation]:
        """The change of the output for a direction."""
        notation, vector = style.notation, self.task.vector
        assert vector is not None
        change, spelling = notation.fresh(f"d{_name(notation)}"), notation.spelling
        left = Symbol(change, "", 0, notation.letters)
        reason = f"the change for d{spelling} = {self._shown(vector, notation.by)}"
        node = self.derivation.derivative
        stand_in = notation.known_as(node)
        terms, lines = style.contraction(left, stand_in, vector, notation.by, notation.letters, False, reason)
        printed = notation.best(node, notation.letters)
        return [*lines, *style.whole(printed, left, Symbol(change, "", 0), stand_in, terms, True)]

    @property
    def _cotangent(self) -> Node | None:
        """What the Jacobian is contracted with; None for the gradient of a scalar."""
        if self.task.form == "vjp" or not self.task.output.shape:
            return self.task.vector
        return variable(self.derivation.cotangent or "", self.task.output.shape)

    def _shown(self, vector: Node, letters: Letters) -> str:
        return text(self.notations[0].writer.plain(vector, letters).shown)

    # ------------------------------------------------------------------ in matrices
    def _by_differentials(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            style = DifferentialStyle(notation)
            yield from style.groups(place)
        node, vector = self.derivation.pullback_node, self._cotangent
        if node is None or self.derivation.order > 1:
            return
        printed = notation.best(node, notation.by)
        if printed.matrix is not None:
            cotangent = None if vector is None else notation.writer.plain(vector, notation.letters).matrix
            yield from style.gradient(printed.matrix, cotangent, place)
        given = "" if vector is None else self._shown(vector, notation.letters)
        yield from self._why(Result(printed, notation.by, given))

    def _by_vec(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            yield from VecStyle(notation).groups(place)

    # ------------------------------------------------------------------ entry by entry
    def _entry_by_entry(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            expanded = Expanded(notation, sizes_of(notation, self.expand))
            yield from expanded.groups(place)
        vector, node = self._cotangent, self.derivation.pullback_node
        if self.notations and vector is not None and node is not None and self.derivation.order == 1:
            loss = Symbol(notation.fresh("L"), "", 0)
            left = Derivative(loss, notation.variable, True)
            style = IndexStyle(notation)
            terms, _ = style.contraction(left, loss.name, vector, notation.letters, notation.by, True, "")
            if not is_open(terms):
                lines = list(expanded.equations(loss, terms, notation.by, node, 0))
                yield Group(
                    f"The pullback of {self._shown(vector, notation.letters)}, entry by entry", lines, "", place
                )


def _name(notation: Notation) -> str:
    """The output's name."""
    return notation.names.get(notation.output, notation.spelling)


def _derivative(above: str, notation: Notation) -> Form:
    """∂y/∂W, without indices."""
    return Derivative(Symbol(above, "", 0), Symbol(notation.spelling, "", 0), True)
