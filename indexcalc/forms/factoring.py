"""Common factors of a sum, in the tensor expression: a sum becomes a product with a sum inside.

A factor is peeled off a term with a role for each of its axes: ``out``, an output axis that only it has;
``had``, an output axis that the rest keeps too; ``link``, an axis summed with the rest. Terms whose
factor has the same roles share it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product as choices
from typing import NamedTuple

from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational, cache, descendants, magnitude
from indexcalc.tensor.product import Einsum, constant_axes, einsum, is_symmetric, raised, split_power
from indexcalc.tensor.sums import Sum, add, scale

MOST_TERMS = 24
MOST_FACTORS = 12
MOST_STEPS = 8

Role = tuple[str, Labels]
"""What an axis of a factor is, and the output axes that it is, if any."""


class Term(NamedTuple):
    """A term with its pendants unfolded."""

    coefficient: Rational
    factors: tuple[tuple[Node, Labels], ...]
    output: Labels
    sizes: dict[int, Dimension]


class Peel(NamedTuple):
    """One factor of one term: its place there, and the axes in the order of the roles."""

    place: int
    axes: Labels


_variants: dict[Sum, list[Node]] = cache()


def variants(node: Sum) -> list[Node]:
    """The sum itself, then after each step of factoring; greedy: what all terms share, then what saves most. Those of
    a multiple are the multiples."""
    found = _variants.get(node)
    if found is None:
        content, scalars, primitive = node.primitive() if has_content(node) else (1, (), node)
        if primitive is not node and not scalars and isinstance(primitive, Sum):
            found = [scale(content, variant) for variant in variants(primitive)]
        else:
            found = [node, *_steps(node)]
        _variants[node] = found
    return found


def has_content(node: Sum) -> bool:
    """Whether a sum may have a number other than one in front: not where each of its terms has none."""
    return any(magnitude(c) != 1 for c in node.coefficients)


def _steps(node: Sum) -> Iterator[Node]:
    current: Node = node
    for _ in range(MOST_STEPS):
        if not isinstance(current, Sum) or len(current.children) > MOST_TERMS:
            return
        following = _step(current, False) or (None if current.shape else _step(current, True))
        if following is None:
            return
        current = following
        yield current


def apart(node: Node) -> Node:
    """A product in which sums that factor stand as products: ``(y_i - z_i) x_j`` for ``y_i x_j - z_i x_j``."""
    if not isinstance(node, Einsum):
        return node
    factors = []
    for child, labels in node.factors:
        factored = variants(child)[-1] if isinstance(child, Sum) and len(labels) > 1 else child
        factors.append((factored if isinstance(factored, Einsum) else child, labels))
    return einsum(node.coefficient, factors, node.output, dict(enumerate(node.sizes)))


def _step(node: Sum, scalars_too: bool) -> Node | None:
    """The sum with the best group's factor taken out, None where no terms share one."""
    terms = [_term(c, child, scalars_too) for c, child in node.terms]
    for group in _groups(terms):
        factored = _factored(node, terms, *group)
        if factored is not None:
            return factored
    return None


def _term(coefficient: Rational, node: Node, scalars_too: bool) -> Term:
    """A term taken apart; closed scalars only in a sum of scalars, when nothing else helps."""
    if isinstance(node, Einsum) and not node.opaque:
        coefficient = coefficient * node.coefficient
        factors, output, sizes = node.factors, node.output, dict(enumerate(node.sizes))
    else:
        output = tuple(range(len(node.shape)))
        factors, sizes = [(node, output)], dict(enumerate(node.shape))
    return Term(coefficient, tuple(_unfolded(factors, sizes, scalars_too and not output)), output, sizes)


def _unfolded(
    factors: list[tuple[Node, Labels]], sizes: dict[int, Dimension], scalars_too: bool
) -> list[tuple[Node, Labels]]:
    """Factors with the products in place of opaque nodes, as long as they are few."""
    flat: list[tuple[Node, Labels]] = []
    stack = list(reversed(factors))
    while stack:
        node, labels = stack.pop()
        small = len(flat) + len(stack) + len(node.children) <= MOST_FACTORS
        if isinstance(node, Einsum) and node.opaque and small and (labels or scalars_too):
            fresh = max(sizes, default=-1) + 1
            names = dict(zip(node.output, labels, strict=True))
            for inner, dimension in enumerate(node.sizes):
                if inner not in names:
                    names[inner] = fresh
                    sizes[fresh] = dimension
                    fresh += 1
            stack.extend((c, tuple(names[x] for x in own)) for c, own in reversed(node.factors))
        else:
            flat.append((node, labels))
    return flat


_weights: dict[Node, int] = cache()


def _weight(node: Node) -> int:
    """How many nodes a factor is made of."""
    if node not in _weights:
        _weights[node] = len(descendants([node]))
    return _weights[node]


Group = tuple[Node, tuple[Role, ...], dict[int, Peel]]
"""A factor, its roles, and where it stands in each of the terms that share it."""


def _groups(terms: list[Term]) -> list[Group]:
    """The factors that terms share, best first: those of all terms, then those that save most."""
    terms_with: dict[Node, int] = {}
    for term in terms:
        for base in {split_power(node)[0] for node, _ in term.factors}:
            terms_with[base] = terms_with.get(base, 0) + 1
    bases = {base for base, count in terms_with.items() if count > 1}
    if not bases:
        return []
    groups: dict[tuple[Node, tuple[Role, ...]], dict[int, Peel]] = {}
    for number, term in enumerate(terms):
        for node, roles, peel in _peels(term, bases):
            groups.setdefault((node, roles), {}).setdefault(number, peel)
    shared = [(node, roles, members) for (node, roles), members in groups.items() if len(members) > 1]

    def worth(group: Group) -> tuple[bool, int, bool, bytes]:
        node, roles, members = group
        saved = (len(members) - 1) * _weight(node)
        return len(members) == len(terms), saved, any(role == "out" for role, _ in roles), node.digest

    return sorted(shared, key=worth, reverse=True)


def _peels(term: Term, bases: Collection[Node]) -> Iterator[tuple[Node, tuple[Role, ...], Peel]]:
    """Every factor of a term that is a power of one of these, with every choice of roles that leaves at most as many
    axes as a matrix has."""
    uses: dict[int, int] = {}
    for _, labels in term.factors:
        for label in labels:
            uses[label] = uses.get(label, 0) + 1
    output = term.output
    most = max(2, len(output))
    for place, (node, labels) in enumerate(term.factors):
        base, exponent = split_power(node)
        if base not in bases or len(set(labels)) < len(labels):
            continue
        step = max(-1, min(1, exponent)) if type(exponent) is int else exponent
        peeled = raised(base, step)
        options = [_roles(label, output, step == exponent and uses[label] == 1) for label in labels]
        for roles in choices(*options):
            kinds = [role for role, _ in roles]
            links = kinds.count("link")
            if links:
                if "had" in kinds or (len(labels) == 1 and uses[labels[0]] != 2):
                    continue  # a vector only off the end of a chain
                if links == len(labels) and any(label in output for label in labels):
                    continue
                rank = len(output) + links - sum([len(positions) for role, positions in roles if role == "out"])
                if rank > most:
                    continue
            axes = labels
            if len(labels) == 2 and roles[1] < roles[0] and is_symmetric(node):
                roles, axes = roles[::-1], labels[::-1]
            yield peeled, roles, Peel(place, axes)


def _roles(label: int, output: Labels, alone: bool) -> list[Role]:
    if label not in output:
        return [("link", ())]
    positions = tuple(p for p, x in enumerate(output) if x == label)
    had = [("had", positions)]
    if len(positions) > 1:  # diag(g) as diag(g)*eye
        had += [("had", (p,)) for p in positions]
    if not alone:
        return [*had, ("link", ())]
    return [*had, ("out", positions), ("link", ())]


def _factored(
    total: Sum, terms: list[Term], node: Node, roles: tuple[Role, ...], members: dict[int, Peel]
) -> Node | None:
    """The sum with the shared factor outside the sum of what is left of its terms; None where some of that
    is a vector to be repeated along an axis: ``ones(m)*v'``."""
    node = _widest(node, [terms[number].factors[peel.place][0] for number, peel in members.items()])
    rank = len(terms[0].output)
    outs = {position: axis for axis, (role, positions) in enumerate(roles) if role == "out" for position in positions}
    links = [axis for axis, (role, _) in enumerate(roles) if role == "link"]
    kept = [position for position in range(rank) if position not in outs]
    rest = []
    for number, peel in members.items():
        term = terms[number]
        base, exponent = split_power(term.factors[peel.place][0])
        left = exponent - split_power(node)[1]
        others = [factor for place, factor in enumerate(term.factors) if place != peel.place]
        if left:
            others.append((raised(base, left), term.factors[peel.place][1]))
        output = tuple([term.output[position] for position in kept] + [peel.axes[axis] for axis in links])
        rest.append((1, einsum(term.coefficient, others, output, {label: term.sizes[label] for label in output})))
    flat = [set(constant_axes(residue)) for _, residue in rest]
    common = set.intersection(*flat)
    if any(len(axes) < len(rest[0][1].shape) and axes > common for axes in flat):
        return None
    inner = add(rest)
    fresh = range(rank, rank + len(roles))
    axes: list[int] = []
    for axis, (role, positions) in enumerate(roles):
        axes.append(fresh[axis] if role == "link" else positions[0])
    joined = {p: positions[0] for role, positions in roles if role != "link" for p in positions}
    labels = tuple([joined.get(position, position) for position in kept] + [fresh[axis] for axis in links])
    whole = tuple([joined.get(position, position) for position in range(rank)])
    shape = [terms[0].sizes[label] for label in terms[0].output]
    factored = einsum(1, [(node, tuple(axes)), (inner, labels)], whole, {p: shape[p] for p in whole})
    return add([(1, factored), *[term for k, term in enumerate(total.terms) if k not in members]])


def _widest(node: Node, held: list[Node]) -> Node:
    """The highest power of a shared factor that all of ``held`` have."""
    base, step = split_power(node)
    exponents = [split_power(other)[1] for other in held]
    if any(type(e) is not int for e in (step, *exponents)):
        return node
    return raised(base, min(exponents) if step > 0 else max(exponents))
