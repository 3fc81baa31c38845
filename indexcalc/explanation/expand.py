"""A derivation written entry by entry, for small sizes: every scalar equation, equal factors with one letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from indexcalc.calculus.derivative import jacobian
from indexcalc.errors import IndexcalcError
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Group, addends
from indexcalc.explanation.term_forms import TermForms
from indexcalc.explanation.terms import Delta, Slot, Term, Terms
from indexcalc.forms.index import Letters
from indexcalc.forms.nodes import Derivative, Form, Number, Symbol
from indexcalc.numeric.arithmetic import PRIMES, Floats, Residues
from indexcalc.numeric.certificate import CLOSE, NO_VALUE
from indexcalc.numeric.evaluation import Evaluation
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node

MOST_EQUATIONS = 120
DEFAULT = 2
"""The size of a symbol that none is given for."""
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def sizes_of(notation: Notation, given: Sequence[int]) -> dict[str, int]:
    """A number for each size symbol, in the order of the declarations. Raises IndexcalcError E404."""
    shapes = [i.shape for i in notation.derivation.task.inputs]
    symbols = list(
        dict.fromkeys(part for shape in shapes for d in shape for part in str(d).split("*") if not part.isdigit())
    )
    if len(given) > len(symbols) or min(given) < 1:
        shown = f"{len(symbols)}: {', '.join(symbols)}" if symbols else "none"
        raise IndexcalcError("E404", f"sizes to expand for are positive, one for each symbol; there are {shown}")
    return {symbol: given[k] if k < len(given) else DEFAULT for k, symbol in enumerate(symbols)}


class Expanded:
    """The scalar equations of one derivation."""

    def __init__(self, notation: Notation, sizes: Mapping[str, int]) -> None:
        self.notation, self.sizes = notation, sizes
        kinds = {i.name: i.structure for i in notation.derivation.task.inputs}
        self.at, self.floats = (Evaluation(by, sizes, kinds, 1) for by in (Residues(PRIMES[0]), Floats()))
        self.tags: dict[str, str] = {}
        self.count = 0

    def groups(self, place: int) -> Iterator[Group]:
        """The parts, then the derivative of the whole; those of parts only where they are not put in."""
        notation = self.notation
        parts = list(notation.chain.parts.values())
        wanted = {notation.output}
        for part in reversed(parts):
            if part.node in wanted and part.lines:
                wanted |= {atom.node for term in part.derivative for atom in term.atoms if isinstance(atom, Slot)}
        heading = "Entry by entry, for " + ", ".join(f"{symbol} = {size}" for symbol, size in self.sizes.items())
        heading += "; equal factors have one letter"
        for part in parts:
            name = notation.names[part.node]
            lines = list(self.equations(Symbol(name, "", 0), part.definition, part.letters, part.node))
            yield Group(heading, lines, name, place)
        for part in parts:
            if part.node in wanted and part.lines:
                name = notation.names[part.node]
                derivative = jacobian(part.node, notation.wrt)
                letters = (*part.letters, *notation.by)
                lines = list(
                    self.equations(Symbol(name, "", 0), part.derivative, letters, derivative, len(part.letters))
                )
                yield Group(f"The derivative of {name}, entry by entry", lines, name, place)

    def equations(
        self, name: Symbol, terms: Terms, letters: Letters, node: Node, above: int | None = None
    ) -> Iterator[Equation]:
        """An equation for each entry of a tensor; of a derivative, whose first ``above`` letters are the output's.
        Raises IndexcalcError."""
        ranges = [range(1, self.at.dimension(d) + 1) for d in node.shape]
        self.count += prod(map(len, ranges))
        if self.count > MOST_EQUATIONS:
            raise IndexcalcError("E404", f"these are more than {MOST_EQUATIONS} equations", help="take smaller sizes")
        for place, numbers in enumerate(product(*ranges)):
            entry = dict(zip(letters, map(str, numbers), strict=True))
            by = () if above is None else tuple(entry.values())[above:]
            written = self.notation.forms if above is not None else self.notation.forms_without(node)
            forms = TermForms(written, Symbol(self.notation.wrt.name, "", 0, by), self.notation.named)
            found = [each for term in terms for each in self._entries(term, entry)]
            self._check(found, node, place, by)
            kept = {letter for term in found for letter in term.letters()}.union(by)
            left, right = self._left(name, tuple(entry.values()), above), forms.form(tuple(found), kept)
            yield Equation("entry", left, right, self._lettered(right), None, self.tags)

    def _left(self, name: Symbol, numbers: Letters, above: int | None) -> Form:
        if above is None:
            return Symbol(name.name, "", 0, numbers)
        below = Symbol(self.notation.wrt.name, "", 0, numbers[above:])
        return Derivative(Symbol(name.name, "", 0, numbers[:above]), below, True)

    def _lettered(self, form: Form) -> str:
        """``a b + a c``: a form with a letter for each of its factors."""
        shown = ""
        for place, (sign, number, factors) in enumerate(addends(form)):
            letters = [self._tag(text(factor)) for factor in factors if not isinstance(factor, Number)]
            joint = ("-" if sign < 0 else "") if not place else " - " if sign < 0 else " + "
            shown += joint + " ".join([str(number)] * (number != 1) + letters)
        return shown

    def _tag(self, factor: str) -> str:
        k = len(self.tags)
        return self.tags.setdefault(factor, ALPHABET[k % 26] + (str(k // 26) if k >= 26 else ""))

    def _entries(self, term: Term, entry: Mapping[str, str]) -> Iterator[Term]:
        """A term for these values of the free letters and for all of the others; a delta of different ones is 0."""
        summed = sorted(term.letters() - set(entry))
        alphabet = self.notation.alphabet
        ranges = [range(1, self.at.dimension(alphabet.sizes[letter]) + 1) for letter in summed]
        for numbers in product(*ranges):
            found = term.renamed({**entry, **dict(zip(summed, map(str, numbers), strict=True))})
            deltas = [atom.letters for atom in found.atoms if isinstance(atom, Delta)]
            if all(a == b for a, b in deltas):
                yield found._replace(atoms=tuple([atom for atom in found.atoms if not isinstance(atom, Delta)]))

    # ------------------------------------------------------------------ the certificate
    def _check(self, terms: Sequence[Term], node: Node, place: int, by: Letters) -> None:
        """The terms add up to the entry of the tensor, modulo a prime or in floats. Raises IndexcalcError E490."""
        try:
            found, expected = self._sums(terms, node, place, by, self.at)
            if found == expected:
                return
            found, expected = self._sums(terms, node, place, by, self.floats)
            if abs(found - expected) <= CLOSE * max(1, abs(expected)):
                return
        except NO_VALUE:
            return
        raise IndexcalcError("E490", "an entry of the expansion does not hold", help="please report it")

    def _sums(self, terms: Sequence[Term], node: Node, place: int, by: Letters, at: Evaluation) -> tuple[Any, Any]:
        """The sum of the terms, and the entry of the tensor, at a point."""
        total = sum([self._value(term, by, at) for term in terms])
        found, expected = at.arithmetic.reduced([total, at.value(node)[place]])
        return found, expected

    def _value(self, term: Term, by: Letters, at: Evaluation) -> Any:
        found = at.arithmetic.number(term.coefficient)
        for atom in term.atoms:
            assert not isinstance(atom, Delta)
            node, numbers = atom.node, [int(letter) - 1 for letter in atom.letters]
            if isinstance(atom, Slot):
                node = jacobian(node, self.notation.wrt)
                numbers += [int(letter) - 1 for letter in by]
            entry = 0
            for number, size in zip(numbers, at.shape(node.shape), strict=True):
                entry = entry * size + number
            (found,) = at.arithmetic.reduced([found * at.value(node)[entry]])
        return found
