"""Formulas that are one small change of the syntax tree away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from indexcalc.errors import Span
from indexcalc.language import syntax
from indexcalc.language.library import LIBRARY
from indexcalc.language.syntax import Syntax

Made = Iterator[tuple[str, Syntax]]
"""What was wrong, with a place for the old and the new text, and the new part."""


class Change(NamedTuple):
    """A formula with one change: the kind of mistake, its place, the part before and after, words for both, and
    the whole."""

    kind: str
    span: Span
    before: Syntax
    after: Syntax
    words: str
    tree: Syntax
    first: Change | None = None
    """The change that was made before this one."""

    @property
    def lost(self) -> Syntax:
        """The term or factor that the part after has no more."""
        kept = {id(self.after), *map(id, syntax.children(self.after))}
        return next((part for part in syntax.children(self.before) if id(part) not in kept), self.before)


class Row(NamedTuple):
    """A kind of mistake, how a part of a formula is changed to take it back, in which notations it is made, and
    whether small parts are looked at before those that they are in."""

    kind: str
    make: Callable[[Syntax], Made]
    matrix: bool = True
    indexed: bool = True
    inside_first: bool = False


def changes(tree: Syntax, rows: Iterable[Row], first: Span | None = None) -> Iterator[Change]:
    """Every formula that is one change away, the likeliest mistakes first; of each sort those in the span ``first``."""
    places = list(_places(tree))
    if first is not None:
        start, end = first
        places.sort(key=lambda place: not start <= place[0].span[0] <= place[0].span[1] <= end)
    for row in rows:
        for node, rebuild in reversed(places) if row.inside_first else places:
            for words, after in row.make(node):
                yield Change(row.kind, node.span, node, after, words, rebuild(after))


def _places(tree: Syntax) -> Iterator[tuple[Syntax, Callable[[Syntax], Syntax]]]:
    """Every part of a tree, with how the tree is made anew with another part there."""
    stack: list[tuple[Syntax, Callable[[Syntax], Syntax]]] = [(tree, lambda part: part)]
    while stack:
        node, rebuild = stack.pop(0)
        yield node, rebuild
        if isinstance(node, syntax.Call) and (row := LIBRARY.get(node.function)) is not None and row.sizes:
            continue
        for place, child in enumerate(syntax.children(node)):

            def put(
                part: Syntax, node: Syntax = node, place: int = place, outer: Callable[[Syntax], Syntax] = rebuild
            ) -> Syntax:
                return outer(_with_child(node, place, part))

            stack.append((child, put))


def _with_child(node: Syntax, place: int, part: Syntax) -> Syntax:
    match node:
        case syntax.Sum(terms=terms):
            return syntax.Sum(node.span, (*terms[:place], (terms[place][0], part), *terms[place + 1 :]))
        case syntax.Product(factors=factors):
            own = (factors[place][0], bracketed(part))
            return syntax.Product(node.span, (*factors[:place], own, *factors[place + 1 :]))
        case syntax.Call(arguments=arguments):
            return node._replace(arguments=(*arguments[:place], part, *arguments[place + 1 :]))
        case syntax.Group():
            return syntax.Group(node.span, part)
        case syntax.Power():
            return node._replace(base=bracketed(part)) if place == 0 else node._replace(exponent=part)
    return node._replace(body=part)  # type: ignore[call-arg]


def bracketed(part: Syntax) -> Syntax:
    """Trees need no brackets, but products are joined in them from left to right."""
    return syntax.Group(part.span, part) if isinstance(part, syntax.Sum | syntax.Product) else part


def bare(node: Syntax) -> Syntax:
    """A tree without its places, to tell equal ones."""
    return syntax.replaced(node, lambda part: part._replace(span=(0, 0)))


def parts(tree: Syntax) -> Iterator[Syntax]:
    """The terms and factors of a formula, and what stands in brackets."""
    for node, _ in _places(tree):
        if isinstance(node, syntax.Product | syntax.Sum | syntax.Group):
            yield from (part for part in syntax.children(node) if not isinstance(part, syntax.Number))
