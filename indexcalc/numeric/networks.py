"""The contractions of a tensor expression as networks, each with its path and what that costs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.numeric.contracting import specification
from indexcalc.numeric.counting import count
from indexcalc.numeric.paths import Optimizer, Step, best, steps
from indexcalc.tensor.nodes import Labels, Node, descendants
from indexcalc.tensor.product import Einsum, Factor


class Network(NamedTuple):
    """One product: its operands, its einsum specification, the steps of its path, and which search found it.

    ``flops`` are those of the path, ``naive`` those of one sum over all labels at once, both with a multiplication for
    each operand but one and an addition where there is a sum; ``largest`` are the entries of the largest intermediate
    result, the product itself included.
    """

    operands: tuple[Node, ...]
    specification: str
    specifications: tuple[str, ...]
    """Of each step."""
    steps: tuple[Step, ...]
    search: str
    naive: int

    @property
    def flops(self) -> int:
        return sum(step.flops for step in self.steps)

    @property
    def largest(self) -> int:
        return max(step.entries for step in self.steps)


def networks(root: Node, sizes: Mapping[str, int], seconds: float, optimizer: Optimizer | None = None) -> list[Network]:
    """Every product of two or more tensors that a node is made of, in the order in which they are worked out.
    ``seconds`` is the time that may be spent on all of them, about."""
    nodes = descendants([root])
    parents = Counter(child for node in nodes for child in node.children)
    absorbed = {child for node in nodes if isinstance(node, Einsum) for child in node.children if parents[child] == 1}
    found = []
    for node in nodes:
        if isinstance(node, Einsum) and (node not in absorbed or not node.shape):
            factors = [factor for factor in unfolded(node, parents) if factor[1]]
            if len(factors) > 1:
                found.append((node, factors))
    return [_network(node, factors, sizes, seconds / len(found), optimizer) for node, factors in found]


def unfolded(node: Einsum, parents: Mapping[Node, int]) -> list[Factor]:
    """The factors of a product, those of products in it that stand nowhere else included, with fresh labels."""
    fresh = len(node.sizes)
    found: list[Factor] = []
    stack = node.factors[::-1]
    while stack:
        child, labels = stack.pop()
        if (
            not (isinstance(child, Einsum) and labels and parents[child] == 1)
            or child.coefficient != 1
            or len(set(child.output)) < len(child.output)
            or {x for own in child.subscripts for x in own} != set(range(len(child.sizes)))
        ):
            found.append((child, labels))
            continue
        names = dict(zip(child.output, labels, strict=True))
        for x in range(len(child.sizes)):
            if x not in names:
                names[x], fresh = fresh, fresh + 1
        stack += [(inner, tuple([names[x] for x in own])) for inner, own in reversed(child.factors)]
    return found


def _network(
    node: Einsum, factors: Sequence[Factor], sizes: Mapping[str, int], seconds: float, optimizer: Optimizer | None
) -> Network:
    dims = {x: count(d, sizes) for child, labels in factors for x, d in zip(labels, child.shape, strict=True)}
    inputs = [tuple(dict.fromkeys(labels)) for _, labels in factors]
    used = {x for labels in inputs for x in labels}
    output = tuple(dict.fromkeys([x for x in node.output if x in used]))
    path, search = best(inputs, output, dims, seconds, optimizer)
    taken = tuple(steps(path, inputs, output, dims))
    naive = math.prod(dims.values()) * (len(inputs) - 1 + (len(used) > len(output)))
    stock: list[Labels] = list(inputs)
    written = []
    for step in taken:
        own = [stock[place] for place in step.operands]
        left = tuple([x for x in (*output, *used) if x in step.output])
        stock.append(tuple(dict.fromkeys(left)))
        written.append(specification(own, stock[-1]))
    whole = specification([labels for _, labels in factors], output)
    return Network(tuple(child for child, _ in factors), whole, tuple(written), taken, search, naive)
