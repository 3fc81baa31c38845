"""The derivative of an expression as a person writes it: from its inner parts to the whole, by the rules that the
engine has: one for each kind of tensor, and the tables of functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    merged,
    size,
    without_deltas,
)
from indexcalc.forms.context import Context
from indexcalc.forms.index import Letters
from indexcalc.forms.matrix import MatrixForms
from indexcalc.render.text import indices, text
from indexcalc.tensor.elementwise import Apply, Function, apply
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import MatrixFunction
from indexcalc.tensor.nodes import Node, Variable, variable
from indexcalc.tensor.product import Einsum, Power

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
        self._opened: Node = output
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
        rules: list[str] = []
        reasons: list[str] = []
        self._opened = node
        terms = tuple(self._product_rule(definition, kept, rules, reasons))
        if len(definition) > 1:
            rules.insert(0, "sum rule")
            reasons.insert(0, self._constants(definition))
        yield Line(
            ", ".join(dict.fromkeys(rules)) or "constant", terms, "; ".join(filter(None, dict.fromkeys(reasons)))
        )
        known, reasons = self._put_in(terms, kept)
        if known != terms:
            terms = known
            yield self._line_put_in(terms, list(dict.fromkeys(reasons)))
        simpler = [without_deltas(term, kept, self.alphabet.sizes) for term in terms]
        if any(done for _, done in simpler):
            terms = tuple(term for term, _ in simpler)
            told = dict.fromkeys(told_renaming(done) for _, each in simpler for done in each)
            yield Line("delta contraction", terms, "; ".join(told))
        if merged(terms) != terms:
            yield Line("like terms", merged(terms), "like terms are added")

    def _line_put_in(self, terms: Terms, reasons: list[str]) -> Line:
        """What is known is put in: inner derivatives, and those of the variable by itself."""
        own = [reason for reason in reasons if "=" in reason]
        rest = [reason for reason in reasons if "=" not in reason]
        if own:
            why = "" if not self.by else f": each entry of {self.variable.name} changes on its own"
            rest.append(", ".join(own) + why)
        return Line("chain rule" if len(rest) > len(own[:1]) else "independent entries", terms, "; ".join(rest))

    def _constants(self, definition: Terms) -> str:
        """Which terms do not depend on the variable."""
        constant = [term for term in definition if not any(atom_node(a) in self.depends for a in term.atoms)]
        names = [
            self.names.get(a.node) or getattr(a.node, "name", "")
            for t in constant
            for a in t.atoms
            if isinstance(a, Factor)
        ]
        shown = ", ".join(dict.fromkeys(filter(None, names)))
        if not constant or not shown:
            return "term by term"
        verb = "does" if "," not in shown else "do"
        return f"term by term; {shown} {verb} not depend on {self.variable.name}"

    # ------------------------------------------------------------------ rules
    def _product_rule(self, definition: Terms, kept: set[str], rules: list[str], reasons: list[str]) -> Iterator[Term]:
        for term in definition:
            changing = [k for k, atom in enumerate(term.atoms) if atom_node(atom) in self.depends]
            if len(term.atoms) > 1 and changing:
                rules.append("product rule")
                if len(changing) > 1:
                    reasons.append("one factor after the other changes")
                elif len(definition) == 1:
                    shown = self._called(term.atoms[changing[0]])
                    reasons.append(f"only {shown} depends on {self.variable.name}; the rest stays" if shown else "")
            for place in changing:
                atom = term.atoms[place]
                assert isinstance(atom, Factor)
                used = term.letters() | kept
                for inner in self._of_factor(atom, used, rules, reasons):
                    yield term.put(place, inner)

    def _called(self, atom: Atom) -> str:
        node = atom_node(atom)
        assert node is not None
        return self.names.get(node) or (node.name if isinstance(node, Variable) else "one factor")

    def _of_factor(self, factor: Factor, used: set[str], rules: list[str], reasons: list[str]) -> Iterator[Term]:
        """The derivative of one factor, by the rule of its kind."""
        node, letters = factor
        if node is self.variable or (node in self.names and node is not self._opened):
            yield Term(1, (Slot(node, letters),))
            return
        if isinstance(node, MatrixFunction):
            rules.append(f"derivative of {node.name}")
            reasons.append(MATRIX_RULES[node.name])
            child = node.children[0]
            own: list[str] = []
            for dimension in child.shape:
                own.append(self.alphabet.fresh(dimension, {*used, *own}))
            for each in node.jacobian():
                slope = self.opener.single(each, (*letters, *own), {*used, *own})
                for inner in self._of_factor(Factor(child, tuple(own)), used | slope.letters(), rules, reasons):
                    yield Term(slope.coefficient * inner.coefficient, slope.atoms + inner.atoms)
            return
        if isinstance(node, Apply | Power):
            rules.append("outer derivative")
            reasons.append(elementwise_rule(node))
            for child, each in slopes(node):
                if child in self.depends:
                    slope = self.opener.single(each, letters, used)
                    for inner in self._of_factor(Factor(child, letters), used | slope.letters(), rules, reasons):
                        yield Term(slope.coefficient * inner.coefficient, slope.atoms + inner.atoms)
            return
        inside = self.opener.terms(node, letters, used, whole=True)
        assert isinstance(node, Einsum)
        yield from self._product_rule(inside, used, rules, reasons)

    # ------------------------------------------------------------------ what is known is put in
    def _put_in(self, terms: Terms, kept: set[str]) -> tuple[Terms, list[str]]:
        reasons: list[str] = []
        for _ in range(len(self.names) + 64):
            found: list[Term] = []
            for term in terms:
                place = next(
                    (k for k, a in enumerate(term.atoms) if isinstance(a, Slot) and self._is_short(a.node)), None
                )
                if place is None:
                    found.append(term)
                    continue
                slot = term.atoms[place]
                assert isinstance(slot, Slot)
                found += [term.put(place, inner) for inner in self._known(slot, term.letters() | kept, reasons)]
            if tuple(found) == terms:
                break
            terms = tuple(found)
        return terms, reasons

    def derivative_at(self, slot: Slot) -> Terms | None:
        """The derivative of an entry, if it has been worked out and is short."""
        if not self._is_short(slot.node):
            return None
        return tuple(self._known(slot, {*slot.letters, *self.by}, []))

    def _is_short(self, node: Node) -> bool:
        part = self.parts.get(node)
        return node is self.variable or (part is not None and bool(part.lines) and size(part.derivative) <= LONGEST)

    def _known(self, slot: Slot, used: set[str], reasons: list[str]) -> Iterator[Term]:
        """The derivative of an entry whose derivative is known."""
        if slot.node is self.variable:
            deltas = tuple([Delta(pair) for pair in zip(slot.letters, self.by, strict=True)])
            known = " ".join([f"δ_{a}{b}" for a, b in zip(slot.letters, self.by, strict=True)]) or "1"
            entry, by = (self.variable.name + indices(letters) for letters in (slot.letters, self.by))
            reasons.append(f"∂{entry}/∂{by} = {known}")
            yield Term(1, deltas)
            return
        part = self.parts[slot.node]
        names = dict(zip(part.letters, slot.letters, strict=True))
        reasons.append(f"∂{self.names[slot.node]}/∂{self.variable.name} from above is put in")
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


def told_renaming(done: Renaming) -> str:
    """``δ_jl renames j to l``"""
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
    """What is said of the rule of an elementwise node: ``tanh' = 1 - tanh^2, entry by entry``."""
    if isinstance(node, Apply):
        return function_rule(node.function)
    assert isinstance(node, Power)
    if node.exponent is None:
        return "(u^v)' = v u^(v-1) u' + log(u) u^v v'"
    return (
        f"(u^{node.exponent})' = {node.exponent} u^{node.exponent - 1} u'" if node.exponent != 2 else "(u^2)' = 2 u u'"
    )


def function_rule(function: Function) -> str:
    """``tanh' = 1 - tanh(u)^2, entry by entry``, from the function's own row of the table."""
    u = variable("u", ())
    slope = function.derivative(u, apply(function, u))
    return f"{function.name}'(u) = {text(MatrixForms(Context({'u': 0})).form(slope))}, entry by entry"
