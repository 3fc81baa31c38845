"""Axes as groups of axes: kron(A, B) is A_ik B_jl with the row axes as one and the column axes as one, and vec(X)
is X with its two axes as one.

In normal form ``Flatten`` stands outside of products, sums and elementwise functions, and ``Split``, its
inverse, inside, at what is no such thing; so both meet and vanish.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from indexcalc.tensor.components import connected
from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational, Shape, intern
from indexcalc.tensor.product import FACTOR_LAWS, POWER_LAWS, Einsum, Factor, einsum, power, reindex, zeros

Groups = tuple[Labels, ...]
"""For each axis the axes that it consists of, the last varying fastest."""


def product_of_sizes(sizes: Iterable[Dimension]) -> Dimension:
    """The size of a group: ``6``, ``m*n``, ``2*m*n``."""
    count, symbols = 1, []
    for each in sizes:
        for part in str(each).split("*"):
            if part.isdigit():
                count *= int(part)
            else:
                symbols.append(part)
    if not symbols:
        return count
    return "*".join([*([str(count)] if count != 1 else []), *sorted(symbols)])


class Flatten(Node):
    """``children[0]`` with each group of its axes as one axis."""

    __slots__ = ("groups",)
    fields = ("groups",)
    groups: Groups

    def relabelled(self, labels: Labels) -> Node | None:
        if len(set(labels)) < len(labels):
            return einsum(1, [(self, labels)], tuple(range(max(labels) + 1)))
        groups: list[Labels] = [()] * len(labels)
        for axis, label in enumerate(labels):
            groups[label] = self.groups[axis]
        return flatten(self.children[0], tuple(groups))

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return flatten(children[0], self.groups)


class Split(Node):
    """``children[0]`` with axis t taken apart into axes of the sizes ``parts[t]``: what Flatten undoes."""

    __slots__ = ("parts",)
    fields = ("parts",)
    parts: tuple[Shape, ...]

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return split(children[0], self.parts)


def flatten(node: Node, groups: Groups) -> Node:
    """The node with each group of its axes as one axis."""
    flat = [axis for group in groups for axis in group]
    if len(flat) == len(groups):  # every group is one axis
        places = {axis: place for place, axis in enumerate(flat)}
        return reindex(node, tuple([places[axis] for axis in range(len(flat))]))
    shape = tuple([product_of_sizes([node.shape[axis] for axis in group]) for group in groups])
    if isinstance(node, Flatten):
        return flatten(node.children[0], tuple([tuple([x for a in g for x in node.groups[a]]) for g in groups]))
    if isinstance(node, Einsum) and not node.coefficient:
        return zeros(shape)
    if isinstance(node, Split):
        ends = list(accumulate(map(len, node.parts), initial=0))
        own = [tuple(range(a, b)) for a, b in pairwise(ends)]
        if sorted(groups) == own:
            return reindex(node.children[0], tuple([groups.index(group) for group in own]))
    order = tuple(sorted(range(len(flat)), key=flat.__getitem__))
    moved = reindex(node, order)  # the axes in the order of the groups: one node for all ways to write it
    ends = list(accumulate(map(len, groups), initial=0))
    straight = tuple([tuple(range(a, b)) for a, b in pairwise(ends)])
    return intern(Flatten, (straight,), shape, (moved,))


def split(node: Node, parts: tuple[Shape, ...]) -> Node:
    """The node with axis t taken apart into axes of the sizes ``parts[t]``."""
    if all(len(part) == 1 for part in parts):
        return node
    if isinstance(node, Einsum):
        return _split_product(node, parts)
    if isinstance(node, Flatten):
        inner = node.children[0]
        pairs = list(zip(parts, node.groups, strict=True))
        if all(len(part) == 1 or part == tuple([inner.shape[a] for a in group]) for part, group in pairs):
            groups = [(group,) if len(part) == 1 else tuple([(a,) for a in group]) for part, group in pairs]
            return flatten(inner, tuple([group for each in groups for group in each]))
    if node.entrywise:
        return node.rebuilt(tuple([split(child, parts) for child in node.children]))
    return intern(Split, (parts,), tuple([d for part in parts for d in part]), (node,))


def _split_product(node: Einsum, parts: tuple[Shape, ...]) -> Node:
    """Every label on an axis that is taken apart becomes several, in every factor; axes of the output that are to
    stay whole are put together again."""
    wanted = {label: part for label, part in zip(node.output, parts, strict=True) if len(part) > 1}
    whole = _with_labels_apart(node.coefficient, node.factors, node.output, dict(enumerate(node.sizes)), wanted)
    inner, groups = whole
    kept: list[Labels] = []
    for part, group in zip(parts, groups, strict=True):
        kept += [(axis,) for axis in group] if len(part) > 1 else [group]
    return flatten(inner, tuple(kept))


def _with_labels_apart(
    coefficient: Rational,
    factors: Sequence[Factor],
    output: Labels,
    sizes: dict[int, Dimension],
    apart: dict[int, Shape],
) -> tuple[Node, Groups]:
    """The product with some labels taken apart, and for each axis of its output the axes that it has become."""
    fresh = max([*sizes, *output, *(x for _, labels in factors for x in labels)], default=-1) + 1
    names: dict[int, Labels] = {}
    sizes = dict(sizes)
    for label, part in apart.items():
        names[label] = tuple(range(fresh, fresh + len(part)))
        sizes |= dict(zip(names[label], part, strict=True))
        fresh += len(part)
    new: list[Factor] = []
    for node, labels in factors:
        if any(label in apart for label in labels):
            node = split(node, tuple([apart.get(x, (node.shape[axis],)) for axis, x in enumerate(labels)]))
        new.append((node, tuple([y for x in labels for y in names.get(x, (x,))])))
    flat: list[int] = []
    groups: list[Labels] = []
    for label in output:
        own = names.get(label, (label,))
        groups.append(tuple(range(len(flat), len(flat) + len(own))))
        flat += own
    kept = {x: d for x, d in sizes.items() if x in flat}
    summed = {x: d for x, d in sizes.items() if x not in flat and x not in apart}
    return einsum(coefficient, new, tuple(flat), kept | summed), tuple(groups)


def taken_apart(
    coefficient: Rational, factors: Sequence[Factor], output: Labels, sizes: dict[int, Dimension]
) -> Node | None:
    """A product in which some factors are flattened, taken apart and flattened as a whole; None where they have
    different groups on one label."""
    apart: dict[int, Shape] = {}
    for node, labels in factors:
        if isinstance(node, Flatten):
            for label, group in zip(labels, node.groups, strict=True):
                part = tuple([node.children[0].shape[axis] for axis in group])
                if len(part) > 1 and apart.setdefault(label, part) != part:
                    return None
    for node, labels in factors:
        if isinstance(node, Flatten):
            for label, group in zip(labels, node.groups, strict=True):
                if label in apart and len(group) == 1:
                    return None
    inner, groups = _with_labels_apart(coefficient, factors, output, sizes, apart)
    return flatten(inner, groups)


def kronecker_factors(node: Node) -> tuple[Node, Node] | None:
    """A and B where the node is kron(A, B) for square A and B."""
    if not isinstance(node, Flatten) or node.groups != ((0, 1), (2, 3)):
        return None
    inner = node.children[0]
    if not isinstance(inner, Einsum) or inner.shape[0] != inner.shape[2] or inner.shape[1] != inner.shape[3]:
        return None
    a, b, c, d = inner.output
    first: list[Factor] = []
    second: list[Factor] = []
    for group in connected([labels for _, labels in inner.factors], set(inner.output)):
        block = [inner.factors[place] for place in group]
        ends = {x for _, labels in block for x in labels if x in inner.output}
        if ends <= {a, c}:
            first += block
        elif ends <= {b, d}:
            second += block
        else:
            return None
    if {a, c} & {b, d}:
        return None
    sizes = dict(enumerate(inner.sizes))
    one = einsum(1, first, (a, c), {x: sizes[x] for x in (a, c)})
    two = einsum(inner.coefficient, second, (b, d), {x: sizes[x] for x in (b, d)})
    return one, two


def kronecker(a: Node, b: Node) -> Node:
    """kron(A, B)"""
    return flatten(einsum(1, [(a, (0, 2)), (b, (1, 3))], (0, 1, 2, 3)), ((0, 1), (2, 3)))


def power_of_flattened(base: Node, exponent: Rational) -> Node | None:
    """kron(A, B).^2 = kron(A.^2, B.^2)"""
    assert isinstance(base, Flatten)
    return flatten(power(base.children[0], exponent), base.groups)


def common_groups(nodes: Sequence[Node]) -> Flatten | None:
    """A flattened one of some terms where all that are flattened have the same groups."""
    found = [node for node in nodes if isinstance(node, Flatten)]
    if not found:
        return None
    alike = {(node.groups, node.children[0].shape) for node in found}
    return found[0] if len(alike) == 1 else None


def ungrouped(node: Node, like: Flatten) -> Node:
    """A node of the same shape with its axes taken apart as those of ``like``."""
    inner = like.children[0].shape
    return split(node, tuple([tuple([inner[axis] for axis in group]) for group in like.groups]))


FACTOR_LAWS[Flatten] = taken_apart
POWER_LAWS[Flatten] = [power_of_flattened]
