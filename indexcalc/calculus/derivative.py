"""Derivatives of tensor expressions, linear in the graph.

Reverse mode with a symbolic cotangent, whose leading axes are the output's: every node passes on one
contribution to each child, and contributions to a shared node add up before they travel on. Flattening
in the normal form leaves the order of multiplication open; deltas that reach the result stay symbolic
(Laue, Mitterreiter, Giesen: A Simple and Efficient Tensor Calculus, AAAI 2020).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import accumulate, pairwise

from indexcalc.tensor.elementwise import Apply, apply
from indexcalc.tensor.functions import LOG
from indexcalc.tensor.grouping import Flatten, Split, flatten, split
from indexcalc.tensor.matrix_functions import MatrixFunction
from indexcalc.tensor.nodes import Labels, Node, cache, descendants, number
from indexcalc.tensor.product import Einsum, Power, einsum, power, zeros
from indexcalc.tensor.sums import Sum, add, scale


def jacobian(output: Node, variable: Node, fixed: Collection[Node] = ()) -> Node:
    """∂output/∂variable: the output's axes, then the variable's. The gradient of a scalar. The variable may be any
    node; what depends on it through a ``fixed`` node only counts as constant."""
    return _reverse(output, (variable,), _seed(output), len(output.shape), fixed)[variable]


_passes: dict[tuple[Node, tuple[Node, ...]], dict[Node, Node]] = cache()


def jacobians(output: Node, variables: tuple[Node, ...]) -> dict[Node, Node]:
    """∂output/∂variable for each of these variables, in one backward pass."""
    if (output, variables) not in _passes:
        _passes[output, variables] = _reverse(output, variables, _seed(output), len(output.shape))
    return _passes[output, variables]


def _seed(output: Node) -> Node:
    axes = tuple(range(len(output.shape)))
    return einsum(1, (), axes + axes, dict(enumerate(output.shape))) if axes else number(1)


def pullback(output: Node, variable: Node, cotangent: Node) -> Node:
    """The vector-Jacobian product: the gradient by the variable of sum(cotangent .* output)."""
    return _reverse(output, (variable,), cotangent, 0)[variable]


def pullbacks(output: Node, variables: tuple[Node, ...], cotangent: Node) -> dict[Node, Node]:
    """The vector-Jacobian products by several variables, in one backward pass."""
    return _reverse(output, variables, cotangent, 0)


def differential(output: Node, variable: Node, perturbation: Node) -> Node:
    """The Jacobian-vector product: the change of the output for a perturbation of the variable."""
    return changed(output, {variable: perturbation})


def changed(output: Node, changes: Mapping[Node, Node]) -> Node:
    """The change of the output for these changes of some nodes, which depend on nothing else."""
    change = dict(changes)
    for node in dependents(output, changes):
        if node not in change:
            change[node] = _forward(node, change)
    return change[output] if output in change else zeros(output.shape)


def dependents(output: Node, variables: Collection[Node], fixed: Collection[Node] = ()) -> list[Node]:
    """The nodes of the graph that the variables reach, children before parents; what is below a variable or a
    ``fixed`` node does not count."""
    reached = set(variables)
    stops = reached.union(fixed)
    order = descendants([output], lambda node: () if node in stops else node.children)
    for node in order:
        if node not in stops and not reached.isdisjoint(node.children):
            reached.add(node)
    return [node for node in order if node in reached]


def _reverse(
    output: Node, variables: Collection[Node], seed: Node, lead: int, fixed: Collection[Node] = ()
) -> dict[Node, Node]:
    order = dependents(output, variables, fixed)
    reached, targets = set(order), set(variables)
    found: dict[Node, Node] = {}
    received: dict[Node, list[tuple[int, Node]]] = {output: [(1, seed)]}
    for node in reversed(order):
        if node not in received:
            continue
        cotangent = add(received.pop(node))
        if node in targets:
            found[node] = cotangent
            continue
        for child, contribution in _contributions(node, cotangent, lead, reached):
            received.setdefault(child, []).append((1, contribution))
    return {
        variable: found[variable] if variable in found else zeros(seed.shape[:lead] + variable.shape)
        for variable in variables
    }


def _contributions(node: Node, cotangent: Node, lead: int, wanted: set[Node]) -> list[tuple[Node, Node]]:
    """What the cotangent of a node gives each child that is wanted."""
    if isinstance(node, Einsum):
        first = len(node.sizes)
        leading = tuple(range(first, first + lead))
        factors = node.factors
        seed = (cotangent, leading + node.output)
        sizes = dict(enumerate(node.sizes))
        return [
            (child, einsum(node.coefficient, [seed, *factors[:k], *factors[k + 1 :]], leading + labels, sizes))
            for k, (child, labels) in enumerate(factors)
            if child in wanted
        ]
    if isinstance(node, Sum):
        return [(child, scale(c, cotangent)) for c, child in node.terms if child in wanted]
    if isinstance(node, Flatten | Split):
        (child,) = node.children
        kept = tuple([(axis,) for axis in range(lead)])
        if isinstance(node, Flatten):
            parts = tuple([tuple([child.shape[axis] for axis in group]) for group in node.groups])
            whole = tuple([(dimension,) for dimension in cotangent.shape[:lead]])
            return [(child, split(cotangent, whole + parts))]
        ends = list(accumulate(map(len, node.parts), initial=lead))
        groups = tuple([tuple(range(a, b)) for a, b in pairwise(ends)])
        return [(child, flatten(cotangent, kept + groups))]
    rank = len(node.shape)
    own = tuple(range(lead, lead + rank))
    leading = tuple(range(lead))
    if isinstance(node, MatrixFunction):
        child = node.children[0]
        other = tuple(range(lead + rank, lead + rank + len(child.shape)))
        terms = [einsum(1, [(cotangent, leading + own), (t, own + other)], leading + other) for t in node.jacobian()]
        return [(child, term) for term in terms]
    return [
        (child, einsum(1, [(cotangent, leading + own), (slope, own)], leading + own))
        for child, slope in slopes(node)
        if child in wanted
    ]


def _forward(node: Node, change: dict[Node, Node]) -> Node:
    """The change of a node, given those of its children."""
    if isinstance(node, Einsum):
        factors, sizes = node.factors, dict(enumerate(node.sizes))
        return add(
            (
                1,
                einsum(
                    node.coefficient, [*factors[:k], (change[child], labels), *factors[k + 1 :]], node.output, sizes
                ),
            )
            for k, (child, labels) in enumerate(factors)
            if child in change
        )
    if isinstance(node, Sum):
        return add((c, change[child]) for c, child in node.terms if child in change)
    if isinstance(node, Flatten | Split):
        changed = change[node.children[0]]
        return flatten(changed, node.groups) if isinstance(node, Flatten) else split(changed, node.parts)
    own = tuple(range(len(node.shape)))
    if isinstance(node, MatrixFunction):
        child = node.children[0]
        other = tuple(range(len(own), len(own) + len(child.shape)))
        return add((1, einsum(1, [(t, own + other), (change[child], other)], own)) for t in node.jacobian())
    return add(
        (1, einsum(1, [(slope, own), (change[child], own)], own)) for child, slope in slopes(node) if child in change
    )


def slopes(node: Node) -> list[tuple[Node, Node]]:
    """The partial derivatives of an elementwise node by its children, entry by entry."""
    if isinstance(node, Apply):
        argument = node.children[0]
        return [(argument, node.function.derivative(argument, node))]
    assert isinstance(node, Power)
    base = node.children[0]
    axes: Labels = tuple(range(len(node.shape)))
    if node.exponent is not None:
        return [(base, scale(node.exponent, power(base, node.exponent - 1)))]
    exponent = node.children[1]
    lower = power(base, add([(1, exponent), (-1, power(exponent, 0))]))
    return [
        (base, einsum(1, [(exponent, axes), (lower, axes)], axes)),
        (exponent, einsum(1, [(node, axes), (apply(LOG, base), axes)], axes)),
    ]
