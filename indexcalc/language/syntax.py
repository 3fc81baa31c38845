"""Syntax trees: what was typed, before anything is known of names. Each node has its span."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import NamedTuple

from indexcalc.errors import Span


class Number(NamedTuple):
    span: Span
    value: Fraction


class Script(NamedTuple):
    """A subscript or a superscript that may belong to a name: ``text`` is what stands inside."""

    span: Span
    text: str
    mark: str  # "_", "^" or "["


class Name(NamedTuple):
    """A word with the scripts that follow it at once: indices, or parts of the name."""

    span: Span
    text: str
    scripts: tuple[Script, ...]


class Call(NamedTuple):
    span: Span
    function: str
    name_span: Span
    arguments: tuple[Syntax, ...]


class Sum(NamedTuple):
    """Terms with their signs."""

    span: Span
    terms: tuple[tuple[int, Syntax], ...]


class Product(NamedTuple):
    """Factors from left to right, each with the operator before it: "*", "/", ".*", "./", ":", "⊗", or ""
    where it is set beside the one before. The first has "*"."""

    span: Span
    factors: tuple[tuple[str, Syntax], ...]


class Signed(NamedTuple):
    """Minus the body."""

    span: Span
    body: Syntax


class Power(NamedTuple):
    span: Span
    base: Syntax
    exponent: Syntax
    elementwise: bool


class Transpose(NamedTuple):
    span: Span
    body: Syntax


class Indexed(NamedTuple):
    """Indices behind anything that is no name: ``(A*B)_ij``."""

    span: Span
    body: Syntax
    script: Script


class Group(NamedTuple):
    """Brackets: a product of its own."""

    span: Span
    body: Syntax


class SumOver(NamedTuple):
    span: Span
    indices: Script
    body: Syntax


class Partial(NamedTuple):
    """The sign ∂."""

    span: Span


Syntax = Number | Name | Call | Sum | Product | Signed | Power | Transpose | Indexed | Group | SumOver | Partial


class Side(NamedTuple):
    """One side of a statement: expressions between commas, and what stands behind an arrow."""

    span: Span
    items: tuple[Syntax, ...]
    arrow: bool
    target: Syntax | None


class Statement(NamedTuple):
    """``left`` alone, or with ``relation`` "=" or "==" a right side."""

    span: Span
    left: Side
    relation: str
    right: Side | None


def spelling(text: str, scripts: tuple[Script, ...]) -> str:
    """A name with its scripts in one spelling: W_{hh} and W_hh are one name, h_{t-1} keeps its braces."""
    parts = [text]
    for script in scripts:
        inner = "".join(script.text.split())
        plain = script.mark == "_" and inner.isalnum()
        parts.append(f"_{inner}" if plain else f"{script.mark}{{{inner}}}")
    return "".join(parts)


def children(node: Syntax) -> list[Syntax]:
    """The parts of a node, in the order of the text."""
    match node:
        case Sum():
            return [term for _, term in node.terms]
        case Product():
            return [factor for _, factor in node.factors]
        case Call():
            return list(node.arguments)
        case Power():
            return [node.base, node.exponent]
        case Signed() | Transpose() | Group() | Indexed() | SumOver():
            return [node.body]
    return []


def split_names(node: Syntax, names: Collection[str]) -> Syntax:
    """A tree in which the given names stand as products of their letters; what follows a name (an index, a
    transpose, a power) belongs to its last letter."""
    match node:
        case Name(text=text) if text in names:
            return _letters(node, node)
        case Transpose(body=Name(text=text) as name) | Power(base=Name(text=text) as name) if text in names:
            return _letters(name, node)
        case Sum():
            return node._replace(terms=tuple((sign, split_names(term, names)) for sign, term in node.terms))
        case Product():
            factors: list[tuple[str, Syntax]] = []
            for operator, factor in node.factors:
                new = split_names(factor, names)
                if isinstance(new, Product) and not isinstance(factor, Product) and operator != "/":
                    factors += [(operator, new.factors[0][1]), *new.factors[1:]]
                else:
                    factors.append((operator, new))
            return node._replace(factors=tuple(factors))
        case Call():
            return node._replace(arguments=tuple(split_names(argument, names) for argument in node.arguments))
        case Signed() | Transpose() | Group() | Indexed() | SumOver():
            return node._replace(body=split_names(node.body, names))
        case Power():
            return node._replace(base=split_names(node.base, names), exponent=split_names(node.exponent, names))
    return node


def _letters(name: Name, whole: Syntax) -> Product:
    start = name.span[0]
    letters = [Name((start + k, start + k + 1), letter, ()) for k, letter in enumerate(name.text)]
    last: Syntax = letters[-1]._replace(span=(letters[-1].span[0], name.span[1]), scripts=name.scripts)
    if isinstance(whole, Transpose):
        last = whole._replace(body=last)
    elif isinstance(whole, Power):
        last = whole._replace(base=last)
    return Product(whole.span, tuple([("", letter) for letter in letters[:-1]] + [("", last)]))
