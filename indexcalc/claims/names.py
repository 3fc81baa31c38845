"""What the names in a claim stand for: those of its question, and what else was declared or defined."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from indexcalc.derivation import Task
from indexcalc.language import syntax
from indexcalc.language.core import Core, Leaf, Symbol, subcores
from indexcalc.language.lowering import Lowering
from indexcalc.language.programs import Program, expanded
from indexcalc.language.reader import Declared, Reader
from indexcalc.language.scope import Scope, walk
from indexcalc.language.syntax import Name, Syntax
from indexcalc.tensor.nodes import Node
from indexcalc.tensor.structure import restored


class Claim(NamedTuple):
    """A formula that is said to answer a question; ``left`` are the names on its left-hand side."""

    text: str
    tree: Syntax
    left: tuple[Name, ...]


class Names(NamedTuple):
    """What the names in a claim stand for: variables, tensor expressions, elementwise functions. ``assumed`` are those
    whose shape was inferred; ``programs`` functions that the user defined."""

    declared: Sequence[Declared]
    known: Mapping[str, Node]
    functions: Sequence[str]
    assumed: Collection[str]
    programs: Mapping[str, Program]

    def reader(self) -> Reader:
        """Reads the formulas of one case."""
        reader = Reader(self.declared, self.known, self.functions)
        reader.scope.programs.update(self.programs)
        for name in self.assumed:
            reader.scope.symbols[name].assumed = True
        return reader


def names_of(scope: Scope, task: Task, lowering: Lowering, claim: Claim) -> Names:
    """The inputs and the definitions of a task, and what else of the file a claim names."""
    declared = {i.name: Declared(i.name, i.shape, i.structure) for i in task.inputs if i.rank != "elementwise"}
    known = {name: node for node, name in task.defined.items() if name not in declared}
    if task.name and task.name not in declared:
        known[task.name] = restored(task.output, task.twins)
    for name in _named_in(expanded(claim.tree, scope.programs) if scope.programs else claim.tree):
        symbol = scope.lookup(name)[0]
        if symbol is None or symbol.name in declared or symbol.name in known:
            continue
        if symbol.meaning is not None:
            known[symbol.name] = restored(lowering.lower(symbol.meaning), task.twins)
        for leaf in _leaves(symbol):
            declared.setdefault(leaf.name, Declared(leaf.name, lowering.shape(leaf.axes), leaf.structure))
    assumed = [name for name in declared if scope.symbols[name].assumed]
    return Names(list(declared.values()), known, list(scope.functions), assumed, scope.programs)


def _leaves(symbol: Symbol) -> Iterator[Symbol]:
    """The variables that a name is made of: itself, or those of its definition."""
    if symbol.meaning is None:
        yield symbol
        return
    seen: dict[int, Core] = {}
    stack = [symbol.meaning]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, Leaf) and part.symbol.meaning is not None:
            stack.append(part.symbol.meaning)
        elif isinstance(part, Leaf):
            yield part.symbol
        stack.extend(subcores(part))


def _named_in(tree: Syntax) -> Iterator[Name]:
    """The names of a claim, those before brackets among them."""
    for node in walk(tree):
        if isinstance(node, Name):
            yield node
        elif isinstance(node, syntax.Call):
            yield Name(node.name_span, node.function.rstrip("'"), ())
