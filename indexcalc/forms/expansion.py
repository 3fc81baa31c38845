"""Sums multiplied out, for the final answer only: other ways to write it, where like terms merge or cancel."""

from __future__ import annotations

from collections.abc import Iterator

from indexcalc.tensor.elementwise import Apply, apply, is_negative
from indexcalc.tensor.functions import SIGMOID
from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational, transform
from indexcalc.tensor.product import Einsum, einsum, ones
from indexcalc.tensor.sums import Sum, add, scale

MOST_TERMS = 64

Factors = list[tuple[Node, Labels]]
Open = tuple[Rational, Factors, Labels, dict[int, Dimension]]
"""A product while it is multiplied out: coefficient, factors, output, sizes."""


def alternatives(node: Node) -> Iterator[tuple[Node, bool]]:
    """Other nodes of the same value, and whether like terms merged or cancelled on the way."""
    seen = {node}
    for start in (node, _without_opposite_sigmoids(node)):
        for candidate, merged in _expansions(start):
            if candidate not in seen:
                seen.add(candidate)
                yield candidate, merged or start is not node


def _expansions(node: Node) -> Iterator[tuple[Node, bool]]:
    yield node, False
    for everything in (False, True):
        products = [(c, child) for c, child in node.terms] if isinstance(node, Sum) else [(1, node)]
        expanded: list[tuple[Rational, Node]] = []
        for coefficient, child in products:
            parts = multiplied_out(child, everything)
            if parts is None or len(expanded) + len(parts) > MOST_TERMS:
                return
            expanded += [(coefficient * c, part) for c, part in parts]
        if len(expanded) == len(products):
            return
        result = add(expanded)
        count = len(result.children) if isinstance(result, Sum) else 1
        yield result, count < len(expanded)


def multiplied_out(node: Node, everything: bool) -> list[tuple[Rational, Node]] | None:
    """The terms of a product of sums; of the first sum only, or of ``everything``. None where they are too many."""
    done: list[tuple[Rational, Node]] = []
    work = [_opened(1, node)]
    while work:
        if len(work) + len(done) > MOST_TERMS:
            return None
        coefficient, factors, output, sizes = work.pop()
        place = next((k for k, (factor, _) in enumerate(factors) if _has_sum(factor)), None)
        if place is None:
            done.append((1, einsum(coefficient, factors, output, {x: sizes[x] for x in output})))
            continue
        factor, labels = factors[place]
        rest = factors[:place] + factors[place + 1 :]
        if isinstance(factor, Sum):
            new = [(coefficient * c, [*rest, (child, labels)], output, sizes) for c, child in factor.terms]
            if everything:
                work += new
            else:
                done += [(1, einsum(c, f, o, {x: s[x] for x in o})) for c, f, o, s in new]
        else:
            work.append(_inlined(coefficient, rest, factor, labels, output, sizes))
    return done


def _opened(coefficient: Rational, node: Node) -> Open:
    axes = tuple(range(len(node.shape)))
    return coefficient, [(node, axes)], axes, dict(enumerate(node.shape))


def _inlined(
    coefficient: Rational, rest: Factors, node: Node, labels: Labels, output: Labels, sizes: dict[int, Dimension]
) -> Open:
    """A product with the operands of one of its factors in the factor's place."""
    assert isinstance(node, Einsum)
    sizes = dict(sizes)
    names: dict[int, int] = {}
    joined: dict[int, int] = {}
    for inner, label in zip(node.output, labels, strict=True):
        if names.setdefault(inner, label) != label:
            joined[label] = names[inner]
    for inner, dimension in enumerate(node.sizes):
        if inner not in names:
            names[inner] = max(sizes, default=-1) + 1
        sizes[names[inner]] = dimension
    inside = [(child, tuple([names[x] for x in own])) for child, own in node.factors]
    factors = [(n, tuple([joined.get(x, x) for x in own])) for n, own in [*rest, *inside]]
    return coefficient * node.coefficient, factors, tuple([joined.get(x, x) for x in output]), sizes


def _has_sum(node: Node) -> bool:
    """Whether a factor is a sum, or a product with one."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Sum):
            return True
        if isinstance(part, Einsum):
            stack.extend(part.children)
    return False


def _without_opposite_sigmoids(node: Node) -> Node:
    """sigmoid(-u) as 1 - sigmoid(u)"""

    def replace(part: Node) -> Node | None:
        if isinstance(part, Apply) and part.function is SIGMOID and is_negative(part.children[0]):
            opposite = apply(SIGMOID, scale(-1, part.children[0]))
            return add([(1, ones(part.shape)), (-1, opposite)])
        return None

    return transform(node, replace)
