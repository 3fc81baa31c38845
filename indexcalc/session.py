"""Statements to answers: what is declared and defined so far, and the questions that are asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NoReturn

from indexcalc.answer import Answer
from indexcalc.asking import Asked
from indexcalc.claims.names import Claim
from indexcalc.derivation import Task
from indexcalc.errors import IndexcalcError, Span
from indexcalc.language.definitions import Definitions
from indexcalc.language.differentials import Question
from indexcalc.language.order import Order
from indexcalc.language.parser import normalise, parse
from indexcalc.language.programs import Program
from indexcalc.language.scope import Scope
from indexcalc.language.splitting import split
from indexcalc.language.statements import Claim as Claimed
from indexcalc.language.statements import Declaration, Definition, claimed

if TYPE_CHECKING:
    from indexcalc.claims.verdict import Verdict

Mode = Literal["run", "diff", "simplify", "check"]
LAYOUTS = ("numerator", "denominator", "both")


class Session:
    """A file, or one question: its declarations and definitions in order."""

    def __init__(self) -> None:
        self.scope = Scope()
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
    ) -> list[Answer | Verdict]:
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
            if isinstance(statement, Declaration | Program) or (isinstance(statement, Definition) and mode == "run"):
                self._definitions.keep(statement, text)
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
            asked = Asked(self._definitions, question, text, wrt, order)
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
            asked = Asked(self._definitions, question, text, wrt, order)
            if not asked.wanted and len(asked.requests) > 1:
                message = "a claim is about the derivative by one variable, and none is named"
                raise IndexcalcError("E304", message, question.span, "name it: `--wrt x`, `d a / d x == …`")
            for task, names in asked.claimed(line, claim):
                try:
                    yield checked(task, names, claim)
                except IndexcalcError as error:
                    raise error.located(claim.text) from error.__cause__


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
