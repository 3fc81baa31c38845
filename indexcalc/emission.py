"""A derivation as a program, and as a module of code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.derivation import Derivation
from indexcalc.errors import IndexcalcError
from indexcalc.forms.index import Letters
from indexcalc.numeric.arguments import argument_names
from indexcalc.numeric.backends import backend_named
from indexcalc.numeric.code import module
from indexcalc.numeric.lowering import cores, lowered
from indexcalc.numeric.paths import GENERIC
from indexcalc.numeric.products import Core
from indexcalc.numeric.program import Finished
from indexcalc.tensor.functions import declared_functions
from indexcalc.tensor.nodes import Node, Shape, Size, descendants
from indexcalc.tensor.product import Einsum
from indexcalc.tensor.sums import Sum, Term, add


class Results(NamedTuple):
    """What a program computes: the function's name, the tensors, and the shapes of all inputs by name."""

    name: str
    nodes: tuple[Node, ...]
    shapes: dict[str, Shape]


def results(derivation: Derivation, form: str = "jacobian", with_value: bool = False) -> Results:
    """The derivative as an array ("jacobian"), or its product with a cotangent ("pullback"); with the value of the
    output before it. Raises IndexcalcError E404."""
    if form not in ("jacobian", "pullback"):
        raise IndexcalcError("E404", f"code for the form {form!r} is not supported yet")
    shapes = {i.name: i.shape for i in derivation.task.inputs}
    node = derivation.node
    if form == "pullback":
        if derivation.pullback_node is None:
            raise IndexcalcError("E404", "this answer has no pullback")
        node = derivation.pullback_node
        if derivation.cotangent is not None and derivation.task.output.shape and derivation.cotangent not in shapes:
            shapes = {derivation.cotangent: derivation.task.output.shape, **shapes}
    nodes = (derivation.output, node) if with_value else (node,)
    shapes |= dict.fromkeys(declared_functions(nodes), ())
    return Results("pullback" if form == "pullback" else "derivative", nodes, shapes)


def symbols(derivation: Derivation) -> list[str]:
    """The size symbols of a question, in order."""
    shapes = [*[i.shape for i in derivation.task.inputs], derivation.node.shape]
    parts = [part for shape in shapes for d in shape for part in str(d).split("*") if not part.isdigit()]
    inner = [node.symbol for node in descendants([derivation.node]) if isinstance(node, Size)]
    return list(dict.fromkeys([*parts, *inner]))


def known_sizes(derivation: Derivation, given: Mapping[str, int]) -> dict[str, int]:
    """A size for every symbol: what is given, else a generic one. Raises IndexcalcError E218."""
    found = symbols(derivation)
    for symbol in given:
        if symbol not in found:
            there = f"its sizes are {', '.join(found)}" if found else "it has no size symbols"
            raise IndexcalcError("E218", f"this has no size {symbol}", help=there)
    return {symbol: given.get(symbol, GENERIC) for symbol in found}


def code(
    found: Results,
    backend: str,
    text: str,
    formula: Sequence[str],
    sizes: Mapping[str, int],
    compressed: Letters | None,
) -> str:
    """A module for some results. ``text`` is what is differentiated, ``formula`` the derivative as text; ``compressed``
    the letters of its axes, where only its core is wanted. Raises IndexcalcError E404."""
    target = backend_named(backend)
    *before, node = found.nodes
    shape = " x ".join(map(str, node.shape)) or "a scalar"
    summary = [f"{found.name} of {text}: {shape}.", *formula]
    program: Finished
    if compressed is None:
        program = lowered(found.nodes, sizes, target.whole)
    else:
        program, parts = cores([*before, *_parts(node)], sizes)
        summary += _expansion(parts[len(before) :], compressed)
    inputs = [f"{name}: {' x '.join(map(str, own)) or 'a scalar'}" for name, own in found.shapes.items()]
    summary += [f"Arguments: {'; '.join(inputs)}."] if inputs else []
    summary += [f"Contractions: {'; '.join(program.contractions)}."] if program.contractions else []
    return module(found.name, program, target, argument_names(list(found.shapes)), found.shapes, summary)


def _parts(node: Node) -> list[Node]:
    """The terms of a tensor that have deltas, those with the same deltas as one, and the sum of all others."""
    if not isinstance(node, Sum):
        return [node]
    groups: dict[Letters | None, list[Term]] = {}
    for coefficient, term in node.terms:
        output = term.output if isinstance(term, Einsum) and len(set(term.output)) < len(term.output) else ()
        groups.setdefault(tuple([str(output.index(x)) for x in output]), []).append((coefficient, term))
    return [add(terms) for terms in groups.values()]


def _expansion(parts: Sequence[Core], letters: Letters) -> list[str]:
    """How the cores stand for the whole."""
    lines = []
    for k, core in enumerate(parts, 1):
        name = f"core{k}" if len(parts) > 1 else "core"
        first = {label: letters[axis] for axis, label in reversed(list(enumerate(core.output)))}
        own = f"[{', '.join([first[label] for label in core.labels])}]" if core.labels else ""
        pairs = [
            f"{first[x]} == {letter}" for x, letter in zip(core.output, letters, strict=True) if first[x] != letter
        ]
        lines.append(f"{name}{own}" + (f" where {' and '.join(pairs)}, else 0" if pairs else ""))
    whole = f"D[{', '.join(letters)}]" if letters else "D"
    if len(lines) == 1:
        return [f"Returns core; {whole} = {lines[0]}."]
    return [f"Returns {', '.join(f'core{k}' for k in range(1, len(lines) + 1))}; {whole} is the sum of", *lines]
