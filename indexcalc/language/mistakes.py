"""What is wrong with a text that the parser refused."""

from __future__ import annotations

from collections.abc import Iterable

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from indexcalc.errors import IndexcalcError
from indexcalc.language.brackets import Brackets, span_of


def syntax_error(text: str, error: UnexpectedToken, stream: Iterable[Token], accepts: Iterable[str]) -> IndexcalcError:
    try:
        tokens = [token for token in stream if token.type != "BLANK"]
    except UnexpectedCharacters as stopped:
        return unreadable(text, stopped.pos_in_stream or 0)
    unbalanced = _unbalanced(tokens)
    if unbalanced is not None:
        return unbalanced
    token = error.token
    operand = bool({"NAME", "NUMBER"} & set(accepts))
    loop = _loop(tokens)
    if token.type == "$END":
        if not tokens:
            return IndexcalcError("E107", "there is nothing to read", (0, len(text)))
        last = next((token for token in reversed(tokens) if span_of(token)[0] < span_of(token)[1]), tokens[-1])
        message = f"something is missing after `{text[slice(*span_of(last))]}`"
        return IndexcalcError("E101", message, span_of(last), loop or "the line ends too early")
    if token.type == "COMMA" and (called := _called(tokens, token)) is not None:
        return called
    wanted = "a name, a number or a bracket" if operand else "an operator or the end of the line"
    return IndexcalcError(
        "E102", f"`{text[slice(*span_of(token))]}` does not fit here", span_of(token), loop or f"expected {wanted}"
    )


def _loop(tokens: list[Token]) -> str:
    """How a loop is written, where one is written in another way."""
    kinds = [token.type for token in tokens]
    if "FOR" not in kinds:
        return ""
    begins = kinds[kinds.index("FOR") + 1 :][:2] == ["NAME", "EQUALS"]
    return "" if begins and "RANGE" in kinds else "a loop is written `for t = 1..T`"


def _called(tokens: list[Token], comma: Token) -> IndexcalcError | None:
    """``cross_entropy(y, p)``: a comma in brackets behind a name with a script, which is no function."""
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if span_of(token) == span_of(comma):
            break
        if token.type == "OPEN":
            opened.append(place)
        elif token.type == "CLOSE":
            opened.pop()
    before = tokens[opened[-1] - 2 : opened[-1]] if opened else []
    if [token.type for token in before] != ["NAME", "SUBSCRIPT"]:
        return None
    name, script = before
    message = f"`{name}{script}` is no function that indexcalc knows"
    span = (span_of(name)[0], span_of(script)[1])
    return IndexcalcError("E302", message, span, "write out what it stands for")


def unreadable(text: str, at: int) -> IndexcalcError:
    character = text[at]
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return IndexcalcError("E103", f"the character {shown} has no meaning here", (at, at + 1))


def _unbalanced(tokens: list[Token]) -> IndexcalcError | None:
    stack: list[Token] = []
    for token in tokens:
        if token.type in Brackets.openers:
            stack.append(token)
        elif token.type in Brackets.closers:
            opened = stack[-1].type.removeprefix("OPEN").removeprefix("EINSUM") if stack else None
            if opened != token.type.removeprefix("CLOSE"):
                return IndexcalcError("E104", f"`{token}` closes no bracket", span_of(token), "remove it, or open one")
            stack.pop()
    if stack:
        return IndexcalcError("E104", f"`{stack[-1]}` is never closed", span_of(stack[-1]), "add the closing bracket")
    return None
