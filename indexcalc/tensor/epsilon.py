"""The Levi-Civita symbol: eps_ijk is 1 for even permutations of 1, 2, 3, -1 for odd ones, else 0."""

from __future__ import annotations

from itertools import combinations, permutations

from indexcalc.tensor.nodes import Labels, Node, intern
from indexcalc.tensor.product import MEETINGS, PRODUCT_LAWS, Einsum, Expansion, Item, Items, einsum, zeros
from indexcalc.tensor.sums import add


class Epsilon(Node):
    """eps_ijk"""

    __slots__ = ()
    alternating = True

    def relabelled(self, labels: Labels) -> Node | None:
        if len(set(labels)) < len(labels):
            return zeros((3,) * len(set(labels)))
        return self if sign(labels) > 0 else einsum(-1, [(self, (0, 1, 2))], (0, 1, 2))


def epsilon() -> Epsilon:
    return intern(Epsilon, (), (3, 3, 3))


def sign(labels: Labels) -> int:
    """The sign of the permutation that sorts distinct labels."""
    return -1 if sum(a > b for a, b in combinations(labels, 2)) % 2 else 1


def as_deltas(node: Node) -> Node:
    """A product with each pair of epsilons written as the determinant of their deltas, shared axes or none."""
    if not isinstance(node, Einsum):
        return node
    pair = [place for place, (child, _) in enumerate(node.factors) if isinstance(child, Epsilon)][:2]
    if len(pair) < 2:
        return node
    ours, theirs = (node.subscripts[place] for place in pair)
    rest = [factor for place, factor in enumerate(node.factors) if place not in pair]
    sizes = dict(enumerate(node.sizes))
    terms = []
    for places in permutations(range(3)):
        names = {x: x for x in sizes}
        for k, place in enumerate(places):
            a, b = names[ours[k]], names[theirs[place]]
            names = {x: a if name == b else name for x, name in names.items()}
        factors = [(child, tuple([names[x] for x in labels])) for child, labels in rest]
        output = tuple([names[x] for x in node.output])
        kept = {x: size for x, size in sizes.items() if names[x] == x}
        terms.append((sign(places), as_deltas(einsum(node.coefficient, factors, output, kept))))
    return add(terms)


def product_of_epsilons(item: Item, items: Items, output: Labels) -> Expansion | None:
    """eps_ijk eps_ilm = delta_jl delta_km - delta_jm delta_kl, where i stands nowhere else: the determinant of the
    deltas between the axes of one and of the other, those that are summed over both used up."""
    listed = items()
    square = type(item.exponent) is int and item.exponent >= 2
    partners = [item] if square else [x for x in listed if x.base is item.base and x != item and x.exponent == 1]
    if not square and item.exponent != 1:
        return None
    for other in partners:
        elsewhere = {label for x in listed if x not in (item, other) for label in x.labels} | set(output)
        if item.exponent not in (1, 2):
            elsewhere |= set(item.labels)
        shared = [label for label in item.labels if label in other.labels and label not in elsewhere]
        if not shared and not square:
            continue
        ours = [x for x in item.labels if x not in shared]
        theirs = [x for x in other.labels if x not in shared]
        order = [item.labels.index(x) for x in (*shared, *ours)]
        turn = sign(tuple(order)) * sign(tuple([other.labels.index(x) for x in (*shared, *theirs)]))
        count = (1, 1, 2, 6)[len(shared)]
        terms = [
            (turn * count * sign(places), [(a, theirs[place]) for a, place in zip(ours, places, strict=True)])
            for places in permutations(range(len(ours)))
        ]
        gone = [Item(item.base, item.labels, 2)] if square else [item, other]
        return Expansion(gone, terms, shared, add)
    return None


PRODUCT_LAWS[Epsilon] = [product_of_epsilons]
MEETINGS[Epsilon] = lambda node: [node]
