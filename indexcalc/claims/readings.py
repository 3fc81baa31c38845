"""TABLE: the standard readings of a formula for a derivative, the usual one first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from indexcalc.calculus.derivative import pullback
from indexcalc.certificate import Certificate
from indexcalc.derivation import Derivation
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.certificate import Valued, times_vector, vector_times
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.tensor.nodes import Node, Shape, variable
from indexcalc.tensor.product import einsum, ones, reindex
from indexcalc.tensor.structure import restored
from indexcalc.tensor.sums import add


class Reading(NamedTuple):
    """A tensor that a claim may be equal to.

    ``key`` is for programs, ``name`` for people, ``sentence`` says it of a claim. ``axes`` are the axes of the
    derivative that its own ones are, in numerator layout; none where its axes are others. ``node`` makes its tensor
    expression; the Kronecker forms have none. ``vector`` is the user's name in it of a cotangent or a perturbation.
    """

    key: str
    name: str
    sentence: str
    shape: Shape
    value: Valued
    node: Callable[[], Node] | None
    axes: tuple[int, ...] = ()
    row: bool = False
    vector: str = ""


QUESTIONS = {"vjp": "pullback", "jvp": "change of the output", "hvp": "Hessian times the vector"}
"""What the answers to questions are called that ask for no derivative as a whole."""


class Subject:
    """The derivative that claims are about."""

    def __init__(self, derivation: Derivation, certificate: Certificate) -> None:
        self.derivation, self.certificate = derivation, certificate
        task = derivation.task
        self.derivative = derivation.derivative
        self.shape = self.derivative.shape
        self.output = task.output.shape
        self.last: Shape = task.wrt[-1].shape if task.wrt else ()
        self.is_simple = derivation.is_derivative and derivation.order == 1

    @property
    def word(self) -> str:
        """What the derivative is called."""
        task, order = self.derivation.task, self.derivation.order
        if not self.derivation.is_derivative:
            return QUESTIONS.get(task.form, "expression")
        if order == 2:
            return "Hessian" if not self.output and task.wrt[0] is task.wrt[1] else "second derivative"
        if not self.last:
            return "derivative"
        return "Jacobian" if self.output else "gradient"

    @property
    def _not_whole(self) -> str:
        """What a claim with fewer axes is not."""
        rank = len(self.shape)
        return f"not the {self.word}{f' (order {rank})' if rank > 2 else ''}: it is "

    def readings(self, vectors: Iterable[tuple[str, Shape]]) -> list[Reading]:
        """All readings. ``vectors`` are names in the claim that the expression has not, with their shapes."""
        found = [*self._whole()]
        if self.derivation.is_derivative:
            for name, shape in vectors:
                found += self._with_vector(name, shape)
            found += [*self._other_layout(), *self._ones(), *self._stacked(), *self._structured()]
        return found

    # ------------------------------------------------------------------ the rows
    def _reading(
        self, key: str, name: str, sentence: str, axes: tuple[int, ...], node: Callable[[], Node], row: bool = False
    ) -> Reading:
        """A reading with axes of the derivative."""
        shape = tuple([self.shape[axis] for axis in axes])
        return Reading(key, name, sentence, shape, lambda at: at.value(node()), node, axes, row)

    def _whole(self) -> Iterator[Reading]:
        """The derivative itself; one that is a vector can be set as a row."""
        axes, node = tuple(range(len(self.shape))), lambda: self.derivative
        layout = " in numerator layout" if self.output and self.last and self.derivation.is_derivative else ""
        key = "numerator" if self.derivation.is_derivative else "value"
        yield self._reading(key, self.word + layout, f"equal to the {self.word}{layout}", axes, node)
        if len(axes) == 1:
            sentence = f"the transpose of the {self.word}: a row"
            sentence += " (denominator layout)" if self.output and self.derivation.is_derivative else ""
            yield self._reading("row", f"{self.word} as a row", sentence, axes, node, True)

    def _other_layout(self) -> Iterator[Reading]:
        """The axes of the variable first; of a mixed derivative those of the second variable."""
        rank, order = len(self.shape), self.derivation.order
        first = len(self.output) if order == 1 else len(self.derivation.task.wrt[0].shape)
        if (order == 2 and self.output) or not 0 < first < rank or (order == 2 and self.word == "Hessian"):
            return
        axes = (*range(first, rank), *range(first))
        node = reindex(self.derivative, (*range(rank - first, rank), *range(rank - first)))
        which = "denominator layout" if order == 1 else "the axes of the second variable first"
        name = f"{self.word} in {which}" if order == 1 else f"{self.word}, {which}"
        sentence = f"the transpose of the {self.word}: {which}" if rank == 2 else f"the {name}"
        yield self._reading("denominator", name, sentence, axes, lambda: node)

    def _with_vector(self, name: str, shape: Shape) -> Iterator[Reading]:
        """The derivative times a cotangent or a perturbation of the user's."""
        vector, rank = variable(name, shape), len(self.shape)
        first, last = len(self.output), rank - len(self.last)
        every = tuple(range(rank))
        if shape == self.output and self.is_simple:
            what, axes = f"pullback with the cotangent {name}", every[first:]
            yield Reading(
                "pullback",
                what,
                f"{self._not_whole}the {what}",
                self.shape[first:],
                lambda at: at.arithmetic.reduced(vector_times(at.value(vector), at.value(self.derivative))),
                lambda: self._pulled_back(vector),
                axes,
                vector=name,
            )
        if shape == self.last:
            what, axes = f"differential for the perturbation {name}", every[:last]
            yield Reading(
                "differential",
                what,
                f"{self._not_whole}the {what}",
                self.shape[:last],
                lambda at: at.arithmetic.reduced(times_vector(at.value(self.derivative), at.value(vector))),
                lambda: Derivation(self.derivation.task, name).contracted(self.derivative),
                axes,
                vector=name,
            )

    def _pulled_back(self, cotangent: Node) -> Node:
        task = self.derivation.task
        return restored(pullback(task.output, task.wrt[0], cotangent), task.twins)

    def _ones(self) -> Iterator[Reading]:
        """The pullback that people mean who write down a derivative of the wrong shape."""
        if not (self.output and self.last and self.is_simple):
            return
        first = len(self.output)

        def value(at: Evaluation) -> Value:
            cotangent = [1] * math.prod(at.shape(self.output))
            return at.arithmetic.reduced(vector_times(cotangent, at.value(self.derivative)))

        name = "pullback for G = 1"
        axes = tuple(range(first, len(self.shape)))
        yield Reading(
            "pullback of ones",
            name,
            f"{self._not_whole}the {name}",
            self.shape[first:],
            value,
            lambda: self._pulled_back(ones(self.output)),
            axes,
        )

    def _stacked(self) -> Iterator[Reading]:
        """∂vec(Y)/∂vec(X)', and its transpose."""
        if len(self.shape) < 3:
            return
        rows, columns = self.certificate.shape("vec")
        value = self.certificate.expected("vec")

        def turned(at: Evaluation) -> Value:
            entries, width = value(at), at.dimension(columns)
            return [entry for k in range(width) for entry in entries[k::width]]

        name = f"vec form of the {self.word}"
        yield Reading("vec", "vec form", f"the {name}", (rows, columns), value, None)
        sentence = f"the transpose of the {name}: denominator layout"
        yield Reading("vec transposed", "vec form, transposed", sentence, (columns, rows), turned, None)

    def _structured(self) -> Iterator[Reading]:
        """For a symmetric, skew, … variable: the gradient along its kind, and that by its distinct entries."""
        node = self.derivation.structured_node
        if node is None:
            return
        task = self.derivation.task
        kinds = next(i.structure for i in task.inputs if i.name == task.wrt[0].name)
        axes = tuple(range(len(self.shape)))
        what = f"gradient along the tangent space of {kinds[0]} matrices"
        sentence = f"not the gradient by independent entries: it is the {what}"
        yield self._reading("structured", what, sentence, axes, lambda: node)
        if {"symmetric", "spd"} & set(kinds):
            what = "gradient by the distinct entries"
            sentence = f"not the gradient by independent entries: it is the {what}, G + G' - diag(diag(G))"
            yield self._reading("distinct", what, sentence, axes, self._by_distinct_entries)

    def _by_distinct_entries(self) -> Node:
        gradient = self.derivative
        diagonal = einsum(1, [(gradient, (0, 0))], (0, 0))
        return add([(1, gradient), (1, reindex(gradient, (1, 0))), (-1, diagonal)])
