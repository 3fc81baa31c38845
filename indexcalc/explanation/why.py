"""Why a result looks as it does: whose row and column each index is, what stands where, what is transposed, which
layout, Jacobian or pullback, and how sizes would tell. Sentences from flat tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexcalc.explanation.chain import Part
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.terms import Factor, Slot, Term
from indexcalc.forms import algebra
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Form, Product, Symbol, Transpose
from indexcalc.forms.printed import Printed
from indexcalc.render.text import indices, text
from indexcalc.tensor.nodes import Dimension, Node, Shape, Variable
from indexcalc.tensor.sums import Sum

ROW, COLUMN, SUMMED = "row", "column", "summed"

MATRICES = {
    (ROW, SUMMED): (False, "{name} carries {k}, the row of the result, as its row: it stands left as it is"),
    (SUMMED, ROW): (
        True,
        "in {entry} the row index {j} is summed and the column index {k} is the row of the result: so {name} is "
        "transposed, {name}', and stands left",
    ),
    (SUMMED, COLUMN): (False, "{name} carries {k}, the column of the result, as its column: it stands right as it is"),
    (COLUMN, SUMMED): (
        True,
        "in {entry} the column index {j} is summed and the row index {k} is the column of the result: so {name} is "
        "transposed, {name}', and stands right",
    ),
}
"""TABLE: for a matrix whose two indices play these parts in the result, whether it is transposed, and what is said."""


class Result(NamedTuple):
    """A gradient or a pullback in its matrix form; ``letters`` are those of the variable's axes."""

    printed: Printed
    letters: Letters
    vector: str
    """The cotangent's name; "" for the gradient of a scalar."""


class Why:
    """The reasons for one result."""

    def __init__(self, notation: Notation, result: Result, layout: str) -> None:
        self.notation, self.result, self.layout = notation, result, layout
        self.name = notation.spelling
        self.shape = notation.wrt.shape
        self.output = notation.names.get(notation.output, notation.spelling)
        self.below = self.name + indices(result.letters)

    def sentences(self) -> Iterator[str]:
        """In the order of the questions that people ask."""
        form = self.result.printed.matrix
        if form is not None and self.shape:
            yield from self._axes(form)
            yield from self._place()
        yield from self._textbook(form)
        if form is not None and self.shape:
            yield from self._sizes(form)

    # ------------------------------------------------------------------ which index is whose
    def _axes(self, form: Form) -> Iterator[str]:
        letters = self.result.letters
        loss = "the gradient" if not self.result.vector else f"∂L/∂{self.name}"
        if len(letters) == 2:
            yield f"{loss} has the shape of {self.name}: {letters[0]} is its row, {letters[1]} its column."
        else:
            yield f"{loss} has the shape of {self.name}, a column: {letters[0]} is its row."
        term = self._term()
        if term is None:
            return
        roles = dict(zip(letters, (ROW, COLUMN), strict=False))
        factors = [atom for atom in term.atoms if isinstance(atom, Factor) and atom.letters]
        on_matrix = {x for factor in factors if len(factor.letters) == 2 for x in factor.letters}
        for letter, role in roles.items():
            vectors = [self._called(factor.node) for factor in factors if factor.letters == (letter,)]
            if vectors:
                yield self._vectors(vectors, letter, role, letter in on_matrix, len(letters) == 2)
        for factor in factors:
            if len(factor.letters) == 2:
                yield from self._matrix(factor, roles, form)
        if not any(isinstance(part, Transpose) for part in _parts(form)):
            yield "nothing is transposed: every index stands already where the result needs it."

    def _term(self) -> Term | None:
        """The one product that the result is; None for a sum."""
        node = self.result.printed.node
        matrices = self.notation.writer.matrices
        if isinstance(node, Sum) and node not in self.notation.shown:
            chosen = matrices.chosen.get(node, node)
            node = node.primitive()[2] if chosen is None else chosen
        if isinstance(node, Sum):
            return None
        found = self.notation.chain.opener.terms(node, self.result.letters)
        return found[0] if len(found) == 1 else None

    def _vectors(self, vectors: Sequence[str], letter: str, role: str, scales: bool, is_matrix: bool) -> str:
        shown, many = " and ".join(vectors), len(vectors) > 1
        carry = f"{shown} {'carry' if many else 'carries'} {letter}, the {role} index of {self.name}"
        joined = ", multiplied entry by entry (.*)" if many else ""
        if not is_matrix:
            return f"{carry}{joined}: a column like {self.name}."
        if role == ROW:
            return f"{carry}{joined}: {'it scales the rows' if scales else 'a column, which stands left'}."
        if scales:
            return f"{carry}{joined}: it scales the columns."
        turned = f"{vectors[0]}'" if not many else "a row"
        return f"{carry}{joined}: so it lies along a row, transposed ({turned}), and stands right, last."

    def _matrix(self, factor: Factor, roles: dict[str, str], form: Form) -> Iterator[str]:
        first, second = factor.letters
        row = MATRICES.get((roles.get(first, SUMMED), roles.get(second, SUMMED)))
        name = self._called(factor.node)
        if row is None or not name.isidentifier():
            return
        turned, sentence = row
        shown = {isinstance(part, Transpose) for part in _parts(form) if _is_named(part, name)}
        if shown == ({True, False} if turned else {False}):  # the name stands below its transpose
            j, k = (first, second) if first not in roles else (second, first)
            yield sentence.format(name=name, entry=f"{name}{indices(factor.letters)}", j=j, k=k) + "."

    def _called(self, node: Node) -> str:
        """A factor in matrix notation."""
        return text(self.notation.writer.matrices.signed_form(node)[1])

    # ------------------------------------------------------------------ the place rule
    def _place(self) -> Iterator[str]:
        """What stands left of the variable stays left, transposed."""
        for part in self.notation.chain.parts.values():
            for term in part.definition:
                places = [a for a in term.atoms if isinstance(a, Factor) and a.node is self.notation.wrt]
                if len(places) == 1 and len(term.atoms) > 1 and not any(isinstance(a, Slot) for a in term.atoms):
                    yield self._placed(part, term, places[0])
                    return

    def _placed(self, part: Part, term: Term, place: Factor) -> str:
        sides = []
        for letter in place.letters:
            beside = [a for a in term.atoms if isinstance(a, Factor) and a is not place and letter in a.letters]
            sides.append(" ".join(self._called(a.node) for a in beside))
        rule = "place rule: in A*W*B with G from above the gradient is A'*G*B'. What stands left of W stays left, transposed; what stands right stays right, transposed."
        if len(sides) == 1:
            return f"{rule} Here {sides[0]} stands left of {self.name}." if sides[0] else rule
        left, right = sides
        here = f"{left} stands left" if left else "nothing stands left"
        return f"{rule} Here {here} of {self.name}, {right or 'nothing'} right."

    # ------------------------------------------------------------------ Jacobian, pullback, layout
    def _textbook(self, form: Form | None) -> Iterator[str]:
        notation = self.notation
        axes = (*notation.letters, *notation.by)
        shape = " x ".join(map(str, (*notation.output.shape, *self.shape))) or "a scalar"
        if not self.result.vector:
            if self.shape:
                yield f"a gradient of a scalar has the shape of {self.name}, {shape}, in every layout; textbooks print it so."
            return
        order = f"first the axes of {self.output} ({', '.join(notation.letters)}), then those of {self.name} ({', '.join(notation.by) or 'none'})"
        yield f"layout: {self.layout}. D{indices(axes)} = ∂{self.output}/∂{self.name} is {shape}: {order}."
        shown = f"{text(form)}, " if form is not None else ""
        yield (
            f"textbooks and backpropagation print the pullback, {shown}of the shape of {self.name}, "
            f"not the Jacobian; with {self.result.vector} = 1 it is what they call d{self.output}/d{self.name}."
        )

    # ------------------------------------------------------------------ sizes
    def _sizes(self, form: Form) -> Iterator[str]:
        if len(self.shape) == 2:
            yield from self._swapped(form)
        else:
            yield from self._unturned(form)

    def _swapped(self, form: Form) -> Iterator[str]:
        rows, columns = self.shape
        other = text(algebra.transpose(form))
        if not (isinstance(form, Product) and form.operator == "*"):
            return
        if rows == columns:
            yield (
                f"sizes: {self.name} is {rows} x {columns}, so {other} fits, too, and is wrong. Let {self.name} have 3 rows "
                f"and 2 columns: {text(form)} is then 3 x 2, {other} is 2 x 3."
            )
        else:
            yield (
                f"sizes: {self.name} is {rows} x {columns}, as {text(form)}; {other} is {columns} x {rows}. For {rows} = {columns} both would "
                f"fit: so give {self.name} as many rows as columns only when it must be square."
            )

    def _unturned(self, form: Form) -> Iterator[str]:
        for part in _parts(form):
            if isinstance(part, Transpose) and isinstance(part.parts[0], Symbol) and part.parts[0].kind == "M":
                name = part.parts[0].name
                rows, columns = self._shape_of(name)
                if rows == columns:
                    yield (
                        f"sizes: {name} is {rows} x {columns}, so {name} instead of {name}' fits, too, and is wrong. Let "
                        f"{self.output} have 3 entries and {self.name} 2: then {name} is 3 x 2, and only {name}' takes 3 entries to 2."
                    )
                else:
                    yield (
                        f"sizes: {name} is {rows} x {columns}, {name}' takes {rows} entries to {columns}, as many as {self.name} has; {name} "
                        f"itself would fit only for {rows} = {columns}."
                    )
                return
        yield f"sizes: everything has {' x '.join(map(str, self.shape))} entries, as {self.name}: no order to mistake."

    def _shape_of(self, name: str) -> Sequence[Dimension]:
        shapes: dict[str, Shape] = {i.name: i.shape for i in self.notation.derivation.task.inputs}
        shapes |= {given: node.shape for node, given in self.notation.shown.items()}
        return shapes[name]


def _parts(form: Form) -> Iterator[Form]:
    stack = [form]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(part.parts)


def _is_named(part: Form, name: str) -> bool:
    body = part.parts[0] if isinstance(part, Transpose) else part
    return isinstance(body, Symbol) and body.name == name
