"""Products of tensors, in normal form: opt_einsum's contraction with two extensions.

``output`` may repeat a label, so that (0, 0) is eye or Diag, and may contain a label that no operand
has, which is ones. So there is no delta node: removing a delta is substitution, and is always complete.

Normal form of a product: products inside it are flattened, except closed scalars (tr, x'x, …), pendants (what hangs
at one label: a matrix times vectors) and chains of matrices beside another operand of the same two labels; equal
operands on equal labels are one power; operands stand in canonical order and orientation. A closed component is a
scalar operand, with all its pendants and chains flattened: it has no root to tell them by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple, Protocol, cast

from indexcalc.errors import IndexcalcError
from indexcalc.tensor.components import apart, chain, hanging, is_chain, parallel_chain
from indexcalc.tensor.labelling import canonical, turned
from indexcalc.tensor.nodes import (
    Dimension,
    Labels,
    Node,
    Number,
    Rational,
    Shape,
    cache,
    intern,
    number,
    prime_powers,
    rational,
    rational_power,
    size,
)

LARGEST = 32
"""Operands that one product may flatten to; beyond, equal products may be different nodes."""

MOST_TURNED = 3
"""Axes of a tensor up to which all its transposes are one operand; they are made one by one."""

Factor = tuple[Node, Labels]
Key = tuple[Node, Labels]
"""What tells an operand of a product: its base and its labels."""


class Item(NamedTuple):
    """An operand while a product is put together: base, axis labels, exponent."""

    base: Node
    labels: Labels
    exponent: Rational


class Rewrite(NamedTuple):
    """What a law does to a product: items that go, factors that come, pairs of labels that become one,
    and summed labels that a delta has used up."""

    gone: Sequence[Item]
    factors: Sequence[Item] = ()
    joined: Sequence[tuple[int, int]] = ()
    spent: Iterable[int] = ()


class Expansion(NamedTuple):
    """A law that makes a sum of products: items that go, for each term its coefficient and the pairs of labels
    that become one; summed labels that are used up; and what adds terms (sums.add)."""

    gone: Sequence[Item]
    terms: Sequence[tuple[int, Sequence[tuple[int, int]]]]
    spent: Sequence[int]
    add: Callable[[Iterable[tuple[Rational, Node]]], Node]


Items = Callable[[], Sequence[Item]]
Taken = tuple[Node, Labels, Rational]
"""An item that no law has seen yet."""

PRODUCT_LAWS: dict[type[Node], list[Callable[[Item, Items, Labels], Rewrite | Expansion | None]]] = {}
"""Identities that start from an item of this kind, given how to get all items, and the output: laws.py."""
MEETINGS: dict[type[Node], Callable[[Node], Collection[Node]]] = {}
"""The operands that the product laws of this kind look for at one of its labels."""
FACTOR_LAWS: dict[type[Node], Callable[[Rational, Sequence[Factor], Labels, dict[int, Dimension]], Node | None]] = {}
"""What a product is that has a factor of this kind, given all its parts: grouping.py."""
POWER_LAWS: dict[type[Node], list[Callable[[Node, Rational], Node | None]]] = {}
"""Identities of a rational power of this kind: laws.py."""


class Einsum(Node):
    """coefficient x the product of the operands, summed over every label that is not in ``output``.

    ``sizes`` holds the size of each label 0, 1, … ``opaque`` marks a closed scalar, a pendant or a chain, which
    a larger product takes as one operand; a chain only beside another operand of the same labels.
    """

    __slots__ = ("coefficient", "opaque", "output", "sizes", "subscripts")
    fields = ("coefficient", "subscripts", "output", "sizes", "opaque")
    coefficient: Rational
    subscripts: tuple[Labels, ...]
    output: Labels
    sizes: tuple[Dimension, ...]
    opaque: bool

    @property
    def factors(self) -> list[Factor]:
        return list(zip(self.children, self.subscripts, strict=True))

    def relabelled(self, labels: Labels) -> Node | None:
        if len(self.children) > 1 and len(set(labels)) == len(labels):  # only the output changes
            output = tuple([self.output[labels.index(axis)] for axis in range(len(labels))])
            opaque = self.coefficient == 1 and is_chain(self.subscripts, output)
            sizes = dict(enumerate(self.sizes))
            return _canonical(self.coefficient, self.children, self.subscripts, output, sizes, opaque)
        rank = max(labels, default=-1) + 1
        builder = _Builder(1, tuple(range(rank)), {}, rank)
        builder.inline(self, labels)
        return builder.build()

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        factors = zip(children, self.subscripts, strict=True)
        return einsum(self.coefficient, factors, self.output, dict(enumerate(self.sizes)))


class Power(Node):
    """The elementwise power of ``children[0]``: a rational exponent other than 0 and 1, or, where
    ``exponent`` is None, the exponent ``children[1]``, of the base's shape."""

    entrywise = True

    __slots__ = ("exponent",)
    fields = ("exponent",)
    exponent: Rational | None

    def relabelled(self, labels: Labels) -> Node | None:
        return self.rebuilt(tuple(reindex(child, labels) for child in self.children))

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return power(children[0], children[1] if self.exponent is None else self.exponent)


def split_power(node: Node) -> tuple[Node, Rational]:
    """Base and rational exponent of any node."""
    if isinstance(node, Power) and node.exponent is not None:
        return node.children[0], node.exponent
    return node, 1


class Additive(Protocol):
    """What a product asks of a node that is ``linear``."""

    def primitive(self) -> tuple[Rational, Sequence[tuple[Node, Rational]], Node]:
        """The same sum as coefficient, powers of scalars, and a sum without content."""

    def total(self, labels: Labels) -> Node:
        """Its sum over all axes, those with equal labels taken as a diagonal, term by term."""

    def scaled(self, coefficient: Rational) -> Node:
        """coefficient x the sum, as a sum."""


_products: dict[tuple[Rational, tuple[Factor, ...], Labels, tuple[tuple[int, Dimension], ...]], Node] = cache()
"""Products that were asked for: einsum."""
_relabelled: dict[tuple[Node, Labels], Node | None] = cache()
"""What nodes became whose axes were moved: _moved."""


def einsum(
    coefficient: Rational,
    factors: Iterable[Factor],
    output: Labels,
    broadcast: Mapping[int, Dimension] | None = None,
) -> Node:
    """coefficient · Π factors, every label that is not in ``output`` summed. ``broadcast`` gives the
    sizes of labels that no factor has: ones along an output axis, the size itself where summed."""
    factors, broadcast = tuple(factors), broadcast or {}
    if len(factors) == 1 and coefficient == 1:
        node, labels = factors[0]
        if labels == output and len(set(output)) == len(output) and broadcast.keys() <= set(output):
            return node
    key = (coefficient, factors, output, tuple(broadcast.items()))
    found = _products.get(key)
    if found is None:
        found = _products[key] = _product(coefficient, factors, output, broadcast)
    return found


def _product(
    coefficient: Rational, factors: Sequence[Factor], output: Labels, broadcast: Mapping[int, Dimension]
) -> Node:
    if not factors and output and coefficient and broadcast.keys() == set(output):
        return _canonical(rational(coefficient), (), (), output, broadcast, False)
    used = [*output, *broadcast]
    for node, labels in factors:
        if type(node) in FACTOR_LAWS:
            found = FACTOR_LAWS[type(node)](coefficient, factors, output, _sizes(factors, broadcast))
            if found is not None:
                return found
        used += labels
    builder = _Builder(coefficient, output, dict(broadcast), max(used, default=-1) + 1)
    for node, labels in factors:
        builder.take(node, labels, 1)
    return builder.build()


def _sizes(factors: Iterable[Factor], broadcast: Mapping[int, Dimension]) -> dict[int, Dimension]:
    sizes = dict(broadcast)
    for node, labels in factors:
        sizes |= dict(zip(labels, node.shape, strict=True))
    return sizes


def reindex(node: Node, labels: Labels) -> Node:
    """The node whose axis ``labels[t]`` is axis t of ``node``: a permutation, or a diagonal."""
    if labels == tuple(range(len(labels))):
        return node
    return _moved(node, labels) or einsum(1, [(node, labels)], tuple(range(max(labels) + 1)))


def _moved(node: Node, labels: Labels) -> Node | None:
    """``node.relabelled``, made once."""
    key = (node, labels)
    if key not in _relabelled:
        _relabelled[key] = node.relabelled(labels)
    return _relabelled[key]


def transpose(node: Node) -> Node:
    return reindex(node, (1, 0))


def is_symmetric(node: Node) -> bool:
    """Whether a node of rank 2 is its own transpose, by construction."""
    if len(node.shape) != 2 or node.shape[0] != node.shape[1]:
        return False
    orient(node, (0, 1))
    return node.oriented is not None and node.oriented[2] > 0


def orient(node: Node, labels: Labels) -> tuple[Node, Labels]:
    """The node and its transposes are one operand: the canonical one of them, with labels to match."""
    if node.oriented is None:
        node.oriented = node, tuple(range(len(labels))), 0  # while its transposes are made
        node.oriented = _orientation(node)
    best, axes, symmetry = node.oriented
    if best is node and symmetry <= 0:
        return node, labels
    labels = tuple([labels[axis] for axis in axes])
    if symmetry > 0 and labels[0] > labels[1]:
        labels = (labels[1], labels[0])
    return best, labels


def _orientation(node: Node) -> tuple[Node, Labels, int]:
    """The canonical transpose of a node, the axes of the node that its axes are, and its symmetry: 1 where it is
    its own transpose, -1 where it is minus that or alternating, else 0."""
    rank = len(node.shape)
    straight = tuple(range(rank))
    if node.alternating:
        return node, straight, -1
    best, axes, symmetry = node, straight, 0
    leaf = type(node).relabelled is Node.relabelled  # which stands as it is
    if rank < 2 or leaf or (rank > MOST_TURNED and node.children):
        return best, axes, symmetry
    sizes = sorted(map(str, node.shape))
    best_key: tuple[bool, bytes] = ([str(d) for d in node.shape] != sizes, node.digest)
    for labels in permutations(straight):
        moved = tuple(sorted(straight, key=labels.__getitem__))
        if labels == straight or [str(node.shape[axis]) for axis in moved] != sizes:
            continue
        other = _moved(node, labels)
        if other is None:
            break
        if not other.children and other.relabelled(labels) is None:
            return other, moved, 0  # A' of a variable A
        if rank == 2 and other is node:
            symmetry = 1
        if type(other) is not type(node) or (other.linear and cast(Additive, other).primitive()[2] is not other):
            symmetry = -1 if rank == 2 and _is_minus(other, node) else symmetry  # tanh(A - A')
            continue
        key = (False, other.digest)
        if key < best_key:
            best, axes, best_key = other, moved, key
    return best, axes, symmetry


def _is_minus(node: Node, other: Node) -> bool:
    """Whether a node is minus another."""
    if isinstance(node, Einsum):
        return node.coefficient == -1 and node.children == (other,) and node.subscripts == (node.output,)
    return node.linear and cast(Additive, node).primitive() == (-1, (), other)


def _sought(node: Node, exponent: Rational) -> Collection[Node]:
    """The operands beside which a law of this power may change the product."""
    kind = type(node)
    if kind not in MEETINGS or (kind is Einsum and exponent > 0):
        return ()
    return MEETINGS[kind](node)


class _Builder:
    """Puts one product together and into normal form."""

    def __init__(self, coefficient: Rational, output: Labels, sizes: dict[int, Dimension], fresh: int) -> None:
        self.coefficient = coefficient
        self.output = output
        self.sizes = sizes
        self.fresh = fresh  # from here on labels are free
        self.raw: list[Taken] = []
        self.items: dict[tuple[Node, Labels], Rational] = {}
        self.scalars: dict[Node, Rational] = {}
        self.chains: list[Taken] = []
        self.opened: set[tuple[Node, Labels]] = set()
        self.parent: dict[int, int] = {}
        self.expansion: Expansion | None = None

    # ------------------------------------------------------------------ taking factors in
    def take(self, node: Node, labels: Labels, exponent: Rational) -> None:
        """Multiply by a power of a factor. Exponents other than 1 are of bases that power() left alone."""
        if isinstance(node, Power) and node.exponent is not None:
            exponent, node = node.exponent * exponent, node.children[0]
        if isinstance(node, Number) and exponent == 1:
            self.coefficient *= node.value
            return
        if isinstance(node, Einsum):
            if self._flattens(node, exponent):
                for _ in range(cast(int, exponent)):
                    self.inline(node, labels)
                return
        elif node.linear and type(exponent) is int:
            coefficient, scalars, node = cast(Additive, node).primitive()
            self.coefficient *= rational_power(coefficient, exponent)
            for scalar, e in scalars:
                self.take(scalar, (), e * exponent)
        if labels:
            chain = exponent == 1 and len(labels) == 2 and isinstance(node, Einsum) and node.opaque
            (self.chains if chain else self.raw).append((node, labels, exponent))
        else:
            self.scalars[node] = self.scalars.get(node, 0) + exponent

    def _flattens(self, node: Einsum, exponent: Rational) -> bool:
        if not self._fits(node):
            return False
        if not node.opaque:
            return exponent == 1
        return not self.output and bool(node.shape) and type(exponent) is int and exponent > 0

    def _fits(self, node: Node) -> bool:
        return len(self.raw) + len(self.items) + len(node.children) <= LARGEST

    def inline(self, node: Einsum, labels: Labels) -> None:
        """Multiply by the operands of a product whose axes carry these labels."""
        self.fresh = max(self.fresh, max(labels, default=-1) + 1)
        names: dict[int, int] = {}
        for inner, label in zip(node.output, labels, strict=True):
            if inner in names:
                self.join(names[inner], label)
            else:
                names[inner] = label
                self.sizes.setdefault(label, node.sizes[inner])
        for inner in range(len(node.sizes)):
            if inner not in names:
                names[inner] = self.fresh
                self.fresh += 1
        if node.coefficient != 1:
            self.coefficient *= node.coefficient
        for child, subscript in zip(node.children, node.subscripts, strict=True):
            self.take(child, tuple([names[x] for x in subscript]), 1)

    # ------------------------------------------------------------------ labels
    def find(self, label: int) -> int:
        while label in self.parent:
            label = self.parent[label]
        return label

    def _found(self, labels: Labels) -> Labels:
        return tuple([self.find(x) for x in labels]) if self.parent else labels

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[b] = a
            if b in self.sizes:
                self.sizes.setdefault(a, self.sizes.pop(b))
            self.raw += [(base, labels, exponent) for (base, labels), exponent in self.items.items()]
            self.items.clear()

    def settle(self) -> None:
        """Every raw item with its labels resolved, oriented, merged with its equals."""
        while self.raw or self.chains:
            if self.raw:
                self._settle_raw()
            else:
                self._settle_chains()

    def _settle_chains(self) -> None:
        """A chain is an operand beside another one of its labels, else its parts are."""
        chains, self.chains = [(base, self._found(labels), exponent) for base, labels, exponent in self.chains], []
        pairs = [frozenset(labels) for _, labels, _ in chains]
        taken = {frozenset(labels) for _, labels in self.items if len(labels) == 2}
        for item, pair in zip(chains, pairs, strict=True):
            base, labels, _ = item
            beside = len(pair) == 2 and (pair in taken or pairs.count(pair) > 1)
            if beside or not self._fits(base):
                self.raw.append(item)
            else:
                self.inline(cast(Einsum, base), labels)

    def _settle_raw(self) -> None:
        raw, self.raw = self.raw, []
        items, sizes = self.items, self.sizes
        for base, labels, exponent in raw:
            if self.parent:
                labels = self._found(labels)
            if len(labels) > 1:
                if len(set(labels)) < len(labels):
                    distinct = tuple(dict.fromkeys(labels))
                    pushed = base.relabelled(tuple([distinct.index(x) for x in labels]))
                    if pushed is not None and pushed is not base:
                        self.take(pushed, distinct, exponent)
                        continue
                base, labels = orient(base, labels)
            sizes.update(zip(labels, base.shape, strict=True))
            key = (base, labels)
            items[key] = items.get(key, 0) + exponent

    def absorb(self) -> bool:
        """Drop zeroth powers and apply the laws; whether anything is left to settle."""
        if 0 in self.items.values():
            self.items = {key: exponent for key, exponent in self.items.items() if exponent}
        for (base, labels), exponent in self.items.items():
            if (base.linear or type(base) is Einsum) and self._is_loose(base, exponent):
                del self.items[base, labels]
                self.take(power(base, exponent), labels, 1)
                return True
            if (exponent != 1 or type(base) in PRODUCT_LAWS) and self._rewritten(base, labels, exponent):
                return True
        for base, exponent in self.scalars.items():
            if (base.linear or type(base) is Einsum) and self._is_loose(base, exponent):
                del self.scalars[base]
                self.take(power(base, exponent), (), 1)
                return True
            if type(base) is Number and not 0 < exponent < 1:
                whole = exponent.__floor__()
                self.coefficient *= rational_power(base.value, whole)
                self.scalars[base] = exponent - whole
            elif exponent and self._rewritten(base, (), exponent):
                return True
        return False

    def _is_loose(self, base: Node, exponent: Rational) -> bool:
        """Whether roots have come together to a whole power that is not in normal form: sqrt(x y) sqrt(x y)."""
        exponent = rational(exponent)
        if type(exponent) is not int or not exponent:
            return False
        if isinstance(base, Einsum):
            if base.opaque:
                return False
            loose = self._fits(base)
            return loose and (exponent == 1 or split_power(power(base, exponent)) != (base, exponent))
        return base.linear and cast(Additive, base).primitive()[2] is not base

    def _rewritten(self, base: Node, labels: Labels, exponent: Rational) -> bool:
        """Whether a law that starts from this item has changed the product."""
        kind = type(base)
        for power_law in POWER_LAWS.get(kind, ()) if exponent != 1 else ():
            new = power_law(base, exponent)
            if new is not None:
                self.apply(Rewrite([Item(base, labels, exponent)], [Item(new, labels, 1)]))
                return True
        if kind not in PRODUCT_LAWS:
            return False
        item, output = Item(base, labels, exponent), self._found(self.output)
        for law in PRODUCT_LAWS[kind]:
            rewrite = law(item, self._listed, output)
            if isinstance(rewrite, Expansion):
                self.expansion = rewrite
                return False
            if rewrite is not None:
                self.apply(rewrite)
                return True
        return False

    def _listed(self) -> list[Item]:
        listed = [Item(base, labels, e) for (base, labels), e in self.items.items()]
        return listed + [Item(base, (), e) for base, e in self.scalars.items() if e]

    def apply(self, rewrite: Rewrite) -> None:
        for base, labels, exponent in rewrite.gone:
            if labels:
                left = self.items.pop((base, labels)) - exponent
                if left:
                    self.items[base, labels] = left
            else:
                self.scalars[base] -= exponent
        for base, labels, exponent in rewrite.factors:
            self.take(base, labels, exponent)
        for label in rewrite.spent:
            del self.sizes[label]
        for a, b in rewrite.joined:
            self.join(a, b)

    # ------------------------------------------------------------------ components
    def close(self) -> bool:
        """Sizes of summed labels without operand, and a scalar operand for every closed component; whether there are
        any."""
        kept, changed = set(self.output), False
        used = kept.union(*[labels for _, labels in self.items]) if self.items else kept
        if len(used) < len(self.sizes):
            for label in [label for label in self.sizes if label not in used]:
                if label not in self.parent:
                    changed = True
                    for part in str(self.sizes[label]).split("*"):
                        self.take(size(int(part) if part.isdigit() else part), (), 1)
                del self.sizes[label]
        if len(used) == len(kept):
            return changed
        keys = list(self.items)
        for group in apart([labels for _, labels in keys], kept):
            changed = True
            items = [(*keys[place], self.items.pop(keys[place])) for place in group]
            self.take(self._closed(items), (), 1)
            self._forget(items)
        return changed

    def _closed(self, items: Sequence[Taken]) -> Node:
        base, labels, exponent = items[0]
        if len(items) == 1 and exponent == 1 and base.linear:
            return cast(Additive, base).total(labels)
        if self.output:  # pendants unfold in a closed component
            return einsum(1, [(raised(base, e), labels) for base, labels, e in items], ())
        return self._opaque(items, ())

    def _opaque(self, items: Sequence[Taken], output: Labels) -> Node:
        """One operand for these items; its sign, which skew matrices may give it, goes to the product."""
        nodes = [base if e == 1 else raised(base, e) for base, _, e in items]
        subscripts = [labels for _, labels, _ in items]
        node = _canonical(1, nodes, subscripts, output, self.sizes, True)
        sign = node.coefficient if isinstance(node, Einsum) else 1
        if sign == 1:
            return node
        self.coefficient *= sign
        return _canonical(sign, nodes, subscripts, output, self.sizes, True) if sign else node

    def arrange(self) -> bool:
        """Pendants and chains as operands; what changes goes back to be settled again. Whether anything does."""
        roots, changed = set(self.output), False
        while roots and self.items and not (self.raw or self.chains):
            keys = list(self.items)
            inner = self.sizes.keys() - roots
            part = hanging([labels for _, labels in keys], roots, inner) if inner else None
            if part is None:
                return self._chained(keys, roots) or changed
            self._hang(part.ends[0], [keys[place] for place in part.places])
            changed = True
        return changed

    def _hang(self, end: int, keys: Sequence[Key]) -> None:
        """One opaque vector on a label in place of all that hangs there. It has no chains that end there: around a
        triangle there would be several ways to see them."""
        rooted = [key for key in keys if end in key[1] and self._is_chain(key)]
        for key in rooted:
            self._inline_item(key)
        if rooted or self._chained(keys, {end}.union(*[labels for _, labels in keys if end in labels])):
            return
        vector = self._taken_out(keys, (end,))
        self.items[vector, (end,)] = self.items.get((vector, (end,)), 0) + 1

    def _chained(self, keys: Sequence[Key], kept: Collection[int]) -> bool:
        """A chain beside another operand as one opaque matrix, one that stands alone as its operands; whether
        anything has changed."""
        if not keys or (len(keys) == 1 and len(keys[0][1]) < 2):
            return False
        part = parallel_chain([labels for _, labels in keys], kept) if len(keys) > 2 else None
        if part is not None:
            self.raw.append((self._taken_out([keys[place] for place in part.places], part.ends), part.ends, 1))
            return True
        opaque = [key for key in keys if isinstance(key[0], Einsum) and key[0].opaque]
        if not opaque:
            return False
        pairs = [frozenset(labels) for _, labels in keys]
        chains = [key for key in opaque if self._is_chain(key) and self.items[key] == 1]
        flat = [key for key in chains if pairs.count(frozenset(key[1])) == 1]
        flat += [key for key in opaque if key not in flat and self._opens(key)]
        self.opened.update(flat)
        for key in flat:
            self._inline_item(key)
        return bool(flat)

    def _is_chain(self, key: Key) -> bool:
        """Whether an item is chains, which could be flattened."""
        base, labels = key
        if len(labels) != 2 or not (isinstance(base, Einsum) and base.opaque):
            return False
        exponent = self.items[key]
        return type(exponent) is int and exponent > 0 and self._fits(base)

    def _inline_item(self, key: Key) -> None:
        base, labels = key
        for _ in range(cast(int, self.items.pop(key))):
            self.inline(cast(Einsum, base), labels)

    def _opens(self, key: Key) -> bool:
        """Whether a pendant or chain has something that a law looks for beside what it looks for it at."""
        opaque, labels = cast(Einsum, key[0]), key[1]
        if key in self.opened or self.items[key] != 1:
            return False
        outside = [(other, own, _sought(other, e)) for (other, own), e in self.items.items() if other is not opaque]
        inside = [(base, own, _sought(base, e)) for node, own in opaque.factors for base, e in (split_power(node),)]
        if not any(sought for *_, sought in outside + inside):
            return False
        ends = dict(zip(opaque.output, labels, strict=True))
        return any(
            base in found or other in sought
            for base, inner, sought in inside
            for other, own, found in outside
            if any(ends.get(x) in own for x in inner)
        )

    def _taken_out(self, keys: Iterable[Key], output: Labels) -> Node:
        """The opaque product of these items, with their inner labels gone from here."""
        items = [(*key, self.items.pop(key)) for key in keys]
        node = self._opaque(items, output)
        self._forget(items, output)
        return node

    def _forget(self, items: Iterable[Taken], kept: Labels = ()) -> None:
        """The labels of items that have become one operand are no longer summed here."""
        for label in set[int]().union(*[labels for _, labels, _ in items]).difference(kept):
            del self.sizes[label]

    # ------------------------------------------------------------------ the node
    def build(self) -> Node:
        while True:
            self.settle()
            if self.absorb():
                continue
            if self.expansion is not None:
                return self._expanded(self.expansion)
            self.output = self._found(self.output)
            closed = self.close()
            if not (self.arrange() or closed) or not (self.raw or self.chains or self.absorb()):
                break
        coefficient = rational(self.coefficient)
        if not coefficient:
            return zeros(tuple([self.sizes[label] for label in self.output]))
        items: list[Taken] = [(base, (), e) for base, e in self.scalars.items() if e] if self.scalars else []
        items += [(*key, e) for key, e in self.items.items()]
        if not items and not self.output:
            return number(coefficient)
        if len(items) == 1 and len(items[0][1]) == len(self.output):
            whole = self._alone(items[0], coefficient)
            if whole is not None:
                return whole
        nodes = [base if e == 1 else raised(base, e) for base, _, e in items]
        subscripts = [labels for _, labels, _ in items]
        inner = len(self.sizes) > len(self.output)
        opaque = inner and coefficient == 1 and is_chain(subscripts, self.output)
        return _canonical(coefficient, nodes, subscripts, self.output, self.sizes, opaque)

    def _expanded(self, expansion: Expansion) -> Node:
        """The sum of the products that a law makes."""
        self.apply(Rewrite(expansion.gone))
        factors = [(raised(base, e), labels) for (base, labels), e in self.items.items() if e]
        factors += [(raised(base, e), ()) for base, e in self.scalars.items() if e]
        products = []
        for coefficient, pairs in expansion.terms:
            sizes = {x: d for x, d in self.sizes.items() if x not in self.parent and x not in expansion.spent}
            builder = _Builder(self.coefficient * coefficient, self._found(self.output), sizes, self.fresh)
            for node, labels in factors:
                builder.take(node, labels, 1)
            for a, b in pairs:
                builder.join(a, b)
            products.append(builder.build())
        return expansion.add((1, node) for node in products)

    def _alone(self, item: Taken, coefficient: Rational) -> Node | None:
        """The product of one operand with the output's axes, where that needs no product."""
        base, labels, exponent = item
        if not (coefficient == 1 or (base.linear and exponent == 1)):
            return None
        axes = set(labels)
        if len(axes) < len(labels) or not axes.issuperset(self.output) or len(axes) > len(set(self.output)):
            return None
        node = raised(base, exponent)
        if labels != self.output:
            moved = base.relabelled(tuple([self.output.index(label) for label in labels]))
            if moved is None:
                return None
            node = power(moved, exponent)
        return node if coefficient == 1 else cast(Additive, node).scaled(coefficient)


def _canonical(
    coefficient: Rational,
    nodes: Sequence[Node],
    labels: Sequence[Labels],
    output: Labels,
    sizes: Mapping[int, Dimension],
    opaque: bool,
) -> Node:
    """The product of operands that are in normal form, with its labels and their order."""
    symmetries = [n.oriented[2] if n.oriented else 0 for n in nodes]
    shape = tuple([sizes[x] for x in output])
    skew = -1 in symmetries
    if skew:
        sign, labels = turned(nodes, labels, symmetries, output)
        if not sign:
            return zeros(shape)
        coefficient *= sign
    order, subscripts, numbers = canonical(nodes, labels, symmetries, output)
    outputs = tuple([numbers[x] for x in output])
    if skew and coefficient == 1 and subscripts == (outputs,) and len(set(outputs)) == len(outputs):
        return nodes[0]  # minus the transpose of a skew matrix
    # labels are numbered in the order in which they are found
    fields = (coefficient, subscripts, outputs, tuple([sizes[label] for label in numbers]), opaque)
    return intern(Einsum, fields, shape, tuple([nodes[k] for k in order]))


def zeros(shape: Shape) -> Node:
    if not shape:
        return number(0)
    axes = tuple(range(len(shape)))
    return intern(Einsum, (0, (), axes, shape, False), shape)


def ones(shape: Shape) -> Node:
    return einsum(1, (), tuple(range(len(shape))), dict(enumerate(shape)))


def broadcast(node: Node, shape: Shape) -> Node:
    """A scalar repeated along every axis of ``shape``."""
    return einsum(1, [(node, ())], tuple(range(len(shape))), dict(enumerate(shape)))


def constant_axes(node: Node) -> Labels:
    """The axes along which a node is constant by construction."""
    if not isinstance(node, Einsum) or node.opaque:
        return ()
    used, output = set[int]().union(*node.subscripts), node.output
    if used.issuperset(output):
        return ()
    return tuple([axis for axis, x in enumerate(output) if x not in used and output.count(x) == 1])


def without_axes(node: Node, axes: Labels) -> Node:
    """A node without axes along which it is constant."""
    assert isinstance(node, Einsum)
    output = tuple([label for axis, label in enumerate(node.output) if axis not in axes])
    kept = {x: node.sizes[x] for x in output}
    return einsum(node.coefficient, node.factors, output, kept)


def raised(base: Node, exponent: Rational) -> Node:
    """A power of a base that is in normal form as such."""
    if exponent == 1:
        return base
    node = intern(Power, (rational(exponent),), base.shape, (base,))
    if node.oriented is None and base.oriented is not None:
        symmetry = 0 if base.alternating else base.oriented[2]
        if type(exponent) is not int or exponent % 2 == 0:
            symmetry = abs(symmetry)
        node.oriented = (node, tuple(range(len(base.shape))), symmetry) if base.oriented[0] is base else None
    return node


def power(base: Node, exponent: Rational | Node) -> Node:
    """base ** exponent, elementwise; an exponent that is a node has the base's shape.

    Raises IndexcalcError for a negative power of zero and for a root of a negative number.
    """
    if isinstance(exponent, Node):
        return _symbolic_power(base, exponent)
    exponent = rational(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return ones(base.shape)
    for law in POWER_LAWS.get(type(base), ()):
        new = law(base, exponent)
        if new is not None:
            return new
    if isinstance(base, Number):
        return _number_power(base.value, exponent)
    if isinstance(base, Power) and base.exponent is not None:
        inner = base.exponent
        if type(exponent) is int or type(inner) is not int or abs(inner) == 1:
            return power(base.children[0], inner * exponent)
    elif isinstance(base, Einsum):
        return _einsum_power(base, exponent)
    elif base.linear and type(exponent) is int:
        labels = tuple(range(len(base.shape)))
        coefficient, scalars, primitive = cast(Additive, base).primitive()
        if primitive is base:
            return raised(base, exponent)
        factors: list[Factor] = [(power(scalar, e * exponent), ()) for scalar, e in scalars]
        return einsum(rational_power(coefficient, exponent), [*factors, (raised(primitive, exponent), labels)], labels)
    return raised(base, exponent)


def _symbolic_power(base: Node, exponent: Node) -> Node:
    axes = constant_axes(exponent)
    if len(axes) == len(exponent.shape):
        scalar = without_axes(exponent, axes) if axes else exponent
        if isinstance(scalar, Number):
            return power(base, scalar.value)
    axes = tuple(axis for axis in axes if axis in constant_axes(base))
    if axes:
        return repeated(_symbolic_power(without_axes(base, axes), without_axes(exponent, axes)), base.shape, axes)
    return intern(Power, (None,), base.shape, (base, exponent))


def _number_power(value: Rational, exponent: Rational) -> Node:
    """A rational number and roots of primes: 12 ** (1/2) is 2 * 3 ** (1/2)."""
    if type(exponent) is int:
        return number(rational_power(value, exponent))
    if value < 0:
        raise IndexcalcError("E405", "this takes a root of a negative number")
    if not value:
        return number(0 if exponent > 0 else rational_power(0, -1))
    factors: list[Factor] = []
    coefficient: Rational = 1
    for prime, count in prime_powers(value):
        whole = (count * exponent).__floor__()
        coefficient *= rational_power(prime, whole)
        rest = count * exponent - whole
        if rest:
            factors.append((intern(Power, (rational(rest),), (), (number(prime),)), ()))
    return einsum(rational(coefficient), factors, ())


def _einsum_power(base: Einsum, exponent: Rational) -> Node:
    if not base.coefficient:
        return zeros(base.shape) if exponent > 0 else number(rational_power(0, -1))
    axes = constant_axes(base)
    if axes:
        return repeated(power(without_axes(base, axes), exponent), base.shape, axes)
    repeats = len(set(base.output)) < len(base.output)
    whole = isinstance(exponent, int)
    if repeats and exponent < 0:
        raise IndexcalcError("E405", "this divides by the zeros off a diagonal")
    if repeats and not whole:
        return raised(base, exponent)
    if isinstance(exponent, int) and len(base.sizes) == len(set(base.output)):
        factors = [(power(node, exponent), labels) for node, labels in base.factors]
        return einsum(rational_power(base.coefficient, exponent), factors, base.output, dict(enumerate(base.sizes)))
    places = [] if base.opaque or not whole else chain(base.subscripts, base.output)
    if places:
        inner = einsum(1, [base.factors[place] for place in places], base.output)
        rest = [factor for place, factor in enumerate(base.factors) if place not in places]
        factors = [(power(node, exponent), labels) for node, labels in [*rest, (inner, base.output)]]
        return einsum(rational_power(base.coefficient, int(exponent)), factors, base.output)
    if base.coefficient == 1 or (base.coefficient < 0 and not whole):
        return raised(base, exponent)
    unit = raised(einsum(1, base.factors, base.output), exponent)
    return einsum(1, [(_number_power(base.coefficient, exponent), ()), (unit, base.output)], base.output)


def repeated(node: Node, shape: Shape, axes: Labels) -> Node:
    """A node repeated along the given axes of ``shape``, its own axes in the other places."""
    inner = tuple([axis for axis in range(len(shape)) if axis not in axes])
    return einsum(1, [(node, inner)], tuple(range(len(shape))), {axis: shape[axis] for axis in axes})
