"""What SymPy makes of a case of the corpus: its derivative, the value of that in NumPy, and a verdict."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.determinant import Determinant
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.kronecker import KroneckerProduct
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions import array_derive, convert_array_to_matrix
from sympy.tensor.array.expressions import array_expressions as arrays

from indexcalc.language.parser import parse
from indexcalc.language.syntax import Statement

from ..test_corpus import Ask, Case, inputs, reference, sizes
from .sympy_index import Entries, IndexReader
from .sympy_reader import WRITINGS, Expression, Reader

SECONDS = 20
VERDICTS = ("right", "soup", "wrong", "failed")
"""From the best to the worst: the notation that was asked in; an array expression, or sums over deltas; another
value; no derivative."""
INDEXED = "indexed"
"""The writing of index notation."""


class Question(NamedTuple):
    """What SymPy is asked, with the text already read."""

    case: Case
    notation: str
    statement: Statement

    @property
    def writings(self) -> tuple[str, ...]:
        return WRITINGS if self.notation == "matrix" else (INDEXED,)


class Verdict(NamedTuple):
    """The best that SymPy does for a case, and in which writing."""

    name: str
    writing: str


def asked(ask: Ask) -> Question:
    return Question(ask.case, ask.notation, parse(ask.text))


def differentiated(question: Question, writing: str) -> Expression:
    """The derivative in matrix notation, or as an array expression where SymPy leaves it at that; in index notation
    for an entry of the variable at indices of its own."""
    case = question.case
    if writing == INDEXED:
        return IndexReader(case["vars"], question.statement).derivative(case["wrt"], case["order"])
    reader = Reader(case["vars"], writing)
    (tree,) = question.statement.left.items
    derivative, variable = reader.value(tree), reader.names[case["wrt"]]
    for _ in range(case["order"]):
        takes = hasattr(derivative, "diff")
        derivative = derivative.diff(variable) if takes else array_derive(derivative, variable)
        derivative = convert_array_to_matrix(derivative.doit())
    return derivative


def judged(question: Question) -> Verdict:
    verdicts: list[Verdict] = []
    for writing in question.writings:
        verdicts.append(Verdict(_judged(question, writing), writing))
        if verdicts[-1].name == VERDICTS[0]:
            break
    return min(verdicts, key=lambda verdict: VERDICTS.index(verdict.name))


def _judged(question: Question, writing: str) -> str:
    try:
        with _time_limit(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            derivative = differentiated(question, writing)
    except Exception:  # SymPy's errors are of every kind
        return "failed"
    parts = list(sympy.preorder_traversal(derivative))
    if any(isinstance(part, sympy.Derivative) for part in parts):
        return "failed"
    if not all(_agrees(question, derivative, draw) for draw in (0, 1)):
        return "wrong"
    return "soup" if any(map(_is_soup, parts)) else "right"


def _is_soup(part: Expression) -> bool:
    """Whether a part is an array expression, or a sum over an index that a delta says."""
    if isinstance(part, sympy.Sum):
        return any(delta.has(*part.variables) for delta in part.function.atoms(sympy.KroneckerDelta))
    return type(part).__module__ == arrays.__name__


def _agrees(question: Question, derivative: Expression, draw: int) -> bool:
    case = question.case
    values = inputs(case, draw)
    names, want = {**sizes(case, draw), **values}, reference(case, "expected_np", values)
    if question.notation == "index":
        indices = IndexReader(case["vars"], question.statement).indices(case["wrt"], case["order"])
        return bool(
            np.allclose(Entries(names).value(derivative, indices, want.shape), want, rtol=1e-8, atol=_scale(want))
        )
    try:
        got = Numbers(names).value(derivative)
    except ValueError:  # its parts do not fit together
        return False
    return _equal(got, want, values[case["wrt"]].ndim * case["order"])


def _scale(want: np.ndarray) -> float:
    """The error that entries may have."""
    return 1e-8 * max(1.0, float(np.max(np.abs(want), initial=0)))


def _equal(got: np.ndarray, want: np.ndarray, variable_axes: int) -> bool:
    """Whether the values are equal but for axes of size 1, with the variable's axes last or, as SymPy has them, first."""
    output_axes = want.ndim - variable_axes
    first = np.moveaxis(want, range(output_axes), range(variable_axes, want.ndim))
    layouts = [layout.squeeze() for layout in (want, first)]
    got = got.squeeze()
    return any(
        # a zero has no shape
        (got.shape == layout.shape or not got.any()) and np.allclose(got, layout, rtol=1e-8, atol=_scale(want))
        for layout in layouts
    )


@contextmanager
def _time_limit() -> Iterator[None]:
    def out(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, out)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Numbers:
    """The NumPy value of a SymPy expression; ``names`` has numbers for its symbols and arrays for its matrices."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def value(self, node: Any) -> np.ndarray:
        return np.asarray(self._value(node), dtype=float)

    def _value(self, node: Any) -> Any:
        match node:
            case sympy.Symbol():
                return self.names[node.name]
            case sympy.MatrixSymbol():
                return np.reshape(self.names[node.name], self._shape(node))
            case sympy.Identity():
                return np.eye(self._shape(node)[0])
            case sympy.OneMatrix() | arrays.OneArray():
                return np.ones(self._shape(node))
            case sympy.ZeroMatrix() | arrays.ZeroArray():
                return np.zeros(self._shape(node))
            case ElementwiseApplyFunction() | arrays.ArrayElementwiseApplyFunc():
                function = node.function.xreplace(self._scalars(node.function))
                return np.vectorize(lambda x: float(function(sympy.Float(x))), otypes=[float])(self.value(node.expr))
            case sympy.Sum():
                return self._sum(node)
            case arrays.ArrayContraction():
                return self._joined(node.expr, node.contraction_indices, kept=False)
            case arrays.ArrayDiagonal():
                return self._joined(node.expr, node.diagonal_indices, kept=True)
            case arrays.PermuteDims():
                return np.transpose(self.value(node.expr), node.permutation.array_form)
            case arrays.Reshape():
                return np.reshape(self.value(node.expr), self._shape(node))
        if node.is_number:
            return float(node)
        return self._operation(node, [self.value(argument) for argument in node.args])

    def _operation(self, node: Any, values: list[np.ndarray]) -> Any:
        match node:
            case sympy.MatAdd() | arrays.ArrayAdd():
                return sum(values)
            case sympy.MatMul():
                product = values[0]
                for value in values[1:]:
                    product = product @ value if product.ndim and value.ndim else product * value
                return product
            case sympy.Inverse():
                return np.linalg.inv(values[0])
            case sympy.MatPow():
                if values[0].shape == (1, 1):
                    return values[0] ** values[1]
                return np.linalg.matrix_power(values[0], int(values[1]))
            case sympy.Transpose():
                return values[0].T
            case sympy.Trace():
                return np.trace(values[0])
            case Determinant():
                return np.linalg.det(values[0])
            case HadamardProduct():
                return np.prod(values, axis=0)
            case HadamardPower():
                return values[0] ** values[1]
            case KroneckerProduct():
                product = values[0]
                for value in values[1:]:
                    product = np.kron(product, value)
                return product
            case DiagMatrix():
                return np.diag(values[0].ravel())
            case DiagonalMatrix():
                return values[0] * np.eye(*values[0].shape)
            case DiagonalOf():
                return np.diag(values[0])[:, None]
            case MatrixElement():
                return values[0][int(values[1]), int(values[2])]
            case arrays.ArrayTensorProduct():
                product = values[0]
                for value in values[1:]:
                    product = np.multiply.outer(product, value)
                return product
        return float(node.func(*[sympy.Float(float(value)) for value in values]))

    def _shape(self, node: Any) -> tuple[int, ...]:
        return tuple(int(self.value(size)) for size in node.shape)

    def _scalars(self, node: Any) -> dict[Any, Any]:
        return {s: sympy.Float(float(self.names[s.name])) for s in node.free_symbols if s.name in self.names}

    def _sum(self, node: Any) -> Any:
        (index, first, last), *others = node.limits
        body = sympy.Sum(node.function, *others) if others else node.function
        steps = range(int(self.value(first)), int(self.value(last)) + 1)
        return sum(Numbers({**self.names, index.name: step}).value(body) for step in steps)

    def _joined(self, node: Any, groups: Any, *, kept: bool) -> np.ndarray:
        """Axes in groups made one: the last axes, or summed."""
        value = self.value(node)
        labels = list(range(value.ndim))
        for group in groups:
            for axis in group:
                labels[axis] = group[0]
        grouped = {axis for group in groups for axis in group}
        free = [axis for axis in range(value.ndim) if axis not in grouped]
        return np.einsum(value, labels, free + ([group[0] for group in groups] if kept else []))
