"""Index notation: syntax tree → core language, with the rule of where a sum stands.

An index that is kept (on the left-hand side, or named by an enclosing sum) is never summed by
repetition. Any other index that occurs twice or more in one product is summed at that product. One
that occurs once passes up to the enclosing product.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction

from indexcalc.errors import IndexcalcError, Span
from indexcalc.language import syntax
from indexcalc.language.core import Core, Power, Product, Sum
from indexcalc.language.library import LIBRARY, Value
from indexcalc.language.matrix_notation import (
    MatrixNotation,
    beside_divisor,
    elementwise,
    is_elementwise,
    negative,
    number,
    one_argument,
    unknown_function,
)
from indexcalc.language.sizes import Sizes
from indexcalc.language.syntax import STEP, Script, Syntax

Letters = tuple[str, ...]
Tensor = tuple[Core, Letters]
"""A meaning with the index of each axis."""
KIND = "scM"


def letters_of(script: Script) -> Letters | None:
    """The indices that a script can be: ``ij``, ``i j``, ``i1 j2``; None where it can only be part of a name."""
    if script.mark in ("^", STEP):
        return None
    if script.mark == "_" and script.text.isalpha():
        return tuple(script.text)
    tokens = script.text.replace(",", " ").split()
    if len(tokens) == 1 and script.mark == "_" and tokens[0].isalpha():
        return tuple(tokens[0])
    fits = all(
        token[0].isalpha() and (len(token) == 1 or token[1:].isdigit() or (script.mark == "[" and token.isalnum()))
        for token in tokens
    )
    return tuple(tokens) if tokens and fits else None


def subscript(letters: Sequence[str]) -> str:
    """Indices as they are written behind a name: ``_ij``, ``_{i1 j}``."""
    return f"_{''.join(letters)}" if all(len(letter) == 1 for letter in letters) else f"_{{{' '.join(letters)}}}"


class IndexNotation:
    """The index text of one statement. ``resolve`` gives a name's meaning and its letters, with repeats;
    ``indexed`` tells whether a tree has indices; ``left`` are the letters of the left-hand side, None without one;
    ``letters`` all that the statement has."""

    def __init__(
        self,
        sizes: Sizes,
        resolve: Callable[[syntax.Name], Tensor],
        matrix: MatrixNotation,
        indexed: Callable[[Syntax], bool],
        left: Letters | None,
        letters: Collection[str],
        notes: list[str],
    ) -> None:
        self.sizes, self.resolve, self.matrix, self.indexed = sizes, resolve, matrix, indexed
        self.left, self.letters, self.notes = left, letters, notes

    def statement(self, node: Syntax) -> Tensor:
        """The whole right side, with the axes of the left side or, without one, the free indices."""
        twice = next((letter for letter in self.left or () if (self.left or ()).count(letter) > 1), None)
        if twice is not None:
            message = f"the left-hand side names {twice} twice"
            raise IndexcalcError("E202", message, node.span, "put a delta on the right: `Y_ij = x_i delta_ij`")
        core, letters = self.expression(node, frozenset(self.left or ()))
        if self.left is None:
            return core, letters
        extra = [letter for letter in letters if letter not in self.left]
        if extra:
            self.notes.append(f"summed over {', '.join(extra)}, which the left-hand side does not have")
        places = {letter: k for k, letter in enumerate([*self.left, *extra])}
        sizes = {places[letter]: size for letter, size in zip(letters, core.axes, strict=True)}
        for place in range(len(self.left)):
            if place not in sizes:
                sizes[place] = self.sizes.new()
        output = tuple(range(len(self.left)))
        axes = tuple([sizes[place] for place in output])
        labels = tuple([places[letter] for letter in letters])
        return Product(axes, ((core, labels),), output, tuple(sizes.items())), self.left

    # ------------------------------------------------------------------ expressions
    def expression(self, node: Syntax, kept: Collection[str]) -> Tensor:
        """A meaning whose letters are free in it: each once."""
        match node:
            case syntax.Sum():
                return self._sum(node, kept)
            case syntax.Product():
                return self._product(node.factors, node.span, kept)
            case syntax.Group():
                return self.expression(node.body, kept)
        return self._product((("*", node),), node.span, kept)

    def _factor(self, node: Syntax, kept: Collection[str]) -> Tensor:
        """One factor of a product, its letters as written: an index can occur twice in it."""
        match node:
            case syntax.Number():
                return self.matrix.value(node).core, ()
            case syntax.Name():
                return self.resolve(node)
            case syntax.Indexed():
                return self._indexed(node)
            case syntax.Signed():
                core, letters = self._factor(node.body, kept)
                return negative(core), letters
            case syntax.Power():
                return self._power(node, kept)
            case syntax.SumOver():
                return self._sum_over(node, kept)
            case syntax.Call():
                return self._call(node, kept)
            case syntax.Transpose():
                help_ = "swap the indices instead, or bracket: `(A')_ij`"
                raise IndexcalcError("E201", "a transpose needs no sign in index notation", node.span, help_)
            case syntax.Partial():
                raise IndexcalcError("E107", "a derivative stands alone: `∂a_i/∂W_kl`", node.span)
        return self.expression(node, kept)

    # ------------------------------------------------------------------ products
    def _product(self, factors: Iterable[tuple[str, Syntax]], span: Span, kept: Collection[str]) -> Tensor:
        tensors: list[Tensor] = []
        before: tuple[str, Syntax] = ("*", syntax.Partial(span))
        for operator, factor in factors:
            if operator == "" and before[0] == "/" and number(before[1]) is None:
                raise beside_divisor(before[1].span, factor.span)
            if operator not in ("*", "", "/"):
                help_ = "keep the index: `y_i = a_i b_i`, or `a_i b_i -> i`"
                raise IndexcalcError("E201", f"`{operator}` belongs to matrix notation", factor.span, help_)
            core, letters = self._factor(factor, kept)
            if operator == "/":
                core, letters = self._on_diagonal(core, letters, factor.span)
                core = Power(core.axes, core, Fraction(-1))
            tensors.append((core, letters))
            before = (operator, factor)
        counts: dict[str, int] = {}
        for _, letters in tensors:
            for letter in letters:
                counts[letter] = counts.get(letter, 0) + 1
        often = [letter for letter, count in counts.items() if count > 2 and letter not in kept]
        if often and self.left is None:
            free = [letter for letter, count in counts.items() if count == 1 and letter not in kept]
            raise self._too_often(often, free, counts[often[0]], span)
        return self._contracted(tensors, {x for x, count in counts.items() if count > 1 and x not in kept}, span)

    def _too_often(self, often: Sequence[str], free: Sequence[str], count: int, span: Span) -> IndexcalcError:
        message = f"the index {often[0]} occurs {count} times in one product, and only a pair is summed by itself"
        it, text = "it" if len(often) == 1 else "them", self.matrix.misfit.source(span)
        name = next((name for name in "yzwvu" if name not in self.matrix.misfit.text), "y")
        left = name + subscript([*free, *often])
        help_ = (
            f"to sum over {it} write `sum{subscript(often)}({text})`; to keep {it} name {it} on the left: `{left} = …`"
        )
        return IndexcalcError("E202", message, span, help_)

    def _contracted(self, tensors: Sequence[Tensor], summed: Collection[str], span: Span) -> Tensor:
        if len(tensors) == 1:
            alone = tensors[0][1]
            if len(set(alone)) == len(alone) and not any(letter in summed for letter in alone):
                return tensors[0]
        labels: dict[str, int] = {}
        sizes: dict[str, int] = {}
        first: dict[str, tuple[Core, int]] = {}
        factors = []
        for core, letters in tensors:
            for place, (letter, size) in enumerate(zip(letters, core.axes, strict=True)):
                if letter not in labels:
                    labels[letter], sizes[letter], first[letter] = len(labels), size, (core, place)
                elif sizes[letter] != size:
                    self._agree(letter, first[letter], (core, place), span)
            factors.append((core, tuple([labels[letter] for letter in letters])))
        free = tuple([letter for letter in labels if letter not in summed])
        output = tuple([labels[letter] for letter in free])
        return Product(tuple([sizes[letter] for letter in free]), tuple(factors), output), free

    def _agree(self, letter: str, a: tuple[Core, int], b: tuple[Core, int], span: Span) -> None:
        """An index has the same size everywhere: on axes of two meanings."""
        misfit, ours, theirs = self.matrix.misfit, a[0].axes[a[1]], b[0].axes[b[1]]
        if ours != theirs and not self.sizes.unify(ours, theirs, misfit.source(span)):
            message = f"the index {letter} runs over {misfit.axis(*a)} and over {misfit.axis(*b)}"
            raise IndexcalcError("E203", message, span)

    def _indexed(self, node: syntax.Indexed) -> Tensor:
        letters = letters_of(node.script)
        body = node.body
        if letters is None:
            raise IndexcalcError("E211", "these are no indices", node.script.span)
        if isinstance(body, syntax.Power) and number(body.exponent) != -1:
            if isinstance(body.exponent, syntax.Name):
                raise IndexcalcError("E212", "there is no metric here: write all indices below", node.span, "`A_ij`")
            name = body.base.text if isinstance(body.base, syntax.Name) else "A"
            power, below = str(number(body.exponent) or "k"), "".join(letters)
            message = "this can be the power of the matrix or of each entry"
            help_ = f"write `({name}^{power})_{below}` or `{name}_{below}^{power}`"
            raise IndexcalcError("E210", message, node.span, help_)
        value = self.matrix.value(body)
        if len(value.core.axes) != len(letters):
            message = f"{self.matrix.shape(value)} has {len(value.core.axes)} indices, not {len(letters)}"
            raise IndexcalcError("E211", message, node.span)
        return value.core, letters

    # ------------------------------------------------------------------ sums
    def _sum(self, node: syntax.Sum, kept: Collection[str]) -> Tensor:
        terms = [(sign, *self.expression(term, kept)) for sign, term in node.terms]
        letters = tuple(dict.fromkeys(letter for _, _, own in terms for letter in own))
        sizes: dict[str, int] = {}
        first: dict[str, tuple[Core, int]] = {}
        for (_, core, own), (_, term) in zip(terms, node.terms, strict=True):
            missing = [letter for letter in letters if letter not in own and letter not in kept]
            if own and missing:
                raise self._uneven(missing, own, term.span)
            for place, (letter, size) in enumerate(zip(own, core.axes, strict=True)):
                self._agree(letter, first.setdefault(letter, (core, place)), (core, place), node.span)
                sizes.setdefault(letter, size)
        axes = tuple([sizes[letter] for letter in letters])
        placed = tuple((sign, core, tuple([letters.index(letter) for letter in own])) for sign, core, own in terms)
        return Sum(axes, placed), letters

    def _uneven(self, missing: Sequence[str], own: Letters, span: Span) -> IndexcalcError:
        lack = ", ".join(missing)
        message = f"this term has the free indices {', '.join(own)}; another has {lack}"
        kept = subscript([*own, *missing])
        help_ = f"the terms of a sum have the same free indices; to keep them all name them on the left: `y{kept} = …`"
        return IndexcalcError("E204", message, span, help_)

    def _on_diagonal(self, core: Core, letters: Letters, span: Span) -> Tensor:
        """A tensor with an index twice as its diagonal: 1/D_ii needs no entries off it."""
        distinct = tuple(dict.fromkeys(letters))
        if len(distinct) == len(letters):
            return core, letters
        return self._contracted([(core, letters)], (), span)

    def _sum_over(self, node: syntax.SumOver, kept: Collection[str]) -> Tensor:
        over = letters_of(node.indices)
        if over is None:
            raise IndexcalcError("E211", "these are no indices", node.indices.span)
        core, letters = self.expression(node.body, frozenset(kept) | set(over))
        for letter in over:
            if letter not in letters:
                message = f"the sum runs over {letter}, which does not occur in it"
                raise IndexcalcError("E213", message, node.indices.span)
            size = core.axes[letters.index(letter)]
            if node.bound and not self.sizes.unify(size, self._size(node.bound)):
                message = f"the sum over {letter} runs to {node.bound}, and {letter} has {self.sizes.text(size)} values"
                raise IndexcalcError("E203", message, node.indices.span)
        return self._contracted([(core, letters)], over, node.span)

    def _size(self, text: str) -> int:
        return self.sizes.fixed(int(text) if text.isdigit() else text)

    # ------------------------------------------------------------------ powers and functions
    def _power(self, node: syntax.Power, kept: Collection[str]) -> Tensor:
        exponent = number(node.exponent)
        core, letters = self._on_diagonal(*self.expression(node.base, kept), node.span)
        if exponent is not None:
            return Power(core.axes, core, exponent), letters
        if isinstance(node.exponent, syntax.Name) and node.exponent.text in self.letters:
            raise IndexcalcError("E212", "there is no metric here: write all indices below", node.span, "`A_ij`")
        raised, more = self.expression(node.exponent, kept)
        for place, letter in enumerate(more):
            if letter in letters:
                self._agree(letter, (core, letters.index(letter)), (raised, place), node.span)
        own = [place for place, letter in enumerate(more) if letter not in letters]  # the base is constant along these
        axes = core.axes + tuple([raised.axes[place] for place in own])
        if own:
            core = Sum(axes, ((1, core, tuple(range(len(letters)))),))
            letters += tuple([more[place] for place in own])
        if more:
            raised = Sum(axes, ((1, raised, tuple([letters.index(letter) for letter in more])),))
        return Power(axes, core, raised), letters

    def _call(self, node: syntax.Call, kept: Collection[str]) -> Tensor:
        if is_elementwise(node.function):
            core, letters = self._on_diagonal(*self.expression(one_argument(node), kept), node.span)
            return elementwise(node.function, core), letters
        row = LIBRARY.get(node.function)
        if row is None:
            raise unknown_function(node)
        if row.sizes or not any(map(self.indexed, node.arguments)):
            value = self.matrix.call(node)
            if value.core.axes:
                behind = "i" if len(value.core.axes) == 1 else "ij"
                message = f"{self.matrix.shape(value)} needs indices in index notation"
                raise IndexcalcError("E201", message, node.span, f"write `{node.function}(…)_{behind}`")
            return value.core, ()
        arguments = []
        for argument in node.arguments:
            core, letters = self.expression(argument, kept)
            taken = next((letter for letter in letters if letter in kept), None)
            if taken is not None:
                help_ = "write its sums out, `sqrt(sum_j(x_j^2))`; or declare what is a name: `a_t: vector`"
                message = f"{node.function} takes up all indices, and {taken} is kept"
                raise IndexcalcError("E201", message, node.span, help_)
            arguments.append(Value(KIND[len(letters)] if len(letters) < 3 else "?", core, argument.span))
        kinds = "".join(argument.kind for argument in arguments)
        if row.kinds.get(kinds) != "s":
            behind = {"c": "_i", "s": ""}.get(row.kinds.get(kinds.replace("r", "c"), "M"), "_ij")
            help_ = f"write `{node.function}(…){behind}` with matrix text inside"
            raise IndexcalcError("E201", f"{node.function} takes whole matrices and vectors", node.span, help_)
        return row.build(self.matrix, arguments), ()
