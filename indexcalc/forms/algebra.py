"""How matrix forms combine: products that flatten, transposes where they cost least, powers of equal factors.

Every form here has the coefficient 1: numbers and signs are put in front at the end, by ``assemble``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from indexcalc.forms.nodes import Call, Form, Number, Power, Product, Sum, Symbol, Transpose, same
from indexcalc.tensor.nodes import Dimension, Rational, cache, rational


def cheapest(forms: Iterable[Form]) -> Form:
    """The form that reads best; of equals the first."""
    return min(forms, key=lambda form: form.cost)


def in_order(form: Form) -> tuple[object, ...]:
    """Where a form stands among its like: constants first, then by its names' places in the user's text."""
    return form.places, form.operations, form.tokens


# ------------------------------------------------------------------ transposes
TURNED = 3
"""Tokens of a transpose and the brackets that a sum or a product needs before it."""

_transposes: dict[Form, Form] = cache()


def transpose(form: Form) -> Form:
    """The cheapest way to write a transpose."""
    if form.symmetric or form.kind == "s":
        return form
    found = _transposes.get(form)
    if found is None:
        found = _transposes[form] = _transposed(form)
    return found


def _transposed(form: Form) -> Form:
    match form:
        case Transpose():
            return form.parts[0]
        case Call(function="ones"):
            return _ones_transposed(form)
        case Call(function="softmax", parts=(Transpose() as argument, Number(value=axis))):
            return Call("softmax", "M", (argument.parts[0], Number(3 - axis)))
        case Call(parts=(Transpose() as argument,)) if form.kind == argument.kind == "M" and form.function not in WHOLE:
            return Call(form.function, "M", argument.parts)
        case Product(operator="*"):
            return cheapest([Transpose(form), _reversed(form)])
        case Sum() if not form.typed:
            each, whole = _each_transposed(form, False), Transpose(form)
            return each if each.cost < (whole.operations, whole.names, whole.tokens - 2) else whole
        case Product() | Sum():  # apart it would need brackets in a product: settled decides when it stands alone
            return Transpose(form)
        case Power() if form.elementwise and isinstance(form.parts[0], Transpose) and len(form.parts) == 1:
            return Power(form.parts[0].parts[0], form.exponent, True)
    return Transpose(form)


def _reversed(form: Product) -> Form:
    scalars = [factor for factor in form.factors if factor.kind == "s"]
    turned = matmul(*scalars, *[transpose(factor) for factor in reversed(form.factors) if factor.kind != "s"])
    return Product("*", form.coefficient, chain(turned), form.divisors)


def _ones_transposed(form: Call) -> Form:
    if form.kind == "M":
        return Call("ones", "M", form.parts[::-1])
    if form.kind == "r":
        return Call("ones", "c", form.parts[1:])
    return Call("ones", "r", (Number(1), *form.parts))


# ------------------------------------------------------------------ products
def chain(form: Form) -> tuple[Form, ...]:
    """The factors of a matrix product."""
    if isinstance(form, Product) and form.operator == "*" and form.coefficient == 1 and not form.divisors:
        return form.factors
    return (form,)


def matmul(*forms: Form) -> Form:
    """The matrix product, its equal neighbours as powers, its scalars in front."""
    scalars: list[Form] = []
    factors: list[Form] = []
    for form in forms:
        for factor in chain(form) if form.kind != "s" else (form,):
            if factor.kind == "s":
                scalars.append(factor)
                continue
            merged = _merged(factors[-1], factor) if factors else None
            if merged is None:
                factors.append(factor)
            else:
                factors[-1] = merged
    factors = scalars + factors
    return factors[0] if len(factors) == 1 else Product("*", 1, tuple(factors))


def _merged(a: Form, b: Form) -> Form | None:
    """X^j X^k as one power; inv(X) inv(X) as X^-2; diag(u) diag(v) as diag(u .* v)."""
    if a.kind != "M" or b.kind != "M":
        return None
    if _is_diag(a) and _is_diag(b):
        return diag_of(hadamard(a.parts[0], b.parts[0]))
    (x, j, turned), (y, k, turned_too) = _base(a), _base(b)
    if turned != turned_too or (j > 0) != (k > 0) or not same(x, y) or _is_elementwise(x):
        return None
    power = Power(x, j + k, False)
    power.symmetric = x.symmetric
    return Transpose(power) if turned else power


def _is_diag(form: Form) -> bool:
    return isinstance(form, Call) and form.function == "diag" and form.kind == "M"


WHOLE = frozenset({"inv", "diag", "eye", "ones", "zeros", "kron", "commutation", "softmax"})
"""The functions that give matrices without working entry by entry."""


def _is_elementwise(form: Form) -> bool:
    """Whether ``^`` behind a matrix is refused, for it could be meant for each entry."""
    return isinstance(form, Call) and form.function not in WHOLE


def _base(form: Form) -> tuple[Form, int, bool]:
    """A factor as base, whole exponent, and whether it is transposed."""
    turned = isinstance(form, Transpose)
    body = form.parts[0] if turned else form
    if isinstance(body, Power) and not body.elementwise and type(body.exponent) is int:
        return body.parts[0], body.exponent, turned
    if isinstance(body, Call) and body.function == "inv":
        return body.parts[0], -1, turned
    return body, 1, turned


def hadamard(*forms: Form) -> Form:
    """The product entry by entry, equal factors as powers."""
    factors: list[tuple[Form, Rational]] = []
    for form in forms:
        factors += entries(form)
    above = [(form, e) for form, e in factors if e > 0]
    merged: list[tuple[Form, Rational]] = []
    for form, e in sorted(above, key=lambda pair: _entry_order(pair[0])):
        if merged and same(merged[-1][0], form):
            merged[-1] = (form, merged[-1][1] + e)
        else:
            merged.append((form, e))
    below = [(form, -e) for form, e in factors if e < 0]
    plain = _whole_entries(merged, below)
    square = [pair for pair in merged if _of_diagonal(pair[0])]
    inverted = [pair for pair in below if _of_diagonal(pair[0])]
    rest = [pair for pair in merged if pair not in square]
    if not rest or not (square or inverted):
        return plain
    left = [diag_of(raised(*pair)) for pair in square] + [diag_of(powers(form, -e)) for form, e in inverted]
    return cheapest([plain, matmul(*left, _whole_entries(rest, [pair for pair in below if pair not in inverted]))])


def _of_diagonal(form: Form) -> bool:
    """diag(D) where D is known to be diagonal, so that diag(D) .* x is D*x"""
    return isinstance(form, Call) and form.function == "diag" and form.kind == "c" and form.parts[0].diagonal


def _whole_entries(above: Sequence[tuple[Form, Rational]], below: Sequence[tuple[Form, Rational]]) -> Form:
    return _entrywise([raised(form, e) for form, e in above], sorted([raised(*pair) for pair in below], key=in_order))


def _entry_order(form: Form) -> tuple[object, ...]:
    """Names before what is made of them, eye and ones last."""
    constant = isinstance(form, Call) and form.function in ("eye", "ones")
    return constant, not isinstance(form, Symbol), in_order(form)


def _entrywise(factors: Sequence[Form], divisors: Sequence[Form]) -> Form:
    if len(factors) == 1 and not divisors:
        return factors[0]
    product = Product(".*", 1, tuple(factors), tuple(divisors))
    product.symmetric = all(part.symmetric for part in product.parts)
    return product


def entries(form: Form) -> list[tuple[Form, Rational]]:
    """A form as factors and exponents of an elementwise product."""
    if isinstance(form, Product) and form.operator == ".*" and form.coefficient == 1:
        above = [pair for factor in form.factors for pair in entries(factor)]
        return above + [(base, -e) for divisor in form.divisors for base, e in entries(divisor)]
    if isinstance(form, Power) and form.elementwise and type(form.exponent) is int:
        return [(form.parts[0], form.exponent)]
    return [(form, 1)]


def raised(form: Form, exponent: Rational) -> Form:
    """A power, entry by entry; of a scalar with ^."""
    if exponent == 1:
        return form
    power = Power(form, exponent, form.kind != "s")
    power.symmetric = form.symmetric
    return power


def powers(form: Form, exponent: Rational) -> Form:
    """A power of each entry, a negative one as a quotient."""
    above = raised(form, exponent if exponent > 0 else -exponent)
    return above if exponent > 0 else Product(".*", 1, (), (above,))


def diag_of(vector: Form) -> Form:
    """diag(v), or D where v is the diagonal of a D that is known to be diagonal; its powers, too."""
    match vector:
        case Call(function="diag", parts=(Form(diagonal=True) as matrix,)):
            return matrix
        case Power(exponent=int() as k, parts=(Call(function="diag", parts=(Form(diagonal=True) as matrix,)),)):
            return symmetric(Power(matrix, k, False))
        case Product(operator=".*", coefficient=1, factors=(), divisors=(below,)):
            matrix = diag_of(below)
            if not _is_diag(matrix):
                return symmetric(Call("inv", "M", (matrix,)))
    return symmetric(Call("diag", "M", (vector,)))


def diag(vector: Form, size: Form) -> Form:
    """diag(v), or F(X) .* eye(n) where v is the diagonal of F(X)."""
    plain = diag_of(vector)
    whole = _undiagonal(vector)
    return plain if whole is None else cheapest([plain, hadamard(whole, eye(size))])


def eye(size: Form) -> Form:
    return symmetric(Call("eye", "M", (size,)))


def _undiagonal(form: Form) -> Form | None:
    """A matrix whose diagonal is this column, where the column is made of diagonals entry by entry."""
    match form:
        case Call(function="diag"):
            return form.parts[0]
        case Call() if form.kind == "c" and len(form.parts) == 1 and form.function != "ones":
            inner = _undiagonal(form.parts[0])
            return None if inner is None or form.function == "softmax" else Call(form.function, "M", (inner,))
        case Power(exponent=int() | Fraction() as exponent):
            inner = _undiagonal(form.parts[0])
            return None if inner is None else raised(inner, exponent)
    return None


def inverse(matrix: Form, is_symmetric: bool) -> Form:
    """inv(A), with a transpose outside rather than inside."""
    if is_symmetric:
        return symmetric(Call("inv", "M", (untransposed(matrix),)))
    if isinstance(matrix, Transpose):
        return Transpose(_inverse(matrix.parts[0]))
    if isinstance(matrix, Product):
        return cheapest([_inverse(matrix), Transpose(_inverse(transpose(matrix)))])
    return _inverse(matrix)


def _inverse(matrix: Form) -> Form:
    return Call("inv", "M", (matrix,))


def untransposed(matrix: Form) -> Form:
    """A matrix or its transpose, whichever is shorter, where they are alike, as in a determinant."""
    if isinstance(matrix, Transpose):
        return matrix.parts[0]
    return cheapest([matrix, transpose(matrix)])


def negated(form: Form) -> Form:
    """Minus a form, its coefficient in front."""
    if isinstance(form, Product) and (form.operator == "*" or form.factors):
        return Product(form.operator, -form.coefficient, form.factors, form.divisors)
    return Product("*", -1, (form,))


def squares(form: Form) -> Form | None:
    """x, where the form is x^2 entry by entry."""
    factors = entries(form)
    return factors[0][0] if len(factors) == 1 and factors[0][1] == 2 else None


def symmetric(form: Form) -> Form:
    form.symmetric = True
    return form


def ones(dimension: Form) -> Form:
    return Call("ones", "c", (dimension,))


def rows_scaled(vector: Form, matrix: Form) -> Form:
    """diag(v) M; with a diag on the other side already, (v w') .* M where that is shorter."""
    factors = chain(matrix)
    plain = matmul(diag_of(vector), matrix)
    if len(factors) > 1 and _is_diag(factors[-1]):
        outer = matmul(vector, transpose(factors[-1].parts[0]))
        return cheapest([plain, hadamard(outer, matmul(*factors[:-1]))])
    return plain


def row_sums(matrix: Form) -> Form:
    """The sums of the rows of a matrix, as a column."""
    if isinstance(matrix, Transpose):
        return Call("sum", "c", (matrix.parts[0], Number(1)))
    if isinstance(matrix, Product) and matrix.operator == "*" and len(matrix.factors) > 1:
        return matmul(*matrix.factors[:-1], row_sums(matrix.factors[-1]))
    return Call("sum", "c", (matrix, Number(2)))


def row_products(f: Form, g: Form) -> Form:
    """sum over j of f_ij g_ij: the diagonal of a product of plain matrices, else the row sums of f .* g."""
    sums = row_sums(hadamard(f, g))
    if any(isinstance(form, Sum | Call) or (isinstance(form, Product) and form.operator == ".*") for form in (f, g)):
        return sums
    return cheapest([Call("diag", "c", (matmul(f, transpose(g)),)), sums])


def settled(matrix: Form, in_user_order: bool = False) -> Form:
    """A matrix that stands alone, or its transpose transposed, whichever is shorter."""
    if matrix.symmetric or (matrix.turned <= TURNED and not isinstance(matrix, Transpose)):
        return matrix
    match matrix:
        case Product(operator="*"):
            return cheapest([matrix, Transpose(_reversed(matrix))])
        case Product() | Sum():
            return cheapest([matrix, Transpose(_each_transposed(matrix, in_user_order))])
        case Transpose(parts=(Product(operator=".*") | Sum() as body,)):
            return cheapest([matrix, _each_transposed(body, in_user_order)])
    return matrix


def _each_transposed(form: Product | Sum, in_user_order: bool) -> Form:
    if isinstance(form, Sum):
        terms = [(sign, transpose(term)) for sign, term in form.terms]
        return Sum(tuple(terms if in_user_order else ordered(terms)))
    factors, divisors = tuple(map(transpose, form.factors)), tuple(map(transpose, form.divisors))
    return Product(form.operator, form.coefficient, factors, divisors)


# ------------------------------------------------------------------ scalars
def dot(a: Form, b: Form) -> Form:
    """The sum of products of the entries of two columns."""
    if same(a, b):
        return squared_norm(a)
    for x, y in ((a, b), (b, a)):
        root = squares(y) if _of_diagonal(x) else None
        if root is not None:
            return matmul(transpose(root), x.parts[0], root)
    return cheapest([matmul(transpose(x), y) for x, y in _user_order(a, b)])


def _user_order(a: Form, b: Form) -> list[tuple[Form, Form]]:
    return [(a, b), (b, a)] if in_order(a) <= in_order(b) else [(b, a), (a, b)]


def squared_norm(form: Form) -> Form:
    norm = Power(Call("norm2", "s", (form,)), 2, False)
    return norm if form.kind == "M" else cheapest([matmul(transpose(form), form), norm])


def total(form: Form) -> Form:
    """The sum of all entries of a column or a matrix."""
    if form.kind == "c" and isinstance(form, Call) and form.function == "diag":
        return trace(chain(form.parts[0]))
    candidates: list[Form] = [Call("sum", "s", (form,))]
    factors = entries(form)
    root = squares(form)
    if root is not None:
        return squared_norm(root)
    if isinstance(form, Call) and form.function == "abs":
        return Call("norm1", "s", form.parts)
    if form.kind == "c" and len(factors) > 1 and factors[0][1] > 0:
        rest = hadamard(*[raised(f, e) for f, e in factors[1:] if e > 0], *_divided(factors[1:]))
        candidates.append(dot(raised(*factors[0]), rest))
    if form.kind == "M" and len(factors) == 2 and factors[0][1] == factors[1][1] == 1:
        candidates.append(trace([transpose(factors[0][0]), factors[1][0]]))
    return cheapest(candidates)


def _divided(factors: Sequence[tuple[Form, Rational]]) -> list[Form]:
    below = tuple(raised(form, -e) for form, e in factors if e < 0)
    return [Product(".*", 1, (), below)] if below else []


def trace(factors: Sequence[Form]) -> Form:
    """The trace of a product: the best of its rotations and their transposes."""
    scalars = [factor for factor in factors if factor.kind == "s"]
    if scalars:
        return matmul(*scalars, trace([factor for factor in factors if factor.kind != "s"]))
    if len(factors) == 2 and same(transpose(factors[0]), factors[1]):
        return squared_norm(factors[1])
    turned = [transpose(factor) for factor in reversed(factors)]
    cycles = [[*cycle[k:], *cycle[:k]] for cycle in (list(factors), turned) for k in range(len(factors))]
    candidates = sorted([matmul(*cycle) for cycle in cycles], key=lambda form: (form.cost, form.places))
    scalar = next((form for form in candidates if form.kind == "s"), None)
    if scalar is not None:  # a row and a column meet
        return scalar
    traces: list[Form] = [Call("tr", "s", (candidates[0],))]
    if len(factors) == 2:
        traces += [Call("sum", "s", (hadamard(transpose(a), b),)) for a, b in (factors, factors[::-1])]
    return cheapest(traces)


# ------------------------------------------------------------------ sums
def ordered(terms: list[tuple[int, Form]]) -> list[tuple[int, Form]]:
    """Terms in the order of the user's names, a positive one first."""
    terms = sorted(terms, key=lambda term: in_order(term[1]))
    first = next((place for place, (sign, _) in enumerate(terms) if sign > 0), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]


def turned(terms: list[tuple[int, Form]], allowed: bool) -> tuple[int, list[tuple[int, Form]]]:
    """Terms with most signs plus, on a tie the first in the user's order; minus one if that turns them."""
    negative = 2 * sum(sign < 0 for sign, _ in terms)
    first = min(terms, key=lambda term: in_order(term[1]))[0]
    if allowed and (negative > len(terms) or (negative == len(terms) and first < 0)):
        return -1, [(-sign, form) for sign, form in terms]
    return 1, terms


def with_minus(form: Form) -> Form:
    """Minus a form: taken into a difference that the user did not write, as b - a for a - b, else in front."""
    if isinstance(form, Product):
        for place, factor in enumerate(form.factors):
            if isinstance(factor, Sum) and not factor.typed and not sum(sign for sign, _ in factor.terms):
                turned = Sum(tuple(ordered([(-sign, term) for sign, term in factor.terms])))
                factors = (*form.factors[:place], turned, *form.factors[place + 1 :])
                return Product(form.operator, form.coefficient, factors, form.divisors)
    return negated(form)


# ------------------------------------------------------------------ coefficients
def assemble(coefficient: Rational, scalars: Sequence[tuple[Form, Rational]], body: Form | None) -> Form:
    """coefficient x powers of scalars x a tensor."""
    if not scalars and coefficient == 1 and body is not None:
        return body
    above = sorted([raised(form, e) for form, e in scalars if e > 0], key=_scalar_order)
    below = tuple(sorted([raised(form, -e) for form, e in scalars if e < 0], key=_scalar_order))
    if body is None:
        if len(above) == 1 and not below and coefficient == 1:
            return above[0]
        dots = [form for form in above if len(chain(form)) > 1]
        if dots:  # the last dot product needs no brackets
            above = [form for form in above if form is not dots[-1]]
            return Product("*", coefficient, (*above, *chain(dots[-1])), below)
        if not above and not below and coefficient >= 0:
            return Number(coefficient)
        return Product("*", coefficient, tuple(above), below)
    if isinstance(body, Product) and body.operator == ".*" and not body.factors and not below:
        if not above:
            return Product(".*", coefficient, (), body.divisors)
        if len(above) == 1 and coefficient == 1:
            return Product(".*", 1, (above[0],), body.divisors)
    return Product("*", coefficient, (*above, *chain(body)), below)


def joined_roots(
    coefficient: Rational, roots: Sequence[tuple[Form, Rational]]
) -> tuple[Rational, list[tuple[Form, Rational]]]:
    """sqrt(2)/2 as 1/sqrt(2), and all square roots of numbers as one."""
    if not roots:
        return coefficient, []
    above = [form for form, e in roots if e > 0]
    below = [form for form, e in roots if e < 0]
    for form in list(above):
        if isinstance(form, Number) and coefficient.denominator % form.value == 0:
            coefficient = rational(coefficient * form.value)
            above.remove(form)
            below.append(form)
    if not above:
        return coefficient, [(Call("sqrt", "s", (_quotient(below, ()),)), -1)]
    return coefficient, [(Call("sqrt", "s", (_quotient(above, below),)), 1)]


def _quotient(above: Sequence[Form], below: Sequence[Form]) -> Form:
    return above[0] if len(above) == 1 and not below else Product("*", 1, tuple(above), tuple(below))


def _scalar_order(form: Form) -> tuple[object, ...]:
    """Names before calls."""
    return not isinstance(form, Symbol | Power), in_order(form)


def sized(dimension: Dimension, place: int) -> Form:
    """A size as a form; it is no name."""
    if isinstance(dimension, int):
        return Number(dimension)
    size = Symbol(dimension, "s", place)
    size.names = 0
    return size
