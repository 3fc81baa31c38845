"""text → syntax tree."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.characters import LOOK_ALIKES, SUBSCRIPTS, SUPERSCRIPTS, ascii_name
from indexcalc.language.latex import LatexReader
from indexcalc.language.latex_words import is_latex
from indexcalc.language.syntax import Name, Script, Side, Statement, Syntax

LONGEST = 100_000
"""Code points that one statement may have."""
MOST_FACTORS = 64
"""Factors that one product may have."""
LONGEST_NUMBER = 1000
"""Digits that a number may have."""
DEEPEST = 64
"""Brackets that may be open at once."""
GRAMMAR = ("statement", "expression", "terminals")

GREATER_OF = {"max": 1, "maximum": 1, "min": -1, "minimum": -1}
NORMS = {"1": "norm1", "2": "norm2", "F": "norm2", "{F}": "norm2", r"\text{F}": "norm2"}
OPERATORS = {
    "TIMES": "*",
    "DIVIDE": "/",
    "HADAMARD": ".*",
    "DIVIDE_ELEMENTWISE": "./",
    "CONTRACT": ":",
    "KRONECKER": "⊗",
}


def normalise(text: str) -> str:
    """NFC, and what looks like an operator is one. NFKC would turn xᵀ into xT."""
    return unicodedata.normalize("NFC", text).translate(LOOK_ALIKES)


def parse(text: str) -> Statement:
    """The syntax tree of one normalised statement. Raises IndexcalcError E1xx, E5xx."""
    if len(text) > LONGEST:
        raise IndexcalcError("E501", f"a statement of {len(text):,} characters is longer than {LONGEST:,}", (0, 1))
    if is_latex(text):
        return _parse_latex(text)
    try:
        return _parser().parse(text)  # type: ignore[return-value]
    except UnexpectedCharacters as error:
        raise _unreadable(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        raise _syntax_error(text, error, _parser().lex(text), error.accepts or ()) from None


def _parse_latex(text: str) -> Statement:
    """The same grammar, fed with the tokens that LaTeX stands for."""
    reader, parser = LatexReader(text), _parser().parse_interactive()
    try:
        for token in _Brackets().process(reader.tokens()):
            parser.feed_token(token)
        statement: Statement = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        tokens = _Brackets().process(LatexReader(text).tokens())
        raise _syntax_error(text, error, tokens, parser.accepts()) from None  # type: ignore[no-untyped-call]
    return statement._replace(runs=frozenset(reader.runs))


@cache
def _parser() -> Lark:
    package = Path(__file__).resolve().parent.parent
    checkout = (package.parent / "pyproject.toml").is_file()  # an editable install may leave a stale copy
    folder = (package.parent if checkout else package) / "grammar"
    grammar = "\n".join((folder / f"{name}.lark").read_text(encoding="utf-8") for name in GRAMMAR)
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        maybe_placeholders=False,
        postlex=_Brackets(),
        transformer=_Builder(),
        cache=_cache_file(),
    )


def _cache_file() -> str | bool:
    """Where Lark keeps its tables between runs: the user's own cache, never a shared folder."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(root, "indexcalc")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.path.join(folder, "grammar.bin") if os.access(folder, os.W_OK) else False


class _Brackets:
    """Between lexer and parser: which bars open and which close, and how deep brackets go."""

    always_accept = ("BAR", "NORM_BAR", "RESERVED")
    openers = frozenset({"EINSUM", "OPEN", "OPEN_BRACE", "OPEN_INDEX", "OPEN_BAR", "OPEN_NORM"})
    closers = frozenset({"CLOSE", "CLOSE_BRACE", "CLOSE_INDEX", "CLOSE_BAR", "CLOSE_NORM"})
    operands = closers | {"NUMBER", "NAME", "SUBSCRIPT", "NAME_SUPERSCRIPT", "TRANSPOSE", "SUPERSCRIPT"}

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        previous = ""
        open_bars: list[str] = []
        depth = 0
        for token in stream:
            if token.type == "RESERVED" or (token.type == "NAME" and token == "for"):
                message = "loops (`h[t] = … for t = 1..T`) are not supported yet"
                raise IndexcalcError("E403", message, (_start(token), _end(token)), "write the steps out")
            if token.type in ("BAR", "NORM_BAR"):
                kind = "NORM" if token.type == "NORM_BAR" else "BAR"
                if token == "||" and open_bars and open_bars[-1] == "BAR" and previous in self.operands:
                    both = yield from self._two_bars(token, open_bars)
                    previous = "CLOSE_BAR" if both else "OPEN_BAR"
                    depth -= 2 * both
                    continue
                if previous in self.operands and open_bars and open_bars[-1] == kind:
                    open_bars.pop()
                    token = Token.new_borrow_pos(f"CLOSE_{kind}", str(token), token)
                else:
                    open_bars.append(kind)
                    token = Token.new_borrow_pos(f"OPEN_{kind}", str(token), token)
            if token.type in self.openers:
                depth += 1
                if depth > DEEPEST:
                    span = (_start(token), _end(token))
                    raise IndexcalcError("E502", f"brackets are nested more than {DEEPEST} deep", span)
            elif token.type in self.closers:
                depth -= 1
            previous = token.type
            yield token

    @staticmethod
    def _two_bars(token: Token, open_bars: list[str]) -> Generator[Token, None, bool]:
        """Two bars that are no norm: both close (|a + |b||), or one closes and one opens (|x||y|)."""
        both = open_bars[-2:] == ["BAR", "BAR"]
        open_bars.pop()
        start = _start(token)
        yield Token("CLOSE_BAR", "|", start_pos=start, end_pos=start + 1)
        if both:
            open_bars.pop()
        else:
            open_bars.append("BAR")
        yield Token("CLOSE_BAR" if both else "OPEN_BAR", "|", start_pos=start + 1, end_pos=start + 2)
        return both


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


def _span(part: Any) -> Span:
    return (_start(part), _end(part)) if isinstance(part, Token) else part.span


def _before(parts: list[Any]) -> Span:
    """Where the name of a function would stand that bars write."""
    start, _ = _span(parts[0])
    return start, start


def _across(parts: list[Any]) -> Span:
    return _span(parts[0])[0], _span(parts[-1])[1]


class _Builder(Transformer[Token, Statement]):
    """One method a grammar rule: its parts → a node of the syntax tree."""

    def number(self, parts: list[Any]) -> Syntax:
        mantissa, _, exponent = str(parts[0]).lower().partition("e")
        if len(mantissa) + abs(int(exponent[:9] or 0)) > LONGEST_NUMBER:
            raise IndexcalcError("E506", "this number has too many digits", _across(parts))
        return syntax.Number(_across(parts), Fraction(str(parts[0])))

    def name(self, parts: list[Any]) -> Syntax:
        return Name(_across(parts), ascii_name(parts[0]), ())

    def partial(self, parts: list[Any]) -> Syntax:
        return syntax.Partial(_across(parts))

    def call(self, parts: list[Any]) -> Syntax:
        name, arguments = parts[0], parts[2]
        function = ascii_name(str(name).rstrip(".").rpartition(".")[2])
        if function in GREATER_OF and len(arguments) == 2:
            return _greater(_across(parts), _span(name), GREATER_OF[function], *arguments)
        return syntax.Call(_across(parts), function, _span(name), arguments)

    def einsum(self, parts: list[Any]) -> Syntax:
        _, quote, rest = re.split("(['\"])", str(parts[0]), maxsplit=1)
        return syntax.Call(_across(parts), syntax.EINSUM + rest.split(quote)[0], _span(parts[0]), parts[1])

    def arguments(self, parts: list[Any]) -> tuple[Syntax, ...]:
        return tuple(part for part in parts if not isinstance(part, Token))

    def group(self, parts: list[Any]) -> Syntax:
        return syntax.Group(_across(parts), parts[1])

    def inside(self, parts: list[Any]) -> Syntax:
        return parts[1]  # type: ignore[no-any-return]

    def bars(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "abs", _before(parts), (parts[1],))

    def norm(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "norm2", _before(parts), (parts[1],))

    def root(self, parts: list[Any]) -> Syntax:
        return syntax.Call(_across(parts), "sqrt", _span(parts[0]), (parts[1],))

    def sum_over(self, parts: list[Any]) -> Syntax:
        sign = parts[0]
        cut = sign.index("_")
        script = _script(sign[cut:], (_start(sign) + cut, _end(sign)))
        return syntax.SumOver(_across(parts), script, parts[2] if len(parts) > 2 else parts[1])

    def apply(self, parts: list[Any]) -> Syntax:
        r"""``\tanh x``, ``\sin^2(x)``"""
        function, *powers, body = parts
        inside = body.body if isinstance(body, syntax.Group) else body
        call = syntax.Call(_across(parts), str(function), _span(function), (inside,))
        if powers and isinstance(powers[0][1], syntax.Signed):
            message = "this can be the inverse function or the reciprocal"
            raise IndexcalcError("E105", message, powers[0][0], r"write `1/\tanh(x)`, or `\operatorname{asin}(x)`")
        return _with_power(call, powers[0][1], False, call.span) if powers else call

    def fraction(self, parts: list[Any]) -> Syntax:
        r"""``\frac{a}{b}`` in brackets of its own; a derivative without any, so that it takes what follows."""
        above, below = parts[2], parts[5]
        divisor = ("/", syntax.Group(_across(parts[4:]), below))
        if _is_differential(above) and _is_differential(below):
            factors = above.factors if isinstance(above, syntax.Product) else (("*", above),)
            return syntax.Product(_across(parts), (*factors, divisor))
        numerator = ("*", syntax.Group(_across(parts[1:4]), above))
        return syntax.Group(_across(parts), syntax.Product(_across(parts), (numerator, divisor)))

    def gradient(self, parts: list[Any]) -> Syntax:
        r"""``\nabla_x f`` → grad(f, x)"""
        sign, body = parts[0], parts[-1]
        arguments = (body, parts[2]) if len(parts) > 2 else (body,)
        return syntax.Call(_across(parts), str(sign), _span(sign), arguments)

    def sum(self, parts: list[Any]) -> Syntax:
        terms = [(1, parts[0])]
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            terms.append((-1 if sign.type == "MINUS" else 1, term))
        return syntax.Sum(_across(parts), tuple(terms))

    def product(self, parts: list[Any]) -> Syntax:
        factors: list[tuple[str, Syntax]] = []
        operator = "*"
        if isinstance(parts[0], syntax.Product):  # a derivative, which takes what follows
            factors, operator = list(parts[0].factors), ""
        for part in parts[len(factors) > 0 :]:
            if isinstance(part, Token):
                operator = OPERATORS[part.type]
            else:
                if operator == "" and factors and _is_open(factors[-1][1]) and not isinstance(part, syntax.Call):
                    span = (factors[-1][1].span[0], part.span[1])
                    help_ = "put brackets around what the function is of"
                    raise IndexcalcError("E109", "this factor can belong to the function or not", span, help_)
                if operator == "" and isinstance(part, syntax.Number) and isinstance(factors[-1][1], syntax.Number):
                    span = (factors[-1][1].span[0], part.span[1])
                    raise IndexcalcError("E102", "two numbers stand side by side", span, "write `*` between them")
                factors.append((operator, part))
                operator = ""
        if len(factors) > MOST_FACTORS:
            message = f"a product of {len(factors)} factors is longer than {MOST_FACTORS}"
            raise IndexcalcError("E507", message, _across(parts), "give parts of it a name of their own: `B = …`")
        return syntax.Product(_across(parts), tuple(factors))

    def signed(self, parts: list[Any]) -> Syntax:
        sign, body = parts
        if sign.type == "PLUS":
            return body  # type: ignore[no-any-return]
        return body.body if isinstance(body, syntax.Signed) else syntax.Signed(_across(parts), body)

    def power(self, parts: list[Any]) -> Any:
        return _across(parts), parts[1], parts[0].type == "POWER_ELEMENTWISE"

    def index(self, parts: list[Any]) -> Any:
        return _across(parts), parts[1]

    def postfix(self, parts: list[Any]) -> Syntax:
        node: Syntax = parts[0]
        for suffix in parts[1:]:
            node = _with_suffix(node, suffix)
        return node

    def side(self, parts: list[Any]) -> Side:
        arrow = next((k for k, part in enumerate(parts) if isinstance(part, Token) and part.type == "ARROW"), None)
        items = tuple(part for part in parts[:arrow] if not isinstance(part, Token))
        target = None if arrow is None or arrow + 1 == len(parts) else parts[-1]
        return Side(_across(parts), items, arrow is not None, target)

    def definition(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "=", parts[2])

    def claim(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "==", parts[2])

    def start(self, parts: list[Any]) -> Statement:
        return Statement(_across(parts), parts[0], "", None)


def _is_differential(node: Syntax) -> bool:
    """Whether the part of a fraction begins with ∂ or d."""
    if isinstance(node, syntax.Product):
        node = node.factors[0][1]
    if isinstance(node, syntax.Power):
        node = node.base
    function = node.function if isinstance(node, syntax.Call) else ""
    return isinstance(node, syntax.Partial) or function == "d" or (isinstance(node, Name) and node.text[0] == "d")


def _is_open(node: Syntax) -> bool:
    r"""``\tanh x``: nothing closes the argument."""
    if isinstance(node, syntax.Power):
        node = node.base
    if not isinstance(node, syntax.Call) or node.function == "sqrt" or not node.arguments:
        return False
    return node.name_span[0] < node.name_span[1] and node.arguments[-1].span[1] == node.span[1]


def _script(text: str, span: Span) -> Script:
    """``_ij``, ``_{i j}``, ``ᵢⱼ`` and ``^{<t>}`` as scripts."""
    if text[0] not in "_^":
        return Script(span, text.translate(SUBSCRIPTS), "_")
    inside = text[2:-1] if text[1] == "{" else text[1:]
    return Script(span, inside.strip(), text[0])


def _with_suffix(node: Syntax, suffix: Any) -> Syntax:
    span = (_span(node)[0], _end(suffix) if isinstance(suffix, Token) else suffix[0][1])
    if isinstance(suffix, Token):
        if suffix.type in ("SUBSCRIPT", "NAME_SUPERSCRIPT"):
            return _with_script(node, _script(str(suffix), _span(suffix)), span)
        if suffix.type == "TRANSPOSE":
            return node.body if isinstance(node, syntax.Transpose) else syntax.Transpose(span, node)
        if suffix.type == "INVERSE_TRANSPOSE":
            inverse = _with_power(node, syntax.Number(_span(suffix), Fraction(-1)), False, span)
            return syntax.Transpose(span, inverse)
        digits = str(suffix).translate(SUPERSCRIPTS)
        return _with_power(node, syntax.Number(_span(suffix), Fraction(digits)), False, span)
    if len(suffix) == 3:
        return _with_power(node, suffix[1], suffix[2], span)
    names = [_index_name(item) for item in suffix[1]]
    if not names:
        raise IndexcalcError("E106", "there is no index between the brackets", suffix[0], "`A[i,j]`")
    if isinstance(node, Name) and node.scripts and node.scripts[-1].mark == "[":  # A[i][j]
        *before, last = node.scripts
        joined = Script((last.span[0], suffix[0][1]), " ".join([last.text, *names]), "[")
        return Name(span, node.text, (*before, joined))
    return _with_script(node, Script(suffix[0], " ".join(names), "["), span)


def _index_name(item: Syntax) -> str:
    if isinstance(item, Name) and not item.scripts:
        return item.text
    if isinstance(item, syntax.Sum):
        raise IndexcalcError("E403", "loops (`h[t-1]`) are not supported yet", item.span, "write the steps out")
    raise IndexcalcError("E106", "an index in brackets is a name", item.span, "`A[i,j]`")


def _greater(span: Span, name: Span, sign: int, a: Syntax, b: Syntax) -> Syntax:
    """max(a, b) = b + relu(a - b), min(a, b) = b - relu(b - a); a number stands for b: max(0, x) is relu(x)"""
    if isinstance(a, syntax.Number):
        a, b = b, a
    terms = ((1, a), (-1, b)) if sign > 0 else ((1, b), (-1, a))
    relu = syntax.Call(span, "relu", name, (syntax.Sum(span, terms),))
    return syntax.Group(span, syntax.Sum(span, ((1, b), (sign, relu))))


def _with_script(node: Syntax, script: Script, span: Span) -> Syntax:
    if isinstance(node, Name):
        return Name(span, node.text, (*node.scripts, script))
    if isinstance(node, syntax.Call) and node.name_span[0] == node.name_span[1] and script.text in NORMS:
        return node._replace(span=span, function=NORMS[script.text])
    return syntax.Indexed(span, node, script)


def _with_power(node: Syntax, exponent: Syntax, elementwise: bool, span: Span) -> Syntax:
    if isinstance(node, syntax.Power):
        raise IndexcalcError(
            "E105", "two powers in a row can be read in two ways", span, "write `(a^b)^c` or `a^(b^c)`"
        )
    return syntax.Power(span, node, exponent, elementwise)


def _syntax_error(text: str, error: UnexpectedToken, stream: Iterable[Token], accepts: Iterable[str]) -> IndexcalcError:
    try:
        tokens = [token for token in stream if token.type != "BLANK"]
    except UnexpectedCharacters as unreadable:
        return _unreadable(text, unreadable.pos_in_stream or 0)
    unbalanced = _unbalanced(tokens)
    if unbalanced is not None:
        return unbalanced
    token = error.token
    operand = bool({"NAME", "NUMBER"} & set(accepts))
    if token.type == "$END":
        if not tokens:
            return IndexcalcError("E107", "there is nothing to read", (0, len(text)))
        last = next((token for token in reversed(tokens) if _start(token) < _end(token)), tokens[-1])
        message = f"something is missing after `{text[_start(last) : _end(last)]}`"
        return IndexcalcError("E101", message, _span(last), "the line ends too early")
    if token.type == "COMMA" and (called := _called(tokens, token)) is not None:
        return called
    wanted = "a name, a number or a bracket" if operand else "an operator or the end of the line"
    return IndexcalcError(
        "E102", f"`{text[slice(*_span(token))]}` does not fit here", _span(token), f"expected {wanted}"
    )


def _called(tokens: list[Token], comma: Token) -> IndexcalcError | None:
    """``cross_entropy(y, p)``: a comma in brackets behind a name with a script, which is no function."""
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if _start(token) == _start(comma):
            break
        if token.type == "OPEN":
            opened.append(place)
        elif token.type == "CLOSE":
            opened.pop()
    before = tokens[opened[-1] - 2 : opened[-1]] if opened else []
    if [token.type for token in before] != ["NAME", "SUBSCRIPT"]:
        return None
    name = "".join(before)
    message = f"`{name}` is no function that indexcalc knows"
    return IndexcalcError("E302", message, _across(before), "write out what it stands for")


def _unreadable(text: str, at: int) -> IndexcalcError:
    character = text[at]
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return IndexcalcError("E103", f"the character {shown} has no meaning here", (at, at + 1))


def _unbalanced(tokens: list[Token]) -> IndexcalcError | None:
    stack: list[Token] = []
    for token in tokens:
        if token.type in _Brackets.openers:
            stack.append(token)
        elif token.type in _Brackets.closers:
            opened = stack[-1].type.removeprefix("OPEN").removeprefix("EINSUM") if stack else None
            if opened != token.type.removeprefix("CLOSE"):
                return IndexcalcError("E104", f"`{token}` closes no bracket", _span(token), "remove it, or open one")
            stack.pop()
    if stack:
        return IndexcalcError("E104", f"`{stack[-1]}` is never closed", _span(stack[-1]), "add the closing bracket")
    return None
