"""The explanation of one answer: its groups, its certificate, and how it is handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from indexcalc.answer import Answer
from indexcalc.calculus.derivative import jacobian
from indexcalc.errors import IndexcalcError
from indexcalc.explanation.build import IndexStyle
from indexcalc.explanation.formats import TABLE, Page, steps
from indexcalc.explanation.layout import COLUMNS, Layout, Row
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Group, Side
from indexcalc.explanation.styles import DifferentialStyle, VecStyle
from indexcalc.explanation.why import Result, Why
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Derivative, Form, Symbol
from indexcalc.language.reader import Reader
from indexcalc.numeric.certificate import Refuted
from indexcalc.numeric.meaning import value
from indexcalc.render import plain
from indexcalc.render.report import Line, Report
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node, Shape, descendants, variable
from indexcalc.tensor.structure import restored

T = TypeVar("T")
WHY = "Why"
STYLES = ("index", "differential", "vec")
LONGEST = 8000
"""Characters of a side up to which it is read back."""
ANSWER = ("index", "matrix", "vec", "pullback", "structured")
"""The forms that an explanation ends with."""


class Explanation:
    """How an answer comes about. Raises IndexcalcError E490 where a step does not hold."""

    def __init__(self, answer: Answer, style: str = "index", expand: Sequence[int] = ()) -> None:
        if style not in STYLES:
            raise IndexcalcError(
                "E404", f"the style {style!r} is not known", help=f"the styles are {', '.join(STYLES)}"
            )
        self.answer, self.style, self.expand = answer, style, tuple(expand)
        self.derivation = answer.derivation
        self.task = answer.task

    # ------------------------------------------------------------------ what it says
    @property
    def steps(self) -> list[dict[str, str]]:
        """The equations in order: ``group``, ``rule``, ``before``, ``after``, ``reason``; what a rule was applied to
        and what it gave are text."""
        return list(steps(self.groups))

    @property
    def why(self) -> list[str]:
        """Why the result looks as it does, in sentences."""
        return [line for group in self.groups if group.heading == WHY for line in group.lines if isinstance(line, str)]

    def rows(self, width: int = COLUMNS, unicode: bool = True, full: bool = False) -> Iterator[Row]:
        """Rows of pieces for ``width`` columns, each text and what it is; with ``full`` nothing is folded."""
        page = self.page(full)
        return Layout(width, unicode, full).rows(page.title, page.groups)

    def text(self, width: int = COLUMNS, full: bool = False, unicode: bool = True) -> str:
        """The explanation as plain text; in ASCII without ``unicode``."""
        return "\n".join("".join(shown for shown, _ in row).rstrip() for row in self.rows(width, unicode, full)) + "\n"

    def to_format(self, name: str, full: bool = False) -> str:
        """As ``plain``, ``latex``, ``markdown``, ``html`` or ``svg``. Raises IndexcalcError E404."""
        if name not in TABLE:
            raise IndexcalcError("E404", f"explanations have no format {name!r}", help=f"there are {', '.join(TABLE)}")
        return "\n".join(TABLE[name](self.page(full))) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: the question, ``steps``, ``why``, and the answer's own object."""
        exact = self.verified
        return {
            "schema": 1,
            "line": self.task.line,
            "input": self.task.text,
            "ok": True,
            "title": self.title,
            "steps": self.steps,
            "why": self.why,
            "verified": {"exact": exact},
            "answer": self.answer.to_dict(),
            "error": None,
        }

    def page(self, full: bool = False) -> Page:
        """What formats are made from. Raises IndexcalcError E490 for a step that does not hold."""
        self.verified  # noqa: B018
        return Page(self.title, self.groups, full)

    def _repr_latex_(self) -> str:
        return self.to_format("latex")

    def _repr_html_(self) -> str:
        return self.to_format("html")

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
        task, found = self.task, {}
        for node in descendants([root]) if task.defined else ():
            name = task.defined.get(restored(node, task.twins))
            if name is not None:
                found[node] = name
        return found | ({root: task.name} if task.name and root is task.output else {})

    # ------------------------------------------------------------------ groups
    @cached_property
    def groups(self) -> Sequence[Group]:
        """The derivation, in order."""
        return [*self._reading(), *self._derivation(), *self._ending()]

    def _reading(self) -> Iterator[Group]:
        report = self._report
        given = [declaration for declaration, guessed in report.declarations if not guessed]
        guessed = [declaration for declaration, guessed in report.declarations if guessed]
        lines = [", ".join(given)] if given else []
        if guessed:
            lines.append("assumed: " + ", ".join(guessed))
        if self.style == "index" and any(len(i.shape) > 1 for i in self.task.inputs):
            lines.append("W_ij stands in row i, column j of W; an index that occurs twice is summed.")
        yield Group("How it is read", [*lines, *report.notes])

    def _derivation(self) -> Iterator[Group]:
        """By the style; then why, where a first derivative has been worked out."""
        if self.notations:
            yield from {"index": self._by_index, "differential": self._by_differentials, "vec": self._by_vec}[
                self.style
            ]()

    def _by_index(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            style = IndexStyle(notation)
            for part in notation.chain.parts.values():
                heading = f"Derivative by {notation.spelling}, from the inside out"
                yield Group(heading, list(style.part(part)), notation.names[part.node], place)
            group, result = self._whole(style, place)
            yield group
        contracted = self._contracted(IndexStyle(self.notations[-1]))
        if contracted is not None:
            jacobian_form = result.printed.matrix
            group, result = contracted
            result = result._replace(jacobian=jacobian_form)
            yield group
        yield from self._why(result)

    def _by_differentials(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            style = DifferentialStyle(notation)
            yield from style.groups(place)
        result = self._result()
        if result is not None and result.printed.matrix is not None:
            vector = self._cotangent
            cotangent = None if vector is None else self.notations[0].writer.plain(vector, ()).matrix
            yield from style.gradient(result.printed.matrix, cotangent, 0)
            yield from self._why(result)

    def _by_vec(self) -> Iterator[Group]:
        for place, notation in enumerate(self.notations):
            yield from VecStyle(notation).groups(place)

    def _why(self, result: Result) -> Iterator[Group]:
        if self.derivation.order == 1 and self.task.form != "jvp":
            yield Group(WHY, list(Why(self.notations[0], result, self.task.layout).sentences()))

    @property
    def _cotangent(self) -> Node | None:
        """What the Jacobian is contracted with; None for the gradient of a scalar."""
        if self.task.form == "vjp" or not self.task.output.shape:
            return self.task.vector
        return variable(self.derivation.cotangent or "", self.task.output.shape)

    def _result(self) -> Result | None:
        """The gradient or the pullback of a first derivative."""
        node = self.derivation.pullback_node
        if node is None or self.derivation.order > 1:
            return None
        notation, vector = self.notations[0], self._cotangent
        given = "" if vector is None else text(notation.writer.plain(vector, notation.letters).shown)
        return Result(notation.best(node, notation.by), notation.by, given)

    def _whole(self, style: IndexStyle, place: int) -> tuple[Group, Result]:
        """The derivative as a whole: the Jacobian, or the gradient of a scalar."""
        notation = style.notation
        node = restored(jacobian(notation.output, notation.wrt), self.task.twins)
        letters = (*notation.letters, *notation.by)
        printed = notation.best(node, letters)
        name = notation.names.get(notation.output, notation.spelling)
        left = Derivative(Symbol(name, "", 0, notation.letters), notation.variable, True)
        whole = Derivative(Symbol(name, "", 0), Symbol(notation.spelling, "", 0), True)
        part = notation.chain.parts.get(notation.output)
        written = part.derivative if part is not None and part.lines else None
        lines: list[Equation | str] = list(
            style.whole(printed, left, whole, notation.stand_ins[notation.output], written, False)
        )
        if printed.matrix is None and printed.reason:
            shape = " x ".join(map(str, node.shape))
            lines.append(f"∂{name}/∂{notation.spelling} is {shape}: {printed.reason}.")
        heading = "Jacobian" if notation.output.shape else "Gradient"
        return Group(heading, lines, "", place), Result(printed, notation.by, "")

    def _contracted(self, style: IndexStyle) -> tuple[Group, Result] | None:
        """The pullback, or the change for a direction."""
        derivation, task, notation = self.derivation, self.task, style.notation
        vector = task.vector
        name = notation.names.get(notation.output, notation.spelling)
        left: Form
        if task.form in ("jvp", "hvp"):
            assert vector is not None
            change, kept = notation.fresh(f"d{name}"), notation.letters
            left, whole = Symbol(change, "", 0, kept), Symbol(change, "", 0)
            given = text(notation.writer.plain(vector, notation.by).shown)
            return self._with(
                style,
                vector,
                notation.by,
                left,
                whole,
                derivation.derivative,
                given,
                f"the change for d{notation.spelling} = {given}",
                "Change",
            )
        if derivation.order > 1 or not task.output.shape or derivation.pullback_node is None:
            return None
        vector = self._cotangent
        assert vector is not None
        loss = Symbol(notation.fresh("L"), "", 0)
        left = Derivative(loss, notation.variable, True)
        whole_ = Derivative(loss, Symbol(notation.spelling, "", 0), True)
        given = text(notation.writer.plain(vector, notation.letters).shown)
        reason = f"{given} = ∂{loss.name}/∂{name} from above; sum over {', '.join(notation.letters)}"
        return self._with(
            style, vector, notation.letters, left, whole_, derivation.pullback_node, given, reason, "Pullback"
        )

    def _with(
        self,
        style: IndexStyle,
        vector: Node,
        at: Letters,
        left: Form,
        whole: Form,
        node: Node,
        given: str,
        reason: str,
        heading: str,
    ) -> tuple[Group, Result]:
        notation = style.notation
        is_pullback = heading == "Pullback"
        kept = notation.by if is_pullback else notation.letters
        stand_in = notation.fresh("P")
        notation.known[stand_in] = node
        terms, lines = style.contraction(left, stand_in, vector, at, kept, is_pullback, reason)
        printed = notation.best(node, kept)
        lines += style.whole(printed, left, whole, stand_in, terms, True)
        return Group(heading, lines, "", len(self.notations) - 1), Result(printed, kept, given)

    def _ending(self) -> Iterator[Group]:
        report = self._report
        lines: list[Equation | Line | str] = [line for line in report.lines if line.form is not None]
        lines += [f"{name} = {text(form)}" for name, form in report.where.items()]
        yield Group("Answer", lines)

    @cached_property
    def _report(self) -> Report:
        return self.answer.report(ANSWER)

    @property
    def title(self) -> str:
        """What is explained: ``∂y / ∂W,  y = tanh(W*x + b)``."""
        report = self._report
        if self.notations:
            first = self.notations[0]
            report = report._replace(name=first.names.get(first.output, ""))
        return plain.title(report, "∂")

    # ------------------------------------------------------------------ the certificate
    @cached_property
    def verified(self) -> bool:
        """Whether every step is proved: both sides, read back, are equal modulo primes; else some were compared with
        floats only. Raises IndexcalcError E490 for a step that does not hold."""
        groups = self.groups
        readers = [notation.reader() for notation in self.notations]
        equations = [(line, g.notation) for g in groups for line in g.lines if isinstance(line, Equation)]
        proved = [self._holds(equation, readers[place]) for equation, place in equations]
        return all(proved)

    def _holds(self, equation: Equation, reader: Reader) -> bool:
        points = self.answer.certificate.points
        if any(len(side.text) > LONGEST for side in equation.sides):
            return False
        reader.scope.size_symbols |= points.symbols
        try:
            before, after = (_read(reader.steps, side) for side in equation.sides)
            if points.proved(lambda at: value(before, at), lambda at: value(after, at)):
                return True
            first, second = (_read(reader.node, side) for side in equation.sides)
            if first is second or points.proved(lambda at: at.value(first), lambda at: at.value(second)):
                return True  # by laws of the normal form
            points.difference(lambda at: value(before, at), lambda at: value(after, at))
        except (Refuted, IndexcalcError) as error:
            if isinstance(error, IndexcalcError) and error.code.startswith("E5"):  # too long to be read
                return False
            raise self._failed(equation) from None
        return False

    def _failed(self, equation: Equation) -> IndexcalcError:
        error = IndexcalcError(
            "E490",
            f"a step of the explanation does not hold: {equation.sides[0].text} = {equation.sides[1].text}",
            help="this is a mistake of indexcalc's, not of the input: please report it",
        )
        return error.located(self.task.text)


def _read(read: Callable[[str, Letters | None, Shape], T | None], side: Side) -> T:
    """A side as a reader reads it."""
    found = read(*side)
    if found is None:
        raise IndexcalcError("E490", f"{side.text} has another shape than what it equals")
    return found
