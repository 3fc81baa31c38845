"""A question about a model → its passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexcalc.backprop.adjoints import backward
from indexcalc.backprop.passes import Asking, Passes
from indexcalc.backprop.proof import Source
from indexcalc.backprop.reading import Unread
from indexcalc.derivation import Input
from indexcalc.errors import IndexcalcError
from indexcalc.language.core import Core, Leaf, Symbol
from indexcalc.language.definitions import Definitions
from indexcalc.language.differentials import Question
from indexcalc.language.lowering import Lowering
from indexcalc.language.scope import Scope, kind_of, no_variable
from indexcalc.language.steps import member_of
from indexcalc.language.syntax import Name
from indexcalc.tensor.nodes import Node, Variable, number, variable

PREFIXES = ("d", "adj_", "grad_")
"""What the names of adjoints begin with: the first with which none is another name."""
OUTPUTS = ("L", "J", "f")
"""What an output without a name is called."""


class Asked(Protocol):
    """What is read of a question."""

    definitions: Definitions
    scope: Scope
    question: Question
    text: str
    form: str
    meaning: Core
    notes: list[str]
    wanted: Sequence[Name]
    vector: Core | None
    order: int


def passes(asked: Asked, line: int, written_out: bool, prefix: str) -> Passes | None:
    """The passes of a question that depends on an open loop; with ``written_out`` of any first derivative of a scalar.
    Adjoints are named with ``prefix``, "" for one of ours. Raises IndexcalcError E404, E304."""
    scope = asked.scope
    texts = list(asked.definitions.kept)
    output = asked.meaning.symbol if isinstance(asked.meaning, Leaf) else _named(asked)
    own = set(scope.open.own)
    if not isinstance(asked.meaning, Leaf) or output.name in own:
        texts.append(f"{output.name} = {asked.text[slice(*asked.question.body.span)]}")
        own.discard(output.name)
    unread = Unread(scope, output)
    if not unread.has_steps and not written_out:
        return None
    first = asked.order == 1 and asked.form in ("diff", "grad", "vjp")
    if not unread.has_steps and (not first or (output.axes and asked.form != "vjp") or unread.meaning(output) is None):
        return None
    if not first:
        message = "only gradients and pullbacks go through a loop whose length is a symbol"
        help_ = "give the length a number, `T = 4`; or ask for `grad(L)`, `vjp(h[T], W, G)`"
        raise IndexcalcError("E404", message, asked.question.span, help_)
    return _made(asked, line, unread, texts, own, prefix)


def _named(asked: Asked) -> Symbol:
    """A name for an output that has none."""
    taken = asked.scope.symbols
    name = next(n for k in range(len(taken) + 1) for stem in OUTPUTS if (n := f"{stem}{k or ''}") not in taken)
    axes = asked.meaning.axes
    symbol = Symbol(name, kind_of(axes), axes, name, asked.question.body.span, assumed=False)
    symbol.meaning = asked.meaning
    asked.scope.add(symbol)
    return symbol


def _made(asked: Asked, line: int, unread: Unread, texts: list[str], own: set[str], prefix: str) -> Passes:
    scope, output = asked.scope, unread.output
    inputs = unread.inputs()
    wanted = [_symbol(asked, name, unread) for name in asked.wanted] or inputs
    vector = asked.vector
    cotangent = None
    if output.axes:
        if not isinstance(vector, Leaf) or vector.symbol.meaning is not None:
            message = "a derivative through a loop of any length is a pullback, for a cotangent with a name"
            help_ = f"`vjp({output.spelling}, {wanted[0].spelling if wanted else 'W'}, G)`"
            raise IndexcalcError("E404", message, asked.question.span, help_)
        cotangent = vector.symbol
    defined = [symbol for symbol in unread.symbols if unread.meaning(symbol) is not None]
    everything = [*unread.symbols, *([cotangent] if cotangent else [])]
    roots = [axis for symbol in defined for axis in _axes(unread.meaning(symbol))]
    dimension = scope.dimensions([axis for symbol in everything for axis in symbol.axes] + roots)
    lowering = Lowering(dimension, {*defined, *wanted})
    model = unread.model(wanted, lowering)
    seed: Node = number(1)
    given: Variable | None = None
    if cotangent is not None:
        given = variable(cotangent.name, lowering.shape(cotangent.axes))
        seed = given
        made = Input(cotangent.name, cotangent.spelling, cotangent.kind, (), given.shape, cotangent.assumed)
        if cotangent.assumed:
            texts.append(made.declaration)
    found = backward(model, [symbol.name for symbol in wanted], seed, prefix or _prefix(unread))
    asking = Asking(asked.text, line, asked.form, output.spelling, tuple(dict.fromkeys(asked.notes)))
    shown = [
        Input(s.name, s.spelling, s.kind, s.structure, lowering.shape(s.axes), s.assumed) for s in dict.fromkeys(wanted)
    ]
    source = Source(tuple(texts), output.name, given, frozenset(own))
    has_steps = unread.has_steps or any(unread.is_numbered(symbol) for symbol in unread.symbols)
    return Passes(asking, model, found, shown, source, has_steps)


def _axes(meaning: Core | None) -> Sequence[int]:
    return () if meaning is None else meaning.axes


def _symbol(asked: Asked, name: Name, unread: Unread) -> Symbol:
    """A variable that is asked for; a family by its name alone."""
    scope = asked.scope
    symbol = scope.lookup(name)[0]
    if symbol is None and not name.scripts and name.text in scope.open.open_stems:
        symbol = scope.open.shapes.get(name.text)
    if symbol is None:
        found = member_of(name)
        raise no_variable(scope, found[0] if found else scope.lookup(name)[1], name.span)
    units = {_unit(scope, other.name) for other in unread.symbols}
    if _unit(scope, symbol.name) not in units:
        raise no_variable(scope, symbol.spelling, name.span)
    return symbol


def _unit(scope: Scope, name: str) -> str:
    member = scope.open.members.get(name)
    return name if member is None else f"{member.family}[]"


def _prefix(unread: Unread) -> str:
    """What adjoints are called, so that none is called as something else."""
    names = {_stem(unread.scope, symbol.name) for symbol in unread.scope.symbols.values()}
    free = (prefix for prefix in PREFIXES if not any(prefix + name in names for name in names))
    return next(free, "_".join(PREFIXES))


def _stem(scope: Scope, name: str) -> str:
    member = scope.open.members.get(name)
    return name if member is None else member.family
