"""index form → matrix form, along the contraction path that was taken, and what each step does in words."""

from __future__ import annotations

from collections.abc import Iterator

from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Side
from indexcalc.forms import algebra
from indexcalc.forms.index import Letters, summed, with_letters
from indexcalc.forms.matrix import Joining, Piece
from indexcalc.forms.nodes import Form, Symbol, Transpose
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Dimension, Labels, Node
from indexcalc.tensor.product import Einsum
from indexcalc.tensor.sums import Sum


class Collapse:
    """Of what one notation writes."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation
        self.matrices = notation.writer.matrices
        self.told: set[str] = set()

    def equations(self, node: Node, letters: Letters) -> Iterator[Equation]:
        """The steps that led to the matrix form of a tensor whose axes have these letters; inner ones first."""
        if node in self.notation.shown:
            return
        if isinstance(node, Sum):
            chosen = self.matrices.chosen.get(node, node)
            inside = node.primitive()[2] if chosen is None else chosen
            for child in inside.children if isinstance(inside, Sum) else (inside,):
                yield from self.equations(child, letters)
        elif isinstance(node, Einsum):
            yield from self._product(node, letters)

    def _product(self, node: Einsum, letters: Letters) -> Iterator[Equation]:
        names: dict[int, str] = {}
        for label, letter in zip(node.output, letters, strict=True):
            names.setdefault(label, letter)
        for label, dimension in enumerate(node.sizes):
            if label not in names:
                names[label] = self.notation.alphabet.dummy(dimension, names.values(), self.notation.letters)
        for child, labels in node.factors:
            if labels and isinstance(child, Einsum) and len(set(child.output)) == len(child.output):
                yield from self.equations(child, tuple([names[label] for label in labels]))
        sizes = {names[label]: dimension for label, dimension in enumerate(node.sizes)}
        for joining in self._joinings(node):
            shown = text(joining.made[1])
            if all(labels for labels, _ in joining.taken) and shown not in self.told:
                self.told.add(shown)
                yield _equation(_turned_up(joining, node.output), names, sizes)

    def _joinings(self, node: Einsum) -> list[Joining]:
        """The steps of the form that was printed."""
        tried = (self.matrices.trace or {}).get(node, [])
        printed = self.matrices.signed(node)[1]
        return next((steps for form, steps in tried if form is printed), tried[0][1] if tried else [])


def _turned_up(joining: Joining, output: Labels) -> Joining:
    """A step as it is read: what is made with its rows first, and the pieces in the order in which they stand there."""
    labels, form = joining.made
    if len(labels) == 2 and [x for x in output if x in labels] == [*labels[::-1]]:
        labels, form = labels[::-1], algebra.transpose(form)
    rows = labels[:1]

    def order(piece: Piece) -> tuple[object, ...]:
        return not set(rows) & set(piece[0]), len(piece[0]), piece[1].places

    return Joining(sorted(joining.taken, key=order), (labels, form), joining.needed)


def _equation(joining: Joining, names: dict[int, str], sizes: dict[str, Dimension]) -> Equation:
    def lettered(piece: Piece) -> Form:
        labels, form = piece
        return entry(form, tuple([names[label] for label in labels]))

    kept = tuple([names[label] for label in joining.made[0]])
    counts: dict[str, int] = {}
    for labels, _ in joining.taken:
        for label in labels:
            counts[names[label]] = counts.get(names[label], 0) + 1
    explicit = tuple([x for x, n in counts.items() if x not in kept and n != 2])
    left = summed(1, explicit, [lettered(piece) for piece in joining.taken], [])
    made = joining.made[1]
    right = lettered(joining.made) if kept else made
    shape = tuple([sizes[x] for x in kept])
    sides = Side(text(left), kept, shape), Side(text(right), kept if kept else None, shape)
    return Equation("contraction step", left, right, _reason(joining, names), sides)


def entry(form: Form, letters: Letters) -> Form:
    """The entry of a matrix form: ``W_ij``, ``(W*x)_i``."""
    if isinstance(form, Transpose) and len(letters) == 2:
        return entry(form.parts[0], letters[::-1])
    if isinstance(form, Symbol):
        return Symbol(form.name, "", form.places[0], letters)
    return with_letters(form, letters) if letters else form


# ---------------------------------------------------------------------- in words
def _reason(joining: Joining, names: dict[int, str]) -> str:
    """What a step does: one row for each way in which two pieces can share their labels."""
    if len(joining.taken) == 1:
        ((labels, form),) = joining.taken
        gone = [names[x] for x in labels if x not in joining.needed]
        return f"{' and '.join(gone)} stands here only and is summed: {text(form)} is added up along it"
    (x, _), (y, g) = sorted(joining.taken, key=lambda piece: len(piece[0]))
    common = [label for label in x if label in y]
    gone = [names[label] for label in common if label not in joining.needed]
    stays = [names[label] for label in common if label in joining.needed]
    match len(x), len(y):
        case 1, 1 if not common:
            return "no index in common: a column times a row"
        case 1, 1 if stays:
            return f"both carry {stays[0]}, which stays: entry by entry"
        case 1, 1:
            return f"{gone[0]} is summed: a dot product"
        case 1, 2 if stays and len(joining.made[0]) == 2:
            way = "rows" if y[0] == x[0] else "columns"
            return f"{stays[0]} stays: the vector scales the {way} of {text(g)}"
        case 1, 2 if gone:
            return f"{gone[0]} is summed{_turned(y, g, x[0], True) or ': matrix times vector'}"
        case 2, 2 if len(stays) == 2:
            return f"{stays[0]} and {stays[1]} stay: entry by entry"
        case 2, 2 if len(gone) == 2:
            return f"{gone[0]} and {gone[1]} are summed: a trace"
        case 2, 2 if gone and len(common) == 1:
            (a, first), (b, second) = joining.taken
            turned = _turned(a, first, common[0], True) or _turned(b, second, common[0], False)
            return f"{gone[0]} is summed{turned or ': a matrix product'}"
    return f"{' and '.join(gone)} is summed"


def _turned(labels: Labels, form: Form, joint: int, is_left: bool) -> str:
    """Why a matrix is transposed: the summed index has to stand next to the other factor."""
    if labels[-1 if is_left else 0] == joint:
        return ""
    return f", the {'row' if is_left else 'column'} index of {text(form)}: so it turns"
