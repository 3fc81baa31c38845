"""Derivatives that are written as quotients of differentials: ``d a / d W``, ``∂²L/∂x²``, ``∂/∂x (…)``."""

from __future__ import annotations

from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.characters import GREEK_NAMES
from indexcalc.language.library import LIBRARY
from indexcalc.language.scope import Scope
from indexcalc.language.syntax import Name, Syntax

HIGHEST = 9
"""Orders are told apart up to this one."""
MOST_TIMES = 2
"""The highest order of a derivative."""
STACKED = "vec and ' say how a derivative is laid out: the vec form is ∂vec(Y)/∂vec(X)', and a gradient is a column"


class Question(NamedTuple):
    """What is asked of ``body``: ``form`` is diff, grad, hess, hvp, vjp, jvp or simplify.

    ``variables`` are names, with the indices that the user wants for the new axes; ``left`` names the
    output; ``vector`` is the cotangent of vjp or the direction of jvp and hvp.
    """

    span: Span
    form: str
    body: Syntax
    left: Name | None = None
    variables: tuple[Name, ...] = ()
    order: int = 1
    vector: Syntax | None = None
    note: str = ""
    turned: tuple[Name, ...] = ()
    """The variables that are written as x', which no matrix may be."""


def derivative(body: Syntax, scope: Scope) -> Question | None:
    """``d a / d W``, ``da/dW``, ``d^2 L / d x^2``, ``∂/∂x (…)``, with d or ∂, where d and da stand for nothing else."""
    if not isinstance(body, syntax.Product):
        return None
    cut = next((k for k, (operator, _) in enumerate(body.factors) if operator == "/"), 0)
    above, below = list(body.factors[:cut]), list(body.factors[cut:])
    if not above:
        return None
    order, start = 1, above[0][1]
    if _is_d(start, scope):
        order = _d_order(start)
        if len(above) > 1 and above[1][0]:
            return None
    elif isinstance(start, syntax.Call) and start.function == "d" and len(start.arguments) == len(above) == 1:
        above = [above[0], ("", start.arguments[0])]
    elif len(above) == len(below) == 1 and (whole := _unglued(start, scope)) is not None:
        above = [above[0], ("", whole)]
    else:
        return None
    found = _variables([node for _, node in below], order, scope)
    if found is None or not found.variables:
        _refuse_part(below, scope)
        return None
    rest = [*([("*", found.argument)] if found.argument is not None else []), *below[found.used :]]
    if any(operator for operator, _ in below[1 : found.used]) or (len(above) > 1) == bool(rest):
        return None
    if order > MOST_TIMES:
        raise IndexcalcError("E505", "derivatives of order 1 and 2 are supported", above[0][1].span)
    (_, first), *more = above[1:] or rest
    whole = syntax.Product(body.span, (("*", first), *more)) if more else first
    matrix = _stacked(whole, scope)
    output = whole if matrix is None else matrix
    left = output if isinstance(output, Name) else None
    note = STACKED if matrix is not None or found.is_laid_out else ""
    variables, turned = tuple(found.variables), tuple(found.turned)
    return Question(body.span, "diff", output, left, variables, len(variables), note=note, turned=turned)


def _stacked(node: Syntax, scope: Scope) -> Syntax | None:
    """Y for vec(Y)"""
    if isinstance(node, syntax.Call) and node.function == "vec" and "vec" not in scope.symbols:
        return node.arguments[0] if len(node.arguments) == 1 else None
    return None


def _plain(node: Syntax, scope: Scope) -> Syntax:
    """X for vec(X) and vec(X)', x for x': how the axes are laid out is part of a derivative's name in books that stack
    columns."""
    body = node.body if isinstance(node, syntax.Transpose) else node
    stacked = _stacked(body, scope)
    if isinstance(stacked, Name):
        return stacked
    return body if isinstance(body, Name) else node


def _refuse_part(below: list[tuple[str, Syntax]], scope: Scope) -> None:
    """``d a / d (W x)`` and ``d a / d 2`` ask for a derivative by what is no name."""
    node: Syntax | None = None
    if _is_d(below[0][1], scope) and len(below) == 2 and not below[1][0]:
        node = below[1][1]
    elif isinstance(below[0][1], syntax.Call) and below[0][1].function == "d" and "d" not in scope.symbols:
        node = below[0][1].arguments[0] if len(below[0][1].arguments) == 1 else None
    if node is not None and not isinstance(node, Name | syntax.Power):
        raise not_by_a_name("", node.span)


def not_by_a_name(text: str, span: Span) -> IndexcalcError:
    """The error of a derivative by what is no name."""
    help_ = "give that part a name first, `z = …`, and differentiate by z"
    what = f"`{text}` is none" if text else "this is none"
    return IndexcalcError("E304", f"a derivative is by a variable, and {what}", span, help_)


class _Below(NamedTuple):
    """The variables under the d's; the argument where the last one seems to be called, as in ``∂/∂x (…)``; how many
    nodes that took; whether a variable is written as vec(X) or x', and those that are written as x'."""

    variables: list[Name]
    argument: Syntax | None
    used: int
    is_laid_out: bool
    turned: list[Name]


def _variables(nodes: list[Syntax], order: int, scope: Scope) -> _Below | None:
    if isinstance(nodes[0], syntax.Group) and isinstance(nodes[0].body, syntax.Product):
        found = _variables([node for _, node in nodes[0].body.factors], order, scope)
        return None if found is None else found._replace(used=1)
    variables: list[Name] = []
    argument: Syntax | None = None
    used, is_laid_out, turned = 0, False, list[Name]()
    while len(variables) < order and used < len(nodes) and argument is None:
        node: Syntax | None = nodes[used]
        used += 1
        if node is not None and _is_d(node, scope):
            node = nodes[used] if used < len(nodes) else None
            used += 1
        elif not (isinstance(node, syntax.Call) and node.function == "d"):
            node = None if node is None else _unglued(node, scope)
        if isinstance(node, syntax.Call) and node.function == "d" and len(node.arguments) == 1:  # d(a)/d(W)
            node = node.arguments[0]
        if node is None:
            return None
        plain = _plain(node, scope)
        is_laid_out |= plain is not node
        is_turned = isinstance(node, syntax.Transpose) and plain is node.body
        if isinstance(plain, syntax.Call) and len(plain.arguments) == 1:
            argument = syntax.Group(plain.span, plain.arguments[0])
            is_turned = plain.function.endswith("'")
            plain = Name(plain.name_span, plain.function.rstrip("'"), ())
        if is_turned and isinstance(plain, Name):
            is_laid_out = True
            turned.append(plain)
        variable, times = _repeated(plain)
        if variable is None:
            return None
        variables += [variable] * times
    return _Below(variables, argument, used, is_laid_out, turned) if len(variables) == order else None


def _unglued(node: Syntax, scope: Scope) -> Syntax | None:
    """W for ``dW``, ``dW_kl`` or ``dW(…)``, where dW stands for nothing else and W may."""
    if isinstance(node, syntax.Power):
        base = _unglued(node.base, scope)
        return None if base is None else node._replace(base=base)
    if isinstance(node, syntax.Transpose):
        body = _unglued(node.body, scope)
        return None if body is None else node._replace(body=body)
    if isinstance(node, syntax.Call):
        if (
            len(node.function) < 2
            or node.function[0] != "d"
            or node.function in LIBRARY
            or node.function in scope.symbols
        ):
            return None
        start, end = node.name_span
        return node._replace(function=node.function[1:], name_span=(start + 1, end))
    if not isinstance(node, Name) or len(node.text) < 2 or node.text[0] != "d" or "d" in scope.symbols:
        return None
    name = node._replace(text=node.text[1:], span=(node.span[0] + 1, node.span[1]))
    known = scope.lookup(name)[0] is not None or len(name.text) == 1 or name.text in GREEK_NAMES
    return name if known and scope.lookup(node)[0] is None else None


def _is_d(node: Syntax, scope: Scope) -> bool:
    if isinstance(node, syntax.Power):
        node = node.base
    return isinstance(node, syntax.Partial) or (
        node[1:] == ("d", ()) and isinstance(node, Name) and "d" not in scope.symbols
    )


def _d_order(node: Syntax) -> int:
    """The order that a d asks for; 0 where its exponent is none."""
    if not isinstance(node, syntax.Power):
        return 1
    exponent = node.exponent
    whole = isinstance(exponent, syntax.Number) and exponent.value.denominator == 1
    return min(int(exponent.value), HIGHEST) if isinstance(exponent, syntax.Number) and whole else 0


def _repeated(node: Syntax) -> tuple[Name | None, int]:
    """The variable under a d, and how often: x^2 is x twice."""
    if isinstance(node, syntax.Power) and isinstance(node.base, Name) and isinstance(node.exponent, syntax.Number):
        return node.base, min(int(node.exponent.value), HIGHEST)
    return (node, 1) if isinstance(node, Name) else (None, 0)
