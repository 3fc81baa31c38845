"""A tensor of order 3 or 4 as deltas and the entries of matrices: ``2 delta_ik (V'*V)_jl``.

What lies on the output's axes only in pairs stays a matrix in matrix notation; deltas tell where it stands. That is the
compressed derivative (Laue, Mitterreiter, Giesen: A Simple and Efficient Tensor Calculus, AAAI 2020).
"""

from __future__ import annotations

from indexcalc.forms import algebra
from indexcalc.forms.index import IndexForms, delta
from indexcalc.forms.matrix import MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Call, Entries, Form, Product, Sum, Symbol, Transpose
from indexcalc.language.index_notation import Letters
from indexcalc.tensor import sums
from indexcalc.tensor.components import connected
from indexcalc.tensor.nodes import Node, magnitude, number
from indexcalc.tensor.product import Einsum, einsum


def entries_form(matrices: MatrixForms, index: IndexForms, node: Node, letters: Letters) -> Form | None:
    """The form of a tensor whose axes have these letters; None where a factor ties three axes or more, and where no
    matrix in it is a product: then the index form says the same."""
    terms = node.terms if isinstance(node, sums.Sum) else [(1, node)]
    try:
        parts = [_term(matrices, index, sums.scale(c, term), letters) for c, term in terms]
    except NoMatrixForm:
        return None
    if not any(_has_product(form) for _, form in parts):
        return None
    return Sum(tuple(algebra.ordered(parts))) if len(parts) > 1 or parts[0][0] < 0 else parts[0][1]


def _term(matrices: MatrixForms, index: IndexForms, node: Node, letters: Letters) -> tuple[int, Form]:
    if not isinstance(node, Einsum):
        raise NoMatrixForm("its factors do not come apart")
    first = {label: letters[axis] for axis, label in reversed(list(enumerate(node.output)))}
    sign, factors = 1 if node.coefficient >= 0 else -1, []
    tensors = [factor for factor in node.factors if factor[1]]
    for group in connected([labels for _, labels in tensors], set(node.output)):
        block = [tensors[place] for place in group]
        ends = tuple([x for x in dict.fromkeys(node.output) if any(x in labels for _, labels in block)])
        s, form = matrices.signed_form(einsum(1, block, ends))
        sign *= s
        factors.append((node.output.index(ends[0]), _entries(form, tuple([first[x] for x in ends]))))
    for axis, label in enumerate(node.output):
        place = node.output.index(label)
        if place != axis:
            factors.append((place, delta(letters[place], letters[axis])))
    forms = [form for _, form in sorted(factors, key=lambda factor: factor[0])]
    scalars = einsum(1, [factor for factor in node.factors if not factor[1]], ())
    above = index.form(scalars, ())
    size = magnitude(node.coefficient)
    if isinstance(above, Product) and above.coefficient > 0:
        return sign, Product(" ", size * above.coefficient, (*above.factors, *forms), above.divisors)
    return sign, Product(" ", size, tuple(forms if scalars is number(1) else [above, *forms]))


def _has_product(form: Form) -> bool:
    """Whether a term has the entries of a product of matrices."""
    stack = [part.parts[0] for part in form.parts if isinstance(part, Entries)]
    while stack:
        part = stack.pop()
        if isinstance(part, Product) and part.operator == "*" and len(part.factors) > 1:
            return True
        if isinstance(part, Product | Sum | Transpose):
            stack.extend(part.parts)
    return False


def _entries(form: Form, letters: Letters) -> Form:
    """``W_ij``, ``inv(A)_ij``, ``(A*B)_ij``"""
    match form:
        case Symbol():
            return Symbol(form.name, "", form.places[0], letters)
        case Transpose():
            return _entries(form.parts[0], letters[::-1])
        case Call() if form.function in ("inv", "softmax") or len(form.parts) == 0:
            return Call(form.function, "", form.parts, letters)
    return Entries(form, letters)
