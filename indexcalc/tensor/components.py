"""How the operands of a product hang together, by labels alone: closed components, parts that hang at one label, and
chains between two labels.

A product of matrices is a network: its labels are vertices, its matrices edges, its vectors marks on a vertex. Parts
that touch the rest at one label are vectors, chains beside another operand of the same two labels are matrices: the
block-cut tree and the series nodes of the two-terminal decomposition (Di Battista and Tamassia, On-line maintenance
of triconnected components with SPQR-trees, 1996), the roots of which are the output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from indexcalc.tensor.nodes import Labels


def connected(operands: Sequence[Labels], kept: Collection[int]) -> list[list[int]]:
    """Operands joined by labels that are summed, as lists of places; those without labels stand alone."""
    groups: list[tuple[set[int], list[int]]] = []
    for place, labels in enumerate(operands):
        summed = set(labels).difference(kept)
        touched = [group for group in groups if not summed.isdisjoint(group[0])]
        if not touched:
            groups.append((summed, [place]))
            continue
        own, places = touched[0]
        own |= summed
        places.append(place)
        for other in touched[1:]:
            own |= other[0]
            places += other[1]
            groups.remove(other)
    return [sorted(places) for _, places in groups]


def apart(operands: Sequence[Labels], kept: Collection[int]) -> list[list[int]]:
    """The components without a kept label, as lists of places."""
    reached, far = set(kept), operands
    while far:
        left = []
        for labels in far:
            if reached.isdisjoint(labels):
                left.append(labels)
            else:
                reached.update(labels)
        if len(left) == len(far):
            return [group for group in connected(operands, kept) if reached.isdisjoint(operands[group[0]])]
        far = left
    return []


class Part(NamedTuple):
    """Operands of a product, by their places, that touch the rest at these labels only."""

    ends: Labels
    places: list[int]


def hanging(operands: Sequence[Labels], kept: Collection[int], inner: Collection[int]) -> Part | None:
    """The smallest part that touches the rest, and the kept labels, at one label only. The ``inner`` labels are those
    that are not kept."""
    if len(inner) == 1:
        (label,) = inner
        places = [place for place, labels in enumerate(operands) if label in labels]
        ends = set[int]().union(*[operands[place] for place in places]).difference(inner)
        return Part(tuple(ends), places) if len(ends) == 1 else None
    near: dict[int, set[int]] = {}
    for labels in operands:
        for label in labels:
            near.setdefault(label, set()).update(labels)
    smallest = min(_parts(near, kept), key=lambda part: len(part[1]), default=None)
    if smallest is None:
        return None
    end, hung = smallest
    return Part((end,), [place for place, labels in enumerate(operands) if not hung.isdisjoint(labels)])


def _parts(near: dict[int, set[int]], kept: Collection[int]) -> Iterable[tuple[int, set[int]]]:
    """Labels without which others are cut off from the kept ones, with those others."""
    for label, others in near.items():
        if label not in kept and len(others) == 2:
            (end,) = others - {label}
            yield end, {label}
            return
    for end, others in near.items():
        left = others - {end}
        while left:
            found, stack = {end}, [left.pop()]
            while stack:
                label = stack.pop()
                if label not in found:
                    found.add(label)
                    stack.extend(near[label] - found)
            found.remove(end)
            left -= found
            if found.isdisjoint(kept):
                yield end, found


def parallel_chain(operands: Sequence[Labels], kept: Collection[int]) -> Part | None:
    """A chain of matrices between two labels, all inner labels with their vectors in it, that another matrix or
    chain joins, too."""
    return _Chains(operands, kept).parallel if sum(len(labels) > 1 for labels in operands) > 2 else None


def chain(operands: Sequence[Labels], output: Labels) -> list[int]:
    """The places of the one chain between two outputs that has all inner labels; none where there is none."""
    ends = frozenset(output)
    if len(ends) != 2 or len(output) != 2 or len(ends.union(*operands)) < 3:
        return []
    chains = _Chains(operands, output)
    if chains.parallel or chains.between.keys() != {ends}:
        return []
    places = chains.between[ends]
    rest = [label for place, labels in enumerate(operands) if place not in places for label in labels]
    return places if ends.issuperset(rest) else []


def is_chain(operands: Sequence[Labels], output: Labels) -> bool:
    """Whether a product is one chain between its two outputs: a path through all labels, vectors at inner ones."""
    if len(operands) < 2 or len(output) != 2:
        return False
    (here, end), left, steps = output, operands, 0
    while here != end:
        at = [labels for labels in left if here in labels]
        onward = set[int]().union(*at).difference((here,))
        if len(onward) != 1 or (not steps and [labels for labels in at if onward.isdisjoint(labels)]):
            return False
        left = [labels for labels in left if here not in labels]
        (here,) = onward
        steps += 1
    return steps > 1 and not left


class _Chains:
    """Series reductions, until one of them puts a chain beside something else: ``parallel``. ``between`` has the
    places of the operands between two labels."""

    def __init__(self, operands: Sequence[Labels], kept: Collection[int]) -> None:
        self.between: dict[frozenset[int], list[int]] = {}
        self.parallel: Part | None = None
        marks: dict[int, list[int]] = {}
        near: dict[int, set[int]] = {}
        fixed = set(kept)
        for place, labels in enumerate(operands):
            ends = frozenset(labels)
            if len(ends) == 2:
                self.between.setdefault(ends, []).append(place)
                a, b = ends
                near.setdefault(a, set()).add(b)
                near.setdefault(b, set()).add(a)
            elif len(ends) == 1:
                marks.setdefault(labels[0], []).append(place)
            else:
                fixed |= ends
        waiting = [label for label in near if label not in fixed]
        while waiting and self.parallel is None:
            label = waiting.pop()
            if len(near[label]) == 2:
                a, b = near.pop(label)
                self._join(a, b, label, marks.pop(label, []))
                for one, other in ((a, b), (b, a)):
                    near[one].remove(label)
                    near[one].add(other)
                    if one not in fixed and one not in waiting:
                        waiting.append(one)

    def _join(self, a: int, b: int, label: int, marks: list[int]) -> None:
        ends = frozenset((a, b))
        places = self.between.pop(frozenset((a, label))) + self.between.pop(frozenset((label, b))) + marks
        if ends in self.between:
            self.parallel = Part((a, b), sorted(places))
        self.between[ends] = places
