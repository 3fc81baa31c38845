"""Scalars that are the square of a norm: cut at one label or at two, they fall into pairs of equal parts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from indexcalc.tensor.components import connected
from indexcalc.tensor.nodes import Node, Rational
from indexcalc.tensor.product import Einsum, einsum, power, split_power


def square_roots(node: Einsum) -> Iterator[Node]:
    """Vectors and matrices whose entries squared add up to this scalar: A*x for x'*A'*A*x."""
    if node.output or node.coefficient != 1 or len(node.children) < 4:
        return
    parts = [(*split_power(child), labels) for child, labels in node.factors]
    if any(e < 0 or type(e) is not int for _, e, _ in parts) or any(
        sum(e for other, e, _ in parts if other is base) % 2 for base, _, _ in parts
    ):
        return
    for ends in [*combinations(range(len(node.sizes)), 1), *combinations(range(len(node.sizes)), 2)]:
        counts: dict[Node, Rational] = {}
        for group in connected([labels for _, _, labels in parts], ends):
            block = [parts[place] for place in group]
            if {*ends}.isdisjoint(label for _, _, labels in block for label in labels):
                break
            times = block[0][1] if len(block) == 1 and {*block[0][2]} <= {*ends} else 1
            own = [(power(base, e if times == 1 else 1), labels) for base, e, labels in block]
            part = einsum(1, own, ends, {x: node.sizes[x] for x in ends})
            counts[part] = counts.get(part, 0) + times
        else:
            if not any(count % 2 for count in counts.values()):
                axes = tuple(range(len(ends)))
                roots = [(power(part, Fraction(count, 2)), axes) for part, count in counts.items()]
                yield from dict.fromkeys((einsum(1, roots, axes), einsum(1, roots, axes[::-1])))
