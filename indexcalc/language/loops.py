"""Loops whose number of steps is known, written out: ``h[t] = tanh(W h[t-1]) for t = 1..4`` is four definitions.

A family of names has its step in brackets or as a subscript: h[t], h_{t-1}, h_t; h[3] and h_3 are one name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from indexcalc.errors import IndexcalcError
from indexcalc.language import syntax
from indexcalc.language.steps import terms_of
from indexcalc.language.syntax import Each, Loop, Name, Script, Syntax, children

MOST_STEPS = 4096
"""Steps that one loop may have."""

Whole = Callable[[Syntax], int]
"""The whole number that an expression stands for. Raises IndexcalcError E403."""


def steps(loop: Loop, whole: Whole) -> range:
    """The values of a loop's variable, from the first to the last. Between two numbers it runs up or down; from a
    number to a length (1..T) up, and from a length to a number (T..2) down, or not at all. Raises IndexcalcError E403,
    E509."""
    first, last = whole(loop.first), whole(loop.last)
    if abs(last - first) >= MOST_STEPS:
        raise IndexcalcError("E509", f"a loop has at most {MOST_STEPS} steps", loop.span)
    named = _has_names(loop.first), _has_names(loop.last)
    down = named[0] if named[0] != named[1] else last < first
    return range(first, last - 1, -1) if down else range(first, last + 1)


def _has_names(tree: Syntax) -> bool:
    return isinstance(tree, Name) or any(map(_has_names, children(tree)))


def sum_of_steps(tree: Syntax) -> Each | None:
    """What ``sum(… for t = 1..T)`` adds up; None for anything else. Raises IndexcalcError E403 for other functions."""
    each = tree.arguments[0] if isinstance(tree, syntax.Call) and tree.arguments else None
    if not isinstance(tree, syntax.Call) or not isinstance(each, Each):
        return None
    if tree.function != "sum":
        raise IndexcalcError("E403", "only sums run over steps", tree.span, "`sum(… for t = 1..T)`")
    return each


def written_out(tree: Syntax, whole: Whole) -> Syntax:
    """The tree with ``sum(… for t = 1..T)`` as a sum."""
    each = sum_of_steps(tree)
    if each is None:
        return syntax.mapped(tree, lambda part: written_out(part, whole))
    terms = [at_step(each.body, each.loop.variable, step) for step in steps(each.loop, whole)]
    terms = [syntax.Group(tree.span, written_out(term, whole)) for term in terms]
    if len(terms) < 2:
        return terms[0] if terms else syntax.Number(tree.span, Fraction(0))
    return syntax.Group(tree.span, syntax.Sum(tree.span, tuple((1, term) for term in terms)))


def at_step(tree: Syntax, variable: str, step: int) -> Syntax:
    """The tree at one step: the variable is a number, and the names of families are those of the step."""

    def replace(node: Syntax) -> Syntax:
        if isinstance(node, Each):
            ends = [at_step(end, variable, step) for end in (node.loop.first, node.loop.last)]
            return node._replace(loop=node.loop._replace(first=ends[0], last=ends[1]))
        if not isinstance(node, Name):
            return node
        if node.text == variable and not node.scripts:
            return syntax.Number(node.span, Fraction(step))
        return node._replace(scripts=tuple(script_at(script, variable, step) for script in node.scripts))

    return syntax.replaced(tree, replace)


def script_at(script: Script, variable: str, step: int) -> Script:
    """``t-1`` as a number; a script without the variable as it stands."""
    terms = terms_of(script.text)
    if terms is None or all(name != variable for _, name in terms[0]):
        return script
    total = terms[1] + step * sum(sign for sign, name in terms[0] if name == variable)
    others = "".join(f"{'-' if sign < 0 else '+'}{name}" for sign, name in terms[0] if name != variable)
    if others:
        return Script(script.span, others.lstrip("+") + (f"{total:+d}" if total else ""), "[")
    if total < 0:
        raise IndexcalcError("E311", f"`{script.text}` is {total} in step {step}: steps are not negative", script.span)
    return Script(script.span, str(total), "[")
