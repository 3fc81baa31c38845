"""A schedule → a program, with an array for each family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.backprop.model import variables_of
from indexcalc.backprop.recurrences import Range, length, position
from indexcalc.backprop.schedule import Assignment, Run, Schedule
from indexcalc.language.steps import place
from indexcalc.numeric.backends import Index
from indexcalc.numeric.counting import difference, linear, moved
from indexcalc.numeric.factoring import factored
from indexcalc.numeric.lowering import Lowering
from indexcalc.numeric.products import Core
from indexcalc.numeric.program import LITERALS, Finished, Instruction, Loop, Program, Register
from indexcalc.tensor.nodes import Dimension, Node, Shape, Variable


class Argument(NamedTuple):
    """An input as an argument: its name in programs, its own name, what the user calls it, its shape. Of a family it is
    an array, whose rows are the members in ``range``."""

    key: str
    name: str
    spelling: str
    shape: Shape
    range: Range | None = None


class Array(NamedTuple):
    """The members of a family from ``range[0]`` to ``range[1]`` as rows."""

    register: Register
    range: Range

    def at(self, here: Dimension) -> Dimension:
        """The row of a member: counted from the end where that is a number."""
        first, last = (difference(here, position(self.range[0])), difference(position(self.range[1]), here))
        return -last - 1 if isinstance(last, int) and not isinstance(first, int) else first

    def rows(self, range_: Range) -> Index:
        """Where some members are."""
        low, high = map(position, range_)
        first, last = difference(low, position(self.range[0])), difference(position(self.range[1]), high)
        stop = (-last or None) if isinstance(last, int) else moved(difference(high, position(self.range[0])), 1)
        return (first or None, stop)


class Assembly:
    """The program of a schedule. ``whole`` says which rows families must have."""

    def __init__(
        self,
        schedule: Schedule,
        arguments: Sequence[Argument],
        whole: Mapping[str, Range],
        sizes: Mapping[str, int],
    ) -> None:
        self.schedule, self.model = schedule, schedule.model
        assigned = [a for a in schedule.done if isinstance(a, Assignment)]
        roots = factored([a.node for a in assigned])
        self.nodes = dict(zip(map(id, assigned), roots, strict=True))
        self.lowering = Lowering(roots, sizes)
        self.program = self.lowering.program
        self.sizes = sizes
        registers = [self.program.emit("input", (), (a.key,), a.shape) for a in arguments]
        pairs = zip(arguments, registers, strict=True)
        self.arrays = {a.key: Array(register, a.range) for a, register in pairs if a.range}
        self.dtype = self.program.emit("dtype", registers)
        self.whole = whole
        self.writes = self._writes()
        for step in schedule.done:
            if isinstance(step, Run):
                self._run(step)
            else:
                self._assign(step)

    # ------------------------------------------------------------------ arrays
    def _writes(self) -> dict[str, list[Range]]:
        """The members of each family that are worked out, piece by piece."""
        found: dict[str, list[Range]] = {}
        for step in self.schedule.done:
            if isinstance(step, Run):
                for left, _ in step.lines:
                    found.setdefault(self.model.unit(left.name), []).append((step.segment.low, step.segment.high))
            elif step.range is not None:
                found.setdefault(self._unit(step.left), []).append(step.range)
        return found

    def _unit(self, v: Variable) -> str:
        return self.schedule.slices[v.name][0] if v.name in self.schedule.slices else self.model.unit(v.name)

    def _array(self, unit: str, shape: Shape) -> Array:
        """The array of a family, new if there is none yet."""
        if unit not in self.arrays:
            writes = sorted(self.writes.get(unit, ()), key=lambda r: place(r[0]))
            range_ = self.whole.get(unit) or (writes[0][0], max([r[1] for r in writes], key=place))
            op = "empty" if _covered(range_, writes) else "blank"
            register = self.program.emit(op, (self.dtype,), (unit,), (length(range_), *shape))
            self._name(register, self.model.family(unit))
            self.arrays[unit] = Array(register, range_)
        return self.arrays[unit]

    def _put(self, unit: str, value: Register, range_: Range, is_wide: bool) -> None:
        shape = self.program[value].shape
        alone = is_wide and unit not in self.arrays and self.writes[unit] == [range_]
        if alone and self.whole.get(unit, range_) == range_:
            self.arrays[unit] = Array(value, range_)
            return
        array = self._array(unit, shape[1:] if is_wide else shape)
        index = array.rows(range_) if is_wide else (array.at(position(range_[0])),)
        register = self.program.emit("put", (array.register, value), (index,), self.program[array.register].shape)
        self.arrays[unit] = array._replace(register=register)

    def _taken(self, program: Program, register: Register, index: Index) -> Register:
        shape = program[register].shape
        if index == (None, None):
            return register
        return program.emit("take", (register,), (index,), shape[1:] if len(index) == 1 else shape)

    # ------------------------------------------------------------------ steps
    def _assign(self, step: Assignment) -> None:
        node = self.nodes[id(step)]
        self._resolve(node)
        register = self.lowering.dense(node)
        self.lowering.cores[step.left] = _whole(step.left, register)
        if step.range is not None:
            self._put(self._unit(step.left), register, step.range, step.is_wide)
        name = self.model.family(self._unit(step.left)) if step.is_wide else step.left.name
        if step.is_wide or step.range is None:
            self._name(register, name)

    def _name(self, register: Register, name: str) -> None:
        """What the user calls it; a name with a star is no user's."""
        if not name.startswith("*"):
            self.program.names.setdefault(register, name)

    def _resolve(self, node: Node) -> None:
        """Registers for the variables of a node."""
        for v in variables_of(node):
            if v not in self.lowering.cores:
                found = self.value(v)
                if found is not None:
                    self.lowering.cores[v] = _whole(v, found)

    def value(self, v: Variable) -> Register | None:
        """What a variable stands for; None for an input that is no family."""
        if v in self.lowering.cores:
            return self.lowering.cores[v].register
        if v.name in self.schedule.slices:
            unit, (low, high) = self.schedule.slices[v.name]
            if not unit:
                ends = (position(low), moved(position(high), 1))
                return self.program.emit("steps", (self.dtype,), ends, v.shape)
            array = self.arrays[unit]
            return self._sliced(array, (low, high), v.shape)
        member = self.model.members.get(v.name)
        if member is None or not member.family:
            return None
        array = self.arrays[self.model.unit(v.name)]
        return self._taken(self.program, array.register, (array.at(position(member.step)),))

    def _sliced(self, array: Array, range_: Range, shape: Shape) -> Register:
        index = array.rows(range_)
        if index == (None, None):
            return array.register
        return self.program.emit("take", (array.register,), (index,), shape)

    # ------------------------------------------------------------------ results
    def of(self, v: Variable) -> Register:
        """What a variable stands for."""
        found = self.value(v)
        return self.lowering.dense(v) if found is None else found

    def rows(self, unit: str | None, like: Argument) -> Register:
        """The array of a family, zero where nothing gives it any members."""
        if unit is None or unit not in self.arrays:
            return self.program.emit("blank", (self.dtype,), (), like.shape)
        return self.arrays[unit].register

    # ------------------------------------------------------------------ loops
    def _run(self, run: Run) -> None:
        states = list(dict.fromkeys(self.model.unit(left.name) for left, _ in run.lines))
        shapes = {self.model.unit(left.name): left.shape for left, _ in run.lines}
        operands = [self._array(unit, shapes[unit]).register for unit in states]
        count = len(operands)
        roots = factored([node for _, node in run.lines])
        inner = Lowering(roots, self.sizes)
        outputs = []
        for (left, _), node in zip(run.lines, roots, strict=True):
            for v in variables_of(node):
                if v not in inner.cores:
                    inner.cores[v] = _whole(v, self._inside(inner.program, v, operands))
            outputs.append(inner.dense(node))
            inner.cores[left] = _whole(left, outputs[-1])
        body = self._without_constants(inner.program.finished(outputs), operands, count)
        segment, step = run.segment, self.model.step
        places = [states.index(self.model.unit(left.name)) for left, _ in run.lines]
        stores = tuple([(place_, self.arrays[states[place_]].at(step)) for place_ in places])
        loop = Loop(step, position(segment.low), position(segment.high), segment.down, body, stores)
        register = self.program.emit("loop", operands, (loop,))
        for k, unit in enumerate(states):
            array = self.arrays[unit]
            shape = self.program[array.register].shape
            self.arrays[unit] = array._replace(register=self.program.emit("result", (register,), (k,), shape))

    def _inside(self, program: Program, v: Variable, operands: list[Register]) -> Register:
        """A variable of a loop's body."""
        member, step = self.model.members.get(v.name), self.model.step
        if v.name == step:
            return program.emit("step", (), (step,))
        if member is None or member.step.base != step:
            return self._operand(program, self.of(v), operands)
        array = self.arrays[self.model.unit(v.name)]
        register = self._operand(program, array.register, operands)
        return program.emit("take", (register,), ((array.at(position(member.step)),),), v.shape)

    def _operand(self, program: Program, register: Register, operands: list[Register]) -> Register:
        if register not in operands:
            operands.append(register)
        return program.emit("input", (), (operands.index(register),), self.program[register].shape)

    def _without_constants(self, body: Finished, operands: list[Register], states: int) -> Finished:
        """A body with what is the same in every step worked out before the loop."""
        still: dict[Register, Register] = {}
        for place_, instruction in enumerate(body.instructions):
            if instruction.op == "input":
                if instruction.parameters[0] >= states:
                    still[place_] = operands[instruction.parameters[0]]
            elif not self._moves(instruction) and all(operand in still for operand in instruction.operands):
                own = [still[operand] for operand in instruction.operands]
                still[place_] = self.program.emit(instruction.op, own, instruction.parameters, instruction.shape)
        made = Program()
        new: dict[Register, Register] = {}
        for place_, instruction in enumerate(body.instructions):
            if place_ in still and instruction.op not in LITERALS:
                new[place_] = self._operand(made, still[place_], operands)
            else:
                own = [new[operand] for operand in instruction.operands]
                new[place_] = made.emit(instruction.op, own, instruction.parameters, instruction.shape)
        kept = made.finished([new[output] for output in body.outputs])
        return kept._replace(contractions=body.contractions)

    def _moves(self, instruction: Instruction) -> bool:
        """Whether an instruction does something else in each step."""
        step = self.model.step
        if instruction.op == "step":
            return True
        return instruction.op == "take" and any(step in linear(d) for d in instruction.parameters[0] if d is not None)


def _whole(v: Variable, register: Register) -> Core:
    axes = tuple(range(len(v.shape)))
    return Core(register, axes, axes)


def _covered(whole: Range, parts: Sequence[Range]) -> bool:
    """Whether every member is in a part; the parts are in order."""
    low = whole[0]
    for first, last in parts:
        if place(first) > place(low):
            return False
        low = max(low, last.moved(1), key=place)
    return place(low) > place(whole[1])
