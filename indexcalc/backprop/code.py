"""A model and its backward pass → a module of code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from indexcalc.backprop.adjoints import Backward
from indexcalc.backprop.assembly import Argument, Assembly
from indexcalc.backprop.model import Model
from indexcalc.backprop.recurrences import System, length
from indexcalc.backprop.schedule import Schedule
from indexcalc.errors import IndexcalcError
from indexcalc.numeric.arguments import argument_names
from indexcalc.numeric.backends import backend_named
from indexcalc.numeric.code import module
from indexcalc.tensor.functions import declared_functions
from indexcalc.tensor.nodes import Shape

NAME = "value_and_grad"


def value_and_grad(
    model: Model, backward: Backward, backend: str, sizes: Mapping[str, int], summary: Sequence[str]
) -> str:
    """A module with a function of all inputs that returns the output and a dict of the wanted gradients. A family of
    inputs is one array, its rows are the members. Loops stay loops. Raises IndexcalcError E404."""
    system = System(model, [*model.equations, *backward.equations])
    arguments = _arguments(model, system)
    for name in backward.wanted:
        if name not in arguments:
            message = f"there is code for gradients by inputs, and `{name}` is defined"
            raise IndexcalcError("E404", message, help="ask for the gradient by what it is made of")
    adjoints = {name: system.model.unit(own[0].name) for name, own in backward.wanted.items() if own}
    whole = {unit: found.range for name, unit in adjoints.items() if (found := arguments[name]).range}
    assembly = Assembly(Schedule(system), list(arguments.values()), whole, sizes)
    outputs = [assembly.of(model.output)]
    for name, own in backward.wanted.items():
        is_family = arguments[name].range is not None
        outputs.append(assembly.rows(adjoints.get(name), arguments[name]) if is_family else assembly.of(own[0].left))
    program = assembly.program.finished(outputs)
    shapes = {a.key: a.shape for a in arguments.values()} | dict.fromkeys(_functions(model, backward), ())
    keys = _keys(arguments, shapes)
    text = [*summary, *_described(arguments.values(), keys, shapes)]
    wanted = [arguments[name].spelling for name in backward.wanted]
    target = backend_named(backend)
    return module(NAME, program, target, keys, shapes, text, _least(model, backward), partial(_returned, wanted))


def arguments(model: Model, backward: Backward) -> dict[str, str]:
    """The argument of the code for each input, by the name that the user typed."""
    found = _arguments(model, System(model, [*model.equations, *backward.equations]))
    keys = _keys(found, [*(a.key for a in found.values()), *_functions(model, backward)])
    return {a.spelling: keys[a.key] for a in found.values()}


def _functions(model: Model, backward: Backward) -> Sequence[str]:
    """The elementwise functions that the user declared."""
    return declared_functions([term.node for e in (*model.equations, *backward.equations) for term in e.terms])


def _keys(arguments: Mapping[str, Argument], inputs: Iterable[str]) -> dict[str, str]:
    """The argument for each input."""
    spelled = {a.key: a.name for a in arguments.values()}
    listed = list(inputs)
    names = argument_names([spelled.get(key, key) for key in listed])
    return dict(zip(listed, names.values(), strict=True))


def _arguments(model: Model, system: System) -> dict[str, Argument]:
    """The arguments by the names of the inputs."""
    found = {}
    plain = {i.name for i in model.inputs} | {i.spelling for i in model.inputs}
    for i in model.inputs:
        unit = model.unit(i.name)
        family = model.family(unit)
        if family not in model.ranges:
            key = system.given[i.name].name if i.name in system.given else i.name
            found[i.name] = Argument(key, i.name, i.spelling, i.shape)
            continue
        range_ = model.ranges[family]
        short = i.spelling.partition("[")[0]
        name, spelling = (unit, i.spelling) if {family, short} & plain else (family, short)
        found[i.name] = Argument(unit, name, spelling, (length(range_), *i.shape), range_)
    return found


def _least(model: Model, backward: Backward) -> dict[str, int]:
    """The least that each length may be."""
    extents = [extent for e in model.equations for extent in (e.extent, *(term.extent for term in e.terms)) if extent]
    bases = [step.base for extent in extents for step in extent.ends if step.base]
    return {base: backward.least.get(base, 1) for base in dict.fromkeys(bases)}


def _described(arguments: Iterable[Argument], keys: Mapping[str, str], shapes: Mapping[str, Shape]) -> list[str]:
    """What the arguments are."""
    inputs = [f"{keys[key]}: {' x '.join(map(str, shape)) or 'a scalar'}" for key, shape in shapes.items()]
    lines = [f"Arguments: {'; '.join(inputs)}."] if inputs else []
    for a in arguments:
        if a.range:
            low, high = (f"{a.spelling.partition('[')[0]}[{step.text}]" for step in a.range)
            lines.append(
                f"The rows of {keys[a.key]} are {low} to {high}." if low != high else f"{keys[a.key]} is the row {low}."
            )
    return lines


def _returned(wanted: Sequence[str], results: list[str]) -> str:
    value, *gradients = results
    entries = [f"{name!r}: {gradient}" for name, gradient in zip(wanted, gradients, strict=True)]
    return f"{value}, {{{', '.join(entries)}}}"
