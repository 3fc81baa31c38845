"""TABLES: the instructions of every kind of node but products and sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from indexcalc.numeric.program import Program, Register
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.functions import SIGMOID
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import Determinant, Inverse, LogDeterminant, Softmax
from indexcalc.tensor.nodes import Constant, Node, Number, Rational, Shape, Size, Variable
from indexcalc.tensor.product import Power
from indexcalc.tensor.structure import Structured

CUBE = 4
"""Integer powers up to this are products: NumPy's own power is many times slower."""


def raised(program: Program, base: Register, exponent: Rational, shape: Shape) -> Register:
    """A positive power."""
    if exponent == 1:
        return base
    if exponent == 2:
        square = program.emit("square", (base,), (), shape)
        program.nonnegative.add(square)
        return square
    if exponent == Fraction(1, 2) and not program.is_literal(base):
        return program.emit("sqrt", (base,), (), shape)
    if isinstance(exponent, int) and exponent <= CUBE:
        half = raised(program, base, exponent // 2, shape)
        whole = program.emit("square", (half,), (), shape)
        return program.emit("multiply", (whole, base), (), shape) if exponent % 2 else whole
    return program.emit("power", (base,), (exponent,), shape)


Rule = Callable[[Program, Any, Sequence[Register]], Register]


def _power(program: Program, node: Power, parts: Sequence[Register]) -> Register:
    if node.exponent is None:
        return program.emit("raised", parts, (), node.shape)
    if node.exponent > 0:
        return raised(program, parts[0], node.exponent, node.shape)
    one = program.emit("number", parameters=(1,))
    return program.emit("divide", (one, raised(program, parts[0], -node.exponent, node.shape)), (), node.shape)


def _apply(program: Program, node: Apply, parts: Sequence[Register]) -> Register:
    (argument,) = parts
    if program.is_literal(argument):
        argument = program.emit("lift", (argument,))
    if node.function is SIGMOID:
        return _sigmoid(program, argument, node.shape)
    op = "declared" if node.function.declared else "function"
    return program.emit(op, (argument,), (node.function.name,), node.shape)


def _sigmoid(program: Program, argument: Register, shape: Shape) -> Register:
    """1 / (1 + exp(-u)), and 1 / (1 + exp(u)) of -u."""
    instruction = program[argument]
    turned = instruction.operands[0] if instruction.op == "negative" else None
    exponent = program.emit("negative", (argument,), (), shape) if turned is None else turned
    one = program.emit("number", parameters=(1,))
    below = program.emit("add", (one, program.emit("function", (exponent,), ("exp",), shape)), (), shape)
    return program.emit("divide", (one, below), (), shape)


def _softmax(program: Program, node: Softmax, parts: Sequence[Register]) -> Register:
    """exp(u - max(u)) / sum(exp(u - max(u)))"""
    thin = tuple([1 if axis == node.axis else d for axis, d in enumerate(node.shape)])
    top = program.emit("max_kept", parts, (node.axis,), thin)
    shifted = program.emit("subtract", (parts[0], top), (), node.shape)
    exps = program.emit("function", (shifted,), ("exp",), node.shape)
    return program.emit("divide", (exps, program.emit("sum_kept", (exps,), (node.axis,), thin)), (), node.shape)


def _unary(op: str) -> Rule:
    return lambda program, node, parts: program.emit(op, parts, (), node.shape)


RULES: dict[type[Node], Rule] = {
    Power: _power,
    Apply: _apply,
    Softmax: _softmax,
    Inverse: _unary("inv"),
    Determinant: _unary("det"),
    LogDeterminant: _unary("logdet"),
    Flatten: _unary("reshape"),
    Split: _unary("reshape"),
}
"""TABLE: the result of a node of each kind, given those of its children."""

LEAVES: dict[type[Node], Callable[[Any], tuple[Any, ...]]] = {
    Variable: lambda node: ("input", node.name),
    Structured: lambda node: ("input", node.name),
    Number: lambda node: ("number", node.value),
    Size: lambda node: ("size", node.symbol),
    Constant: lambda node: ("constant", node.name),
    Epsilon: lambda node: ("epsilon",),
}
"""TABLE: the instruction and its constants for a node without children."""
