"""Syntax trees: what was typed, before anything is known of names. Each node has its span."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from indexcalc.errors import Span

EINSUM = "einsum:"
"""What the name of a call of einsum begins with; its subscripts follow."""


STEP = "@"
"""The mark of a script that is a step of a family of names, h[t-1], where steps are not numbers."""


class Number(NamedTuple):
    span: Span
    value: Fraction


class Script(NamedTuple):
    """A subscript or a superscript that may belong to a name: ``text`` is what stands inside."""

    span: Span
    text: str
    mark: str  # "_", "^", "[" or STEP


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
    """``bound`` is the size of the indices, where the text says up to what they run."""

    span: Span
    indices: Script
    body: Syntax
    bound: str = ""


class Partial(NamedTuple):
    """The sign ∂."""

    span: Span


class Loop(NamedTuple):
    """``for t = 1..T``"""

    span: Span
    variable: str
    first: Syntax
    last: Syntax


class Each(NamedTuple):
    """What is added up in ``sum(… for t = 1..T)``."""

    span: Span
    body: Syntax
    loop: Loop


Syntax = Number | Name | Call | Sum | Product | Signed | Power | Transpose | Indexed | Group | SumOver | Partial | Each


class Side(NamedTuple):
    """One side of a statement: expressions between commas, and what stands behind an arrow."""

    span: Span
    items: tuple[Syntax, ...]
    arrow: bool
    target: Syntax | None


class Statement(NamedTuple):
    """``left`` alone, or with ``relation`` "=" or "==" a right side; with ``loop`` once for each step. ``runs``:
    where the runs of letters begin that LaTeX sets letter by letter; None in the plain language."""

    span: Span
    left: Side
    relation: str
    right: Side | None
    runs: frozenset[int] | None = None
    loop: Loop | None = None


def spelling(text: str, scripts: tuple[Script, ...]) -> str:
    """A name with its scripts in one spelling: W_{hh} and W_hh are one name, h[3] is h_3 (but where steps are no
    numbers), h_{t-1} keeps its braces."""
    if not scripts:
        return text
    parts = [text]
    for script in scripts:
        inner = script.text
        if inner.isalnum() and script.mark == "_":
            parts.append("_" + inner)
            continue
        inner = "".join(inner.split())
        if script.mark == STEP or (script.mark == "[" and not inner.isdigit()):
            parts.append(f"[{inner}]")
        else:
            plain = script.mark == "[" or (script.mark == "_" and inner.isalnum())
            parts.append(f"_{inner}" if plain else f"{script.mark}{{{inner}}}")
    return "".join(parts)


CHILDREN: dict[type, Callable[[Any], list[Syntax]]] = {
    Sum: lambda node: [term for _, term in node.terms],
    Product: lambda node: [factor for _, factor in node.factors],
    Call: lambda node: list(node.arguments),
    Power: lambda node: [node.base, node.exponent],
    **dict.fromkeys((Signed, Transpose, Group, Indexed, SumOver, Each), lambda node: [node.body]),
    **dict.fromkeys((Number, Name, Partial), lambda node: []),
}
"""TABLE: the parts of a node of each kind, in the order of the text."""


def children(node: Syntax) -> list[Syntax]:
    """The parts of a node, in the order of the text."""
    return CHILDREN[type(node)](node)


def mapped(node: Syntax, change: Callable[[Syntax], Syntax]) -> Syntax:
    """A node with each of its parts changed."""
    match node:
        case Sum():
            return node._replace(terms=tuple((sign, change(term)) for sign, term in node.terms))
        case Product():
            return node._replace(factors=tuple((op, change(factor)) for op, factor in node.factors))
        case Call():
            return node._replace(arguments=tuple(map(change, node.arguments)))
        case Signed() | Transpose() | Group() | Indexed() | SumOver() | Each():
            return node._replace(body=change(node.body))
        case Power():
            return node._replace(base=change(node.base), exponent=change(node.exponent))
    return node


def replaced(node: Syntax, replace: Callable[[Syntax], Syntax]) -> Syntax:
    """A tree with every node replaced, from the leaves up."""
    return replace(mapped(node, lambda part: replaced(part, replace)))


def split_words(node: Syntax, parts: Callable[[Syntax], list[Syntax] | None]) -> Syntax:
    """A tree in which words for which ``parts`` has an answer stand as products of these parts; what follows a
    word (an index, a transpose, a power) belongs to its last part."""
    own = _parts(node, parts)
    if own is not None:
        return Product(node.span, tuple(("", part) for part in own))
    match node:
        case Sum():
            return node._replace(terms=tuple((sign, split_words(term, parts)) for sign, term in node.terms))
        case Product():
            factors: list[tuple[str, Syntax]] = []
            for operator, factor in node.factors:
                new = _parts(factor, parts)
                if new is not None and operator != "/":
                    factors += [(operator, new[0]), *[("", part) for part in new[1:]]]
                else:
                    factors.append((operator, split_words(factor, parts)))
            return node._replace(factors=tuple(factors))
        case Call():
            return node._replace(arguments=tuple(split_words(argument, parts) for argument in node.arguments))
        case Signed() | Transpose() | Group() | Indexed() | SumOver() | Each():
            return node._replace(body=split_words(node.body, parts))
        case Power():
            return node._replace(base=split_words(node.base, parts), exponent=split_words(node.exponent, parts))
    return node


def _parts(node: Syntax, parts: Callable[[Syntax], list[Syntax] | None]) -> list[Syntax] | None:
    """The parts of a word with what follows it, each of them split in turn."""
    suffixes: list[Transpose | Power | Indexed] = []
    word = node
    while isinstance(word, Transpose | Power | Indexed):
        suffixes.append(word)
        word = word.base if isinstance(word, Power) else word.body
    found = parts(word)
    if found is None:
        return None
    last = split_words(found[-1], parts)
    for suffix in reversed(suffixes):
        last = suffix._replace(base=last) if isinstance(suffix, Power) else suffix._replace(body=last)
    return [*found[:-1], last]


def letters_apart(name: Name) -> list[Syntax]:
    """A word as its letters, the scripts with the last."""
    start = name.span[0]
    letters: list[Syntax] = [Name((start + k, start + k + 1), letter, ()) for k, letter in enumerate(name.text[:-1])]
    return [*letters, Name((start + len(name.text) - 1, name.span[1]), name.text[-1], name.scripts)]
