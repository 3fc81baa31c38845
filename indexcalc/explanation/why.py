"""Why a result looks as it does: whose row and column each index is, what stands where, what is transposed, which
layout, Jacobian or pullback, and how sizes would tell. In sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexcalc.explanation.notation import Notation
from indexcalc.explanation.terms import Atom, Factor, Opener, Term
from indexcalc.forms import algebra
from indexcalc.forms.index import Letters
from indexcalc.forms.matrix import NoMatrixForm
from indexcalc.forms.nodes import Form, Product, Symbol, Transpose
from indexcalc.forms.printed import Printed
from indexcalc.render.text import indices, text
from indexcalc.tensor.nodes import Node, Shape
from indexcalc.tensor.sums import Sum

ROW, COLUMN, SUMMED = "row", "column", ""

MATRICES = {
    (ROW, SUMMED): (False, "{name} has {k}, the row of the result, as its row: it stands left as it is."),
    (SUMMED, ROW): (
        True,
        "In {entry} the row index {j} is summed, and the column index {k} is the result's row: so {name} is "
        "transposed, {name}', and stands left.",
    ),
    (SUMMED, COLUMN): (False, "{name} has {k}, the column of the result, as its column: it stands right as it is."),
    (COLUMN, SUMMED): (
        True,
        "In {entry} the column index {j} is summed, and the row index {k} is the result's column: so {name} is "
        "transposed, {name}', and stands right.",
    ),
}
"""TABLE: for a matrix whose row and column index play these parts in the result, whether it is transposed, and why."""
RULE = (
    "Place rule: for A*W*B the pullback of G to W is A'*G*B'. What is left stays left, what is right stays right, both "
    "transposed"
)


class Result(NamedTuple):
    """A gradient or a pullback as it is written; ``vector`` is the cotangent's name, "" for the gradient of a scalar.
    ``jacobian`` is the matrix form of the Jacobian, if it has one."""

    printed: Printed
    letters: Letters
    vector: str
    jacobian: Form | None = None


class Why:
    """The reasons for one result."""

    def __init__(self, notation: Notation, result: Result, layout: str) -> None:
        self.notation, self.result, self.layout = notation, result, layout
        self.name, self.shape = notation.spelling, notation.wrt.shape
        self.output = notation.names.get(notation.output, notation.spelling)
        self.turned: list[str] = []
        """The matrices of which was told why they are transposed."""
        self.shown = "" if result.printed.matrix is None else text(result.printed.matrix)

    def sentences(self) -> Iterator[str]:
        """In the order of the questions that people ask."""
        form = self.result.printed.matrix
        if form is not None and self.shape:
            yield from self._axes(form)
            yield from self._place()
        yield from self._layout() if self.result.vector else self._gradient()
        if form is not None and len(self.shape) == 1:
            yield from self._unturned(form)
        elif form is not None and len(self.shape) == len(self._places) + 1 == 2:  # elsewhere it may have to be square
            yield from self._swapped(form)

    # ------------------------------------------------------------------ which index is whose
    def _axes(self, form: Form) -> Iterator[str]:
        letters = self.result.letters
        whose = "the gradient" if not self.result.vector else f"∂{self._loss}/∂{self.name}"
        if len(letters) == 2:
            yield f"{letters[0]} is the row and {letters[1]} the column of {self.name}, and so of {whose}."
        else:
            yield f"{letters[0]} is the index of {self.name}, a column, and so of {whose}."
        term = self._term()
        if term is None or not term.coefficient:
            return
        roles = dict(zip(letters, (ROW, COLUMN), strict=False))
        factors = [atom for atom in term.atoms if isinstance(atom, Factor) and atom.letters]
        tied = {x for factor in factors if len(factor.letters) == 2 for x in factor.letters}
        for letter, role in roles.items():
            vectors = [self._called(factor.node) for factor in factors if factor.letters == (letter,)]
            if vectors:
                yield self._vectors(vectors, letter, role, letter in tied)
        for factor in factors:
            if len(factor.letters) == 2:
                yield from self._matrix(factor, roles, form)
        if len(letters) == 1 and self.turned:
            yield from self._behind(factors, letters[0])
        if not any(isinstance(part, Transpose) for part in _parts(form)):
            yield "Nothing is transposed: every index stands already where the result needs it."

    @property
    def _loss(self) -> str:
        return self.notation.fresh("L")

    def _term(self) -> Term | None:
        """The one product that the result is; None for a sum."""
        notation, node = self.notation, self.result.printed.node
        if isinstance(node, Sum) and node not in notation.shown:
            chosen = notation.writer.matrices.chosen.get(node, node)
            node = node.primitive()[2] if chosen is None else chosen
        if isinstance(node, Sum):
            return None
        opener = Opener(notation.forms, notation.alphabet, notation.shown)
        opener.first = notation.letters
        (found,) = opener.terms(node, self.result.letters)
        return found

    def _vectors(self, vectors: Sequence[str], letter: str, role: str, scales: bool) -> str:
        many = len(vectors) > 1
        carry = f"{' and '.join(vectors)} {'carry' if many else 'carries'} {letter}, the "
        joined = "multiplied entry by entry, " if many else ""
        if len(self.shape) == 1:
            return f"{carry}index of {self.name}: {joined}a column, as {self.name}."
        if scales:
            return f"{carry}{role} index: {joined}it scales the {role}s."
        if role == ROW:
            return f"{carry}row index: {joined}a column, on the left."
        return f"{carry}column index: {joined}it lies along a row, transposed, on the right."

    def _matrix(self, factor: Factor, roles: dict[str, str], form: Form) -> Iterator[str]:
        first, second = factor.letters
        row = MATRICES.get((roles.get(first, SUMMED), roles.get(second, SUMMED)))
        name = self._called(factor.node)
        if row is None:
            return
        turned, sentence = row
        shown = {isinstance(part, Transpose) for part in _parts(form) if _is_named(part, name)}
        if shown == ({True, False} if turned else {False}):  # the name itself stands below its transpose
            self.turned += [name] if turned else []
            j, k = (first, second) if first not in roles else (second, first)
            yield sentence.format(name=name, entry=f"{name}{indices(factor.letters)}", j=j, k=k)

    def _behind(self, factors: Sequence[Factor], kept: str) -> Iterator[str]:
        """What the matrix that was turned is multiplied with."""
        summed = {letter for factor in factors for letter in factor.letters if letter != kept}
        vectors = [self._called(each.node) for each in factors if len(each.letters) == 1 and each.letters[0] != kept]
        if vectors and len(summed) == 1:
            many = len(vectors) > 1
            yield (
                f"{' and '.join(vectors)} {'carry' if many else 'carries'} {summed.pop()}, too: "
                f"{'multiplied entry by entry, ' if many else ''}beside {self.turned[0]}', on the right."
            )

    def _called(self, node: Node) -> str:
        """A factor in matrix notation; "" where it has none."""
        try:
            return text(self.notation.writer.matrices.signed_form(node)[1])
        except NoMatrixForm:
            return ""

    # ------------------------------------------------------------------ the place rule
    def _place(self) -> Iterator[str]:
        """What stands left of the variable stays left, transposed."""
        places = self._places
        products = [(term, atom) for term, atom in places if len(term.atoms) > 1]
        if len(places) > 1:
            yield f"{self.name} stands in {len(places)} places: the product rule gives a term for each."
        if products:
            here = self._beside(*products[0]) if len(places) == 1 else ""
            yield f"{RULE}; {here}" if here else f"{RULE}."

    @property
    def _places(self) -> list[tuple[Term, Atom]]:
        """Where the variable stands in products and sums, each with its term."""
        terms = [term for part in self.notation.chain.parts.values() for term in part.definition]
        return [(term, atom) for term in terms for atom in term.atoms if self._is_variable(atom)]

    def _is_variable(self, atom: Atom) -> bool:
        return isinstance(atom, Factor) and atom.node is self.notation.wrt

    def _beside(self, term: Term, place: Atom) -> str:
        sides = []
        for k, letter in enumerate(place.letters):
            others = [atom for atom in term.atoms if atom is not place and letter in atom.letters]
            called = [self._turned_to(atom, letter, k == 0) for atom in others if isinstance(atom, Factor)]
            sides.append(" and ".join(filter(None, called)) or "nothing")
        if set(sides) == {"nothing"}:
            return ""
        if len(sides) == 1:
            return f"here {sides[0]} is left of {self.name}."
        return f"here {sides[0]} is left of {self.name}, {sides[1]} right."

    def _turned_to(self, factor: Factor, letter: str, is_left: bool) -> str:
        """A factor as it stands left or right of what shares a letter with it; "" where it has no matrix form."""
        try:
            form = self.notation.writer.matrices.signed_form(factor.node)[1]
        except NoMatrixForm:
            return ""
        turned = factor.letters[-1 if is_left else 0] != letter or (is_left and len(factor.letters) == 1)
        return text(algebra.transpose(form) if turned else form)

    # ------------------------------------------------------------------ Jacobian, pullback, layout
    def _gradient(self) -> Iterator[str]:
        if self.shape:
            yield (
                f"The gradient of a scalar has the shape of {self.name}, {_times(self.shape)}, in every layout; "
                "textbooks print it so."
            )

    def _layout(self) -> Iterator[str]:
        notation, result = self.notation, self.result
        axes, shape = (*notation.letters, *notation.by), (*notation.output.shape, *self.shape)
        if self.shape:
            other = "" if self.layout == "numerator" else f" The answer below begins with those of {self.name}."
            yield (
                f"Layout: {self.layout}. In the Jacobian D{indices(axes)} ({_times(shape)}) the axes of {self.output} "
                f"come first.{other}"
            )
        form = result.printed.matrix
        if result.jacobian is not None and form is not None and _turned(form) and not _turned(result.jacobian):
            yield (f"In the Jacobian nothing is transposed: its rows are {self.output}'s, its columns {self.name}'s.")
        if self.shape:
            yield (
                f"Textbooks print the pullback, which has the shape of {self.name}, and not the Jacobian; for "
                f"{result.vector} = 1 they write d{self.output}/d{self.name}."
            )

    # ------------------------------------------------------------------ sizes
    def _swapped(self, form: Form) -> Iterator[str]:
        """How sizes tell a product from its transpose."""
        rows, columns = self.shape
        if not (isinstance(form, Product) and form.operator == "*"):
            return
        other = text(algebra.transpose(form))
        if rows == columns:
            yield (
                f"Sizes: {self.name} is {rows} x {columns}, so {other} fits too, and is wrong: if {self.name} were "
                "3 x 2, it would be 2 x 3."
            )
        else:
            yield (
                f"Sizes: {self.shown} is {rows} x {columns}, as {self.name}; {other} would be {columns} x {rows}. For "
                f"a square {self.name} both fit: tell them apart with {rows} = 3, {columns} = 2."
            )

    def _unturned(self, form: Form) -> Iterator[str]:
        """How sizes tell a matrix from its transpose."""
        if not _turned(form):
            yield f"Sizes: everything here has {self.shape[0]} entries, as {self.name}; there is no side to mistake."
        shapes = {i.name: i.shape for i in self.notation.derivation.task.inputs}
        names = [name for name in self.turned if name in shapes]
        if not names:
            return
        name = names[0]
        rows, columns = shapes[name]
        enough = f", as many as {self.name} has" if columns == self.shape[0] else ""
        if rows == columns:
            yield (
                f"Sizes: {name} is {rows} x {columns}, so {name} in place of {name}' fits too, and is wrong: if {name} "
                f"were 3 x 2, only {name}' would take 3 entries to 2."
            )
        else:
            yield (
                f"Sizes: {name}' takes {rows} entries to {columns}{enough}; {name} itself would fit only for "
                f"{rows} = {columns}: tell them apart with {rows} = 3, {columns} = 2."
            )


def _times(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def _parts(form: Form) -> Iterator[Form]:
    stack = [form]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(part.parts)


def _turned(form: Form) -> bool:
    return any(isinstance(part, Transpose) for part in _parts(form))


def _is_named(part: Form, name: str) -> bool:
    body = part.parts[0] if isinstance(part, Transpose) else part
    return isinstance(body, Symbol) and body.name == name
