"""terms → form, as they are shown and as they are read back."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from indexcalc.explanation.terms import Delta, Slot, Term, Terms
from indexcalc.forms import algebra
from indexcalc.forms.index import IndexForms, Scope, negated, summed
from indexcalc.forms.nodes import Derivative, Form, Number, Power, Product, Sum, Symbol
from indexcalc.tensor.nodes import Node, magnitude


class TermForms:
    """terms → form. ``variable`` and its letters stand below derivatives that have not been worked out; for those,
    ``stand_ins`` are names, where the form is to be read back."""

    def __init__(self, forms: IndexForms, variable: Symbol, names: Mapping[Node, str]) -> None:
        self.forms, self.variable, self.names = forms, variable, names

    def form(self, terms: Terms, kept: Collection[str], stand_ins: Mapping[Node, str] | None = None) -> Form:
        """The form of a sum of terms; letters that are not kept are summed."""
        if not terms:
            return Number(0)
        signed = [self._signed(term, kept, stand_ins) for term in terms]
        if len(signed) == 1 and signed[0][0] > 0:
            return signed[0][1]
        return Sum(tuple(signed)) if len(signed) > 1 else negated(signed[0][1])

    def _signed(self, term: Term, kept: Collection[str], stand_ins: Mapping[Node, str] | None) -> tuple[int, Form]:
        scope = Scope(term.letters().union(kept))
        sign = 1 if term.coefficient >= 0 else -1
        coefficient = magnitude(term.coefficient)
        above: list[Form] = []
        below: list[Form] = []
        counts: dict[str, int] = {}
        own = [*term.atoms]
        for place, atom in enumerate(own):
            atom_letters = atom.letters
            if isinstance(atom, Slot):
                atom_letters = (*atom.letters, *self.variable.letters)
                above.append(self._slot(atom, stand_ins, place == len(own) - 1))
            elif isinstance(atom, Delta):
                above.append(delta(*atom.letters))
            else:
                s, form, exponent = self.forms.factor(atom.node, atom.letters, scope)
                sign *= s
                if exponent < 0 and set(atom.letters) <= set(kept):
                    below.append(algebra.raised(form, -exponent) if exponent == -1 else Power(form, -exponent, False))
                elif exponent == 1 and isinstance(form, Product) and not form.divisors:
                    coefficient *= form.coefficient
                    above += form.factors
                else:
                    above.append(form if exponent == 1 else Power(form, exponent, False))
            for letter in atom_letters:
                counts[letter] = counts.get(letter, 0) + 1
        explicit = tuple([x for x, n in counts.items() if x not in kept and (n != 2 or x in scope.doubled)])
        if coefficient < 0:
            sign, coefficient = -sign, -coefficient
        return sign, summed(coefficient, explicit, above, below)

    def _slot(self, slot: Slot, stand_ins: Mapping[Node, str] | None, is_last: bool) -> Form:
        if stand_ins is not None:
            return Symbol(stand_ins[slot.node], "", 0, (*slot.letters, *self.variable.letters))
        return Derivative(Symbol(self.names[slot.node], "", 0, slot.letters), self.variable, is_last)


def delta(a: str, b: str) -> Symbol:
    """δ_ab, which is no name of the user's."""
    symbol = Symbol("delta", "", -1, (a, b))
    symbol.names = 0
    return symbol
