"""tensor expression → index form: letters for axes, and explicit sums where repetition does not say it.

A letter that is summed in a product is left to repetition where it stands twice among its factors;
else ``sum_j(…)`` names it. Deltas come from outputs that repeat a label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from itertools import count, islice

from indexcalc.errors import IndexcalcError
from indexcalc.forms import algebra
from indexcalc.forms.context import Context
from indexcalc.forms.expansion import as_terms
from indexcalc.forms.factoring import has_content, variants
from indexcalc.forms.matrix import MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Call, Cost, Entries, Form, Number, Power, Product, Sum, SumOver, Symbol
from indexcalc.tensor import nodes as tensor
from indexcalc.tensor import product as products
from indexcalc.tensor import sums
from indexcalc.tensor.elementwise import Apply
from indexcalc.tensor.epsilon import Epsilon
from indexcalc.tensor.grouping import Flatten, Split, flatten
from indexcalc.tensor.matrix_functions import MatrixFunction, Softmax
from indexcalc.tensor.nodes import Dimension, Labels, Node, Rational
from indexcalc.tensor.product import Einsum, constant_axes, einsum, split_power, without_axes
from indexcalc.tensor.structure import is_kind

Letters = tuple[str, ...]
POOL = "ijklpqrstuvwabcdefghmnoxyz"


def all_letters() -> Iterator[str]:
    """Index letters without end: i, j, …, then i1, j1, …"""
    yield from POOL
    yield from (f"{letter}{k}" for k in count(1) for letter in POOL)


def first_letters(rank: int) -> Letters:
    """The letters of a tensor's axes where nobody has chosen others: i, j, …"""
    return tuple(islice(all_letters(), rank))


class Scope:
    """The letters of one product and all that stands in it: which are used, which occur twice in one
    product although they are not summed there."""

    def __init__(self, used: set[str]) -> None:
        self.used = used
        self.doubled: set[str] = set()


UNGROUPED = "the derivative of what stands in vec or kron has a Kronecker form: ask `∂vec(Y)/∂vec(X)'`, or for Y by X"


class NoIndexForm(IndexcalcError):
    """A tensor whose axes are groups of axes, and no text for it."""


def delta(a: str, b: str) -> Symbol:
    """delta_ab"""
    found = Symbol("delta", "", -1, (a, b))
    found.names = 0
    return found


class IndexForms:
    """The index forms of one answer. ``kept`` are the letters of its axes; ``preferred`` the user's own."""

    def __init__(self, context: Context, matrix: MatrixForms, kept: Collection[str], preferred: Letters = ()) -> None:
        self.context, self.matrix, self.kept = context, matrix, frozenset(kept)
        self.preferred = [letter for letter in dict.fromkeys(preferred) if letter not in self.kept]
        self._places: dict[Node, int] = {}
        self._sizes: dict[str, Dimension] = {}
        self.written: dict[Node, dict[int, str]] = {}
        """The letters of the labels of each product, where it was written last."""

    def form(self, node: Node, letters: Letters) -> Form:
        """The form of a node whose axes have these letters."""
        self._sizes.update(zip(letters, node.shape, strict=True))
        return self._form(node, letters, Scope(set(letters) | self.kept))

    def factor(self, node: Node, letters: Letters, scope: Scope) -> tuple[int, Form, Rational]:
        """Sign, form and exponent of a factor of a product whose letters are those of the scope."""
        self._sizes.update(zip(letters, node.shape, strict=True))
        return self._power(node, letters, scope)

    def typed_order(self, node: sums.Sum) -> Sequence[Node]:
        """The terms of a sum in the user's order, else in that of the names in them."""
        found = self._typed_order(node, flip=True)
        return found[1] if found is not None else sorted(node.children, key=self.place)

    # ------------------------------------------------------------------ letters and order
    def _fresh(self, scope: Scope, dimension: Dimension) -> str:
        """A letter for a dummy index; one letter runs over one size in all of the answer."""
        free = (letter for letter in self._letters() if letter not in scope.used)
        letter = next(letter for letter in free if self._sizes.get(letter, dimension) == dimension)
        self._sizes[letter] = dimension
        scope.used.add(letter)
        return letter

    def _letters(self) -> Iterator[str]:
        yield from self.preferred
        yield from all_letters()

    def place(self, node: Node) -> int:
        """Where the first of a node's names stands in the user's text."""
        if node not in self._places:
            for part in tensor.descendants([node]):
                if part not in self._places:
                    own = [self._places[child] for child in part.children]
                    if part in self.context.names:
                        own = [self.context.place(self.context.names[part])]
                    elif isinstance(part, Epsilon):
                        own = [-1]
                    elif isinstance(part, tensor.Variable):
                        own = [self.context.place(part.name)]
                    self._places[part] = min(own, default=len(self.context.places))
        return self._places[node]

    # ------------------------------------------------------------------ one node
    def _form(self, node: Node, letters: Letters, scope: Scope) -> Form:
        if isinstance(node, sums.Sum) and node not in self.context.names:
            sign, form = self._sum(node, letters, scope, flip=False)
        else:
            sign, form = self._signed(node, letters, scope)
        return form if sign > 0 else negated(form)

    def _signed(self, node: Node, letters: Letters, scope: Scope) -> tuple[int, Form]:
        """A sign and a form, for use where a sign can stand outside."""
        name = self.context.names.get(node)
        if name is not None:
            return 1, Symbol(name, "", self.context.place(name), letters)
        match node:
            case tensor.Number(value=value):
                return (1 if value >= 0 else -1), Number(tensor.magnitude(value))
            case Flatten() | Split():
                return self._grouped(node, letters, scope)
            case Epsilon():
                return 1, Symbol("eps", "", self.place(node), letters)
            case tensor.Size() | tensor.Constant():
                return self.matrix.signed(node)
            case tensor.Variable(name=name):
                return 1, Symbol(name, "", self.context.place(name), letters)
            case Einsum():
                if any(isinstance(child, Split) for child in node.children):
                    return self._with_vectors_apart(node, letters, scope)
                return self._product(node, letters, scope)
            case sums.Sum():
                return self._sum(node, letters, scope, flip=True)
            case Apply():
                return self._apply(node, letters, scope)
            case products.Power():
                sign, form, exponent = self._power(node, letters, scope)
                if _divides(form, letters, exponent):
                    return sign, Product(" ", 1, (), (_raised(form, -exponent),))
                return sign, _raised(form, exponent)
            case MatrixFunction():
                return 1, self._whole(node, letters, scope)
        raise AssertionError(type(node).__name__)

    def _apply(self, node: Apply, letters: Letters, scope: Scope) -> tuple[int, Form]:
        name, argument = node.function.name, node.children[0]
        scope.doubled |= _repeated(letters)
        if name == "log" and not letters:
            try:
                form = self.matrix.signed(node)[1]
                if isinstance(form, Call) and form.function == "logsumexp":
                    return 1, form
            except NoMatrixForm:
                pass
        if node.function.parity:
            sign, form = self._signed(argument, letters, scope)
            return sign if node.function.parity < 0 else 1, Call(name, "", (form,))
        return 1, Call(name, "", (self._form(argument, letters, scope),))

    def _power(self, node: Node, letters: Letters, scope: Scope) -> tuple[int, Form, Rational]:
        """A node as sign, form and exponent."""
        base, exponent = split_power(node)
        if isinstance(node, products.Power) and node.exponent is None:
            scope.doubled |= _repeated(letters)
            below, above = (self._constant_or_indexed(child, letters, scope) for child in node.children)
            return 1, Power(below, above, False), 1
        if exponent == 1:
            return *self._signed(node, letters, scope), 1
        scope.doubled |= _repeated(letters)
        if isinstance(base, Apply) and base.function.name == "exp" and (type(exponent) is not int or exponent < 0):
            return *self._signed_exp(base, exponent, letters, scope), 1
        if type(exponent) is int:
            sign, form = self._signed(base, letters, scope)
            return (sign if exponent % 2 else 1), form, exponent
        if not letters:
            try:
                sign, form, power = self.matrix.scalar(node)
                if isinstance(form, Call) and form.function == "norm2":
                    return sign, form, power
            except NoMatrixForm:
                pass
        form = self._form(base, letters, scope)
        if abs(exponent) == Fraction(1, 2):
            return 1, Call("sqrt", "", (form,)), 1 if exponent > 0 else -1
        return 1, form, exponent

    def _constant_or_indexed(self, node: Node, letters: Letters, scope: Scope) -> Form:
        axes = constant_axes(node)
        own = tuple([letter for axis, letter in enumerate(letters) if axis not in axes])
        return self._form(without_axes(node, axes) if axes else node, own, scope)

    def _signed_exp(self, base: Apply, exponent: Rational, letters: Letters, scope: Scope) -> tuple[int, Form]:
        return 1, Call("exp", "", (self._form(sums.scale(exponent, base.children[0]), letters, scope),))

    def _whole(self, node: MatrixFunction, letters: Letters, scope: Scope) -> Form:
        """Matrix text with indices behind it."""
        argument = node.children[0]
        if not isinstance(node, Softmax):
            plain = self.matrix.form(argument)
            turned = algebra.transpose(plain)
            if turned.cost < plain.cost:  # inv(A')_ij = inv(A)_ji
                plain, letters = turned, letters[::-1]
            return Call(node.name, "", (plain,), letters)
        try:
            arguments = [self.matrix.form(argument)]
            if len(letters) > 1:
                arguments.append(Number(node.axis + 1))
            return Call(node.name, "", tuple(arguments), letters)
        except NoMatrixForm:
            above = Call("exp", "", (self._form(argument, letters, scope),))
            dummy = self._fresh(scope, argument.shape[node.axis])
            other = (*letters[: node.axis], dummy, *letters[node.axis + 1 :])
            below = SumOver((dummy,), Call("exp", "", (self._form(argument, other, scope),)))
            return Product(" ", 1, (above,), (below,))

    def _grouped(self, node: Node, letters: Letters, scope: Scope) -> tuple[int, Form]:
        """Matrix text with indices behind it, term by term."""
        inner = as_terms(node.children[0])
        if isinstance(node, Flatten) and isinstance(inner, sums.Sum):
            terms = [(c, flatten(child, node.groups)) for c, child in inner.terms]
            signed = [self._grouped(sums.scale(c, term), letters, scope) for c, term in terms]
            return 1, Sum(tuple(algebra.ordered(signed)))
        try:
            sign, form = self.matrix.signed_form(node)
        except NoMatrixForm as reason:
            raise NoIndexForm("E404", f"this has no index form yet: {reason}", help=UNGROUPED) from None
        if isinstance(form, Product) and form.operator == "*" and not form.divisors:
            scalars = [factor for factor in form.factors if factor.kind == "s"]
            rest = [factor for factor in form.factors if factor.kind != "s"]
            whole = with_letters(rest[0] if len(rest) == 1 else algebra.matmul(*rest), letters)
            alone = not scalars and form.coefficient == 1
            return sign, whole if alone else Product(" ", form.coefficient, (*scalars, whole))
        return sign, with_letters(form, letters)

    def _with_vectors_apart(self, node: Einsum, letters: Letters, scope: Scope) -> tuple[int, Form]:
        """``kron(A, B)_ij x_i y_j``: the vectors that a product takes apart, and what is left as one matrix."""
        vectors = [f for f in node.factors if isinstance(f[0], Split) and len(f[0].parts) == 1]
        rest = [factor for factor in node.factors if factor not in vectors]
        output = node.output
        groups: list[Labels] = [(axis,) for axis in range(len(node.output))]
        for _, labels in vectors:
            groups.append(tuple(range(len(output), len(output) + len(labels))))
            output += labels
        whole = flatten(einsum(node.coefficient, rest, output, dict(enumerate(node.sizes))), tuple(groups))
        own = [self._fresh(scope, child.children[0].shape[0]) for child, _ in vectors]
        if not vectors or len(whole.shape) > 2:
            raise NoIndexForm("E404", "this has no index form yet: a tensor in it is reshaped", help=UNGROUPED)
        sign, form = self._signed(whole, (*letters, *own), scope)
        for (child, _), letter in zip(vectors, own, strict=True):
            s, vector = self._signed(child.children[0], (letter,), scope)
            sign, form = sign * s, Product(" ", 1, (*flat(form), *flat(vector)))
        return sign, form

    # ------------------------------------------------------------------ products
    def _product(self, node: Einsum, letters: Letters, scope: Scope) -> tuple[int, Form]:
        names: dict[int, str] = {}
        deltas: list[tuple[int, Symbol]] = []
        for label, letter in zip(node.output, letters, strict=True):
            if label in names:
                deltas.append((node.output.index(label), delta(names[label], letter)))
            else:
                names[label] = letter
        factors = sorted(node.factors, key=lambda factor: self._order(factor, node.output))
        counts: dict[str, int] = {}
        for _, labels in factors:
            for label in labels:
                if label not in names:
                    names[label] = self._fresh(scope, node.sizes[label])
                counts[names[label]] = counts.get(names[label], 0) + 1
        self.written[node] = names
        inner = Scope(scope.used)
        sign, parts = 1 if node.coefficient >= 0 else -1, []
        turned = next((child for child, _ in factors if isinstance(child, Epsilon)), None) if sign < 0 else None
        for child, labels in factors:
            own_letters = tuple([names[label] for label in labels])
            base, exponent = split_power(child)
            entries = exponent > 0 and is_kind(base, "diagonal")
            if entries and deltas and own_letters[0] == deltas[-1][1].letters[0]:
                own_letters = deltas.pop()[1].letters  # D_ii delta_ij is D_ij
            if child is turned:  # -eps_ijk is eps_ikj
                own_letters, turned, sign = (own_letters[0], own_letters[2], own_letters[1]), None, 1
            s, form, exponent = self._power(child, own_letters, inner)
            sign *= s
            parts.append((labels, form, exponent))
        own = {names[label] for label in node.output}
        seen = [x for x in own for _ in range(counts.get(x, 0))] + [x for _, d in deltas for x in d.letters]
        scope.doubled |= {x for x in seen if seen.count(x) > 1 or x in inner.doubled}
        explicit = tuple([x for x, n in counts.items() if x not in own and (n != 2 or x in inner.doubled)])
        above, below = self._placed(node, names, deltas, parts, own.union(explicit))
        return sign, summed(tensor.magnitude(node.coefficient), explicit, above, below)

    def _order(self, factor: tuple[Node, Labels], output: Labels) -> tuple[object, ...]:
        """Scalars first, then the user's order, then the order of the axes."""
        node, labels = factor
        return bool(labels), self.place(node), min([output.index(x) for x in labels if x in output], default=99), labels

    def _placed(
        self,
        node: Einsum,
        names: dict[int, str],
        deltas: list[tuple[int, Symbol]],
        parts: list[tuple[Labels, Form, Rational]],
        named: set[str],
    ) -> tuple[list[Form], list[Form]]:
        """The factors with the deltas among them, each before what belongs to later axes; and the divisors,
        which have no index that is summed by repetition."""
        above: list[Form] = []
        below: list[Form] = []
        for labels, form, exponent in parts:
            first = min([node.output.index(label) for label in labels if label in node.output], default=-1)
            while deltas and deltas[0][0] < first:
                above.append(deltas.pop(0)[1])
            if _divides(form, labels, exponent) and all(names[label] in named for label in labels):
                below.append(_raised(form, -exponent))
            else:
                above += flat(_raised(form, exponent))
        return above + [form for _, form in deltas], below

    # ------------------------------------------------------------------ sums
    def _sum(self, node: sums.Sum, letters: Letters, scope: Scope, flip: bool) -> tuple[int, Form]:
        """A sum as the user wrote it or in its best variant; with ``flip`` a sign may stand outside."""
        typed = self._typed_order(node, flip)
        if typed is not None and (flip or typed[2] > 0):
            written, order, sign = typed
            return sign, self._terms(written, order, letters, scope, flip=False)[1]
        if node not in self.matrix.chosen:
            self.matrix.chosen[node] = self._best_variant(node, letters, scope)
        variant = self.matrix.chosen[node]
        if variant is None:
            content, _, primitive = node.primitive()
            sign, form = self._signed(primitive, letters, scope)
            return sign if content > 0 else -sign, Product(" ", tensor.magnitude(content), flat(form))
        return self._sum_of(variant, letters, scope, flip)

    def _sum_of(self, node: Node, letters: Letters, scope: Scope, flip: bool) -> tuple[int, Form]:
        if isinstance(node, sums.Sum):
            return self._terms(node, None, letters, scope, flip)
        return self._signed(node, letters, scope)

    def _best_variant(self, node: sums.Sum, letters: Letters, scope: Scope) -> Node | None:
        """The way to write a sum that reads best; None where its content stands in front."""

        def cost(variant: Node) -> Cost:
            return self._sum_of(variant, letters, Scope(set(scope.used)), flip=False)[1].cost

        ways = variants(node)
        best = node if len(ways) == 1 else min(ways, key=cost)
        content, scalars, primitive = node.primitive() if has_content(node) else (1, (), node)
        if abs(content) == 1 or scalars or best is not node:
            return best
        inner = self._signed(primitive, letters, Scope(set(scope.used)))[1]
        return None if Product(" ", tensor.magnitude(content), flat(inner)).cost < cost(node) else node

    def _typed_order(self, node: sums.Sum, flip: bool) -> tuple[sums.Sum, list[Node], int] | None:
        """A sum that the user wrote, up to sign and transposition: as written, its terms in order, the sign."""
        exact = self.context.exact.get(node)
        if exact is not None and not flip:
            return node, list(exact), 1
        for turn in (False, True):
            if turn and not self.context.may_be_turned(node):
                return None
            seen = products.transpose(node) if turn else node
            typed = self.context.as_typed(seen) if isinstance(seen, sums.Sum) else None
            if typed is not None:
                content, scalars, _ = node.primitive()
                if abs(content) != 1 or scalars:
                    return None
                order = [products.transpose(term) for term in typed[0]] if turn else list(typed[0])
                sign = typed[1] * (1 if content > 0 else -1)
                as_written = sums.scale(sign, node)
                assert isinstance(as_written, sums.Sum)
                return (as_written, order, sign) if set(order) == set(as_written.children) else None
        return None

    def _terms(
        self, node: sums.Sum, order: list[Node] | None, letters: Letters, scope: Scope, flip: bool
    ) -> tuple[int, Form]:
        coefficients = dict(zip(node.children, node.coefficients, strict=True))
        lacking = {child: constant_axes(child) for child in node.children}
        complete = any(not axes for axes in lacking.values())
        terms: list[tuple[int, Form]] = []
        used: set[str] = set(scope.used)
        doubled: set[str] = set()
        for child in order or node.children:
            axes = lacking[child]
            own = tuple([x for axis, x in enumerate(letters) if axis not in axes])
            term = sums.scale(coefficients[child], without_axes(child, axes) if axes else child)
            inner = Scope(set(scope.used))
            s, form = self._signed(term, own, inner)
            missing = tuple([letters[axis] for axis in axes])
            if missing and (own or not complete) and (not complete or not self.kept.issuperset(missing)):
                form = Product(" ", 1, (*flat(form), *[Symbol("ones", "", -1, (x,)) for x in missing]))
                complete = True
            terms.append((s, form))
            used |= inner.used
            doubled |= inner.doubled
        scope.used |= used
        scope.doubled |= doubled
        if order is not None:
            return 1, Sum(tuple(terms))
        sign, terms = algebra.turned(terms, flip)
        return sign, Sum(tuple(algebra.ordered(terms)))


def _repeated(letters: Letters) -> set[str]:
    """The letters that would be summed inside a function or a power: ``A_kk^2`` is the square of the trace."""
    return {letter for letter in letters if letters.count(letter) > 1}


def _raised(form: Form, exponent: Rational) -> Form:
    return form if exponent == 1 else Power(form, exponent, False)


def _divides(form: Form, axes: Sequence[object], exponent: Rational) -> bool:
    """Whether a power is written as a quotient: 1/A_pp is a vector, A_pp^-1 and 1/A_pp^2 have a trace."""
    is_trace = isinstance(form, Symbol | Call | Entries) and not axes and bool(_repeated(form.letters))
    return exponent < -1 or (exponent < 0 and not is_trace)


def with_letters(form: Form, letters: Letters) -> Form:
    if isinstance(form, Call):
        return Call(form.function, "", form.parts, letters)
    return Call("", "", (form,), letters)


def negated(form: Form) -> Form:
    if isinstance(form, Product):
        return Product(form.operator, -form.coefficient, form.factors, form.divisors)
    return Product(" ", -1, (form,))


def flat(form: Form) -> tuple[Form, ...]:
    """The factors of a form in a product."""
    if isinstance(form, Product) and form.coefficient == 1 and not form.divisors:
        return form.factors
    return (form,)


def summed(coefficient: Rational, explicit: Letters, above: list[Form], below: list[Form]) -> Form:
    if explicit:
        inside = above[0] if len(above) == 1 and not below else Product(" ", 1, tuple(above), tuple(below))
        above, below = [SumOver(explicit, inside)], []
    if len(above) == 1 and not below and coefficient == 1:
        return above[0]
    if not above and not below:
        return Number(coefficient)
    return Product(" ", coefficient, tuple(above), tuple(below))
