"""What the user wrote, for printing: the places of names, the sums as typed, names that stand for tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy

from indexcalc.tensor.nodes import Node
from indexcalc.tensor.sums import Sum, unit

FIRST = -1
"""The place of the cotangent: before every name of the user's."""


class Context:
    """``places``: where each name stands first; ``typed``: sums that the user wrote, with their terms as
    written; ``named``: tensors that a name stands for."""

    def __init__(
        self,
        places: Mapping[str, int],
        typed: Iterable[tuple[Node, Sequence[Node]]] = (),
        named: Mapping[Node, str] | None = None,
    ) -> None:
        self.places = places
        self.sums: dict[Node, tuple[tuple[Node, ...], int]] = {}
        self.exact: dict[Node, tuple[Node, ...]] = {}
        self.names: dict[Node, str] = dict(named or {})
        for node, terms in typed:
            if isinstance(node, Sum):
                order = self._flattened(terms)
                content, _, primitive = node.primitive()
                if set(order) == set(node.children):
                    self.exact.setdefault(node, order)
                if set(order) == set(primitive.children):
                    self.sums.setdefault(primitive, (order, 1 if content > 0 else -1))

    def without(self, *nodes: Node) -> Context:
        """The context in which nodes are defined: they have their names everywhere but there."""
        context = copy(self)
        context.names = {other: name for other, name in self.names.items() if other not in nodes}
        return context

    def place(self, name: str) -> int:
        return self.places.get(name, len(self.places))

    def _flattened(self, terms: Sequence[Node]) -> tuple[Node, ...]:
        """The terms of a sum without coefficients, those of sums inside it in their own order."""
        flat: list[Node] = []
        for term in terms:
            inner = unit(term)[1]
            if isinstance(inner, Sum):
                primitive = inner.primitive()[2]
                flat += self.sums[primitive][0] if primitive in self.sums else inner.children
            else:
                flat.append(inner)
        return tuple(dict.fromkeys(flat))

    def as_typed(self, node: Sum) -> tuple[tuple[Node, ...], int] | None:
        """For a sum that the user wrote up to a factor: its terms in order, and the sign with which the
        primitive sum stands in the user's text."""
        if not any(typed.children == node.children for typed in self.sums):  # which costs less to know
            return None
        return self.sums.get(node.primitive()[2])

    def may_be_turned(self, node: Sum) -> bool:
        """Whether the user may have written the transpose of a matrix that is a sum."""
        shape, many = node.shape[::-1], len(node.children)
        return len(shape) == 2 and any(other.shape == shape and len(other.children) == many for other in self.sums)
