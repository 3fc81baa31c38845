"""tensor expression → a NumPy module that runs on its own.

Straight-line: every node of the graph is computed once. Deltas and ones of the compressed form are put in
as operands, because NumPy's einsum has no repeated and no new labels in its output.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.grouping import Flatten, Split
from indexcalc.tensor.matrix_functions import Determinant, Inverse, LogDeterminant, Softmax
from indexcalc.tensor.nodes import (
    Constant,
    Dimension,
    Labels,
    Node,
    Number,
    Rational,
    Shape,
    Size,
    Variable,
    descendants,
    magnitude,
)
from indexcalc.tensor.product import Einsum, Power
from indexcalc.tensor.sums import Sum

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def argument_name(name: str) -> str:
    """A variable's name as a Python argument."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "_"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) or plain in ("np", "math") else plain


def argument_names(names: Sequence[str]) -> dict[str, str]:
    """Different arguments for different names."""
    found: dict[str, str] = {}
    for name in names:
        argument = argument_name(name)
        while argument in found.values():
            argument += "_"
        found[name] = argument
    return found


def module(
    function: str, results: Sequence[Node], arguments: Mapping[str, str], shapes: Mapping[str, Shape], summary: str
) -> str:
    """A module with one function that returns the results. ``arguments`` maps each input's name to its
    argument, ``shapes`` to its shape; sizes that no input has become arguments of their own."""
    writer = _Writer(arguments, shapes)
    returned = ", ".join([writer.value(result) for result in results])
    own = [*arguments.values(), *writer.loose]
    head = f"def {function}(*, {', '.join(own)}):" if own else f"def {function}():"
    imports = ["import math", ""] if any("math." in line for line in [*writer.lines, returned]) else []
    summary = summary.replace("\\", "\\\\").replace('"', "'")
    lines = [head, f'    """{summary}"""', *writer.sizes, *writer.lines, f"    return {returned}"]
    return "\n".join([*imports, "import numpy as np", "", "", *lines, ""])


class _Writer:
    """The lines of one function body."""

    def __init__(self, arguments: Mapping[str, str], shapes: Mapping[str, Shape]) -> None:
        self.arguments = arguments
        self.lines: list[str] = []
        self.sizes: list[str] = []
        self.loose: list[str] = []
        self.taken = set(arguments.values())
        self.texts: dict[Node, str] = {}
        self.size_names: dict[str, str] = {}
        self.where: dict[str, str] = {}
        for name, shape in shapes.items():
            for axis, dimension in enumerate(shape):
                if isinstance(dimension, str):
                    self.where.setdefault(dimension, f"{arguments[name]}.shape[{axis}]")

    def value(self, root: Node) -> str:
        for node in descendants([root]):
            if node not in self.texts:
                self.texts[node] = self._text(node)
        return self.texts[root]

    def _assigned(self, expression: str) -> str:
        name = self._fresh("t", len(self.lines) + 1)
        self.lines.append(f"    {name} = {expression}")
        return name

    def _fresh(self, stem: str, number: int) -> str:
        name = f"{stem}{number}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def size(self, dimension: Dimension) -> str:
        """A size as code: a number, or a name that holds it."""
        if isinstance(dimension, int):
            return str(dimension)
        if "*" in dimension:
            return "*".join([self.size(int(part) if part.isdigit() else part) for part in dimension.split("*")])
        if dimension not in self.size_names:
            name = argument_name(dimension)
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.size_names[dimension] = name
            if dimension in self.where:
                self.sizes.append(f"    {name} = {self.where[dimension]}")
            else:
                self.loose.append(name)
        return self.size_names[dimension]

    def _text(self, node: Node) -> str:
        parts = [self.texts[child] for child in node.children]
        match node:
            case Variable():
                return self.arguments[node.name]
            case Number():
                return number(node.value)
            case Size():
                return self.size(node.symbol)
            case Flatten() | Split():
                return self._assigned(f"np.reshape({parts[0]}, ({', '.join(map(self.size, node.shape))},))")
            case Epsilon():
                return self._assigned("np.cross(np.eye(3)[:, None], np.eye(3)[None])")
            case Constant():
                return f"np.{node.name}"
            case Einsum():
                return self._assigned(self._einsum(node, parts))
            case Sum():
                return self._assigned(_sum(node.coefficients, parts))
            case Apply() if node.function.declared:
                return self._assigned(f"{self.arguments[node.function.name]}({parts[0]})")
            case Apply():
                return self._assigned(node.function.numpy.format(parts[0]))
            case Power():
                return self._assigned(
                    f"{parts[0]}**{parts[1]}" if node.exponent is None else power(parts[0], node.exponent)
                )
            case Softmax():
                shifted = self._assigned(f"np.exp({parts[0]} - np.max({parts[0]}, axis={node.axis}, keepdims=True))")
                return self._assigned(f"{shifted}/np.sum({shifted}, axis={node.axis}, keepdims=True)")
        return self._assigned(WHOLE[type(node)](parts[0]))

    def _einsum(self, node: Einsum, parts: list[str]) -> str:
        if not node.coefficient and node.output:
            return f"np.zeros(({', '.join(map(self.size, node.shape))},))"
        operands = [(text, labels) for text, labels in zip(parts, node.subscripts, strict=True) if labels]
        scalars = [text for text, labels in zip(parts, node.subscripts, strict=True) if not labels]
        output: list[int] = []
        fresh = len(node.sizes)
        for label in node.output:
            if label in output:  # a delta
                operands.append((f"np.eye({self.size(node.sizes[label])})", (label, fresh)))
                output.append(fresh)
                fresh += 1
            else:
                output.append(label)
        used = {label for _, labels in operands for label in labels}
        operands += [(f"np.ones({self.size(node.sizes[label])})", (label,)) for label in output if label not in used]
        if node.coefficient != 1 or (not operands and not scalars):
            scalars.insert(0, number(node.coefficient))
        return "*".join([*scalars, *([contraction(operands, tuple(output))] if operands else [])])


WHOLE: dict[type[Node], Callable[[str], str]] = {
    Inverse: "np.linalg.inv({})".format,
    Determinant: "np.linalg.det({})".format,
    LogDeterminant: "np.linalg.slogdet({})[1]".format,
}


def contraction(operands: Sequence[tuple[str, Labels]], output: Labels) -> str:
    """One call of einsum, or less where less will do."""
    if len(operands) == 1 and operands[0][1] == output:
        return operands[0][0]
    if len(operands) == 1 and operands[0][1] == output[::-1]:
        return f"{operands[0][0]}.T"
    if all(labels == output for _, labels in operands):
        return "*".join([text for text, _ in operands])
    letters = {x: LETTERS[k] for k, x in enumerate(dict.fromkeys(x for _, labels in operands for x in labels))}
    inputs = ",".join(["".join([letters[x] for x in labels]) for _, labels in operands])
    outputs = "".join([letters[x] for x in output])
    optimize = ", optimize=True" if len(operands) > 2 else ""
    return f"np.einsum('{inputs}->{outputs}', {', '.join([text for text, _ in operands])}{optimize})"


def _sum(coefficients: Sequence[Rational], parts: Sequence[str]) -> str:
    text = ""
    for coefficient, part in zip(coefficients, parts, strict=True):
        size = magnitude(coefficient)
        term = part if size == 1 else f"{number(size)}*{part}"
        text += (" - " if coefficient < 0 else " + ") + term
    return "-" + text[3:] if text.startswith(" - ") else text[3:]


def number(value: Rational) -> str:
    """A rational number as code that divides to the nearest float."""
    if value.denominator == 1:
        return str(value) if value >= 0 else f"({value})"
    return f"({value.numerator}/{value.denominator})"


def power(base: str, exponent: Rational) -> str:
    """A power without negative exponents, which integers do not have."""
    size = magnitude(exponent)
    raised = base if size == 1 else f"np.sqrt({base})" if size == Fraction(1, 2) else f"{base}**{number(size)}"
    return raised if exponent > 0 else f"1/{raised}"
