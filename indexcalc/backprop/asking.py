"""A question about a model → its passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexcalc.backprop.adjoints import Backward, backward
from indexcalc.backprop.model import Equation, Model, lengths
from indexcalc.backprop.passes import Asking, Passes
from indexcalc.backprop.proof import Source
from indexcalc.backprop.reading import Unread
from indexcalc.backprop.tangents import given as given_changes
from indexcalc.backprop.tangents import tangents
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

PREFIXES = ("d", "adj", "grad")
"""What the names of adjoints begin with: the first with which none is another name."""
CHANGES = ("D", "change", "tangent")
"""What the names of changes begin with."""
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
    wanted: tuple[Name, ...]
    vector: Core | None
    order: int


def passes(asked: Asked, line: int, written_out: bool, prefix: str) -> Passes | None:
    """The passes of a question that depends on an open loop; with ``written_out`` of any first derivative of a scalar.
    Adjoints are named with ``prefix``, "" for one of ours. Raises IndexcalcError E404, E304."""
    scope = asked.scope
    texts = list(asked.definitions.kept)
    if prefix and not prefix.isalpha():
        raise IndexcalcError("E404", f"{prefix!r} cannot begin a name", help="a prefix is a word: `--prefix adj`")
    output = asked.meaning.symbol if isinstance(asked.meaning, Leaf) else _named(asked)
    own = set(scope.open.own)
    if not isinstance(asked.meaning, Leaf) or output.name in own:
        texts.append(f"{output.name} = {asked.text[slice(*asked.question.body.span)]}")
        own.discard(output.name)
    unread = Unread(scope, output)
    if not unread.has_steps and not written_out:
        return None
    fits = asked.form in ("vjp", "jvp", "hvp") or (asked.form in ("diff", "grad") and asked.order == 1)
    plain = asked.form in ("diff", "grad") and not output.axes
    if not unread.has_steps and (not fits or not plain or unread.meaning(output) is None):
        return None
    if not fits:
        message = "only gradients and products with a vector go through a loop whose length is a symbol"
        help_ = "give the length a number, `T = 4`; or ask for `grad(L)`, `hvp(L, W, V)`, `vjp(h[T], W, G)`"
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


def _made(asked: Asked, line: int, unread: Unread, texts: list[str], own_names: set[str], prefix: str) -> Passes:
    scope, output = asked.scope, unread.output
    inputs = unread.inputs()
    wanted = [_symbol(asked, name, unread) for name in asked.wanted] or inputs
    vector = _vector(asked, output, wanted)
    defined = [symbol for symbol in unread.symbols if unread.meaning(symbol) is not None]
    everything = [*unread.symbols, *([vector] if vector else [])]
    roots = [axis for symbol in defined for axis in _axes(unread.meaning(symbol))]
    dimension = scope.dimensions([axis for symbol in everything for axis in symbol.axes] + roots)
    lowering = Lowering(dimension, {*defined, *wanted})
    model = unread.model(wanted, lowering)
    given: Variable | None = None
    if vector is not None:
        given = variable(vector.name, lowering.shape(vector.axes))
        if vector.assumed:
            texts.append(Input(vector.name, vector.spelling, vector.kind, (), given.shape, True).declaration)
    prefix = prefix or _prefix(unread, PREFIXES)
    parts = [("forward", equation) for equation in model.equations]
    names = [symbol.name for symbol in wanted]
    form, changed = asked.form, ""
    if form in ("jvp", "hvp") and names[0] in model.members:
        message = f"`{wanted[0].spelling}` is another one in each step, and has no one direction"
        raise IndexcalcError("E404", message, asked.wanted[0].span, "take a variable that is the same in all steps")
    if form == "jvp":
        change = _prefix(unread, CHANGES)
        found = Backward((), {}, {}, lengths(model), prefix, {})
        made = tangents(model, model.equations, lowering.variable(wanted[0]), given or number(0), change)
        own = [*given_changes(model, lowering.variable(wanted[0]), change, list(made.values())), *made.values()]
        changed = model.prefixed(model.output, change).name
        results = {names[0]: tuple([e for e in own if model.unit(e.name) == model.unit(changed)])}
        parts += [("change", e) for e in own]
    else:
        seed = given if form == "vjp" and given is not None else number(1)
        found = backward(model, names, seed, prefix)
        results = found.wanted
        every = {equation for equations in results.values() for equation in equations}
        if form == "hvp":
            parts, results = _second(unread, model, found, lowering.variable(wanted[0]), given or number(0), parts)
        else:
            parts += [("backward", e) for e in found.equations if e not in every]
            parts += [("gradient", e) for e in found.equations if e in every]
    asking = Asking(asked.text, line, form, output.spelling, tuple(dict.fromkeys(asked.notes)))
    shown = [
        Input(s.name, s.spelling, s.kind, s.structure, lowering.shape(s.axes), s.assumed) for s in dict.fromkeys(wanted)
    ]
    source = Source(tuple(texts), form, output.name, given, frozenset(own_names), changed)
    has_steps = unread.has_steps or any(unread.is_numbered(symbol) for symbol in unread.symbols)
    return Passes(asking, model, found, shown, source, parts, results, has_steps)


def _second(
    unread: Unread, model: Model, found: Backward, by: Variable, direction: Node, parts: list[tuple[str, Equation]]
) -> tuple[list[tuple[str, Equation]], dict[str, tuple[Equation, ...]]]:
    """A Hessian-vector product: the changes of both passes."""
    prefix = _prefix(unread, CHANGES)
    made = tangents(model, [*model.equations, *found.equations], by, direction, prefix)
    forward = [made[e] for e in model.equations if e in made and e.left is not model.output]
    zero = given_changes(model, by, prefix, forward)
    (gradient,) = found.wanted[by.name]
    result = made.get(gradient)
    parts = [
        *parts,
        *(("change", e) for e in (*zero, *forward)),
        *(("backward", e) for e in found.equations if e is not gradient),
        *(("second", made[e]) for e in found.equations if e in made and e is not gradient),
        *(("result", e) for e in ([result] if result else [])),
    ]
    return parts, {by.name: (result,) if result else ()}


def _vector(asked: Asked, output: Symbol, wanted: Sequence[Symbol]) -> Symbol | None:
    """The cotangent or the direction. Raises IndexcalcError E404 where it has no name."""
    vector = asked.vector
    if vector is None and not output.axes:
        return None
    if vector is None or not isinstance(vector, Leaf) or vector.symbol.meaning is not None:
        message = "through a loop of any length there are only products with a vector that has a name"
        if vector is None:
            message = f"`{output.spelling}` is no scalar, and {message}"
        help_ = f"`vjp({output.spelling}, {wanted[0].spelling if wanted else 'W'}, G)`"
        raise IndexcalcError("E404", message, asked.question.span, help_)
    return vector.symbol


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


def _prefix(unread: Unread, choice: Sequence[str]) -> str:
    """What adjoints or changes are called, so that none is called as something else."""
    names = {_stem(unread.scope, symbol.name) for symbol in unread.scope.symbols.values()}
    free = (prefix for prefix in choice if not any(prefix + name in names for name in names))
    return next(free, "".join(choice))


def _stem(scope: Scope, name: str) -> str:
    member = scope.open.members.get(name)
    return name if member is None else member.family
