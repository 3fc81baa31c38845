"""How one derivation is written: names for its parts, letters for its axes, and the reader of what is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from indexcalc.derivation import Derivation
from indexcalc.explanation.cells import cells, named
from indexcalc.explanation.chain import Chain, Part
from indexcalc.explanation.known import Derivatives
from indexcalc.explanation.term_forms import TermForms
from indexcalc.explanation.terms import Alphabet, Opener, Terms
from indexcalc.forms.context import FIRST, Context
from indexcalc.forms.index import IndexForms, Letters, NoIndexForm
from indexcalc.forms.nodes import Derivative, Form, Symbol
from indexcalc.forms.printed import Printed, Writer
from indexcalc.language.reader import Declared, Reader
from indexcalc.render.text import indices
from indexcalc.tensor.nodes import Dimension, Node, Variable
from indexcalc.tensor.structure import restored


class Notation:
    """Of the derivative of one tensor by a variable. ``letters`` are those of the output's axes, ``by`` of the
    variable's; ``given`` are names that the user gave."""

    def __init__(
        self,
        derivation: Derivation,
        output: Node,
        wrt: Variable,
        letters: Letters,
        by: Letters,
        given: Mapping[Node, str],
    ) -> None:
        self.derivation, self.output, self.wrt, self.letters, self.by = derivation, output, wrt, letters, by
        task = derivation.task
        sizes: dict[str, Dimension] = dict(zip((*letters, *by), (*output.shape, *wrt.shape), strict=True))
        self.alphabet = Alphabet(task.preferred, sizes, (*letters, *by))
        self.spelling = next((i.spelling for i in task.inputs if i.name == wrt.name), wrt.name)
        self.known: dict[str, Node] = {}
        """Further names for reading back."""
        self._taken = {i.name for i in task.inputs} | task.taken | set(given.values())
        self._taken |= {str(d) for i in task.inputs for d in i.shape}
        self._taken |= {n for n in (derivation.cotangent, derivation.perturbation) if n}
        found = cells(output, wrt, given)
        self.names = named(found, output, given, lambda name: name not in self._taken)
        known = {restored(node, task.twins): name for node, name in self.names.items()}
        self.shown: dict[Node, str] = {**task.defined, **given, **known, **self.names}
        self.writer = Writer(Context(self._places(), task.typed, self.shown), task.preferred)
        self.writer.matrices.trace = {}
        self.forms = self.writer.index((*letters, *by))
        self.variable = Symbol(wrt.name, "", 0, by)
        self.named = {**self.names, wrt: wrt.name}
        self.term_forms = TermForms(self.forms, self.variable, self.named)

    def _places(self) -> dict[str, int]:
        derivation, task = self.derivation, self.derivation.task
        places = {i.name: 2 * place for place, i in enumerate(task.inputs)}
        if derivation.cotangent:
            places[derivation.cotangent] = FIRST
        if derivation.perturbation:
            places.setdefault(derivation.perturbation, places[task.wrt[-1].name] + 1)
        for name in self.shown.values():
            places.setdefault(name, 0)
        return places

    @cached_property
    def chain(self) -> Chain:
        """The derivation."""
        opener = Opener(self.forms, self.alphabet, self.shown)
        return Chain(self.output, self.wrt, self.names, self.alphabet, self.by, self.letters, opener)

    def fresh(self, *stems: str) -> str:
        """A name that nothing has: the first of these, else with a number."""
        taken = self._taken | set(self.shown.values()) | set(self.known)
        names = [f"{stem}{k or ''}" for k in range(len(taken) + 1) for stem in stems]
        return next(name for name in names if name not in taken)

    # ------------------------------------------------------------------ forms
    def definition(self, part: Part) -> Form:
        """The right side of a part's definition."""
        return TermForms(self.forms_without(part.node), self.variable, self.names).form(part.definition, part.letters)

    def forms_without(self, node: Node) -> IndexForms:
        """The index forms where a part is defined, and has no name."""
        return Writer(self.writer.context.without(node), ()).index(self.forms.kept)

    def best(self, node: Node, letters: Letters) -> Printed:
        """A result in the best way; without an index form where its axes are groups of axes."""
        try:
            return self.writer.best(node, letters)
        except NoIndexForm:
            return self.writer.plain(node, letters)

    def terms(self, terms: Terms, kept: Letters) -> Form:
        return self.term_forms.form(terms, kept)

    def checked(self, terms: Terms, kept: Letters) -> Form:
        """The same for reading back: with names for the derivatives that have not been worked out."""
        return self.term_forms.form(terms, kept, self.stand_ins)

    def derivative_of(self, part: Part) -> Derivative:
        return Derivative(Symbol(self.names[part.node], "", 0, part.letters), self.variable, True)

    # ------------------------------------------------------------------ reading back
    def known_as(self, node: Node) -> str:
        """A name for a tensor where it is read back."""
        name = self.fresh("P")
        self.known[name] = node
        return name

    @cached_property
    def derivatives(self) -> Derivatives:
        """The derivatives of all parts, with names where they are read back."""
        numbers = range(len(self.names) + 1)
        taken = self._taken | set(self.shown.values())
        stem = next(stem for stem in ("D", "DD", "DDD") if not any(f"{stem}{k}" in taken for k in numbers))
        return Derivatives(self.output, self.wrt, self.names, stem)

    @property
    def stand_ins(self) -> dict[Node, str]:
        """For reading back: a name for the derivative of each part and of the variable."""
        return self.derivatives.named

    def left_text(self, part: Part) -> str:
        return self.stand_ins[part.node] + indices((*part.letters, *self.by))

    def reader(self) -> Reader:
        """Reads texts of this derivation."""
        derivation, task = self.derivation, self.derivation.task
        known = {name: node for node, name in self.shown.items()} | self.known
        known |= {name: self.derivatives.nodes[node] for node, name in self.stand_ins.items()}
        inputs = [i for i in task.inputs if i.name not in known]
        declared = [Declared(i.name, i.shape, i.structure) for i in inputs if i.rank != "elementwise"]
        taken = {*known, *(i.name for i in task.inputs)}
        if derivation.cotangent and derivation.cotangent not in taken:
            declared.append(Declared(derivation.cotangent, task.output.shape))
        if derivation.perturbation and derivation.perturbation not in taken:
            declared.append(Declared(derivation.perturbation, task.wrt[-1].shape))
        functions = [i.name.rstrip("'") for i in inputs if i.rank == "elementwise"]
        return Reader(declared, known, functions)
