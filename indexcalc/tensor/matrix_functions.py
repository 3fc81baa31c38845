"""Functions of whole matrices and vectors: each is one node kind with its own rule.

``jacobian()`` is the derivative by the argument as terms to be added up, each with the function's own
axes followed by the argument's.
"""

from __future__ import annotations

from typing import ClassVar

from indexcalc.errors import IndexcalcError
from indexcalc.tensor.elementwise import apply
from indexcalc.tensor.functions import EXP, LOG
from indexcalc.tensor.grouping import kronecker, kronecker_factors
from indexcalc.tensor.nodes import Labels, Node, intern, number, rational_power, size, transform
from indexcalc.tensor.product import (
    Einsum,
    constant_axes,
    einsum,
    orient,
    power,
    reindex,
    repeated,
    transpose,
    without_axes,
)
from indexcalc.tensor.structure import is_kind
from indexcalc.tensor.sums import Sum, add, scale


class MatrixFunction(Node):
    """A function of ``children[0]`` as a whole."""

    __slots__ = ()
    name: ClassVar[str]

    def jacobian(self) -> list[Node]:
        raise NotImplementedError


class Inverse(MatrixFunction):
    """∂inv(A)_ij / ∂A_kl = -inv(A)_ik inv(A)_lj (Matrix Cookbook 2012, eq. 60)."""

    __slots__ = ()
    name = "inv"

    def relabelled(self, labels: Labels) -> Node | None:
        return inverse(transpose(self.children[0])) if labels == (1, 0) else None

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return inverse(children[0])

    def jacobian(self) -> list[Node]:
        return [einsum(-1, [(self, (0, 2)), (self, (3, 1))], (0, 1, 2, 3))]


class Determinant(MatrixFunction):
    """∂det(A) / ∂A_kl = det(A) inv(A)_lk (Matrix Cookbook 2012, eq. 49)."""

    __slots__ = ()
    name = "det"

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return determinant(children[0])

    def jacobian(self) -> list[Node]:
        return [einsum(1, [(self, ()), (inverse(self.children[0]), (1, 0))], (0, 1))]


class LogDeterminant(MatrixFunction):
    """log|det(A)|; ∂ / ∂A_kl = inv(A)_lk (Matrix Cookbook 2012, eq. 57)."""

    __slots__ = ()
    name = "logdet"

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return log_determinant(children[0])

    def jacobian(self) -> list[Node]:
        return [transpose(inverse(self.children[0]))]


class Softmax(MatrixFunction):
    """exp(u) / sum(exp(u)) along ``axis``; ∂s_i / ∂u_k = s_i (delta_ik - s_k) on that axis."""

    __slots__ = ("axis",)
    fields = ("axis",)
    name = "softmax"
    axis: int

    def relabelled(self, labels: Labels) -> Node | None:
        if len(set(labels)) < len(labels):
            return None
        return softmax(reindex(self.children[0], labels), labels[self.axis])

    def rebuilt(self, children: tuple[Node, ...]) -> Node:
        return softmax(children[0], self.axis)

    def jacobian(self) -> list[Node]:
        rank = len(self.shape)
        own = tuple(range(rank))
        other = tuple(rank if axis == self.axis else axis for axis in own)
        return [einsum(1, [(self, own)], own + own), einsum(-1, [(self, own), (self, other)], own + other)]


def inverse(matrix: Node) -> Node:
    """The inverse of a square matrix: scalars, diagonals and chains of square factors come apart."""
    if isinstance(matrix, Inverse):
        return matrix.children[0]
    if is_kind(matrix, "orthogonal"):
        return transpose(matrix)
    pair = kronecker_factors(matrix)
    if pair is not None:
        return kronecker(inverse(pair[0]), inverse(pair[1]))
    if isinstance(matrix, Sum):
        content, scalars, primitive = matrix.primitive()
        if content != 1 or scalars:
            factors = [(power(s, -e), ()) for s, e in scalars]
            return einsum(rational_power(content, -1), [*factors, (inverse(primitive), (0, 1))], (0, 1))
    if isinstance(matrix, Einsum):
        if not matrix.coefficient:
            raise IndexcalcError("E405", "this inverts a zero matrix")
        bare = [factor for factor in matrix.factors if factor[1]]
        if len(bare) < len(matrix.children) or matrix.coefficient != 1:
            scalars_ = [(power(node, -1), labels) for node, labels in matrix.factors if not labels]
            rest = inverse(einsum(1, bare, matrix.output, dict(enumerate(matrix.sizes))))
            return einsum(rational_power(matrix.coefficient, -1), [*scalars_, (rest, (0, 1))], (0, 1))
        if matrix.output == (0, 0):
            if len(matrix.sizes) == 1:
                return einsum(1, [(power(node, -1), labels) for node, labels in bare], (0, 0), {0: matrix.sizes[0]})
        else:
            chain = _chain(matrix)
            if len(chain) > 1:
                turned = [(inverse(node), (k, k + 1)) for k, node in enumerate(reversed(chain))]
                return einsum(1, turned, (0, len(chain)))
    return intern(Inverse, (), matrix.shape, (matrix,))


def _chain(matrix: Einsum) -> list[Node]:
    """The square factors whose matrix product is the matrix; none if it is no such product."""
    rest = matrix.factors
    if len(set(matrix.sizes)) > 1 or any(len(labels) != 2 or labels[0] == labels[1] for _, labels in rest):
        return []
    here, chain = matrix.output[0], []
    while rest:
        at = [factor for factor in rest if here in factor[1]]
        if len(at) != 1:
            return []
        rest.remove(at[0])
        node, labels = at[0]
        chain.append(node if labels[0] == here else transpose(node))
        here = labels[1] if labels[0] == here else labels[0]
    return chain if here == matrix.output[1] else []


def determinant(matrix: Node) -> Node:
    """The determinant of a square matrix; det(inv(A)) = 1/det(A), det(A') = det(A)."""
    matrix, _ = orient(matrix, (0, 1))
    if isinstance(matrix, Inverse):
        return power(determinant(matrix.children[0]), -1)
    if _is_identity(matrix):
        return number(1)
    pair = kronecker_factors(matrix)
    if pair is not None:
        (a, b), scalars = pair, [size(each.shape[0]) for each in pair]
        return einsum(1, [(power(determinant(a), scalars[1]), ()), (power(determinant(b), scalars[0]), ())], ())
    if isinstance(matrix, Einsum) and not matrix.coefficient:
        return number(0)
    return intern(Determinant, (), (), (matrix,))


def log_determinant(matrix: Node) -> Node:
    """log|det(A)|; logdet(inv(A)) = -logdet(A), logdet(A') = logdet(A)."""
    matrix, _ = orient(matrix, (0, 1))
    if isinstance(matrix, Inverse):
        return scale(-1, log_determinant(matrix.children[0]))
    if _is_identity(matrix) or is_kind(matrix, "orthogonal"):
        return number(0)
    if isinstance(matrix, Einsum) and not matrix.coefficient:
        raise IndexcalcError("E405", "this takes the logarithm of zero")
    pair = kronecker_factors(matrix)
    if pair is not None:
        (a, b), scalars = pair, [size(each.shape[0]) for each in pair]
        terms = [[(scalars[1], ()), (log_determinant(a), ())], [(scalars[0], ()), (log_determinant(b), ())]]
        return add([(1, einsum(1, factors, ())) for factors in terms])
    return intern(LogDeterminant, (), (), (matrix,))


def determinants_apart(root: Node) -> Node:
    """det(A*B) as det(A)*det(B) and logdet(A*B) as logdet(A) + logdet(B), for square A and B."""

    def apart(node: Node) -> Node | None:
        if not isinstance(node, Determinant | LogDeterminant):
            return None
        matrix = node.children[0]
        chain = _chain(matrix) if isinstance(matrix, Einsum) and matrix.coefficient == 1 else []
        if len(chain) < 2:
            return None
        if isinstance(node, Determinant):
            return einsum(1, [(determinant(factor), ()) for factor in chain], ())
        return add([(1, log_determinant(factor)) for factor in chain])

    return transform(root, apart)


def _is_identity(matrix: Node) -> bool:
    return isinstance(matrix, Einsum) and matrix.coefficient == 1 and not matrix.children and matrix.output == (0, 0)


def softmax(argument: Node, axis: int) -> Node:
    """exp(u) / sum(exp(u)) along one axis; the other axes are a batch."""
    axes = constant_axes(argument)
    if axis in axes:
        n = size(argument.shape[axis])
        every = tuple(range(len(argument.shape)))
        return einsum(1, [(power(n, -1), ())], every, dict(enumerate(argument.shape)))
    if axes:
        inner = softmax(without_axes(argument, axes), axis - sum(a < axis for a in axes))
        return repeated(inner, argument.shape, axes)
    return intern(Softmax, (axis,), argument.shape, (argument,))


def logsumexp(argument: Node, axis: int) -> Node:
    """log(sum(exp(u))) along one axis."""
    labels = tuple(range(len(argument.shape)))
    return apply(LOG, einsum(1, [(apply(EXP, argument), labels)], labels[:axis] + labels[axis + 1 :]))
