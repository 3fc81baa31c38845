"""All forms of one tensor, under one naming of its parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from indexcalc.forms.context import Context
from indexcalc.forms.entries import entries_form
from indexcalc.forms.expansion import alternatives
from indexcalc.forms.factoring import apart
from indexcalc.forms.index import IndexForms, Letters, NoIndexForm, first_letters
from indexcalc.forms.kronecker import vec_form
from indexcalc.forms.matrix import TIED, MatrixForms, NoMatrixForm
from indexcalc.forms.naming import symbols
from indexcalc.forms.nodes import Form, Symbol
from indexcalc.tensor.nodes import Node


class Printed:
    """The forms of one tensor: the node that was printed, its matrix form or why there is none, and its index form,
    in the better writing of that node and of the one that was asked for. ``letters`` are those of its axes."""

    def __init__(
        self,
        index: IndexForms,
        nodes: tuple[Node, ...],
        letters: Letters,
        matrix: Form | None,
        reason: str | None = None,
        indexed: Form | None = None,
    ) -> None:
        self.node, self.letters, self.matrix, self.reason = nodes[0], letters, matrix, reason
        self._index, self._nodes = index, nodes
        if indexed is not None:
            self.indexed = indexed

    @cached_property
    def indexed(self) -> Form:
        """The index form, made when it is asked for. Raises NoIndexForm."""
        ways = [self._index.form(node, self.letters) for node in dict.fromkeys(self._nodes)]
        return min(ways, key=lambda form: form.cost)

    @property
    def indexed_if_any(self) -> Form | None:
        """The index form; None where there is none, because axes are groups of axes."""
        try:
            return self.indexed
        except NoIndexForm:
            return None

    @property
    def shown(self) -> Form:
        """The matrix form, else the index form."""
        return self.indexed if self.matrix is None else self.matrix

    @property
    def left(self) -> Form | None:
        """What stands left of an index form that is shown: ``D_kl``."""
        return Symbol("D", "", 0, self.letters) if self.matrix is None and self.letters else None


class Writer:
    """Writes tensors with the user's names and order. ``preferred`` are the user's index letters; ``reserved`` letters
    are never indices."""

    def __init__(self, context: Context, preferred: Letters, reserved: Letters = ()) -> None:
        self.context, self.preferred, self.reserved = context, preferred, reserved
        self.matrices = MatrixForms(context)

    def best(self, node: Node, letters: Letters) -> Printed:
        """A final answer: the best of its ways to be written."""
        index = self.index(letters)
        try:
            best, matrix = self.matrices.answer(node)
            return Printed(index, (best, node), letters, matrix)
        except NoMatrixForm as reason:
            forms = [(candidate, index.form(candidate, letters)) for candidate in (node, *alternatives(node))]
            best, indexed = min(forms, key=lambda pair: pair[1].cost)
            return Printed(index, (best,), letters, None, _reason(reason, index), indexed)

    def plain(self, node: Node, letters: Letters) -> Printed:
        """A tensor as it stands, in matrix form if it has one."""
        index = self.index(letters)
        try:
            return Printed(index, (node,), letters, self.matrices.form(node))
        except NoMatrixForm as reason:
            indexed = index.form(node, letters)
            return Printed(index, (node,), letters, None, _reason(reason, index), indexed)

    def index(self, kept: Collection[str]) -> IndexForms:
        """Index forms in which these letters are not summed."""
        return IndexForms(self.context, self.matrices, (*kept, *self.reserved), self.preferred)

    def entries(self, node: Node, letters: Letters) -> Form | None:
        """A tensor of order 3 or 4 as deltas and the entries of matrices."""
        return entries_form(self.matrices, self.index(letters), node, letters)

    def vec(self, node: Node, output_rank: int, as_it_stands: bool = True) -> Form | None:
        """The Kronecker form of a derivative of order 3 or 4, the best of its ways to be written."""
        ways = [node] if as_it_stands else [apart(way) for way in (node, *alternatives(node))]
        forms = [form for way in ways if (form := vec_form(self.matrices, way, output_rank)) is not None]
        return min(forms, key=lambda form: form.cost, default=None)

    def where(self, forms: Iterable[Form]) -> dict[str, Form]:
        """The definitions of the names that these forms use for their parts, in order."""
        parts = {name: node for node, name in self.context.names.items()}
        if not parts:
            return {}
        wanted = {name for form in forms for name in symbols(form) if name in parts}
        found: dict[str, Form] = {}
        stack = list(wanted)
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = self._definition(parts[name])
                stack.extend(other for other in symbols(found[name]) if other in parts)
        return {name: found[name] for name in self.context.names.values() if name in found}

    def _definition(self, node: Node) -> Form:
        context = self.context.without(node)
        return Writer(context, self.preferred).plain(node, first_letters(len(node.shape))).shown


def _reason(no_form: NoMatrixForm, index: IndexForms) -> str:
    """Why there is no matrix form, with the letters of the index form."""
    letters = index.written.get(no_form.node) if no_form.node is not None else None
    if letters is None:
        return str(no_form)
    *others, last = sorted(letters[label] for label in no_form.labels)
    return f"the indices {', '.join(others)} and {last} hang together, {TIED}"
