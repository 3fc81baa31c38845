"""index form → matrix form, along the contraction path that was taken, and what each step does in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Side
from indexcalc.explanation.term_forms import delta
from indexcalc.forms import algebra
from indexcalc.forms.index import Letters, Scope, negated, summed, with_letters
from indexcalc.forms.matrix import Joining, Piece
from indexcalc.forms.nodes import Form, Product, Symbol, Transpose
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node, magnitude
from indexcalc.tensor.product import Einsum
from indexcalc.tensor.sums import Sum

LONGEST = 40
"""Characters of a form up to which a step within a sum is told."""


class Entry(NamedTuple):
    """An entry of a matrix form, and the piece of a contraction path that it is."""

    letters: Letters
    form: Form
    piece: Piece


class Joint(NamedTuple):
    """A step of a contraction path, with letters: two entries, or one that is summed, become one."""

    taken: Sequence[Entry]
    made: Entry
    needed: frozenset[str]


class Collapse:
    """Of what one notation writes."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation
        self.matrices = notation.writer.matrices
        self.told: set[str] = set()
        self.last = ""

    def equations(self, node: Node, left: Form | None, whole: Side) -> Iterator[Equation]:
        """The steps that led to the matrix form of a tensor: of a product all that is left of it in every line, which
        goes on from the line before unless ``left`` is given; of a sum what is joined. ``whole`` is what they equal.
        The last step of a product is left to the matrix form: ``last`` is its reason."""
        letters = whole.letters or ()
        found = self._variant(node)
        if isinstance(found, Sum):
            for child in found.children:
                term = self._variant(child)
                for joint in self._joints(term, letters, {*letters}) if isinstance(term, Einsum) else ():
                    yield from self._alone(joint)
        elif isinstance(found, Einsum):
            joints = self._joints(found, letters, {*letters})
            start = _start(joints)
            if start is None:
                for joint in joints:
                    yield from self._alone(joint)
            else:
                yield from self._together(found, joints, start, left, whole)

    def _variant(self, node: Node) -> Node:
        """What was printed for a tensor."""
        if not isinstance(node, Sum) or node in self.notation.shown:
            return node
        chosen = self.matrices.chosen.get(node, node)
        return node.primitive()[2] if chosen is None else chosen

    # ------------------------------------------------------------------ the path
    def _joints(self, node: Einsum, letters: Letters, used: set[str]) -> list[Joint]:
        """The steps for a product, those for products inside it first. ``used`` are letters of what stands around it,
        and then its own, too."""
        names: dict[int, str] = {}
        for label, letter in zip(node.output, letters, strict=True):
            names.setdefault(label, letter)
        for label, dimension in enumerate(node.sizes):
            if label not in names:
                names[label] = self.notation.alphabet.dummy(dimension, used, self.notation.letters)
            used.add(names[label])
        joinings = self._joinings(node)
        pieces = [piece for joining in joinings for piece in joining.taken]
        found: list[Joint] = []
        for child, labels in node.factors:
            if isinstance(child, Einsum) and child not in self.notation.shown and labels:
                inner = self._joints(child, tuple([names[label] for label in labels]), used)
                form = self.matrices.signed(child)[1]
                outer = next((p for p in pieces if p[0] == labels and p[1] is form), None)
                if inner and outer is not None:  # what the inner product has become is a piece of this one
                    pieces = [piece for piece in pieces if piece is not outer]
                    inner[-1] = inner[-1]._replace(made=inner[-1].made._replace(piece=outer))
                found += inner
        return found + [self._joint(joining, names, letters) for joining in joinings]

    def _joint(self, joining: Joining, names: dict[int, str], letters: Letters) -> Joint:
        """A step as it is read: what is made with its rows first, the pieces in the order in which they stand there."""

        def entry(piece: Piece) -> Entry:
            return Entry(tuple([names[label] for label in piece[0]]), piece[1], piece)

        made = entry(joining.made)
        if len(made.letters) == 2 and [x for x in letters if x in made.letters] == [*made.letters[::-1]]:
            made = Entry(made.letters[::-1], algebra.transpose(made.form), made.piece)
        row = set(made.letters[:1])

        def order(entry: Entry) -> tuple[object, ...]:
            return not row & {*entry.letters}, len(entry.letters), entry.form.places

        taken = sorted(map(entry, joining.taken), key=order)
        return Joint(taken, made, frozenset(names[label] for label in joining.needed))

    def _joinings(self, node: Einsum) -> list[Joining]:
        """The steps of the form that was printed."""
        tried = (self.matrices.trace or {}).get(node, [])
        printed = self.matrices.signed(node)[1]
        return next((steps for form, steps in tried if form is printed), tried[0][1] if tried else [])

    # ------------------------------------------------------------------ equations
    def _together(
        self, node: Einsum, joints: Sequence[Joint], entries: list[Entry], left: Form | None, whole: Side
    ) -> Iterator[Equation]:
        """All that is left of a product, line by line."""
        front = self._front(node, whole.letters or ())
        before = whole
        for joint in joints[:-1]:
            places = [k for k, entry in enumerate(entries) if any(entry.piece is e.piece for e in joint.taken)]
            entries = [e for k, e in enumerate(entries) if k not in places[1:]]
            entries[places[0]] = joint.made
            right = _product(front, entries, whole.letters or ())
            after = Side(text(right), whole.letters, whole.shape)
            yield Equation("contraction step", left, right, reason_of(joint), (before, after))
            left, before = None, after
        self.last = reason_of(joints[-1]) if joints else ""

    def _front(self, node: Einsum, letters: Letters) -> Product:
        """The sign, the number, the scalars and the deltas of a product."""
        scalars = [child for child, labels in node.factors if not labels]
        sign = self.matrices.signed(node)[0]
        above: list[Form] = []
        below: list[Form] = []
        for child in scalars:
            written, form, exponent = self.notation.forms.factor(child, (), Scope(set(self.notation.alphabet.sizes)))
            sign *= written * self.matrices.scalar(child)[0]
            (above if exponent > 0 else below).append(algebra.raised(form, magnitude(exponent)))
        first: dict[int, str] = {}
        for label, letter in zip(node.output, letters, strict=True):
            if first.setdefault(label, letter) != letter:
                above.append(delta(first[label], letter))
        return Product(" ", sign * magnitude(node.coefficient), tuple(above), tuple(below))

    def _alone(self, joint: Joint) -> Iterator[Equation]:
        """One step, unless it has been told."""
        shown = text(joint.made.form)
        if shown in self.told or len(shown) > LONGEST or not all(entry.letters for entry in joint.taken):
            return
        self.told.add(shown)
        made = joint.made
        left = _product(Product(" ", 1, ()), joint.taken, made.letters)
        right = entry_of(made)
        shape = tuple([self.notation.alphabet.sizes[letter] for letter in made.letters])
        sides = Side(text(left), made.letters, shape), Side(text(right), made.letters or None, shape)
        yield Equation("contraction step", left, right, reason_of(joint), sides)


def _start(joints: Sequence[Joint]) -> list[Entry] | None:
    """The entries that a path starts from, in reading order; None where its steps do not hang together."""
    entries: list[Entry] = []
    for joint in reversed(joints):
        places = [k for k, entry in enumerate(entries) if entry.piece is joint.made.piece]
        if not all(entry.letters for entry in joint.taken) or len(places) != (1 if entries else 0):
            return None
        place = places[0] if places else 0
        entries[place : place + 1] = joint.taken
    return entries


def _product(front: Product, entries: Sequence[Entry], kept: Letters) -> Form:
    counts: dict[str, int] = {}
    for entry in entries:
        for letter in entry.letters:
            counts[letter] = counts.get(letter, 0) + 1
    explicit = tuple([letter for letter, n in counts.items() if letter not in kept and n != 2])
    coefficient = magnitude(front.coefficient)
    form = summed(coefficient, explicit, [*front.factors, *map(entry_of, entries)], [*front.divisors])
    return form if front.coefficient > 0 else negated(form)


def entry_of(entry: Entry) -> Form:
    """``W_ij``, ``(W*x)_i``"""
    return _lettered(entry.form, entry.letters)


def _lettered(form: Form, letters: Letters) -> Form:
    if isinstance(form, Transpose) and len(letters) == 2:
        return _lettered(form.parts[0], letters[::-1])
    if isinstance(form, Symbol):
        return Symbol(form.name, "", form.places[0], letters)
    return with_letters(form, letters) if letters else form


# ---------------------------------------------------------------------- in words
def reason_of(joint: Joint) -> str:
    """What a step does: a row for each way in which two entries can share their letters."""
    if len(joint.taken) == 1:
        (entry,) = joint.taken
        gone = [x for x in entry.letters if x not in joint.needed]
        return f"{' and '.join(gone)} stands here only: summed along it"
    (x, _, _), (y, g, _) = sorted(joint.taken, key=lambda entry: len(entry.letters))
    common = [letter for letter in x if letter in y]
    gone = [letter for letter in common if letter not in joint.needed]
    stays = [letter for letter in common if letter in joint.needed]
    match len(x), len(y):
        case 1, 1 if not common:
            return "no common index: column times row"
        case 1, 1 if stays:
            return f"{stays[0]} stays on both: entry by entry"
        case 1, 1:
            return f"{gone[0]} is summed: a dot product"
        case 1, 2 if stays and len(joint.made.letters) == 2:
            return f"{stays[0]} stays: it scales the {'rows' if y[0] == x[0] else 'columns'} of {text(g)}"
        case 1, 2 if gone:
            return _turned(y, g, x[0], True) or f"{gone[0]} is summed: matrix times vector"
        case 2, 2 if len(stays) == 2:
            return f"{stays[0]} and {stays[1]} stay: entry by entry"
        case 2, 2 if len(gone) == 2:
            return f"{gone[0]} and {gone[1]} are summed: a trace"
        case 2, 2 if gone and len(common) == 1:
            (a, first, _), (b, second, _) = joint.taken
            turned = _turned(a, first, common[0], True) or _turned(b, second, common[0], False)
            return turned or f"{gone[0]} is summed: a matrix product"
    return f"{' and '.join(gone)} is summed"


def _turned(letters: Letters, form: Form, joint: str, is_left: bool) -> str:
    """Why a matrix is transposed: the summed index has to stand next to the other factor."""
    if letters[-1 if is_left else 0] == joint:
        return ""
    shown = text(form)
    return f"{joint}, {'row' if is_left else 'column'} index of {shown}, is summed: {text(algebra.transpose(form))}"
