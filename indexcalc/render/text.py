"""form → the printed text of LANGUAGE.md, section 3: ASCII, and read again to an equal expression."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from indexcalc.forms.nodes import (
    PRODUCT,
    SUM,
    Call,
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

Piece = str | Form
LONGEST_FRACTION = 7
"""Digits up to which a rational number is written as a fraction rather than as a decimal."""


def text(form: Form) -> str:
    """The text of a form. Iterative: depth is no limit."""
    out: list[str] = []
    stack: list[Piece] = [form]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            out.append(piece)
        else:
            stack.extend(reversed(list(_layout(piece))))
    return "".join(out)


def _layout(form: Form) -> Iterator[Piece]:
    match form:
        case Number():
            yield number(form.value)
        case Symbol():
            yield form.name + indices(form.letters)
        case Call():
            yield form.function + "("
            for place, argument in enumerate(form.parts):
                yield ", " if place else ""
                yield argument
            yield ")" + indices(form.letters)
        case Transpose():
            yield from _bracketed(form.parts[0], postfix_brackets(form.parts[0]))
            yield "'"
        case Power():
            yield from _bracketed(form.parts[0], postfix_brackets(form.parts[0]))
            yield ".^" if form.elementwise else "^"
            yield from _exponent(form)
        case Product():
            yield from _product(form)
        case Sum():
            for place, (sign, term) in enumerate(form.terms):
                yield (" - " if sign < 0 else " + ") if place else ("-" if sign < 0 else "")
                yield from _bracketed(term, brackets(term, SUM))
        case SumOver():
            yield f"sum{subscript(form.letters)}("
            yield form.parts[0]
            yield ")"


def _bracketed(part: Form, needed: bool) -> Iterator[Piece]:
    if needed:
        yield "("
    yield part
    if needed:
        yield ")"


def _exponent(form: Power) -> Iterator[Piece]:
    if isinstance(form.exponent, Form):
        yield from _bracketed(form.exponent, form.exponent.level <= PRODUCT or isinstance(form.exponent, Power))
    else:
        shown = number(form.exponent)
        yield f"({shown})" if form.exponent.denominator != 1 else shown


def _product(form: Product) -> Iterator[Piece]:
    joint = {"*": "*", ".*": " .* ", " ": " "}[form.operator]
    size = magnitude(form.coefficient)
    shown = size != 1 or not form.factors
    yield "-" if form.coefficient < 0 else ""
    yield number(size) if shown else ""
    for place, factor in enumerate(form.factors):
        yield joint if place or shown else ""
        yield from _bracketed(factor, brackets(factor, PRODUCT))
    for divisor in form.divisors:
        yield " ./ " if form.operator == ".*" else "/"
        yield from _bracketed(divisor, brackets(divisor, PRODUCT))


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
    text_ = str(abs(scaled.numerator)).rjust(digits + 1, "0")
    return ("-" if value < 0 else "") + text_[:-digits] + "." + text_[-digits:]


def indices(letters: tuple[str, ...]) -> str:
    """``_ij``, or ``_{i1 j2}`` where letters are longer."""
    if not letters:
        return ""
    return "_" + "".join(letters) if all(len(letter) == 1 for letter in letters) else "_{" + " ".join(letters) + "}"


def subscript(letters: tuple[str, ...]) -> str:
    """``_j`` or ``_{j k}``"""
    return "_" + letters[0] if len(letters) == 1 and len(letters[0]) == 1 else "_{" + " ".join(letters) + "}"
