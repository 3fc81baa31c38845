"""What proves the passes of a model: for a few lengths its loops are written out, the printed equations are read back
as definitions, and every adjoint must equal the derivative of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from indexcalc.backprop.model import Equation, Model
from indexcalc.backprop.written import Written
from indexcalc.calculus.derivative import changed, jacobians, pullbacks
from indexcalc.errors import IndexcalcError
from indexcalc.language.definitions import Definitions
from indexcalc.language.lowering import Lowering
from indexcalc.language.order import Order
from indexcalc.language.programs import Program
from indexcalc.language.scope import Scope
from indexcalc.language.statements import Declaration, Definition
from indexcalc.numeric.certificate import Points, Refuted, Slope
from indexcalc.tensor.nodes import Node, Shape, Variable, descendants
from indexcalc.tensor.structure import restored

LENGTHS = 4
"""How many lengths are tried, from the least on."""
INDEXED = 2
"""For how many of them index notation is read, too."""
SEVERAL = 60
"""Equations of a model without open loops up to which index notation is read."""
STEMS = ("q", "r", "s", "p")
"""What names of ours begin with: the first that none of the user's begins with."""


class Source(NamedTuple):
    """The user's declarations and definitions as texts, what is asked (grad, vjp, jvp or hvp) and of what, and the
    cotangent or direction that was given. ``own`` are names that only we have given: of sums inside of right sides."""

    texts: tuple[str, ...]
    form: str
    output: str
    vector: Variable | None
    own: frozenset[str]
    changed: str = ""
    """What the change of the output is called, in jvp."""


class Proof:
    """The checks of some passes, under the names of ``written``."""

    def __init__(
        self,
        model: Model,
        written: Written,
        source: Source,
        least: Mapping[str, int],
        results: Mapping[str, tuple[Equation, ...]],
    ) -> None:
        self.model, self.written, self.source, self.least, self.results = model, written, source, least, results
        taken = [*model.members, *(e.name for e in model.equations), *(i.name for i in model.inputs)]
        self.stem = next(stem for stem in STEMS if not any(name.startswith(stem) for name in taken))

    def lengths(self) -> list[dict[str, int]]:
        """The lengths for which loops are written out: from the least on for which the equations hold."""
        least = self.least.items()
        return [{name: first + k for name, first in least} for k in range(LENGTHS)] if least else [{}]

    def check(self) -> tuple[bool, float | None]:
        """Whether every equation is proved, and not only seen in floats; and the largest error of the derivative beside
        differences, None where no point was found to compare them at. Raises IndexcalcError E490 for passes that are
        wrong."""
        errors: list[float | None] = []
        exact = True
        for place, lengths in enumerate(self.lengths()):
            both = place < INDEXED and (bool(lengths) or len(self.written.own) <= SEVERAL)
            for indexed in (False, True)[: 1 + both]:
                unrolled = Unrolled(self, lengths, indexed)
                errors += unrolled.errors(differences=place == 0 and not indexed)
                exact = exact and unrolled.exact
        known = [error for error in errors if error is not None]
        return exact, max(known, default=0.0) if len(known) == len(errors) else None


class Unrolled:
    """A model with its loops written out, as the user has it and as it was printed."""

    def __init__(self, proof: Proof, lengths: Mapping[str, int], indexed: bool) -> None:
        self.proof, self.model, self.lengths = proof, proof.model, lengths
        self.exact = True
        self.mistake: IndexcalcError | None = None
        """What is wrong with the user's texts at these lengths."""
        self.lines: list[str] = []
        self.pairs: list[tuple[str, str]] = []
        """Names of the user's with those that our texts give the same."""
        for k, equation in enumerate(self.model.equations):
            line = proof.written.line(equation)
            if equation.name not in proof.source.own:
                name = f"{proof.stem}{k}"
                name = self._renamed(equation.name, name) if equation.extent else name
                line = line._replace(name=name)
                self.pairs += zip(self._names(equation.name, equation), self._names(name, equation), strict=True)
            self.lines.append(line.text(indexed))
        self.lines += [proof.written.line(equation).text(indexed) for equation in proof.written.own]
        self.scope = self._read()

    def _renamed(self, name: str, family: str) -> str:
        member = self.model.members.get(name)
        if member is None:
            return family
        renamed = member._replace(family=family)
        self.model.members[renamed.name] = renamed
        return renamed.name

    def _read(self) -> Scope:
        """The user's texts, and lines of ours."""
        scope = Scope()
        definitions = Definitions(scope)
        order = Order(definitions)
        given = [f"{name} = {value}" for name, value in self.lengths.items()]
        texts = list(enumerate([*given, *self.proof.source.texts, *self.lines]))
        order.foresee(texts)
        for place, text in texts:
            try:
                statement = order.take(place, text)
                if isinstance(statement, Declaration | Definition | Program):
                    definitions.keep(statement, text)
            except IndexcalcError as error:
                if place < len(given) + len(self.proof.source.texts):  # nothing that is asked may depend on it
                    self.mistake = self.mistake or error
                    continue
                raise self.mistake or _failed(f"`{text}` cannot be read: {error.message}") from None
        for name, shape in self._shapes():
            symbol = scope.symbols.get(name)
            for axis, dimension in zip(symbol.axes if symbol is not None else (), shape, strict=False):
                if isinstance(dimension, str) and "*" not in dimension:  # 0, ones(n): what has the n of the model
                    scope.sizes.unify(axis, scope.sizes.fixed(dimension))
        return scope

    def _shapes(self) -> Iterator[tuple[str, Shape]]:
        """The shape of each name."""
        for i in self.model.inputs:
            member = self.model.members.get(i.name)
            if member is not None and member.family in self.model.ranges:
                low, high = (step.at(self.lengths) for step in self.model.ranges[member.family])
                yield from ((f"{member.family}_{k}", i.shape) for k in range(low, high + 1))
            else:
                yield from ((name, i.shape) for name in self._names(i.name))
        for equation in (*self.model.equations, *self.proof.written.own):
            yield from ((name, equation.left.shape) for name in self._names(equation.name, equation))

    # ------------------------------------------------------------------ names
    def _names(self, name: str, equation: Equation | None = None) -> list[str]:
        """What a name is called where loops are written out: h[t] is h_1, h_2, …"""
        member = self.model.members.get(name)
        if member is None:
            return [name]
        extent = None if equation is None else equation.extent
        if extent is None:
            return [f"{member.family}_{member.step.at(self.lengths)}"]
        low, high = [step.at(self.lengths) for step in extent.ends]
        return [f"{member.family}_{k + member.step.offset}" for k in range(low, high + 1)]

    def _wanted(self) -> Iterator[tuple[str, str]]:
        """Each variable with the result for it."""
        changed = self.proof.source.changed
        if changed:
            yield next(iter(self.proof.results)), self._names(changed)[0]
            return
        for name, equations in self.proof.results.items():
            member = self.model.members.get(name)
            for equation in equations:
                for result in self._names(equation.name, equation):
                    yield (name if member is None else f"{member.family}_{result.rpartition('_')[2]}"), result

    # ------------------------------------------------------------------ comparing
    def errors(self, differences: bool) -> list[float | None]:
        """Every right side must be what the user means by its name, and every adjoint the derivative. The errors of
        derivatives beside differences. Raises IndexcalcError E490."""
        symbols = self.scope.symbols
        wanted = dict(self._wanted())
        missing = [a for a, _ in self.pairs if a not in symbols or symbols[a].meaning is None]
        if self.mistake is not None and missing:
            raise self.mistake
        inputs = [name for name in wanted if symbols[name].meaning is None]
        found = self._compared({name: wanted[name] for name in inputs}, self.pairs, differences)
        for name in wanted:
            if symbols[name].meaning is not None:  # a definition, which stands for itself
                found += self._compared({name: wanted[name]}, (), differences)
        return found

    def _compared(
        self, wanted: Mapping[str, str], pairs: Sequence[tuple[str, str]], differences: bool
    ) -> list[float | None]:
        symbols = self.scope.symbols
        variables = [symbols[name] for name in wanted]
        dimension = self.scope.dimensions([axis for symbol in symbols.values() for axis in symbol.axes])
        lowering = Lowering(dimension, variables)

        def node(name: str) -> Node:
            return lowering.named(symbols[name])

        twins = {lowering.variable(v): lowering.known(v) for v in variables if v.structure}
        (output_name,) = self._names(self.proof.source.output)
        output, by = node(output_name), tuple([lowering.variable(v) for v in variables])
        form, given = self.proof.source.form, self.proof.source.vector
        vector = None if given is None else node(given.name)
        slopes: list[Slope] = []
        if form == "vjp" and vector is not None:
            expected = pullbacks(output, by, vector)
            slopes = [Slope(output, v, expected[v], "pullback", vector) for v in by]
        elif form == "jvp" and vector is not None:
            expected = {v: changed(output, {v: vector}) for v in by}
            slopes = [Slope(output, v, expected[v], "differential", vector) for v in by]
        else:
            expected = jacobians(output, by)
            slopes = [Slope(output, v, expected[v]) for v in by]
        if form == "hvp" and vector is not None:
            slopes += [Slope(expected[v], v, changed(expected[v], {v: vector}), "differential", vector) for v in by]
            expected = {v: changed(expected[v], {v: vector}) for v in by}
        sides = [(node(a), node(b)) for a, b in pairs]
        sides += [(expected[v], node(wanted[name])) for v, name in zip(by, wanted, strict=True)]
        sides = [(restored(a, twins), restored(b, twins)) for a, b in sides]
        kinds = {symbol.name: symbol.structure for symbol in symbols.values()}
        points = Points(descendants([output, *by, *[side for pair in sides for side in pair]]), kinds)
        for a, b in sides:
            self._equal(points, a, b)
        if not differences:
            return []
        try:
            return [points.differences(slope) for slope in slopes]
        except Refuted:
            raise _failed("the derivative is not the slope of the output") from None

    def _equal(self, points: Points, a: Node, b: Node) -> None:
        if a is b or (a.shape == b.shape and points.proved(lambda at: at.value(a), lambda at: at.value(b))):
            return
        self.exact = False
        try:
            if a.shape == b.shape and points.difference(lambda at: at.value(a), lambda at: at.value(b)) is not None:
                return
        except Refuted:
            pass
        raise _failed("an equation does not hold for " + ", ".join(f"{k} = {v}" for k, v in self.lengths.items()))


def _failed(how: str) -> IndexcalcError:
    message = f"the passes that were found are wrong: {how}; they are withheld"
    return IndexcalcError("E490", message, help="this is a mistake of indexcalc's, not of the input: please report it")
