"""tensor expression → matrix form, where there is one.

A product is collapsed along its contraction path; each step is one row of the table of what two forms
on their labels become. A sum is printed as the user wrote it, else in the best of its factored variants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from indexcalc.forms import algebra
from indexcalc.forms.algebra import assemble, cheapest, hadamard, matmul, symmetric, transpose
from indexcalc.forms.context import Context
from indexcalc.forms.contraction import Stuck, path
from indexcalc.forms.expansion import alternatives
from indexcalc.forms.factoring import has_content, variants
from indexcalc.forms.means import Means
from indexcalc.forms.nodes import Call, Form, Number, Power, Product, Sum, Symbol, Transpose
from indexcalc.forms.squares import square_roots
from indexcalc.tensor import nodes as tensor
from indexcalc.tensor import product as products
from indexcalc.tensor import sums
from indexcalc.tensor.elementwise import Apply, opposite
from indexcalc.tensor.matrix_functions import Inverse, MatrixFunction, Softmax
from indexcalc.tensor.nodes import Labels, Node, Rational
from indexcalc.tensor.product import Einsum, Factor, constant_axes, is_symmetric, split_power, without_axes
from indexcalc.tensor.structure import is_kind

KIND = "scM"
SHALLOW = 40
"""Nodes whose forms may be made one inside the other."""
Piece = tuple[Labels, Form]
Signed = tuple[int, Form]
"""A sign and a form."""


class Joining(NamedTuple):
    """One step of a contraction path: the pieces that it took, what they became, and the labels that are needed
    afterwards."""

    taken: Sequence[Piece]
    made: Piece
    needed: Collection[int]


class NoMatrixForm(Exception):
    """Why there is none, in words; ``labels`` of the product ``node`` are those that force it, if some do."""

    def __init__(self, reason: str, node: Node | None = None, labels: Collection[int] = ()) -> None:
        super().__init__(reason)
        self.node, self.labels = node, labels

    def anew(self) -> NoMatrixForm:
        """The same without the frames that it was raised in."""
        return NoMatrixForm(str(self), self.node, self.labels)


def _check_rank(node: Node) -> None:
    if len(node.shape) > 2:
        raise NoMatrixForm(f"it has {len(node.shape)} indices, and a matrix has two")


TIED = "each tied to three or more of them, and a product of matrices keeps only two"

GROUPED: dict[type[Node], Callable[[MatrixForms, Node], Signed | None]] = {}
"""The forms of nodes whose axes are groups of axes: kronecker.py."""


class MatrixForms:
    """The matrix forms of one answer's nodes, each made once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._turned = {products.transpose(n): name for n, name in context.names.items() if len(n.shape) == 2}
        self._signed: dict[Node, Signed | NoMatrixForm] = {}
        self._plain: dict[Node, Form] = {}
        self._leaves: dict[Node, frozenset[Node]] = {}
        self.chosen: dict[Node, Node | None] = {}
        """The variant in which a sum is printed; None where its content stands in front."""
        self.trace: dict[Node, list[tuple[Form, list[Joining]]]] | None = None
        """Where someone asks: of each product every form that was tried, with the steps that led to it."""

    # ------------------------------------------------------------------ entrance
    def answer(self, node: Node) -> tuple[Node, Form]:
        """The best way to write a final answer, and its form: as it is, or multiplied out where like terms
        then merge. Raises NoMatrixForm."""
        best: tuple[Node, Form] | None = None
        reason: NoMatrixForm | None = None
        try:
            best = node, self.form(node)
        except NoMatrixForm as no_form:
            reason = no_form.anew()
            if len(node.shape) > 2:
                raise
        for candidate in alternatives(node, best is None, isinstance(self._printed(node), Einsum)):
            try:
                form = self.form(candidate)
            except NoMatrixForm:
                continue
            if best is None or form.cost < best[1].cost:
                best = candidate, form
        if best is None:
            assert reason is not None
            raise reason
        return best

    def _printed(self, node: Node) -> Node:
        """The variant in which a sum is printed, without its content."""
        chosen = self.chosen.get(node, node)
        if chosen is None and isinstance(node, sums.Sum):
            node = node.primitive()[2]
            chosen = self.chosen.get(node)
        return chosen or node

    def form(self, node: Node) -> Form:
        """The matrix form of a node of rank 0, 1 or 2. Raises NoMatrixForm."""
        _check_rank(node)
        self._prepare(node)
        if isinstance(node, sums.Sum) and node not in self._plain and self._name(node) is None:
            form = self._alone(node, flip=False)[1]
        else:
            form = self._whole(node)
        return algebra.settled(form) if form.kind == "M" else form

    def signed_form(self, node: Node) -> Signed:
        """A sign and the form of a node that stands alone."""
        self._prepare(node)
        return self.signed(node)

    def signed(self, node: Node) -> Signed:
        """A sign and a form, for use where a sign can stand outside."""
        found = self._signed.get(node)
        if found is None:
            try:
                found = self._build(node)
            except NoMatrixForm as reason:
                found = reason.anew()
            self._signed[node] = found
        if isinstance(found, NoMatrixForm):
            raise found.anew()
        return found

    def _prepare(self, root: Node) -> None:
        """Forms for everything below a node that is large, deepest first, so that no recursion goes deep. Below
        others they are made where they are needed."""
        stack, order, seen = [root], [], {root}
        while stack:
            node = stack.pop()
            order.append(node)
            if node not in self.context.names:
                new = [c for c in node.children if c not in seen and c not in self._signed]
                seen.update(new)
                stack.extend(new)
        if len(order) <= SHALLOW:
            return
        for node in reversed(order):
            try:
                self.signed(node)
            except NoMatrixForm:
                continue

    def _whole(self, node: Node) -> Form:
        """A form with its sign, where the sign cannot stand outside."""
        if node not in self._plain:
            if isinstance(node, sums.Sum) and self._name(node) is None:
                self._plain[node] = self._sum(node, flip=False)[1]
            else:
                sign, form = self.signed(node)
                self._plain[node] = form if sign > 0 else algebra.with_minus(form)
        return self._plain[node]

    def _name(self, node: Node) -> Form | None:
        name = self.context.names.get(node)
        if name is not None:
            return self._marked(node, Symbol(name, KIND[len(node.shape)], self.context.place(name)))
        name = self._turned.get(node)
        return None if name is None else Transpose(Symbol(name, "M", self.context.place(name)))

    def _marked(self, node: Node, form: Form) -> Form:
        return symmetric(form) if is_symmetric(node) else form

    # ------------------------------------------------------------------ one node
    def _build(self, node: Node) -> Signed:
        _check_rank(node)
        named = self._name(node) if self.context.names else None
        if named is not None:
            return 1, named
        kind = KIND[len(node.shape)]
        grouped = GROUPED.get(type(node))
        if grouped is not None and (found := grouped(self, node)) is not None:
            return found
        match node:
            case Einsum():
                return self._collapse(node)
            case tensor.Variable(name=name):
                symbol = Symbol(name, kind, self.context.place(name))
                symbol.diagonal = is_kind(node, "diagonal")
                return 1, self._marked(node, symbol)
            case sums.Sum():
                return self._sum(node, flip=True)
            case Apply():
                return self._apply(node, kind)
            case products.Power():
                return self._power(node)
            case tensor.Number(value=value):
                return (1 if value >= 0 else -1), Number(tensor.magnitude(value))
            case tensor.Size(symbol=name):
                return 1, algebra.sized(name, self._size_place)
            case tensor.Constant(name=name):
                return 1, Symbol(name, "s", self._size_place)
            case Softmax(axis=axis):
                arguments = [self._whole(node.children[0])]
                if len(node.shape) == 2:
                    arguments.append(Number(axis + 1))
                return 1, Call("softmax", kind, tuple(arguments))
            case Inverse():
                return 1, algebra.inverse(self._whole(node.children[0]), is_symmetric(node))
            case MatrixFunction(name=name):
                return 1, Call(name, kind, (algebra.untransposed(self._whole(node.children[0])),))
        raise NoMatrixForm(f"{type(node).__name__} has no matrix form")

    def _apply(self, node: Apply, kind: str) -> Signed:
        argument, name = node.children[0], node.function.name
        log_sum = self._log_sum_exp(argument, kind) if name == "log" else None
        if log_sum is not None:
            return 1, log_sum
        if node.function.parity:
            sign, form = self.signed(argument)
            return sign if node.function.parity < 0 else 1, self._marked(node, Call(name, kind, (form,)))
        form = self._marked(node, Call(name, kind, (self._whole(argument),)))
        other = opposite(node)
        if other in self.context.names and other is not None:
            form = cheapest([form, Sum(((1, Number(1)), (-1, self._whole(other))))])
        return 1, form

    def _log_sum_exp(self, argument: Node, kind: str) -> Form | None:
        """logsumexp(u) where the argument is the sum of exp(u)."""
        if not isinstance(argument, Einsum) or argument.coefficient != 1 or len(argument.children) != 1:
            return None
        labels = argument.subscripts[0]
        base, exponent = split_power(argument.children[0])
        if not (isinstance(base, Apply) and base.function.name == "exp") or len(labels) != len(argument.output) + 1:
            return None
        form = self._whole(sums.scale(exponent, base.children[0]))
        axis = next(axis for axis, label in enumerate(labels) if label not in argument.output)
        return Call("logsumexp", kind, (form,) if len(labels) == 1 else (form, Number(axis + 1)))

    # ------------------------------------------------------------------ powers
    def _power(self, node: products.Power) -> Signed:
        base, exponent = node.children[0], node.exponent
        if not node.shape:
            sign, form, power = self.scalar(node)
            return sign, assemble(1, [(form, power)], None)
        if exponent is None:
            raised = node.children[1]
            axes = constant_axes(raised)
            above = self._whole(without_axes(raised, axes) if len(axes) == len(raised.shape) else raised)
            axes = constant_axes(base)
            form = Power(self._whole(without_axes(base, axes) if len(axes) == len(base.shape) else base), above, True)
            form.kind = KIND[len(node.shape)]
            return 1, form
        sign, form, exponent = self._entry_power(base, exponent)
        above = algebra.raised(form, tensor.magnitude(exponent))
        return sign, above if exponent > 0 else Product(".*", 1, (), (above,))

    def _entry_power(self, base: Node, exponent: Rational) -> tuple[int, Form, Rational]:
        """Sign, form and exponent of a power of entries or of a scalar: sqrt and exp take up theirs."""
        if isinstance(base, Apply) and base.function.name == "exp":
            plain = Call("exp", KIND[len(base.shape)], (self._whole(sums.scale(exponent, base.children[0])),))
            if type(exponent) is not int or exponent < 0 or base not in self.context.names:
                return 1, plain, 1
        if type(exponent) is int:
            sign, form = self.signed(base)
            return (sign if exponent % 2 else 1), form, exponent
        form = self._whole(base)
        if exponent.denominator == 2 and abs(exponent.numerator) == 1:
            return 1, self._marked(base, Call("sqrt", form.kind, (form,))), 1 if exponent > 0 else -1
        return 1, form, exponent

    def scalar(self, node: Node) -> tuple[int, Form, Rational]:
        """A scalar factor as a sign, a form and its exponent."""
        base, exponent = split_power(node)
        if exponent.denominator == 2 and isinstance(base, Einsum):
            norm = self._collapse(base, norms=True)[1]
            if isinstance(norm, Power) and isinstance(norm.parts[0], Call) and norm.parts[0].function == "norm2":
                return 1, norm.parts[0], tensor.rational(2 * exponent)
        if isinstance(node, products.Power) and node.exponent is None:
            return 1, Power(self._whole(node.children[0]), self._whole(node.children[1]), False), 1
        return self._entry_power(base, exponent)

    # ------------------------------------------------------------------ products
    def _collapse(self, node: Einsum, norms: bool = False) -> Signed:
        """The matrix form of a product. ``norms``: a dot product with itself as a squared norm."""
        if not node.coefficient and node.output:
            sizes = tuple([algebra.sized(dimension, self._size_place) for dimension in node.shape])
            return 1, Call("zeros", KIND[len(sizes)], sizes)
        factors = node.factors
        plain = self._collapsed(node, factors, {}, norms)
        for rest, inside in _absorbed(factors):
            found = self._collapsed(node, rest, inside, norms)
            if found[1].cost < plain[1].cost:
                plain = found
        for root in square_roots(node):
            form = algebra.squared_norm(self.signed(root)[1])
            if form.cost < plain[1].cost:
                plain = 1, form
        return plain

    def _collapsed(self, node: Einsum, factors: list[Factor], inside: dict[Node, sums.Sum], norms: bool) -> Signed:
        """A product of these factors; for those in ``inside`` the sum that is given for them is printed."""
        sign, coefficient = (1 if node.coefficient >= 0 else -1), tensor.magnitude(node.coefficient)
        scalars: list[tuple[Node, Form, Rational]] = []
        pieces: list[Piece] = []
        means = Means(factors)
        roots: list[tuple[Form, Rational]] = []
        for child, labels in factors:
            if child in inside:
                s, form = self._terms(inside[child], None, flip=True)
                form = self._marked(inside[child], form)
                pieces.append((labels, form)) if labels else scalars.append((child, form, 1))
            elif not labels and (root := self._number_root(child)) is not None:
                roots.append(root)
                s = 1
            elif not labels:
                s, form, exponent = self.scalar(child)
                scalars.append((child, means.of(child, form, exponent), exponent))
            elif len(labels) > 2:
                raise NoMatrixForm(f"{self._called(child)} has {len(labels)} indices")
            else:
                bare, e = split_power(child)
                if is_kind(bare, "diagonal"):  # its reciprocal, entry by entry, has infinities
                    s, form = self.signed(bare)
                    pieces.append((labels[:1], algebra.powers(Call("diag", "c", (form,)), e)))
                else:
                    s, form = self.signed(child)
                    pieces.append(_looped(labels, means.of(child, form)))
            sign *= s
        joinings: list[Joining] = []
        labels, body = self._contract(pieces, node, joinings)
        if body is not None and not labels:
            base = algebra.squares(pieces[0][1]) if norms and len(pieces) == 1 else None
            scalars.append((node, body if base is None else Power(Call("norm2", "s", (base,)), 2, False), 1))
            body = None
        if node.output:
            body = self._with_output(labels, body, node)
        coefficient, joined = algebra.joined_roots(coefficient, roots)
        powers = [(form, left) for child, form, e in scalars if (left := means.exponent(child, e))]
        form = assemble(coefficient, powers + joined, body)
        if self.trace is not None:
            self.trace.setdefault(node, []).append((form, joinings))
        return sign, form

    def _number_root(self, node: Node) -> tuple[Form, Rational] | None:
        """p and the sign of the exponent where a scalar is sqrt(p) or 1/sqrt(p) for a number p or pi."""
        base, exponent = split_power(node)
        if (
            exponent.denominator == 2
            and isinstance(base, tensor.Number | tensor.Constant)
            and tensor.magnitude(exponent) < 1
        ):
            return self.signed(base)[1], 1 if exponent > 0 else -1
        return None

    def _called(self, node: Node) -> str:
        return node.name if isinstance(node, tensor.Variable) else "a factor"

    def _contract(self, pieces: list[Piece], node: Einsum, joinings: list[Joining]) -> tuple[Labels, Form | None]:
        """All pieces of a product as one, with its labels."""
        if not pieces:
            return (), None
        output = node.output
        if len(pieces) == 1 and set(pieces[0][0]) <= set(output):
            return pieces[0]
        try:
            steps = path([labels for labels, _ in pieces], output)
        except Stuck as stuck:
            reason = f"{len(stuck.labels)} of its indices hang together"
            raise NoMatrixForm(f"{reason}, {TIED}", node, stuck.labels) from None
        for step in steps:
            taken = [pieces[place] for place in step]
            pieces = [piece for place, piece in enumerate(pieces) if place not in step]
            needed = set(output).union(*(labels for labels, _ in pieces))
            pieces.append(_joined(taken[0], taken[1], needed) if len(taken) == 2 else _reduced(taken[0], needed))
            if self.trace is not None:
                joinings.append(Joining(taken, pieces[-1], needed))
        return pieces[0]

    def _with_output(self, labels: Labels, body: Form | None, node: Einsum) -> Form:
        """The contracted form with the axes of the output: ones and diag where it asks for them."""
        if body is not None and labels == node.output:
            return algebra.settled(body) if len(labels) == 2 else body
        if body is not None and labels == node.output[::-1]:
            return algebra.settled(transpose(body))
        sizes = [algebra.sized(node.sizes[label], self._size_place) for label in node.output]
        if len(node.output) == 1:
            return algebra.ones(sizes[0])
        first, second = node.output
        if first == second:
            return algebra.eye(sizes[0]) if body is None else algebra.diag(body, sizes[0])
        if body is None:
            return Call("ones", "M", tuple(sizes))
        if labels == (first,):
            return matmul(body, Call("ones", "r", (Number(1), sizes[1])))
        return matmul(algebra.ones(sizes[0]), transpose(body))

    _size_place = -1

    # ------------------------------------------------------------------ sums
    def _sum(self, node: sums.Sum, flip: bool) -> Signed:
        """A sum for use in a form, which asks whether it is symmetric; with ``flip`` a sign may stand outside."""
        sign, form = self._alone(node, flip)
        body = form.parts[0] if isinstance(form, Transpose) else form
        written = node if body.typed else self.chosen.get(node)
        return sign, self._marked(written, form) if isinstance(body, Sum) and isinstance(written, sums.Sum) else form

    def _alone(self, node: sums.Sum, flip: bool) -> Signed:
        """A sum as the user wrote it, or in the best of its variants."""
        typed = self._as_typed(node, flip)
        if typed is not None:
            return typed
        best: Signed | None = None
        for variant in reversed(variants(node)):  # of equals the first: a later one is mostly the better one
            if isinstance(variant, sums.Sum):
                if best is not None and self._least(variant) > best[1].cost:
                    continue
                found = self._terms(variant, None, flip)
            else:
                found = self.signed(variant)
                if not flip and found[0] < 0:
                    found = 1, algebra.with_minus(found[1])
            if best is None or found[1].cost <= best[1].cost:
                best = found
                self.chosen[node] = variant
        assert best is not None
        content, scalars, primitive = node.primitive() if has_content(node) else (1, (), node)
        if abs(content) != 1 and not scalars:
            sign, form = self.signed(primitive)
            sign = sign if content > 0 else -sign
            form = assemble(tensor.magnitude(content), (), form)
            found = (sign, form) if flip or sign > 0 else (1, algebra.negated(form))
            if found[1].cost <= best[1].cost:
                best = found
                self.chosen[node] = None
        return best

    def _least(self, node: sums.Sum) -> tuple[int, int]:
        """Operations and names that the terms of a sum take at least: what a term is made of stands in it once."""
        counts = [len(self._named(child)) for child in node.children]
        return sum([max(count, 1) for count in counts]) - 1, sum(counts)

    def _named(self, node: Node) -> frozenset[Node]:
        """The variables that a node is made of, and what has a name."""
        names, known = self.context.names, self._leaves
        for part in tensor.descendants([node], lambda n: () if n in known or n in names else n.children):
            if part not in known:
                is_name = part in names or isinstance(part, tensor.Variable)
                known[part] = frozenset((part,)) if is_name else frozenset().union(*[known[c] for c in part.children])
        return known[node]

    def _as_typed(self, node: sums.Sum, flip: bool) -> Signed | None:
        exact = self.context.exact.get(node)
        if exact is not None and not flip:
            form = self._terms(node, exact, False)[1]
            form.typed = True
            return 1, form
        typed = self.context.as_typed(node)
        if typed is not None:
            order, sign = typed
            content = node.primitive()[0]
            if abs(content) != 1 or node.primitive()[1] or (not flip and sign * content < 0):
                return None
            turn = sign * (1 if content > 0 else -1)
            form = self._terms(node if turn > 0 else sums.scale(-1, node), order, False)[1]
            form.typed = True
            return turn, form
        if self.context.may_be_turned(node):
            turned = products.transpose(node)
            if isinstance(turned, sums.Sum) and self.context.as_typed(turned) is not None:
                found = self._as_typed(turned, flip)
                if found is not None:
                    return found[0], Transpose(found[1])
        return None

    def _terms(self, node: Node, order: Sequence[Node] | None, flip: bool) -> Signed:
        """The terms of a sum, in the given order or in the user's; first a positive one, if there is one."""
        assert isinstance(node, sums.Sum)
        rank = len(node.shape)
        lacking = {child: constant_axes(child) for child in node.children}
        full = any(len(axes) < rank for axes in lacking.values())
        coefficients = dict(zip(node.children, node.coefficients, strict=True))
        terms: list[Signed] = []
        for child in order or node.children:
            whole = full and len(lacking[child]) == rank > 0
            terms.append(self._multiple(coefficients[child], without_axes(child, lacking[child]) if whole else child))
        sign = 1
        if order is None:
            sign, terms = algebra.turned(terms, flip)
            terms = algebra.ordered(terms)
        form: Form = Sum(tuple(terms))
        return sign, algebra.settled(form, order is not None) if form.kind == "M" else form

    def _multiple(self, coefficient: Rational, node: Node) -> Signed:
        """A term with its coefficient; minus a product or a vector without a name is that with the other sign."""
        if coefficient == -1 and (isinstance(node, Einsum) or len(node.shape) < 2) and self._name(node) is None:
            sign, form = self.signed(node)
            return -sign, form
        return self.signed(sums.scale(coefficient, node))


def _absorbed(factors: list[Factor]) -> Iterator[tuple[list[Factor], dict[Node, sums.Sum]]]:
    """Products in which a quotient by a scalar is taken into a sum where it cancels: (s - L)/s as 1 - L/s."""
    for place, (scalar, labels) in enumerate(factors):
        if labels:
            continue
        base, exponent = split_power(scalar)
        if exponent >= 0:
            continue
        for child, _ in factors:
            if isinstance(child, sums.Sum) and any(_has_power(term, base) for term in child.children):
                axes = tuple(range(len(child.shape)))
                terms = [(c, products.einsum(1, [(t, axes), (scalar, ())], axes)) for c, t in child.terms]
                total = sums.add(terms)
                if isinstance(total, sums.Sum):
                    yield factors[:place] + factors[place + 1 :], {child: total}


def _has_power(term: Node, base: Node) -> bool:
    """Whether a positive power of a scalar is a factor of a term."""
    factors = term.factors if isinstance(term, Einsum) else [(term, ())]
    return any(split_power(child)[0] is base and split_power(child)[1] > 0 for child, labels in factors if not labels)


# ---------------------------------------------------------------------- the steps of a contraction path
def _looped(labels: Labels, form: Form) -> Piece:
    """A matrix with both axes on one label is the vector of its diagonal."""
    if len(labels) == 2 and labels[0] == labels[1]:
        return labels[:1], Call("diag", "c", (form,))
    return labels, form


def _joined(a: Piece, b: Piece, needed: set[int]) -> Piece:
    """Two pieces as one; labels that nothing else needs are summed."""
    if len(a[0]) > len(b[0]):
        a, b = b, a
    (x, f), (y, g) = a, b
    kept = [label for label in dict.fromkeys(x + y) if label in needed]
    match len(x), len(y):
        case 0, _:
            return y, matmul(f, g)
        case 1, 1 if x != y:
            return x + y, matmul(f, transpose(g))
        case 1, 1:
            return (x, hadamard(f, g)) if kept else ((), algebra.dot(f, g))
        case 1, _:
            return _vector_matrix(x[0], f, (y, g), kept)
    if set(x) == set(y):
        g = g if x == y else transpose(g)
        if len(kept) == 2:
            turned = hadamard(transpose(f), transpose(g))
            plain = hadamard(f, g)
            return (x, plain) if plain.cost <= turned.cost else (x[::-1], turned)
        if not kept:
            return (), algebra.trace([*algebra.chain(transpose(f)), *algebra.chain(g)])
        return (kept[0],), algebra.row_products(*((f, g) if kept[0] == x[0] else (transpose(f), transpose(g))))
    joint = next(label for label in x if label in y)
    f = f if x[1] == joint else transpose(f)
    g = g if y[0] == joint else transpose(g)
    ends = (x[0] if x[1] == joint else x[1], y[1] if y[0] == joint else y[0])
    return ends, matmul(f, g)


def _vector_matrix(label: int, vector: Form, matrix: Piece, kept: list[int]) -> Piece:
    labels, form = matrix
    other = labels[0] if labels[1] == label else labels[1]
    if kept == [other]:
        return (other,), matmul(form if labels[1] == label else transpose(form), vector)
    from_label = form if labels[0] == label else transpose(form)
    if set(kept) == set(labels):
        return (label, other), algebra.rows_scaled(vector, from_label)
    sums_ = algebra.row_sums(from_label)
    return ((label,), hadamard(vector, sums_)) if kept else ((), algebra.dot(vector, sums_))


def _reduced(piece: Piece, needed: set[int]) -> Piece:
    """A piece summed over the labels that nothing else needs."""
    labels, form = piece
    kept = tuple(label for label in labels if label in needed)
    if not kept:
        return (), algebra.total(form)
    return kept, algebra.row_sums(form if labels[0] == kept[0] else transpose(form))
