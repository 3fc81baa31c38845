"""An answer → the groups of its derivation, in indices and then in matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indexcalc.explanation.chain import Part, told_renamings
from indexcalc.explanation.collapse import Collapse
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Side
from indexcalc.explanation.terms import Atom, Factor, Slot, Term, Terms, merged, without_deltas
from indexcalc.forms.index import Letters, NoIndexForm
from indexcalc.forms.nodes import Form, Symbol
from indexcalc.forms.printed import Printed
from indexcalc.render.text import indices, text
from indexcalc.tensor.nodes import Node

MOST_TOKENS = 300
"""Tokens of a result up to which it is derived; a longer one stands in the answer only."""


class IndexStyle:
    """The derivation of one derivative: its parts, the whole, and what it is contracted with."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    # ------------------------------------------------------------------ the parts
    def part(self, part: Part) -> Iterator[Equation]:
        """What a part is, and its derivative by the rules that fire."""
        notation = self.notation
        name, shape = notation.names[part.node], part.node.shape
        left = Symbol(name, "", 0, part.letters)
        try:
            right = notation.definition(part)
        except NoIndexForm:  # its axes are groups of axes
            return
        sides = Side(text(left), part.letters, shape), Side(text(right), part.letters, shape)
        yield Equation("definition", left, right, told_definition(part), sides)
        kept = (*part.letters, *notation.by)
        lines = [(line.rule, line.terms, line.reason) for line in part.lines]
        yield from self._chain(notation.derivative_of(part), notation.left_text(part), kept, lines)

    def _chain(
        self, left: Form, stand_in: str, kept: Letters, lines: Iterable[tuple[str, Terms, str]]
    ) -> Iterator[Equation]:
        """One quantity, written in ever simpler ways."""
        notation = self.notation
        shape = tuple([notation.alphabet.sizes[letter] for letter in kept])
        before = Side(stand_in, kept, shape)
        shown: Form | None = left
        for rule, terms, reason in lines:
            after = Side(text(notation.checked(terms, kept)), kept, shape)
            yield Equation(rule, shown, notation.terms(terms, kept), reason, (before, after))
            before, shown = after, None

    # ------------------------------------------------------------------ the whole
    def whole(
        self, printed: Printed, left: Form, matrix_left: Form, stand_in: str, written: Terms | None, goes_on: bool
    ) -> Iterator[Equation]:
        """The result in indices as the engine writes it, where that is shorter than ``written``; then its collapse.
        ``goes_on``: what is written stands in the line before."""
        notation = self.notation
        shape = tuple(printed.node.shape)
        side = Side(stand_in + indices(printed.letters), printed.letters, shape)
        shown = None if goes_on else left
        indexed = printed.indexed_if_any
        is_whole = written is not None and not is_open(written)
        if (indexed is not None and indexed.tokens <= MOST_TOKENS) and (
            written is None or not is_whole or indexed.cost < notation.terms(written, printed.letters).cost
        ):
            reason = "the same, in the shortest way" if is_whole else "all derivatives are put in"
            yield Equation("collected", shown, indexed, reason, (side, Side(text(indexed), printed.letters, shape)))
            shown = None
        if printed.matrix is None or printed.matrix.tokens > MOST_TOKENS:
            return
        collapse = Collapse(notation)
        yield from collapse.equations(printed.node, shown, side)
        sides = Side(stand_in, None, shape), Side(text(printed.matrix), None, shape)
        yield Equation("matrix form", matrix_left, printed.matrix, collapse.last or _axes(printed.letters), sides)

    def contraction(
        self, left: Form, stand_in: str, vector: Node, at: Letters, kept: Letters, first: bool, reason: str
    ) -> tuple[Terms, list[Equation]]:
        """The derivative contracted with a cotangent on the left (``first``) or a direction on the right, whose axes
        have the letters ``at``."""
        notation = self.notation
        slot = Slot(notation.output, notation.letters)
        atoms: tuple[Atom, ...] = (Factor(vector, at), slot) if first else (slot, Factor(vector, at))
        terms: Terms = (Term(1, atoms),)
        lines = [("contraction", terms, reason)]
        known = notation.chain.derivative_at(slot)
        if known is not None:
            terms = tuple([terms[0].put(0 if not first else 1, term) for term in known])
            names = f"∂{notation.names.get(notation.output, notation.spelling)}/∂{notation.spelling}"
            lines.append(("chain rule", terms, f"{names} put in"))
            simpler = [without_deltas(term, kept, notation.alphabet.sizes) for term in terms]
            if any(done for _, done in simpler):
                terms = tuple(term for term, _ in simpler)
                lines.append(("delta contraction", terms, told_renamings(done for _, done in simpler)))
            if merged(terms) != terms:
                terms = merged(terms)
                lines.append(("like terms", terms, "like terms are added"))
        return terms, list(self._chain(left, stand_in + indices(kept), kept, lines))


def told_definition(part: Part) -> str:
    """What there is to say of a part in indices: which letters are summed, or that it works entry by entry."""
    letters = [x for term in part.definition for atom in term.atoms for x in atom.letters if x not in part.letters]
    found = list(dict.fromkeys(letters))
    if found:
        return f"in indices; {', '.join(found)} summed"
    if not part.lines:
        return "its entries are put in another order, and so are those of its derivative"
    return "entry by entry" if part.node.shape and part.node.entrywise else ""


def is_open(terms: Terms) -> bool:
    """Whether derivatives in these terms have not been worked out."""
    return any(isinstance(atom, Slot) for term in terms for atom in term.atoms)


def _axes(letters: Letters) -> str:
    match letters:
        case (row, column):
            return f"{row} is the row, {column} the column"
        case (row,):
            return f"{row} is the row"
    return ""
