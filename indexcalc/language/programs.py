"""Functions that the user defines, ``layer(W, x, b) = tanh(W x + b)``: a call stands for the body with the arguments in
the places of the parameters.

Each call is read by itself, so that the shapes of its arguments may differ from call to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.syntax import Name, Syntax, children

MOST_NODES = 20_000
"""Nodes that a statement may have once its calls are written out."""


class Program(NamedTuple):
    """``name(parameters) = body``"""

    span: Span
    name: str
    parameters: tuple[str, ...]
    body: Syntax


def expanded(tree: Syntax, programs: Mapping[str, Program]) -> Syntax:
    """The tree with every call of a function written out. Raises IndexcalcError E303, E309, E508."""
    return _Expansion(programs).tree(tree, ())


class _Expansion:
    def __init__(self, programs: Mapping[str, Program]) -> None:
        self.programs = programs
        self.left = MOST_NODES

    def tree(self, tree: Syntax, within: tuple[str, ...]) -> Syntax:
        """``within``: the functions whose bodies this is in."""

        def call(node: Syntax) -> Syntax:
            program = self.programs.get(node.function) if isinstance(node, syntax.Call) else None
            return node if program is None or not isinstance(node, syntax.Call) else self._call(node, program, within)

        return syntax.replaced(tree, call)

    def _call(self, node: syntax.Call, program: Program, within: tuple[str, ...]) -> Syntax:
        if program.name in within:
            circle = " → ".join([*within[within.index(program.name) :], program.name])
            raise IndexcalcError("E309", f"`{program.name}` is defined by itself: {circle}", node.name_span)
        if len(node.arguments) != len(program.parameters):
            takes = f"{program.name}({', '.join(program.parameters)})"
            message = f"`{takes}` takes {len(program.parameters)} arguments, not {len(node.arguments)}"
            raise IndexcalcError("E303", message, node.span)
        values = dict(zip(program.parameters, node.arguments, strict=True))
        body = syntax.replaced(program.body, lambda part: _substituted(part, values, node.span))
        self.left -= _size(body)
        if self.left < 0:
            message = "written out, the functions in this are too long"
            raise IndexcalcError("E508", message, node.span, "name the parts of it")
        return syntax.Group(node.span, self.tree(body, (*within, program.name)))


def _substituted(part: Syntax, values: Mapping[str, Syntax], span: Span) -> Syntax:
    """A part of a function's body at its call, which errors point at; a parameter as its argument."""
    if isinstance(part, syntax.Call):
        return part._replace(span=span, name_span=span)
    if not isinstance(part, Name) or part.text not in values:
        return part._replace(span=span)
    value = values[part.text]
    if not part.scripts:
        return value if isinstance(value, Name) else syntax.Group(value.span, value)
    if isinstance(value, Name):
        return Name(value.span, value.text, (*value.scripts, *part.scripts))
    message = f"`{part.text}` has indices in the function, and stands for more than a name here"
    raise IndexcalcError("E303", message, value.span, "give it a name: `u = …`, then take u")


def _size(tree: Syntax) -> int:
    count, stack = 0, [tree]
    while stack:
        count += 1
        stack.extend(children(stack.pop()))
    return count
