"""A right side for all steps of a loop at once: with an axis for the steps in front."""

from __future__ import annotations

from collections.abc import Callable

from indexcalc.errors import IndexcalcError
from indexcalc.tensor.elementwise import Apply, apply
from indexcalc.tensor.grouping import Flatten, Split, flatten, split
from indexcalc.tensor.matrix_functions import Determinant, Inverse, LogDeterminant, Softmax, softmax
from indexcalc.tensor.nodes import Dimension, Labels, Node, Variable, descendants
from indexcalc.tensor.product import Einsum, Power, einsum, power
from indexcalc.tensor.sums import Sum, add

Sliced = Callable[[Variable], Node | None]
"""The values of a variable in all steps; None where it has the same in each."""

SINGLE: tuple[type[Node], ...] = (Inverse, Determinant, LogDeterminant)
"""What is worked out for one step at a time."""


def batched(root: Node, length: Dimension, sliced: Sliced) -> Node:
    """The node in ``length`` steps, along the first axis. Raises IndexcalcError E404 for what is SINGLE."""
    made: dict[Node, Node] = {}
    wide: set[Node] = set()
    for node in descendants([root]):
        found = sliced(node) if isinstance(node, Variable) else None
        if found is not None:
            made[node] = found
            wide.add(node)
        elif any(child in wide for child in node.children):
            made[node] = _batched(node, [(made[child], child in wide) for child in node.children], length)
            wide.add(node)
        else:
            made[node] = node
    return made[root] if root in wide else _spread(made[root], length)


def summed(root: Node, length: Dimension, sliced: Sliced) -> Node:
    """The sum of the node over ``length`` steps, term by term: a product of two is one product of matrices."""
    if isinstance(root, Sum):
        return add([(c, summed(term, length, sliced)) for c, term in root.terms])
    labels = tuple(range(len(root.shape) + 1))
    return einsum(1, [(batched(root, length, sliced), labels)], labels[1:])


def _spread(node: Node, length: Dimension) -> Node:
    """The same in every step."""
    labels = tuple(range(len(node.shape) + 1))
    return einsum(1, [(node, labels[1:])], labels, {0: length})


def _batched(node: Node, children: list[tuple[Node, bool]], length: Dimension) -> Node:
    if isinstance(node, Einsum):
        return _product(node, children, length)
    all_wide = [child if is_wide else _spread(child, length) for child, is_wide in children]
    match node:
        case Sum():
            return add(list(zip(node.coefficients, all_wide, strict=True)))
        case Power():
            return power(all_wide[0], all_wide[1] if node.exponent is None else node.exponent)
        case Apply():
            return apply(node.function, all_wide[0])
        case Softmax():
            return softmax(all_wide[0], node.axis + 1)
        case Flatten():
            return flatten(all_wide[0], ((0,), *(tuple([axis + 1 for axis in group]) for group in node.groups)))
        case Split():
            return split(all_wide[0], ((length,), *node.parts))
    raise IndexcalcError("E404", f"code for {type(node).__name__} in all steps at once is not supported yet")


def _product(node: Einsum, children: list[tuple[Node, bool]], length: Dimension) -> Node:
    step = len(node.sizes)
    factors: list[tuple[Node, Labels]] = [
        (child, (step, *labels) if is_wide else labels)
        for (child, is_wide), labels in zip(children, node.subscripts, strict=True)
    ]
    return einsum(node.coefficient, factors, (step, *node.output), {**dict(enumerate(node.sizes)), step: length})
