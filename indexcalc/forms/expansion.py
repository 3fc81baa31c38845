"""Sums multiplied out, for the final answer only: other ways to write it, where like terms merge or cancel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from indexcalc.tensor.elementwise import Apply, is_negative, opposite
from indexcalc.tensor.epsilon import Epsilon, as_deltas
from indexcalc.tensor.matrix_functions import Determinant, LogDeterminant, determinants_apart
from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational, cache, descendants, transform
from indexcalc.tensor.product import Einsum, einsum, ones, orient, split_power
from indexcalc.tensor.sums import Sum, add

MOST_TERMS = 64

Factors = list[tuple[Node, Labels]]
Open = tuple[Rational, Factors, Labels, dict[int, Dimension]]
"""A product while it is multiplied out: coefficient, factors, output, sizes."""


def alternatives(node: Node, every: bool = False, factored: bool = False) -> Iterator[Node]:
    """Other nodes of the same value: multiplied out, where like terms then merge or cancel, or ``every`` way. What is
    not ``factored`` to one product may also have common factors then, where terms are made of the same."""
    parts = descendants([node])
    kinds = set(map(type, parts))
    starts = [node]
    if Apply in kinds and any(isinstance(part, Apply) and part.function.reflected for part in parts):
        starts.append(_without_reflections(node))
    if Epsilon in kinds:
        starts.append(_without_epsilons(node))
    if not kinds.isdisjoint((Determinant, LogDeterminant)):
        starts.append(determinants_apart(node))
    seen = {node}
    for start in starts:
        for candidate in _expansions(start, every or start is not node, factored):
            if candidate not in seen:
                seen.add(candidate)
                yield candidate


def _without_epsilons(node: Node) -> Node:
    """The node with every pair of epsilons as deltas."""
    return add([(c, as_deltas(child)) for c, child in node.terms]) if isinstance(node, Sum) else as_deltas(node)


def _expansions(node: Node, every: bool, factored: bool) -> Iterator[Node]:
    if every:
        yield node
    products = node.terms if isinstance(node, Sum) else [(1, node)]
    if not any(_has_sum(child) for _, child in products):
        return
    for everything in (False, True):
        expanded: list[Open] = []
        for coefficient, child in products:
            parts = multiplied_out(coefficient, child, everything)
            if parts is None or len(expanded) + len(parts) > MOST_TERMS:
                return
            expanded += parts
        if every or _promising(expanded, factored):
            yield add(
                (1, einsum(c, factors, output, {x: sizes[x] for x in output})) for c, factors, output, sizes in expanded
            )
        if not any(_has_sum(factor) for _, factors, _, _ in expanded for factor, _ in factors):
            return


def multiplied_out(coefficient: Rational, node: Node, everything: bool) -> list[Open] | None:
    """The terms of a product of sums; of the first sum only, or of ``everything``. None where they are too many."""
    done: list[Open] = []
    work = [_opened(coefficient, node)]
    while work:
        if len(work) + len(done) > MOST_TERMS:
            return None
        product = work.pop()
        coefficient, factors, output, sizes = product
        place = next((k for k, (factor, _) in enumerate(factors) if _has_sum(factor)), None)
        if place is None:
            done.append(product)
            continue
        factor, labels = factors[place]
        rest = factors[:place] + factors[place + 1 :]
        if isinstance(factor, Sum):
            new: list[Open] = [(coefficient * c, [*rest, (child, labels)], output, sizes) for c, child in factor.terms]
            if everything:
                work += new
            else:
                done += new
        else:
            work.append(_inlined(coefficient, rest, factor, labels, output, sizes))
    return done


def _promising(products: list[Open], factored: bool) -> bool:
    """Whether two of the products have the same factors, if ``factored`` joined alike, or factors of one cancel: only
    then like terms can merge. Or an identity goes, or a multiple of one beside a product with the same factors. What
    is cheap to see before anything is built."""
    seen: dict[frozenset[tuple[Node, Rational]], list[Open]] = {}
    for product in products:
        factors = product[1]
        if len(factors) > 1 and any(map(_is_identity, factors)):
            return True
        total: dict[Node, Rational] = {}
        for factor, _ in factors:
            for base, exponent in _leaves(factor).items():
                if total.get(base, 0) * exponent < 0:
                    return True
                total[base] = total.get(base, 0) + exponent
        seen.setdefault(frozenset(total.items()), []).append(product)
    groups = [group for group in seen.values() if len(group) > 1]
    if not factored or any(
        _is_multiple_of_identity(*f) for group in groups for _, factors, *_ in group for f in factors
    ):
        return bool(groups)
    alike = [[_joints(product) for product in group] for group in groups]
    return any(joints in group[:place] for group in alike for place, joints in enumerate(group))


def _joints(product: Open) -> Counter[tuple[object, ...]]:
    """The ends of factors that meet at each label of a product, and where it stands in the output: alike where two
    products are one node."""
    coefficient, factors, output, sizes = product
    while True:
        place = next((k for k, (factor, _) in enumerate(factors) if isinstance(factor, Einsum)), None)
        if place is None:
            break
        rest = factors[:place] + factors[place + 1 :]
        coefficient, factors, output, sizes = _inlined(coefficient, rest, *factors[place], output, sizes)
    powers: dict[tuple[Node, Labels], Rational] = {}
    for factor, labels in factors:
        base, exponent = split_power(factor)
        key = orient(base, labels)
        powers[key] = powers.get(key, 0) + exponent
    at: dict[int, list[tuple[bytes, Rational, int]]] = {label: [] for label in output}
    for (base, labels), exponent in powers.items():
        told_apart = len(labels) == 2 and base.oriented is not None and not base.oriented[2]
        for axis, label in enumerate(labels):
            at.setdefault(label, []).append((base.digest, exponent, axis if told_apart else 0))
    places = {label: tuple([axis for axis, x in enumerate(output) if x == label]) for label in output}
    return Counter([(places.get(label), *sorted(ends)) for label, ends in at.items()])


def _is_identity(factor: tuple[Node, Labels]) -> bool:
    return _is_multiple_of_identity(*factor) and not factor[0].children


def _is_multiple_of_identity(node: Node, labels: Labels) -> bool:
    return isinstance(node, Einsum) and not any(node.subscripts) and len(set(node.output)) < len(labels)


_leaf_powers: dict[Node, dict[Node, Rational]] = cache()


def _leaves(node: Node) -> dict[Node, Rational]:
    """The factors that a node flattens to, with their exponents."""
    if node not in _leaf_powers:
        whole = isinstance(node, Einsum)
        for part in descendants([node], lambda n: n.children if isinstance(n, Einsum) else ()) if whole else (node,):
            found: dict[Node, Rational] = {}
            if isinstance(part, Einsum):
                for child in part.children:
                    for base, exponent in _leaf_powers[child].items():
                        found[base] = found.get(base, 0) + exponent
            else:
                base, exponent = split_power(part)
                found = {orient(base, tuple(range(len(base.shape))))[0]: exponent}
            _leaf_powers[part] = found
    return _leaf_powers[node]


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


def _without_reflections(node: Node) -> Node:
    """sigmoid(-u) as 1 - sigmoid(u)"""

    def replace(part: Node) -> Node | None:
        other = opposite(part)
        if other is None or not is_negative(part.children[0]):
            return None
        return add([(1, ones(part.shape)), (-1, other)])

    return transform(node, replace)


def as_terms(node: Node) -> Node:
    """A product with a sum that is no matrix, as a sum."""
    if not isinstance(node, Einsum):
        return node
    for place, (child, labels) in enumerate(node.factors):
        if isinstance(child, Sum) and len(labels) > 2:
            rest = [factor for k, factor in enumerate(node.factors) if k != place]
            sizes = dict(enumerate(node.sizes))
            terms = child.terms
            return add([(c, einsum(node.coefficient, [(n, labels), *rest], node.output, sizes)) for c, n in terms])
    return node
