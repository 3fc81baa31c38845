"""One derivative as tensor expressions: what was asked, and every node that its forms are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from indexcalc.calculus.derivative import differential, jacobian, jacobians, pullback
from indexcalc.errors import IndexcalcError
from indexcalc.forms.index import Letters, all_letters
from indexcalc.language.meant import Meant
from indexcalc.tensor.nodes import Labels, Node, Shape, Variable, descendants, variable
from indexcalc.tensor.product import einsum, reindex
from indexcalc.tensor.structure import projection, restored
from indexcalc.tensor.sums import Sum, add

PAIRS = ("ij", "kl", "pq")
"""The letters of the axes: of the output and of the variables in turn, two for each that has any."""


class Input(NamedTuple):
    """A variable of the question: its node's name, how the user spelled it, and what was assumed of it."""

    name: str
    spelling: str
    rank: str
    structure: tuple[str, ...]
    shape: Shape
    assumed: bool

    @property
    def kind(self) -> str:
        """``matrix``, ``spd``, ``vector positive``"""
        square = [word for word in self.structure if word != "positive"]
        return " ".join([*(square or [self.rank]), *(word for word in self.structure if word == "positive")])

    @property
    def declaration(self) -> str:
        """``W: matrix(m, n)``"""
        word, *rest = self.kind.split(" ")
        sizes = self.shape if word == self.rank else self.shape[:1]
        return " ".join([f"{self.spelling}: {word}" + (f"({', '.join(map(str, sizes))})" if sizes else ""), *rest])


class Task(NamedTuple):
    """What is asked, worked out as tensor expressions.

    ``output`` has the unstructured twins of structured variables; ``twins`` says what they stand for; ``meant`` is the
    same as it was read, None for an expression that was derived.
    ``form`` is diff, grad, hess, hvp, vjp, jvp or simplify. ``output`` is the expression; ``wrt`` the
    variables in turn; ``vector`` the cotangent of vjp or the direction of jvp and hvp. ``name`` stands for
    the output; ``defined`` are the tensors that the user's definitions name. ``letters`` are the user's for
    the output's axes and for those of each variable, ``preferred`` all that the user wrote.
    """

    text: str
    form: str
    output: Node
    wrt: tuple[Variable, ...]
    twins: Mapping[Variable, Node]
    vector: Node | None
    name: str
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]
    typed: tuple[tuple[Node, Sequence[Node]], ...]
    defined: Mapping[Node, str]
    letters: tuple[Letters, ...]
    preferred: Letters
    layout: str
    line: int
    taken: frozenset[str]
    meant: Meant | None = None
    together: tuple[Variable, ...] = ()
    """The variables that the question is about, one answer each: they share a backward pass."""

    @property
    def is_derivative(self) -> bool:
        return self.form in ("diff", "grad", "hess")

    @property
    def has_layouts(self) -> bool:
        """Whether there is more than one way to order the derivative's axes."""
        return self.is_derivative and bool(self.output.shape) and any(variable.shape for variable in self.wrt)


class Derivation:
    """A task's derivative. Axes are in numerator layout, the output's first, unless ``node`` says otherwise.

    ``vector`` is the user's own name for the cotangent and the perturbation."""

    def __init__(self, task: Task, vector: str = "") -> None:
        self.task, self.vector = task, vector
        self.order = len(task.wrt)
        self.is_derivative = task.is_derivative
        self.is_transposed = task.layout == "denominator" and self.is_derivative

    def renamed(self, task: Task, vector: str) -> Derivation:
        """The same derivative, for a task in which only names are others."""
        other = Derivation(task, vector)
        other.derivative = self.derivative
        return other

    # ------------------------------------------------------------------ nodes
    @cached_property
    def output(self) -> Node:
        """The expression, with all that is known of its variables."""
        return restored(self.task.output, self.task.twins)

    @cached_property
    def derivative(self) -> Node:
        """What is asked: the output's axes first (vjp and hvp have only the variable's)."""
        try:
            return restored(self._differentiated(), self.task.twins)
        except IndexcalcError as error:  # 0^c has no derivative by c
            raise error.located(self.task.text) from None

    def _differentiated(self) -> Node:
        task = self.task
        if task.form == "simplify":
            return task.output
        if task.form == "vjp":
            assert task.vector is not None
            return pullback(task.output, task.wrt[0], task.vector)
        if task.form == "jvp":
            assert task.vector is not None
            return differential(task.output, task.wrt[0], task.vector)
        if task.vector is not None:
            return differential(self.gradient, task.wrt[-1], task.vector)
        return self.gradient if self.order == 1 else jacobian(self.gradient, task.wrt[1])

    @cached_property
    def gradient(self) -> Node:
        """The first derivative, with the unstructured twins of structured variables."""
        task = self.task
        together = task.together if task.wrt[0] in task.together else task.wrt[:1]
        return jacobians(task.output, together)[task.wrt[0]]

    @cached_property
    def node(self) -> Node:
        """The derivative with its axes in the order of the layout."""
        if not self.is_transposed:
            return self.derivative
        first, rank = len(self.task.output.shape), len(self.derivative.shape)
        return reindex(self.derivative, (*range(rank - first, rank), *range(rank - first)))

    @cached_property
    def pullback_node(self) -> Node | None:
        """The gradient of sum(G .* output), of a scalar output its gradient; None for order 2 and where
        something else was asked."""
        if self.task.form == "vjp":
            return self.derivative
        if not self.is_derivative or self.order != 1:
            return None
        task = self.task
        if not task.output.shape:
            return self.derivative
        cotangent = variable(self.cotangent or "", task.output.shape)
        return restored(pullback(task.output, task.wrt[0], cotangent), task.twins)

    @cached_property
    def structured_node(self) -> Node | None:
        """The gradient by a structured variable along the tangent space of its kind; None where that is nothing
        else, or something else was asked."""
        kinds = next((i.structure for i in self.task.inputs if self.task.wrt and i.name == self.task.wrt[0].name), ())
        if not self.task.twins or not self.is_derivative or self.order != 1 or self.task.output.shape:
            return None
        projected = projection(self.derivative, self.task.twins[self.task.wrt[0]], kinds)
        return None if kinds == ("positive",) else projected

    @cached_property
    def fixed(self) -> Labels:
        """The axes of a derivative of order 3 or 4 that are held fixed so that a matrix is left: those before the
        last variable's two, or else its one."""
        rank, last = len(self.derivative.shape), len(self.task.wrt[-1].shape) if self.task.wrt else 0
        if not self.is_derivative or not 3 <= rank <= 4 or rank - (left := last if last == 2 else rank - last) > 2:
            return ()
        return tuple(range(rank - left)) if last == 2 else tuple(range(left, rank)) if left == 2 else ()

    @cached_property
    def units(self) -> list[Variable]:
        """A unit vector for each axis that is held fixed, e_i."""
        if not self.fixed:
            return []
        letters = [letter for letters in self.groups for letter in letters]
        return [variable(self.fresh(f"e_{letters[axis]}"), (self.derivative.shape[axis],)) for axis in self.fixed]

    @cached_property
    def component(self) -> Node | None:
        """The matrix that is left of a derivative of order 3 or 4 at fixed places of the other axes."""
        if not self.fixed:
            return None
        axes = tuple(range(len(self.derivative.shape)))
        kept = tuple([axis for axis in axes if axis not in self.fixed])
        units = [(unit, (axis,)) for unit, axis in zip(self.units, self.fixed, strict=True)]
        terms = self.derivative.terms if isinstance(self.derivative, Sum) else [(1, self.derivative)]
        return add((c, einsum(1, [(term, axes), *units], kept)) for c, term in terms)

    def contracted(self, derivative: Node) -> Node:
        """The derivative, written this way, times the perturbation of its last variable, term by term."""
        by = self.task.wrt[-1].shape
        axes = tuple(range(len(derivative.shape)))
        kept = axes[: len(axes) - len(by)]
        last = (variable(self.perturbation or "", by), axes[len(kept) :])
        terms = derivative.terms if isinstance(derivative, Sum) and kept else [(1, derivative)]
        return add((c, einsum(1, [(term, axes), last], kept)) for c, term in terms)

    @property
    def stats(self) -> dict[str, int]:
        """The size of the derivative's graph: nodes that are no variables or numbers, and their operands."""
        inner = [node for node in descendants([self.derivative]) if node.children]
        return {"nodes": len(inner), "operations": sum(len(node.children) for node in inner)}

    # ------------------------------------------------------------------ names
    def fresh(self, stem: str) -> str:
        """A name that nothing has yet: the stem, or the stem with a number."""
        taken = {self.task.name, *self.task.taken, *[i.name for i in self.task.inputs]}
        name, k = stem, 0
        while name in taken:
            k += 1
            name = f"{stem}{k}"
        return name

    @cached_property
    def cotangent(self) -> str | None:
        """The name of the cotangent; of vjp where the user gave one."""
        if self.task.form == "vjp":
            return self.task.vector.name if isinstance(self.task.vector, Variable) else None
        return (self.vector or self.fresh("G")) if self.is_derivative and self.order == 1 else None

    @cached_property
    def perturbation(self) -> str | None:
        """The name of the perturbation; of jvp and hvp where the user gave one."""
        if self.task.form in ("jvp", "hvp"):
            return self.task.vector.name if isinstance(self.task.vector, Variable) else None
        return (self.vector or self.fresh(f"d{self.task.wrt[-1].name}")) if self.is_derivative else None

    @cached_property
    def groups(self) -> tuple[Letters, ...]:
        """The letters of the output's axes and of each variable's: the user's, else by habit."""
        task = self.task
        shapes, given = self._axes
        if task.form in ("simplify", "jvp"):
            shapes = shapes[:1]
        elif task.form in ("vjp", "hvp"):
            shapes, given = shapes[1:2], given[1:]
        return self._lettered(shapes, given)

    @cached_property
    def every_group(self) -> tuple[Letters, ...]:
        """The letters of the output's axes and of each variable's, whatever is asked."""
        return self._lettered(*self._axes)

    @property
    def _axes(self) -> tuple[list[Shape], list[Letters]]:
        """The shapes of the output and of each variable, and the letters that the user gave them."""
        shapes = [self.task.output.shape, *[v.shape for v in self.task.wrt]]
        return shapes, [*self.task.letters, *[()] * len(shapes)]

    def _lettered(self, shapes: Sequence[Shape], given: Sequence[Letters]) -> tuple[Letters, ...]:
        used = {letter for letters in given for letter in letters} | set(self.task.preferred)
        found: list[Letters] = []
        for shape, letters in zip(shapes, given, strict=False):
            rank = len(shape)
            if not rank:
                letters = ()
            elif len(letters) != rank or not all(map(set(letters).isdisjoint, found)):
                pair = next((p for p in PAIRS if rank <= len(p) and used.isdisjoint(p[:rank])), "")
                letters = tuple(pair[:rank]) or tuple(islice((x for x in all_letters() if x not in used), rank))
                used.update(pair or letters)
            found.append(letters)
        return tuple(found)

    @property
    def letters(self) -> Letters:
        """The letter of each axis, in the order of the layout."""
        groups = (*self.groups[1:], self.groups[0]) if self.is_transposed else self.groups
        return tuple(letter for letters in groups for letter in letters)
