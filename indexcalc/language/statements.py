"""What a statement asks: a declaration, a definition, or a question about a derivative."""

from __future__ import annotations

from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.differentials import Question, derivative, not_by_a_name
from indexcalc.language.library import LIBRARY
from indexcalc.language.programs import Program
from indexcalc.language.scope import Scope, walk
from indexcalc.language.syntax import Name, Script, Statement, Syntax, spelling
from indexcalc.tensor.functions import BY_NAME

RANKS = {"scalar": (0,), "vector": (1,), "matrix": (2,), "tensor": (0, 1, 2, 3, 4, 5, 6, 7, 8)}
SQUARE = ("symmetric", "skew", "spd", "diagonal", "orthogonal")
SHAPES = frozenset([*RANKS, *SQUARE])
KINDS = SHAPES | {"elementwise", "positive"}


class Declaration(NamedTuple):
    """``W: matrix(m, n)``; ``kind`` is a rank, ``structure`` what else is known; ``sizes`` are the texts of the
    sizes, with their spans, one for each axis or none."""

    span: Span
    names: tuple[Name, ...]
    kind: str
    structure: tuple[str, ...]
    sizes: tuple[tuple[str, Span], ...]


class Definition(NamedTuple):
    """``a_i = …``"""

    span: Span
    name: Name
    body: Syntax


class Claim(NamedTuple):
    """``d a / d W == formula``: a question, and what is said to be its answer."""

    span: Span
    question: Question
    formula: Syntax


QUOTIENT = "read as a quotient, for its names stand for something; a derivative is `∂a/∂W`"


def classify(statement: Statement, scope: Scope) -> Declaration | Definition | Program | Question | Claim:
    """Reads what a statement asks off its tree."""
    if statement.runs is not None:
        statement = _typeset(statement, statement.runs, scope)
    if statement.relation == "==":
        question = _question(statement.left, statement.left.span, scope)
        return Claim(statement.span, question, _formula(statement))
    if statement.right is not None:
        return _definition(statement, scope)
    return declaration(statement.left.items, statement.span) or _question(statement.left, statement.span, scope)


def claimed(statement: Statement, scope: Scope) -> tuple[Syntax, tuple[Name, ...]]:
    """The formula of a claim that is given apart, and the names on its left-hand side, if it has one:
    ``D_ikl = …``, ``∂a_i/∂W_kl = …``."""
    if statement.right is None:
        statement = statement._replace(right=statement.left)
        left: tuple[Name, ...] = ()
    else:
        (item,) = statement.left.items if len(statement.left.items) == 1 else (None,)
        asked = None if item is None else derivative(item, scope)
        if isinstance(item, Name):
            left = (item,)
        elif asked is not None:
            left = (asked.left, *asked.variables) if asked.left is not None else ()
        else:
            raise IndexcalcError("E107", "a claim is one formula", statement.span, "`(1 - a.^2)*x'`, `D_ik = W_ik`")
        statement = statement._replace(relation="==")
    if statement.runs is not None:
        statement = _typeset(statement, statement.runs, scope)
    return _formula(statement), left


def _formula(statement: Statement) -> Syntax:
    """The right side of a claim."""
    right = statement.right
    assert right is not None
    if len(right.items) > 1 or right.arrow:
        raise IndexcalcError("E107", "a claim is one formula", right.span, "`d a / d x == diag(1 - a.^2)*W`")
    return right.items[0]


def _question(side: syntax.Side, span: Span, scope: Scope) -> Question:
    if side.arrow:
        return _kept(side, span, scope)
    if len(side.items) > 1:
        raise IndexcalcError("E107", "one expression a line, or declarations: `x, y: vector(n)`", side.items[1].span)
    body = side.items[0]
    question = derivative(body, scope) or _call(body, scope)
    if question is not None:
        return question
    note = QUOTIENT if derivative(body, Scope()) is not None else ""
    return Question(span, "simplify", body, note=note)


def _typeset(statement: Statement, runs: frozenset[int], scope: Scope) -> Statement:
    """LaTeX sets letters apart, so a run of them that nobody declared is a product; and a fraction of d's that
    asks nothing is no quotient."""

    def letters(node: Syntax) -> list[Syntax] | None:
        run = isinstance(node, Name) and node.span[0] in runs and node.text not in scope.size_symbols
        return syntax.letters_apart(node) if run and isinstance(node, Name) and scope.lookup(node)[0] is None else None

    def apart(side: syntax.Side) -> syntax.Side:
        return side._replace(items=tuple(syntax.split_words(item, letters) for item in side.items))

    left, right = apart(statement.left), statement.right and apart(statement.right)
    alone = left.items if right is None or statement.relation == "==" else ()
    for item in [*left.items, *(right.items if right else ())]:
        for node in walk(item):
            asks = node.function in CALLS if isinstance(node, syntax.Call) else derivative(node, scope) is not None
            if asks and not any(node is one for one in alone):
                raise IndexcalcError("E107", "a derivative stands alone: `∂a/∂W`", node.span)
    return statement._replace(left=left, right=right)


def _definition(statement: Statement, scope: Scope) -> Definition | Program:
    right = statement.right
    assert right is not None
    left = statement.left.items[0]
    if isinstance(left, syntax.Call) and len(statement.left.items) == len(right.items) == 1:
        return _program(left, right.items[0], scope)
    if len(statement.left.items) > 1 or not isinstance(left, Name):
        raise IndexcalcError(
            "E107", "a definition names one tensor on the left", statement.left.span, "`a = …` or `a_i = …`"
        )
    if len(right.items) > 1 or right.arrow or statement.left.arrow:
        raise IndexcalcError("E107", "a definition has one expression on the right", right.span)
    return Definition(statement.span, left, right.items[0])


def _program(left: syntax.Call, body: Syntax, scope: Scope) -> Program:
    """``layer(W, x, b) = …``"""
    known = left.function in scope.symbols or left.function in scope.programs or left.function in scope.functions
    if known or left.function in BY_NAME or left.function in LIBRARY or left.function in CALLS:
        message = f"`{left.function}` stands for something already"
        raise IndexcalcError("E305", message, left.name_span, "give it another name")
    names = [node.text for node in left.arguments if isinstance(node, Name) and not node.scripts]
    if len(names) < len(left.arguments) or len(set(names)) < len(names):
        message = "a function is defined with different names in its brackets"
        raise IndexcalcError("E107", message, left.span, "`layer(W, x, b) = tanh(W x + b)`")
    return Program(left.name_span, left.function, tuple(names), body)


def declaration(items: tuple[Syntax, ...], span: Span) -> Declaration | None:
    """``x, y: vector(n)`` is read as x, and the double contraction of y with vector(n)."""
    last = items[-1]
    if not isinstance(last, syntax.Product) or len(last.factors) < 2 or last.factors[1][0] != ":":
        return None
    (_, name), (_, kind), *more = last.factors
    word = kind.function if isinstance(kind, syntax.Call) else kind.text if isinstance(kind, Name) else ""
    if word not in KINDS:
        return None
    names = tuple([n for n in (*items[:-1], name) if isinstance(n, Name)])
    if len(names) < len(items):
        raise IndexcalcError("E107", "a declaration names what it declares: `W: matrix(m, n)`", span)
    words = [word] + [n.text for _, n in more if isinstance(n, Name)]
    if len(words) != 1 + len(more) or not KINDS.issuperset(words):
        raise IndexcalcError(
            "E307", "this kind is not known", more[0][1].span, f"the kinds are {', '.join(sorted(KINDS))}"
        )
    if words == ["elementwise"] and isinstance(kind, Name):
        return Declaration(span, names, "elementwise", (), ())
    square = word in SQUARE
    rank, structure = "matrix" if square else word, tuple([w for w in words if w not in RANKS])
    if rank not in RANKS or not SHAPES.isdisjoint(words[1:]):
        message = f"`{' '.join(words)}` is no kind"
        raise IndexcalcError("E307", message, kind.span, "one of scalar, vector, matrix, …, then `positive` or nothing")
    arguments = kind.arguments if isinstance(kind, syntax.Call) else ()
    sizes = tuple([(_size(argument), argument.span) for argument in arguments])
    if (len(sizes) not in ((1,) if square else RANKS[rank]) and sizes) or (rank == "tensor" and not sizes):
        message = f"`{word}` has not {len(sizes)} sizes"
        raise IndexcalcError("E307", message, kind.span, "`scalar`, `vector(n)`, `matrix(m, n)`, `symmetric(n)`")
    if square:
        sizes *= 2
    return Declaration(span, names, rank, structure, sizes)


def _size(node: Syntax) -> str:
    if isinstance(node, syntax.Number) and node.value.denominator == 1 and node.value > 0:
        return str(node.value)
    if isinstance(node, Name):
        return spelling(node.text, node.scripts)
    if isinstance(node, syntax.Product) and all(operator == "*" for operator, _ in node.factors):
        return "*".join([_size(factor) for _, factor in node.factors])
    raise IndexcalcError("E307", "a size is a symbol or a whole number", node.span)


def _kept(side: syntax.Side, span: Span, scope: Scope) -> Question:
    """``a_i b_i -> i`` keeps i; ``ij,jk->ik`` is that over operands A, B, …, or the declared names in order."""
    target = side.target
    names = [target] if isinstance(target, Name) else [] if target is None else syntax.children(target)
    letters = [node.text for node in names if isinstance(node, Name) and not node.scripts]
    if target is not None and (len(letters) < len(names) or not isinstance(target, Name | syntax.Product)):
        raise IndexcalcError("E211", "behind the arrow stand the indices that are kept", target.span)
    if isinstance(target, Name):
        letters = list(target.text)
    if len(set(letters)) < len(letters):
        raise IndexcalcError("E211", "behind the arrow an index stands once", side.span)
    script = Script(target.span if target is not None else span, " ".join(letters), "[")
    left = Name(span, "", (script,) if letters else ())
    return Question(span, "simplify", _operands(side, scope), left)


def _operands(side: syntax.Side, scope: Scope) -> Syntax:
    if len(side.items) == 1 and not (isinstance(side.items[0], Name) and not side.items[0].scripts):
        return side.items[0]
    declared = [name for name, symbol in scope.symbols.items() if symbol.meaning is None]
    names = declared if len(declared) >= len(side.items) else [chr(ord("A") + k) for k in range(len(side.items))]
    factors: list[tuple[str, Syntax]] = []
    for name, item in zip(names, side.items, strict=False):
        if not isinstance(item, Name) or item.scripts:
            raise IndexcalcError("E107", "this is no einsum", item.span, "`ij,jk->ik`")
        factors.append(("*", Name(item.span, name, (Script(item.span, item.text, "_"),))))
    return syntax.Product(side.span, tuple(factors))


MANY = 65
CALLS = {"grad": (1, MANY), "hess": (1, 2), "hvp": (3, 3), "vjp": (3, 3), "jvp": (3, 3), "simplify": (1, 1)}
"""The questions that are written as calls, with how many arguments they take; a gradient is by any number of names."""


def _call(body: Syntax, scope: Scope) -> Question | None:
    if not isinstance(body, syntax.Call) or body.function not in CALLS:
        return None
    arguments = body.arguments
    least, most = CALLS[body.function]
    if not least <= len(arguments) <= most:
        takes = str(least) if least == most else f"{least} or {most}" if most < MANY else f"{least} to {most}"
        message = f"{body.function} takes {takes} arguments, not {len(arguments)}"
        raise IndexcalcError(
            "E303", message, body.span, "`grad(L, W)`, `vjp(a, W, da)`, `jvp(a, W, V)`, `hvp(L, x, v)`"
        )
    if body.function == "simplify":
        return Question(body.span, "simplify", arguments[0])
    variables: tuple[Name, ...] = ()
    for argument in arguments[1:] if body.function == "grad" else arguments[1:2]:
        if not isinstance(argument, Name):
            raise not_by_a_name("", argument.span)
        variables += (argument,)
    left = arguments[0] if isinstance(arguments[0], Name) else None
    order = 2 if body.function in ("hess", "hvp") else 1
    vector = arguments[2] if len(arguments) > 2 and body.function != "grad" else None
    return Question(body.span, body.function, arguments[0], left, variables * order, order, vector)
