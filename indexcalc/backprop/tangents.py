"""The change of every name of a model for a change of one variable: forward mode, an equation for an equation.

Over the equations of the adjoints, too, it gives Hessian-vector products (Pearlmutter, Fast exact multiplication by the
Hessian, 1994); a loop stays a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexcalc.backprop.model import Equation, Model, Term, values, variables_of
from indexcalc.calculus.derivative import changed
from indexcalc.tensor.nodes import Node, Variable, transform, variable
from indexcalc.tensor.product import zeros
from indexcalc.tensor.structure import restored


def tangents(
    model: Model, equations: Sequence[Equation], by: Variable, direction: Node, prefix: str
) -> dict[Equation, Equation]:
    """The change of what each equation defines, where that depends on ``by``, for the change ``direction`` of it."""
    active = _active(model, equations, by)
    known: dict[Node, Node] = {}
    for equation in equations:
        known |= values(equation)

    found: dict[Equation, Equation] = {}
    for equation in equations:
        if model.unit(equation.name) not in active:
            continue
        terms = []
        for term in equation.terms:
            changes: dict[Node, Node] = {
                v: direction if v is by else model.prefixed(v, prefix)
                for v in variables_of(term.node)
                if v is by or model.unit(v.name) in active
            }
            node = transform(changed(term.node, changes), known.get)
            if node is not zeros(node.shape) or len(equation.terms) == 1:
                terms.append(Term(restored(node, model.twins), None if node is zeros(node.shape) else term.extent))
        found[equation] = Equation(
            model.prefixed(equation.left, prefix), tuple(terms) or (Term(zeros(equation.left.shape)),), equation.extent
        )
    return found


def given(model: Model, by: Variable, prefix: str, changes: Sequence[Equation]) -> list[Equation]:
    """The changes of inputs that are members of families which change: zero."""
    families = {model.unit(equation.name) for equation in changes}
    found = []
    for i in model.inputs:
        member = model.members.get(i.name)
        if member is not None and i.name != by.name and f"{prefix}{member.family}[]" in families:
            left = model.prefixed(variable(i.name, i.shape), prefix)
            found.append(Equation(left, (Term(zeros(i.shape)),)))
    return found


def _active(model: Model, equations: Sequence[Equation], by: Variable) -> set[str]:
    """The units that depend on a variable."""
    above: dict[str, set[str]] = {}
    for equation in equations:
        for term in equation.terms:
            for v in variables_of(term.node):
                above.setdefault(model.unit(v.name), set()).add(model.unit(equation.name))
    found: set[str] = set()
    stack = [model.unit(by.name)]
    while stack:
        for unit in above.get(stack.pop(), ()):
            if unit not in found:
                found.add(unit)
                stack.append(unit)
    return found
