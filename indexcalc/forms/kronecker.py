"""Kronecker products and vec: in the vec form of a derivative of order 3 or 4, ∂vec(Y)/∂vec(X)', and in tensors
whose axes are groups of axes.

vec stacks columns, so vec(A X B) = kron(B', A) vec(X) (Magnus and Neudecker, Matrix Differential
Calculus, theorem 2.2). A term comes apart at its output labels. Blocks between two row axes are a diagonal
on the left, between two column axes one on the right; what is left ties row axes to column axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from indexcalc.forms import algebra
from indexcalc.forms.algebra import matmul
from indexcalc.forms.expansion import as_terms
from indexcalc.forms.matrix import GROUPED, MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Call, Form, Product, Sum
from indexcalc.tensor import sums
from indexcalc.tensor.components import connected
from indexcalc.tensor.grouping import Flatten, Groups, Split, flatten
from indexcalc.tensor.nodes import Labels, Node, magnitude
from indexcalc.tensor.product import Einsum, Factor, einsum, reindex

Ties = Sequence[tuple[set[int], list[Factor]]]
"""The output labels of each block of a term, and its factors."""


MOST_FACTORS = 10
"""Factors of a term up to which ways through matrices between X and Y are looked for."""

Pair = tuple[int, int]
Parts = tuple[int, list[Form]]
"""A sign, and the factors of a matrix product."""


class Sides(NamedTuple):
    """The output labels of a term by axis: of Y's rows and columns, and of X's; None where there is no such axis."""

    y_row: int | None
    y_column: int | None
    x_row: int | None
    x_column: int | None


def vec_form(forms: MatrixForms, node: Node, output_rank: int) -> Form | None:
    """The Kronecker form of a node whose first ``output_rank`` axes are Y's and the others X's, each one or
    two; None where there is none."""
    rank = len(node.shape) - output_rank
    if not 3 <= len(node.shape) <= 4 or not 1 <= output_rank <= 2 or not 1 <= rank <= 2:
        return None
    try:
        return _sum(forms, node, output_rank)
    except NoMatrixForm:
        return None


def flattened(forms: MatrixForms, node: Flatten) -> tuple[int, Form]:
    """kron(A, B), vec(X) or kron(A, B)*commutation(m, n) for a node of rank 1 or 2. Raises NoMatrixForm."""
    inner = as_terms(node.children[0])
    if isinstance(inner, sums.Sum):
        try:
            return _alone(forms, inner, node.groups)
        except NoMatrixForm:
            terms = [forms.signed_form(flatten(sums.scale(c, child), node.groups)) for c, child in inner.terms]
            return 1, Sum(tuple(algebra.ordered(terms)))
    found = times_vector(forms, inner, node.groups) if isinstance(inner, Einsum) else None
    return found or _alone(forms, inner, node.groups)


def _alone(forms: MatrixForms, inner: Node, groups: Groups) -> tuple[int, Form]:
    if any(len(group) > 2 for group in groups):
        raise NoMatrixForm("it is a Kronecker product of more than two factors")
    order = [axis for group in groups for axis in reversed(group)]  # the columns are what varies slowest
    moved = reindex(inner, tuple(sorted(range(len(order)), key=order.__getitem__)))
    if len(groups) == 1:
        return _vec(forms, moved)
    return _signed_sum(forms, moved, len(groups[0]))


def _vec(forms: MatrixForms, matrix: Node) -> tuple[int, Form]:
    """vec(X), or kron(x, y) for vec(y*x')."""
    sign, form = forms.signed_form(matrix)
    whole: Form = Call("vec", "c", (form,))
    if isinstance(form, Product) and form.operator == "*" and not form.divisors:
        *scalars, a, b = form.factors if len(form.factors) > 1 else (form, form)
        if (a.kind, b.kind) == ("c", "r") and all(scalar.kind == "s" for scalar in scalars):
            outer: Form = Call("kron", "c", (algebra.transpose(b), a))
            scaled = algebra.assemble(form.coefficient, [(scalar, 1) for scalar in scalars], outer)
            whole = algebra.cheapest([whole, scaled])
    return sign, whole


def _signed_sum(forms: MatrixForms, node: Node, output_rank: int) -> tuple[int, Form]:
    if isinstance(node, sums.Sum):
        return 1, _sum(forms, node, output_rank)
    return _term(forms, node, output_rank)


def _sum(forms: MatrixForms, node: Node, output_rank: int) -> Form:
    if not isinstance(node, sums.Sum):
        sign, form = _term(forms, node, output_rank)
        return form if sign > 0 else algebra.negated(form)
    terms = [_term(forms, sums.scale(c, child), output_rank) for c, child in node.terms]
    return Sum(tuple(algebra.ordered(terms)))


def _term(forms: MatrixForms, node: Node, output_rank: int) -> tuple[int, Form]:
    if not isinstance(node, Einsum):
        raise NoMatrixForm("its factors do not come apart")
    axes = node.output
    if output_rank == 1:
        sides = Sides(axes[0], None, axes[1], axes[2])
    else:
        sides = Sides(axes[0], axes[1], axes[2], axes[3] if len(axes) == 4 else None)
    if any(axes.count(label) > 2 for label in axes):
        raise NoMatrixForm("an axis is tied to two others")
    scalars = [factor for factor in node.factors if not factor[1]]
    tensors = [factor for factor in node.factors if factor[1]]
    try:
        sign, form = _separated(forms, node, sides, tensors)
    except NoMatrixForm:
        y_row, y_column, x_row, x_column = sides
        if y_row is None or y_column is None or x_row is None or x_column is None:
            raise
        found = _through(forms, node, (y_row, y_column), (x_row, x_column), tensors)
        if found is None:
            raise
        sign, form = found[0], matmul(*found[1])
    for child, _ in scalars:
        sign *= forms.scalar(child)[0]
    powers = [forms.scalar(child)[1:] for child, _ in scalars]
    return (sign if node.coefficient > 0 else -sign), algebra.assemble(magnitude(node.coefficient), powers, form)


def _separated(forms: MatrixForms, node: Einsum, sides: Sides, tensors: Sequence[Factor]) -> tuple[int, Form]:
    """diag(vec(L))*kron(B, A)*diag(vec(R)), or vec(L)*vec(R)'."""
    rows, columns = {sides.y_row, sides.y_column}, {sides.x_row, sides.x_column}
    left: list[Factor] = []
    right: list[Factor] = []
    ties: list[tuple[set[int], list[Factor]]] = []
    axes = node.output
    for group in connected([labels for _, labels in tensors], set(axes)):
        block = [tensors[place] for place in group]
        ends = {label for _, labels in block for label in labels if label in axes}
        if len(ends) == 2 and ends <= rows:
            left += block
        elif len(ends) == 2 and ends <= columns:
            right += block
        elif len(ends) <= 2:
            ties.append((ends, block))
        else:
            raise NoMatrixForm("a factor ties three axes")
    apart = all(ends <= rows or ends <= columns for ends, _ in ties) and not (rows & columns) - {None}
    repeated = sides.y_row == sides.y_column or sides.x_row == sides.x_column
    if apart and (left or right or repeated):
        return _outer(forms, node, (sides[:2], sides[2:]))
    if repeated:
        raise NoMatrixForm("an axis is tied to two others")
    sign, chain = _middle(forms, node, sides, ties, bool(left or right))
    if left:
        s, diagonal = _diag_vec(forms, node, left, (sides.y_row, sides.y_column))
        sign, chain = sign * s, [diagonal, *chain]
    if right:
        s, diagonal = _diag_vec(forms, node, right, (sides.x_row, sides.x_column))
        sign, chain = sign * s, [*chain, diagonal]
    return sign, matmul(*chain)


def _middle(forms: MatrixForms, node: Einsum, sides: Sides, ties: Ties, beside: bool) -> tuple[int, list[Form]]:
    """The factors that tie Y's axes to X's; ``beside`` that others stand beside them, so that an identity need not."""
    crossed = _crossed(sides, [ends for ends, _ in ties])
    first, second = (sides.x_row, sides.x_column) if crossed else (sides.x_column, sides.x_row)
    pairs = [(sides.y_column, first), (sides.y_row, second)]
    if crossed and sides.y_column is None:  # X's columns are what varies slowest in vec(X)
        pairs.reverse()
    sign, parts = 1, []
    for row, column in pairs:
        s, part = _side(forms, node, row, column, ties)
        sign *= s
        parts.append(part)
    identity = all(isinstance(p, Call) and p.function == "eye" for p in parts)
    commutes = crossed and None not in sides
    chain: list[Form] = [] if identity and (beside or commutes) else [Call("kron", "M", tuple(parts))]
    if commutes:
        sizes = [algebra.sized(node.sizes[label], -1) for label in (sides.x_row, sides.x_column) if label is not None]
        chain.append(Call("commutation", "M", tuple(sizes)))
    return sign, chain


def _through(forms: MatrixForms, node: Einsum, top: Pair, bottom: Pair, factors: Sequence[Factor]) -> Parts | None:
    """kron(B, A)*diag(vec(M))*kron(D, C): from X, whose axes are ``bottom``, by way of a matrix M to Y, whose axes are
    ``top``; by way of none, of one, or of several."""
    found = _straight(forms, node, top, bottom, factors)
    if found is not None or len(factors) > MOST_FACTORS:
        return found
    for labels in dict.fromkeys(labels for _, labels in factors if len(set(labels)) == 2):
        between = [factor for factor in factors if set(factor[1]) == set(labels)]
        rest = [factor for factor in factors if set(factor[1]) != set(labels)]
        for middle in ((labels[0], labels[1]), (labels[1], labels[0])):
            sides = _parted(rest, {*top, *middle}, {*middle, *bottom})
            if sides is None or not _labels(top, sides[0]) & _labels(bottom, sides[1]) <= {*middle}:
                continue  # a label that both sides share would be summed twice
            above = _through(forms, node, top, middle, sides[0])
            below = _through(forms, node, middle, bottom, sides[1])
            if above is not None and below is not None:
                sign, diagonal = _diag_vec(forms, node, between, middle)
                way = above[0] * sign * below[0], [*above[1], diagonal, *below[1]]
                if found is None or matmul(*way[1]).cost < matmul(*found[1]).cost:
                    found = way
    return found


def _labels(ends: Pair, factors: Sequence[Factor]) -> set[int]:
    return {*ends, *(label for _, labels in factors for label in labels)}


def _parted(factors: Sequence[Factor], first: set[int], second: set[int]) -> tuple[list[Factor], list[Factor]] | None:
    """Blocks between the first labels, and those between the second; None where some are between neither."""
    sides: tuple[list[Factor], list[Factor]] = [], []
    for group in connected([labels for _, labels in factors], first | second):
        block = [factors[place] for place in group]
        ends = {label for _, labels in block for label in labels} & (first | second)
        if not (ends <= first or ends <= second):
            return None
        sides[0 if ends <= first else 1].extend(block)
    return sides


def _straight(forms: MatrixForms, node: Einsum, top: Pair, bottom: Pair, factors: Sequence[Factor]) -> Parts | None:
    """kron(B, A) of a matrix between the first axes and one between the second; nothing where both are identities."""
    pairs = [(top[1], bottom[1]), (top[0], bottom[0])]
    found = _parted(factors, {*pairs[0]}, {*pairs[1]}) if {*pairs[0]}.isdisjoint(pairs[1]) else None
    if found is None:
        return None
    sign, parts = 1, []
    for (row, column), block in zip(pairs, found, strict=True):
        s, part = _side(forms, node, row, column, [({row, column}, block)])
        sign *= s
        parts.append(part)
    identity = all(isinstance(part, Call) and part.function == "eye" for part in parts)
    return sign, [] if identity else [Call("kron", "M", tuple(parts))]


def _outer(forms: MatrixForms, node: Einsum, sides: Sequence[Sequence[int | None]]) -> tuple[int, Form]:
    """vec(A)*vec(B)': nothing ties Y's axes to X's."""
    sign, parts = 1, []
    for side in sides:
        output = tuple([label for label in side if label is not None])
        groups = connected([labels for _, labels in node.factors], set(node.output))
        blocks = [[node.factors[place] for place in group] for group in groups]
        own = [f for block in blocks for f in block if any(x in output for _, labels in block for x in labels)]
        s, form = forms.signed_form(einsum(1, own, output, {label: node.sizes[label] for label in output}))
        sign *= s
        parts.append(form if len(output) == 1 else Call("vec", "c", (form,)))
    return sign, matmul(parts[0], algebra.transpose(parts[1]))


def _crossed(sides: Sides, ties: Sequence[set[int]]) -> bool:
    """Whether Y's rows go with X's columns and Y's columns with X's rows."""

    def tied(a: int | None, b: int | None) -> bool:
        return a is not None and b is not None and (a == b or {a, b} in ties)

    straight = tied(sides.y_row, sides.x_row) or tied(sides.y_column, sides.x_column)
    crossed = tied(sides.y_row, sides.x_column) or tied(sides.y_column, sides.x_row)
    if straight and crossed:
        raise NoMatrixForm("an axis is tied to two others")
    return crossed


def _side(forms: MatrixForms, node: Einsum, row: int | None, column: int | None, ties: Ties) -> tuple[int, Form]:
    """One factor of the Kronecker product: a matrix, a column where X has no such axis, a row where Y has none."""
    own = {label for label in (row, column) if label is not None}
    factors = [factor for ends, block in ties if ends <= own for factor in block]
    output = tuple([label for label in (row, column) if label is not None])
    sign, form = forms.signed_form(einsum(1, factors, output, {label: node.sizes[label] for label in output}))
    return sign, algebra.transpose(form) if row is None else form


def _diag_vec(forms: MatrixForms, node: Einsum, factors: list[Factor], axes: Sequence[int | None]) -> tuple[int, Form]:
    output: Labels = tuple([label for label in axes if label is not None])
    sign, matrix = forms.signed_form(einsum(1, factors, output, {label: node.sizes[label] for label in output}))
    return sign, algebra.symmetric(Call("diag", "M", (Call("vec", "c", (matrix,)),)))


def times_vector(forms: MatrixForms, node: Einsum, groups: Groups) -> tuple[int, Form] | None:
    """kron(A, B)*v: a product with a vector that is taken apart, as a matrix (or a row) times the vector; or, for a
    scalar, sum(M .* kron(A, B)). ``groups`` are those of the product's axes."""
    for place, (child, labels) in enumerate(node.factors):
        if isinstance(child, Split) and len(child.parts) == 2 and not groups:
            cut = len(child.parts[0])
            rest = [factor for k, factor in enumerate(node.factors) if k != place]
            inner = einsum(node.coefficient, rest, labels, dict(enumerate(node.sizes)))
            whole = flatten(inner, (tuple(range(cut)), tuple(range(cut, len(labels)))))
            (sign, form), (s, plain) = forms.signed_form(whole), forms.signed_form(child.children[0])
            return sign * s, algebra.total(algebra.hadamard(plain, form))
        if isinstance(child, Split) and len(child.parts) == 1:
            rest = [factor for k, factor in enumerate(node.factors) if k != place]
            sizes = dict(enumerate(node.sizes))
            end = len(node.output)
            inner = einsum(node.coefficient, rest, node.output + labels, sizes)
            matrix = flatten(inner, (*groups, tuple(range(end, end + len(labels)))))
            sign, form = forms.signed_form(matrix)
            s, vector = forms.signed_form(child.children[0])
            return sign * s, matmul(form if groups else algebra.transpose(form), vector)
    return None


def _flattened(forms: MatrixForms, node: Node) -> tuple[int, Form]:
    assert isinstance(node, Flatten)
    return flattened(forms, node)


def _product(forms: MatrixForms, node: Node) -> tuple[int, Form] | None:
    assert isinstance(node, Einsum)
    if len(node.output) > 1 or not any(isinstance(child, Split) for child in node.children):
        return None
    return times_vector(forms, node, tuple([(axis,) for axis in range(len(node.output))]))


GROUPED[Flatten] = _flattened
GROUPED[Einsum] = _product
