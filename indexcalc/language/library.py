"""LIBRARY: the functions that are not elementwise, one row each, for both notations.

``kinds`` says which arguments a function takes (s scalar, c column, r row, M matrix) and what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

from indexcalc.errors import Span
from indexcalc.language import syntax
from indexcalc.language.core import Core, Elementwise, Grouped, LeviCivita, Literal, Power, Product, SizeOf, Whole
from indexcalc.language.syntax import EINSUM, Name, Number, Syntax
from indexcalc.tensor.functions import BY_NAME


class Value(NamedTuple):
    """A meaning in matrix notation: its kind, and where it stands."""

    kind: str
    core: Core
    span: Span


class Checks(Protocol):
    """What a row may ask of the sizes of its arguments; the answer to a misfit is an error."""

    def square(self, value: Value, what: str) -> None: ...
    def in_space(self, value: Value) -> int: ...
    def product_size(self, parts: Sequence[int]) -> int: ...
    def new_size(self) -> int: ...
    def times(self, a: Value, b: Value) -> Core: ...
    def entrywise(self, a: Value, b: Value) -> Core: ...
    def same_shape(self, a: Value, b: Value) -> None: ...
    def axis(self, value: Value) -> int: ...


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """A function: its kinds, its meaning, and other names for it. ``sizes``: its arguments are sizes,
    which arrive as one axis each, none for 1."""

    name: str
    kinds: Mapping[str, str]
    build: Callable[[Checks, Sequence[Value]], Core]
    also: tuple[str, ...] = ()
    sizes: bool = False

    @property
    def signature(self) -> str:
        """``diag(vector) or diag(matrix)``, with the other names."""
        words = {"s": "scalar", "c": "vector", "M": "matrix", "Ms": "matrix, 1 or 2"}
        calls = [words.get(kinds) or ", ".join(words[k] for k in kinds) for kinds in self.kinds if "r" not in kinds]
        calls = calls or (["n"] if self.name == "eye" else ["n", "m, n"])
        also = f"  (also {', '.join(self.also)})" if self.also else ""
        return " or ".join(f"{self.name}({arguments})" for arguments in calls) + also


ANY = {"s": "s", "c": "s", "r": "s", "M": "s"}
ALONG = {"Ms": "c"}
KRON = {"cc": "c", "rr": "r", "cr": "M", "rc": "M"} | {a + b: "M" for a in "crM" for b in "crM" if "M" in a + b}
KRON |= {"s" + kind: kind for kind in "scrM"} | {kind + "s": kind for kind in "crM"}
HADAMARD = {kind + kind: kind for kind in "scrM"} | {"s" + kind: kind for kind in "crM"}
HADAMARD |= {kind + "s": kind for kind in "crM"}
ONE = Literal((), Fraction(1))
HALF = Fraction(1, 2)


def total(core: Core) -> Core:
    """The sum of all entries."""
    return Product((), ((core, tuple(range(len(core.axes)))),), ()) if core.axes else core


def dot(a: Core, b: Core) -> Core:
    """The sum of products of entries."""
    axes = tuple(range(len(a.axes)))
    return Product((), ((a, axes), (b, axes)), ())


def scaled(scalar: Core, core: Core) -> Core:
    axes = tuple(range(len(core.axes)))
    return Product(core.axes, ((scalar, ()), (core, axes)), axes)


def _along(
    whole: Callable[[Core], Core], one: Callable[[Core, int], Core]
) -> Callable[[Checks, Sequence[Value]], Core]:
    """A function of all entries, or with a second argument down the columns (1) or along the rows (2)."""

    def build(checks: Checks, args: Sequence[Value]) -> Core:
        return whole(args[0].core) if len(args) == 1 else one(args[0].core, checks.axis(args[1]))

    return build


def _sums(core: Core, axis: int) -> Core:
    return Product(core.axes[1 - axis :][:1], ((core, (0, 1)),), (1 - axis,))


def _means(core: Core, axis: int) -> Core:
    return scaled(Power((), SizeOf((), core.axes[axis]), Fraction(-1)), _sums(core, axis))


def _softmax(core: Core, axis: int) -> Core:
    return Whole(core.axes, "softmax", core, axis)


def _logsumexp(core: Core, axis: int) -> Core:
    return Whole(core.axes[:axis] + core.axes[axis + 1 :], "logsumexp", core, axis)


def _mean(core: Core) -> Core:
    count = tuple((Power((), SizeOf((), size), Fraction(-1)), ()) for size in core.axes)
    return Product((), (*count, (core, tuple(range(len(core.axes))))), ())


def _trace(checks: Checks, args: Sequence[Value]) -> Core:
    checks.square(args[0], "tr")
    return Product((), ((args[0].core, (0, 0)),), ())


def kron(checks: Checks, args: Sequence[Value]) -> Core:
    """kron(A, B): a column counts as n x 1, a row as 1 x n."""
    a, b = args
    if "s" in (a.kind, b.kind):
        return scaled(a.core, b.core) if a.kind == "s" else scaled(b.core, a.core)
    ours = {"M": (0, 1), "c": (0,), "r": (1,)}[a.kind]
    theirs = {"M": (2, 3), "c": (2,), "r": (3,)}[b.kind]
    sizes = dict(zip((*ours, *theirs), (*a.core.axes, *b.core.axes), strict=True))
    output = tuple([label for label in (0, 2, 1, 3) if label in sizes])
    groups = [tuple([output.index(x) for x in pair if x in sizes]) for pair in ((0, 2), (1, 3))]
    body = Product(tuple([sizes[x] for x in output]), ((a.core, ours), (b.core, theirs)), output)
    return _grouped(checks, body, [group for group in groups if group])


def _grouped(checks: Checks, body: Core, groups: Sequence[tuple[int, ...]]) -> Core:
    sizes = [[body.axes[axis] for axis in group] for group in groups]
    axes = tuple([each[0] if len(each) == 1 else checks.product_size(each) for each in sizes])
    return Grouped(axes, body, tuple(groups))


def _vec(checks: Checks, args: Sequence[Value]) -> Core:
    core = args[0].core
    return _grouped(checks, core, [(1, 0)]) if args[0].kind == "M" else core


def _commutation(checks: Checks, args: Sequence[Value]) -> Core:
    """K with K*vec(X) = vec(X') for X m x n"""
    m, n = (value.core.axes[0] for value in args)
    body = Product((m, n, n, m), (), (0, 1, 1, 0), ((0, m), (1, n)))
    return _grouped(checks, body, [(0, 1), (2, 3)])


def _repeated(rank: int) -> Callable[[Checks, Sequence[Value]], Core]:
    """vector(1) and matrix(1): a number in every entry, of the size that fits"""

    def build(checks: Checks, args: Sequence[Value]) -> Core:
        axes = tuple([checks.new_size() for _ in range(rank)])
        labels = tuple(range(rank))
        return Product(axes, ((args[0].core, ()),), labels, tuple(zip(labels, axes, strict=True)))

    return build


def _cross(checks: Checks, args: Sequence[Value]) -> Core:
    three = checks.in_space(args[0])
    checks.same_shape(*args)
    factors = ((LeviCivita((three,) * 3), (0, 1, 2)), (args[0].core, (1,)), (args[1].core, (2,)))
    return Product((three,), factors, (0,))


def _diag(checks: Checks, args: Sequence[Value]) -> Core:
    core = args[0].core
    if args[0].kind == "M":
        checks.square(args[0], "diag")
        return Product(core.axes[:1], ((core, (0, 0)),), (0,))
    return Product(core.axes * 2, ((core, (0,)),), (0, 0))


def _square(name: str, axes: bool) -> Callable[[Checks, Sequence[Value]], Core]:
    def build(checks: Checks, args: Sequence[Value]) -> Core:
        checks.square(args[0], name)
        core = args[0].core
        return Whole(core.axes if axes else (), name, core, 0)

    return build


def _adjugate(checks: Checks, args: Sequence[Value]) -> Core:
    """adj(A) = det(A) inv(A), for invertible A"""
    checks.square(args[0], "adj")
    core = args[0].core
    return scaled(Whole((), "det", core, 0), Whole(core.axes, "inv", core, 0))


def _dot(checks: Checks, args: Sequence[Value]) -> Core:
    """dot(x, y), and as in NumPy dot(A, x) and dot(A, B)"""
    if "M" in args[0].kind + args[1].kind:
        return checks.times(*args)
    checks.same_shape(*args)
    return dot(args[0].core, args[1].core)


def _outer(_: Checks, args: Sequence[Value]) -> Core:
    a, b = args[0].core, args[1].core
    return Product(a.axes + b.axes, ((a, (0,)), (b, (1,))), (0, 1))


def _transpose(_: Checks, args: Sequence[Value]) -> Core:
    return transposed(args[0].core)


def transposed(core: Core) -> Core:
    """Swaps the axes of a matrix; a row is its column's core."""
    return core if len(core.axes) < 2 else Product(core.axes[::-1], ((core, (0, 1)),), (1, 0))


def frobenius(core: Core) -> Core:
    return Power((), dot(core, core), HALF)


def _norm(checks: Checks, args: Sequence[Value]) -> Core:
    """norm(x), norm(x, 1), norm(x, 2)"""
    return _norm1(checks, args) if len(args) > 1 and checks.axis(args[1]) == 0 else frobenius(args[0].core)


def _norm1(_: Checks, args: Sequence[Value]) -> Core:
    core = args[0].core
    return total(Elementwise(core.axes, BY_NAME["abs"], core))


def _eye(_: Checks, args: Sequence[Value]) -> Core:
    (size,) = args[0].core.axes
    return Product((size, size), (), (0, 0), ((0, size),))


def _constant(value: int) -> Callable[[Checks, Sequence[Value]], Core]:
    """A tensor whose entries are all the same, with an axis for each size but 1."""

    def build(_: Checks, args: Sequence[Value]) -> Core:
        axes = tuple([size for arg in args for size in arg.core.axes])
        labels = tuple(range(len(axes)))
        return Product(axes, ((Literal((), Fraction(value)), ()),), labels, tuple(zip(labels, axes, strict=True)))

    return build


def size_text(node: Syntax) -> str:
    """The size that an argument of eye, ones or zeros names, as text, ``n`` or ``m*n``; '' where it names none."""
    if isinstance(node, syntax.Product) and all(operator == "*" for operator, _ in node.factors):
        parts = [size_text(factor) for _, factor in node.factors]
        return "*".join(parts) if all(parts) else ""
    if isinstance(node, Number) and node.value.denominator == 1 and node.value > 0:
        return str(node.value)
    return node.text if isinstance(node, Name) and not node.scripts else ""


def subscripts(function: str) -> tuple[list[str], str]:
    """The letters of each operand and of the result in the name of a call of einsum; without an arrow the result
    has those that occur once, in alphabetical order."""
    text = "".join(function.removeprefix(EINSUM).split())
    left, arrow, right = text.partition("->")
    letters = left.replace(",", "")
    return left.split(","), right if arrow else "".join(sorted(x for x in letters if letters.count(x) == 1))


def constant_kind(name: str, sizes: Sequence[str]) -> str:
    """The kind of eye(n), ones(n), ones(m, n), ones(1, n), …"""
    if name == "eye" or (len(sizes) == 2 and "1" not in sizes):
        return "M"
    return "r" if len(sizes) == 2 and sizes[0] == "1" else "c"


TABLE = (
    Row("tr", {"M": "s"}, _trace, ("trace",)),
    Row("sum", ANY | ALONG, _along(lambda core: total(core), _sums)),
    Row("mean", ANY | ALONG, _along(_mean, _means)),
    Row("norm2", ANY | {"cs": "s", "rs": "s"}, _norm, ("norm", "normF")),
    Row("norm1", ANY, _norm1),
    Row("diag", {"c": "M", "r": "M", "M": "c"}, _diag, ("Diag",)),
    Row("dot", {"cc": "s", "rr": "s", "Mc": "c", "MM": "M", "rM": "r"}, _dot, ("matmul", "mm", "mv", "inner")),
    Row("hadamard", HADAMARD, lambda checks, args: checks.entrywise(*args), ("multiply", "mul")),
    Row("outer", {"cc": "M"}, _outer),
    Row("inv", {"M": "M"}, _square("inv", True)),
    Row("det", {"M": "s"}, _square("det", False)),
    Row("logdet", {"M": "s"}, _square("logdet", False)),
    Row("adj", {"M": "M"}, _adjugate),
    Row("cross", {"cc": "c"}, _cross),
    Row("kron", KRON, kron),
    Row("vec", {"M": "c", "c": "c", "r": "c"}, _vec),
    Row("commutation", {}, _commutation, sizes=True),
    Row("vector", {"s": "c"}, _repeated(1)),
    Row("matrix", {"s": "M"}, _repeated(2)),
    Row("transpose", {"s": "s", "c": "r", "r": "c", "M": "M"}, _transpose),
    Row("softmax", {"c": "c", "Ms": "M"}, _along(lambda core: _softmax(core, 0), _softmax)),
    Row("logsumexp", {"c": "s"} | ALONG, _along(lambda core: _logsumexp(core, 0), _logsumexp)),
    Row("eye", {}, _eye, sizes=True),
    Row("ones", {}, _constant(1), sizes=True),
    Row("zeros", {}, _constant(0), sizes=True),
)

LIBRARY = {name: row for row in TABLE for name in (row.name, *row.also)}
SCALAR_VALUED = frozenset(name for name, row in LIBRARY.items() if "s" in row.kinds.values())

LATER = frozenset("max min symmetric skew step_ repmat reshape".split())
"""Functions that are understood but not supported yet."""
