"""LaTeX → the tokens of the plain language, each with its place in the LaTeX text.

The grammar is the plain language's own. Letters stand for themselves, so ``Wx`` is a product: a run of them is
one token, and ``LatexReader.runs`` says where each begins, so that a declared word can win. Fonts, spacing and
environments vanish; an accent belongs to the name, ``\\hat{y}`` is yhat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from indexcalc.errors import IndexcalcError
from indexcalc.language.brackets import Word
from indexcalc.language.characters import ascii_name
from indexcalc.language.latex_words import (
    ACCENTS,
    FONTS,
    LETTER,
    LETTERS,
    PLAIN,
    SIGNS,
    UNSUPPORTED,
    WORDS,
    after_blanks,
    pattern,
    plain_function,
)
from indexcalc.language.statements import KINDS


class LatexReader:
    """A LaTeX text, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.runs: set[int] = set()
        self.previous = Word("START", "", 0, 0)
        self.indices = ""
        """Every letter that stands in a subscript."""
        self.beside: list[tuple[str, int]] = []
        """Letters that touch a subscript without braces, as the j of ``W_ij``."""
        self.squares: list[str] = []
        self.commands: dict[str, Callable[[int], Iterator[Word]]] = {
            r"\sqrt": self._root,
            r"\sum": self._sum,
            r"\nabla": self._nabla,
            r"\in": self._member,
            r"\langle": self._inner_product,
            **dict.fromkeys((r"\frac", r"\tfrac", r"\dfrac", r"\cfrac"), self._fraction),
        }

    def tokens(self) -> Iterator[Word]:
        self._skip()
        while self.at < len(self.text):
            yield from self._item()
            self._skip()
        for letter, at in self.beside:
            if letter in self.indices:
                message = "without braces LaTeX lowers one letter only"
                raise IndexcalcError("E106", message, (at - 1, at + 1), "write `W_{ij}`, or `W_i j` for a product")

    # ------------------------------------------------------------------ the text
    def _skip(self) -> None:
        self.at = after_blanks(self.text, self.at)

    def _next(self, *texts: str) -> bool:
        return self.text.startswith(texts, self.at)

    def _token(self, kind: str, value: str, start: int, end: int | None = None) -> Word:
        self.previous = Word(kind, value, start, self.at if end is None else end)
        return self.previous

    def _item(self, single: bool = False) -> Iterator[Word]:
        """The tokens of what comes next; with ``single``, of one digit, letter or command, as behind ``\\frac``."""
        start = self.at
        match = pattern("item").match(self.text, start)
        assert match is not None
        kind, value, self.at = match.lastgroup, match[0], match.end()
        if kind == "COMMAND":
            yield from self._command(value, start)
        elif kind == "BAR":
            yield self._bar(value, start)
        elif kind == "SIGN":
            yield from self._sign(value, start)
        else:
            if single and kind in ("NUMBER", "WORD") and value[0] != ".":
                value, self.at = value[0], start + 1
            if kind == "WORD":
                yield from self._word(value, start)
            else:
                yield self._token(str(kind), value, start)

    def _until_brace(self, opened: int) -> Iterator[Word]:
        self._skip()
        while not self._next("}"):
            if self.at == len(self.text):
                raise IndexcalcError("E104", "`{` is never closed", (opened, opened + 1), "add the closing brace")
            yield from self._item()
            self._skip()
        self.at += 1

    def _inside(self, command: int) -> Iterator[Word]:
        """What stands between the braces that follow, or one token where there are none."""
        self._skip()
        start = self.at
        if self._next("{"):
            self.at += 1
            yield from self._until_brace(start)
        elif start == len(self.text) or self._next("}", "_", "^"):
            name = self.text[command:start].strip()
            raise IndexcalcError("E101", f"something is missing after `{name}`", (command, command + len(name)))
        else:
            yield from self._item(single=True)

    def _argument(self, command: int, opener: str = "OPEN_BRACE", closer: str = "CLOSE_BRACE") -> Iterator[Word]:
        self._skip()
        braces = int(self._next("{"))
        yield self._token(opener, "{", self.at, self.at + braces)
        yield from self._inside(command)
        yield self._token(closer, "}", self.at - braces)

    def _raw(self, command: int) -> tuple[int, int]:
        """Where the argument that follows begins and ends, without its braces; reads past it."""
        self._skip()
        start = self.at
        if not self._next("{"):
            list(self._inside(command))
            return start, self.at
        depth = 0
        for match in re.compile(r"\\.|[{}]").finditer(self.text, start):
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            if not depth:
                self.at = match.end()
                return start + 1, self.at - 1
        raise IndexcalcError("E104", "`{` is never closed", (start, start + 1), "add the closing brace")

    # ------------------------------------------------------------------ signs
    def _sign(self, sign: str, start: int) -> Iterator[Word]:
        if sign in ",.;" and after_blanks(self.text, self.at) == len(self.text):
            return  # the end of a sentence
        if sign == "_":
            yield self._subscript(start)
        elif sign == "^":
            yield from self._superscript(start)
        elif sign == "{":
            tokens = list(self._until_brace(start))
            if len(tokens) == 1 or [token.type for token in tokens] == ["NAME", "SUBSCRIPT"]:
                yield from tokens
            elif tokens:
                yield Word("OPEN", "{", start, start + 1)
                yield from tokens
                yield self._token("CLOSE", "}", self.at - 1)
        elif sign == "[":
            index = self.previous.type in ("NAME", "SUBSCRIPT", "CLOSE_INDEX") and self.previous.span[1] == start
            self.squares.append("_INDEX" if index else "")
            yield self._token("OPEN" + self.squares[-1], sign, start)
        elif sign == "]":
            yield self._token("CLOSE" + (self.squares.pop() if self.squares else ""), sign, start)
        elif sign in SIGNS:
            yield self._token(SIGNS[sign], sign, start)
        else:
            shown = f"`{sign}`" if sign.isprintable() else f"U+{ord(sign):04X}"
            raise IndexcalcError("E103", f"the character {shown} has no meaning here", (start, start + 1))

    def _bar(self, bar: str, start: int) -> Word:
        norm = bar.endswith(("||", "‖", r"\|", "Vert"))
        opens = "left" in bar or re.match(r"\\[bB]igg?l|\\l[vV]ert", bar)
        closes = "right" in bar or re.match(r"\\[bB]igg?r|\\r[vV]ert", bar)
        side = "OPEN_" if opens else "CLOSE_" if closes else ""
        kind = side + ("NORM" if norm else "BAR")
        return self._token("NORM_BAR" if kind == "NORM" else kind, "‖" if norm and bar != "||" else bar, start)

    # ------------------------------------------------------------------ names
    def _word(self, word: str, start: int) -> Iterator[Word]:
        touches = self.previous.type == "SUBSCRIPT" and self.previous.span[1] == start and self.text[start - 2] == "_"
        if touches and (len(word) > 1 or not self._next("_")):
            self.beside.append((word[0], start))
        self._skip()
        if self._next("(") and word not in PLAIN | KINDS and word[-1].isalpha() and len(word) > 1:
            yield from self._letters(word[:-1], start)
            start, word = start + len(word) - 1, word[-1]
        if self._next("("):
            yield self._token("CALL", word, start, start + len(word))
        else:
            yield from self._letters(word, start)

    def _letters(self, word: str, start: int) -> Iterator[Word]:
        r"""A run of letters; letter by letter behind ``/`` and ``\log``, for `a/bc` can be read in two ways."""
        if not word.isalpha() or len(word) == 1 or word in KINDS:
            yield self._token("NAME", word, start, start + len(word))
        elif self.previous.type in ("DIVIDE", "APPLY"):
            yield from (self._token("NAME", letter, start + k, start + k + 1) for k, letter in enumerate(word))
        else:
            self.runs.add(start)
            yield self._token("NAME", word, start, start + len(word))

    def _name(self, name: str, start: int) -> Word:
        end = self.at
        self._skip()
        return self._token("CALL" if self._next("(") else "NAME", name, start, end)

    def _accent(self, command: str, start: int) -> Iterator[Word]:
        name, *rest = list(self._inside(start)) or [Word("", "", 0, 0)]
        if name.type != "NAME" or len(name) > 1 or [token.type for token in rest] not in ([], ["SUBSCRIPT"]):
            raise IndexcalcError("E404", "an accent over more than a letter is not supported yet", (start, self.at))
        accented = ascii_name(name) + ACCENTS[command]
        if rest:
            yield self._token("NAME", accented, start, name.span[1])
            yield from rest
        else:
            yield self._name(accented, start)

    # ------------------------------------------------------------------ commands
    def _command(self, command: str, start: int) -> Iterator[Word]:
        if command in self.commands:
            yield from self.commands[command](start)
        elif command in SIGNS:
            yield self._token(SIGNS[command], command, start)
        elif command in LETTERS:
            yield self._name(LETTERS[command], start)
        elif command in ACCENTS:
            yield from self._accent(command, start)
        elif command in WORDS and (found := self._text(command, start)):
            yield from found
        elif command in FONTS:
            yield from self._font(start)
        elif (function := plain_function(command[1:])) in PLAIN:
            yield self._function(function, start)
        else:
            raise self._unknown(command, start)

    def _unknown(self, command: str, start: int) -> IndexcalcError:
        span = (start, self.at)
        if command in UNSUPPORTED:
            return IndexcalcError("E404", f"{UNSUPPORTED[command]} (`{command}`) is not supported yet", span)
        known = [*self.commands, *SIGNS, *LETTERS, *ACCENTS, *WORDS, *FONTS, *(rf"\{name}" for name in PLAIN)]
        near = get_close_matches(command, [name for name in known if name[0] == "\\"], n=1, cutoff=0.7)
        help_ = f"did you mean `{near[0]}`?" if near else r"a function is `\operatorname{f}(x)`, a name `\text{name}`"
        if len(command) == 2 and self.previous.span[1] == start > 0:
            left = self.previous if self.previous.type == "NAME" else "A"
            help_ = rf"MATLAB's `{left}{command}` is `inv({left})*{command[1:]}`"
        return IndexcalcError("E103", f"the command `{command}` is not known", span, help_)

    def _font(self, start: int) -> Iterator[Word]:
        """A font is no part of a name; a bold one is the vector of ones."""
        tokens = list(self._inside(start))
        if [str(token) for token in tokens] == ["1"]:
            raise IndexcalcError(
                "E404", "the size of these ones is not known", (start, self.at), r"write `\operatorname{ones}(n)`"
            )
        yield from tokens

    def _text(self, command: str, start: int) -> list[Word]:
        r"""``\text{loss}`` is a name and ``\operatorname{tr}`` a function; nothing where a command is a font here."""
        before = self.at
        if self._next("*"):
            self.at += 1
        first, last = self._raw(start)
        word = self.text[first:last].strip()
        if not pattern("word").fullmatch(word):
            if command in FONTS:
                self.at = before
                return []
            help_ = r"write a name as `\text{loss}`, a function as `\operatorname{tr}`"
            raise IndexcalcError("E103", "this text is no name and no function", (first, last), help_)
        function = plain_function(word)
        if function in PLAIN or (command == r"\operatorname" and word != "d"):
            return [self._function(function, start)]
        return [self._name(word, start)]

    def _function(self, name: str, start: int) -> Word:
        r"""``\tanh(…)`` is a call; ``\tanh x`` applies to the next factor."""
        end = self.at
        self._skip()
        if self._next("_"):
            raise IndexcalcError("E404", "a function with a subscript is not supported yet", (start, self.at + 1))
        opens = self._next("(", "[", r"\{", r"\lbrace", r"\lbrack")
        return self._token("CALL" if opens else "APPLY", name, start, end)

    def _fraction(self, start: int) -> Iterator[Word]:
        yield self._token("FRACTION", self.text[start : self.at], start)
        yield from self._argument(start)
        yield from self._argument(start)

    def _root(self, start: int) -> Iterator[Word]:
        yield self._token("ROOT", "√", start)
        self._skip()
        if self._next("["):
            help_ = "write a power: `x^{1/3}`"
            raise IndexcalcError("E404", "a root of another order is not supported yet", (start, self.at + 1), help_)
        yield from self._argument(start, "OPEN", "CLOSE")

    def _nabla(self, start: int) -> Iterator[Word]:
        r"""``\nabla_x f`` is grad(f, x), and ``\nabla^2_x f`` is hess(f, x)."""
        sign, variable = self._token("NABLA", "grad", start), list[Word]()
        self._skip()
        while self._next("_", "^"):
            mark = self.text[self.at]
            self.at += 1
            if mark == "_":
                found = self._argument(start)  # what follows is what it is taken of: x is not called
                variable = [Word("NAME", t, *t.span) if t.type == "CALL" else t for t in found]
            elif "".join(self.text[slice(*self._raw(start))].split()) == "2":
                sign = Word("NABLA", "hess", start, sign.span[1])
            else:
                raise IndexcalcError("E404", "this power of a gradient is not supported yet", (start, self.at))
            self._skip()
        yield sign
        yield from variable

    def _inner_product(self, start: int) -> Iterator[Word]:
        yield self._token("CALL", "dot", start)
        yield self._token("OPEN", r"\langle", start)

    def _member(self, start: int) -> Iterator[Word]:
        r"""``W \in \mathbb{R}^{m \times n}`` declares W."""
        match = pattern("reals").match(self.text, self.at)
        if match is None:
            raise IndexcalcError("E404", "only membership in the reals is read", (start, self.at), r"`\mathbb{R}^n`")
        self.at = match.end()
        self._skip()
        sizes: list[Word] = []
        if self._next("^"):
            self.at += 1
            sizes = list(self._inside(start))
        count = 1 + sum(token.type == "TIMES" for token in sizes) if sizes else 0
        yield self._token("CONTRACT", ":", start, start + 3)
        kind = ("scalar", "vector", "matrix", "tensor")[min(count, 3)]
        yield self._token("CALL" if sizes else "NAME", kind, start)
        if sizes:
            yield self._token("OPEN", "(", start)
            for token in sizes:
                yield Word("COMMA" if token.type == "TIMES" else token.type, token, *token.span)
            yield self._token("CLOSE", ")", start)

    # ------------------------------------------------------------------ sums
    def _sum(self, start: int) -> Iterator[Word]:
        lower, upper, mark, inside, end = "", "", start, start, self.at
        self._skip()
        while self._next("_", "^"):
            place = self.at
            self.at += 1
            first, last = self._raw(place)
            if self.text[place] == "_":
                lower, mark, inside, end = self.text[first:last], place, first, self.at
            else:
                upper = self.text[first:last]
            self._skip()
        if not lower:
            yield self._function("sum", start)
            return
        ranges = [[part.strip() for part in piece.split("=")] for piece in lower.split(",")]
        names = [self._script(name, inside + lower.index(name)) for name, *_ in ranges]
        bounds = {bound for _, *values in ranges for bound in values}
        count = re.sub(r"-\s*1\s*$", "", upper) if bounds == {"0"} else upper
        fits = pattern("bound").fullmatch(count)
        if not bounds <= {"0", "1"} or (upper and not fits) or upper.strip() == r"\infty":
            help_ = r"`\sum_j`, `\sum_{i,j}` and `\sum_{i=1}^{n}` are read"
            raise IndexcalcError("E404", "a sum over a part of an index is not supported yet", (start, self.at), help_)
        if not all(name and name[0].isalpha() and name.isalnum() for name in names):
            raise IndexcalcError("E106", "these are no indices of a sum", (mark, end), r"`\sum_{i,j}`")
        self.indices += "".join(names)
        count = count.strip("{} ")
        is_size = (count.isalnum() and count[0].isalpha()) or (count.isdecimal() and count.strip("0") != "")
        bound = f"^{count}" if is_size and (bounds == {"1"} or (bounds == {"0"} and "-" in upper)) else ""
        yield self._token("SUM_SIGN", f"{self.text[start:mark]}_{{{' '.join(names)}}}{bound}", start, end)

    # ------------------------------------------------------------------ scripts
    def _subscript(self, start: int) -> Word:
        self._one_digit(start)
        first, last = self._raw(start)
        text = self._script(self.text[first:last], first)
        self.indices += text
        return self._token("SUBSCRIPT", f"_{{{text}}}", start)

    def _one_digit(self, start: int) -> None:
        if re.compile(r"\s*\d\d").match(self.text, self.at):
            message = f"without braces `{self.text[start]}` takes one digit only"
            raise IndexcalcError("E106", message, (start, start + 3), f"write `{self.text[start]}{{…}}`")

    def _script(self, raw: str, start: int) -> str:
        r"""A subscript as the plain language spells it: ``i_1 i_2`` is ``i1 i2``, and Greek stands for itself."""
        parts: list[str] = []
        nested = False
        for match in pattern("script").finditer(raw):
            word, number, command, character = match.groups()
            if word is not None:
                parts.append(rf"\text{{{word.strip()}}}")
            elif number is not None:
                parts.append(number + " ")
                nested = True
            elif character is not None:
                parts.append("" if character in "{}" else character)
            elif command in LETTERS:
                parts.append(LETTERS[command])
            elif command[1:] in PLAIN or command in (r"\infty", r"\star", r"\ast", r"\top"):
                parts.append(rf"\text{{{command[1:]}}}")
            elif command not in FONTS and after_blanks(command, 0) != len(command):
                at = start + match.start()
                raise IndexcalcError("E103", f"the command `{command}` is not known here", (at, at + len(command)))
        text = "".join(parts).strip()
        if nested:
            return " ".join(re.findall(rf"[{LETTER}]\d*", text))
        joined = "".join(text.split())
        return joined if joined.isalpha() else text

    def _superscript(self, start: int) -> Iterator[Word]:
        closes = self.previous.type in ("BAR", "NORM_BAR", "CLOSE_BAR", "CLOSE_NORM")
        tokens = list(self._raised(start))
        self._skip()
        if closes and self._next("_"):  # ‖x‖^2_2 is ‖x‖_2^2
            self.at += 1
            yield self._subscript(self.at - 1)
        yield from tokens

    def _raised(self, start: int) -> Iterator[Word]:
        self._skip()
        at = self.at
        if match := pattern("transpose").match(self.text, at):
            self.at = match.end()
            inverse = match[1] or match[2]
            yield self._token("INVERSE_TRANSPOSE" if inverse else "TRANSPOSE", match[0], start)
        elif match := pattern("named").match(self.text, at):
            self.at = match.end()
            name = match[2] or f"<{match[1].strip()}>"
            yield self._token("NAME_SUPERSCRIPT", f"^{{{name}}}", start)
        elif match := pattern("iterate").match(self.text, at):
            help_ = "write `^{l-1}` for the power, `_{l-1}` or `^{[l-1]}` for a name"
            message = "this can be a power or a part of the name"
            raise IndexcalcError("E105", message, (start, match.end()), help_)
        elif match := pattern("elementwise").match(self.text, at):
            self.at = match.end()
            yield self._token("POWER_ELEMENTWISE", ".^", start)
            yield self._token("OPEN_BRACE", "{", at, at + 1)
            yield from self._until_brace(at)
            yield self._token("CLOSE_BRACE", "}", self.at - 1)
        else:
            self._one_digit(start)
            yield self._token("POWER", "^", start, start + 1)
            if self._next("-"):
                self.at += 1
                yield self._token("MINUS", "-", at)
            yield from self._argument(start)
