"""A program carried out on arrays: each instruction's template, walked as a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from indexcalc.errors import IndexcalcError
from indexcalc.numeric.backends import Backend
from indexcalc.numeric.counting import count
from indexcalc.numeric.program import Finished, Register
from indexcalc.numeric.templates import OPERAND, carried_out, filled

Progress = Callable[[int], None]
"""Told the number of each instruction that is done."""


@dataclass(frozen=True)
class Reread:
    """An input that is read anew by every instruction that reads it, so that nothing of it is held in between."""

    reader: Callable[[], Any]


def modules(backend: Backend) -> dict[str, Any]:
    """What a backend's templates name: modules, and Python's own types. Raises IndexcalcError E404 where it is not
    installed."""
    for source in backend.imports.values():
        root = source.partition(".")[0]
        if find_spec(root) is None:
            help_ = f'install it: pip install "indexcalc[{backend.name}]"'
            raise IndexcalcError("E404", f"{root} is not installed here", help=help_)
    return {"bool": bool, "float": float, **{name: import_module(source) for name, source in backend.imports.items()}}


def run(
    program: Finished,
    backend: Backend,
    names: Mapping[str, Any],
    values: Mapping[str, Any],
    sizes: Mapping[str, int],
    progress: Progress | None = None,
) -> list[Any]:
    """The program's results for values by the inputs' names, in the backend's own arrays. ``names`` are those that its
    templates have. What is no longer needed is let go at once."""
    freed = program.last_uses()
    made: dict[Register, Any] = {}
    for register, instruction in enumerate(program.instructions):
        if instruction.op == "input":
            made[register] = values[instruction.parameters[0]]
        else:
            row = backend.row(instruction, lambda d: str(count(d, sizes)))
            statements = filled(row, instruction, lambda d: str(count(d, sizes)))
            operands = {f"{OPERAND}{k}": _read(made[operand]) for k, operand in enumerate(instruction.operands)}
            made[register] = carried_out(statements, {**names, **operands})
        for old in freed.get(register, ()):
            del made[old]
        if progress is not None:
            progress(register)
    return [_read(made[output]) for output in program.outputs]


def _read(value: Any) -> Any:
    return value.reader() if isinstance(value, Reread) else value
