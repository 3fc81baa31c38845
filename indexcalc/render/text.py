"""form → the printed text of LANGUAGE.md, section 3: ASCII, and read again to an equal expression."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from indexcalc.forms.nodes import (
    PRODUCT,
    SUM,
    Call,
    Derivative,
    Entries,
    Form,
    Number,
    Power,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    brackets,
    postfix_brackets,
)
from indexcalc.tensor.nodes import Rational, magnitude

Piece = tuple[str, str] | Form
"""Text with what it is (name, number, function, operator, bracket), or a form to be laid out."""
LONGEST_FRACTION = 7
"""Digits up to which a rational number is written as a fraction rather than as a decimal."""


def text(form: Form) -> str:
    """The text of a form."""
    return "".join([piece for piece, _ in pieces(form)])


def pieces(form: Form) -> list[tuple[str, str]]:
    """The text of a form in pieces, each with what it is. Iterative: depth is no limit."""
    laid: list[tuple[str, str]] = []
    stack: list[Piece] = [form]
    while stack:
        piece = stack.pop()
        if isinstance(piece, tuple):
            laid.append(piece)
        else:
            stack += LAYOUTS[type(piece)](piece)[::-1]
    return laid


def _symbol(form: Symbol) -> list[Piece]:
    return [(form.name + indices(form.letters), "function" if form.name == "delta" else "name")]


def _call(form: Call) -> list[Piece]:
    laid: list[Piece] = [(form.function, "function"), ("(", "bracket")]
    for place, argument in enumerate(form.parts):
        laid += [(", ", "bracket"), argument] if place else [argument]
    laid.append((")", "bracket"))
    return [*laid, (indices(form.letters), "function")] if form.letters else laid


def _raised(form: Power | Transpose) -> list[Piece]:
    """A base in the brackets that it needs."""
    return _bracketed(form.parts[0], postfix_brackets(form.parts[0]))


def _power(form: Power) -> list[Piece]:
    above: list[Piece]
    if isinstance(form.exponent, Form):
        bare = isinstance(form.exponent, Symbol | Call) and not form.exponent.letters
        above = _bracketed(form.exponent, not bare)
    else:
        shown = number(form.exponent)
        above = [(f"({shown})" if form.exponent.denominator != 1 else shown, "number")]
    return [*_raised(form), (".^" if form.elementwise else "^", "operator"), *above]


def _product(form: Product) -> list[Piece]:
    joint = {"*": "*", ".*": " .* ", " ": " "}[form.operator]
    size = magnitude(form.coefficient)
    shown = size != 1 or not form.factors
    laid: list[Piece] = [("-", "operator")] if form.coefficient < 0 else []
    if shown:
        laid.append((number(size), "number"))
    for place, factor in enumerate(form.factors):
        if place or shown:
            called = place and joint == " " and _ends_with_word(form.factors[place - 1]) and _opens(factor)
            laid.append(("*" if called else joint, "operator"))  # `c (x_i + y_i)` would be a call
        laid += _bracketed(factor, brackets(factor, PRODUCT))
    for divisor in form.divisors:
        laid.append((" ./ " if form.operator == ".*" else "/", "operator"))
        laid += _bracketed(divisor, brackets(divisor, PRODUCT))
    return laid


def _sum(form: Sum) -> list[Piece]:
    laid: list[Piece] = []
    for place, (sign, term) in enumerate(form.terms):
        if place or sign < 0:
            laid.append(((" - " if sign < 0 else " + ") if place else "-", "operator"))
        laid += _bracketed(term, brackets(term, SUM))
    return laid


def _bracketed(part: Form, needed: bool) -> list[Piece]:
    return [("(", "bracket"), part, (")", "bracket")] if needed else [part]


LAYOUTS: dict[type[Form], Callable[[Any], list[Piece]]] = {
    Number: lambda form: [(number(form.value), "number")],
    Symbol: _symbol,
    Call: _call,
    Entries: lambda form: [*_bracketed(form.parts[0], True), (indices(form.letters), "function")],
    Transpose: lambda form: [*_raised(form), ("'", "operator")],
    Power: _power,
    Product: _product,
    Sum: _sum,
    SumOver: lambda form: [(f"sum{subscript(form.letters)}", "function"), *_bracketed(form.parts[0], True)],
    Derivative: lambda form: [("∂", "function"), form.parts[0], ("/∂", "function"), form.parts[1]],
}
"""TABLE: a form as pieces of text and the forms between them."""


def _ends_with_word(form: Form) -> bool:
    if isinstance(form, Power) and isinstance(form.exponent, Form):
        form = form.exponent
    return isinstance(form, Symbol) and not form.letters


def _opens(form: Form) -> bool:
    """Whether the text of a factor begins with a bracket."""
    if isinstance(form, Power | Transpose):
        return postfix_brackets(form.parts[0])
    return brackets(form, PRODUCT)


def number(value: Rational) -> str:
    """An integer, a fraction, or a plain decimal where the fraction is long."""
    whole = str(value)
    if value.denominator == 1 or len(whole) <= LONGEST_FRACTION:
        return whole
    digits = 0
    scaled = Fraction(value)
    while scaled.denominator != 1 and digits < 30:
        scaled *= 10
        digits += 1
    if scaled.denominator != 1:
        return whole
    shown = str(abs(scaled.numerator)).rjust(digits + 1, "0")
    return ("-" if value < 0 else "") + shown[:-digits] + "." + shown[-digits:]


def indices(letters: tuple[str, ...]) -> str:
    """``_ij``, or ``_{i1 j2}`` where letters are longer."""
    if not letters:
        return ""
    joined = "".join(letters)
    return f"_{joined}" if len(joined) == len(letters) else "_{" + " ".join(letters) + "}"


def subscript(letters: tuple[str, ...]) -> str:
    """``_j`` or ``_{j k}``"""
    return "_" + letters[0] if len(letters) == 1 and len(letters[0]) == 1 else "_{" + " ".join(letters) + "}"
