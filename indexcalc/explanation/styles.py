"""Derivations in matrices: by differentials, and by Jacobians of stacked columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexcalc.calculus.derivative import changed, differential, jacobian
from indexcalc.explanation.known import inputs
from indexcalc.explanation.notation import Notation
from indexcalc.explanation.steps import Equation, Group, Side
from indexcalc.forms import algebra
from indexcalc.forms.matrix import MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Call, Derivative, Form, Product, Sum, Symbol, Transpose
from indexcalc.render.text import text
from indexcalc.tensor.grouping import flatten
from indexcalc.tensor.nodes import Node, Shape, Variable, variable
from indexcalc.tensor.structure import restored

KIND = "scM"


class MatrixStyle:
    """What both have in common: parts in matrix notation."""

    def __init__(self, notation: Notation) -> None:
        self.notation, self.wrt = notation, notation.wrt
        self.names: dict[Node, str] = {notation.wrt: notation.spelling, **notation.names}

    def inputs(self, node: Node) -> list[Node]:
        """The variable and the named parts that a part is made of, with no other between."""
        return inputs(node, self.names)

    def form(self, node: Node) -> Form:
        """A tensor in matrix notation. Raises NoMatrixForm."""
        return self.notation.writer.matrices.form(restored(node, self.notation.derivation.task.twins))

    def definition(self, node: Node) -> Iterator[Equation]:
        """``z = W*x + b``"""
        name, shape = self.names[node], node.shape
        try:
            right = MatrixForms(self.notation.writer.context.without(node)).form(node)
        except NoMatrixForm:
            return
        sides = Side(name, None, shape), Side(text(right), None, shape)
        yield Equation("definition", Symbol(name, KIND[len(shape)], 0), right, "", sides)

    def rule(self, node: Node) -> tuple[str, str]:
        """The rule for a part, and what is said of it."""
        lines = self.notation.chain.parts[node].lines
        return (lines[0].rule, lines[0].reason) if lines else ("linear", "it only puts entries in another order")


def chained(left: Form, before: Side, lines: Sequence[tuple[str, Form, Side, str]]) -> Iterator[Equation]:
    """One quantity, written in ever simpler ways; what reads like the line before is left out."""
    shown: Form | None = left
    for rule, right, after, reason in lines:
        if after.text != before.text:
            yield Equation(rule, shown, right, reason, (before, after))
            shown, before = None, after


class DifferentialStyle(MatrixStyle):
    """da = (1 - a.^2) .* dz: what a small change of the variable changes."""

    def __init__(self, notation: Notation) -> None:
        super().__init__(notation)
        derivation = notation.derivation
        given = derivation.perturbation if derivation.task.wrt[-1] is notation.wrt else None
        self.changes: dict[Node, Variable] = {}
        self.changes[notation.wrt] = variable(given or notation.fresh(f"d{notation.spelling}"), notation.wrt.shape)
        for node, name in notation.names.items():
            change = variable(notation.fresh(f"d{name}"), node.shape)
            notation.known[change.name] = differential(node, notation.wrt, self.changes[notation.wrt])
            self.changes[node] = change

    def groups(self, place: int) -> Iterator[Group]:
        """A group for each part."""
        heading = (
            f"Differentials, from the inside out: d{self.notation.spelling} is a change of {self.notation.spelling}"
        )
        for node, name in self.notation.names.items():
            yield Group(heading, [*self.definition(node), *self._part(node)], name, place)

    def _part(self, node: Node) -> Iterator[Equation]:
        """The change of a part for those of what it is made of, then for that of the variable."""
        inputs = self.inputs(node)
        inner = " and ".join(self.changes[other].name for other in inputs if other is not self.wrt)
        rule, reason = self.rule(node)
        local = changed(node, {other: self.changes[other] for other in inputs})
        whole = differential(node, self.wrt, self.changes[self.wrt])
        change = self.changes[node]
        lines = []
        for name, tensor, why in ((rule, local, reason), ("chain rule", whole, f"{inner} put in")):
            try:
                form = self.form(tensor)
            except NoMatrixForm:
                break
            lines.append((name, form, Side(text(form), None, node.shape), why))
        yield from chained(
            Symbol(change.name, KIND[min(len(node.shape), 2)], 0), Side(change.name, None, node.shape), lines
        )

    def gradient(self, result: Form, cotangent: Form | None, place: int) -> Iterator[Group]:
        """What stands beside the variable's change is the gradient."""
        if self.notation.output is self.wrt or len(self.notation.output.shape) > 2:
            return
        outer, inner = (self.changes[node] for node in (self.notation.output, self.wrt))
        right = _paired(result, Symbol(inner.name, KIND[len(inner.shape)], 0))
        symbol = Symbol(outer.name, KIND[len(outer.shape)], 0)
        left = symbol if cotangent is None else _paired(cotangent, symbol)
        sides = Side(text(left), None, ()), Side(text(right), None, ())
        reason = f"what is paired with {inner.name} is the gradient by {self.notation.spelling}"
        yield Group("The gradient, read off", [Equation("identification", left, right, reason, sides)], "", place)


def _paired(a: Form, b: Form) -> Form:
    """The sum of the products of entries."""
    if a.kind == "M":
        return Call("sum", "s", (Product(".*", 1, (a, b)),))
    return _times(algebra.transpose(a), b)


class Stacked(NamedTuple):
    """∂vec(Y)/∂vec(X)': as it is named, as it is read back, and in Kronecker form if it has one."""

    left: Derivative
    stand_in: Form
    shape: Shape
    form: Form | None


class VecStyle(MatrixStyle):
    """∂vec(Y)/∂vec(X)', which multiply as matrices do."""

    def groups(self, place: int) -> Iterator[Group]:
        """A group for each part."""
        heading = "Jacobians of stacked columns, from the inside out"
        wholes: dict[Node, Stacked] = {}
        for node, name in self.notation.names.items():
            wholes[node] = self._stacked(node, self.wrt, jacobian(node, self.wrt))
            yield Group(heading, [*self.definition(node), *self._part(node, wholes)], name, place)

    def _part(self, node: Node, wholes: dict[Node, Stacked]) -> Iterator[Equation]:
        whole, inputs = wholes[node], self.inputs(node)
        is_row = not node.shape
        rule, reason = self.rule(node)
        if not inputs or inputs == [self.wrt]:
            yield from self._alone(whole, is_row, rule, reason)
            return
        terms: list[Form] = []
        checked: list[Form] = []
        products: list[Form] = []
        for other in inputs:
            fixed = [each for each in inputs if each is not other]
            local = self._stacked(node, other, jacobian(node, other, fixed))
            if local.form is None:
                return
            yield from self._alone(local, is_row, rule, reason)
            inner = wholes.get(other)
            products.append(local.form)
            terms.append(local.form if inner is None else _times(local.form, inner.left))
            checked.append(local.form if inner is None else algebra.matmul(local.form, inner.stand_in))
        right, read = (
            each[0] if len(each) == 1 else Sum(tuple((1, term) for term in each)) for each in (terms, checked)
        )
        lines = [("chain rule", right, _side(read, whole, is_row), "chain rule: Jacobians multiply")]
        inner_forms = [wholes[other].form for other in inputs if other in wholes]
        if whole.form is None and len(inputs) == 1 and inner_forms[0] is not None:
            product = algebra.matmul(*products, inner_forms[0])
            lines.append(("chain rule", product, _side(product, whole, is_row), "put in"))
            wholes[node] = whole._replace(form=product)
        if whole.form is not None:
            lines.append(("chain rule", whole.form, _side(whole.form, whole, is_row), "multiplied out"))
        yield from chained(whole.left, _side(whole.stand_in, whole, is_row), lines)

    def _alone(self, stacked: Stacked, is_row: bool, rule: str, reason: str) -> Iterator[Equation]:
        if stacked.form is not None:
            after = _side(stacked.form, stacked, is_row)
            lines = [(rule, stacked.form, after, reason)]
            yield from chained(stacked.left, _side(stacked.stand_in, stacked, is_row), lines)

    def _stacked(self, node: Node, other: Node, derivative: Node) -> Stacked:
        rank = len(node.shape)
        rows, columns = tuple(reversed(range(rank))), tuple(reversed(range(rank, len(derivative.shape))))
        groups = tuple([group for group in (rows, columns) if group])
        matrix = flatten(derivative, groups) if groups else derivative
        name = self.notation.known_as(matrix)
        form = self._form(restored(derivative, self.notation.derivation.task.twins), rank)
        kind = "M" if len(groups) == 2 else ("c" if rank else "r") if groups else "s"
        above, below = (_vec(self.names[each], len(each.shape)) for each in (node, other))
        left = Derivative(above, Transpose(below) if other.shape else below, True)
        left.kind = kind
        stand_in = Transpose(Symbol(name, "c", 0)) if kind == "r" else Symbol(name, kind, 0)
        return Stacked(left, stand_in, matrix.shape, form)

    def _form(self, derivative: Node, rank: int) -> Form | None:
        """The matrix of a derivative whose first ``rank`` axes are the output's."""
        if len(derivative.shape) > 2:
            return self.notation.writer.vec(derivative, rank)
        try:
            form = self.form(derivative)
        except NoMatrixForm:
            return None
        if len(derivative.shape) == 2 and rank != 1:
            form = Call("vec", "c", (form,))
        return algebra.transpose(form) if not rank and derivative.shape else form


def _side(form: Form, like: Stacked, is_row: bool) -> Side:
    """A side as it is read back: a row as the column that it is when transposed."""
    return Side(text(algebra.transpose(form) if is_row and like.shape else form), None, like.shape)


def _vec(name: str, rank: int) -> Form:
    symbol = Symbol(name, KIND[min(rank, 2)], 0)
    return Call("vec", "c", (symbol,)) if rank == 2 else symbol


def _added(terms: Sequence[Form]) -> Form:
    return terms[0] if len(terms) == 1 else Sum(tuple([(1, term) for term in terms]))


def _times(a: Form, b: Form) -> Form:
    """The matrix product."""
    if isinstance(a, Product) and a.operator == "*" and not a.divisors:
        return Product("*", a.coefficient, (*a.factors, b))
    return Product("*", 1, (a, b))
