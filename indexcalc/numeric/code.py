"""program → a module of Python that runs on its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from indexcalc.numeric.arguments import RESERVED, argument_name
from indexcalc.numeric.backends import Backend
from indexcalc.numeric.program import Finished, Instruction
from indexcalc.numeric.templates import OPERAND, RESULT, Renamed, filled
from indexcalc.tensor.nodes import Dimension, Shape

WIDEST = 88
"""Columns up to which what is read once is written where it is read."""
NARROW = 24
"""Columns up to which it always is."""


def module(
    function: str,
    program: Finished,
    backend: Backend,
    arguments: Mapping[str, str],
    shapes: Mapping[str, Shape],
    summary: Sequence[str],
) -> str:
    """A module with one function that returns the program's results. ``arguments`` maps each input's name to its
    argument, ``shapes`` to its shape; sizes that no input has become arguments of their own. ``summary`` are the lines
    of the docstring."""
    writer = _Writer(program, backend, arguments, shapes)
    body = writer.body()
    own = [*arguments.values(), *writer.loose]
    head = f"def {function}(*, {', '.join(own)}):" if own else f"def {function}():"
    text = "\n".join([*writer.sizes, *writer.conversions(), *body])
    imports = [_imported(name, source) for name, source in backend.imports.items() if re.search(rf"\b{name}\.", text)]
    if not imports:  # the module says all the same whose arrays it is for
        imports = [f"{_imported(backend.prefix, backend.imports[backend.prefix])}  # noqa: F401"]
    lines = [head, *_docstring(summary), text, ""]
    return "\n".join([*sorted(imports), "", "", *lines])


def _imported(name: str, source: str) -> str:
    return f"import {source}" if name == source else f"import {source} as {name}"


def _docstring(summary: Sequence[str]) -> list[str]:
    first, *rest = [line.replace("\\", "\\\\").replace('"', "'") for line in summary]
    if not rest:
        return [f'    """{first}"""']
    return [f'    """{first}', "", *(f"    {line}".rstrip() for line in rest), '    """']


class _Writer:
    """The lines of one function body."""

    def __init__(
        self, program: Finished, backend: Backend, arguments: Mapping[str, str], shapes: Mapping[str, Shape]
    ) -> None:
        self.program, self.backend, self.arguments, self.shapes = program, backend, arguments, shapes
        self.lines: list[str] = []
        self.sizes: list[str] = []
        self.loose: list[str] = []
        self.taken = {*arguments.values(), *RESERVED}
        self.size_names: dict[str, str] = {}
        self.where: dict[str, str] = {}
        for name, shape in shapes.items():
            for axis, dimension in enumerate(shape):
                if isinstance(dimension, str):
                    self.where.setdefault(dimension, f"{arguments[name]}.shape[{axis}]")

    def body(self) -> list[str]:
        """The instructions and the return. What is read once stands where it is read, unless that is too long."""
        uses = self.program.uses()
        trees: list[ast.expr] = []
        for register, instruction in enumerate(self.program.instructions):
            tree, changes = self._tree(instruction, trees)
            named = isinstance(tree, ast.Name | ast.Constant)
            if (changes or uses[register] > 1) and not named:
                tree = self._assigned(tree)
            if changes:
                operands = {f"{OPERAND}{k}": trees[operand] for k, operand in enumerate(instruction.operands)}
                for change in changes:
                    line = Renamed({**operands, RESULT: tree}).visit(_copied(change))
                    self.lines.append(f"    {ast.unparse(line)}")
            trees.append(tree)
        results = [ast.unparse(trees[output]) for output in self.program.outputs]
        return [*self.lines, f"    return {', '.join(results)}"]

    def _tree(self, instruction: Instruction, trees: list[ast.expr]) -> tuple[ast.expr, list[ast.stmt]]:
        """The expression of an instruction, and what is then done in place."""
        if instruction.op == "input":
            return ast.Name(self.arguments[instruction.parameters[0]]), []
        if instruction.op == "declared":
            instruction = instruction._replace(parameters=(self.arguments[instruction.parameters[0]],))
        first, *changes = filled(self.backend.row(instruction, self.size), instruction, self.size)
        assert isinstance(first, ast.Expr)
        wide = _width(first.value) + sum(_width(trees[k]) for k in instruction.operands) > WIDEST
        for operand in instruction.operands:
            tree = trees[operand]
            if not isinstance(tree, ast.Name | ast.Constant) and (changes or (wide and _width(tree) > NARROW)):
                trees[operand] = self._assigned(tree)
        operands = {f"{OPERAND}{k}": trees[operand] for k, operand in enumerate(instruction.operands)}
        return Renamed(operands).visit(_copied(first)).value, changes

    def _assigned(self, tree: ast.expr) -> ast.Name:
        name = self._fresh("t", len(self.lines) + 1)
        self.lines.append(f"    {name} = {ast.unparse(tree)}")
        return ast.Name(name)

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
            return " * ".join([self.size(int(part) if part.isdigit() else part) for part in dimension.split("*")])
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

    def conversions(self) -> list[str]:
        """What is done to arguments first: in place, integers would stay integers; and some backends know no bare
        numbers."""
        read = [i.parameters[0] for i in self.program.instructions if i.op == "input"]
        lines = []
        if self.backend.scalars:
            scalars = [self.arguments[name] for name in read if not self.shapes[name]]
            lines = [f"    {name} = {self.backend.scalars.format(name)}" for name in scalars]
        if self.backend.prefix == "np" and any(i.op == "scatter_add" for i in self.program.instructions):
            rows = {True: "np.asarray({0}, np.result_type({0}, np.float32))", False: "{0} * 1.0"}
            for name in read:
                argument = self.arguments[name]
                lines.append(f"    {argument} = {rows[bool(self.shapes[name])].format(argument)}")
        return lines


def _copied(tree: ast.stmt) -> ast.stmt:
    (copy,) = ast.parse(ast.unparse(tree)).body
    return copy


def _width(tree: ast.expr) -> int:
    return len(ast.unparse(tree))
