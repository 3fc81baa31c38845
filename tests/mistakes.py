"""Right formulas, and what people write instead: one mistake each, made on the syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from indexcalc.forms.typed import typed
from indexcalc.language import syntax
from indexcalc.language.parser import normalise, parse
from indexcalc.language.syntax import Syntax
from indexcalc.render.text import text as printed

SIZED = ("eye", "ones", "zeros")


class Mistake(NamedTuple):
    kind: str
    text: str


DIAGNOSES = {
    "transpose": {"transpose"},
    "side": {"order"},
    "factor": {"missing factor"},
    "term": {"missing term"},
    "sign": {"sign"},
    "half": {"scale"},
}
"""What each kind of mistake should be called."""


def tree_of(text: str) -> Syntax:
    """The right side of a formula, or the formula."""
    statement = parse(normalise(text))
    return (statement.right or statement.left).items[0]


def mistakes(text: str) -> Iterator[Mistake]:
    """Every formula that is one mistake away from this one."""
    left, relation, _ = text.partition(" = ")
    tree = tree_of(text)
    indexed = "_" in text

    def spelled(part: Syntax) -> str:
        form = typed(part, lambda name: (syntax.spelling(name.text, name.scripts), ()), " " if indexed else "*")
        return (left + relation if relation else "") + printed(form)

    for kind, make in KINDS.items():
        for changed in _somewhere(tree, make):
            yield Mistake(kind, spelled(changed))


def _somewhere(tree: Syntax, make: Callable[[Syntax], Iterator[Syntax]]) -> Iterator[Syntax]:
    """A tree with one of its parts changed."""
    yield from make(tree)
    if isinstance(tree, syntax.Call) and tree.function in SIZED:
        return
    for place, child in enumerate(syntax.children(tree)):
        for changed in _somewhere(child, make):
            yield _with(tree, place, changed)


def _with(node: Syntax, place: int, part: Syntax) -> Syntax:
    if isinstance(node, syntax.Product | syntax.Sum):
        whole = syntax.Group(part.span, part) if isinstance(node, syntax.Product) else part
        pairs = [(mark, whole if k == place else old) for k, (mark, old) in enumerate(node[1])]
        return type(node)(node.span, tuple(pairs))  # type: ignore[arg-type]
    if isinstance(node, syntax.Call):
        return node._replace(arguments=tuple(part if k == place else a for k, a in enumerate(node.arguments)))
    if isinstance(node, syntax.Power):
        return node._replace(base=syntax.Group(part.span, part)) if place == 0 else node._replace(exponent=part)
    return node._replace(body=part)  # type: ignore[call-arg]


def _transposed(node: Syntax) -> Iterator[Syntax]:
    if isinstance(node, syntax.Transpose):
        yield node.body
    elif isinstance(node, syntax.Name) and node.scripts and len(node.scripts[-1].text) == 2:
        script = node.scripts[-1]
        yield node._replace(scripts=(*node.scripts[:-1], script._replace(text=script.text[::-1])))
    elif isinstance(node, syntax.Name) and not node.scripts:
        yield syntax.Transpose(node.span, node)


def _other_side(node: Syntax) -> Iterator[Syntax]:
    if isinstance(node, syntax.Product) and all(mark in ("*", "") for mark, _ in node.factors):
        for k in range(len(node.factors) - 1):
            own = [factor for _, factor in node.factors]
            own[k], own[k + 1] = own[k + 1], own[k]
            yield node._replace(factors=tuple(("*", factor) for factor in own))


def _less(node: Syntax) -> Iterator[Syntax]:
    if isinstance(node, syntax.Product):
        for k, (mark, lost) in enumerate(node.factors):
            left = node.factors[:k] + node.factors[k + 1 :]
            if not isinstance(lost, syntax.Number) and mark not in ("/", "./") and left[0][0] not in ("/", "./"):
                yield node._replace(factors=left) if len(left) > 1 else left[0][1]


def _fewer(node: Syntax) -> Iterator[Syntax]:
    if isinstance(node, syntax.Sum):
        for k in range(len(node.terms)):
            left = node.terms[:k] + node.terms[k + 1 :]
            (sign, only), *more = left
            yield node._replace(terms=left) if more else only if sign > 0 else syntax.Signed(only.span, only)


def _sign(node: Syntax) -> Iterator[Syntax]:
    if isinstance(node, syntax.Sum):
        for k, (sign, term) in enumerate(node.terms):
            yield node._replace(terms=(*node.terms[:k], (-sign, term), *node.terms[k + 1 :]))


KINDS: dict[str, Callable[[Syntax], Iterator[Syntax]]] = {
    "transpose": _transposed,
    "side": _other_side,
    "factor": _less,
    "term": _fewer,
    "sign": _sign,
}


def whole(text: str) -> Iterator[Mistake]:
    """Half of a formula, and minus a formula."""
    left, relation, right = text.rpartition(" = ")
    yield Mistake("half", f"{left}{relation}1/2*({right})")
    yield Mistake("sign", f"{left}{relation}-({right})")
