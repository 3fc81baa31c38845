"""Canonical labelling of one product: the same order and labels however it was written.

Operands are vertices, labels are hyperedges with numbered ends. Colour refinement tells them apart
where it can; where equal operands remain, one is individualised and refined again, and the smallest
encoding wins. Leaves with equal encodings are automorphisms, which prune the search (McKay and
Piperno, Practical graph isomorphism II, 2014, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from itertools import product as choices
from math import prod
from typing import Any

from indexcalc.tensor.nodes import Labels, Node

MOST_WAYS = 216
"""Orders of the axes of skew operands that are tried for the canonical one."""

Colours = list[int]


def canonical(
    nodes: Sequence[Node], labels: Sequence[Labels], symmetries: Sequence[int], output: Labels
) -> tuple[Sequence[int], tuple[Labels, ...], dict[int, int]]:
    """The canonical order of the operands, their labels as numbers in this order, and the number of each label: those
    of the output first. The two axes of an operand of symmetry 1 are interchangeable."""
    symmetric = [place for place, symmetry in enumerate(symmetries) if symmetry > 0] if 1 in symmetries else []
    order, numbers = _told_apart(nodes, labels, symmetric, output) or _Search(nodes, labels, symmetric, output).best()
    return order, _numbered(labels, symmetric, order, numbers), numbers


def _told_apart(
    nodes: Sequence[Node], labels: Sequence[Labels], symmetric: Sequence[int], output: Labels
) -> tuple[Sequence[int], dict[int, int]] | None:
    """The order and the numbers where all operands are different, or touch the output differently; None where that
    does not tell them."""
    order: Sequence[int] = range(len(nodes))
    if len(nodes) > 1:
        signs: list[Any] = [node.digest for node in nodes]
        if len(set(nodes)) < len(nodes):
            if symmetric or not output:
                return None
            at: dict[int, Labels] = {}
            for axis, label in enumerate(output):
                at[label] = (*at.get(label, ()), axis)
            signs = [(sign, tuple([at.get(x, ()) for x in own])) for sign, own in zip(signs, labels, strict=True)]
            if len(set(signs)) < len(signs):
                return None
        order = sorted(order, key=signs.__getitem__)
    met = list(output)
    for place in order:
        if place in symmetric and not (labels[place][0] in met or labels[place][1] in met):
            return None  # which of its axes comes first is not told by what stands before
        met += labels[place]
    return order, {label: number for number, label in enumerate(dict.fromkeys(met))}


def _numbered(
    labels: Sequence[Labels], symmetric: Sequence[int], order: Sequence[int], numbers: Mapping[int, int]
) -> tuple[Labels, ...]:
    """The operands' labels as numbers, in this order."""
    found = [tuple([numbers[x] for x in labels[place]]) for place in order]
    if symmetric:
        pairs = zip(order, found, strict=True)
        found = [tuple(sorted(own)) if place in symmetric else own for place, own in pairs]
    return tuple(found)


class _Search:
    def __init__(
        self, nodes: Sequence[Node], labels: Sequence[Labels], symmetric: Sequence[int], output: Labels
    ) -> None:
        self.nodes, self.subscripts, self.symmetric, self.output = nodes, labels, symmetric, output
        self.labels = list(dict.fromkeys([*output, *[x for own in labels for x in own]]))
        place = {label: k for k, label in enumerate(self.labels)}
        self.axes = [[place[label] for label in own] for own in labels]
        self.ends: list[list[tuple[int, int]]] = [[] for _ in self.labels]
        for k, axes in enumerate(self.axes):
            for axis, x in enumerate(axes):
                self.ends[x].append((k, 0 if k in symmetric else axis))
        self.encoding: tuple[Labels, ...] | None = None
        self.order: list[int] = []
        self.numbers: dict[int, int] = {}
        self.automorphisms: list[list[int]] = []

    def best(self) -> tuple[list[int], dict[int, int]]:
        operand_colours = _ranks([node.digest for node in self.nodes])
        where = [tuple([p for p, x in enumerate(self.output) if x == label]) for label in self.labels]
        self._explore(operand_colours, _ranks(where) if self.output else [0] * len(where), ())
        return self.order, self.numbers

    def _refine(self, operand: Colours, label: Colours) -> tuple[Colours, Colours]:
        classes = 0
        while True:
            around = [[operand[k], *[label[x] for x in axes]] for k, axes in enumerate(self.axes)]
            for k in self.symmetric:
                around[k][1:] = sorted(around[k][1:])
            operand = _ranks([*map(tuple, around)])
            if not self.symmetric and len(set(operand)) == len(operand):
                return operand, label  # told apart; the colours of labels order the axes of symmetric operands only
            touched = [sorted([(operand[k], axis) for k, axis in ends]) for ends in self.ends]
            label = _ranks([(colour, *ends) for colour, ends in zip(label, touched, strict=True)])
            found = len(set(operand)) + len(set(label))
            if found == classes:
                return operand, label
            classes = found

    def _explore(self, operand: Colours, label: Colours, path: Labels) -> None:
        operand, label = self._refine(operand, label)
        if len(set(operand)) == len(operand):
            self._leaf(operand, label)
            return
        first = min([colour for colour in operand if operand.count(colour) > 1])
        tied = [k for k, colour in enumerate(operand) if colour == first]
        explored: list[int] = []
        for member in tied:
            if not any(self._same_orbit(member, other, path) for other in explored):
                split = [2 * colour + (k != member) for k, colour in enumerate(operand)]
                self._explore(split, label, (*path, member))
                explored.append(member)

    def _leaf(self, operand: Colours, label: Colours) -> None:
        order = sorted(range(len(operand)), key=operand.__getitem__)
        met = list(self.output)
        for k in order:
            axes = sorted(self.axes[k], key=label.__getitem__) if k in self.symmetric else self.axes[k]
            met += [self.labels[x] for x in axes]
        numbers = {x: number for number, x in enumerate(dict.fromkeys(met))}
        encoding = _numbered(self.subscripts, self.symmetric, order, numbers)
        if self.encoding is None or encoding < self.encoding:
            self.encoding, self.order, self.numbers = encoding, order, numbers
        elif encoding == self.encoding:
            image = [0] * len(order)
            for a, b in zip(self.order, order, strict=True):
                image[a] = b
            self.automorphisms.append(image)

    def _same_orbit(self, a: int, b: int, path: Labels) -> bool:
        """Whether known automorphisms that fix the path carry a to b."""
        reached, stack = {a}, [a]
        fixing = [m for m in self.automorphisms if all(m[p] == p for p in path)]
        while stack:
            k = stack.pop()
            for image in fixing:
                for other in (image[k], image.index(k)):
                    if other not in reached:
                        reached.add(other)
                        stack.append(other)
        return b in reached


def _ranks(signs: Sequence[Any]) -> Colours:
    """Each sign's place among the distinct ones."""
    rank = {sign: k for k, sign in enumerate(sorted(set(signs)))}
    return [rank[sign] for sign in signs]


def turned(
    nodes: Sequence[Node], labels: Sequence[Labels], symmetries: Sequence[int], output: Labels
) -> tuple[int, list[Labels]]:
    """The labels with the axes of skew operands in their canonical order, and the sign of that; 0 where the other sign
    gives the same product: x'Kx."""
    ways = [_ways(n, own, s) for n, own, s in zip(nodes, labels, symmetries, strict=True)]
    if prod(map(len, ways)) > MOST_WAYS:
        ways = [own[:1] for own in ways]
    best: tuple[Labels, ...] | None = None
    found: dict[int, list[Labels]] = {}
    for chosen in choices(*ways):
        own = [way for way, _ in chosen]
        _, subscripts, _ = canonical(nodes, own, symmetries, output)
        if best is None or subscripts < best:
            best, found = subscripts, {}
        if subscripts == best:
            found.setdefault(prod(sign for _, sign in chosen), own)
    ((sign, turned), *other) = found.items()
    return (0, turned) if other else (sign, turned)


def _ways(node: Node, labels: Labels, symmetry: int) -> list[tuple[Labels, int]]:
    """The ways to write an operand's labels, each with its sign: two for a skew matrix."""
    if node.alternating:
        return [(way, _parity(way, labels)) for way in permutations(labels)]
    if symmetry < 0:
        return [(labels, 1), (labels[::-1], -1)]
    return [(labels, 1)]


def _parity(way: Labels, labels: Labels) -> int:
    places = [labels.index(label) for label in way]
    return -1 if sum(a > b for k, a in enumerate(places) for b in places[k + 1 :]) % 2 else 1
