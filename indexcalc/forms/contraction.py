"""The contraction path of a product that has a matrix form, in opt_einsum's optimizer protocol.

Labels are vertices, matrices edges, vectors marks on a vertex. Within products, Hadamard products,
diag and sums on operands of rank 2 there is a form exactly when some path keeps every intermediate at
rank 2: the graph, with an edge between its outputs, has treewidth 2. Such a graph is reduced to nothing
by leaves, parallel edges and series (Arnborg and Proskurowski, 1986); the order here is the one that
gives the most readable text.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

Path = list[tuple[int, ...]]


class Stuck(Exception):
    """No path keeps to rank 2: the labels of what is left."""

    def __init__(self, labels: set[Any]) -> None:
        super().__init__(labels)
        self.labels = labels


def path(
    inputs: Sequence[Collection[Hashable]],
    output: Collection[Hashable],
    size_dict: Mapping[Any, int] | None = None,
    memory_limit: int | None = None,
) -> Path:
    """Which operands to contract, step by step, as positions in the list of those that are left; the
    result is put at its end. Sizes do not matter. Raises Stuck."""
    operands = [set(labels) for labels in inputs]
    kept = set(output)
    if len(operands) == 2 and operands[0] ^ operands[1] <= kept and max(map(len, operands)) <= 2:
        return [(0, 1)]
    places: dict[Any, int] = {}  # of the labels: the path is the same in every run
    for label in (label for labels in inputs for label in labels):
        places.setdefault(label, len(places))
    steps: Path = []
    while len(operands) > 1 or (operands and operands[0] - kept):
        step = _step([sorted(labels, key=places.__getitem__) for labels in operands], kept)
        if step is None:
            raise Stuck(set().union(*(labels for labels in operands if len(labels) > 1)))
        merged = set().union(*(operands[place] for place in step))
        operands = [labels for place, labels in enumerate(operands) if place not in step]
        merged &= kept.union(*operands)
        operands.append(merged)
        steps.append(step)
    return steps


def _step(operands: Sequence[list[Any]], kept: set[Any]) -> tuple[int, ...] | None:
    at: dict[Any, tuple[list[int], list[int]]] = {}
    for place, labels in enumerate(operands):
        if len(labels) > 2:
            return None
        for label in labels:
            if label not in at:
                at[label] = [], []
            at[label][len(labels) - 1].append(place)
    for vectors, _ in at.values():  # marks on one vertex
        if len(vectors) > 1:
            return vectors[0], vectors[1]
    for label, (vectors, edges) in at.items():  # leaves
        if label not in kept and len(edges) <= 1:
            return tuple(sorted(edges + vectors))
    parallel: dict[frozenset[Any], int] = {}
    for place, labels in enumerate(operands):
        if len(labels) == 2:
            first = parallel.setdefault(frozenset(labels), place)
            if first != place and not _cycle(set(labels), at, kept):
                return first, place
    for marks in (0, 1):  # series
        for label, (vectors, edges) in at.items():
            if label not in kept and len(edges) == 2 and len(vectors) == marks:
                return (edges[0], edges[1]) if not marks else tuple(sorted((vectors[0], edges[0])))
    if len(at) <= 2 and set(at) <= kept:  # nothing left to sum
        pairs = [(p, q) for p in range(len(operands)) for q in range(p + 1, len(operands))]
        return next(((p, q) for p, q in pairs if set(operands[p]) & set(operands[q])), pairs[0])
    return next(((place, (place + 1) % len(operands)) for place, labels in enumerate(operands) if not labels), None)


def _cycle(labels: set[Any], at: Mapping[Any, tuple[list[int], list[int]]], kept: set[Any]) -> bool:
    """Whether two parallel edges are all there is on their labels: a trace of their product."""
    return not labels & kept and all(len(at[label][0]) + len(at[label][1]) == 2 for label in labels)
