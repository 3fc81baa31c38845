"""program → a module of Python that runs on its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from indexcalc.numeric.arguments import RESERVED, argument_name
from indexcalc.numeric.backends import Backend
from indexcalc.numeric.counting import difference, linear, moved
from indexcalc.numeric.program import Finished, Instruction, Loop, Register
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
    least: Mapping[str, int] = MappingProxyType({}),
    returned: Callable[[list[str]], str] = ", ".join,
) -> str:
    """A module with one function that returns the program's results. ``arguments`` maps each input's name to its
    argument, ``shapes`` to its shape; sizes that no input has become arguments of their own. ``summary`` are the lines
    of the docstring, ``least`` sizes with the least that they may be; ``returned`` puts the results together."""
    writer = _Writer(program, backend, arguments, shapes)
    checks = [writer.check(symbol, number) for symbol, number in least.items()]
    results = [ast.unparse(tree) for tree in writer.results(program, None)]
    own = [*arguments.values(), *writer.loose]
    head = f"def {function}(*, {', '.join(own)}):" if own else f"def {function}():"
    body = [*writer.sizes, *checks, *writer.conversions(), *writer.lines, f"    return {returned(results)}"]
    text = "\n".join(body)
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
        self.depth = 1
        self.sizes: list[str] = []
        self.loose: list[str] = []
        self.taken = {*arguments.values(), *RESERVED}
        self.size_names: dict[str, str] = {}
        self.where: dict[str, str] = {}
        for name, shape in shapes.items():
            for axis, dimension in enumerate(shape):
                terms = linear(dimension)
                symbols = [symbol for symbol in terms if symbol]
                if len(symbols) == 1 and terms[symbols[0]] == 1:
                    less = terms.get("", 0)
                    by = f" {'-' if less > 0 else '+'} {abs(less)}" if less else ""
                    self.where.setdefault(symbols[0], f"{arguments[name]}.shape[{axis}]{by}")

    def results(self, program: Finished, inputs: Sequence[ast.expr] | None) -> list[ast.expr]:
        """Writes what is done before the results, which are answered. What is read once and has no name stands where it
        is read, unless that is too long. The inputs are arguments, or ``inputs`` by their numbers."""
        uses = program.uses()
        names = dict(program.names)
        trees: list[ast.expr] = []
        for register, instruction in enumerate(program.instructions):
            if instruction.op in ("loop", "result"):
                trees.append(self._looped(program, register, trees, names))
                continue
            tree, changes = self._tree(instruction, trees, inputs)
            called = names.get(register, "")
            if (changes or called or uses[register] > 1) and not isinstance(tree, ast.Name | ast.Constant):
                tree = self._assigned(tree, called)
            if changes:
                operands = {f"{OPERAND}{k}": trees[operand] for k, operand in enumerate(instruction.operands)}
                for change in changes:
                    self._line(ast.unparse(Renamed({**operands, RESULT: tree}).visit(_copied(change))))
            trees.append(tree)
        return [trees[output] for output in program.outputs]

    def _tree(
        self, instruction: Instruction, trees: list[ast.expr], inputs: Sequence[ast.expr] | None
    ) -> tuple[ast.expr, list[ast.stmt]]:
        """The expression of an instruction, and what is then done in place."""
        if instruction.op == "input":
            (name,) = instruction.parameters
            return (ast.Name(self.arguments[name]) if inputs is None else inputs[name]), []
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

    def _assigned(self, tree: ast.expr, called: str = "") -> ast.Name:
        name = self._free(argument_name(called)) if called else self._free(f"t{len(self.lines) + 1}")
        self._line(f"{name} = {ast.unparse(tree)}")
        return ast.Name(name)

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    # ------------------------------------------------------------------ loops
    def _looped(
        self, program: Finished, register: Register, trees: list[ast.expr], names: Mapping[Register, str]
    ) -> ast.expr:
        """A loop; or the array that it has changed."""
        instruction = program.instructions[register]
        if instruction.op == "result":
            (loop,), (place,) = instruction.operands, instruction.parameters
            array: Register = program.instructions[loop].operands[place]
            return trees[array]
        for operand in instruction.operands:
            if not isinstance(trees[operand], ast.Name | ast.Constant):
                trees[operand] = self._assigned(trees[operand], names.get(operand, ""))
        (found,) = instruction.parameters
        inputs = [trees[operand] for operand in instruction.operands]
        (self._fixed_loop if self.backend.fixed else self._plain_loop)(found, inputs)
        return ast.Constant(None)

    def _plain_loop(self, loop: Loop, inputs: Sequence[ast.expr]) -> None:
        variable = self._variable(loop.variable)
        low, high = self.size(loop.low), self.size(loop.high)
        if loop.down:
            self._line(f"for {variable} in range({high}, {self.size(moved(loop.low, -1))}, -1):")
        else:
            self._line(f"for {variable} in range({low}, {self.size(moved(loop.high, 1))}):")
        self.depth += 1
        for (place, row), tree in zip(loop.stores, self.results(loop.body, inputs), strict=True):
            self._line(f"{ast.unparse(inputs[place])}[{self.size(row)}] = {ast.unparse(tree)}")
        self.depth -= 1

    def _fixed_loop(self, loop: Loop, inputs: Sequence[ast.expr]) -> None:
        """A loop over arrays that cannot be changed: a function from what there is to what there is after a step."""
        variable = self._variable(loop.variable)
        step, done, before = (self._variable(name) for name in ("*step", "*done", "*arrays"))
        low, after = self.size(loop.low), self.size(moved(loop.high, 1))
        arrays = {place: ast.unparse(inputs[place]) for place, _ in loop.stores}
        listed = ", ".join(arrays.values()) + ("," if len(arrays) == 1 else "")
        self._line(f"if {after} > {low}:")
        self.depth += 1
        self._line(f"def {step}({done if loop.down else variable}, {before}):")
        self.depth += 1
        self._line(f"{listed} = {before}")
        if loop.down:
            self._line(f"{variable} = {self.size(loop.high)} - {done}")
        for (place, row), tree in zip(loop.stores, self.results(loop.body, inputs), strict=True):
            self._line(f"{arrays[place]} = {arrays[place]}.at[{self.size(row)}].set({ast.unparse(tree)})")
        self._line(f"return {listed}")
        self.depth -= 1
        count = self.size(moved(difference(loop.high, loop.low), 1))
        ends = f"0, {count}" if loop.down else f"{low}, {after}"
        self._line(f"{listed} = jax.lax.fori_loop({ends}, {step}, ({listed}))")
        self.depth -= 1

    def _variable(self, name: str) -> str:
        """The name of a loop's variable, the same for every loop."""
        if name not in self.size_names:
            self.size_names[name] = self._free(argument_name(name))
        return self.size_names[name]

    def check(self, symbol: str, least: int) -> str:
        name = self.size(symbol)
        return f"    if {name} < {least}:\n        raise ValueError('{name} must be at least {least}')"

    def size(self, dimension: Dimension) -> str:
        """A size as code: a number, or a name that holds it."""
        if isinstance(dimension, int):
            return str(dimension)
        if "*" in dimension:
            parts = [self.size(int(part) if part.isdigit() else part) for part in dimension.split("*")]
            return " * ".join([f"({part})" if " " in part else part for part in parts])
        if re.search("[+-]", dimension):
            return (
                re.sub(r"[^+-]+", lambda part: self._of_sum(part[0]), dimension).replace("+", " + ").replace("-", " - ")
            )
        if dimension not in self.size_names:
            name = self._free(argument_name(dimension))
            self.size_names[dimension] = name
            if dimension in self.where:
                self.sizes.append(f"    {name} = {self.where[dimension]}")
            else:
                self.loose.append(name)
        return self.size_names[dimension]

    def _of_sum(self, part: str) -> str:
        return part if part.isdigit() else self.size(part)

    def conversions(self) -> list[str]:
        """What is done to arguments first: in place, integers would stay integers; and some backends know no bare
        numbers."""
        read = [i.parameters[0] for i in self.program.instructions if i.op == "input"]
        lines = []
        if self.backend.scalars:
            scalars = [self.arguments[name] for name in read if not self.shapes[name]]
            lines = [f"    {name} = {self.backend.scalars.format(name)}" for name in scalars]
        if self.backend.prefix == "np" and any(i.op == "scatter_add" for i in _every(self.program)):
            rows = {True: "np.asarray({0}, np.result_type({0}, np.float32))", False: "{0} * 1.0"}
            for name in read:
                argument = self.arguments[name]
                lines.append(f"    {argument} = {rows[bool(self.shapes[name])].format(argument)}")
        return lines


def _every(program: Finished) -> Iterator[Instruction]:
    """The instructions, with those in loops."""
    for instruction in program.instructions:
        yield instruction
        if instruction.op == "loop":
            yield from _every(instruction.parameters[0].body)


def _copied(tree: ast.stmt) -> ast.stmt:
    (copy,) = ast.parse(ast.unparse(tree)).body
    return copy


def _width(tree: ast.expr) -> int:
    return len(ast.unparse(tree))
