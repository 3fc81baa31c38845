"""The vec form of a derivative of order 3 or 4: ∂vec(Y)/∂vec(X)' with Kronecker products.

vec stacks columns, so vec(A X B) = kron(B', A) vec(X) (Magnus and Neudecker, Matrix Differential
Calculus, theorem 2.2). A term comes apart at its output labels. Blocks between two row axes are a diagonal
on the left, between two column axes one on the right; what is left ties row axes to column axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from indexcalc.forms import algebra
from indexcalc.forms.algebra import matmul
from indexcalc.forms.matrix import MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Call, Form, Sum
from indexcalc.tensor import sums
from indexcalc.tensor.components import connected
from indexcalc.tensor.nodes import Labels, Node, magnitude
from indexcalc.tensor.product import Einsum, Factor, einsum


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
    if (
        any(axes.count(label) > 2 for label in axes)
        or (output_rank == 2 and axes[0] == axes[1])
        or (len(axes) - output_rank == 2 and axes[-1] == axes[-2])
    ):
        raise NoMatrixForm("an axis is tied to two others")
    rows, columns = {sides.y_row, sides.y_column}, {sides.x_row, sides.x_column}
    left: list[Factor] = []
    right: list[Factor] = []
    ties: list[tuple[set[int], list[Factor]]] = []
    scalars = [factor for factor in node.factors if not factor[1]]
    tensors = [factor for factor in node.factors if factor[1]]
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
    crossed = _crossed(sides, [ends for ends, _ in ties])
    first, second = (sides.x_row, sides.x_column) if crossed else (sides.x_column, sides.x_row)
    sign = 1 if node.coefficient > 0 else -1
    parts: list[Form] = []
    pairs = [(sides.y_column, first), (sides.y_row, second)]
    if crossed and sides.y_column is None:  # X's columns are what varies slowest in vec(X)
        pairs.reverse()
    for row, column in pairs:
        s, part = _side(forms, node, row, column, ties)
        sign *= s
        parts.append(part)
    form: Form = Call("kron", "M", tuple(parts))
    if crossed and None not in sides:
        sizes = [algebra.sized(node.sizes[label], -1) for label in (sides.x_row, sides.x_column) if label is not None]
        form = matmul(form, Call("commutation", "M", tuple(sizes)))
    identity = (left or right) and not crossed and all(isinstance(p, Call) and p.function == "eye" for p in parts)
    chain: list[Form] = [] if identity else [form]
    if left:
        s, diagonal = _diag_vec(forms, node, left, (sides.y_row, sides.y_column))
        sign, chain = sign * s, [diagonal, *chain]
    if right:
        s, diagonal = _diag_vec(forms, node, right, (sides.x_row, sides.x_column))
        sign, chain = sign * s, [*chain, diagonal]
    form = matmul(*chain)
    powers = [forms.scalar(child) for child, _ in scalars]
    for s, _, _ in powers:
        sign *= s
    return sign, algebra.assemble(magnitude(node.coefficient), [(f, e) for _, f, e in powers], form)


def _crossed(sides: Sides, ties: Sequence[set[int]]) -> bool:
    """Whether Y's rows go with X's columns and Y's columns with X's rows."""

    def tied(a: int | None, b: int | None) -> bool:
        return a is not None and b is not None and (a == b or {a, b} in ties)

    straight = tied(sides.y_row, sides.x_row) or tied(sides.y_column, sides.x_column)
    crossed = tied(sides.y_row, sides.x_column) or tied(sides.y_column, sides.x_row)
    if straight and crossed:
        raise NoMatrixForm("an axis is tied to two others")
    return crossed


def _side(
    forms: MatrixForms, node: Einsum, row: int | None, column: int | None, ties: Sequence[tuple[set[int], list[Factor]]]
) -> tuple[int, Form]:
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
