"""Sizes of axes while they are being inferred: a union-find that can go back."""

from __future__ import annotations

from collections.abc import Iterable

from indexcalc.tensor.nodes import Dimension

SYMBOLS = "mnpqrstkluvwbcdefghijoxyz"


class Sizes:
    """Unknowns, some with a value: a number, or a symbol that the user declared."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._value: list[Dimension | None] = []
        self._fixed: dict[Dimension, int] = {}
        self._journal: list[tuple[int, int, Dimension | None]] = []

    def new(self) -> int:
        self._parent.append(len(self._parent))
        self._value.append(None)
        return len(self._parent) - 1

    def fixed(self, value: Dimension) -> int:
        """The unknown that has this value."""
        if value not in self._fixed:
            self._fixed[value] = self.new()
            self._value[self._fixed[value]] = value
        return self._fixed[value]

    def find(self, size: int) -> int:
        while self._parent[size] != size:
            size = self._parent[size]
        return size

    def value(self, size: int) -> Dimension | None:
        return self._value[self.find(size)]

    def text(self, size: int) -> str:
        """What an error calls a size: its value, or ? while it has none."""
        value = self.value(size)
        return "?" if value is None else str(value)

    def unify(self, a: int, b: int) -> bool:
        """Make two sizes one; False if they have different values."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        if self._value[a] is not None and self._value[b] is not None:
            return False
        if self._value[a] is None and (self._value[b] is not None or b < a):
            a, b = b, a
        self._journal.append((a, b, self._value[a]))
        self._parent[b] = a
        return True

    def mark(self) -> int:
        return len(self._journal)

    def back_to(self, mark: int) -> None:
        """Undo what was unified since ``mark``."""
        while len(self._journal) > mark:
            a, b, value = self._journal.pop()
            self._parent[b], self._value[a] = b, value

    def symbols(self, order: Iterable[int], taken: Iterable[str]) -> dict[int, Dimension]:
        """A value for each size, by its representative: free ones get m, n, p, … in the given order."""
        used = {str(value) for value in self._fixed} | set(taken)
        names = (f"{letter}{k or ''}" for k in range(10**6) for letter in SYMBOLS)
        free = (name for name in names if name not in used)
        named: dict[int, Dimension] = {}
        for size in order:
            root = self.find(size)
            if root not in named:
                value = self._value[root]
                named[root] = next(free) if value is None else value
        return named
