"""Syntax trees: what was typed, before anything is known of names. Each node has its span."""

from __future__ import annotations

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
