"""Sums of products with a letter on every axis, before any normal form: what a derivation is made of.

A factor is a tensor, a Kronecker delta, or the derivative of an entry that has not been worked out yet. A letter that
is not kept is summed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from indexcalc.forms.index import IndexForms, Letters, all_letters
from indexcalc.tensor import nodes as tensor
from indexcalc.tensor.elementwise import Apply, apply
from indexcalc.tensor.functions import SIGMOID
from indexcalc.tensor.nodes import Dimension, Node, Rational, descendants, transform
from indexcalc.tensor.product import Einsum, ones
from indexcalc.tensor.sums import Sum as TensorSum
from indexcalc.tensor.sums import add, scale


class Factor(NamedTuple):
    """An entry of a tensor."""

    node: Node
    letters: Letters


class Delta(NamedTuple):
    """A Kronecker delta."""

    letters: Letters


class Slot(NamedTuple):
    """The derivative of an entry of a tensor by an entry of the variable."""

    node: Node
    letters: Letters


Atom = Factor | Delta | Slot


class Term(NamedTuple):
    """coefficient · Π atoms, in the order in which they are written."""

    coefficient: Rational
    atoms: tuple[Atom, ...]

    def letters(self) -> set[str]:
        return {letter for atom in self.atoms for letter in atom.letters}

    def renamed(self, names: Mapping[str, str]) -> Term:
        """The term with other letters."""
        new = [atom._replace(letters=tuple([names.get(x, x) for x in atom.letters])) for atom in self.atoms]
        return self._replace(atoms=tuple(new))

    def put(self, place: int, other: Term) -> Term:
        """The term with another in the place of one of its atoms."""
        atoms = (*self.atoms[:place], *other.atoms, *self.atoms[place + 1 :])
        return Term(self.coefficient * other.coefficient, atoms)


Terms = tuple[Term, ...]


class Alphabet:
    """The letters of one explanation: each runs over one size. ``sizes`` are those of the letters so far."""

    def __init__(self, preferred: Letters, sizes: dict[str, Dimension], reserved: Collection[str]) -> None:
        self.preferred, self.sizes, self.reserved = preferred, sizes, frozenset(reserved)

    def fresh(self, dimension: Dimension, used: Collection[str]) -> str:
        """A letter of this size that is not used and not reserved."""
        for pool in (self.preferred, all_letters()):
            for letter in pool:
                free = letter not in used and letter not in self.reserved
                if free and self.sizes.setdefault(letter, dimension) == dimension:
                    return letter
        raise AssertionError  # there is no end of letters

    def dummy(self, dimension: Dimension, used: Collection[str], first: Letters) -> str:
        """A letter of this size that is not used, of ``first`` if one fits."""
        fitting = [letter for letter in first if self.sizes[letter] == dimension and letter not in used]
        return fitting[0] if fitting else self.fresh(dimension, used)

    def axes(self, node: Node, like: Letters, taken: Collection[str]) -> Letters:
        """Letters for a tensor's axes: those of ``like`` where they fit, else new ones."""
        found: list[str] = []
        for dimension in node.shape:
            fitting = [x for x in like if self.sizes[x] == dimension and x not in found and x not in taken]
            found.append(fitting[0] if fitting else self.fresh(dimension, {*found, *taken, *like}))
        return tuple(found)


class Opener:
    """Writes tensors as terms; ``named`` ones stand as factors."""

    def __init__(self, forms: IndexForms, alphabet: Alphabet, named: Collection[Node]) -> None:
        self.forms, self.alphabet, self.named = forms, alphabet, named
        self.first: Letters = ()
        """Letters that summed indices get where they fit."""

    def terms(self, node: Node, letters: Letters, used: Iterable[str] = (), whole: bool = False) -> Terms:
        """The terms of a tensor's entry; of a ``whole`` one also if it is named."""
        if node in self.named and not whole:
            return (Term(1, (Factor(node, letters),)),)
        if isinstance(node, TensorSum):
            coefficients = dict(zip(node.children, node.coefficients, strict=True))
            found = [
                scaled(coefficients[child], term)
                for child in self.forms.typed_order(node)
                for term in self.terms(child, letters, used)
            ]
            return tuple(found)
        if isinstance(node, Einsum):
            return (self._product(node, letters, {*letters, *used}),)
        if isinstance(node, tensor.Number):
            return (Term(node.value, ()),)
        return (Term(1, (Factor(node, letters),)),)

    def _product(self, node: Einsum, letters: Letters, used: set[str]) -> Term:
        names: dict[int, str] = {}
        deltas: list[Atom] = []
        for label, letter in zip(node.output, letters, strict=True):
            if names.setdefault(label, letter) != letter:
                deltas.append(Delta((names[label], letter)))
        for child, labels in sorted(node.factors, key=lambda factor: (bool(factor[1]), self.forms.place(factor[0]))):
            for label, dimension in zip(labels, child.shape, strict=True):
                if label not in names:
                    names[label] = self.alphabet.dummy(dimension, used, self.first)
                    used.add(names[label])
        term = Term(node.coefficient, ())
        for child, labels in sorted(node.factors, key=lambda factor: self._order(factor, node)):
            own = tuple([names[label] for label in labels])
            inner = Term(1, (Factor(child, own),))
            if isinstance(child, Einsum) and child not in self.named:
                inner = self._product(child, own, used)
                used |= inner.letters()
            term = Term(term.coefficient * inner.coefficient, term.atoms + inner.atoms)
        atoms = term.atoms if self.forms.preferred else linked(term.atoms, letters)
        return term._replace(atoms=atoms + tuple(deltas))

    def _order(self, factor: tuple[Node, tuple[int, ...]], node: Einsum) -> tuple[object, ...]:
        """Scalars first, then the user's order, names before sums, then the order of the axes."""
        child, labels = factor
        first = min([node.output.index(x) for x in labels if x in node.output], default=99)
        is_sum = isinstance(child, TensorSum) and child not in self.named
        return bool(labels), self.forms.place(child), is_sum, first, labels

    def single(self, node: Node, letters: Letters, used: Iterable[str]) -> Term:
        """A tensor as one term: a sum stands as a factor, a multiple of a named one by its name."""
        node = with_one_sigmoid(node, self.named)
        if isinstance(node, TensorSum) and node not in self.named:
            content, scalars, primitive = node.primitive()
            for other in self.named:
                if isinstance(other, TensorSum) and not scalars and other.primitive()[1:] == ((), primitive):
                    ratio = tensor.rational(Fraction(content) / other.primitive()[0])
                    return Term(ratio, (Factor(other, letters),))
            return Term(1, (Factor(node, letters),))
        found = self.terms(node, letters, used)
        return found[0] if len(found) == 1 else Term(1, (Factor(node, letters),))


def with_one_sigmoid(node: Node, named: Collection[Node]) -> Node:
    """s(u) s(-u) as s(u) (1 - s(u)), where s(u) or u has a name; also where s(u) alone stands for that."""
    found = [part for part in descendants([node]) if isinstance(part, Apply) and part.function is SIGMOID]
    replaced: dict[Node, Node] = {}
    for part in found:
        opposite = apply(SIGMOID, scale(-1, part.children[0]))
        is_known = opposite in named or (opposite in found and opposite.children[0] in named)
        if is_known and opposite not in replaced:
            replaced[part] = add([(1, ones(part.shape)), (-1, opposite)])
    return transform(node, replaced.get) if replaced else node


def linked(atoms: Sequence[Atom], first: Letters) -> tuple[Atom, ...]:
    """Factors in the order of a matrix product: scalars, then, from the first axis on, each beside one that it shares
    a letter with."""
    found = [atom for atom in atoms if not atom.letters]
    left = [atom for atom in atoms if atom.letters]

    def follow(letter: str) -> None:
        while touching := [atom for atom in left if letter in atom.letters]:
            left.remove(touching[0])
            found.append(touching[0])
            for other in touching[0].letters:
                if other != letter:
                    follow(other)

    for letter in first:
        follow(letter)
    while left:
        follow(min(left, key=lambda atom: len(atom.letters)).letters[0])
    return tuple(found)


def scaled(coefficient: Rational, term: Term) -> Term:
    return term._replace(coefficient=coefficient * term.coefficient)


class Renaming(NamedTuple):
    """What a delta with these letters did: a summed letter became another. ``gone`` is "" for the delta of a letter
    with itself, and ``counted`` is then the size that it is, if it is summed."""

    letters: Letters
    gone: str
    kept: str
    counted: str = ""


def without_deltas(term: Term, kept: Collection[str], sizes: Mapping[str, Dimension]) -> tuple[Term, list[Renaming]]:
    """The term with every delta used up that has a summed letter, and what each did."""
    done: list[Renaming] = []
    while True:
        for place, atom in enumerate(term.atoms):
            if not isinstance(atom, Delta):
                continue
            a, b = atom.letters
            without = term._replace(atoms=term.atoms[:place] + term.atoms[place + 1 :])
            if a == b:
                count = Term(1, (Factor(tensor.size(sizes[a]), ()),))
                again = a in kept or a in without.letters()
                term = without if again else Term(term.coefficient, (*count.atoms, *without.atoms))
                done.append(Renaming((a, a), "", a, "" if again else str(sizes[a])))
                break
            if a in kept and b in kept:
                continue
            gone, stays = (b, a) if a in kept else (a, b)
            term = without.renamed({gone: stays})
            done.append(Renaming((a, b), gone, stays))
            break
        else:
            return _without_repeated_deltas(term), done


def _without_repeated_deltas(term: Term) -> Term:
    seen: list[Atom] = []
    for atom in term.atoms:
        if not (
            isinstance(atom, Delta) and any(isinstance(x, Delta) and set(x.letters) == set(atom.letters) for x in seen)
        ):
            seen.append(atom)
    return term._replace(atoms=tuple(seen))


def merged(terms: Terms) -> Terms:
    """Terms with the same factors, in any order, as one."""
    found: dict[object, Term] = {}
    for term in terms:
        typed = [(type(atom), *atom) for atom in term.atoms]  # a factor and its derivative are equal tuples
        key = frozenset((each, typed.count(each)) for each in typed)
        known = found.get(key)
        found[key] = term if known is None else known._replace(coefficient=known.coefficient + term.coefficient)
    return tuple(term for term in found.values() if term.coefficient)


def size(terms: Sequence[Term]) -> int:
    """How long terms are."""
    return sum(max(1, len(term.atoms)) for term in terms)
