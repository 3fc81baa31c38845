"""The values of derivatives that an explanation has names for, where its texts are read back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from indexcalc.calculus.derivative import dependents, jacobian
from indexcalc.numeric.arithmetic import Value
from indexcalc.numeric.evaluation import Evaluation, contraction
from indexcalc.tensor.nodes import Node, Variable, transform, variable
from indexcalc.tensor.product import einsum


def inputs(node: Node, named: Collection[Node]) -> list[Node]:
    """The named parts that a part is made of, with no other between, in their order."""
    stops = {*named} - {node}
    inner = [part for part in dependents(node, stops) if part not in stops]
    found = {child for part in inner for child in part.children}
    return [other for other in named if other in found and other is not node]


class Derivatives:
    """By one variable: of the whole as the engine has it, of the parts in between by the chain rule from part to part,
    which takes as long as there are parts. ``parts`` come after those that they are made of."""

    def __init__(self, whole: Node, wrt: Variable, parts: Iterable[Node], name: str) -> None:
        self.wrt, self.order = wrt, [wrt, *parts]
        self.nodes: dict[Node, Node] = {
            part: variable(f"{name}{k}", part.shape + wrt.shape) for k, part in enumerate(self.order)
        }
        axes = tuple(range(len(wrt.shape)))
        self.nodes[wrt] = einsum(1, (), axes + axes, dict(enumerate(wrt.shape)))
        if whole is not wrt:
            self.nodes[whole] = jacobian(whole, wrt)
        self.named = {part: f"{name}{k}" for k, part in enumerate(self.order)}
        self.between = [part for part in self.order if part not in (wrt, whole)]

    def evaluate(self, at: Evaluation) -> None:
        """Values for all of them at a point. Raises ArithmeticError or ValueError where there are none."""
        for part in self.between:
            if self.nodes[part] not in at.values:
                at.values[self.nodes[part]] = self._value(part, at)

    def expanded(self, node: Node) -> Node:
        """A tensor with the engine's derivatives in place of the names for them."""
        parts = {self.nodes[part]: part for part in self.between}
        return transform(node, lambda each: jacobian(parts[each], self.wrt) if each in parts else None)

    def _value(self, part: Node, at: Evaluation) -> Value:
        below = inputs(part, self.order)
        total: list[Value] = []
        for other in below:
            local = jacobian(part, other, [each for each in below if each is not other])
            a, b, c = (len(node.shape) for node in (part, other, self.wrt))
            own, middle, last = tuple(range(a)), tuple(range(a, a + b)), tuple(range(a + b, a + b + c))
            dims = at.shape(part.shape + other.shape + self.wrt.shape)
            factors = [at.value(local), at.value(self.nodes[other])]
            total.append(contraction(factors, (own + middle, middle + last), own + last, dims, at.arithmetic))
        return at.arithmetic.reduced([sum(each) for each in zip(*total, strict=True)])
