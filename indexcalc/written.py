"""The forms of one derivation under one naming of its parts."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from indexcalc.derivation import Derivation
from indexcalc.forms import algebra
from indexcalc.forms.context import FIRST, Context
from indexcalc.forms.factoring import apart
from indexcalc.forms.index import NoIndexForm
from indexcalc.forms.matrix import NoMatrixForm
from indexcalc.forms.naming import is_wordy, parts_to_name, repeated
from indexcalc.forms.nodes import Form
from indexcalc.forms.printed import Printed, Writer
from indexcalc.language.reader import Declared, Reader
from indexcalc.tensor.nodes import Node, variable
from indexcalc.tensor.structure import restored, structured

STEMS = ("h", "s", "r", "q")
"""What names of our own begin with: the first that no name of the user's begins with."""
MOST_NODES = 200
"""Nodes up to which a derivative is looked at for hints."""


class Written:
    """Each form is made when first asked for. With ``by_definitions`` the user's definitions stand for what they
    define, and names of our own for what a longer result repeats, but for ``unnamed``; else only the output's name
    does, and names of our own in results that are very long."""

    def __init__(self, derivation: Derivation, by_definitions: bool, unnamed: Collection[Node] = ()) -> None:
        self.derivation = derivation
        self.by_definitions = by_definitions
        self.unnamed = unnamed

    @cached_property
    def writer(self) -> Writer:
        derivation, task = self.derivation, self.derivation.task
        places = {i.name: 2 * place for place, i in enumerate(task.inputs)}
        if derivation.cotangent:
            places[derivation.cotangent] = FIRST
        if derivation.perturbation:
            places.setdefault(derivation.perturbation, places[task.wrt[-1].name] + 1)
        places |= {unit.name: FIRST for unit in derivation.units}
        names = self.names
        for name in names.values():
            places.setdefault(name, 0)
        return Writer(Context(places, task.typed, names), task.preferred)

    @cached_property
    def names(self) -> dict[Node, str]:
        """The tensors that these forms call by a name."""
        derivation, task = self.derivation, self.derivation.task
        names: dict[Node, str] = {}
        if self.by_definitions and task.form != "simplify":
            names = {node: name for node, name in task.defined.items() if node is not derivation.output}
        if task.name and task.form != "simplify" and derivation.output.children:
            names[derivation.output] = task.name
        if not is_wordy(derivation.derivative):
            return names
        parts = parts_to_name(derivation.derivative, names)
        if not parts and self.by_definitions:
            parts = [node for node in repeated(derivation.derivative, names) if node not in self.unnamed]
        if not parts:
            return names
        taken = {i.name for i in task.inputs} | task.taken | set(names.values())
        own = next((stem for stem in STEMS if not any(name.startswith(stem) for name in taken)), STEMS[0])
        for node in parts:
            numbered = (f"{own}{k}" for k in range(1, len(taken) + 2))
            name = task.defined.get(node) or next(name for name in numbered if name not in taken)
            names[node] = name
            taken.add(name)
        return names

    @cached_property
    def reader(self) -> Reader:
        """Reads these forms' texts back."""
        derivation, task = self.derivation, self.derivation.task
        names = {name: node for node, name in self.writer.context.names.items()}
        inputs = [i for i in task.inputs if i.name not in names]
        declared = [Declared(i.name, i.shape, i.structure) for i in inputs if i.rank != "elementwise"]
        taken = {*names, *(i.name for i in task.inputs)}
        if derivation.cotangent and derivation.cotangent not in taken:
            declared.append(Declared(derivation.cotangent, task.output.shape))
        if derivation.perturbation and derivation.perturbation not in taken:
            declared.append(Declared(derivation.perturbation, task.wrt[-1].shape))
        declared += [Declared(unit.name, unit.shape) for unit in derivation.units]
        functions = [i.name.rstrip("'") for i in inputs if i.rank == "elementwise"]
        return Reader(declared, names, functions)

    # ------------------------------------------------------------------ forms
    @cached_property
    def derivative(self) -> Printed:
        return self.writer.best(self.derivation.node, self.derivation.letters)

    @cached_property
    def entries(self) -> Form | None:
        """A derivative of order 3 or 4 as deltas and the entries of matrices, where one of these is a product."""
        printed, letters = self.derivative, self.derivation.letters
        if printed.matrix is not None or not 3 <= len(letters) <= 4:
            return None
        found = (self.writer.entries(node, letters) for node in (printed.node, self.derivation.node))
        return next((form for form in found if form is not None), None)

    @cached_property
    def component(self) -> Form | None:
        """The matrix that is left of a derivative of order 3 or 4 at fixed places, in matrix notation."""
        node = self.derivation.component
        return None if node is None else self.writer.best(node, ("i", "j")).matrix

    @cached_property
    def vec(self) -> Form | None:
        """∂vec(Y)/∂vec(X)' for a derivative of order 3 or 4."""
        derivation, task = self.derivation, self.derivation.task
        if not derivation.is_derivative:
            return None
        rank = len(task.output.shape) + (len(task.wrt[0].shape) if derivation.order == 2 else 0)
        is_best = self.derivative.node is derivation.node  # multiplied out it is no shorter
        form = self.writer.vec(derivation.derivative, rank, as_it_stands=is_best)
        return algebra.transpose(form) if form is not None and derivation.is_transposed else form

    @cached_property
    def pullback(self) -> Printed | None:
        derivation = self.derivation
        node = derivation.pullback_node
        if node is None or node is derivation.node:
            return None if node is None else self.derivative
        try:
            return self.writer.best(node, derivation.groups[1])
        except NoIndexForm:
            return None

    @cached_property
    def differential(self) -> Printed | None:
        derivation = self.derivation
        if derivation.task.form in ("jvp", "hvp"):
            return self.derivative
        if not derivation.is_derivative:
            return None
        written = derivation.derivative if derivation.is_transposed else self.derivative.node
        node = derivation.contracted(written if written is derivation.derivative else apart(written))
        letters = tuple(letter for group in derivation.groups[:-1] for letter in group)
        plain = self.writer.plain(node, letters)  # its best writing is that of the derivative, if that has one
        return plain if plain.matrix is not None else self.writer.best(node, letters)

    @cached_property
    def structured(self) -> Printed | None:
        """The gradient along the tangent space of the variable's kind."""
        node = self.derivation.structured_node
        return None if node is None else self.writer.best(node, self.derivation.letters)

    @cached_property
    def hints(self) -> list[tuple[str, Form]]:
        """The square matrices that make the derivative shorter if they are symmetric, each with its form then."""
        derivation, task = self.derivation, self.derivation.task
        matrix = self.derivative.matrix
        if matrix is None or not derivation.is_derivative or derivation.stats["nodes"] > MOST_NODES:
            return []
        found = []
        for i in task.inputs:
            square = len(i.shape) == 2 and i.shape[0] == i.shape[1] and not i.structure
            if not square or any(v.name == i.name for v in task.wrt):
                continue
            twins = {variable(i.name, i.shape): structured(i.name, i.shape, ("symmetric",))}
            node = restored(derivation.node, twins)
            if node is not derivation.node:
                writer = Writer(Context(self.writer.context.places), task.preferred)
                form = writer.best(node, derivation.letters).matrix
                if form is not None and form.cost[:2] < matrix.cost[:2]:
                    found.append((i.spelling, form))
        return found

    @property
    def _all(self) -> tuple[Printed | None, ...]:
        return self.derivative, self.pullback, self.differential, self.structured

    @cached_property
    def where(self) -> dict[str, Form]:
        """What the names in these forms stand for, in order; not the output's own name."""
        printed = [p.shown for p in self._all if p is not None]
        found = self.writer.where([*printed, self.derivative.indexed])
        found.pop(self.derivation.task.name, None)
        return found

    @property
    def idle(self) -> list[Node]:
        """Parts that have a name of our own, which no form uses."""
        given = {self.derivation.task.name, *self.derivation.task.defined.values(), *self.where}
        return [node for node, name in self.names.items() if name not in given]

    @cached_property
    def expression(self) -> Form | None:
        """The expression as it was read, under the user's own names; None where it has no form of its own."""
        output, task = self.derivation.output, self.derivation.task
        own = [node for node, name in self.names.items() if name not in task.defined.values()]
        context = self.writer.context.without(output, *own)
        letters = self.derivation.groups[0] if task.form in ("simplify", "jvp") or self.derivation.is_derivative else ()
        try:
            return Writer(context, task.preferred).plain(output, letters).shown
        except (NoMatrixForm, ValueError):
            return None
