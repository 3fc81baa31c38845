"""The derivative of an expression as a person writes it: from its inner parts to the whole, by the rules that the
engine has: one for each kind of tensor, and the tables of functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from indexcalc.calculus.derivative import dependents, slopes
from indexcalc.explanation.terms import (
    Alphabet,
    Atom,
    Delta,
    Factor,
    Opener,
    Renaming,
    Slot,
    Term,
    Terms,
    linked,
    merged,
    size,
    with_one_sigmoid,
    without_deltas,
)
from indexcalc.forms.context import Context
from indexcalc.forms.index import Letters
from indexcalc.forms.matrix import MatrixForms
from indexcalc.render.text import indices, text
from indexcalc.tensor.elementwise import Apply, Function, apply
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import MatrixFunction
from indexcalc.tensor.nodes import Node, Rational, Variable, variable
from indexcalc.tensor.product import Power

MOST_NAMES = 3
"""Names that a reason lists."""
LONGEST = 9
"""Factors of a derivative that is put in where it is used; a longer one keeps its sign there."""


class Line(NamedTuple):
    """The derivative of a part, written in one more way: by which rules, and why it equals the line before."""

    rule: str
    terms: Terms
    reason: str


class Part(NamedTuple):
    """A part with a name: the letters of its axes, what it is, and its derivative in ever simpler ways."""

    node: Node
    letters: Letters
    definition: Terms
    lines: tuple[Line, ...]

    @property
    def derivative(self) -> Terms:
        return self.lines[-1].terms


@dataclass
class Fired:
    """The rules that the derivative of a part has needed so far, and what is said of them."""

    node: Node
    rules: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    def rule(self, name: str, why: str = "") -> None:
        for known, new in ((self.rules, name), (self.why, why)):
            if new and new not in known:
                known.append(new)

    @property
    def reason(self) -> str:
        rules = ", ".join(self.rules).replace("sum rule, product rule", "sum, product rule")
        return ": ".join(filter(None, (rules, "; ".join(self.why))))


class Chain:
    """The derivatives of named parts by a variable. ``names`` are those of the parts, inner ones first; ``by`` are the
    letters of the variable's axes, ``letters`` those of the output's."""

    def __init__(
        self,
        output: Node,
        variable: Variable,
        names: Mapping[Node, str],
        alphabet: Alphabet,
        by: Letters,
        letters: Letters,
        opener: Opener,
    ) -> None:
        self.output, self.variable, self.names, self.by = output, variable, names, by
        self.alphabet, self.opener, self.letters = alphabet, opener, letters
        self.depends = set(dependents(output, (variable,)))
        self.parts: dict[Node, Part] = {}
        for node in names:
            self.parts[node] = self._part(node)

    # ------------------------------------------------------------------ one part
    def _part(self, node: Node) -> Part:
        letters = self.letters if node is self.output else self.alphabet.axes(node, self.letters, self.by)
        if isinstance(node, Flatten | Split):
            return Part(node, letters, (Term(1, (Factor(node, letters),)),), ())
        definition = self.opener.terms(node, letters, self.by, whole=True)
        return Part(node, letters, definition, tuple(self._lines(node, letters, definition)))

    def _lines(self, node: Node, letters: Letters, definition: Terms) -> Iterator[Line]:
        kept = {*letters, *self.by}
        fired = Fired(node)
        if len(definition) > 1:
            fired.rule("sum rule")
        terms = tuple(self._product_rule(definition, kept, fired))
        if any(isinstance(atom_node(atom), MatrixFunction) for term in definition for atom in term.atoms):
            terms = tuple([term._replace(atoms=linked(term.atoms, letters)) for term in terms])
        if len(fired.rules) > 1 or "product rule" in fired.rules or len(definition) > 1:
            fired.why += self._changing(terms)
        reason = fired.reason if terms else f"it does not depend on {self.variable.name}"
        yield Line(", ".join(fired.rules) or "constant", terms, reason)
        known, reasons = self._put_in(terms, kept)
        if known != terms:
            terms = known
            yield Line(
                "chain rule" if any("inner" in reason for reason in reasons) else "independent entries",
                terms,
                "; ".join(reasons),
            )
        simpler = [without_deltas(term, kept, self.alphabet.sizes) for term in terms]
        if any(done for _, done in simpler):
            terms = tuple(term for term, _ in simpler)
            yield Line("delta contraction", terms, told_renamings(done for _, done in simpler))
        if merged(terms) != terms:
            yield Line("like terms", merged(terms), "like terms are added")

    def _changing(self, terms: Terms) -> list[str]:
        """What changes with the variable, in words."""
        slots = [atom.node for term in terms for atom in term.atoms if isinstance(atom, Slot)]
        names = list(dict.fromkeys(self.names.get(node, self.variable.name) for node in slots))
        if not names or len(names) > MOST_NAMES:
            return []
        return [f"only {' and '.join(names)} change{'s' if len(names) == 1 else ''}"]

    # ------------------------------------------------------------------ rules
    def _product_rule(self, definition: Terms, kept: set[str], fired: Fired) -> Iterator[Term]:
        for term in definition:
            changing = [k for k, atom in enumerate(term.atoms) if atom_node(atom) in self.depends]
            if len(term.atoms) > 1 and changing:
                fired.rule("product rule", "each factor in turn" if len(changing) > 1 else "")
            for place in changing:
                atom = term.atoms[place]
                assert isinstance(atom, Factor)
                for inner in self._of_factor(atom, term.letters() | kept, fired):
                    yield term.put(place, inner)

    def _of_factor(self, factor: Factor, used: set[str], fired: Fired) -> Iterator[Term]:
        """The derivative of one factor, by the rule of its kind."""
        node, letters = factor
        if node is self.variable or (node in self.names and node is not fired.node):
            yield Term(1, (Slot(node, letters),))
        elif isinstance(node, MatrixFunction):
            fired.rule(f"derivative of {node.name}", MATRIX_RULES[node.name])
            child = node.children[0]
            own: list[str] = []
            for dimension in child.shape:
                own.append(self.alphabet.fresh(dimension, {*used, *own}))
            for each in node.jacobian():
                slope = self.opener.single(each, (*letters, *own), {*used, *own})
                yield from self._times(slope, Factor(child, tuple(own)), used, fired)
        elif isinstance(node, Apply | Power):
            fired.rule("outer derivative", elementwise_rule(node))
            for child, each in slopes(node):
                if child in self.depends:
                    yield from self._times(self.opener.single(each, letters, used), Factor(child, letters), used, fired)
        else:
            yield from self._product_rule(self.opener.terms(node, letters, used, whole=True), used, fired)

    def _times(self, slope: Term, child: Factor, used: set[str], fired: Fired) -> Iterator[Term]:
        """The slope of a function times the derivative of what it is taken of."""
        for inner in self._of_factor(child, used | slope.letters(), fired):
            yield Term(slope.coefficient * inner.coefficient, slope.atoms + inner.atoms)

    # ------------------------------------------------------------------ what is known is put in
    def _put_in(self, terms: Terms, kept: set[str]) -> tuple[Terms, list[str]]:
        """The terms with every known derivative in its place, and what was put in."""
        reasons: dict[str, None] = {}
        done: list[Term] = []
        waiting = list(reversed(terms))
        while waiting:
            term = waiting.pop()
            slots = [k for k, atom in enumerate(term.atoms) if isinstance(atom, Slot) and self._is_short(atom.node)]
            if not slots:
                done.append(term)
                continue
            slot = term.atoms[slots[0]]
            assert isinstance(slot, Slot)
            reasons.setdefault(self._told_known(slot.node))
            waiting += reversed([term.put(slots[0], inner) for inner in self._known(slot, term.letters() | kept)])
        return tuple(done), list(reasons)

    def _told_known(self, node: Node) -> str:
        name = self.variable.name
        if node is not self.variable:
            return f"inner derivative ∂{self.names[node]}/∂{name} put in"
        return f"the entries of {name} are independent" if self.by else f"∂{name}/∂{name} = 1"

    def derivative_at(self, slot: Slot) -> Terms | None:
        """The derivative of an entry, if it has been worked out and is short."""
        if not self._is_short(slot.node):
            return None
        return tuple(self._known(slot, {*slot.letters, *self.by}))

    def _is_short(self, node: Node) -> bool:
        part = self.parts.get(node)
        return node is self.variable or (part is not None and bool(part.lines) and size(part.derivative) <= LONGEST)

    def _known(self, slot: Slot, used: set[str]) -> Iterator[Term]:
        """The derivative of an entry whose derivative is known."""
        if slot.node is self.variable:
            yield Term(1, tuple([Delta(pair) for pair in zip(slot.letters, self.by, strict=True)]))
            return
        part = self.parts[slot.node]
        names = dict(zip(part.letters, slot.letters, strict=True))
        for term in part.derivative:
            fresh = dict(names)
            taken = {*used, *names.values()}
            for letter in sorted(term.letters() - set(names) - set(self.by)):
                fresh[letter] = letter
                if letter in taken:
                    fresh[letter] = self.alphabet.fresh(self.alphabet.sizes[letter], taken | term.letters())
                taken.add(fresh[letter])
            yield term.renamed(fresh)


def atom_node(atom: Atom) -> Node | None:
    return None if isinstance(atom, Delta) else atom.node


def told_renamings(done: Iterable[Sequence[Renaming]]) -> str:
    """``δ_ik renames i to k, δ_jl renames j to l``"""
    return ", ".join(dict.fromkeys(_told(each) for term in done for each in term))


def _told(done: Renaming) -> str:
    shown = f"δ{indices(done.letters)}"
    if not done.gone:
        return f"{shown} is 1 for each {done.kept}" if done.counted == "" else f"{shown}, summed, is {done.counted}"
    return f"{shown} renames {done.gone} to {done.kept}"


MATRIX_RULES = {
    "inv": "∂inv(A) = -inv(A) ∂A inv(A)",
    "det": "∂det(A)/∂A_kl = det(A) inv(A)_lk",
    "logdet": "∂logdet(A)/∂A_kl = inv(A)_lk",
    "softmax": "∂s_i/∂u_k = s_i (δ_ik - s_k)",
}
"""What is said of the rule of each function of a whole tensor."""


def elementwise_rule(node: Node) -> str:
    """What is said of the rule of an elementwise node: ``tanh' = 1 - tanh^2``, ``(u^3)' = 3 u^2``."""
    if isinstance(node, Apply):
        return function_rule(node.function)
    assert isinstance(node, Power)
    if node.exponent is None:
        return "(u^v)' = v u^(v-1) u' + log(u) u^v v'"
    if node.exponent == 2:
        return "(u^2)' = 2 u"
    number = "-" if node.exponent == -1 else f"{node.exponent} "
    return f"(u^{_exponent(node.exponent)})' = {number}u^{_exponent(node.exponent - 1)}"


def _exponent(value: Rational) -> str:
    return str(value) if value.denominator == 1 else f"({value})"


def function_rule(function: Function) -> str:
    """``tanh' = 1 - tanh^2``, from the function's own row of the table."""
    u = variable("u", ())
    derivative = with_one_sigmoid(function.derivative(u, apply(function, u)), {u})
    slope = text(MatrixForms(Context({"u": 0})).form(derivative))
    shorter = slope.replace("(u)", "")
    return f"{function.name}'(u) = {slope}" if re.search(r"\bu\b", shorter) else f"{function.name}' = {shorter}"
