"""Sizes of axes while they are being inferred: a union-find that can go back."""

from __future__ import annotations

from collections.abc import Container, Iterable

from indexcalc.tensor.grouping import product_of_sizes
from indexcalc.tensor.nodes import Dimension

SYMBOLS = "mnpqrstkluvwbcdefghijoxyz"


class Sizes:
    """Unknowns, some with a value: a number, or a symbol that the user declared."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._value: list[Dimension | None] = []
        self._fixed: dict[Dimension, int] = {}
        self._products: dict[tuple[int, ...], int] = {}
        self._factors: dict[int, tuple[int, ...]] = {}
        self._journal: list[tuple[int, int, Dimension | None]] = []
        self._why: dict[int, str] = {}

    def new(self) -> int:
        self._parent.append(len(self._parent))
        self._value.append(None)
        return len(self._parent) - 1

    def fixed(self, value: Dimension) -> int:
        """The unknown that has this value."""
        size = self._fixed.get(value)
        if size is None:
            size = self._fixed[value] = self.new()
            self._value[size] = value
        return size

    def product(self, parts: Iterable[int]) -> int:
        """The unknown that is the product of others."""
        factors = tuple([factor for part in parts for factor in self._factors.get(self.find(part), (part,))])
        if factors not in self._products:
            self._products[factors] = self.new()
            self._factors[self._products[factors]] = factors
        return self._products[factors]

    def has(self, value: Dimension) -> bool:
        """Whether some unknown was made with this value."""
        return value in self._fixed

    def factors(self, size: int) -> tuple[int, ...]:
        """The unknowns whose product a representative is; () where it is none."""
        return self._factors.get(size, ())

    def find(self, size: int) -> int:
        while self._parent[size] != size:
            size = self._parent[size]
        return size

    def value(self, size: int) -> Dimension | None:
        """The number or symbol that a size is known to be."""
        root = self.find(size)
        value = self._value[root]
        if value is None and root in self._factors:
            parts = [self.value(part) for part in self._factors[root]]
            return None if None in parts else product_of_sizes([part for part in parts if part is not None])
        return value

    def text(self, size: int) -> str:
        """What an error calls a size: its value, or ? while it has none."""
        value = self.value(size)
        return "?" if value is None else str(value)

    def fits(self, a: int, b: int) -> bool:
        """Whether two sizes can be one."""
        a, b = self.find(a), self.find(b)
        return a == b or self._value[a] is None or self._value[b] is None

    def cause(self, size: int) -> str:
        """The text that gave a size its value; nothing where it always had one, or has none."""
        while self._value[size] is None and self._parent[size] != size:
            above = self._parent[size]
            if self._value[above] is not None:
                return self._why.get(size, "")
            size = above
        return ""

    def unify(self, a: int, b: int, why: str = "") -> bool:
        """Make two sizes one, because of the text ``why``; False if they have different values."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        ours, theirs = self._factors.get(a), self._factors.get(b)
        if ours and theirs:
            return sorted(map(self.find, ours)) == sorted(map(self.find, theirs)) or (
                len(ours) == len(theirs) and all(map(self.unify, ours, theirs))
            )
        if (ours or theirs) and self._value[b if ours else a] is not None:
            return self.value(a) == self.value(b)
        if self._value[a] is not None and self._value[b] is not None:
            return False
        if self._value[a] is None and not ours and (self._value[b] is not None or theirs or b < a):
            a, b = b, a
        self._journal.append((a, b, self._value[a]))
        self._parent[b] = a
        self._why[b] = why
        return True

    def mark(self) -> int:
        return len(self._journal)

    def back_to(self, mark: int) -> None:
        """Undo what was unified since ``mark``."""
        while len(self._journal) > mark:
            a, b, value = self._journal.pop()
            self._parent[b], self._value[a] = b, value


class Values(dict[int, Dimension]):
    """The value of each size, found when it is asked for: free ones get m, n, p, … in that order, but for names that
    are ``taken``."""

    def __init__(self, sizes: Sizes, taken: Container[str]) -> None:
        self.sizes, self.taken = sizes, taken
        self.names = (f"{letter}{k or ''}" for k in range(10**6) for letter in SYMBOLS)

    def __missing__(self, size: int) -> Dimension:
        root = self.sizes.find(size)
        if root != size:
            value = self[root]
        elif factors := self.sizes.factors(root):
            value = product_of_sizes([self[part] for part in factors])
        else:
            known = self.sizes.value(root)
            value = self._free() if known is None else known
        self[size] = value
        return value

    def _free(self) -> str:
        """The next name for a size of which nothing is known."""
        return next(name for name in self.names if name not in self.taken and not self.sizes.has(name))
