"""One question as tensor expressions: what is differentiated by what, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from indexcalc.claims.names import Claim, Names, names_of
from indexcalc.derivation import Input, Task
from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import core, syntax
from indexcalc.language.characters import ascii_name
from indexcalc.language.core import Core, Leaf, Symbol, subcores
from indexcalc.language.definitions import Definitions
from indexcalc.language.differentials import Question, not_by_a_name
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.lowering import Lowering
from indexcalc.language.meant import Meant
from indexcalc.language.parser import normalise, parse
from indexcalc.language.scope import Reading, counted, kind_of, no_variable, walk
from indexcalc.language.syntax import Name
from indexcalc.tensor.functions import declared_functions
from indexcalc.tensor.nodes import Node, Variable
from indexcalc.tensor.structure import restored

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Passes

DISTINCT = "by the distinct entries of {} the derivative is G + G' - diag(diag(G)), where G is the one here"


class _Lowered(NamedTuple):
    """A question as tensor expressions, with what a task takes of it. The requests of a question share one, but for
    variables that have a structure, are definitions, or do not occur."""

    lowering: Lowering
    output: Node
    meant: Meant
    vector: Node | None
    twins: dict[Variable, Node]
    inputs: tuple[Input, ...]
    typed: tuple[tuple[Node, list[Node]], ...]
    defined: dict[Node, str]
    together: tuple[Variable, ...]


class Asked:
    """One question while it is worked out: its meaning, its names, its variables."""

    def __init__(self, definitions: Definitions, question: Question, text: str, wrt: Sequence[str], order: int) -> None:
        self.definitions, self.scope, self.question, self.text = definitions, definitions.scope, question, text
        self.form = question.form
        self.wanted = tuple(map(_parsed_name, wrt)) or question.variables
        spelled = [syntax.spelling(name.text, name.scripts) for name in self.wanted]
        self.name = ""
        self.reading: Reading | None = None
        self.meaning, self.letters, self.notes = self._output(spelled)
        if question.note:
            self.notes = [question.note, *self.notes]
        self.vector = None if question.vector is None else self._vector(question.vector)
        self.sizes: list[int] = []
        self.order = question.order if question.variables or question.form == "hess" else order
        read = self.reading
        known = read is not None and read.body is question.body
        self.text_letters = _index_letters(read.nodes if read is not None and known else walk(question.body))

    def _output(self, variables: Sequence[str]) -> tuple[Core, Letters | None, list[str]]:
        """The output's meaning, the letters of its axes (None in matrix notation), and notes."""
        left, body = self.question.left, self.question.body
        if left is not None and left is not body:  # a left-hand side, or an arrow
            meaning, symbol, self.reading = self.definitions.meaning(left, body, self.text, variables)
            self.name = symbol.name
            self.definitions.declared(symbol)
            return meaning, symbol.letters, self.reading.notes
        if isinstance(body, Name):
            symbol_, _, scripts = self.scope.lookup(body)
            if symbol_ is not None and (symbol_.meaning is not None or not scripts):
                letters = tuple(letter for script in scripts for letter in letters_of(script) or ())
                if letters and len(letters) != len(symbol_.axes):
                    axes = counted(len(symbol_.axes), "axis")
                    message = f"`{symbol_.spelling}` has {axes} and {counted(len(letters))} here"
                    raise IndexcalcError("E211", message, body.span)
                self.name = symbol_.name if symbol_.meaning is not None else ""
                return symbol_.leaf, letters or symbol_.letters, []
        self.reading = Reading(self.scope, self.text, variables)
        meaning, own = self.reading.read(body, None)
        return meaning, own, self.reading.notes

    def _vector(self, node: syntax.Syntax) -> Core:
        """The cotangent of vjp, or the direction of jvp and hvp: a name that is new has the shape that fits."""
        axes = self.meaning.axes if self.form == "vjp" else self._symbol(self.wanted[0]).axes
        if isinstance(node, Name):
            symbol, _, scripts = self.scope.lookup(node)
            if symbol is None:
                whole = syntax.spelling(node.text, node.scripts)
                symbol = Symbol(whole, kind_of(axes), axes, whole, node.span, assumed=True)
                self.scope.add(symbol)
                return symbol.leaf
            if not scripts:
                return self._fitting(symbol.leaf, axes, node.span)
        reading = Reading(self.scope, self.text)
        return self._fitting(reading.read(node, None)[0], axes, node.span)

    def _fitting(self, meaning: Core, axes: core.Axes, span: Span) -> Core:
        if len(meaning.axes) != len(axes) or not all(map(self.scope.sizes.unify, meaning.axes, axes)):
            what = "the output" if self.form == "vjp" else "the variable"
            given, wanted = (", ".join(map(self.scope.sizes.text, shape)) for shape in (meaning.axes, axes))
            message = f"this has the shape ({given}), and must have that of {what}, ({wanted})"
            raise IndexcalcError("E203", message, span)
        return meaning

    # ------------------------------------------------------------------ variables
    def _symbol(self, name: Name) -> Symbol:
        symbol, spelled, scripts = self.scope.lookup(name)
        if symbol is None:
            raise no_variable(self.scope, spelled, name.span)
        letters = sum(len(letters_of(script) or ()) for script in scripts)
        if letters not in (0, len(symbol.axes)):
            message = f"`{symbol.spelling}` has {counted(len(symbol.axes), 'axis')} and {counted(letters)} here"
            raise IndexcalcError("E211", message, name.span)
        if name in self.question.turned and len(symbol.axes) > 1:
            help_ = f"the derivative by `{symbol.spelling}`, or its transpose, is meant"
            raise IndexcalcError(
                "E304", "a derivative is by a variable, and this is the transpose of one", name.span, help_
            )
        return symbol

    @property
    def requests(self) -> list[tuple[tuple[Symbol, ...], tuple[Letters, ...]]]:
        """The variables of each answer, with the letters that the user gave their axes."""
        if self.form == "simplify":
            return [((), ())]
        each = [self._wanted(name) for name in self.wanted]
        if not each:
            each = [(symbol, ()) for symbol in self._leaves([self.meaning], ()) if symbol.meaning is None]
            if not each:
                raise IndexcalcError("E304", "there is no variable to differentiate by", self.question.span)
        if (self.question.variables and self.form != "grad") or (self.order == 2 and len(each) == 2 and self.wanted):
            return [(tuple(symbol for symbol, _ in each), tuple(letters for _, letters in each))]
        return [((symbol,) * self.order, (letters,)) for symbol, letters in each]

    def _wanted(self, name: Name) -> tuple[Symbol, Letters]:
        """A variable with its letters. What is wrong with it is in its own text, if it was given apart."""
        try:
            return self._symbol(name), self._letters(name)
        except IndexcalcError as error:
            if name not in self.question.variables:
                error.text = syntax.spelling(name.text, name.scripts)
                error.span = (0, len(error.text))
            raise

    def _letters(self, name: Name) -> Letters:
        return tuple(letter for script in self.scope.lookup(name)[2] for letter in letters_of(script) or ())

    def _leaves(self, roots: Sequence[Core], variables: Sequence[Symbol]) -> list[Symbol]:
        """The variables that meanings are made of, in the order in which they were first used. The sizes of all parts
        are noted."""
        found: dict[str, Symbol] = {}
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            part = stack.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            if not isinstance(part, Leaf):
                stack += subcores(part)
                self.sizes += part.axes
                if isinstance(part, core.Product):
                    self.sizes += [size for _, size in part.sizes]
                elif isinstance(part, core.SizeOf):
                    self.sizes.append(part.size)
            elif part.symbol.meaning is None or part.symbol in variables:
                found[part.symbol.name] = part.symbol
            else:
                stack.append(part.symbol.meaning)
        for symbol in found.values():
            self.scope.appear(symbol)
        return sorted(found.values(), key=attrgetter("place"))

    # ------------------------------------------------------------------ passes
    def passes(self, line: int, written_out: bool, prefix: str) -> Passes | None:
        """The passes of a first derivative that depends on an open loop; with ``written_out`` of any that has a name.
        Raises IndexcalcError E404 for what such loops cannot be asked."""
        from indexcalc.backprop.asking import passes  # most questions have no loops

        for name in self.wanted:
            symbol = self.scope.lookup(name)[0]
            if symbol is not None and {"symmetric", "spd"} & set(symbol.structure) and not self.meaning.axes:
                self.notes = [*self.notes, DISTINCT.format(symbol.spelling)]
        return passes(self, line, written_out, prefix)

    # ------------------------------------------------------------------ tasks
    def tasks(self, line: int, layout: str) -> Iterator[Task]:
        """One task for each request."""
        return (task for task, _ in self._lowered(line, layout))

    def claimed(self, line: int, claim: Claim) -> Iterator[tuple[Task, Names]]:
        """One task for each request, with what the names in a claim stand for."""
        for task, lowering in self._lowered(line, "numerator"):
            yield task, names_of(self.scope, task, lowering, claim)

    def _lowered(self, line: int, layout: str) -> Iterator[tuple[Task, Lowering]]:
        if self.form in ("grad", "hess", "hvp") and self.meaning.axes:
            help_ = "ask for the derivative `d a / d W`, or for `vjp(a, W, da)`"
            raise IndexcalcError("E217", "a gradient is of a scalar, and this has axes", self.question.body.span, help_)
        requests = self.requests
        if not requests[0][0] and self.form not in ("simplify",):
            raise IndexcalcError("E304", "there is no variable to differentiate by", self.question.span)
        together = [each[0] for each, _ in requests if len(each) == 1 and not each[0].structure]
        leaves: dict[tuple[Symbol, ...], list[Symbol]] = {}
        found: dict[tuple[Symbol, ...], _Lowered] = {}
        for variables, letters in requests:
            definitions = tuple([v for v in variables if v.meaning is not None])
            if definitions not in leaves:
                leaves[definitions] = self._leaves(self._roots, definitions)
            missing = [v for v in dict.fromkeys(variables) if v not in leaves[definitions]]
            special = tuple([v for v in variables if v in missing or v.meaning is not None or v.structure])
            if special not in found:
                found[special] = self._lower(special, [*leaves[definitions], *missing], together)
            notes = list(dict.fromkeys(self.notes))
            notes += [DISTINCT.format(v.spelling) for v in variables[:1] if self._is_symmetric_gradient(v)]
            notes += [f"{v.spelling} does not occur: the derivative is zero" for v in variables if v in missing]
            lowered = found[special]
            task = Task(
                text=self.text,
                form=self.form,
                output=lowered.output,
                meant=lowered.meant,
                wrt=tuple(map(lowered.lowering.variable, variables)),
                vector=lowered.vector,
                name=self.name,
                twins=lowered.twins,
                inputs=lowered.inputs,
                notes=tuple(notes),
                typed=lowered.typed,
                defined=lowered.defined,
                letters=(self.letters or (), *letters),
                preferred=self.text_letters,
                layout=layout,
                line=line,
                taken=frozenset(self.scope.symbols),
                together=lowered.together,
            )
            yield task, lowered.lowering

    @property
    def _roots(self) -> list[Core]:
        return [self.meaning, *([self.vector] if self.vector is not None else [])]

    def _lower(self, special: tuple[Symbol, ...], leaves: Sequence[Symbol], together: Sequence[Symbol]) -> _Lowered:
        """The question as tensor expressions in which ``special`` variables stand for themselves."""
        axes = [axis for part in (*leaves, *self._roots) for axis in part.axes]
        lowering = Lowering(self.scope.dimensions([*axes, *self.sizes]), special)
        output = lowering.lower(self.meaning)
        twins = {lowering.variable(v): lowering.known(v) for v in special if v.structure}
        inputs = [Input(s.name, s.spelling, s.kind, s.structure, lowering.shape(s.axes), s.assumed) for s in leaves]
        if self.scope.functions:
            inputs += [Input(name, name, "elementwise", (), (), False) for name in declared_functions([output])]
        return _Lowered(
            lowering=lowering,
            output=output,
            meant=Meant(self.meaning, leaves, lowering),
            vector=None if self.vector is None else lowering.lower(self.vector),
            twins=twins,
            inputs=tuple(inputs),
            typed=tuple((restored(total, twins), [restored(t, twins) for t in ts]) for total, ts in lowering.typed),
            defined={restored(node, twins): name for node, name in lowering.defined.items() if node.children},
            together=tuple(map(lowering.variable, together)),
        )

    def _is_symmetric_gradient(self, variable: Symbol) -> bool:
        structured = {"symmetric", "spd"} & set(variable.structure)
        return bool(structured) and not self.meaning.axes and self.order == 1 and self.form in ("diff", "grad")


def _parsed_name(text: str) -> Name:
    """The variable that a caller names: ``W``, ``W_kl``, ``λ``."""
    if text.isalpha():
        return Name((0, len(text)), ascii_name(text), ())
    statement = parse(normalise(text))
    (name,) = statement.left.items if len(statement.left.items) == 1 else (None,)
    if not isinstance(name, Name) or statement.right is not None:
        raise not_by_a_name(text, (0, len(text))).located(text)
    return name


def _index_letters(nodes: Iterable[syntax.Syntax]) -> Letters:
    """The letters that the user wrote, in order."""
    found: list[str] = []
    for node in nodes:
        if isinstance(node, Name):
            for script in node.scripts:
                found += letters_of(script) or ()
        elif isinstance(node, syntax.Indexed):
            found += letters_of(node.script) or ()
    return tuple(dict.fromkeys(found))
