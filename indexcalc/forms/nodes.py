"""Forms: what is printed, as trees, for both notations. Each carries what it costs to read.

The cost orders alternatives (LANGUAGE.md, section 3): fewest operations, then fewest names, then fewest tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexcalc.tensor.nodes import Rational, magnitude

SUM, PRODUCT, POSTFIX, ATOM = range(4)
"""Levels of binding, loosest first."""
PLACES = 6
"""How many places of names a form remembers, to stand in the user's order."""

Cost = tuple[int, int, int]
MATRIX_PRODUCT = {"MM": "M", "Mc": "c", "rM": "r", "rc": "s", "cr": "M"}


class Form:
    """A piece of a printed formula.

    ``kind`` is s, c, r or M in matrix notation; ``symmetric`` that a matrix is known to be its own
    transpose, ``diagonal`` that it is diagonal; ``typed`` that a sum stands as the user wrote it;
    ``turned`` counts the tokens of what is transposed in it, which are all that its transpose can save;
    ``places`` are those of its first names in the user's text.
    """

    __slots__ = (
        "diagonal",
        "kind",
        "level",
        "names",
        "operations",
        "parts",
        "places",
        "symmetric",
        "tokens",
        "turned",
        "typed",
    )
    parts: tuple[Form, ...]
    kind: str
    level: int
    operations: int
    names: int
    tokens: int
    turned: int
    places: tuple[int, ...]
    symmetric: bool
    diagonal: bool
    typed: bool

    @property
    def cost(self) -> Cost:
        return self.operations, self.names, self.tokens

    def _count(self, kind: str, level: int, parts: tuple[Form, ...], operations: int, tokens: int) -> None:
        self.kind, self.level, self.parts = kind, level, parts
        names = turned = 0
        places: tuple[int, ...] = ()
        for part in parts:
            operations += part.operations
            names += part.names
            tokens += part.tokens
            turned += part.turned
            if len(places) < PLACES:
                places += part.places
        self.operations, self.names, self.tokens, self.turned = operations, names, tokens, turned
        self.places = places if len(places) <= PLACES else places[:PLACES]
        self.symmetric = self.diagonal = self.typed = False


def brackets(part: Form, above: int) -> bool:
    """Whether a part needs brackets where it has to bind tighter than ``above``."""
    return part.level <= above


def postfix_brackets(part: Form) -> bool:
    """Whether a part needs brackets before a transpose or a power: anything but an atom and a transpose."""
    return part.level < POSTFIX or isinstance(part, Power)


class Number(Form):
    """A rational number that is not negative."""

    __slots__ = ("value",)

    def __init__(self, value: Rational) -> None:
        self.value = value
        whole = value.denominator == 1
        self._count("s", ATOM if whole else PRODUCT, (), 0, 1 if whole else 3)


class Symbol(Form):
    """A name, with its indices in index notation; a delta is the name delta."""

    __slots__ = ("letters", "name")

    def __init__(self, name: str, kind: str, place: int, letters: tuple[str, ...] = ()) -> None:
        self.name, self.letters = name, letters
        self._count(kind, ATOM, (), 0, 1)
        self.names, self.places = 1, (place,)


class Call(Form):
    """A function of its arguments, with indices behind it in index notation."""

    __slots__ = ("function", "letters")

    def __init__(self, function: str, kind: str, arguments: tuple[Form, ...], letters: tuple[str, ...] = ()) -> None:
        self.function, self.letters = function, letters
        self._count(kind, ATOM, arguments, 1, 2 + len(arguments) + bool(letters))
        if kind == "r":  # ones(1, n), which is ones(n) transposed
            self.turned += 2


class Transpose(Form):
    __slots__ = ()

    def __init__(self, body: Form) -> None:
        kind = {"c": "r", "r": "c"}.get(body.kind, body.kind)
        tokens = 1 + 2 * postfix_brackets(body)
        self._count(kind, POSTFIX, (body,), 0, tokens)
        self.turned += tokens


class Entries(Form):
    """The entries of a matrix or vector in matrix notation, in index notation: ``(A*B)_ij``."""

    __slots__ = ("letters",)

    def __init__(self, body: Form, letters: tuple[str, ...]) -> None:
        self.letters = letters
        self._count("", ATOM, (body,), 0, 3)


class Power(Form):
    """base ^ exponent, or base .^ exponent entry by entry."""

    __slots__ = ("elementwise", "exponent")

    def __init__(self, base: Form, exponent: Rational | Form, elementwise: bool) -> None:
        self.exponent, self.elementwise = exponent, elementwise
        parts = (base, exponent) if isinstance(exponent, Form) else (base,)
        tokens = 1 + 2 * postfix_brackets(base) + exponent_tokens(exponent)
        self._count(base.kind, POSTFIX, parts, 1, tokens)


def exponent_tokens(exponent: Rational | Form) -> int:
    if isinstance(exponent, Form):
        return 2 * brackets(exponent, POSTFIX)
    return (1 + (exponent < 0)) if exponent.denominator == 1 else 5 + (exponent < 0)


class Product(Form):
    """coefficient * factors / divisors. ``operator`` is "*", ".*" or, in index notation, " ".

    In matrix notation scalars stand first among the factors.
    """

    __slots__ = ("coefficient", "divisors", "factors", "operator")

    def __init__(
        self, operator: str, coefficient: Rational, factors: tuple[Form, ...], divisors: tuple[Form, ...] = ()
    ) -> None:
        self.operator, self.coefficient, self.factors, self.divisors = operator, coefficient, factors, divisors
        parts = factors + divisors
        size = magnitude(coefficient)
        shown = size != 1 or not factors
        operations = len(parts) + shown - 1
        tokens = (len(divisors) if operator == " " else operations) + (coefficient < 0)
        if shown:
            tokens += 1 if size.denominator == 1 else 3
        for part in parts:
            tokens += 2 * brackets(part, PRODUCT)
        self._count(product_kind(operator, factors, divisors), PRODUCT, parts, operations, tokens)


def product_kind(operator: str, factors: Sequence[Form], divisors: Sequence[Form]) -> str:
    if operator == " ":
        return ""
    kind = "s"
    for form in factors if operator == "*" else (*factors, *divisors):
        if form.kind != "s":
            kind = form.kind if kind == "s" or operator != "*" else MATRIX_PRODUCT[kind + form.kind]
    return kind


class Sum(Form):
    """Terms with their signs. A scalar among matrices or vectors is added to every entry."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[tuple[int, Form], ...]) -> None:
        self.terms = terms
        parts = tuple([term for _, term in terms])
        kind = next((part.kind for part in parts if part.kind != "s"), "s")
        tokens = len(terms) - (terms[0][0] > 0) + 2 * sum([brackets(part, SUM) for part in parts])
        self._count(kind, SUM, parts, len(terms) - 1, tokens)


class SumOver(Form):
    """sum_{i j}(body), in index notation."""

    __slots__ = ("letters",)

    def __init__(self, letters: tuple[str, ...], body: Form) -> None:
        self.letters = letters
        self._count("", ATOM, (body,), 1, 3)


class Derivative(Form):
    """∂y_i/∂W_kl, in index notation: what a derivation has not worked out yet. In brackets where a factor follows."""

    __slots__ = ()

    def __init__(self, above: Form, below: Form, is_last: bool) -> None:
        self._count("", ATOM if is_last else PRODUCT, (above, below), 1, 4)


def same(a: Form, b: Form) -> bool:
    """Whether two forms print alike."""
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        if a is b:
            continue
        if type(a) is not type(b) or a.tokens != b.tokens or len(a.parts) != len(b.parts) or _own(a) != _own(b):
            return False
        stack.extend(zip(a.parts, b.parts, strict=True))
    return True


def _own(form: Form) -> tuple[object, ...]:
    match form:
        case Symbol():
            return form.name, form.letters
        case Number():
            return (form.value,)
        case Call():
            return form.function, form.letters
        case Entries():
            return form.letters
        case Power():
            return form.elementwise, None if isinstance(form.exponent, Form) else form.exponent
        case Product():
            return form.operator, form.coefficient, len(form.factors)
        case Sum():
            return tuple(sign for sign, _ in form.terms)
        case SumOver():
            return form.letters
    return ()
