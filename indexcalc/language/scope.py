"""Names: what each stands for, in a file and in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, TypeGuard

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.characters import GREEK_NAMES, ascii_name
from indexcalc.language.core import Core, LeviCivita, Literal, Product, SizeOf, Symbol
from indexcalc.language.families import Families
from indexcalc.language.index_notation import IndexNotation, Letters, Tensor, letters_of
from indexcalc.language.library import LIBRARY, Value, size_text
from indexcalc.language.loops import written_out
from indexcalc.language.matrix_notation import MatrixNotation, number
from indexcalc.language.programs import Program, expanded
from indexcalc.language.ranks import infer
from indexcalc.language.sizes import Sizes, Values
from indexcalc.language.syntax import Syntax, children, letters_apart, spelling
from indexcalc.tensor.functions import BY_NAME, DECLARED
from indexcalc.tensor.nodes import Dimension

KIND_OF_RANK = ("scalar", "vector", "matrix", "tensor")
LETTER_OF_KIND = {"scalar": "s", "vector": "c", "matrix": "M"}
RESERVED = {"delta": 2, "eps": 3, "ones": 1, "I": 2}
LACKING = "give it indices"
INDEXED = frozenset[Any]((syntax.Indexed, syntax.SumOver))
"""What index notation alone has, but for names with indices."""


def kind_of(axes: tuple[int, ...]) -> str:
    return KIND_OF_RANK[min(len(axes), 3)]


def counted(number: int, word: str = "index") -> str:
    """2 axes, 1 index."""
    return f"{number} {word if number == 1 else 'axes' if word == 'axis' else 'indices'}"


def as_typed(name: str, node: syntax.Name, text: str) -> str:
    """A name with its first word as it stands in the text: λ for lambda."""
    end = node.scripts[0].span[0] if node.scripts else node.span[1]
    typed = text[node.span[0] : end]
    return typed + name[len(node.text) :] if ascii_name(typed) == node.text else name


Found = tuple[Symbol | None, str, tuple[syntax.Script, ...]]
"""The symbol that a name begins with, its spelling, and the scripts behind it."""


class Scope:
    """The names that are known, and the sizes of their axes."""

    def __init__(self) -> None:
        self.symbols: dict[str, Symbol] = {}
        self.sizes = Sizes()
        self.size_symbols: set[str] = set()
        self.functions: dict[str, Span] = {}
        """The functions that the user declared, ``f: elementwise``."""
        self.programs: dict[str, Program] = {}
        """The functions that the user defined, ``layer(W, x, b) = …``."""
        self.numbers: dict[str, Fraction] = {}
        """What a file defines as numbers, above or below."""
        self.families: dict[str, set[int]] = {}
        """The steps for which names such as h[3] are defined."""
        self.open = Families(self.whole)
        """Loops whose length is a symbol, and the families in them."""
        self._seen = 0

    def appear(self, symbol: Symbol) -> None:
        """Remember the order in which names are first used."""
        if symbol.place < 0:
            symbol.place = self._seen
            self._seen += 1

    def attempt(self, *, keep: bool) -> Attempt:
        """A statement: what it adds stays if ``keep`` and it raises nothing, else all is as before."""
        return Attempt(self, keep)

    def add(self, symbol: Symbol) -> None:
        if symbol.name in self.symbols:
            help_ = "give it another name"
            raise IndexcalcError("E305", f"`{symbol.spelling}` stands for something already", symbol.span, help_)
        self.symbols[symbol.name] = symbol

    def lookup(self, node: syntax.Name) -> Found:
        """The symbol that a name begins with, its spelling, and the scripts behind it: its indices.

        A declared name wins over indices, the longest first; else scripts that cannot be indices, and all
        but the last of those that can, are part of the name.
        """
        text, scripts = node.text, node.scripts
        if not scripts:
            return self.symbols.get(text), text, ()
        for count in range(len(scripts), -1, -1):
            name = spelling(text, scripts[:count])
            symbol = self.symbols.get(name)
            if symbol is not None and None not in [letters_of(script) for script in scripts[count:]]:
                return symbol, name, scripts[count:]
        last = letters_of(scripts[-1]) is not None
        return None, spelling(text, scripts[:-1] if last else scripts), scripts[-1:] if last else ()

    def dimensions(self, axes: Sequence[int]) -> Callable[[int], Dimension]:
        """The sizes of axes as numbers and symbols; new symbols are given out in the order of ``axes``."""
        values = Values(self.sizes, self.symbols)
        for size in axes:
            values[size]
        return values.__getitem__

    def whole(self, node: Syntax) -> int:
        """The whole number that an expression stands for. Raises IndexcalcError E403."""
        match node:
            case syntax.Number(value=value) if value.denominator == 1:
                return int(value)
            case syntax.Group(body=body):
                return self.whole(body)
            case syntax.Signed(body=body):
                return -self.whole(body)
            case syntax.Sum(terms=terms):
                return sum(sign * self.whole(term) for sign, term in terms)
            case syntax.Name():
                symbol = self.lookup(node)[0]
                meaning = symbol.meaning if symbol is not None else None
                known = meaning.value if isinstance(meaning, Literal) else self.numbers.get(node.text)
                if isinstance(known, Fraction) and known.denominator == 1:
                    return int(known)
        message = "a loop runs from a whole number to another, or to a length"
        raise IndexcalcError("E403", message, node.span, "`for t = 1..4`, `for t = 1..T`")


class Unindexed(IndexcalcError):
    """A name without indices beside others that have some."""


class Attempt:
    """What a statement adds to a scope, until it is over."""

    __slots__ = ("keep", "known", "loops", "mark", "scope", "size_symbols")

    def __init__(self, scope: Scope, keep: bool) -> None:
        self.scope, self.keep = scope, keep

    def __enter__(self) -> None:
        scope = self.scope
        self.known, self.mark, self.loops = len(scope.symbols), scope.sizes.mark(), scope.open.mark()
        self.size_symbols = set(scope.size_symbols)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.keep and error is None:
            return
        scope = self.scope
        for name in list(scope.symbols)[self.known :]:
            del scope.symbols[name]
        scope.size_symbols = self.size_symbols
        scope.open.back_to(self.loops)
        scope.sizes.back_to(self.mark)


class Reading:
    """One statement while it is read: its notation, the names that it adds, what was assumed."""

    def __init__(self, scope: Scope, text: str, variables: Iterable[str] = ()) -> None:
        self.scope, self.text, self.variables = scope, text, tuple(variables)
        self.notes: list[str] = []
        self.kind = ""
        self.matrix = MatrixNotation(scope.sizes, self.value_of, self.notes, text)
        self.body: Syntax | None = None
        self.nodes: list[Syntax] = []
        """The tree that was read, and its nodes."""
        self.names: list[syntax.Name] = []
        self.undeclared: list[syntax.Name] = []
        self._known: dict[int, Found] = {}
        """What was found of the names that were declared before this statement."""
        self.left_names: tuple[syntax.Name, ...] = ()
        """The left-hand side, where nothing is known of it."""

    def read(self, body: Syntax, left: Letters | None) -> tuple[Core, Letters | None]:
        """The meaning of a right side; with the letters of its axes in index notation, None in matrix notation.

        ``left``: the letters of the left-hand side, () where it has none, None without a left-hand side.
        """
        self.body, self.nodes = self.prepared(body)
        core, letters = self.meaning(self.body, self.nodes, left)
        for node in self.names:
            symbol = self._found(node)[0]
            if symbol is not None and symbol.place < 0:
                self.scope.appear(symbol)
        return core, letters

    def prepared(self, body: Syntax) -> tuple[Syntax, list[Syntax]]:
        """A tree with what only looks like a call or a name as what it is, and its nodes."""
        if "for" in self.text:  # no other text has a loop
            body = written_out(body, self.scope.whole)
        if self.scope.programs:
            body = expanded(body, self.scope.programs)
        if self.scope.functions:
            body = syntax.replaced(body, self._declared_call)
        nodes = walk(body)
        calls = [node for node in nodes if type(node) is syntax.Call]
        if calls and any(map(self._is_function, nodes)):
            body = syntax.replaced(body, self._applied)
            nodes = walk(body)
            calls = [node for node in nodes if type(node) is syntax.Call]
        if calls and any(map(self._product_parts, calls)):
            body = syntax.split_words(body, self._product_parts)
            nodes = walk(body)
        if self._has_powers_of_e(nodes):
            self.notes.append("`e^…` is read as `exp(…)`")
            body = syntax.replaced(body, lambda node: exponential(node) or node)
            nodes = walk(body)
        apart = self._split(body, nodes)
        return (body, nodes) if apart is body else (apart, walk(apart))

    def meaning(self, body: Syntax, nodes: Sequence[Syntax], left: Letters | None) -> tuple[Core, Letters | None]:
        """The meaning of a tree that is prepared, as ``read`` gives it."""
        try:
            return self._meaning(body, nodes, left)
        except Unindexed as error:
            error.help = f"{LACKING}{self._declarations(body)}"
            raise

    def _meaning(self, body: Syntax, nodes: Sequence[Syntax], left: Letters | None) -> tuple[Core, Letters | None]:
        for name in size_names(nodes):
            self.scope.sizes.fixed(name)
            self.scope.size_symbols.add(name)
        lookup = self.scope.lookup
        names = self.names = names_of(nodes)
        scripts: list[syntax.Script] = []
        self.undeclared, self._known = [], {}
        for node in names:
            found = lookup(node)
            scripts += found[2]
            if found[0] is None:
                self.undeclared.append(node)
            else:
                self._known[id(node)] = found
        unknown = [node for node in self.undeclared if self.is_unknown(node)]
        for node in unknown:
            self._refuse_step(node)
        guessed = bool(unknown)
        if left or scripts or not INDEXED.isdisjoint(map(type, nodes)):
            letters = {letter for script in scripts for letter in letters_of(script) or ()}
            if guessed:
                self._declare_indexed(body, names, letters, left or ())
                self._declare(list(self._matrix_texts(body)))
            letters.update(left or ())
            notation = IndexNotation(
                self.scope.sizes, self._tensor, self.matrix, self.indexed, left, letters, self.notes
            )
            return notation.statement(body)
        if guessed:
            self._declare([body])
        value = self.matrix.statement(body)
        self.kind = value.kind
        return value.core, None

    def _found(self, node: syntax.Name) -> Found:
        return self._known.get(id(node)) or self.scope.lookup(node)

    # ------------------------------------------------------------------ notation
    def _has_indices(self, node: Syntax) -> bool:
        if isinstance(node, syntax.Name):
            return bool(self.scope.lookup(node)[2])
        return type(node) in INDEXED

    def indexed(self, tree: Syntax) -> bool:
        """Whether a tree has index notation anywhere."""
        return any(self._has_indices(node) for node in walk(tree))

    def _split(self, body: Syntax, nodes: Sequence[Syntax]) -> Syntax:
        """``Wx`` set apart as W x, where a variable of differentiation occurs only so."""
        names = names_of(nodes)
        unknown = {n.text for n in names if len(n.text) > 1 and self._undeclared(n)}
        if not unknown:
            return body
        missing = {v for v in self.variables if not any(self.scope.lookup(n)[1] == v for n in names)}
        apart = {
            text for text in unknown if any(v in text for v in missing) and text.isalpha() and text not in GREEK_NAMES
        }
        if apart:
            apart |= {text for text in unknown if _product_like(text)}
            self.notes += [f"`{text}` is read as `{' '.join(text)}`" for text in sorted(apart)]
            return syntax.split_words(
                body, lambda n: letters_apart(n) if isinstance(n, syntax.Name) and n.text in apart else None
            )
        for node in names:
            if node.text in unknown and _product_like(node.text) and node.text not in self.variables:
                help_ = f"write `{' '.join(node.text)}` for a product, or declare `{node.text}: matrix(m, n)`"
                raise IndexcalcError("E306", f"`{node.text}` can be one name or a product", node.span, help_)
        return body

    def _declared_call(self, node: Syntax) -> Syntax:
        if isinstance(node, syntax.Call) and node.function.rstrip("'") in self.scope.functions:
            return node._replace(function=DECLARED + node.function)
        return node

    def _applied(self, node: Syntax) -> Syntax:
        """``log|A|`` and ``log det(A)`` as log(|A|) and log(det(A))"""
        if not isinstance(node, syntax.Product):
            return node
        factors = list(node.factors)
        for place in reversed(range(1, len(factors))):
            operator, factor = factors[place]
            before, whole = factors[place - 1]
            name = whole.body if isinstance(whole, syntax.Signed) else whole
            if operator == "" and isinstance(factor, syntax.Call) and self._is_function(name):
                bars = factor.name_span[0] == factor.name_span[1]
                if not bars and place + 1 < len(factors) and factors[place + 1][0] in ("", "*"):  # tr inv(A) B
                    span = (name.span[0], factors[place + 1][1].span[1])
                    help_ = "put brackets around what the function is of"
                    raise IndexcalcError("E109", "the last factor can belong to the function or not", span, help_)
                call = syntax.Call((name.span[0], factor.span[1]), name.text, name.span, (factor,))
                signed = whole._replace(body=call) if isinstance(whole, syntax.Signed) else call
                factors[place - 1 : place + 1] = [(before, signed)]
        return factors[0][1] if len(factors) == 1 else node._replace(factors=tuple(factors))

    def _is_function(self, node: Syntax) -> TypeGuard[syntax.Name]:
        """Whether a name without brackets behind it is that of a function."""
        if not isinstance(node, syntax.Name) or node.scripts:
            return False
        return names_function(node.text) and self._undeclared(node)

    def _product_parts(self, node: Syntax) -> list[Syntax] | None:
        """``b(x + y)`` where b is no function but a variable is b times (x + y)."""
        if not isinstance(node, syntax.Call) or len(node.arguments) != 1:
            return None
        if node.function.endswith("'") and not node.function.startswith(DECLARED):  # A'(x + y)
            name: Syntax = syntax.Name(node.name_span, node.function.rstrip("'"), ())
            turned = syntax.Transpose(node.name_span, name) if node.function.count("'") % 2 else name
            return [turned, syntax.Group((node.name_span[1], node.span[1]), node.arguments[0])]
        if node.function not in self.scope.symbols:
            return None
        if node.function in BY_NAME or node.function in LIBRARY:
            return None
        self.notes.append(f"`{node.function}(…)` is a product: `{node.function}` is a variable")
        span = (node.name_span[1], node.span[1])
        return [syntax.Name(node.name_span, node.function, ()), syntax.Group(span, node.arguments[0])]

    def _has_powers_of_e(self, nodes: Sequence[Syntax]) -> bool:
        """Whether e is no name of the user's, and stands with exponents only, of which none is an index and some is no
        number."""
        calls = [call for node in nodes if type(node) is syntax.Power and (call := exponential(node)) is not None]
        if not calls:
            return False
        exponents = [call.arguments[0] for call in calls]
        known = "e" in (*self.scope.symbols, *self.scope.size_symbols, *self.variables)
        if known or all(number(node) is not None for node in exponents):
            return False
        names = names_of(nodes)
        letters = {letter for node in names for script in node.scripts for letter in letters_of(script) or ()}
        indices = any(isinstance(node, syntax.Name) and node.text in letters for node in exponents)
        return not indices and len(calls) == sum(node.text == "e" for node in names)

    def _undeclared(self, node: syntax.Name) -> bool:
        return self.scope.lookup(node)[0] is None and self._constant(node) is None

    def is_unknown(self, node: syntax.Name) -> bool:
        """Whether an undeclared name has no meaning of its own either."""
        _, name, scripts = self.scope.lookup(node)
        return not self._is_reserved(name, scripts) and self._constant(node) is None

    def _matrix_texts(self, body: Syntax) -> Iterator[Syntax]:
        """The matrix text inside index notation: what has indices behind it, and arguments without any."""
        stack = [body]
        while stack:
            node = stack.pop()
            if isinstance(node, syntax.Indexed):
                yield node.body
            elif (
                isinstance(node, syntax.Call)
                and node.function in LIBRARY
                and not any(map(self.indexed, node.arguments))
            ):
                yield from node.arguments
            else:
                stack.extend(reversed(children(node)))

    def _refuse_step(self, node: syntax.Name) -> None:
        """``h[t-1]`` outside of a loop, ``h[5]`` where h is one tensor or defined for other steps."""
        script = node.scripts[-1] if node.scripts else None
        stepped = script is not None and (script.mark == "[" or node.text in self.scope.families)
        if script is None or not stepped or script.mark == syntax.STEP or letters_of(script) is not None:
            return
        if not script.text.isdigit():
            message = f"`{script.text}` is a step, and no loop runs over it here"
            raise IndexcalcError("E403", message, script.span, "`h[t] = … for t = 1..4`")
        if node.text in self.scope.symbols:
            help_ = "`A[i,j]`, or declare the name with its number"
            raise IndexcalcError("E106", "an index in brackets is a name here", script.span, help_)
        steps = self.scope.families.get(node.text, set())
        if steps and int(script.text) > min(steps):  # what comes before the first is where it begins: an input
            shown = f"{min(steps)} to {max(steps)}" if len(steps) == max(steps) - min(steps) + 1 else "other steps"
            message = f"`{node.text}[{script.text}]` is out of range: `{node.text}` is defined for {shown}"
            raise IndexcalcError("E311", message, node.span, "define it, or change the range")

    # ------------------------------------------------------------------ undeclared names
    def _declare(self, trees: list[Syntax]) -> None:
        """Ranks for the undeclared names of matrix text."""
        names = [node for tree in trees for node in walk(tree) if isinstance(node, syntax.Name)]
        unknown: dict[str, syntax.Name] = {}
        for node in names:
            if self._kind(node) is None:
                unknown.setdefault(self.scope.lookup(node)[1], node)
        if not unknown:
            return
        for name, node in unknown.items():
            refuse_function(name, node)
        readings = infer(trees, self._kind)
        if len(readings) == 2:
            raise self._ambiguous(readings, trees)
        kinds = readings[0] if readings else {}
        for name, node in unknown.items():
            self._add(name, node, {"s": 0, "c": 1, "M": 2}[kinds.get(name, _habit(name))])

    def _ambiguous(self, readings: list[dict[str, str]], trees: list[Syntax]) -> IndexcalcError:
        words = {"s": "a scalar", "c": "a vector", "M": "a matrix"}
        differ = [name for name in readings[0] if readings[0][name] != readings[1][name]]
        each = [", ".join(f"{name} {words[kinds[name]]}" for name in differ) for kinds in readings]
        message = f"this can be read in two ways: {each[0]}; or {each[1]}"
        help_ = "declare one of them, for example `" + _declaration(differ[0], readings[0][differ[0]]) + "`"
        return IndexcalcError("E209", message, (trees[0].span[0], trees[-1].span[1]), help_)

    def _declare_indexed(self, body: Syntax, names: Sequence[syntax.Name], used: set[str], left: Letters) -> None:
        """Ranks for undeclared names: as many as they carry indices; without indices they are scalars."""
        inside = {id(node) for tree in self._matrix_texts(body) for node in walk(tree)}
        stems = {node.text for node in names if self.scope.lookup(node)[2]}
        strange = any(letter not in used for letter in left)
        for node in names:
            symbol, name, scripts = self.scope.lookup(node)
            if symbol is not None or self._is_reserved(name, scripts):
                continue
            if not scripts and (id(node) in inside or self._constant(node) is not None):
                continue
            if not scripts and (strange or name[0].isupper() or node.text in stems or node.scripts):
                raise self._mixed(node)
            refuse_function(name, node)
            self._add(name, node, sum(len(letters_of(script) or ()) for script in scripts))

    def _add(self, name: str, node: syntax.Name, rank: int) -> None:
        axes = tuple([self.scope.sizes.new() for _ in range(rank)])
        typed = as_typed(name, node, self.text)
        self.scope.add(Symbol(name, KIND_OF_RANK[min(rank, 3)], axes, typed, node.span, assumed=True))

    # ------------------------------------------------------------------ what names stand for
    def _kind(self, node: syntax.Name) -> str | None:
        symbol = self.scope.lookup(node)[0]
        if symbol is not None:
            return LETTER_OF_KIND.get(symbol.kind, "?")
        value = self._constant(node)
        return None if value is None else value.kind

    def _constant(self, node: syntax.Name) -> Value | None:
        """Names with a meaning of their own, if nobody declared them: pi, I, a size."""
        if node.scripts:
            return None
        if node.text == "pi":
            return Value("s", Literal((), "pi"), node.span)
        if node.text in self.scope.size_symbols:
            return Value("s", SizeOf((), self.scope.sizes.fixed(node.text)), node.span)
        if node.text == "I":
            size = self.scope.sizes.new()
            return Value("M", Product((size, size), (), (0, 0), ((0, size),)), node.span)
        return None

    def value_of(self, node: syntax.Name) -> Value:
        """What a name means in matrix notation."""
        symbol, name, scripts = self.scope.lookup(node)
        if scripts:
            raise self._mixed(node)
        if symbol is None:
            value = self._constant(node)
            assert value is not None, name
            return value
        kind = LETTER_OF_KIND.get(symbol.kind)
        if kind is None:
            message = f"`{symbol.spelling}` has {len(symbol.axes)} axes, and matrix notation has at most two"
            raise IndexcalcError("E216", message, node.span, "write it with indices")
        return Value(kind, symbol.leaf, node.span)

    def _tensor(self, node: syntax.Name) -> Tensor:
        symbol, name, scripts = self._found(node)
        letters = tuple(letter for script in scripts for letter in letters_of(script) or ())
        if self._is_reserved(name, scripts) and (symbol is None or len(letters) == RESERVED[name] != len(symbol.axes)):
            return self._reserved(name, letters, node.span)
        if symbol is None:
            value = self._constant(node)
            if value is None or value.core.axes:
                raise self._mixed(node)
            return value.core, ()
        if len(letters) != len(symbol.axes):
            if not letters:
                raise self._mixed(node)
            message = f"`{symbol.spelling}` has {counted(len(symbol.axes), 'axis')} and {counted(len(letters))} here"
            raise IndexcalcError("E211", message, node.span)
        return symbol.leaf, letters

    @staticmethod
    def _is_reserved(name: str, scripts: Sequence[syntax.Script]) -> bool:
        """Whether a name is delta, eps, ones or I with its indices, or delta or eps with more: with fewer it is the
        user's own, the strain eps_ij or a vector I_i."""
        if name not in RESERVED:
            return False
        count = sum(len(letters_of(script) or ()) for script in scripts)
        return count == RESERVED[name] or (name in ("delta", "eps") and count > RESERVED[name])

    def _reserved(self, name: str, letters: Letters, span: Span) -> Tensor:
        if len(letters) != RESERVED[name]:
            raise IndexcalcError("E211", f"`{name}` takes {RESERVED[name]} indices here, not {len(letters)}", span)
        if name == "eps":
            return LeviCivita((self.scope.sizes.fixed(3),) * 3), letters
        size = self.scope.sizes.new()
        labels = (0,) * len(letters)
        return Product((size,) * len(letters), (), labels, ((0, size),)), letters

    def _mixed(self, node: syntax.Name) -> IndexcalcError:
        """Some names have indices and this one has none."""
        typed = self.text[node.span[0] : node.span[1]]
        message = f"`{typed}` has no indices, and other tensors of this statement have"
        return Unindexed("E201", message, node.span, LACKING)

    def _declarations(self, body: Syntax) -> str:
        """How the names are declared, if none of what stands behind them are indices."""
        names = [name for name in (*self.undeclared, *self.left_names) if name.text]  # an arrow has none
        each = dict.fromkeys(spelling(name.text, name.scripts) for name in names)
        readings = infer([body], lambda n: each.get(spelling(n.text, n.scripts), self._kind(n)))
        kinds = (readings[0] if readings else {}) | {name: "M" for name in each if _habit(name) == "M"}
        words = {"M": "matrix", "c": "vector", "s": "scalar"}
        lines = "; ".join(f"{name}: {words[kinds.get(name, 'c')]}" for name in each)  # sizes that fit are found
        return f", or declare what is a name: `{lines}`" if lines else ""


def exponential(node: Syntax) -> syntax.Call | None:
    """exp(x) for e^x"""
    if not isinstance(node, syntax.Power) or node.base[1:] != ("e", ()):
        return None
    start = node.span[0]
    return syntax.Call(node.span, "exp", (start, start), (node.exponent,))


def no_variable(scope: Scope, name: str, span: Span) -> IndexcalcError:
    """The error of a derivative by a name that is none of the variables."""
    other = [known for known in scope.symbols if known.lower() == name.lower()]
    near = other or get_close_matches(name, list(scope.symbols), n=1)
    known = ", ".join(symbol.spelling for symbol in scope.symbols.values() if symbol.meaning is None)
    help_ = f"did you mean `{near[0]}`?" if near else f"the variables are {known}" if known else None
    what = "a size" if name in scope.size_symbols else "a function" if name in BY_NAME or name in LIBRARY else ""
    message = f"`{name}` is {what}, and a derivative is by a variable" if what else ""
    return IndexcalcError("E304", message or f"`{name}` is no variable of the expression", span, help_)


def names_function(name: str) -> bool:
    """``sin``, not a Greek letter: that is a letter where no bracket follows."""
    return (name in BY_NAME or name in LIBRARY) and name not in GREEK_NAMES


def refuse_function(name: str, node: syntax.Name) -> None:
    """``sin x`` is no product."""
    if names_function(name):
        typed = spelling(node.text, node.scripts)
        help_ = f"write `{typed}(…)`, or declare `{typed}` if it is a variable"
        raise IndexcalcError("E308", f"`{name}` is a function", node.span, help_)


def _habit(name: str) -> str:
    return "M" if name[0].isupper() else "c"


def _declaration(name: str, kind: str) -> str:
    return f"{name}: " + {"s": "scalar", "c": "vector(n)", "M": "matrix(m, n)"}[kind]


def _product_like(name: str) -> bool:
    """A capital and a small letter: Wx, Ax, Xw."""
    return len(name) == 2 and name[0].isupper() and name[1].islower()


def walk(root: Syntax) -> list[Syntax]:
    """Every node of a tree, in the order of the text; not the sizes that eye and ones name."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        found.append(node)
        kind = type(node)
        if kind is syntax.Name or kind is syntax.Number:
            continue
        if not (isinstance(node, syntax.Call) and (row := LIBRARY.get(node.function)) is not None and row.sizes):
            stack += children(node)[::-1]
    return found


def names_of(nodes: Iterable[Syntax]) -> list[syntax.Name]:
    return [node for node in nodes if type(node) is syntax.Name]


def size_names(nodes: Iterable[Syntax]) -> Iterator[str]:
    """The size symbols that eye, ones and zeros name, and up to which sums run."""
    for node in nodes:
        if isinstance(node, syntax.SumOver) and node.bound.isidentifier():
            yield node.bound
        if isinstance(node, syntax.Call) and (row := LIBRARY.get(node.function)) is not None and row.sizes:
            parts = (part for text in map(size_text, node.arguments) for part in text.split("*"))
            yield from (part for part in parts if part and not part.isdigit())
