"""Which undeclared names are matrices, vectors and scalars, in matrix notation.

The reading that respects every operator and breaks the fewest habits. Every expression is a scalar s,
a column c, a row r or a matrix M; an operator is a table of the kinds that it takes and gives. Tables
filter the possible kinds until nothing changes, then the cheapest assignment is searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from indexcalc.errors import IndexcalcError
from indexcalc.language import syntax
from indexcalc.language.characters import GREEK_NAMES
from indexcalc.language.library import KRON, LIBRARY, SCALAR_VALUED, constant_kind, size_text, subscripts
from indexcalc.language.syntax import Syntax
from indexcalc.tensor.functions import function_named

BITS = {"s": 1, "c": 2, "r": 4, "M": 8}
ANY = 15
NAMED = 11  # a name is never a row


class Table:
    """What an operator takes and gives, a row a word: ``Mcc`` for matrix times column is column. Sets of rows
    are bits of an integer."""

    def __init__(self, *rows: str) -> None:
        self.rows = rows
        self.all = (1 << len(rows)) - 1
        self.rows_with: list[dict[int, int]] = []
        """By place and kind, the rows that have it there."""
        self.fitting: list[list[int]] = []
        """By place and kinds, the rows that have one of them there."""
        for place in range(len(rows[0]) if rows else 0):
            having = dict.fromkeys(BITS.values(), 0)
            for number, row in enumerate(rows):
                having[BITS[row[place]]] |= 1 << number
            fitting = [0] * (ANY + 1)
            for kinds in range(1, ANY + 1):
                fitting[kinds] = fitting[kinds & (kinds - 1)] | having[kinds & -kinds]
            self.rows_with.append(having)
            self.fitting.append(fitting)

    def __add__(self, other: Table) -> Table:
        return Table(*self.rows, *other.rows)


SCALED = ("sss", "scc", "srr", "sMM", "csc", "rsr", "MsM")
PRODUCT = Table(*SCALED, "MMM", "Mcc", "rMr", "rcs", "crM")
QUOTIENT = Table("sss", "csc", "rsr", "MsM")
SAME = Table(*SCALED, "ccc", "rrr", "MMM")
CONTRACTION = Table("sss", "ccs", "rrs", "MMs")
EQUAL = Table("ss", "cc", "rr", "MM")
BARS = EQUAL + Table("Ms")
ADDED_SCALAR = EQUAL + Table("sc", "sr", "sM")
TRANSPOSED = Table("ss", "cr", "rc", "MM")
POWER = QUOTIENT
POWER_ELEMENTWISE = POWER + Table("ccc", "rrr", "MMM", "scc", "sMM")
KRONECKER = Table(*(arguments + result for arguments, result in KRON.items()))
OPERATOR = {"⊗": KRONECKER, "*": PRODUCT, "": PRODUCT, "/": QUOTIENT, ".*": SAME, "./": SAME, ":": CONTRACTION}

MOST_VISITS = 5_000
"""Partial readings that the search tries."""
GREEK_SCALARS = frozenset(name for name in GREEK_NAMES if name.islower()) - {"omicron", "pi", "upsilon"}


def habits(name: str) -> dict[int, int]:
    """What it costs to read a name as s, c or M."""
    stem = name.split("_")[0].split("^")[0]
    if stem in GREEK_SCALARS:
        return {1: 0, 2: 1, 8: 8}  # y - X*beta has a vector beta rather than a vector X
    if name[0].isupper():
        return {1: 8, 2: 2, 8: 0}
    return {1: 2 if name[0] in "abcdefg" else 6, 2: 0, 8: 10}


@cache
def _table(*rows: str) -> Table:
    return Table(*rows)


class Problem:
    """Kinds to be found: ``kinds[v]`` are the possible ones of expression v, ``tables`` what relates them."""

    def __init__(self, known: Callable[[syntax.Name], str | None]) -> None:
        self.known = known
        self.kinds: list[int] = []
        self.tables: list[tuple[tuple[int, ...], Table]] = []
        self.tables_of: list[list[int]] = []
        self.names: dict[str, int] = {}

    def new(self, kinds: int = ANY) -> int:
        self.kinds.append(kinds)
        self.tables_of.append([])
        return len(self.kinds) - 1

    def relate(self, table: Table, *expressions: int) -> None:
        for v in dict.fromkeys(expressions):
            self.tables_of[v].append(len(self.tables))
        self.tables.append((expressions, table))

    # ------------------------------------------------------------------ from the syntax
    def expression(self, node: Syntax) -> int:
        match node:
            case syntax.Number():
                return self.new(1)
            case syntax.Name():
                return self._name(node)
            case syntax.Group() | syntax.Signed():
                return self.expression(node.body)
            case syntax.Transpose():
                return self._related(TRANSPOSED, [node.body])
            case syntax.Sum():
                return self._sum(node)
            case syntax.Product():
                left = self.expression(node.factors[0][1])
                for operator, factor in node.factors[1:]:
                    right, out = self.expression(factor), self.new()
                    self.relate(OPERATOR.get(operator, PRODUCT), left, right, out)
                    left = out
                return left
            case syntax.Power():
                return self._related(POWER_ELEMENTWISE if node.elementwise else POWER, [node.base, node.exponent])
            case syntax.Call():
                return self._call(node)
        return self.new(1)

    def _related(self, table: Table, nodes: Sequence[Syntax]) -> int:
        parts = [self.expression(node) for node in nodes]
        out = self.new()
        self.relate(table, *parts, out)
        return out

    def _name(self, node: syntax.Name) -> int:
        kind = self.known(node)
        if kind is not None:
            return self.new(BITS.get(kind, ANY))
        name = syntax.spelling(node.text, node.scripts)
        if name not in self.names:
            self.names[name] = self.new(NAMED)
        return self.names[name]

    def _sum(self, node: syntax.Sum) -> int:
        out = self.new()
        for _, term in node.terms:
            self.relate(EQUAL if self._doubtful(term) else ADDED_SCALAR, self.expression(term), out)
        return out

    def _doubtful(self, node: Syntax) -> bool:
        """Whether a term could only be a scalar because a name in it was inferred to be one."""
        match node:
            case syntax.Name():
                return self.known(node) is None
            case syntax.Group() | syntax.Signed() | syntax.Transpose():
                return self._doubtful(node.body)
            case syntax.Sum():
                return any(self._doubtful(term) for _, term in node.terms)
            case syntax.Product():
                return not any(op == ":" for op, _ in node.factors) and any(self._doubtful(f) for _, f in node.factors)
            case syntax.Power():
                return self._doubtful(node.base)
            case syntax.Call():
                return node.function not in SCALAR_VALUED and any(self._doubtful(a) for a in node.arguments)
        return False

    def _call(self, node: syntax.Call) -> int:
        if node.function == "sqrt" or function_named(node.function) is not None:
            bars = node.function == "abs" and node.name_span[0] == node.name_span[1]
            return self._related(BARS if bars else EQUAL, node.arguments[:1]) if node.arguments else self.new()
        if node.function.startswith(syntax.EINSUM):
            inputs, output = subscripts(node.function)
            for argument, letters in zip(node.arguments, inputs, strict=False):
                self.kinds[self.expression(argument)] &= (1, 6, 8)[min(len(letters), 2)]
            return self.new((1, 2, 8)[min(len(output), 2)])
        row = LIBRARY.get(node.function)
        if row is None:
            return self.new()
        if row.sizes:
            return self.new(BITS[constant_kind(row.name, [size_text(a) for a in node.arguments])])
        rows = [arguments + result for arguments, result in row.kinds.items() if len(arguments) == len(node.arguments)]
        if not rows:  # not so many arguments: the meaning says so
            for argument in node.arguments:
                self.expression(argument)
            return self.new()
        return self._related(_table(*rows), node.arguments)

    # ------------------------------------------------------------------ the search
    def filtered(self, kinds: list[int], tables: Iterable[int]) -> list[int] | None:
        """The kinds that every table admits, where these tables have not been asked yet; None where there are none."""
        kinds = list(kinds)
        waiting = dict.fromkeys(tables)
        while waiting:
            number = next(iter(waiting))
            del waiting[number]
            expressions, table = self.tables[number]
            rows = table.all
            for v, fitting in zip(expressions, table.fitting, strict=True):
                rows &= fitting[kinds[v]]
            if not rows:
                return None
            for v, rows_with in zip(expressions, table.rows_with, strict=True):
                before = kinds[v]
                if not before & (before - 1):
                    continue  # the one kind that is left
                for bit, having in rows_with.items():
                    if kinds[v] & bit and not having & rows:
                        kinds[v] -= bit
                if kinds[v] != before:
                    waiting.update(dict.fromkeys(self.tables_of[v]))
        return kinds

    def best(self) -> list[dict[str, str]]:
        """The cheapest readings: one, two where they are equally good, none where nothing fits."""
        costs = {v: habits(name) for name, v in self.names.items()}
        found: list[list[int]] = []
        least, visits = 10**9, 0

        def cost(kinds: list[int]) -> int:
            return sum(min(c for bit, c in cost_of.items() if kinds[v] & bit) for v, cost_of in costs.items())

        stack: list[tuple[list[int], Iterable[int]]] = [(self.kinds, range(len(self.tables)))]
        while stack:
            fixed, tables = stack.pop()
            if cost(fixed) > least or (kinds := self.filtered(fixed, tables)) is None:
                continue
            visits += 1
            if visits > MOST_VISITS:
                raise IndexcalcError(
                    "E503", "too many undeclared names to guess their ranks", (0, 1), "declare some of them"
                )
            bound = cost(kinds)
            if bound > least:
                continue
            open_ = [v for v in costs if kinds[v] & (kinds[v] - 1)]
            if not open_:
                found = [kinds] if bound < least else [*found, kinds][:2]
                least = bound
                continue
            v = open_[0]
            for bit in sorted((b for b in costs[v] if kinds[v] & b), key=lambda b: -costs[v][b]):
                fixed = kinds.copy()
                fixed[v] = bit
                stack.append((fixed, self.tables_of[v]))
        letters = {bit: kind for kind, bit in BITS.items()}
        return [{name: letters[kinds[v]] for name, v in self.names.items()} for kinds in found]


def infer(trees: Iterable[Syntax], known: Callable[[syntax.Name], str | None]) -> list[dict[str, str]]:
    """Kinds for the names that ``known`` has none for."""
    problem = Problem(known)
    for tree in trees:
        problem.expression(tree)
    return problem.best() if problem.names else [{}]
