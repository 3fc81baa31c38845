"""The syntax tree of what the grammar's rules found."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.brackets import Word
from indexcalc.language.characters import SUBSCRIPTS, SUPERSCRIPTS, ascii_name
from indexcalc.language.shorthands import SHORTHANDS
from indexcalc.language.syntax import Loop, Name, Script, Side, Statement, Syntax

MOST_FACTORS = 64
"""Factors that one product may have."""
LONGEST_NUMBER = 1000
"""Digits that a number may have."""

NORMS = {"1": "norm1", "2": "norm2", "F": "norm2", "{F}": "norm2", r"\text{F}": "norm2"}
OPERATORS = {
    "TIMES": "*",
    "DIVIDE": "/",
    "HADAMARD": ".*",
    "DIVIDE_ELEMENTWISE": "./",
    "CONTRACT": ":",
    "KRONECKER": "⊗",
}


def _before(parts: list[Any]) -> Span:
    """Where the name of a function would stand that bars write."""
    start, _ = parts[0].span
    return start, start


def _across(parts: list[Any]) -> Span:
    return parts[0].span[0], parts[-1].span[1]


class Builder:
    """One method a grammar rule: its parts, words and nodes → a node of the syntax tree."""

    def number(self, parts: list[Any]) -> Syntax:
        if parts[0].isdecimal() and len(parts[0]) <= LONGEST_NUMBER:
            return syntax.Number(parts[0].span, Fraction(int(parts[0])))
        mantissa, _, exponent = str(parts[0]).lower().partition("e")
        if len(mantissa) + abs(int(exponent[:9] or 0)) > LONGEST_NUMBER:
            raise IndexcalcError("E506", "this number has too many digits", parts[0].span)
        return syntax.Number(parts[0].span, Fraction(str(parts[0])))

    def name(self, parts: list[Any]) -> Syntax:
        return Name(parts[0].span, ascii_name(parts[0]), ())

    def partial(self, parts: list[Any]) -> Syntax:
        return syntax.Partial(parts[0].span)

    def call(self, parts: list[Any]) -> Syntax:
        name, arguments = parts[0], parts[2]
        function = ascii_name(name.rstrip(".").rpartition(".")[2] if "." in name else name)
        if function in SHORTHANDS and len(arguments) == 2:
            return SHORTHANDS[function].build(_across(parts), name.span, *arguments)
        return syntax.Call(_across(parts), function, name.span, arguments)

    def einsum(self, parts: list[Any]) -> Syntax:
        _, quote, rest = re.split("(['\"])", str(parts[0]), maxsplit=1)
        return syntax.Call(_across(parts), syntax.EINSUM + rest.split(quote)[0], parts[0].span, parts[1])

    def arguments(self, parts: list[Any]) -> tuple[Syntax, ...]:
        return tuple(parts[::2])  # between commas

    def group(self, parts: list[Any]) -> Syntax:
        return syntax.Group(_across(parts), parts[1])

    def inside(self, parts: list[Any]) -> Syntax:
        return parts[1]  # type: ignore[no-any-return]

    def bars(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "abs", _before(parts), (parts[1],))

    def norm(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "norm2", _before(parts), (parts[1],))

    def root(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "sqrt", parts[0].span, (parts[1],))

    def sum_over(self, parts: list[Any]) -> Syntax:
        sign = parts[0]
        cut = sign.index("_")
        indices, _, bound = sign[cut:].partition("^")
        script = _script(indices, (sign.span[0] + cut, sign.span[1]))
        return syntax.SumOver(_across(parts), script, parts[2] if len(parts) > 2 else parts[1], bound)

    def apply(self, parts: list[Any]) -> Syntax:
        r"""``\tanh x``, ``\sin^2(x)``"""
        function, *powers, body = parts
        inside = body.body if isinstance(body, syntax.Group) else body
        call = syntax.Call(_across(parts), str(function), function.span, (inside,))
        if powers and isinstance(powers[0][1], syntax.Signed):
            message = "this can be the inverse function or the reciprocal"
            raise IndexcalcError("E105", message, powers[0][0], r"write `1/\tanh(x)`, or `\operatorname{asin}(x)`")
        return _with_power(call, powers[0][1], False, call.span) if powers else call

    def fraction(self, parts: list[Any]) -> Syntax:
        r"""``\frac{a}{b}`` in brackets of its own; a derivative without any, so that it takes what follows."""
        above, below = parts[2], parts[5]
        divisor = ("/", syntax.Group(_across(parts[4:]), below))
        if _is_differential(above) and _is_differential(below):
            factors = above.factors if isinstance(above, syntax.Product) else (("*", above),)
            return syntax.Product(_across(parts), (*factors, divisor))
        numerator = ("*", syntax.Group(_across(parts[1:4]), above))
        return syntax.Group(_across(parts), syntax.Product(_across(parts), (numerator, divisor)))

    def gradient(self, parts: list[Any]) -> Syntax:
        r"""``\nabla_x f`` → grad(f, x)"""
        sign, body = parts[0], parts[-1]
        arguments = (body, parts[2]) if len(parts) > 2 else (body,)
        return syntax.Call(_across(parts), str(sign), sign.span, arguments)

    def sum(self, parts: list[Any]) -> Syntax:
        terms = [(1, parts[0])]
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            terms.append((-1 if sign.type == "MINUS" else 1, term))
        return syntax.Sum(_across(parts), tuple(terms))

    def product(self, parts: list[Any]) -> Syntax:
        factors: list[tuple[str, Syntax]] = []
        operator = "*"
        if isinstance(parts[0], syntax.Product):  # a derivative, which takes what follows
            factors, operator = list(parts[0].factors), ""
        for part in parts[len(factors) > 0 :]:
            if isinstance(part, Word):
                operator = OPERATORS[part.type]
            else:
                if operator == "" and factors and _is_open(factors[-1][1]) and not isinstance(part, syntax.Call):
                    span = (factors[-1][1].span[0], part.span[1])
                    help_ = "put brackets around what the function is of"
                    raise IndexcalcError("E109", "this factor can belong to the function or not", span, help_)
                if operator == "" and isinstance(part, syntax.Number) and isinstance(factors[-1][1], syntax.Number):
                    span = (factors[-1][1].span[0], part.span[1])
                    raise IndexcalcError("E102", "two numbers stand side by side", span, "write `*` between them")
                factors.append((operator, part))
                operator = ""
        if len(factors) > MOST_FACTORS:
            message = f"a product of {len(factors)} factors is longer than {MOST_FACTORS}"
            raise IndexcalcError("E507", message, _across(parts), "give parts of it a name of their own: `B = …`")
        return syntax.Product(_across(parts), tuple(factors))

    def signed(self, parts: list[Any]) -> Syntax:
        sign, body = parts
        if sign.type == "PLUS":
            return body  # type: ignore[no-any-return]
        return body.body if isinstance(body, syntax.Signed) else syntax.Signed(_across(parts), body)

    def power(self, parts: list[Any]) -> Any:
        return _across(parts), parts[1], parts[0].type == "POWER_ELEMENTWISE"

    def index(self, parts: list[Any]) -> Any:
        return _across(parts), parts[1]

    def postfix(self, parts: list[Any]) -> Syntax:
        node: Syntax = parts[0]
        for suffix in parts[1:]:
            node = _with_suffix(node, suffix)
        return node

    def side(self, parts: list[Any]) -> Side:
        if len(parts) == 1:
            return Side(parts[0].span, (parts[0],), False, None)
        arrow = next((k for k, part in enumerate(parts) if isinstance(part, Word) and part.type == "ARROW"), None)
        items = tuple(part for part in parts[:arrow] if not isinstance(part, Word))
        target = None if arrow is None or arrow + 1 == len(parts) else parts[-1]
        return Side(_across(parts), items, arrow is not None, target)

    def generator(self, parts: list[Any]) -> tuple[Syntax, ...]:
        return (syntax.Each(_across(parts), parts[0], parts[1]),)

    def loop(self, parts: list[Any]) -> Loop:
        return Loop(_across(parts), ascii_name(parts[1]), parts[3], parts[5])

    def definition(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "=", parts[2], loop=parts[3] if len(parts) > 3 else None)

    def repeated(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "", None, loop=parts[1])

    def claim(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "==", parts[2])

    def start(self, parts: list[Any]) -> Statement:
        return Statement(parts[0].span, parts[0], "", None)


def _is_differential(node: Syntax) -> bool:
    """Whether the part of a fraction begins with ∂ or d."""
    if isinstance(node, syntax.Product):
        node = node.factors[0][1]
    if isinstance(node, syntax.Power):
        node = node.base
    function = node.function if isinstance(node, syntax.Call) else ""
    return isinstance(node, syntax.Partial) or function == "d" or (isinstance(node, Name) and node.text[0] == "d")


def _is_open(node: Syntax) -> bool:
    r"""``\tanh x``: nothing closes the argument."""
    if isinstance(node, syntax.Power):
        node = node.base
    if not isinstance(node, syntax.Call) or node.function == "sqrt" or not node.arguments:
        return False
    return node.name_span[0] < node.name_span[1] and node.arguments[-1].span[1] == node.span[1]


def _script(text: str, span: Span) -> Script:
    """``_ij``, ``_{i j}``, ``ᵢⱼ`` and ``^{<t>}`` as scripts."""
    if text[0] not in "_^":
        return Script(span, text.translate(SUBSCRIPTS), "_")
    inside = text[2:-1] if text[1] == "{" else text[1:]
    return Script(span, inside.strip(), text[0])


def _with_suffix(node: Syntax, suffix: Any) -> Syntax:
    span = (node.span[0], suffix.span[1] if isinstance(suffix, Word) else suffix[0][1])
    if isinstance(suffix, Word):
        if suffix.type in ("SUBSCRIPT", "NAME_SUPERSCRIPT"):
            return _with_script(node, _script(str(suffix), suffix.span), span)
        if suffix.type == "TRANSPOSE":
            return node.body if isinstance(node, syntax.Transpose) else syntax.Transpose(span, node)
        if suffix.type == "INVERSE_TRANSPOSE":
            inverse = _with_power(node, syntax.Number(suffix.span, Fraction(-1)), False, span)
            return syntax.Transpose(span, inverse)
        digits = str(suffix).translate(SUPERSCRIPTS)
        return _with_power(node, syntax.Number(suffix.span, Fraction(digits)), False, span)
    if len(suffix) == 3:
        return _with_power(node, suffix[1], suffix[2], span)
    names = [_index_name(item) for item in suffix[1]]
    if not names:
        raise IndexcalcError("E106", "there is no index between the brackets", suffix[0], "`A[i,j]`")
    if isinstance(node, Name) and node.scripts and node.scripts[-1].mark == "[":  # A[i][j]
        *before, last = node.scripts
        joined = Script((last.span[0], suffix[0][1]), " ".join([last.text, *names]), "[")
        return Name(span, node.text, (*before, joined))
    return _with_script(node, Script(suffix[0], " ".join(names), "["), span)


def _index_name(item: Syntax) -> str:
    """``i``, or ``0`` and ``t-1`` of a family of names."""
    if isinstance(item, Name) and not item.scripts:
        return item.text
    if isinstance(item, syntax.Number) and item.value.denominator == 1:
        return str(item.value)
    if isinstance(item, syntax.Sum):
        words = [f"{'-' if sign < 0 else '+'}{_index_name(term)}" for sign, term in item.terms]
        return "".join(words).removeprefix("+")
    raise IndexcalcError("E106", "an index in brackets is a name, or a step: `t-1`", item.span, "`A[i,j]`")


def _with_script(node: Syntax, script: Script, span: Span) -> Syntax:
    if isinstance(node, Name):
        return Name(span, node.text, (*node.scripts, script))
    if isinstance(node, syntax.Call) and node.name_span[0] == node.name_span[1] and script.text in NORMS:
        return node._replace(span=span, function=NORMS[script.text])
    return syntax.Indexed(span, node, script)


def _with_power(node: Syntax, exponent: Syntax, elementwise: bool, span: Span) -> Syntax:
    if isinstance(node, syntax.Power):
        raise IndexcalcError(
            "E105", "two powers in a row can be read in two ways", span, "write `(a^b)^c` or `a^(b^c)`"
        )
    return syntax.Power(span, node, exponent, elementwise)
