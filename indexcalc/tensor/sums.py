"""Sums of tensors, in normal form: like terms are one node, so merging is a dict add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from operator import attrgetter
from typing import ClassVar

from indexcalc.tensor.components import is_chain
from indexcalc.tensor.grouping import common_groups, flatten, ungrouped
from indexcalc.tensor.nodes import Labels, Node, Number, Rational, Shape, Size, Variable, intern, number, rational
from indexcalc.tensor.product import Einsum, constant_axes, einsum, orient, power, reindex, split_power, zeros

Term = tuple[Rational, Node]
"""A coefficient and a node that has none of its own."""

_digest = attrgetter("digest")


class Sum(Node):
    """A sum of two or more different terms of one shape: ``coefficients[k]`` x ``children[k]``."""

    __slots__ = ("_primitive", "coefficients")
    fields = ("coefficients",)
    linear: ClassVar[bool] = True
    entrywise: ClassVar[bool] = True
    coefficients: tuple[Rational, ...]

    @property
    def terms(self) -> list[Term]:
        return list(zip(self.coefficients, self.children, strict=True))

    def relabelled(self, labels: Labels) -> Node | None:
        return add([(c, reindex(node, labels)) for c, node in self.terms])

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return add(list(zip(self.coefficients, children, strict=True)))

    def total(self, labels: Labels) -> Node:
        return add([(c, einsum(1, [(node, labels)], ())) for c, node in self.terms])

    def scaled(self, coefficient: Rational) -> Node:
        return intern(Sum, (tuple([rational(coefficient * c) for c in self.coefficients]),), self.shape, self.children)

    def primitive(self) -> tuple[Rational, Sequence[tuple[Node, Rational]], Node]:
        """(content, negative powers of scalars, primitive sum), whose product is this sum.

        A primitive sum has coprime integer coefficients, mostly positive, on a tie with that of the
        first term positive, first in an order that its transpose shares. Its terms are not all quotients by one
        scalar; those of a sum of scalars by none, but by sizes.
        """
        try:
            return self._primitive  # type: ignore[has-type, no-any-return]
        except AttributeError:
            self._primitive = self._content()
            return self._primitive

    def _content(self) -> tuple[Rational, Sequence[tuple[Node, Rational]], Node]:
        divisors = self._divisors()
        if divisors:
            axes = tuple(range(len(self.shape)))
            up = [(power(scalar, -e), ()) for scalar, e in divisors.items()]
            multiplied = add([(c, einsum(1, [*up, (node, axes)], axes)) for c, node in self.terms])
            if isinstance(multiplied, Sum):
                content, more, primitive = multiplied.primitive()
                return content, (*divisors.items(), *more), primitive
            return 1, tuple(divisors.items()), multiplied
        numerator = gcd(*[c.numerator for c in self.coefficients])
        denominator = lcm(*[c.denominator for c in self.coefficients])
        excess = sum([1 if c > 0 else -1 for c in self.coefficients]) or self._tie()
        sign = 1 if excess > 0 else -1
        if sign == numerator == denominator:
            return 1, (), self
        content = rational(Fraction(sign * numerator, denominator))
        factors = [(c.numerator // numerator) * (denominator // c.denominator) for c in self.coefficients]
        scaled = tuple([rational(sign * factor) for factor in factors])
        return content, (), intern(Sum, (scaled,), self.shape, self.children)

    def _divisors(self) -> dict[Node, Rational]:
        """The negative powers of scalars that are taken out: what all terms share; of sums of scalars, which are
        rational functions, the whole denominator. Sizes are no part of that: a mean stays one.

        Were every denominator multiplied into the other terms, each layer of a deep network would raise those of its
        means and scales to a higher power.
        """
        divisors: dict[Node, list[Rational]] = {}
        for node in self.children:
            for scalar, e in _scalar_powers(node):
                if e < 0 and not isinstance(scalar, Number):
                    divisors.setdefault(scalar, []).append(e)
        found: dict[Node, Rational] = {}
        for scalar, exponents in divisors.items():
            if not self.shape and not isinstance(scalar, Size):
                found[scalar] = min(exponents)
            elif len(exponents) == len(self.children):
                found[scalar] = max(exponents)
        return found

    def _tie(self) -> Rational:
        """The sign of as many positive as negative terms. Of A - A' and its transpose, its negative, one is
        positive; any other sum has the same sign as its transposes."""
        if len(self.shape) < 2:
            return self.coefficients[0]
        total: dict[bytes, Rational] = {}
        for c, node in self.terms:
            best = orient(node, tuple(range(len(node.shape))))[0]
            total[best.digest] = total.get(best.digest, 0) + c
        return next((c for _, c in sorted(total.items()) if c), self.coefficients[0])


def _scalar_powers(node: Node) -> list[tuple[Node, Rational]]:
    """The scalar factors of a term."""
    if isinstance(node, Einsum):
        return [split_power(n) for n, labels in zip(node.children, node.subscripts, strict=True) if not labels]
    return [] if node.shape else [split_power(node)]


def unit(node: Node) -> Term:
    """A node as coefficient and a node without one."""
    if isinstance(node, Einsum) and node.coefficient != 1:
        if not node.coefficient:
            return 0, node
        if len(node.children) == 1:
            return node.coefficient, einsum(1, node.factors, node.output, dict(enumerate(node.sizes)))
        return node.coefficient, _with_coefficient(node, 1)
    if isinstance(node, Number):
        return node.value, number(1)
    return 1, node


def scale(coefficient: Rational, node: Node) -> Node:
    """coefficient x node."""
    coefficient = rational(coefficient)
    if coefficient == 1:
        return node
    if isinstance(node, Sum) and coefficient:
        return node.scaled(coefficient)
    if isinstance(node, Einsum) and node.coefficient == 1 and coefficient and (len(node.shape) == 2 or not node.opaque):
        return _with_coefficient(node, coefficient)
    axes = tuple(range(len(node.shape)))
    if coefficient and (type(node) is Variable or (isinstance(node, Einsum) and node.coefficient == 1)):
        base, labels = orient(node, axes)  # what no law looks at where it stands alone
        return intern(Einsum, (coefficient, (labels,), axes, node.shape, False), node.shape, (base,))
    return einsum(coefficient, [(node, axes)], axes)


def _with_coefficient(node: Einsum, coefficient: Rational) -> Node:
    opaque = coefficient == 1 and is_chain(node.subscripts, node.output)
    return intern(Einsum, (coefficient, node.subscripts, node.output, node.sizes, opaque), node.shape, node.children)


def add(terms: Iterable[Term]) -> Node:
    """The sum of coefficient x node over terms of one shape; there is at least one."""
    stack = list(terms)
    if len(stack) == 1 and stack[0][0] == 1 and not _is_spread(stack[0][1]):
        return stack[0][1]
    merged: dict[Node, Rational] = {}
    shape: Shape = ()
    stack.reverse()
    while stack:
        coefficient, node = stack.pop()
        shape = node.shape
        if isinstance(node, Sum):
            stack.extend((coefficient * c, n) for c, n in node.terms)
            continue
        if isinstance(node, Einsum) and _is_spread(node):
            (inner,), (labels,) = node.children, node.subscripts
            if set(labels) <= set(node.output):  # a sum with other axes: its terms are terms of this one
                sizes = dict(enumerate(node.sizes))
                c = coefficient * node.coefficient
                assert isinstance(inner, Sum)
                stack.extend((c * k, einsum(1, [(n, labels)], node.output, sizes)) for k, n in inner.terms)
                continue
        c, node = unit(node)
        merged[node] = merged.get(node, 0) + coefficient * c
    kept = {node: rational(c) for node, c in merged.items() if c}
    if not kept:
        return zeros(shape)
    if len(kept) == 1:
        ((node, c),) = kept.items()
        return scale(c, node)
    nodes = tuple(sorted(kept, key=_digest))
    grouped = common_groups(nodes)
    if grouped is not None:
        return flatten(add([(kept[node], ungrouped(node, grouped)) for node in nodes]), grouped.groups)
    pattern = _common_pattern(nodes)
    if pattern is not None:
        return _patterned([(node, kept[node]) for node in nodes], pattern, shape)
    return intern(Sum, (tuple([kept[node] for node in nodes]),), shape, nodes)


def _is_spread(node: Node) -> bool:
    """Whether a node is a multiple of a sum with other axes."""
    return isinstance(node, Einsum) and len(node.children) == 1 and isinstance(node.children[0], Sum)


def _common_pattern(nodes: Sequence[Node]) -> list[int | None] | None:
    """For each axis the first one that equals it in every term (a common delta), None where every term
    is constant along it; or None if the terms have no such axes in common."""
    outputs = [node.output for node in nodes if isinstance(node, Einsum)]
    if len(outputs) < len(nodes):
        return None
    columns = list(zip(*outputs, strict=True))
    constant = set(constant_axes(nodes[0]))
    if constant:
        constant.intersection_update(*map(constant_axes, nodes[1:]))
    if not constant and len(set(columns)) == len(columns):
        return None
    first: dict[Labels, int] = {}
    return [None if axis in constant else first.setdefault(at, axis) for axis, at in enumerate(columns)]


def _patterned(terms: list[tuple[Node, Rational]], pattern: list[int | None], shape: Shape) -> Node:
    """The terms' common deltas and constant axes outside, their sum inside."""
    axes = sorted({axis for axis in pattern if axis is not None})
    reduced = []
    for node, c in terms:
        assert isinstance(node, Einsum)
        output = tuple([node.output[axis] for axis in axes])
        reduced.append((c, einsum(1, node.factors, output, {x: node.sizes[x] for x in output})))
    inner = add(reduced)
    labels = {axis: axis for axis in range(len(shape))} | {a: b for a, b in enumerate(pattern) if b is not None}
    output = tuple([labels[axis] for axis in range(len(shape))])
    return einsum(1, [(inner, tuple(axes))], output, {label: shape[label] for label in output})
