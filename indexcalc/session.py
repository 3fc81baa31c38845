"""Statements to answers: what is declared and defined so far, and the questions that are asked of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from indexcalc.answer import Answer
from indexcalc.claims.names import Claim, Names, names_of
from indexcalc.derivation import Input, Task
from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import core, syntax
from indexcalc.language.characters import ascii_name
from indexcalc.language.core import Core, Leaf, Symbol, subcores
from indexcalc.language.differentials import Question, not_by_a_name
from indexcalc.language.index_notation import Letters, letters_of
from indexcalc.language.latex_words import is_blank, rows
from indexcalc.language.loops import at_step, steps, written_out
from indexcalc.language.lowering import Lowering
from indexcalc.language.parser import normalise, parse
from indexcalc.language.programs import Program
from indexcalc.language.scope import Reading, Scope, as_typed, counted, kind_of, no_variable, walk
from indexcalc.language.statements import RANKS, SQUARE, Declaration, Definition, claimed, classify, declaration
from indexcalc.language.statements import Claim as Claimed
from indexcalc.language.syntax import Name
from indexcalc.tensor.functions import declared_functions
from indexcalc.tensor.nodes import Dimension
from indexcalc.tensor.structure import restored

if TYPE_CHECKING:
    from indexcalc.claims.verdict import Verdict

Mode = Literal["run", "diff", "simplify", "check"]
DISTINCT = "by the distinct entries of {} the derivative is G + G' - diag(diag(G)), where G is the one here"
LAYOUTS = ("numerator", "denominator", "both")


MOST_LINES = 64
"""Lines that one statement may go on for."""


def split(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a text with the line that each begins on: one a line, a row of LaTeX or between semicolons;
    # and % begin comments. A line goes on while brackets, environments or dollars are open; if they never close, it
    stands alone."""
    lines = [_CODE.findall(line)[0].strip() for line in _LINE_END.split(text)]
    number = 0
    while number < len(lines):
        last = _last_line(lines, number)
        for offset, row in rows(lines[number : last + 1]):
            for piece in _SEMICOLON.split(row):
                if piece.strip() and not is_blank(piece):
                    yield number + offset + 1, piece.strip()
        number = last + 1


_LINE_END = re.compile(r"\r\n?|\n")
_CODE = re.compile(r"^(?:[^\\#%]|\\.?)*")
_SEMICOLON = re.compile(r"(?<!\\);")


def _last_line(lines: Sequence[str], first: int) -> int:
    """The line on which what opens on the first one is closed, or the first."""
    depth = displays = dollars = 0
    for number, line in enumerate(lines[first : first + MOST_LINES], first):
        depth += sum(map(line.count, ("(", "[", "{", r"\begin{"))) - sum(map(line.count, (")", "]", "}", r"\end{")))
        displays += line.count("$$")
        dollars += line.count("$")
        if depth < 0:
            return first
        if depth == 0 and displays % 2 == 0 and dollars % 2 == 0:
            return number
    return first


Place = tuple[int, str, int]
"""A statement's line and text, and its step in a loop."""


class Pending(NamedTuple):
    """A definition that stands below."""

    place: Place
    statement: syntax.Statement


class Session:
    """A file, or one question: its declarations and definitions in order."""

    def __init__(self) -> None:
        self.scope = Scope()
        self._later: dict[str, Pending] = {}
        self._early: set[Place] = set()
        self._wanted: list[str] = []
        self._parsed: dict[str, syntax.Statement] = {}

    def foresee(self, statements: Iterable[tuple[int, str]]) -> None:
        """The statements of a file with their lines: a definition may stand below what uses it."""
        found: list[tuple[int, str, syntax.Statement]] = []
        for line, text in statements:
            if "=" in text:
                try:
                    statement = self._parsed[normalise(text)] = parse(normalise(text))
                except IndexcalcError:
                    continue  # told where it stands
                if statement.relation == "=" and statement.right is not None:
                    found.append((line, text, statement))
                    left, right = statement.left.items[0], statement.right.items[0]
                    if isinstance(left, Name) and isinstance(right, syntax.Number):
                        self.scope.numbers[left.text] = right.value
        for line, text, statement in found:
            try:
                repeated = self._repeated(statement)
            except IndexcalcError:
                continue
            for step, once in enumerate(repeated):
                name = self._defined_by(once)
                if name:
                    self._later.setdefault(name, Pending((line, text, step), once))

    def _repeated(self, statement: syntax.Statement) -> list[syntax.Statement]:
        """A statement for each step of its loop."""
        loop = statement.loop
        if loop is None:
            return [statement]

        def side(side: syntax.Side, step: int) -> syntax.Side:
            return side._replace(items=tuple(at_step(item, loop.variable, step) for item in side.items))

        each = steps(loop, self.scope.whole)
        right = statement.right
        return [
            statement._replace(left=side(statement.left, k), right=right and side(right, k), loop=None) for k in each
        ]

    def _defined_by(self, statement: syntax.Statement) -> str:
        left = statement.left.items[0]
        if statement.relation != "=" or not isinstance(left, Name | syntax.Call):
            return ""
        return left.function if isinstance(left, syntax.Call) else self.scope.lookup(left)[1]

    # ------------------------------------------------------------------ statements
    def answers(
        self,
        text: str,
        mode: Mode = "run",
        *,
        wrt: Sequence[str] = (),
        order: int = 1,
        layout: str = "numerator",
        line: int = 1,
        claim: str | None = None,
    ) -> list[Answer | Verdict]:
        """What one statement asks: nothing for a declaration, else an answer a question, a verdict a claim.

        In mode "run" a definition is kept for the statements that follow; in the others its left-hand side names
        the output, and its right side is differentiated ("diff"), compared with ``claim`` ("check") or simplified
        ("simplify"). Raises IndexcalcError.
        """
        place = line, text
        text = normalise(text)
        try:
            parsed = self._parsed.pop(text, None) or parse(text)
            if parsed.loop is not None:
                for step, once in enumerate(self._repeated(parsed)):
                    self._settle(Pending((*place, step), once), parsed.loop.span)
                return []
            if (*place, 0) in self._early:
                return []
            self._define_first(parsed, text)
            statement = classify(parsed, self.scope)
            if isinstance(statement, Claimed):
                if mode not in ("run", "check") or claim is not None:
                    help_ = "a file takes it, and so does `indexcalc check` without --claim"
                    raise IndexcalcError("E107", "this is a claim", statement.span, help_)
                made = Claim(text, statement.formula, ())
                return list(self.verdicts(statement.question, text, made, line=line))
            if isinstance(statement, Declaration | Program) or (isinstance(statement, Definition) and mode == "run"):
                self._keep(statement, text)
                return []
            if isinstance(statement, Definition):
                statement = Question(statement.span, "simplify", statement.body, statement.name)
            if mode != "simplify" and mode != "run" and statement.form == "simplify":
                statement = statement._replace(form="diff")
            if mode == "check":
                formula = self._claim(claim, statement.span)
                return list(self.verdicts(statement, text, formula, wrt=wrt, order=order, line=line))
            tasks = self.tasks(statement, text, wrt=wrt, order=order, layout=layout, line=line)
        except IndexcalcError as error:
            raise error.located(text) from error.__cause__
        except RecursionError:
            raise IndexcalcError("E502", "this is nested too deeply", (0, len(text)), text=text) from None
        return [Answer(task) for task in tasks]

    def _keep(self, statement: Declaration | Program | Definition, text: str) -> None:
        """What later statements may use."""
        if isinstance(statement, Declaration):
            self._declare(statement, text)
        elif isinstance(statement, Program):
            self.scope.programs[statement.name] = statement
        else:
            self._define(statement, text)

    def _settle(self, pending: Pending, span: Span) -> None:
        """A declaration or definition that is repeated or wanted early."""
        if pending.place in self._early:
            return
        self._define_first(pending.statement, pending.place[1])
        found = classify(pending.statement, self.scope)
        if isinstance(found, Question | Claimed):
            message = "only declarations and definitions are repeated"
            raise IndexcalcError("E403", message, span, "ask for the steps one by one")
        self._keep(found, normalise(pending.place[1]))

    def _define_first(self, statement: syntax.Statement, text: str) -> None:
        """What a statement uses and a later one defines."""
        if not self._later or declaration(statement.left.items, statement.span) is not None:
            return
        defines = statement.left.items[0] if statement.relation == "=" else None
        items = [*statement.left.items, *(statement.right.items if statement.right else ())]
        for node in (
            node
            for item in items
            if item is not defines
            for node in walk(self._spread(item) if "for" in text else item)
        ):
            if isinstance(node, Name | syntax.Call):
                name = node.function if isinstance(node, syntax.Call) else self.scope.lookup(node)[1]
                known = self.scope.symbols.get(name)
                settled = known is not None and (known.assumed or known.meaning is not None)
                if name in self._later and not settled and name not in self.scope.programs:
                    self._define_now(name, node)

    def _spread(self, item: syntax.Syntax) -> syntax.Syntax:
        try:
            return written_out(item, self.scope.whole)
        except IndexcalcError:  # told when it is read
            return item

    def _define_now(self, name: str, node: Name | syntax.Call) -> None:
        """What is defined below, and is used here."""
        if name in self._wanted:
            circle = " → ".join([*self._wanted[self._wanted.index(name) :], name])
            raise IndexcalcError("E309", f"`{name}` is defined by itself: {circle}", node.span)
        pending = self._later[name]
        self._wanted.append(name)
        try:
            self._settle(pending, node.span)
        except IndexcalcError as error:
            if error.code == "E309":
                raise IndexcalcError("E309", error.message, node.span) from error
            if error.code == "E310":
                raise IndexcalcError("E310", error.message, node.span) from error
            message = f"`{name}` is defined in line {pending.place[0]}, and there is a mistake ({error.code})"
            raise IndexcalcError("E310", message, node.span) from error
        finally:
            self._wanted.pop()
        self._early.add(pending.place)

    def _declare(self, declaration: Declaration, text: str) -> None:
        with self.scope.attempt(keep=True):
            if declaration.kind == "elementwise":
                self.scope.functions |= {name.text: name.span for name in declaration.names}
                return
            given = []
            for size, _ in declaration.sizes:
                parts = [int(part) if part.isdigit() else part for part in size.split("*")]
                fixed = [self.scope.sizes.fixed(part) for part in parts]
                given.append(fixed[0] if len(fixed) == 1 else self.scope.sizes.product(fixed))
                self.scope.size_symbols |= {part for part in parts if isinstance(part, str)}
            for name in declaration.names:
                axes = tuple(given) or self._unknown_axes(declaration)
                spelled = syntax.spelling(name.text, name.scripts)
                symbol = Symbol(spelled, kind_of(axes), axes, as_typed(spelled, name, text), name.span, assumed=False)
                symbol.structure = declaration.structure
                self.scope.add(symbol)

    def _unknown_axes(self, declaration: Declaration) -> core.Axes:
        """``W: matrix`` says nothing of sizes."""
        axes = tuple([self.scope.sizes.new() for _ in range(RANKS[declaration.kind][0])])
        return axes[:1] * 2 if set(declaration.structure) & set(SQUARE) else axes

    def _define(self, definition: Definition, text: str) -> None:
        with self.scope.attempt(keep=True):
            meaning, symbol, _ = self._meaning(definition.name, definition.body, text, ())
            declared = self._declared(symbol)
            if declared is None:
                self.scope.add(symbol)
                declared = symbol
            declared.meaning, declared.letters = meaning, symbol.letters
        scripts = definition.name.scripts
        if scripts and scripts[-1].text.isdigit():
            self.scope.families.setdefault(definition.name.text, set()).add(int(scripts[-1].text))

    def _declared(self, made: Symbol) -> Symbol | None:
        """What the user has declared of a name that is now given a meaning; None where nothing."""
        declared = self.scope.symbols.get(made.name)
        if declared is None:
            return None
        if declared.assumed or declared.meaning is not None:
            raise IndexcalcError(
                "E305", f"`{made.spelling}` stands for something already", made.span, "give it another name"
            )
        if len(declared.axes) != len(made.axes) or not all(map(self.scope.sizes.unify, declared.axes, made.axes)):
            message = f"`{made.spelling}` is declared as {self._shape(declared)}, and this is {self._shape(made)}"
            raise IndexcalcError("E203", message, made.span)
        return declared

    def _shape(self, symbol: Symbol) -> str:
        """What an error says of a shape: a matrix(m, n)."""
        sizes = ", ".join(map(self.scope.sizes.text, symbol.axes))
        return f"a {kind_of(symbol.axes)}({sizes})" if sizes else "a scalar"

    def _meaning(
        self, name: Name, body: syntax.Syntax, text: str, variables: Iterable[str]
    ) -> tuple[Core, Symbol, Reading]:
        """The meaning of a right side, and the symbol that its left side makes."""
        reading = Reading(self.scope, text, variables)
        symbol, spelled, scripts = self.scope.lookup(name)
        reading.left_names = (name,) if symbol is None else ()
        left = tuple(letter for script in scripts for letter in letters_of(script) or ())
        if left and symbol is None and not reading.indexed(body):
            meaning, _ = reading.read(body, None)
            if not meaning.axes:  # a scalar is broadcast to the left-hand side
                axes = tuple([self.scope.sizes.new() for _ in left])
                labels = tuple(range(len(axes)))
                meaning = core.Product(axes, ((meaning, ()),), labels, tuple(zip(labels, axes, strict=True)))
                letters = left
            elif len(meaning.axes) == len(left):
                if not name.text:
                    help_ = "write the expression with indices, or leave the arrow out"
                    raise IndexcalcError("E201", "an arrow keeps indices, and there are none", name.span, help_)
                message = f"`{text[name.span[0] : name.span[1]]}` has indices, and the right side has none"
                whole = syntax.spelling(name.text, name.scripts)
                kind = ("scalar", "vector", "matrix")[len(left)]
                raise IndexcalcError("E201", message, name.span, f"if it is a name, declare it: `{whole}: {kind}`")
            else:
                spelled, letters = syntax.spelling(name.text, name.scripts), None
        else:
            meaning, letters = reading.read(body, left)
        kind = "row" if reading.kind == "r" else kind_of(meaning.axes)
        made = Symbol(spelled, kind, meaning.axes, spelled, name.span, assumed=False)
        made.letters = letters or ()
        return meaning, made, reading

    # ------------------------------------------------------------------ questions
    def tasks(
        self, question: Question, text: str, *, wrt: Sequence[str], order: int, layout: str, line: int
    ) -> list[Task]:
        """A question as tensor expressions; one task for each variable where none is named."""
        if layout not in LAYOUTS:
            message = f"the layout {layout!r} is not known"
            raise IndexcalcError("E404", message, help=f"the layouts are {', '.join(LAYOUTS)}")
        if order not in (1, 2):
            raise IndexcalcError("E505", "derivatives of order 1 and 2 are supported")
        with self.scope.attempt(keep=False):
            asked = _Asked(self, question, text, [_parsed_name(name) for name in wrt], order)
            tasks = list(asked.tasks(line, LAYOUTS[0] if layout == "both" else layout))
        if layout != "both":
            return tasks
        pairs = [(task, replace(task, layout="denominator")) for task in tasks]
        return [way for pair in pairs for way in (pair if pair[0].has_layouts else pair[:1])]

    def _claim(self, text: str | None, span: Span) -> Claim:
        """A formula that is given apart from its question."""
        if text is None:
            help_ = 'give the formula, `--claim "diag(1 - a.^2)*W"`, or write `d a / d x == diag(1 - a.^2)*W`'
            raise IndexcalcError("E107", "there is no claim to check", span, help_)
        text = normalise(text)
        try:
            formula, left = claimed(parse(text), self.scope)
        except IndexcalcError as error:
            raise error.located(text) from error.__cause__
        return Claim(text, formula, left)

    def verdicts(
        self, question: Question, text: str, claim: Claim, *, wrt: Sequence[str] = (), order: int = 1, line: int = 1
    ) -> Iterator[Verdict]:
        """What is to be said of a claim, for each variable in ``wrt``."""
        from indexcalc.claims.check import checked  # most files have no claim

        if order not in (1, 2):
            raise IndexcalcError("E505", "derivatives of order 1 and 2 are supported")
        with self.scope.attempt(keep=False):
            asked = _Asked(self, question, text, [_parsed_name(name) for name in wrt], order)
            if not asked.wanted and len(asked.requests) > 1:
                message = "a claim is about the derivative by one variable, and none is named"
                raise IndexcalcError("E304", message, question.span, "name it: `--wrt x`, `d a / d x == …`")
            for task, names in asked.claimed(line, claim):
                try:
                    yield checked(task, names, claim)
                except IndexcalcError as error:
                    raise error.located(claim.text) from error.__cause__


class _Asked:
    """One question while it is worked out: its meaning, its names, its variables."""

    def __init__(self, session: Session, question: Question, text: str, wrt: Sequence[Name], order: int) -> None:
        self.session, self.scope, self.question, self.text = session, session.scope, question, text
        self.form = question.form
        self.wanted = tuple(wrt) or question.variables
        spelled = [syntax.spelling(name.text, name.scripts) for name in self.wanted]
        self.name = ""
        self.meaning, self.letters, self.notes = self._output(spelled)
        if question.note:
            self.notes = [question.note, *self.notes]
        self.vector = None if question.vector is None else self._vector(question.vector)
        self.order = question.order if question.variables or question.form == "hess" else order
        self.text_letters = _index_letters(question.body)

    def _output(self, variables: Sequence[str]) -> tuple[Core, Letters | None, list[str]]:
        """The output's meaning, the letters of its axes (None in matrix notation), and notes."""
        left, body = self.question.left, self.question.body
        if left is not None and left is not body:  # a left-hand side, or an arrow
            meaning, symbol, reading = self.session._meaning(left, body, self.text, variables)
            self.name = symbol.name
            self.session._declared(symbol)
            return meaning, symbol.letters, reading.notes
        if isinstance(body, Name):
            symbol_, _, scripts = self.scope.lookup(body)
            if symbol_ is not None and (symbol_.meaning is not None or not scripts):
                letters = tuple(letter for script in scripts for letter in letters_of(script) or ())
                if letters and len(letters) != len(symbol_.axes):
                    axes = counted(len(symbol_.axes), "axis")
                    message = f"`{symbol_.spelling}` has {axes} and {counted(len(letters))} here"
                    raise IndexcalcError("E211", message, body.span)
                self.name = symbol_.name if symbol_.meaning is not None else ""
                return Leaf(symbol_.axes, symbol_), letters or symbol_.letters, []
        reading = Reading(self.scope, self.text, variables)
        meaning, own = reading.read(body, None)
        return meaning, own, reading.notes

    def _vector(self, node: syntax.Syntax) -> Core:
        """The cotangent of vjp, or the direction of jvp and hvp: a name that is new has the shape that fits."""
        axes = self.meaning.axes if self.form == "vjp" else self._symbol(self.wanted[0]).axes
        if isinstance(node, Name):
            symbol, _, scripts = self.scope.lookup(node)
            if symbol is None:
                whole = syntax.spelling(node.text, node.scripts)
                symbol = Symbol(whole, kind_of(axes), axes, whole, node.span, assumed=True)
                self.scope.add(symbol)
                return Leaf(axes, symbol)
            if not scripts:
                return self._fitting(Leaf(symbol.axes, symbol), axes, node.span)
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
        if self.question.variables or (self.order == 2 and len(each) == 2 and self.wanted):
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
        """The variables that meanings are made of, in the order in which they were first used."""
        found: dict[str, Symbol] = {}
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            part = stack.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            if isinstance(part, Leaf):
                if part.symbol.meaning is None or part.symbol in variables:
                    found[part.symbol.name] = part.symbol
                else:
                    stack.append(part.symbol.meaning)
            stack.extend(subcores(part))
        for symbol in found.values():
            self.scope.appear(symbol)
        return sorted(found.values(), key=lambda symbol: symbol.place)

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
        for variables, letters in requests:
            roots = [self.meaning, *([self.vector] if self.vector is not None else [])]
            leaves = self._leaves(roots, variables)
            leaves += [symbol for symbol in dict.fromkeys(variables) if symbol not in leaves]
            dimension = self._dimensions(leaves, roots)
            lowering = Lowering(dimension, variables)
            output = lowering.lower(self.meaning)
            vector = None if self.vector is None else lowering.lower(self.vector)
            twins = {lowering.variable(v): lowering.known(v) for v in variables if v.structure}
            notes = list(dict.fromkeys(self.notes))
            notes += [DISTINCT.format(v.spelling) for v in variables[:1] if self._is_symmetric_gradient(v)]
            notes += [
                f"{v.spelling} does not occur: the derivative is zero"
                for v in variables
                if v not in self._leaves(roots, variables)
            ]
            task = Task(
                text=self.text,
                form=self.form,
                output=output,
                wrt=tuple(lowering.variable(symbol) for symbol in variables),
                vector=vector,
                name=self.name,
                twins=twins,
                inputs=(
                    *[
                        Input(s.name, s.spelling, s.kind, s.structure, lowering.shape(s.axes), s.assumed)
                        for s in leaves
                    ],
                    *(Input(name, name, "elementwise", (), (), False) for name in declared_functions([output])),
                ),
                notes=tuple(notes),
                typed=tuple((restored(total, twins), [restored(t, twins) for t in ts]) for total, ts in lowering.typed),
                defined={restored(node, twins): name for node, name in lowering.defined.items() if node.children},
                letters=(self.letters or (), *letters),
                preferred=self.text_letters,
                layout=layout,
                line=line,
                taken=frozenset(self.scope.symbols),
                together=tuple(
                    lowering.variable(v) for each, _ in requests if len(each) == 1 for v in each if not v.structure
                ),
            )
            yield task, lowering

    def _is_symmetric_gradient(self, variable: Symbol) -> bool:
        structured = {"symmetric", "spd"} & set(variable.structure)
        return bool(structured) and not self.meaning.axes and self.order == 1 and self.form in ("diff", "grad")

    def _dimensions(self, leaves: Sequence[Symbol], roots: Sequence[Core]) -> Callable[[int], Dimension]:
        sizes = self.scope.sizes
        order = [axis for symbol in leaves for axis in symbol.axes] + [axis for root in roots for axis in root.axes]
        named = sizes.symbols(order, self.scope.symbols)

        def dimension(size: int) -> Dimension:
            root = sizes.find(size)
            if root not in named:
                named.update(sizes.symbols([root], {*self.scope.symbols, *map(str, named.values())}))
            return named[root]

        return dimension


def _parsed_name(text: str) -> Name:
    """The variable that a caller names: ``W``, ``W_kl``, ``λ``."""
    if text.isalpha():
        return Name((0, len(text)), ascii_name(text), ())
    statement = parse(normalise(text))
    (name,) = statement.left.items if len(statement.left.items) == 1 else (None,)
    if not isinstance(name, Name) or statement.right is not None:
        raise not_by_a_name(text, (0, len(text))).located(text)
    return name


def _index_letters(body: syntax.Syntax) -> Letters:
    """The letters that the user wrote, in order."""
    found: list[str] = []
    stack = [body]
    while stack:
        node = stack.pop()
        scripts = node.scripts if isinstance(node, Name) else (node.script,) if isinstance(node, syntax.Indexed) else ()
        found += [letter for script in scripts for letter in letters_of(script) or ()]
        stack.extend(reversed(syntax.children(node)))
    return tuple(dict.fromkeys(found))


# ---------------------------------------------------------------------- the public functions
def diff(
    text: str,
    wrt: str | Sequence[str] | None = None,
    let: Sequence[str] = (),
    order: int = 1,
    layout: str = "numerator",
) -> Answer:
    """The derivative of an expression by a variable: the first of ``differentiate``'s answers."""
    return differentiate(text, wrt, let, order, layout)[0]


def differentiate(
    text: str,
    wrt: str | Sequence[str] | None = None,
    let: Sequence[str] = (),
    order: int = 1,
    layout: str = "numerator",
) -> list[Answer]:
    """The derivatives of an expression: by each variable in ``wrt``, or by each that it has. ``order`` 2 with
    two variables is the mixed derivative. Statements before the last, between semicolons, are definitions.

    Raises IndexcalcError.
    """
    session, last = _prepared(text, let)
    names = [wrt] if isinstance(wrt, str) else list(wrt or ())
    answers = session.answers(last, "diff", wrt=names, order=order, layout=layout)
    return [answer for answer in answers if isinstance(answer, Answer)] or _nothing(last)


def simplify(text: str, let: Sequence[str] = ()) -> Answer:
    """An expression in its simplest form: an answer of order 0. Raises IndexcalcError."""
    session, last = _prepared(text, let)
    answers = session.answers(last, "simplify")
    return next((answer for answer in answers if isinstance(answer, Answer)), None) or _nothing(last)


def check(
    text: str,
    wrt: str | Sequence[str] | None = None,
    claim: str | None = None,
    let: Sequence[str] = (),
    order: int = 1,
) -> Verdict:
    """What is to be said of a formula that is claimed to be the derivative of an expression: the first of
    ``verdicts``. Without ``claim`` the last statement is one, ``d a / d W == …``. Raises IndexcalcError."""
    return verdicts(text, wrt, claim, let, order)[0]


def verdicts(
    text: str,
    wrt: str | Sequence[str] | None = None,
    claim: str | None = None,
    let: Sequence[str] = (),
    order: int = 1,
) -> list[Verdict]:
    """What is to be said of a claim, for each variable in ``wrt``. Raises IndexcalcError."""
    session, last = _prepared(text, let)
    names = [wrt] if isinstance(wrt, str) else list(wrt or ())
    found = session.answers(last, "check", wrt=names, order=order, claim=claim)
    return [verdict for verdict in found if not isinstance(verdict, Answer)] or _nothing(last)


def run(text: str) -> Iterator[Answer | Verdict]:
    """The answers to a file's questions and the verdicts on its claims, in order. Raises IndexcalcError at the first
    bad statement."""
    session = Session()
    session.foresee(split(text))
    for line, statement in split(text):
        yield from session.answers(statement, line=line)


def prepared(let: Sequence[str]) -> Session:
    """A session with these declarations. Raises IndexcalcError."""
    session = Session()
    for text in let:
        if session.answers(text, "simplify"):
            raise IndexcalcError("E307", "this is no declaration", (0, len(text)), "`W: matrix(m, n)`", text)
    return session


def _prepared(text: str, let: Sequence[str]) -> tuple[Session, str]:
    """A session with declarations and the statements before the last; and the last one."""
    session = prepared(let)
    statements = list(split(text))
    if not statements:
        raise IndexcalcError("E107", "there is nothing to read", (0, len(text)), text=text)
    session.foresee(statements[:-1])
    for line, statement in statements[:-1]:
        session.answers(statement, line=line)
    return session, statements[-1][1]


def _nothing(text: str) -> NoReturn:
    raise IndexcalcError("E107", "this is a declaration, not an expression", (0, len(text)), text=text)
