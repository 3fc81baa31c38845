"""In which order to contract a product: the path, what it costs, and the best that can be found in a given time.

Paths and costs are opt_einsum's: positions in the list of operands that are left, the result put at its end; a
multiplication and an addition an entry, where a step sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from indexcalc.numeric.chains import chain, chain_path

Optimizer = Callable[..., Sequence[Collection[int]]]
"""opt_einsum's protocol: ``optimizer(inputs, output, size_dict, memory_limit)`` is a path."""
Labels = frozenset[Any]

GENERIC = 100
"""The size that a symbol stands for where nobody says how large it is."""
SECONDS = 1.0
"""The time that a search for the best path may take."""
EXACT = 12
"""Operands up to which the optimal path is searched for."""


class Step(NamedTuple):
    """One contraction: the places of its operands in the network (a result's come after the inputs'), their labels,
    the result's, its operations and the entries of the result."""

    operands: tuple[int, ...]
    inputs: tuple[Labels, ...]
    output: Labels
    flops: int
    entries: int


def steps(
    path: Sequence[Collection[int]],
    inputs: Sequence[Collection[Hashable]],
    output: Collection[Hashable],
    sizes: Mapping[Any, int],
) -> Iterator[Step]:
    """What a path does, step by step."""
    stock = [(place, frozenset(labels)) for place, labels in enumerate(inputs)]
    kept = frozenset(output)
    count = len(stock)
    for positions in path:
        taken = [stock.pop(position) for position in sorted(positions, reverse=True)][::-1]
        every: Labels = frozenset().union(*(labels for _, labels in taken))
        left: Labels = every & kept.union(*(labels for _, labels in stock))
        places, labels = tuple(place for place, _ in taken), tuple(labels for _, labels in taken)
        factor = max(1, len(taken) - 1) + (len(left) < len(every))
        entries = math.prod([sizes[x] for x in left])
        yield Step(places, labels, left, factor * math.prod([sizes[x] for x in every]), entries)
        stock.append((count, left))
        count += 1


def flops(
    path: Sequence[Collection[int]],
    inputs: Sequence[Collection[Hashable]],
    output: Collection[Hashable],
    sizes: Mapping[Any, int],
) -> int:
    """The operations of a path."""
    return sum(step.flops for step in steps(path, inputs, output, sizes))


def quick(
    inputs: Sequence[Collection[Hashable]], output: Collection[Hashable], sizes: Mapping[Any, int]
) -> Sequence[Collection[int]]:
    """A good path at once: of a chain the optimal one, of others that of opt_einsum's choice, or the same with operands
    on equal labels multiplied first, where that is better."""
    alike: dict[Labels, list[int]] = {}
    for place, labels in enumerate(inputs):
        alike.setdefault(frozenset(labels), []).append(place)
    if len(alike) == len(inputs):
        return _of_different(inputs, output, sizes)
    path: list[tuple[int, ...]] = []
    places = list(range(len(inputs)))
    for group in alike.values():
        if len(group) > 1:
            path.append(tuple(sorted(places.index(place) for place in group)))
            places = [place for place in places if place not in group]
            places.append(len(inputs) + len(path))
            group[:] = places[-1:]
    owner = {group[0]: labels for labels, group in alike.items()}
    merged = [*path, *_of_different([owner[place] for place in places], output, sizes)]
    if len(inputs) <= 2:
        return merged
    return min(merged, _of_different(inputs, output, sizes), key=lambda path: flops(path, inputs, output, sizes))


def _of_different(
    inputs: Sequence[Collection[Hashable]], output: Collection[Hashable], sizes: Mapping[Any, int]
) -> Sequence[Collection[int]]:
    if len(inputs) <= 2:
        return [tuple(range(len(inputs)))] if len(inputs) == 2 else []
    found = chain(inputs, output)
    if found is not None:
        return chain_path(found, sizes)
    from opt_einsum import paths  # heavy

    search: Optimizer = paths.auto
    return search([frozenset(labels) for labels in inputs], frozenset(output), dict(sizes))


def best(
    inputs: Sequence[Collection[Hashable]],
    output: Collection[Hashable],
    sizes: Mapping[Any, int],
    seconds: float = SECONDS,
    optimizer: Optimizer | None = None,
) -> tuple[Sequence[Collection[int]], str]:
    """The path with the fewest operations that is found in about ``seconds``, never worse than opt_einsum's "auto",
    and the name of the search that found it. An ``optimizer`` in opt_einsum's protocol is asked alone."""
    sets = [frozenset(labels) for labels in inputs]
    kept, sized = frozenset(output), dict(sizes)
    if optimizer is not None:
        return optimizer(sets, kept, sized, None), type(optimizer).__name__
    if len(inputs) <= 2:
        return quick(inputs, output, sizes), "the only one"
    found = chain(inputs, output)
    if found is not None:
        return chain_path(found, sizes), "chain"
    start = perf_counter()
    first = quick(inputs, output, sizes)
    candidates = [(flops(first, inputs, output, sizes), 0, first, "auto")]
    for name, search in _searches(len(inputs), seconds):
        path = search(sets, kept, sized, None)
        candidates.append((flops(path, inputs, output, sizes), len(candidates), path, name))
        if perf_counter() - start > seconds:
            break
    _, _, path, name = min(candidates)
    return path, name


def _searches(count: int, seconds: float) -> Iterator[tuple[str, Optimizer]]:
    """opt_einsum's searches, in turn."""
    import opt_einsum  # heavy

    if count <= EXACT:
        yield "dynamic programming", opt_einsum.DynamicProgramming(minimize="flops")
        return
    yield "auto-hq", opt_einsum.paths.auto_hq
    yield "random greedy", opt_einsum.RandomGreedy(max_time=seconds / 2, max_repeats=10**6)
