"""How the operands of a product hang together: closed components and pendants, by labels alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from indexcalc.tensor.nodes import Labels


def connected(operands: Sequence[Labels], kept: Collection[int]) -> list[list[int]]:
    """Operands joined by labels that are summed, as lists of places; those without labels stand alone."""
    at: dict[int, list[int]] = {}
    for place, labels in enumerate(operands):
        for label in labels:
            if label not in kept:
                at.setdefault(label, []).append(place)
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(operands)):
        if start in seen:
            continue
        seen.add(start)
        group, stack = [], [start]
        while stack:
            place = stack.pop()
            group.append(place)
            for label in operands[place]:
                for other in at.get(label, ()):
                    if other not in seen:
                        seen.add(other)
                        stack.append(other)
        groups.append(sorted(group))
    return groups


def pendant(operands: Sequence[Labels], kept: Collection[int]) -> tuple[int, int, list[int]] | None:
    """A summed label that carries one matrix and otherwise vectors: the label, the matrix's other
    label, and the places of all these operands."""
    at: dict[int, list[int]] = {}
    for place, labels in enumerate(operands):
        for label in labels:
            if label not in kept:
                at.setdefault(label, []).append(place)
    for label, places in at.items():
        wide = [labels for labels in (operands[place] for place in places) if len(labels) > 1]
        if len(wide) == 1 and len(wide[0]) == 2 and wide[0][0] != wide[0][1]:
            other = wide[0][0] if wide[0][1] == label else wide[0][1]
            return label, other, places
    return None
