"""The cheapest order of a chain of matrix products.

A chain M1 M2 … Mn of matrices p0 x p1, p1 x p2, … is a polygon with the corners p0 … pn, an order of its products a
triangulation, and the product p x q times q x r the triangle with the cost p q r. In some optimal triangulation the
smallest corner is joined with the second and the third smallest; where it is their neighbour already, either these two
are joined, or it is joined with the fourth (Hu and Shing, Computation of matrix chain products, 1982 and 1984). That
leaves so few polygons that memoising them beats the cubic dynamic program.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

Path = list[tuple[int, ...]]


class Chain(NamedTuple):
    """The operands of a network in the order of a chain, and the label between each and the next; None at an end
    where there is no label."""

    operands: tuple[int, ...]
    labels: tuple[Any, ...]


def chain(inputs: Sequence[Collection[Hashable]], output: Collection[Hashable]) -> Chain | None:
    """The network as a chain of matrices, with vectors at most at its ends; None where it is none."""
    at: dict[Any, list[int]] = {}
    for place, labels in enumerate(inputs):
        if not 1 <= len(labels) <= 2:
            return None
        for label in labels:
            at.setdefault(label, []).append(place)
    if any(len(places) != (1 if label in output else 2) for label, places in at.items()):
        return None
    ends = [p for p, labels in enumerate(inputs) if len(labels) == 1 or any(x in output for x in labels)]
    if len(ends) != 2 or len(inputs) < 2:
        return None
    here = ends[0]
    entry = next((x for x in inputs[here] if x in output), None)
    order, between = [here], [entry]
    while True:
        ahead = [x for x in inputs[here] if x != between[-1]]
        between.append(ahead[0] if ahead else None)
        if not ahead or ahead[0] in output:
            break
        first, second = at[ahead[0]]
        here = second if first == here else first
        order.append(here)
    return Chain(tuple(order), tuple(between)) if len(order) == len(inputs) else None


def chain_path(found: Chain, sizes: Mapping[Any, int]) -> Path:
    """The optimal order, as positions in the list of operands that are left, each result put at its end."""
    corners = [1 if label is None else sizes[label] for label in found.labels]
    chords = _triangulation(corners)
    places = list(range(len(found.operands)))
    made = {(k, k + 1): operand for k, operand in enumerate(found.operands)}
    steps: Path = []
    inner = {(a, b) for a, b in chords} | {(0, len(corners) - 1)}
    for a, b in sorted(inner, key=lambda chord: (chord[1] - chord[0], chord)):
        middle = next(k for k in range(a + 1, b) if (a, k) in made and (k, b) in made)
        pair = sorted(places.index(made[side]) for side in ((a, middle), (middle, b)))
        for place in reversed(pair):
            del places[place]
        made[a, b] = len(found.operands) + len(steps)
        places.append(made[a, b])
        steps.append(tuple(pair))
    return steps


def _triangulation(corners: Sequence[int]) -> list[tuple[int, int]]:
    """The chords of a cheapest triangulation, each with the smaller place first."""
    order = sorted(range(len(corners)), key=corners.__getitem__)
    rank = [0] * len(corners)
    for place, corner in enumerate(order):
        rank[corner] = place
    memo: dict[tuple[int, ...], tuple[int, tuple[Any, ...]]] = {}

    def best(polygon: tuple[int, ...]) -> tuple[int, tuple[Any, ...]]:
        """The cost, and the chords: a chord first, then those of each part."""
        if len(polygon) <= 3:
            return (corners[polygon[0]] * corners[polygon[1]] * corners[polygon[2]] if len(polygon) == 3 else 0), ()
        if polygon not in memo:
            memo[polygon] = split(polygon)
        return memo[polygon]

    def split(polygon: tuple[int, ...]) -> tuple[int, tuple[Any, ...]]:
        one, two, three, four = sorted(polygon, key=rank.__getitem__)[:4]
        turned = polygon[(at := polygon.index(one)) :] + polygon[:at]
        places = sorted([turned.index(two), turned.index(three)])
        cuts = [place for place in places if 1 < place < len(turned) - 1]
        if cuts:
            return fan(turned, cuts)
        joined, inner = best(tuple(sorted(turned[1:])))
        joined += corners[one] * corners[two] * corners[three]
        apart = fan(turned, [turned.index(four)])
        return apart if apart[0] < joined else (joined, ((two, three), inner))

    def fan(turned: tuple[int, ...], cuts: Sequence[int]) -> tuple[int, tuple[Any, ...]]:
        """The first corner joined with those at the cuts."""
        bounds = [1, *cuts, len(turned) - 1]
        parts = [best(tuple(sorted((turned[0], *turned[a : b + 1])))) for a, b in pairwise(bounds)]
        return sum(cost for cost, _ in parts), (
            *((turned[0], turned[cut]) for cut in cuts),
            *(chords for _, chords in parts),
        )

    found: list[tuple[int, int]] = []
    stack: list[Any] = [best(tuple(range(len(corners))))[1]]
    while stack:
        item = stack.pop()
        if item and isinstance(item[0], int):
            found.append((min(item), max(item)))
        else:
            stack.extend(item)
    return found
