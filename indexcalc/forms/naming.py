"""Names for the parts of a long result: what is used twice, and what would go too deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from indexcalc.forms.nodes import Form, Symbol
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.matrix_functions import MatrixFunction
from indexcalc.tensor.nodes import Node, Variable, descendants
from indexcalc.tensor.sums import Sum

LONG = 1200
"""Names that a result may spell out; what is longer is written with names of its own for its parts."""
WORTH = 6
"""Names below which a part is not worth a name."""
DEEPEST = 150
"""Names that one part may spell out."""


WORDY = 24
"""Names in a result from which on what it repeats is named where people read it."""
REPEATS = 3
"""How often a part stands in it that is worth a name then."""
SAVED = 5
"""Names that naming a part has to save then."""


def is_wordy(root: Node) -> bool:
    """Whether a result may spell out so many names that its parts get some. Of a short one this is soon seen, and it
    does not depend on what has a name."""
    count, stack = 0, [root]
    while stack and count <= WORDY:
        children = stack.pop().children
        if children:
            stack += children
        else:
            count += 1
    return count > WORDY


def repeated(root: Node, given: Mapping[Node, str]) -> list[Node]:
    """The functions, inverses and sums that a longer result repeats, each before those that use it."""
    order, length = _lengths(root, given)
    if length[root] <= WORDY:
        return []
    count = dict.fromkeys(order, 0)
    count[root] = 1
    named: list[Node] = []
    for node in reversed(order):  # the largest first: what is in a part that has a name stands once
        times = count[node]
        unit = isinstance(node, Apply | MatrixFunction | Sum) and len(node.shape) <= 2
        if unit and node is not root and times >= REPEATS and (times - 1) * length[node] - 1 >= SAVED:
            named.append(node)
            times = 1
        for child in node.children if node not in given else ():
            count[child] += times
    return named[::-1]


def _lengths(root: Node, given: Mapping[Node, str]) -> tuple[list[Node], dict[Node, int]]:
    """The nodes of a result, and how many names each spells out."""
    order = descendants([root], (lambda node: () if node in given else node.children) if given else None)
    length: dict[Node, int] = {}
    for node in order:
        counted = node in given or isinstance(node, Variable)
        length[node] = 1 if counted else sum([length[child] for child in node.children])
    return order, length


def parts_to_name(root: Node, given: Mapping[Node, str]) -> list[Node]:
    """The nodes of a long result that get names, each before those that use it; none where it is short.

    ``given`` are nodes that have names already.
    """
    order, length = _lengths(root, given)
    if length[root] <= LONG:
        return []
    parents: dict[Node, int] = {}
    for node in order:
        for child in node.children:
            parents[child] = parents.get(child, 0) + 1
    named: list[Node] = []
    for node in order:
        own = sum(length[child] for child in node.children) if node not in given else 1
        shared = parents.get(node, 0) > 1 and own >= WORTH
        if node is not root and node not in given and len(node.shape) <= 2 and (shared or own >= DEEPEST):
            named.append(node)
            own = 1
        length[node] = own or 1
    return named


def symbols(form: Form) -> Iterator[str]:
    """The names in a form."""
    stack = [form]
    while stack:
        part = stack.pop()
        if isinstance(part, Symbol):
            yield part.name
        stack.extend(part.parts)
