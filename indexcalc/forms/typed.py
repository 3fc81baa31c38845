"""syntax tree → form: a formula as a person typed it, to be written in any format."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from indexcalc.forms.nodes import Call, Form, Number, Power, Product, Sum, SumOver, Symbol, Transpose
from indexcalc.language import syntax
from indexcalc.language.index_notation import letters_of
from indexcalc.language.matrix_notation import number
from indexcalc.language.syntax import Script, Syntax
from indexcalc.tensor.functions import DECLARED
from indexcalc.tensor.nodes import rational

KIND = "s"
"""What a form is matters where forms are worked with, not where they are written."""
Lookup = Callable[[syntax.Name], tuple[str, tuple[Script, ...]]]
"""The name that a word begins with, and the scripts behind it that are its indices."""


def typed(node: Syntax, lookup: Lookup) -> Form:
    """The form of a tree, with no more brackets than it needs."""

    def form(part: Syntax) -> Form:
        return typed(part, lookup)

    match node:
        case syntax.Number(value=value):
            return Number(rational(value))
        case syntax.Name():
            name, scripts = lookup(node)
            return Symbol(name, KIND, 0, tuple([letter for script in scripts for letter in letters_of(script) or ()]))
        case syntax.Group(body=body):
            return form(body)
        case syntax.Signed(body=body):
            return Sum(((-1, form(body)),))
        case syntax.Sum(terms=terms):
            return Sum(tuple([_term(sign, form(term)) for sign, term in terms]))
        case syntax.Product():
            return _product(node, form)
        case syntax.Power(base=base, exponent=exponent):
            known = number(exponent)
            return Power(form(base), form(exponent) if known is None else rational(known), node.elementwise)
        case syntax.Transpose(body=body):
            return Transpose(form(body))
        case syntax.Indexed(body=body, script=script):
            inner, letters = form(body), letters_of(script) or ()
            own = isinstance(inner, Call) and not inner.letters
            return Call(inner.function if own else "", KIND, inner.parts if own else (inner,), letters)  # type: ignore[attr-defined]
        case syntax.SumOver(indices=indices, body=body):
            return SumOver(letters_of(indices) or (), form(body))
        case syntax.Call(function=function, arguments=arguments):
            parts = tuple(map(form, arguments))
            if function.startswith(syntax.EINSUM):
                parts = (Symbol(f"'{function[len(syntax.EINSUM) :]}'", KIND, 0), *parts)
            return Call(function.removeprefix(DECLARED).split(":")[0], KIND, parts)
    return Symbol("∂", KIND, 0)


def _term(sign: int, form: Form) -> tuple[int, Form]:
    """-(-x) and -(x) with one sign."""
    if isinstance(form, Sum) and len(form.terms) == 1:
        return sign * form.terms[0][0], form.terms[0][1]
    return sign, form


def _product(node: syntax.Product, form: Callable[[Syntax], Form]) -> Form:
    """Runs of one operator are one product; of two operators one stands in brackets."""
    (_, first), *rest = node.factors
    left = form(first)
    for operator, factor in rest:
        right = form(factor)
        operator = operator or "*"
        own = isinstance(left, Product) and left.operator == (".*" if operator in (".*", "./") else "*")
        own = own and not isinstance(first, syntax.Group)
        match operator:
            case ":":
                left = Call("sum", KIND, (Product(".*", 1, (left, right)),))
            case "⊗":
                left = Call("kron", KIND, (left, right))
            case "/" | "./":
                above = left if own else Product(".*" if operator == "./" else "*", 1, (left,))
                assert isinstance(above, Product)
                left = Product(above.operator, above.coefficient, above.factors, (*above.divisors, right))
            case _ if own and isinstance(left, Product) and not left.divisors:
                left = Product(operator, left.coefficient, (*left.factors, right))
            case _:
                left = _joined(operator, left, right)
        first = factor if left is right else node
    return left


def _joined(operator: str, left: Form, right: Form) -> Form:
    """A number in front is a coefficient."""
    if isinstance(left, Number) and operator == "*":
        return Product(operator, left.value, (right,))
    if isinstance(left, Product) and not left.factors and not left.divisors and operator == "*":
        return Product(operator, left.coefficient, (right,))
    if _is_fraction(left) and isinstance(left, Product):
        (above,), (below,) = left.factors, left.divisors
        assert isinstance(above, Number)
        assert isinstance(below, Number)
        return Product(operator, rational(Fraction(above.value) / Fraction(below.value)), (right,))
    return Product(operator, 1, (left, right))


def _is_fraction(form: Form) -> bool:
    """1/2"""
    return (
        isinstance(form, Product)
        and form.operator == "*"
        and len(form.factors) == len(form.divisors) == 1
        and isinstance(form.factors[0], Number)
        and isinstance(form.divisors[0], Number)
    )
