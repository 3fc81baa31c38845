"""Two common factors of sums that save work whatever the sizes are.

x_j A_ik + x_j B_ik → x_j (A_ik + B_ik): what all terms have on axes to themselves stands outside the sum.
A u + A v → A (u + v): a matrix takes longer to read than vectors to add.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from indexcalc.tensor.nodes import Labels, Node, Rational, descendants
from indexcalc.tensor.product import Einsum, einsum
from indexcalc.tensor.sums import Sum, add


def factored(roots: Sequence[Node]) -> list[Node]:
    """The tensors with every sum in them factored."""
    made: dict[Node, Node] = {}
    for node in descendants(roots):
        children = tuple([made[child] for child in node.children])
        new = node if children == node.children else node.rebuilt(children)
        made[node] = new
        if isinstance(new, Sum):
            made[node] = _with_common_matrices(new) if len(new.shape) == 1 else _with_common_axes(new)
    return [made[root] for root in roots]


def _with_common_matrices(node: Sum) -> Node:
    """A vector, with the terms that begin with the same matrix as one."""
    groups: dict[object, list[tuple[Rational, Node]]] = {}
    for coefficient, term in node.terms:
        found = _matrix(term)
        key: object = term if found is None else (found[0], found[1])
        groups.setdefault(key, []).append((coefficient, term if found is None else found[2]))
    if len(groups) == len(node.children):
        return node
    terms: list[tuple[Rational, Node]] = []
    for key, members in groups.items():
        if isinstance(key, tuple) and len(members) > 1:
            matrix, labels = key
            terms.append((1, einsum(1, [(matrix, labels), (add(members), (1,))], (0,))))
        elif isinstance(key, tuple):
            terms.append((members[0][0], einsum(1, [(key[0], key[1]), (members[0][1], (1,))], (0,))))
        else:
            terms += members
    return add(terms)


def _matrix(term: Node) -> tuple[Node, Labels, Node] | None:
    """The matrix and the vector whose product a term is, the matrix with the label 0 for the output and 1 for the
    sum."""
    if not isinstance(term, Einsum) or len(term.sizes) != 2:
        return None
    (out,) = term.output
    matrices = [factor for factor in term.factors if len(factor[1]) == 2]
    rest = [factor for factor in term.factors if len(factor[1]) != 2]
    if len(matrices) != 1 or any(out in labels for _, labels in rest) or not any(labels for _, labels in rest):
        return None
    matrix, labels = matrices[0]
    (summed,) = {x for x in labels if x != out}
    return matrix, tuple([int(x == summed) for x in labels]), einsum(term.coefficient, rest, (summed,))


def _with_common_axes(node: Sum) -> Node:
    found = [dict(_outer(term)) for term in node.children]
    common = [outer for outer in found[0] if all(outer in other for other in found)]
    if not common:
        return node
    taken = {axis for _, axes in common for axis in axes}
    rest = tuple([axis for axis in range(len(node.shape)) if axis not in taken])
    terms = []
    for (coefficient, term), places in zip(node.terms, found, strict=True):
        assert isinstance(term, Einsum)
        gone = {places[outer] for outer in common}
        factors = [factor for place, factor in enumerate(term.factors) if place not in gone]
        output = tuple([term.output[axis] for axis in rest])
        inner = einsum(term.coefficient, factors, output, {x: term.sizes[x] for x in output})
        terms.append((coefficient, inner))
    return einsum(1, [*common, (add(terms), rest)], tuple(range(len(node.shape))))


def _outer(term: Node) -> Iterator[tuple[tuple[Node, Labels], int]]:
    """The factors of a term that have axes of its output to themselves, with these axes, and their places."""
    if not isinstance(term, Einsum) or term.opaque:
        return
    for place, (node, labels) in enumerate(term.factors):
        alone = all(sum(own.count(x) for own in term.subscripts) == term.output.count(x) == 1 for x in labels)
        if labels and alone and len(labels) < len(term.output):
            yield (node, tuple([term.output.index(x) for x in labels])), place
