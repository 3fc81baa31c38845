"""Canonical labelling of one product: the same order and labels however it was written.

Operands are vertices, labels are hyperedges with numbered ends. Colour refinement tells them apart
where it can; where equal operands remain, one is individualised and refined again, and the smallest
encoding wins. Leaves with equal encodings are automorphisms, which prune the search (McKay and
Piperno, Practical graph isomorphism II, 2014, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from itertools import product as choices
from math import prod
from typing import Any

from indexcalc.tensor.nodes import Labels, Node

MOST_WAYS = 216
"""Orders of the axes of skew operands that are tried for the canonical one."""

Operand = tuple[bytes, Labels, bool]
"""The operand's digest, its labels, and whether its two axes are interchangeable."""
Colours = list[int]


def canonical(
    nodes: Sequence[Node], labels: Sequence[Labels], symmetries: Sequence[int], output: Labels
) -> tuple[Sequence[int], tuple[Labels, ...], dict[int, int]]:
    """The canonical order of the operands, their labels as numbers in this order, and the number of each label: those
    of the output first. The two axes of an operand of symmetry 1 are interchangeable."""
    found = _told_apart(nodes, labels, symmetries, output)
    if found is None:
        operands = [(n.digest, own, s > 0) for n, own, s in zip(nodes, labels, symmetries, strict=True)]
        found = _Search(operands, output).best()
    order, numbers = found
    subscripts = [tuple([numbers[x] for x in labels[place]]) for place in order]
    if 1 in symmetries:
        subscripts = [
            tuple(sorted(own)) if symmetries[k] > 0 else own for k, own in zip(order, subscripts, strict=True)
        ]
    return order, tuple(subscripts), numbers


def _told_apart(
    nodes: Sequence[Node], labels: Sequence[Labels], symmetries: Sequence[int], output: Labels
) -> tuple[Sequence[int], dict[int, int]] | None:
    """The order and the numbers where all operands are different; None where that does not tell them."""
    order: Sequence[int] = range(len(nodes))
    if len(nodes) > 1:
        if len(set(nodes)) < len(nodes):
            return None
        order = sorted(order, key=[node.digest for node in nodes].__getitem__)
    met = list(output)
    symmetric = 1 in symmetries
    for place in order:
        own = labels[place]
        if symmetric and symmetries[place] > 0 and not (own[0] in met or own[1] in met):
            return None  # which of its axes comes first is not told by what stands before
        met += own
    return order, {label: number for number, label in enumerate(dict.fromkeys(met))}


class _Search:
    def __init__(self, operands: Sequence[Operand], output: Labels) -> None:
        self.operands, self.output = operands, output
        self.labels = list(dict.fromkeys([*output, *(x for _, labels, _ in operands for x in labels)]))
        place = {label: k for k, label in enumerate(self.labels)}
        self.axes = [[place[label] for label in labels] for _, labels, _ in operands]
        self.ends: list[list[tuple[int, int]]] = [[] for _ in self.labels]
        for k, (_, labels, symmetric) in enumerate(operands):
            for axis, label in enumerate(labels):
                self.ends[place[label]].append((k, 0 if symmetric else axis))
        self.encoding: tuple[Labels, ...] | None = None
        self.order: list[int] = []
        self.numbers: dict[int, int] = {}
        self.automorphisms: list[list[int]] = []
        self.symmetric = any(symmetric for *_, symmetric in operands)

    def best(self) -> tuple[list[int], dict[int, int]]:
        operand_colours = _ranks([digest for digest, _, _ in self.operands])
        where = [tuple(p for p, x in enumerate(self.output) if x == label) for label in self.labels]
        self._explore(operand_colours, _ranks(where), ())
        return self.order, self.numbers

    def _refine(self, operand: Colours, label: Colours) -> tuple[Colours, Colours]:
        classes = 0
        while True:
            around = [[label[x] for x in axes] for axes in self.axes]
            operand = _ranks([(operand[k], *(sorted(x) if self.operands[k][2] else x)) for k, x in enumerate(around)])
            if not self.symmetric and len(set(operand)) == len(operand):
                return operand, label  # told apart; the colours of labels order the axes of symmetric operands only
            touched = [sorted((operand[k], axis) for k, axis in ends) for ends in self.ends]
            label = _ranks([(label[x], *ends) for x, ends in enumerate(touched)])
            found = len(set(operand)) + len(set(label))
            if found == classes:
                return operand, label
            classes = found

    def _explore(self, operand: Colours, label: Colours, path: Labels) -> None:
        operand, label = self._refine(operand, label)
        groups: dict[int, list[int]] = {}
        for k, colour in enumerate(operand):
            groups.setdefault(colour, []).append(k)
        tied = next((members for _, members in sorted(groups.items()) if len(members) > 1), None)
        if tied is None:
            self._leaf(operand, label)
            return
        explored: list[int] = []
        for member in tied:
            if not any(self._same_orbit(member, other, path) for other in explored):
                split = [2 * colour + (k != member) for k, colour in enumerate(operand)]
                self._explore(split, label, (*path, member))
                explored.append(member)

    def _leaf(self, operand: Colours, label: Colours) -> None:
        order = sorted(range(len(operand)), key=operand.__getitem__)
        numbers: dict[int, int] = {}
        for x in self.output:
            numbers.setdefault(x, len(numbers))
        for k in order:
            axes = self.axes[k]
            for x in sorted(axes, key=label.__getitem__) if self.operands[k][2] else axes:
                numbers.setdefault(self.labels[x], len(numbers))
        encoding = tuple(tuple(numbers[x] for x in self.operands[k][1]) for k in order)
        encoding = tuple(tuple(sorted(e)) if self.operands[k][2] else e for k, e in zip(order, encoding, strict=True))
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
    if symmetry < 0:
        return [(labels, 1), (labels[::-1], -1)]
    if node.alternating:
        return [(way, _parity(way, labels)) for way in permutations(labels)]
    return [(labels, 1)]


def _parity(way: Labels, labels: Labels) -> int:
    places = [labels.index(label) for label in way]
    return -1 if sum(a > b for k, a in enumerate(places) for b in places[k + 1 :]) % 2 else 1
