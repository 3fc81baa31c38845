"""What a file declares and defines, for the statements that follow."""

from __future__ import annotations

from collections.abc import Iterable

from indexcalc.errors import IndexcalcError
from indexcalc.language import core, syntax
from indexcalc.language.core import Core, Symbol
from indexcalc.language.differentials import Question
from indexcalc.language.index_notation import letters_of
from indexcalc.language.loops import sum_of_steps
from indexcalc.language.programs import Program
from indexcalc.language.recurrences import Recurrences, members_in
from indexcalc.language.scope import Reading, Scope, as_typed, kind_of
from indexcalc.language.statements import RANKS, SQUARE, Declaration, Definition
from indexcalc.language.steps import Extent, member_of
from indexcalc.language.syntax import Name


class Definitions:
    """Declarations and definitions, each put into the scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.recurrences = Recurrences(scope)
        self.kept: dict[str, None] = {}
        """The texts of what was declared and defined."""

    def keep(self, statement: Declaration | Program | Definition, text: str, loop: syntax.Loop | None = None) -> None:
        """What later statements may use, in each step of an open loop if there is one."""
        self.kept[text] = None
        if isinstance(statement, Declaration):
            self._declare(statement, text)
        elif isinstance(statement, Program):
            self.scope.programs[statement.name] = statement
        else:
            self._define(statement, text, loop)

    def _declare(self, declaration: Declaration, text: str) -> None:
        with self.scope.attempt(keep=True):
            if declaration.kind == "elementwise":
                self.scope.functions |= {name.text: name.span for name in declaration.names}
                return
            given = tuple([self._given(size) for size, _ in declaration.sizes])
            for name in declaration.names:
                axes = given or self._unknown_axes(declaration)
                spelled = syntax.spelling(name.text, name.scripts)
                symbol = Symbol(spelled, kind_of(axes), axes, as_typed(spelled, name, text), name.span, assumed=False)
                symbol.structure = declaration.structure
                self.scope.add(symbol)
                if found := member_of(name):
                    self.scope.open.members[found[0]] = found[1]
                    self.recurrences.learn([found[0]])

    def _given(self, size: str) -> int:
        """A size that is declared: ``n``, ``3``, ``m*n``."""
        fixed = []
        for part in size.split("*"):
            if part.isdigit():
                fixed.append(self.scope.sizes.fixed(int(part)))
            else:
                fixed.append(self.scope.sizes.fixed(part))
                self.scope.size_symbols.add(part)
        return fixed[0] if len(fixed) == 1 else self.scope.sizes.product(fixed)

    def _unknown_axes(self, declaration: Declaration) -> core.Axes:
        """``W: matrix`` says nothing of sizes."""
        axes = tuple([self.scope.sizes.new() for _ in range(RANKS[declaration.kind][0])])
        return axes[:1] * 2 if set(declaration.structure) & set(SQUARE) else axes

    def _define(self, definition: Definition, text: str, loop: syntax.Loop | None) -> None:
        with self.scope.attempt(keep=True):
            if self.scope.open.variable:
                extent = None if loop is None else self.scope.open.extent(loop)
                each = sum_of_steps(definition.body)
                added = None if each is None else self.scope.open.extent(each.loop)
                if extent is not None or (each is not None and added is not None):
                    self._repeat(definition, text, extent, each.body if extent is None and each else None, added)
                    return
                definition = definition._replace(body=self.opened(definition.body, text, definition.name.text))
                self.recurrences.foretell([definition.name], None, text)
            meaning, symbol, _ = self.meaning(definition.name, definition.body, text, ())
            declared = self.declared(symbol)
            if declared is None:
                self.scope.add(symbol)
                declared = symbol
            declared.meaning, declared.letters = meaning, symbol.letters
            self.recurrences.learn(members_in(definition.name))
        scripts = definition.name.scripts
        if scripts and scripts[-1].text.isdigit():
            self.scope.families.setdefault(definition.name.text, set()).add(int(scripts[-1].text))

    def _repeat(
        self, definition: Definition, text: str, extent: Extent | None, term: syntax.Syntax | None, added: Extent | None
    ) -> None:
        """A definition in each step of an open loop; or of a sum over steps, whose term is given."""
        body = definition.body if term is None else term
        self.recurrences.refuse_sums(body)
        self.recurrences.foretell([definition.name, body], extent or added, text)
        meaning, symbol, _ = self.meaning(definition.name, body, text, ())
        whole = extent or added
        assert whole is not None
        self.recurrences.keep(symbol, meaning, whole, added=extent is None)
        self.recurrences.learn([*members_in(body), *members_in(definition.name)])

    def opened(self, body: syntax.Syntax, text: str, stem: str) -> syntax.Syntax:
        """A text outside of loops, with a name for each sum over the steps of an open loop."""
        body = self.recurrences.named_sums(body, text, stem)
        self.recurrences.foretell([body], None, text)
        return body

    def asked(self, question: Question, text: str) -> Question:
        """A question with names for its sums over open loops, and the members of families that it has foretold."""
        if not self.scope.open.variable:
            return question
        body, left = question.body, question.left
        each = sum_of_steps(body)
        added = None if each is None else self.scope.open.extent(each.loop)
        if left is not None and each is not None and added is not None:
            self._repeat(Definition(left.span, left, body), text, None, each.body, added)
            self.scope.open.own.add(left.text)
            body = left._replace(span=body.span)
        elif not isinstance(body, Name):
            body = self.opened(body, text, "L")
        trees = [body, *question.variables, *([question.vector] if question.vector is not None else [])]
        self.recurrences.foretell(trees, None, text)
        return question._replace(
            body=body, left=body if question.left is question.body and isinstance(body, Name) else question.left
        )

    def declared(self, made: Symbol) -> Symbol | None:
        """What the user has declared of a name that is now given a meaning; None where nothing."""
        declared = self.scope.symbols.get(made.name)
        if declared is None:
            return None
        foretold = made.name in self.scope.open.members and made.name not in self.scope.open.recurrences
        if (declared.assumed and not foretold) or declared.meaning is not None:
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

    def meaning(
        self, name: Name, body: syntax.Syntax, text: str, variables: Iterable[str]
    ) -> tuple[Core, Symbol, Reading]:
        """The meaning of a right side, and the symbol that its left side makes."""
        reading = Reading(self.scope, text, variables)
        symbol, spelled, scripts = self.scope.lookup(name)
        reading.left_names = (name,) if symbol is None else ()
        left = tuple(letter for script in scripts for letter in letters_of(script) or ())
        if left and symbol is None and not reading.indexed(body):
            meaning, _ = reading.read(body, None)
            if not meaning.axes and not (name.text and _has_tensors(meaning)):  # it is broadcast to the left-hand side
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


def _has_tensors(meaning: Core) -> bool:
    """Whether a meaning is made of vectors, matrices or tensors: ``norm2(w)^2``."""
    stack = [meaning]
    while stack:
        part = stack.pop()
        if part.axes:
            return True
        stack += core.subcores(part)
    return False
