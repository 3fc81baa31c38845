"""The parts of an expression that a derivation gives names: what the user defined, what a function is taken of, sums
inside products, and the whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import count

from indexcalc.calculus.derivative import dependents
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.nodes import Node
from indexcalc.tensor.product import Einsum
from indexcalc.tensor.sums import Sum

WHOLE = ("fghr", "yvq", "YMQ")
PART = ("strqc", "zuvwhs", "ZUVHS")
"""Letters for names: of the whole and of its parts, by rank."""


def cells(output: Node, variable: Node, defined: Collection[Node]) -> list[Node]:
    """The parts that get names, each after those that it is made of: what depends on the variable, and the whole."""
    order = dependents(output, (variable,)) or [output]
    above: dict[Node, list[Node]] = {node: [] for node in order}
    for node in order:
        for child in node.children:
            if child in above:
                above[child].append(node)

    def is_cell(node: Node) -> bool:
        if node is variable:
            return False
        if node is output or node in defined or isinstance(node, Flatten | Split):
            return True
        if isinstance(node, Einsum):
            return not is_transpose(node) and any(not isinstance(parent, Einsum | Sum) for parent in above[node])
        if isinstance(node, Sum):
            return True
        return len(above[node]) > 1 or any(not isinstance(parent, Einsum | Sum) for parent in above[node])

    return [node for node in order if is_cell(node)]


def is_transpose(node: Einsum) -> bool:
    """Whether a product is one tensor with its axes in another order."""
    return node.coefficient == 1 and len(node.children) == 1 and sorted(node.subscripts[0]) == sorted(node.output)


def named(
    parts: Collection[Node], whole: Node, given: Mapping[Node, str], is_free: Callable[[str], bool]
) -> dict[Node, str]:
    """A name for each part: the given one, else a letter by its rank, that is free."""
    found: dict[Node, str] = {}
    for node in parts:
        letters = (WHOLE if node is whole else PART)[min(len(node.shape), 2)]
        spare = (f"{letter}{k or ''}" for k in count() for letter in letters)
        taken = set(found.values())
        found[node] = given.get(node) or next(name for name in spare if name not in taken and is_free(name))
    return found
