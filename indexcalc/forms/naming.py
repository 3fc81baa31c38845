"""Names for the parts of a long result: what is used twice, and what would go too deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from indexcalc.forms.nodes import Form, Symbol
from indexcalc.tensor.nodes import Node, Variable, descendants

LONG = 1200
"""Names that a result may spell out; what is longer is written with names of its own for its parts."""
WORTH = 6
"""Names below which a part is not worth a name."""
DEEPEST = 150
"""Names that one part may spell out."""


def parts_to_name(root: Node, given: Mapping[Node, str]) -> list[Node]:
    """The nodes of a long result that get names, each before those that use it; none where it is short.

    ``given`` are nodes that have names already.
    """
    order = descendants([root], lambda node: () if node in given else node.children)
    length: dict[Node, int] = {}
    parents: dict[Node, int] = {}
    for node in order:
        length[node] = 1 if node in given or isinstance(node, Variable) else sum(length[c] for c in node.children)
        for child in node.children:
            parents[child] = parents.get(child, 0) + 1
    if length[root] <= LONG:
        return []
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
