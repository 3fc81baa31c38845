"""What a statement asks: a declaration, a definition, or a question about a derivative."""

from __future__ import annotations

from typing import NamedTuple

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.characters import GREEK_NAMES
from indexcalc.language.library import LIBRARY
from indexcalc.language.scope import Scope, walk
from indexcalc.language.syntax import Name, Script, Statement, Syntax, spelling

RANKS = {"scalar": (0,), "vector": (1,), "matrix": (2,), "tensor": (0, 1, 2, 3, 4, 5, 6, 7, 8)}
SQUARE = ("symmetric", "skew", "spd", "diagonal", "orthogonal")
KINDS = frozenset([*RANKS, *SQUARE, "elementwise", "positive"])


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


class Question(NamedTuple):
    """What is asked of ``body``: ``form`` is diff, grad, hess, hvp, vjp, jvp or simplify.

    ``variables`` are names, with the indices that the user wants for the new axes; ``left`` names the
    output; ``vector`` is the cotangent of vjp or the direction of jvp and hvp.
    """

    span: Span
    form: str
    body: Syntax
    left: Name | None = None
    variables: tuple[Name, ...] = ()
    order: int = 1
    vector: Syntax | None = None
    note: str = ""


HIGHEST = 9
"""Orders are told apart up to this one."""
MOST_TIMES = 2
"""The highest order of a derivative."""
QUOTIENT = "read as a quotient, for its names stand for something; a derivative is `∂a/∂W`"


def classify(statement: Statement, scope: Scope) -> Declaration | Definition | Question:
    """Reads what a statement asks off its tree."""
    if statement.runs is not None:
        statement = _typeset(statement, statement.runs, scope)
    if statement.relation == "==":
        raise IndexcalcError("E404", "checking a claim (`==`) is not supported yet", statement.span)
    if statement.right is not None:
        return _definition(statement, scope)
    side = statement.left
    declaration = _declaration(side.items, statement.span)
    if declaration is not None:
        return declaration
    if side.arrow:
        return _kept(side, statement.span, scope)
    if len(side.items) > 1:
        raise IndexcalcError("E107", "one expression a line, or declarations: `x, y: vector(n)`", side.items[1].span)
    body = side.items[0]
    question = _derivative(body, scope) or _call(body, scope)
    if question is not None:
        return question
    note = QUOTIENT if _derivative(body, Scope()) is not None else ""
    return Question(statement.span, "simplify", body, note=note)


def _typeset(statement: Statement, runs: frozenset[int], scope: Scope) -> Statement:
    """LaTeX sets letters apart, so a run of them that nobody declared is a product; and a fraction of d's that
    asks nothing is no quotient."""

    def letters(node: Syntax) -> list[Syntax] | None:
        run = isinstance(node, Name) and node.span[0] in runs and node.text not in scope.size_symbols
        return syntax.letters_apart(node) if run and isinstance(node, Name) and scope.lookup(node)[0] is None else None

    def apart(side: syntax.Side) -> syntax.Side:
        return side._replace(items=tuple(syntax.split_words(item, letters) for item in side.items))

    left, right = apart(statement.left), statement.right and apart(statement.right)
    for item in [*left.items, *(right.items if right else ())]:
        for node in walk(item):
            asks = node.function in CALLS if isinstance(node, syntax.Call) else _derivative(node, scope) is not None
            if asks and (node is not item or right is not None):
                raise IndexcalcError("E107", "a derivative stands alone: `∂a/∂W`", node.span)
    return statement._replace(left=left, right=right)


def _definition(statement: Statement, scope: Scope) -> Definition:
    right = statement.right
    assert right is not None
    left = statement.left.items[0]
    if len(statement.left.items) > 1 or not isinstance(left, Name):
        raise IndexcalcError(
            "E107", "a definition names one tensor on the left", statement.left.span, "`a = …` or `a_i = …`"
        )
    if len(right.items) > 1 or right.arrow or statement.left.arrow:
        raise IndexcalcError("E107", "a definition has one expression on the right", right.span)
    return Definition(statement.span, left, right.items[0])


def _declaration(items: tuple[Syntax, ...], span: Span) -> Declaration | None:
    """``x, y: vector(n)`` is read as x, and the double contraction of y with vector(n)."""
    last = items[-1]
    if not isinstance(last, syntax.Product) or len(last.factors) < 2:
        return None
    (_, name), (operator, kind), *more = last.factors
    word = kind.function if isinstance(kind, syntax.Call) else kind.text if isinstance(kind, Name) else ""
    if operator != ":" or word not in KINDS:
        return None
    names = [*items[:-1], name]
    if not all(isinstance(n, Name) for n in names):
        raise IndexcalcError("E107", "a declaration names what it declares: `W: matrix(m, n)`", span)
    words = [word] + [n.text for _, n in more if isinstance(n, Name)]
    if len(words) != 1 + len(more) or any(w not in KINDS for w in words):
        raise IndexcalcError(
            "E307", "this kind is not known", more[0][1].span, f"the kinds are {', '.join(sorted(KINDS))}"
        )
    if words == ["elementwise"] and isinstance(kind, Name):
        return Declaration(span, tuple(n for n in names if isinstance(n, Name)), "elementwise", (), ())
    rank, structure = "matrix" if word in SQUARE else word, tuple(w for w in words if w not in RANKS)
    if rank not in RANKS or any(w in (*RANKS, *SQUARE) for w in words[1:]):
        message = f"`{' '.join(words)}` is no kind"
        raise IndexcalcError("E307", message, kind.span, "one of scalar, vector, matrix, …, then `positive` or nothing")
    arguments = kind.arguments if isinstance(kind, syntax.Call) else ()
    sizes = tuple((_size(argument), argument.span) for argument in arguments)
    if len(sizes) not in ((0, 1) if word in SQUARE else (0, *RANKS[rank])) or (rank == "tensor" and not sizes):
        message = f"`{word}` has not {len(sizes)} sizes"
        raise IndexcalcError("E307", message, kind.span, "`scalar`, `vector(n)`, `matrix(m, n)`, `symmetric(n)`")
    if word in SQUARE:
        sizes *= 2
    return Declaration(span, tuple(n for n in names if isinstance(n, Name)), rank, structure, sizes)


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
    if target is not None and not (isinstance(target, Name) and not target.scripts):
        letters = [node.text for node in syntax.children(target) if isinstance(node, Name)]
        if not isinstance(target, syntax.Product) or len(letters) != len(target.factors):
            raise IndexcalcError("E211", "behind the arrow stand the indices that are kept", target.span)
    else:
        letters = list(target.text) if target is not None else []
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


def _derivative(body: Syntax, scope: Scope) -> Question | None:
    """``d a / d W``, ``da/dW``, ``d^2 L / d x^2``, ``∂/∂x (…)``, with d or ∂, where d and da stand for nothing else."""
    if not isinstance(body, syntax.Product):
        return None
    cut = next((k for k, (operator, _) in enumerate(body.factors) if operator == "/"), 0)
    above, below = list(body.factors[:cut]), list(body.factors[cut:])
    if not above:
        return None
    order, start = 1, above[0][1]
    if _is_d(start, scope):
        order = _d_order(start)
        if len(above) > 1 and above[1][0]:
            return None
    elif isinstance(start, syntax.Call) and start.function == "d" and len(start.arguments) == len(above) == 1:
        above = [above[0], ("", start.arguments[0])]
    elif len(above) == len(below) == 1 and (whole := _unglued(start, scope)) is not None:
        above = [above[0], ("", whole)]
    else:
        return None
    found = _variables([node for _, node in below], order, scope)
    if found is None or not found[0]:
        _refuse_part(below, scope)
        return None
    variables, argument, used = found
    rest = [*([("*", argument)] if argument is not None else []), *below[used:]]
    if any(operator for operator, _ in below[1:used]) or (len(above) > 1) == bool(rest):
        return None
    if order > MOST_TIMES:
        raise IndexcalcError("E505", "derivatives of order 1 and 2 are supported", above[0][1].span)
    (_, first), *more = above[1:] or rest
    return _diff(body.span, syntax.Product(body.span, (("*", first), *more)) if more else first, variables)


def _refuse_part(below: list[tuple[str, Syntax]], scope: Scope) -> None:
    """``d a / d (W x)`` and ``d a / d 2`` ask for a derivative by what is no name."""
    node: Syntax | None = None
    if _is_d(below[0][1], scope) and len(below) == 2 and not below[1][0]:
        node = below[1][1]
    elif isinstance(below[0][1], syntax.Call) and below[0][1].function == "d" and "d" not in scope.symbols:
        node = below[0][1].arguments[0] if len(below[0][1].arguments) == 1 else None
    if node is not None and not isinstance(node, Name | syntax.Power):
        raise not_by_a_name("", node.span)


def not_by_a_name(text: str, span: Span) -> IndexcalcError:
    """The error of a derivative by what is no name."""
    help_ = "give that part a name first, `z = …`, and differentiate by z"
    what = f"`{text}` is none" if text else "this is none"
    return IndexcalcError("E304", f"a derivative is by a variable, and {what}", span, help_)


def _variables(nodes: list[Syntax], order: int, scope: Scope) -> tuple[list[Name], Syntax | None, int] | None:
    """The variables under the d's; the argument where the last one seems to be called, as in ``∂/∂x (…)``; and
    how many nodes that took."""
    if isinstance(nodes[0], syntax.Group) and isinstance(nodes[0].body, syntax.Product):
        found = _variables([node for _, node in nodes[0].body.factors], order, scope)
        return None if found is None else (found[0], found[1], 1)
    variables: list[Name] = []
    argument: Syntax | None = None
    used = 0
    while len(variables) < order and used < len(nodes) and argument is None:
        node: Syntax | None = nodes[used]
        used += 1
        if node is not None and _is_d(node, scope):
            node = nodes[used] if used < len(nodes) else None
            used += 1
        elif not (isinstance(node, syntax.Call) and node.function == "d"):
            node = None if node is None else _unglued(node, scope)
        if isinstance(node, syntax.Call) and node.function == "d" and len(node.arguments) == 1:  # d(a)/d(W)
            node = node.arguments[0]
        elif isinstance(node, syntax.Call) and len(node.arguments) == 1:
            argument = syntax.Group(node.span, node.arguments[0])
            node = Name(node.name_span, node.function, ())
        if node is None:
            return None
        variable, times = _repeated(node)
        if variable is None:
            return None
        variables += [variable] * times
    return (variables, argument, used) if len(variables) == order else None


def _unglued(node: Syntax, scope: Scope) -> Syntax | None:
    """W for ``dW``, ``dW_kl`` or ``dW(…)``, where dW stands for nothing else and W may."""
    if isinstance(node, syntax.Power):
        base = _unglued(node.base, scope)
        return None if base is None else node._replace(base=base)
    if isinstance(node, syntax.Call):
        if (
            len(node.function) < 2
            or node.function[0] != "d"
            or node.function in LIBRARY
            or node.function in scope.symbols
        ):
            return None
        start, end = node.name_span
        return node._replace(function=node.function[1:], name_span=(start + 1, end))
    if not isinstance(node, Name) or len(node.text) < 2 or node.text[0] != "d" or "d" in scope.symbols:
        return None
    name = node._replace(text=node.text[1:], span=(node.span[0] + 1, node.span[1]))
    known = scope.lookup(name)[0] is not None or len(name.text) == 1 or name.text in GREEK_NAMES
    return name if known and scope.lookup(node)[0] is None else None


def _diff(span: Span, body: Syntax, variables: list[Name]) -> Question:
    left = body if isinstance(body, Name) else None
    return Question(span, "diff", body, left, tuple(variables), len(variables))


def _is_d(node: Syntax, scope: Scope) -> bool:
    if isinstance(node, syntax.Power):
        node = node.base
    return isinstance(node, syntax.Partial) or (
        node[1:] == ("d", ()) and isinstance(node, Name) and "d" not in scope.symbols
    )


def _d_order(node: Syntax) -> int:
    """The order that a d asks for; 0 where its exponent is none."""
    if not isinstance(node, syntax.Power):
        return 1
    exponent = node.exponent
    whole = isinstance(exponent, syntax.Number) and exponent.value.denominator == 1
    return min(int(exponent.value), HIGHEST) if isinstance(exponent, syntax.Number) and whole else 0


def _repeated(node: Syntax) -> tuple[Name | None, int]:
    """The variable under a d, and how often: x^2 is x twice."""
    if isinstance(node, syntax.Power) and isinstance(node.base, Name) and isinstance(node.exponent, syntax.Number):
        return node.base, min(int(node.exponent.value), HIGHEST)
    return (node, 1) if isinstance(node, Name) else (None, 0)


CALLS = {"grad": (1, 2), "hess": (1, 2), "hvp": (3, 3), "vjp": (3, 3), "jvp": (3, 3), "simplify": (1, 1)}
"""The questions that are written as calls, with how many arguments they take."""


def _call(body: Syntax, scope: Scope) -> Question | None:
    if not isinstance(body, syntax.Call) or body.function not in CALLS:
        return None
    arguments = body.arguments
    least, most = CALLS[body.function]
    if not least <= len(arguments) <= most:
        message = (
            f"{body.function} takes {least if least == most else f'{least} or {most}'} arguments, not {len(arguments)}"
        )
        raise IndexcalcError(
            "E303", message, body.span, "`grad(L, W)`, `vjp(a, W, da)`, `jvp(a, W, V)`, `hvp(L, x, v)`"
        )
    if body.function == "simplify":
        return Question(body.span, "simplify", arguments[0])
    variables: tuple[Name, ...] = ()
    if len(arguments) > 1:
        if not isinstance(arguments[1], Name):
            raise not_by_a_name("", arguments[1].span)
        variables = (arguments[1],)
    left = arguments[0] if isinstance(arguments[0], Name) else None
    order = 2 if body.function in ("hess", "hvp") else 1
    vector = arguments[2] if len(arguments) > 2 else None
    return Question(body.span, body.function, arguments[0], left, variables * order, order, vector)
