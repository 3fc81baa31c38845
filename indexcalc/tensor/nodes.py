"""What a tensor expression is made of: immutable nodes with positional axes, interned.

Equal nodes are the same object, so that sharing is a pointer and a memo is a dict. A node has a
``shape`` (one size per axis) and no index names; names exist only in syntax and in print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from hashlib import blake2b
from typing import Any, ClassVar, TypeVar, cast

from indexcalc.errors import IndexcalcError

Rational = int | Fraction
Dimension = int | str
"""The size of an axis: a number or a size symbol."""
Shape = tuple[Dimension, ...]
Labels = tuple[int, ...]

_caches: list[dict[Any, Any]] = []


def cache() -> dict[Any, Any]:
    """A new memo that ``clear_caches`` knows of."""
    memo: dict[Any, Any] = {}
    _caches.append(memo)
    return memo


def clear_caches() -> None:
    """Forget every node and everything derived from one. Nodes made before and after never mix."""
    for memo in _caches:
        memo.clear()


class Node:
    """A tensor expression. Compare with ``is``; order by ``digest``, which is the same in every run."""

    __slots__ = ("_digest", "children", "oriented", "shape")
    fields: ClassVar[tuple[str, ...]] = ()
    shape: Shape
    children: tuple[Node, ...]
    oriented: tuple[Node, Labels, int] | None  # the memo of product.orient
    _digest: bytes  # empty until it is asked for

    linear: ClassVar[bool] = False
    """Whether the node is a sum of terms, over which traces and diagonals distribute."""
    entrywise: ClassVar[bool] = False
    """Whether the node works entry by entry on children of its shape."""
    alternating: ClassVar[bool] = False
    """Whether exchanging any two axes changes the sign."""

    @property
    def digest(self) -> bytes:
        """What nodes are ordered by, made when it is asked for: most nodes stand beside no other."""
        return self._digest or self._digested()

    def _digested(self) -> bytes:
        stack = [self]
        while stack:
            node = stack[-1]
            waiting = [child for child in node.children if not child._digest]
            if waiting:
                stack += waiting
                continue
            values = tuple([getattr(node, name) for name in node.fields])
            text = f"{type(node).__name__}{values}{node.shape}".encode()
            below = b"".join([child._digest for child in node.children])
            node._digest = blake2b(text + below, digest_size=12).digest()
            stack.pop()
        return self._digest

    def relabelled(self, labels: Labels) -> Node | None:
        """The node whose axis ``labels[t]`` is axis t of this one (a permutation or a diagonal),
        pushed into the node; None where the node is a leaf and stands as it is."""
        return None

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        """The same operation on other children of the same shapes, normalised again."""
        return self

    def __repr__(self) -> str:
        parts = [repr(getattr(self, name)) for name in self.fields]
        return f"{type(self).__name__}({', '.join(parts + [repr(c) for c in self.children])})"


N = TypeVar("N", bound=Node)
_interned: dict[tuple[Any, ...], Any] = cache()


def intern(kind: type[N], fields: tuple[Any, ...], shape: Shape, children: tuple[Node, ...] = ()) -> N:
    """The one node of this kind with these fields, in the order of ``kind.fields``, and children."""
    key = (kind, fields, shape, children)
    found = _interned.get(key)
    if found is not None:
        return found  # type: ignore[no-any-return]
    node = object.__new__(kind)
    node.shape, node.children, node.oriented, node._digest = shape, children, None, b""
    for name, value in zip(kind.fields, fields, strict=True):
        setattr(node, name, value)
    _interned[key] = node
    return node


_TOO_LARGE = 10**4300
"""Python prints no number of more digits."""


def rational(value: Rational) -> Rational:
    """The value as an int where it is integral: ints are ten times as fast as Fractions. Raises IndexcalcError for a
    number too long."""
    if type(value) is int and -_TOO_LARGE < value < _TOO_LARGE:
        return value
    if max(abs(value.numerator), value.denominator) >= _TOO_LARGE:
        raise IndexcalcError("E506", "a number in this has too many digits")
    return value.numerator if value.denominator == 1 else value


def magnitude(value: Rational) -> Rational:
    """The absolute value, of the same type."""
    return -value if value < 0 else value


MOST_BITS = 4096
"""Bits that the numerator or denominator of a power of numbers may have."""


def rational_power(value: Rational, exponent: int) -> Rational:
    """value ** exponent. Raises IndexcalcError for a negative power of zero, and for a number too long."""
    if exponent == 1 or value == 1:
        return value
    if not value and exponent < 0:
        raise IndexcalcError("E405", "this divides by zero")
    if abs(exponent) * max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS + abs(exponent):
        raise IndexcalcError("E506", "this number has too many digits", help="let a variable stand for it")
    return rational(Fraction(value) ** exponent)


def prime_powers(value: Rational) -> list[tuple[int, int]]:
    """Primes below 1000, with their exponents, whose product is the value; what is left stands whole."""
    found: dict[int, int] = {}
    for number_, sign in ((value.numerator, 1), (value.denominator, -1)):
        divisor = 2
        while divisor < 1000 and divisor * divisor <= number_:
            while number_ % divisor == 0:
                number_ //= divisor
                found[divisor] = found.get(divisor, 0) + sign
            divisor += 1
        if number_ > 1:
            found[number_] = found.get(number_, 0) + sign
    return list(found.items())


class Number(Node):
    """A rational number, never a float."""

    __slots__ = ("value",)
    fields = ("value",)
    value: Rational


def number(value: Rational) -> Number:
    return intern(Number, (rational(value),), ())


class Size(Node):
    """A size symbol as a scalar: what the closed Kronecker delta ``delta_ii`` is."""

    __slots__ = ("symbol",)
    fields = ("symbol",)
    symbol: str


def size(dimension: Dimension) -> Node:
    return number(dimension) if isinstance(dimension, int) else intern(Size, (dimension,), ())


class Constant(Node):
    """A named real number, such as pi."""

    __slots__ = ("name",)
    fields = ("name",)
    name: str


def constant(name: str) -> Constant:
    return intern(Constant, (name,), ())


class Variable(Node):
    """A tensor that the user named, its entries independent."""

    __slots__ = ("name",)
    fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str


def variable(name: str, shape: Shape) -> Variable:
    return intern(Variable, (name,), shape)


def descendants(roots: Iterable[Node], below: Callable[[Node], tuple[Node, ...]] | None = None) -> list[Node]:
    """Every node that the roots reach through ``below``, or all children, with children before parents. Iterative:
    depth is no limit."""
    found: dict[Node, None] = {}
    stack: list[Node | None] = list(roots)
    while stack:
        node = stack.pop()
        if node is None:  # what stands before is a node whose children are found
            found[cast(Node, stack.pop())] = None
        elif node not in found:
            children = node.children if below is None else below(node)
            if children:
                stack += node, None
                stack += [child for child in children if child not in found]
            else:
                found[node] = None
    return list(found)


def transform(root: Node, replace: Callable[[Node], Node | None]) -> Node:
    """Rebuild ``root`` with every node that ``replace`` answers for put in its place."""
    made: dict[Node, Node] = {}
    for node in descendants([root]):
        new = replace(node)
        if new is None:
            children = tuple(made[child] for child in node.children)
            new = node if children == node.children else node.rebuilt(children)
        made[node] = new
    return made[root]
