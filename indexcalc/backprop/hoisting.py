"""What a loop's body has that does not need the loop: it is worked out before it, for all steps at once."""

from __future__ import annotations

from collections.abc import Callable, Collection

from indexcalc.backprop.batching import SINGLE
from indexcalc.tensor.nodes import Labels, Node, Variable, descendants
from indexcalc.tensor.product import Einsum, Factor, einsum
from indexcalc.tensor.sums import Sum, Term, add

Named = Callable[[Node, bool], Node]
"""A name for what is worked out before the loop; whether it differs from step to step."""


class Hoisting:
    """``varying`` says which variables the loop changes, ``stepped`` which others differ from step to step."""

    def __init__(self, varying: Callable[[Variable], bool], stepped: Callable[[Variable], bool], named: Named) -> None:
        self.varying, self.stepped, self.named = varying, stepped, named
        self.inside: set[Node] = set()
        """Nodes that the loop changes."""
        self.steps: dict[Node, int] = {}
        """Of nodes that differ from step to step, the most axes of such variables."""
        self.done: dict[Node, Node] = {}

    def body(self, root: Node) -> Node:
        """The node with names for all that stands still."""
        for node in descendants([root]):
            if node in self.done:
                continue
            if isinstance(node, Variable):
                if self.varying(node):
                    self.inside.add(node)
                elif self.stepped(node):
                    self.steps[node] = len(node.shape)
            else:
                ranks = [self.steps[child] for child in node.children if child in self.steps]
                if ranks:
                    self.steps[node] = max(ranks)
                if any(child in self.inside for child in node.children) or (ranks and isinstance(node, SINGLE)):
                    self.inside.add(node)
            self.done[node] = self._done(node)
        return self._kept(root)

    def _kept(self, node: Node) -> Node:
        return self.done[node] if node in self.inside else self._outside(node)

    def _outside(self, node: Node) -> Node:
        """A node that stands still, under a name if that saves work and takes no more room than what it is made of."""
        if not node.children or node not in self.steps:
            return node
        if len(node.shape) <= self.steps[node]:
            return self.named(node, True)
        return node.rebuilt(tuple([self._kept(child) for child in node.children]))

    def _done(self, node: Node) -> Node:
        if node not in self.inside:
            return node
        if isinstance(node, Sum):
            return self._sum(node)
        if isinstance(node, Einsum):
            return self._product(node)
        children = tuple([self._kept(child) for child in node.children])
        return node if children == node.children else node.rebuilt(children)

    def _sum(self, node: Sum) -> Node:
        still = [term for term in node.terms if term[1] not in self.inside]
        terms: list[Term] = [(c, self.done[term]) for c, term in node.terms if term in self.inside]
        whole = add(still) if len(still) > 1 else None
        ranks = [self.steps[term] for _, term in still if term in self.steps]
        if whole is not None and (not ranks or len(whole.shape) <= max(ranks)):
            content, rest = primitive_of(whole)
            terms.append((content, self.named(rest, bool(ranks))))
        else:
            terms += [(c, self._outside(term)) for c, term in still]
        return add(terms)

    # ------------------------------------------------------------------ products
    def _product(self, node: Einsum) -> Node:
        """Factors that stand still and meet each other are one factor, where that is no larger than they are."""
        groups = [[factor] for factor in node.factors if factor[0] not in self.inside]
        moving: list[Factor] = [(self.done[child], own) for child, own in node.factors if child in self.inside]
        merged = True
        while merged:
            merged = False
            for k, group in enumerate(groups):
                for other in groups[k + 1 :]:
                    if self._fit(node, group + other):
                        groups[k] = group + other
                        groups.remove(other)
                        merged = True
                        break
                if merged:
                    break
        sizes = dict(enumerate(node.sizes))
        for group in groups:
            if len(group) == 1:
                moving += [(self._outside(child), own) for child, own in group]
                continue
            output = self._output(node, group)
            is_stepped = any(child in self.steps for child, _ in group)
            moving.append((self.named(einsum(1, group, output), is_stepped), output))
        return einsum(node.coefficient, moving, node.output, sizes)

    def _output(self, node: Einsum, group: Collection[Factor]) -> Labels:
        """The labels of some factors that stand elsewhere too."""
        others = {x for factor in node.factors if factor not in group for x in factor[1]}.union(node.output)
        return tuple(dict.fromkeys([x for _, labels in group for x in labels if x in others]))

    def _fit(self, node: Einsum, group: Collection[Factor]) -> bool:
        output = self._output(node, group)
        ranks = [self.steps[child] for child, _ in group if child in self.steps]
        largest = max(ranks) if ranks else len(output)
        return len(output) <= largest and any(set(output) <= set(labels) for _, labels in group)


def primitive_of(node: Node) -> Term:
    """A number times a node that other right sides have too: a sum with the sign that it has in products."""
    if isinstance(node, Sum):
        content, scalars, primitive = node.primitive()
        if not scalars:
            return content, primitive
    return 1, node
