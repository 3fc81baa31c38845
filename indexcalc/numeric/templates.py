"""Templates of code as data: a row of a backend's table, filled in, is a tree that is printed or carried out.

``{0}``, ``{1}``, … stand for the operands, ``{all}`` for all of them, ``{p}`` for the first constant, ``{shape}`` and
``{size}`` for the result's shape and the size of its first axis. A row of two templates makes a result and then changes
it in place, ``{self}``. Only these templates are ever carried out, and nothing that anybody typed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from indexcalc.numeric.program import Instruction
from indexcalc.tensor.nodes import Dimension

Row = str | tuple[str, str]
Namer = Callable[[Dimension], str]

OPERAND = "operand_"
RESULT = "result_"


def filled(row: Row, instruction: Instruction, name: Namer) -> list[ast.stmt]:
    """The statements of an instruction, the first one an expression whose value is the result. The operands are the
    names ``operand_0`` …, the result is ``result_``. Not to be changed: they are shared."""
    operands = [f"{OPERAND}{k}" for k in range(len(instruction.operands))]
    parameter = instruction.parameters[0] if instruction.parameters else ""
    found = []
    for text in [row] if isinstance(row, str) else row:
        dims = [name(d) for d in instruction.shape] if "{shape}" in text else []
        size = name(instruction.shape[0]) if "{size}" in text else ""
        shape = f"({', '.join(dims)},)" if len(dims) == 1 else f"({', '.join(dims)})"
        listed = ", ".join(operands)
        found.append(_parsed(text.format(*operands, all=listed, p=parameter, shape=shape, size=size, self=RESULT)))
    return found


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


class Renamed(ast.NodeTransformer):
    """A tree with other trees in place of names."""

    def __init__(self, trees: Mapping[str, ast.expr]) -> None:
        self.trees = trees

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.trees.get(node.id, node)


# ---------------------------------------------------------------------- carrying out
INFIX: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.USub: operator.neg,
}


def carried_out(statements: Sequence[ast.stmt], names: Mapping[str, Any]) -> Any:
    """The result of an instruction's statements."""
    first, *others = statements
    assert isinstance(first, ast.Expr)
    result = value(first.value, names)
    for statement in others:
        names = {**names, RESULT: result}
        if isinstance(statement, ast.AugAssign):
            assert isinstance(statement.target, ast.Subscript)
            value(statement.target.value, names)[...] += value(statement.value, names)
        else:
            assert isinstance(statement, ast.Assign)
            (target,) = statement.targets
            assert isinstance(target, ast.Subscript)
            value(target.value, names)[...] = value(statement.value, names)
    return result


def value(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """The value of a template's tree. TypeError for what no template has."""
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Constant(value=constant):
            return constant
        case ast.Attribute(value=inner, attr=name):
            return getattr(value(inner, names), name)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            given = [value(argument, names) for argument in arguments]
            return value(function, names)(*given, **{str(k.arg): value(k.value, names) for k in keywords})
        case ast.BinOp(left=left, op=op, right=right):
            return INFIX[type(op)](value(left, names), value(right, names))
        case ast.UnaryOp(op=op, operand=inner):
            return INFIX[type(op)](value(inner, names))
        case ast.Subscript(value=inner, slice=index):
            return value(inner, names)[value(index, names)]
        case ast.Tuple(elts=items):
            return tuple([value(item, names) for item in items])
        case ast.Slice(lower=None, upper=None):
            return slice(None)
    raise TypeError(f"no template has {type(node).__name__}")
