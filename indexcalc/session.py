"""Statements to answers: what is declared and defined so far, and the questions that are asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from indexcalc.answer import Answer
from indexcalc.asking import Asked
from indexcalc.claims.names import Claim
from indexcalc.errors import IndexcalcError, Span
from indexcalc.language.definitions import Definitions
from indexcalc.language.differentials import Question
from indexcalc.language.loops import written_out
from indexcalc.language.order import Order
from indexcalc.language.parser import normalise, parse
from indexcalc.language.programs import Program
from indexcalc.language.scope import Scope
from indexcalc.language.splitting import split
from indexcalc.language.statements import Claim as Claimed
from indexcalc.language.statements import Declaration, Definition, claimed

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from indexcalc.backprop.gradient import Gradient
    from indexcalc.backprop.passes import Passes
    from indexcalc.claims.verdict import Verdict

PassesMode = Literal["none", "open", "loops", "all"]
Mode = Literal["run", "diff", "simplify", "check"]
KEPT = (Declaration, Program)
"""Statements that are never an expression."""
LAYOUTS = ("numerator", "denominator", "both")


class Session:
    """A file, or one question: its declarations and definitions in order."""

    def __init__(self, passes: PassesMode = "open", prefix: str = "") -> None:
        """``passes``: which first derivatives come with their forward and backward pass: those through loops whose
        length is a symbol, through any loop, or all of what has a name. Adjoints are named with ``prefix``."""
        self.scope = Scope()
        self.passes, self.prefix = passes, prefix
        self._definitions = Definitions(self.scope)
        self._order = Order(self._definitions)

    def foresee(self, statements: Iterable[tuple[int, str]]) -> None:
        """The statements of a file with their lines: a definition may stand below what uses it."""
        self._order.foresee(statements)

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
    ) -> list[Answer | Gradient | Verdict]:
        """What one statement asks: nothing for a declaration, else an answer a question, a verdict a claim.

        In mode "run" a definition is kept for the statements that follow; in the others its left-hand side names
        the output, and its right side is differentiated ("diff"), compared with ``claim`` ("check") or simplified
        ("simplify"). Raises IndexcalcError.
        """
        typed, text = text, normalise(text)
        try:
            statement = self._order.take(line, typed)
            if statement is None:
                return []
            if isinstance(statement, Claimed):
                if mode not in ("run", "check") or claim is not None:
                    help_ = "a file takes it, and so does `indexcalc check` without --claim"
                    raise IndexcalcError("E107", "this is a claim", statement.span, help_)
                made = Claim(text, statement.formula, ())
                return list(self.verdicts(statement.question, text, made, line=line))
            if isinstance(statement, KEPT) or (isinstance(statement, Definition) and mode == "run"):
                self._definitions.keep(statement, text)
                return []
            if isinstance(statement, Definition):
                statement = Question(statement.span, "simplify", statement.body, statement.name)
            if mode != "simplify" and mode != "run" and statement.form == "simplify":
                statement = statement._replace(form="diff")
            if mode == "check":
                formula = self._claim(claim, statement.span)
                return list(self.verdicts(statement, text, formula, wrt=wrt, order=order, line=line))
            return self.asked(statement, text, wrt=wrt, order=order, layout=layout, line=line)
        except IndexcalcError as error:
            raise error.located(text) from error.__cause__
        except RecursionError:
            raise IndexcalcError("E502", "this is nested too deeply", (0, len(text)), text=text) from None

    # ------------------------------------------------------------------ questions
    def asked(
        self, question: Question, text: str, *, wrt: Sequence[str], order: int, layout: str, line: int
    ) -> list[Answer | Gradient | Verdict]:
        """The answers to a question; one for each variable where none is named."""
        if layout not in LAYOUTS:
            message = f"the layout {layout!r} is not known"
            raise IndexcalcError("E404", message, help=f"the layouts are {', '.join(LAYOUTS)}")
        if order not in (1, 2):
            raise IndexcalcError("E505", "derivatives of order 1 and 2 are supported")
        with self.scope.attempt(keep=False):
            asked = Asked(self._definitions, self._definitions.asked(question, text), text, wrt, order)
            written_out = self.passes == "all" or (self.passes == "loops" and bool(self.scope.families))
            passes = None
            if self.scope.open.recurrences or written_out:
                passes = asked.passes(line, written_out, self.prefix)
            if passes is not None and passes.is_open:
                return list(passes.gradients)
            tasks = list(asked.tasks(line, LAYOUTS[0] if layout == "both" else layout))
        if layout == "both":
            pairs = [(task, task._replace(layout="denominator")) for task in tasks]
            tasks = [way for pair in pairs for way in (pair if pair[0].has_layouts else pair[:1])]
        return [Answer(task, passes=passes) for task in tasks]

    def _claim(self, text: str | None, span: Span) -> Claim:
        """A formula that is given apart from its question."""
        if text is None:
            help_ = 'give the formula, `--claim "diag(1 - a.^2)*W"`, or write `d a / d x == diag(1 - a.^2)*W`'
            raise IndexcalcError("E107", "there is no claim to check", span, help_)
        text = normalise(text)
        try:
            formula, left = claimed(self.scope.open.placed(parse(text)), self.scope)
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
            asked = Asked(self._definitions, self._definitions.asked(question, text), text, wrt, order)
            loops = bool(self.scope.open.recurrences or self.scope.families)
            passes = asked.passes(line, True, self.prefix) if loops and self.passes != "none" else None
            if passes is not None and passes.has_steps:
                yield self._over_steps(passes, text, claim, wrt)
                return
            if "for" in claim.text:
                claim = claim._replace(tree=written_out(claim.tree, self.scope.whole))
            if not asked.wanted and len(asked.requests) > 1:
                message = "a claim is about the derivative by one variable, and none is named"
                raise IndexcalcError("E304", message, question.span, "name it: `--wrt x`, `d a / d x == …`")
            for task, names in asked.claimed(line, claim):
                try:
                    yield checked(task, names, claim)
                except IndexcalcError as error:
                    raise error.located(claim.text) from error.__cause__

    def _over_steps(self, passes: Passes, text: str, claim: Claim, wrt: Sequence[str]) -> Verdict:
        """What is to be said of a claim about a model with loops, in which adjoints may be named: for a few lengths,
        with the loops written out."""
        inside = claim.text == text
        more: dict[str, Any] = {} if inside else {"mode": "check", "claim": claim.text, "wrt": wrt}

        def said(texts: Sequence[str], mode: PassesMode) -> Verdict:
            session = Session(mode)
            statements = list(enumerate(texts))
            session.foresee(statements)
            for line, each in statements:
                session.answers(each, line=line)
            (verdict,) = session.answers(text, line=passes.asking.line, **more)
            assert is_verdict(verdict)
            return verdict

        if not passes.is_open:
            verdict = said(passes.definitions({}), "none")
            lengths = [name for name, value in self.scope.open.lengths.items() if value]
            if verdict.holds or not lengths or "for" not in claim.text:
                return verdict
            texts = [each for each in passes.source.texts if each.partition("=")[0].strip() not in lengths]
            shorter = said(texts, "open")  # fewer steps say best what is wrong
            return verdict if shorter.holds else shorter
        for lengths_ in passes.lengths:
            place, verdict = _shown(lengths_), said(passes.definitions(lengths_), "none")
            if not verdict.holds:
                break
        notes = [*passes.report.notes, f"with the loops written out for {passes.tried if verdict.holds else place}"]
        right = "; ".join([line.text() for gradient in passes.gradients for line in gradient.lines])
        return replace(verdict, notes=notes, typed=claim.text[slice(*claim.tree.span)], right=right)


def _shown(lengths: Mapping[str, int]) -> str:
    return " and ".join(f"{name} = {value}" for name, value in lengths.items())


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

    Raises IndexcalcError: E404 for a loop whose length is a symbol, which ``program`` is for.
    """
    found = answered(Session(), text, wrt, let, order, layout)
    answers = [answer for answer in found if isinstance(answer, Answer)]
    if found and not answers:
        message = "the length of a loop is a symbol here"
        help_ = "take its code: `indexcalc diff … --format numpy`, `indexcalc.program(…).to_code()`"
        raise IndexcalcError("E404", message, help=help_, text=text)
    return answers or _nothing(text)


def program(text: str, wrt: str | Sequence[str] | None = None, let: Sequence[str] = (), prefix: str = "") -> Passes:
    """The forward and the backward pass of a scalar by the variables in ``wrt``, or by all: an equation for each name
    that the text defines and for the adjoint of each, d or ``prefix`` before the name. Loops stay loops where their
    length is a symbol. Raises IndexcalcError."""
    names = [wrt] if isinstance(wrt, str) else list(wrt or ())
    found = answered(Session("all", prefix), text, names, let)
    passes = next((answer.passes for answer in found if answer.passes is not None), None)
    if passes is None:
        message = "there is no scalar here that names are defined for"
        raise IndexcalcError("E217", message, help="define it, `L = norm2(a)^2`, or ask for `vjp(a, W, G)`", text=text)
    return passes


def answered(
    session: Session,
    text: str,
    wrt: str | Sequence[str] | None = None,
    let: Sequence[str] = (),
    order: int = 1,
    layout: str = "numerator",
) -> list[Answer | Gradient]:
    """What a session answers to an expression. Raises IndexcalcError."""
    last = _prepared(session, text, let)
    names = [wrt] if isinstance(wrt, str) else list(wrt or ())
    found = session.answers(last, "diff", wrt=names, order=order, layout=layout)
    return [answer for answer in found if not is_verdict(answer)] or _nothing(last)


def simplify(text: str, let: Sequence[str] = ()) -> Answer:
    """An expression in its simplest form: an answer of order 0. Raises IndexcalcError."""
    session = Session()
    last = _prepared(session, text, let)
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
    session = Session()
    last = _prepared(session, text, let)
    names = [wrt] if isinstance(wrt, str) else list(wrt or ())
    found = session.answers(last, "check", wrt=names, order=order, claim=claim)
    return [verdict for verdict in found if is_verdict(verdict)] or _nothing(last)


def is_verdict(found: Answer | Gradient | Verdict) -> TypeIs[Verdict]:
    """Whether something that a session says is about a claim."""
    return hasattr(found, "holds")


def run(text: str) -> Iterator[Answer | Gradient | Verdict]:
    """The answers to a file's questions and the verdicts on its claims, in order. Raises IndexcalcError at the first
    bad statement."""
    session = Session()
    session.foresee(split(text))
    for line, statement in split(text):
        yield from session.answers(statement, line=line)


def declare(session: Session, let: Sequence[str]) -> Session:
    """The session with these declarations. Raises IndexcalcError."""
    for text in let:
        for statement in [part for _, part in split(text)] if ";" in text else [text]:
            if session.answers(statement, "simplify"):
                help_ = "`W: matrix(m, n)`"
                raise IndexcalcError("E307", "this is no declaration", (0, len(statement)), help_, statement)
    return session


def _prepared(session: Session, text: str, let: Sequence[str]) -> str:
    """The last statement of a text; the session has the declarations and the statements before it."""
    declare(session, let)
    statements = list(split(text))
    if not statements:
        raise IndexcalcError("E107", "there is nothing to read", (0, len(text)), text=text)
    session.foresee(statements[:-1])
    for line, statement in statements[:-1]:
        session.answers(statement, line=line)
    return statements[-1][1]


def _nothing(text: str) -> NoReturn:
    raise IndexcalcError("E107", "this is a declaration, not an expression", (0, len(text)), text=text)
