"""A computation as data: straight-line instructions, each on the results of earlier ones.

Printers write a program in the words of a backend, and evaluation runs it; both read the same instructions. Equal
instructions are one, so that whatever several results have in common is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from indexcalc.numeric.counting import count, entries
from indexcalc.tensor.nodes import Dimension, Labels, Shape

Register = int


class Instruction(NamedTuple):
    """What is done (a row of the backends' tables), to which results, with which constants; and the result's shape."""

    op: str
    operands: tuple[Register, ...]
    parameters: tuple[Any, ...]
    shape: Shape


VIEWS = frozenset({"input", "T", "transpose", "expand", "diagonal", "reshape", "take", "put", "loop", "result"})
"""Operations whose result may share memory with its operand, and that cost nothing."""
LITERALS = frozenset({"number", "size", "constant", "step"})
"""Operations whose result is a Python number."""
SOLVES = 3
"""Solutions from which on, with one matrix, its inverse is cheaper: an LU factorisation is a third of it."""


class Program:
    """Instructions while they are made, in an order in which they can be carried out."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.contractions: dict[Register, str] = {}
        """The einsum specification of each result that is a contraction."""
        self.nonnegative: set[Register] = set()
        """Results whose entries are known to be so."""
        self.names: dict[Register, str] = {}
        """What results are called, where that is known."""
        self._places: dict[Instruction, Register] = {}

    def emit(
        self, op: str, operands: Sequence[Register] = (), parameters: Sequence[Any] = (), shape: Shape = ()
    ) -> Register:
        """The register of an instruction, new or not."""
        instruction = Instruction(op, tuple(operands), tuple(parameters), shape)
        found = self._places.get(instruction)
        if found is None:
            found = self._places[instruction] = len(self.instructions)
            self.instructions.append(instruction)
        return found

    def transposed(self, register: Register, axes: Labels = (1, 0)) -> Register:
        """The axes of a result in another order; two transpositions are one."""
        instruction = self[register]
        if instruction.op == "T":
            (register,), axes = instruction.operands, tuple([1 - axis for axis in axes])
        elif instruction.op == "transpose":
            (register,), before = instruction.operands, instruction.parameters[0]
            axes = tuple([before[axis] for axis in axes])
        if axes == tuple(range(len(axes))):
            return register
        shape = tuple([self[register].shape[axis] for axis in axes])
        if len(axes) == 2:
            return self.emit("T", (register,), (), shape)
        return self.emit("transpose", (register,), (axes,), shape)

    def flipped(self, product: Register) -> Register:
        """(A B)' as B' A'."""
        instruction = self[product]
        left, right = (self.transposed(operand) for operand in reversed(instruction.operands))
        register = self.emit("matmul", (left, right), (), instruction.shape[::-1])
        self.contractions[register] = "ik,kj->ij"
        return register

    def __getitem__(self, register: Register) -> Instruction:
        return self.instructions[register]

    def is_literal(self, register: Register) -> bool:
        return self[register].op in LITERALS

    def finished(self, outputs: Sequence[Register]) -> Finished:
        """What the outputs need, with an inverse in place of many solutions, and a copy of what would be changed in
        place and is needed elsewhere."""
        made, results = self._with_inverses(outputs)
        made, results = made._with_copies(results)
        kept = made._live(results)
        places = {register: place for place, register in enumerate(kept)}
        instructions = tuple(
            made[register]._replace(operands=tuple(places[operand] for operand in made[register].operands))
            for register in kept
        )
        paths = tuple(made.contractions[register] for register in kept if register in made.contractions)
        names = tuple((places[register], name) for register, name in made.names.items() if register in places)
        return Finished(instructions, tuple(places[result] for result in results), paths, names)

    def _with_inverses(self, outputs: Sequence[Register]) -> tuple[Program, list[Register]]:
        """The same with inverses in place of many solutions, and without transposes of products."""
        live = self._live(outputs)
        solved = Counter(self._matrix(register) for register in live if self[register].op == "solve")
        inverted = {self[register].operands[0] for register in live if self[register].op == "inv"}
        inverted |= {matrix for matrix, times in solved.items() if times > SOLVES}
        uses = self._uses(live, outputs)
        made = Program()
        new: dict[Register, Register] = {}
        for register in live:
            instruction = self[register]
            operands = [new[operand] for operand in instruction.operands]
            if instruction.op == "solve" and self._matrix(register) in inverted:
                matrix = new[self._matrix(register)]
                operands[0] = made._inverse(matrix, made[matrix].shape, self[instruction.operands[0]].op == "T")
                new[register] = self._carried(made, register, operands, "matmul")
                continue
            base = instruction.operands[0] if instruction.operands else -1
            if instruction.op == "T" and self[base].op == "matmul" and uses[base] == 1:
                new[register] = made.flipped(new[base])
                continue
            new[register] = self._carried(made, register, operands)
        made.names = {new[register]: name for register, name in self.names.items() if register in new}
        return made, [new[output] for output in outputs]

    def _with_copies(self, outputs: Sequence[Register]) -> tuple[Program, list[Register]]:
        """The same with a copy of whatever is changed in place and is read elsewhere too, or is not the program's."""
        live = self._live(outputs)
        uses = self._uses(live, outputs)
        made = Program()
        new: dict[Register, Register] = {}
        for register in live:
            instruction = self[register]
            operands = [new[operand] for operand in instruction.operands]
            if instruction.op == "scatter_add":
                base = instruction.operands[0]
                if uses[base] > 1 or self._is_shared(base):
                    operands[0] = made.emit("copy", operands[:1], (register,), instruction.shape)
            new[register] = self._carried(made, register, operands)
        made.names = {new[register]: name for register, name in self.names.items() if register in new}
        return made, [new[output] for output in outputs]

    def _carried(self, made: Program, register: Register, operands: Sequence[Register], op: str = "") -> Register:
        """An instruction in another program, on these operands; with another operation if one is given."""
        instruction = self[register]
        new = made.emit(op or instruction.op, operands, instruction.parameters, instruction.shape)
        if register in self.contractions:
            made.contractions[new] = self.contractions[register]
        return new

    def _uses(self, live: Iterable[Register], outputs: Iterable[Register]) -> Counter[Register]:
        """How often each result is read, as an operand or an output."""
        counts = Counter(operand for register in live for operand in self[register].operands)
        counts.update(outputs)
        return counts

    def _is_shared(self, register: Register) -> bool:
        """Whether a result may be memory that is not the program's own."""
        instruction = self[register]
        alone = instruction.op == "einsum" and len(instruction.operands) == 1
        return alone or instruction.op in VIEWS or instruction.op == "declared"

    def _matrix(self, register: Register) -> Register:
        """The matrix of a solution, without its transpose."""
        (matrix, *_) = self[register].operands
        return self[matrix].operands[0] if self[matrix].op == "T" else matrix

    def _inverse(self, matrix: Register, shape: Shape, transposed: bool) -> Register:
        inverse = self.emit("inv", (matrix,), (), shape)
        return self.transposed(inverse) if transposed else inverse

    def _live(self, outputs: Iterable[Register]) -> list[Register]:
        """The registers that the outputs need, in order."""
        found: set[Register] = set()
        stack = list(outputs)
        while stack:
            register = stack.pop()
            if register not in found:
                found.add(register)
                stack.extend(self[register].operands)
        return sorted(found)


class Finished(NamedTuple):
    """A program: its instructions, the places of its results, the contractions in it, and what results are called."""

    instructions: tuple[Instruction, ...]
    outputs: tuple[Register, ...]
    contractions: tuple[str, ...]
    names: tuple[tuple[Register, str], ...] = ()

    def uses(self) -> Counter[Register]:
        """How often each result is read, as an operand or an output."""
        counts = Counter(operand for instruction in self.instructions for operand in instruction.operands)
        counts.update(self.outputs)
        return counts

    def last_uses(self) -> dict[Register, list[Register]]:
        """The results that are read for the last time by each instruction, or by none."""
        last = {register: register for register in range(len(self.instructions))}
        for place, instruction in enumerate(self.instructions):
            for operand in instruction.operands:
                last[operand] = place
        freed: dict[Register, list[Register]] = {}
        for register, place in last.items():
            if register not in self.outputs:
                freed.setdefault(place, []).append(register)
        return freed


class Loop(NamedTuple):
    """A program that is carried out for each step from ``low`` to ``high``: the parameter of an instruction. Its inputs
    are numbers of the instruction's operands; its outputs become rows of some of these, ``stores``, arrays that are
    changed in place. An instruction ``result`` is one of them afterwards."""

    variable: str
    low: Dimension
    high: Dimension
    down: bool
    body: Finished
    stores: tuple[tuple[int, Dimension], ...]


# ---------------------------------------------------------------------- cost
class Cost(NamedTuple):
    """``flops``, the largest result in entries, and the most entries that are held at one time, inputs included."""

    flops: int
    largest: int
    peak: int


def cost(program: Finished, sizes: Mapping[str, int]) -> Cost:
    """What a program takes at given sizes."""
    freed = program.last_uses()
    held: dict[Register, int] = {}
    flops = largest = peak = 0
    for place, instruction in enumerate(program.instructions):
        size = entries(instruction.shape, sizes)
        shapes = [program.instructions[operand].shape for operand in instruction.operands]
        flops += FLOPS.get(instruction.op, _elementwise)(instruction, shapes, sizes)
        own = 0 if instruction.op in VIEWS - {"input"} or instruction.op == "scatter_add" else size
        held[place] = own
        largest = max(largest, own)
        peak = max(peak, sum(held.values()))
        for register in freed.get(place, ()):
            if program.instructions[register].op != "input" and not _is_shared(program, register, place):
                held[register] = 0
    return Cost(flops, largest, peak)


def _is_shared(program: Finished, register: Register, place: Register) -> bool:
    """Whether a result lives on in a view of it, or changed in place."""
    instruction = program.instructions[place]
    return register in instruction.operands and (instruction.op in VIEWS or instruction.op == "scatter_add")


Flops = Callable[[Instruction, Sequence[Shape], Mapping[str, int]], int]


def _elementwise(instruction: Instruction, shapes: Sequence[Shape], sizes: Mapping[str, int]) -> int:
    return max([entries(instruction.shape, sizes), *(entries(shape, sizes) for shape in shapes)])


def _matmul(instruction: Instruction, shapes: Sequence[Shape], sizes: Mapping[str, int]) -> int:
    return 2 * entries(instruction.shape, sizes) * count(shapes[0][-1], sizes)


def _tensordot(instruction: Instruction, shapes: Sequence[Shape], sizes: Mapping[str, int]) -> int:
    axes = instruction.parameters[0][0]
    return 2 * entries(instruction.shape, sizes) * entries(tuple([shapes[0][axis] for axis in axes]), sizes)


def _einsum(instruction: Instruction, shapes: Sequence[Shape], sizes: Mapping[str, int]) -> int:
    letters = instruction.parameters[0].split("->")[0].split(",")
    found = {x: size for own, shape in zip(letters, shapes, strict=True) for x, size in zip(own, shape, strict=True)}
    return len(shapes) * entries(tuple(found.values()), sizes)


def _solve(instruction: Instruction, shapes: Sequence[Shape], sizes: Mapping[str, int]) -> int:
    n = count(shapes[0][0], sizes)
    return 2 * n**3 // 3 + 2 * n * entries(instruction.shape, sizes)


FLOPS: dict[str, Flops] = {
    **dict.fromkeys(VIEWS | LITERALS | {"zeros", "ones", "fill", "eye", "epsilon", "copy"}, lambda *_: 0),
    "matmul": _matmul,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "solve": _solve,
    "inv": lambda instruction, shapes, sizes: 2 * count(shapes[0][0], sizes) ** 3,
    "det": lambda instruction, shapes, sizes: 2 * count(shapes[0][0], sizes) ** 3 // 3,
    "logdet": lambda instruction, shapes, sizes: 2 * count(shapes[0][0], sizes) ** 3 // 3,
    "scatter": lambda instruction, shapes, sizes: entries(shapes[0], sizes),
    "scatter_add": lambda instruction, shapes, sizes: entries(shapes[1], sizes),
}
"""TABLE: the operations of an instruction; of others, one an entry."""
