"""What proves an answer: its expression against the text as it was read, its derivative against differences of that,
its texts against its derivative."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from typing import NamedTuple

from indexcalc.derivation import Derivation
from indexcalc.errors import IndexcalcError
from indexcalc.forms.index import Letters, first_letters
from indexcalc.language.reader import Reader
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import Points, Refuted, Slope, Valued, times_vector, vector_times
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.numeric.meaning import value
from indexcalc.tensor.grouping import product_of_sizes
from indexcalc.tensor.nodes import Node, Shape, descendants, variable

LONGEST = 8000
"""Characters of a text up to which it is read back: about 2,000 tokens."""
MOST_NODES = 3000
"""Nodes of a derivative's graph up to which its texts are read back."""


class Check(NamedTuple):
    """What is known of one check: whether it is a proof, and the largest error of floats; None where there were no
    points to compare at."""

    exact: bool
    error: float | None


PROVED = Check(True, 0.0)
UNREAD = Check(False, 0.0)


class Certificate:
    """The checks of one derivation, each made once. Raises IndexcalcError E490 for one that fails."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.made: dict[tuple[str, str], Check] = {}
        self._expected: dict[str, Valued] = {}

    # ------------------------------------------------------------------ what is checked
    @cached_property
    def points(self) -> Points:
        """Where everything is compared."""
        task = self.derivation.task
        roots = [task.output, self.derivation.derivative, *task.wrt, *([task.vector] if task.vector else [])]
        sizes = [] if task.meant is None else [size for step in task.meant.steps for size in step.sizes]
        return Points(descendants(roots), {i.name: i.structure for i in task.inputs}, sizes)

    @cached_property
    def is_large(self) -> bool:
        """Whether the derivative is too long for its texts to be read back."""
        return len(descendants([self.derivation.derivative])) > MOST_NODES

    def slopes(self) -> Iterator[Slope]:
        """The steps from the expression to the derivative."""
        derivation, task = self.derivation, self.derivation.task
        if task.form == "simplify":
            return
        derivative = derivation.derivative
        if task.form in ("vjp", "jvp"):
            how = "pullback" if task.form == "vjp" else "differential"
            yield Slope(task.output, task.wrt[0], derivative, how, task.vector)
            return
        if derivation.order == 1:
            yield Slope(task.output, task.wrt[0], derivative)
            return
        yield Slope(task.output, task.wrt[0], derivation.gradient)
        how = "jacobian" if task.vector is None else "differential"
        yield Slope(derivation.gradient, task.wrt[-1], derivative, how, task.vector)

    def expression(self) -> Check:
        """The tensor expression is what was read, whatever laws it went through."""
        meant, output = self.derivation.task.meant, self.derivation.task.output
        key = ("expression", "")
        if key not in self.made:
            if meant is None or len(meant.steps) > MOST_NODES:
                return UNREAD
            expected, found = _value_of(output), lambda at: value(meant.steps, at)
            proved = self.points.proved(expected, found)
            self.made[key] = PROVED if proved else self._floats("the expression", expected, found, "what was typed")
        return self.made[key]

    def derivative(self) -> Check:
        """The derivative is the slope of the expression."""
        key = ("derivative", "")
        if key not in self.made:
            self.expression()
            try:
                errors = [self.points.differences(slope) for slope in self.slopes()]
            except Refuted:
                raise self._failed("the derivative", "is not the slope of the expression") from None
            known = [error for error in errors if error is not None]
            self.made[key] = Check(True, max(known, default=0.0) if len(known) == len(errors) else None)
        return self.made[key]

    def pullback(self) -> Check:
        """The pullback's node is the cotangent times the derivative."""
        node = self.derivation.pullback_node
        if node is None or node is self.derivation.derivative:
            return PROVED
        key = ("pullback", "")
        if key not in self.made:
            expected, found = self.expected("pullback"), _value_of(node)
            proved = self.points.proved(expected, found)
            self.made[key] = PROVED if proved else self._floats("the pullback", expected, found)
        return self.made[key]

    def form(self, label: str, text: str, letters: Letters | None, reader: Reader) -> Check:
        """The text of a form means the derivative; ``letters`` of its axes where it is index text."""
        if label == "pullback" and self.derivation.pullback_node is self.derivation.derivative:
            label = "index" if letters is not None else "matrix"
        key = (label, text)
        if key not in self.made:
            expected, shape = self.expected(label), self.shape(label)
            same = self.derivation.node if label in ("index", "entries", "matrix") else None
            self.made[key] = self._text(f"the {label} form", text, letters, shape, expected, same, reader)
        return self.made[key]

    def name(self, name: str, text: str, node: Node, reader: Reader) -> Check:
        """The text of a name's definition means what the name stands for."""
        key = (name, text)
        if key not in self.made:
            letters = first_letters(len(node.shape))
            given = letters if self.is_large or reader.is_indexed(text) else None
            self.made[key] = self._text(name, text, given, node.shape, _value_of(node), node, reader)
        return self.made[key]

    def _text(
        self,
        what: str,
        text: str,
        letters: Letters | None,
        shape: Shape,
        expected: Valued,
        same: Node | None,
        reader: Reader,
    ) -> Check:
        """``same`` is the tensor expression that is expected, where there is one."""
        if len(text) > LONGEST or self.is_large:
            return UNREAD
        reader.scope.size_symbols |= self.points.symbols
        try:
            steps = reader.steps(text, letters, shape)
            if steps is None:
                raise self._failed(what, "has another shape than the derivative")
            read = steps
            if self.points.proved(expected, lambda at: value(read, at)):
                return PROVED
        except IndexcalcError as error:
            if error.code == "E490":
                raise
            if error.code.startswith("E5"):  # too long to be read
                return UNREAD
            raise self._failed(what, f"cannot be read: {error.message}") from None
        except RecursionError:
            return UNREAD
        try:
            node = reader.node(text, letters, shape)
        except IndexcalcError:
            node = None
        if node is not None and (node is same or self.points.proved(expected, _value_of(node))):
            return PROVED  # by laws of the normal form
        return self._floats(what, expected, lambda at: value(read, at))

    def _floats(self, what: str, expected: Valued, found: Valued, wanted: str = "the derivative") -> Check:
        try:
            return Check(False, self.points.difference(expected, found))
        except Refuted:
            raise self._failed(what, f"does not equal {wanted}") from None

    # ------------------------------------------------------------------ what a form stands for
    def shape(self, label: str) -> Shape:
        """The sizes of a form's axes."""
        derivation, task = self.derivation, self.derivation.task
        match label:
            case "pullback":
                return task.wrt[0].shape
            case "differential":
                rank = len(task.wrt[-1].shape)
                shape = derivation.derivative.shape
                return shape if task.form in ("jvp", "hvp") else shape[: len(shape) - rank]
            case "component":
                shape = derivation.derivative.shape
                return tuple([size for axis, size in enumerate(shape) if axis not in derivation.fixed])
            case "vec":
                rank = self._rows
                shape = derivation.derivative.shape
                rows, columns = product_of_sizes(shape[:rank]), product_of_sizes(shape[rank:])
                return (columns, rows) if derivation.is_transposed else (rows, columns)
        return derivation.node.shape

    @property
    def _rows(self) -> int:
        """How many axes of the derivative are the rows of its Kronecker form."""
        derivation, task = self.derivation, self.derivation.task
        return len(task.output.shape) + (len(task.wrt[0].shape) if derivation.order == 2 else 0)

    def expected(self, label: str) -> Valued:
        """The value of a form, made of that of the derivative, once at each point."""
        if label not in self._expected:
            self._expected[label] = cache(self._made_of_derivative(label))
        return self._expected[label]

    def _made_of_derivative(self, label: str) -> Valued:
        derivation, task = self.derivation, self.derivation.task
        derivative = derivation.derivative
        match label:
            case "pullback" if task.form != "vjp" and task.output.shape:
                cotangent = variable(derivation.cotangent or "", task.output.shape)
                return lambda at: at.arithmetic.reduced(vector_times(at.value(cotangent), at.value(derivative)))
            case "differential" if task.form not in ("jvp", "hvp"):
                change = variable(derivation.perturbation or "", task.wrt[-1].shape)
                return lambda at: at.arithmetic.reduced(times_vector(at.value(derivative), at.value(change)))
            case "vec":
                return self._vec
            case "component":
                return self._component
            case "structured":
                structured = derivation.structured_node
                assert structured is not None
                return lambda at: at.value(structured)
        return lambda at: at.value(derivation.node)

    def _component(self, at: Evaluation) -> Value:
        """The derivative times unit vectors on the axes that are held fixed."""
        derivation, by = self.derivation, at.arithmetic
        weights: Value = [by.number(1)]
        for unit in derivation.units:
            weights = by.reduced([x * y for x in weights for y in at.value(unit)])
        times = vector_times if derivation.fixed[0] == 0 else times_vector
        entries = at.value(derivation.derivative)
        return by.reduced(times(weights, entries) if times is vector_times else times(entries, weights))

    def _vec(self, at: Evaluation) -> Value:
        """∂vec(Y)/∂vec(X)', both with columns stacked."""
        derivation = self.derivation
        derivative, rank = derivation.derivative, self._rows
        rows, columns = _stacked(at.shape(derivative.shape[:rank])), _stacked(at.shape(derivative.shape[rank:]))
        entries, n = at.value(derivative), len(columns)
        if derivation.is_transposed:
            return [entries[row * n + column] for column in columns for row in rows]
        return [entries[row * n + column] for row in rows for column in columns]

    def _failed(self, what: str, how: str) -> IndexcalcError:
        error = IndexcalcError(
            "E490",
            f"{what} that was found {how}; the answer is withheld",
            help="this is a mistake of indexcalc's, not of the input: please report it",
        )
        return error.located(self.derivation.task.text)


def _value_of(node: Node) -> Valued:
    return lambda at: at.value(node)


def _stacked(shape: tuple[int, ...]) -> list[int]:
    """The places of a tensor's entries with its columns stacked."""
    places = [0]
    stride = 1
    for size in reversed(shape):
        places = [stride * k + place for place in places for k in range(size)]
        stride *= size
    return places
