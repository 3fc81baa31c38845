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
from indexcalc.tensor.nodes import Rational, rational

KIND = "s"
"""What a form is matters where forms are worked with, not where they are written."""
Lookup = Callable[[syntax.Name], tuple[str, tuple[Script, ...]]]
"""The name that a word begins with, and the scripts behind it that are its indices."""


def typed(node: Syntax, lookup: Lookup, joint: str = "*") -> Form:
    """The form of a tree, with no more brackets than it needs. ``joint`` stands between factors: a blank in index
    notation."""

    def form(part: Syntax) -> Form:
        return typed(part, lookup, joint)

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
            return _product(node, form, joint)
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


def _product(node: syntax.Product, form: Callable[[Syntax], Form], joint: str) -> Form:
    """Runs of one operator are one product; of two operators one stands in brackets."""
    first = node.factors[0][1]
    sign, left = _term(1, form(first))
    is_run = False
    for operator, factor in node.factors[1:]:
        right = form(factor)
        if operator == ":":
            left, is_run = Call("sum", KIND, (Product(".*", 1, (left, right)),)), False
        elif operator == "⊗":
            left, is_run = Call("kron", KIND, (left, right)), False
        else:
            entrywise = operator in (".*", "./")
            run = left if is_run and isinstance(left, Product) and (left.operator == ".*") == entrywise else None
            if operator in ("/", "./"):
                left = _divided(run or Product(".*" if entrywise else joint, 1, (left,)), right)
            elif run is not None and not run.divisors:
                left = Product(run.operator, run.coefficient, (*run.factors, right))
            else:
                left = _times(left, right, ".*" if entrywise else joint)
            is_run = True
    return left if sign > 0 else Sum(((-1, left),))


def _divided(above: Product, below: Form) -> Product:
    return Product(above.operator, above.coefficient, above.factors, (*above.divisors, below))


def _times(left: Form, right: Form, operator: str) -> Product:
    """A number in front is a coefficient."""
    value = _number(left)
    if value is not None and operator != ".*":
        return Product(operator, value, (right,))
    return Product(operator, 1, (left, right))


def _number(form: Form) -> Rational | None:
    """2, 1/2"""
    if isinstance(form, Number):
        return form.value
    if isinstance(form, Product) and form.operator != ".*" and len(form.factors) == len(form.divisors) == 1:
        above, below = _number(form.factors[0]), _number(form.divisors[0])
        return None if above is None or not below else rational(Fraction(above) / Fraction(below))
    return None
