"""Variables whose entries are not independent, or not of any sign: symmetric, skew, diagonal, orthogonal, positive.

Their identities simplify. They must not act on a variable before something is differentiated by it: for a
symmetric S, ∂(a'Sb)/∂S would come out as b a' as well as a b'. The derivative is taken by an unstructured
twin, which is then replaced (``restored``).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.nodes import Constant, Labels, Node, Number, Shape, Size, Variable, intern, transform
from indexcalc.tensor.product import (
    MEETINGS,
    PRODUCT_LAWS,
    Einsum,
    Item,
    Items,
    Power,
    Rewrite,
    einsum,
    reindex,
    transpose,
    zeros,
)
from indexcalc.tensor.sums import Sum, add, scale

SYMMETRIC = frozenset({"symmetric", "spd", "diagonal"})


class Structured(Variable):
    """A variable with kinds: of symmetric, spd, skew, diagonal, orthogonal, positive."""

    __slots__ = ("kinds",)
    fields = ("name", "kinds")
    kinds: tuple[str, ...]

    def relabelled(self, labels: Labels) -> Node | None:
        if labels == (1, 0):
            if not SYMMETRIC.isdisjoint(self.kinds):
                return self
            return scale(-1, self) if "skew" in self.kinds else None
        return zeros(self.shape[:1]) if labels == (0, 0) and "skew" in self.kinds else None


def structured(name: str, shape: Shape, kinds: tuple[str, ...]) -> Node:
    """A variable of these kinds; a diagonal one is the product of its diagonal and a delta."""
    node = intern(Structured, (name, tuple(sorted(kinds))), shape)
    return einsum(1, [(node, (0, 0))], (0, 0)) if "diagonal" in kinds else node


def is_kind(node: Node, kind: str) -> bool:
    return isinstance(node, Structured) and kind in node.kinds


def restored(node: Node, twins: Mapping[Variable, Node]) -> Node:
    """The node with structured variables in place of their unstructured twins, normalised again."""
    return transform(node, lambda part: twins.get(part) if isinstance(part, Variable) else None) if twins else node


def projection(gradient: Node, variable: Node, kinds: tuple[str, ...]) -> Node:
    """The gradient along the tangent space of a kind at the variable: (G + G')/2, (G - G')/2, diag(diag(G)), or
    G - Q(G'Q + Q'G)/2 (Edelman, Arias, Smith, The geometry of algorithms with orthogonality constraints, 1998)."""
    if "diagonal" in kinds:
        return einsum(1, [(gradient, (0, 0))], (0, 0))
    if "orthogonal" in kinds:
        inner = einsum(1, [(gradient, (0, 1)), (variable, (0, 2))], (1, 2))
        both = add([(1, inner), (1, transpose(inner))])
        return add(
            [(1, gradient), (-1, scale(Fraction(1, 2), einsum(1, [(variable, (0, 1)), (both, (1, 2))], (0, 2))))]
        )
    if not SYMMETRIC.isdisjoint(kinds) or "skew" in kinds:
        sign = -1 if "skew" in kinds else 1
        return scale(Fraction(1, 2), add([(1, gradient), (sign, reindex(gradient, (1, 0)))]))
    return gradient


# ------------------------------------------------------------------ laws
def is_positive(node: Node) -> bool:
    """Whether every entry is positive, as far as can be seen at once."""
    match node:
        case Structured():
            return "positive" in node.kinds
        case Number(value=value):
            return value > 0
        case Size() | Constant():
            return True
        case Apply():
            return node.function.positive
        case Power():
            return is_positive(node.children[0])
        case Einsum():
            return node.coefficient > 0 and all(map(is_positive, node.children)) and _is_full(node)
        case Sum():
            return min(node.coefficients) > 0 and all(map(is_positive, node.children))
    return False


def _is_full(node: Einsum) -> bool:
    """Whether a product has no delta in its output."""
    return len(set(node.output)) == len(node.output)


def diagonal_entries(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """D_ij = D_ii delta_ij for a diagonal D"""
    if "diagonal" not in _kinds(item.base) or item.labels[0] == item.labels[1]:
        return None
    a, b = item.labels
    return Rewrite([item], [Item(item.base, (a, a), item.exponent)], joined=[(a, b)])


def orthogonal_rows_and_columns(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """Q_ij Q_ik = delta_jk = Q_ji Q_ki, where i stands nowhere else"""
    if "orthogonal" not in _kinds(item.base):
        return None
    for shared, other in ((0, 1), (1, 0)):
        label = item.labels[shared]
        rest = [x for x in items() if x != item and label in x.labels]
        if label in output:
            continue
        if item.exponent == 2 and not rest:
            return Rewrite([item], spent=[label])
        twin = rest[0] if len(rest) == 1 and item.exponent == 1 else item
        if (twin.base, twin.exponent) == (item.base, 1) and twin is not item and twin.labels[shared] == label:
            return Rewrite([item, twin], joined=[(item.labels[other], twin.labels[other])], spent=[label])
    return None


def _kinds(node: Node) -> tuple[str, ...]:
    return node.kinds if isinstance(node, Structured) else ()


PRODUCT_LAWS[Structured] = [diagonal_entries, orthogonal_rows_and_columns]
MEETINGS[Structured] = lambda node: [node] if "orthogonal" in _kinds(node) else ()
