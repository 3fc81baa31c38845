"""TABLE: the mistakes that people make in formulas, each as a change of the syntax tree that takes it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import permutations

from indexcalc.claims.edits import Change, Made, Row, bare, bracketed, changes
from indexcalc.errors import Span
from indexcalc.language import syntax
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.matrix_notation import is_elementwise
from indexcalc.language.syntax import Name, Syntax

MOST_FACTORS = 4
"""Factors of a product of which all orders are tried; of more, neighbours are swapped."""


def transposed(node: Syntax) -> Syntax:
    """A' for A, and A for A'."""
    if isinstance(node, syntax.Transpose):
        return node.body
    if isinstance(node, syntax.Group) and isinstance(node.body, syntax.Transpose):
        return node.body.body
    own = isinstance(node, Name | syntax.Group | syntax.Call)
    return syntax.Transpose(node.span, node if own else syntax.Group(node.span, node))


def _transposes(node: Syntax) -> Made:
    if isinstance(node, syntax.Number | syntax.Signed | syntax.Group):
        return
    missing = not isinstance(node, syntax.Transpose)
    yield (
        ("a transpose is missing: {} should be {}" if missing else "a transpose too many: {} should be {}"),
        transposed(node),
    )


def _signs(node: Syntax) -> Made:
    if not isinstance(node, syntax.Sum):
        return
    for place, (sign, term) in enumerate(node.terms):
        terms = (*node.terms[:place], (-sign, term), *node.terms[place + 1 :])
        yield "a sign is wrong: {} should be {}", node._replace(terms=terms)


WRONG_SIDE = "factors on the wrong side: {} should be {}"


def _orders(node: Syntax) -> Made:
    """The factors of a matrix product, or of a Kronecker product, in other orders."""
    if isinstance(node, syntax.Call) and node.function == "kron" and len(node.arguments) == 2:
        yield WRONG_SIDE, node._replace(arguments=node.arguments[::-1])
    if not isinstance(node, syntax.Product) or any(operator not in ("*", "", "⊗") for operator, _ in node.factors):
        return
    count = len(node.factors)
    places: Iterable[tuple[int, ...]]
    if count <= MOST_FACTORS:
        places = sorted(permutations(range(count)), key=_disorder)[1:]
    else:
        places = [(*range(k), k + 1, k, *range(k + 2, count)) for k in range(count - 1)]
        places = [*places, tuple(reversed(range(count))), (*range(1, count), 0), (count - 1, *range(count - 1))]
    for order in places:
        factors = [node.factors[k] for k in order]
        operators = [operator or "*" for operator, _ in node.factors]
        changed = tuple(zip(operators, [factor for _, factor in factors], strict=True))
        yield WRONG_SIDE, node._replace(factors=changed)


def _disorder(order: tuple[int, ...]) -> int:
    return sum(a > b for k, a in enumerate(order) for b in order[k + 1 :])


PRODUCTS = {"*": ".*", "": ".*", ".*": "*", "/": "./", "./": "/"}


def _products(node: Syntax) -> Made:
    """Matrix products and products entry by entry."""
    match node:
        case syntax.Product(factors=factors):
            for place, (operator, factor) in enumerate(factors[1:], 1):
                if operator not in PRODUCTS:
                    continue
                words = "a product entry by entry (⊙) is meant: {} should be {}"
                words = words if PRODUCTS[operator] == ".*" else "a matrix product is meant: {} should be {}"
                own = (*factors[:place], (PRODUCTS[operator], factor), *factors[place + 1 :])
                yield words, node._replace(factors=own)
                if place > 1 or place < len(factors) - 1:  # only these two
                    pair = syntax.Product(node.span, (("*", factors[place - 1][1]), (PRODUCTS[operator], factor)))
                    joint = (factors[place - 1][0], syntax.Group(node.span, pair))
                    yield words, node._replace(factors=(*factors[: place - 1], joint, *factors[place + 1 :]))
        case syntax.Power(elementwise=elementwise):
            words = "the power is of each entry: {} should be {}"
            words = "the power is of the matrix: {} should be {}" if elementwise else words
            yield words, node._replace(elementwise=not elementwise)
        case syntax.Call(function="diag", arguments=(body,)):
            yield "diag does not belong here: {} should be {}", syntax.Group(node.span, body)


def _diagonals(node: Syntax) -> Made:
    """diag(v) for v."""
    if isinstance(node, Name | syntax.Group | syntax.Power) or _is_call_of_entries(node):
        yield (
            "a product entry by entry (⊙) is meant, here with diag: {} should be {}",
            syntax.Call(node.span, "diag", node.span, (node,)),
        )


def _is_call_of_entries(node: Syntax) -> bool:
    return isinstance(node, syntax.Call) and is_elementwise(node.function)


def _fewer_terms(node: Syntax) -> Made:
    if not isinstance(node, syntax.Sum):
        return
    for place in range(len(node.terms)):
        left = (*node.terms[:place], *node.terms[place + 1 :])
        (sign, only), *more = left
        rest = node._replace(terms=left) if more else only if sign > 0 else syntax.Signed(only.span, only)
        yield "a term too many: {} should be {}", rest


def _fewer_factors(node: Syntax) -> Made:
    if isinstance(node, syntax.Product):
        for place in range(len(node.factors)):
            yield "a factor too many: {} should be {}", without(node, place)


def without(node: syntax.Product, place: int) -> Syntax:
    """A product without one of its factors."""
    left = [*node.factors[:place], *node.factors[place + 1 :]]
    if place == 0:
        operator, factor = left[0]
        one = syntax.Number(node.span, Fraction(1))
        left[:1] = [("*", one), (operator, factor)] if operator in ("/", "./") else [("*", factor)]
    return node._replace(factors=tuple(left)) if len(left) > 1 else left[0][1]


def _numbers(node: Syntax) -> Made:
    """Numbers, and the factor of a term."""
    match node:
        case syntax.Number(value=value) if value:
            for factor in (Fraction(2), Fraction(1, 2), Fraction(-1)):
                yield "a factor is wrong: {} should be {}", node._replace(value=value * factor)
        case syntax.Sum(terms=terms):
            for place, (sign, term) in enumerate(terms):
                for factor in (Fraction(2), Fraction(1, 2)):
                    number = syntax.Number(term.span, factor)
                    scaled = syntax.Product(term.span, (("*", number), ("*", _grouped(term))))
                    own = (*terms[:place], (sign, scaled), *terms[place + 1 :])
                    yield "a factor is wrong: {} should be {}", node._replace(terms=own)


def _grouped(node: Syntax) -> Syntax:
    return syntax.Group(node.span, node) if isinstance(node, syntax.Sum | syntax.Product | syntax.Signed) else node


def _powers(node: Syntax) -> Made:
    """Another exponent, or the square of what has none."""
    match node:
        case syntax.Power(exponent=syntax.Number(value=value)):
            for step in (1, -1):
                exponent = syntax.Number(node.exponent.span, value + step)
                yield "a power is wrong: {} should be {}", node._replace(exponent=exponent)
        case Name() | syntax.Call():
            for elementwise in (True, False):
                square = syntax.Power(node.span, node, syntax.Number(node.span, Fraction(2)), elementwise)
                yield "a square is missing: {} should be {}", square


def _inverses(node: Syntax) -> Made:
    match node:
        case syntax.Call(function="inv", arguments=(body,)):
            yield "an inverse too many: {} should be {}", _grouped(body)
        case Name() | syntax.Group():
            yield "an inverse is missing: {} should be {}", syntax.Call(node.span, "inv", node.span, (node,))


# ---------------------------------------------------------------------- index notation
def _turned_indices(node: Syntax) -> Made:
    """A_ji for A_ij."""
    letters = _letters(node)
    for a in range(len(letters)):
        for b in range(a + 1, len(letters)):
            if letters[a] != letters[b]:
                own = list(letters)
                own[a], own[b] = own[b], own[a]
                yield "a transpose: the indices of {} stand the other way round, {}", _with_letters(node, own)


def _letters(node: Syntax) -> Letters:
    """The indices of a name, or of what stands in brackets."""
    match node:
        case syntax.Indexed(script=script) | Name(scripts=(*_, script)):
            return letters_of(script) or ()
    return ()


def _with_letters(node: Syntax, letters: Iterable[str]) -> Syntax:
    text = " ".join(letters)
    if isinstance(node, Name):
        return node._replace(scripts=(*node.scripts[:-1], node.scripts[-1]._replace(text=text, mark="[")))
    assert isinstance(node, syntax.Indexed)
    return node._replace(script=node.script._replace(text=text, mark="["))


def _renamed(node: Syntax, letters: Sequence[str], kept: Collection[str]) -> Made:
    """One index of a tensor by another name."""
    own = _letters(node)
    for place, before in enumerate(own):
        for letter in letters:
            if letter != before:
                changed = (*own[:place], letter, *own[place + 1 :])
                what = "is wrong" if before in kept else "should not be summed here"
                yield f"the index {before} {what}: {{}} should be {{}}", _with_letters(node, changed)


ROWS = (
    Row("transpose", _transposes, indexed=False, inside_first=True),
    Row("transpose", _turned_indices, matrix=False),
    Row("sign", _signs),
    Row("order", _orders, indexed=False),
    Row("product", _products, indexed=False),
    Row("scale", _numbers),
    Row("extra term", _fewer_terms),
    Row("extra factor", _fewer_factors),
    Row("product", _diagonals, indexed=False),
    Row("power", _powers),
    Row("inverse", _inverses, indexed=False),
)

SHAPING = tuple(row for row in ROWS if row.make in (_transposes, _orders, _products))
"""The mistakes that go together."""
DELETIONS = (Row("missing factor", _fewer_factors), Row("missing term", _fewer_terms))
"""What a claim lacks is too much in what is right."""


# ---------------------------------------------------------------------- mistakes that need more than the claim
def renamings(tree: Syntax, letters: Sequence[str], kept: Collection[str]) -> Iterator[Change]:
    """Every formula with one index by another name; those that are not kept are summed."""
    yield from changes(tree, [Row("index", lambda node: _renamed(node, letters, kept))])


def insertions(tree: Syntax, donors: Iterable[Syntax], indexed: bool, first: Span | None) -> Iterator[Change]:
    """Every formula with one factor or term more, out of what is right; ``first`` those with a change in this span."""
    factors = list({text: part for part in donors if (text := repr(bare(part)))}.values())

    def made(node: Syntax) -> Made:
        if isinstance(node, syntax.Sum | syntax.Number | syntax.Group):
            return
        for factor in factors:
            for operator in ("*",) if indexed else ("*", ".*"):
                pairs = [(node, factor), (factor, node)] if operator == "*" and not indexed else [(factor, node)]
                for pair in pairs:
                    joined = tuple((operator, bracketed(part)) for part in pair)
                    yield "a factor is missing: {} should be {}", syntax.Product(node.span, joined)

    def summed(node: Syntax) -> Made:
        if isinstance(node, syntax.Number | syntax.Group):
            return
        for term in factors:
            for sign in (1, -1):
                yield "a term is missing: {} should be {}", syntax.Sum(node.span, ((1, node), (sign, term)))

    yield from changes(tree, [Row("missing factor", made)], first)
    yield from changes(tree, [Row("missing term", summed)], first)
