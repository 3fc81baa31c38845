"""TABLES: identities beyond sums and products. A new law is one function and its row.

Importing this module puts the rows into the tables that the constructors consult.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

from indexcalc.tensor.elementwise import APPLY_LAWS, Apply, Function, apply, opposite
from indexcalc.tensor.functions import ABS, EXP, LOG, SIGMOID, SIGN, SOFTPLUS, STEP
from indexcalc.tensor.matrix_functions import Inverse, Softmax, logsumexp, softmax
from indexcalc.tensor.nodes import Labels, Node, Number, Rational, number, rational
from indexcalc.tensor.product import (
    MEETINGS,
    POWER_LAWS,
    PRODUCT_LAWS,
    Einsum,
    Factor,
    Item,
    Items,
    Power,
    Rewrite,
    einsum,
    is_symmetric,
    ones,
    orient,
    power,
    split_power,
)
from indexcalc.tensor.structure import is_positive
from indexcalc.tensor.sums import Sum, add, scale, unit


def _function(node: Node) -> str:
    return node.function.name if isinstance(node, Apply) else ""


def _exponent_of_exp(node: Node) -> Node | None:
    """u where the node is exp(u)."""
    base, exponent = split_power(node)
    return scale(exponent, base.children[0]) if _function(base) == "exp" else None


def _one_plus_exp(node: Node) -> Node | None:
    """u where the node is 1 + exp(u)."""
    if not isinstance(node, Sum) or node.coefficients != (1, 1):
        return None
    a, b = node.children
    if isinstance(b, Einsum) and not b.children:
        a, b = b, a
    return _exponent_of_exp(b) if not a.children and unit(a)[1] is a else None


# ------------------------------------------------------------------ f(u)
def log_one(u: Node) -> Node | None:
    """log(1) = 0"""
    return number(0) if isinstance(u, Number) and u.value == 1 else None


def log_exp(u: Node) -> Node | None:
    """log(exp(u)) = u"""
    return _exponent_of_exp(u)


def log_one_plus_exp(u: Node) -> Node | None:
    """log(1 + exp(u)) = softplus(u)"""
    inner = _one_plus_exp(u)
    return None if inner is None else apply(SOFTPLUS, inner)


def log_sigmoid(u: Node) -> Node | None:
    """log(sigmoid(u)) = -softplus(-u)"""
    return scale(-1, apply(SOFTPLUS, scale(-1, u.children[0]))) if _function(u) == "sigmoid" else None


def _reflected(node: Node) -> Node | None:
    """sigmoid(-u) where the node is 1 - sigmoid(u)."""
    if not isinstance(node, Sum) or sorted(node.coefficients) != [-1, 1]:
        return None
    (one,) = [child for c, child in node.terms if c == 1]
    (taken,) = [child for c, child in node.terms if c == -1]
    other = opposite(taken)
    return other if other is not None and one is power(taken, 0) else None


def log_of_reflection(u: Node) -> Node | None:
    """log(1 - sigmoid(u)) = log(sigmoid(-u))"""
    other = _reflected(u)
    return None if other is None else apply(LOG, other)


def exp_log(u: Node) -> Node | None:
    """exp(log(u)) = u"""
    return u.children[0] if _function(u) == "log" else None


def exp_content(u: Node) -> Node | None:
    """exp(c u) = exp(u)^c for a rational number c"""
    content = u.primitive()[0] if isinstance(u, Sum) else unit(u)[0]
    if content in (0, 1):
        return None
    return power(apply(EXP, scale(1 / Fraction(content), u)), content)


def log_softmax(u: Node) -> Node | None:
    """log(softmax(u)) = u - logsumexp(u)"""
    if not isinstance(u, Softmax):
        return None
    axes = tuple(range(len(u.shape)))
    rest = axes[: u.axis] + axes[u.axis + 1 :]
    total = einsum(1, [(logsumexp(u.children[0], u.axis), rest)], axes, {u.axis: u.shape[u.axis]})
    return add([(1, u.children[0]), (-1, total)])


def abs_positive(u: Node) -> Node | None:
    """|u| = u for a positive u"""
    return u if is_positive(u) else None


def sign_positive(u: Node) -> Node | None:
    """sign(u) = 1 for a positive u"""
    return ones(u.shape) if is_positive(u) else None


def relu_positive(u: Node) -> Node | None:
    """relu(u) = u for a positive u"""
    return u if is_positive(u) else None


# ------------------------------------------------------------------ powers
def power_of_positive(base: Node, exponent: Rational) -> Node | None:
    """(u^a)^b = u^(ab) for positive u and for whole b; (u^2a)^b = |u|^(2ab)"""
    assert isinstance(base, Power)
    inner, e = base.children[0], base.exponent
    if e is None:
        return power(inner, scale(exponent, base.children[1])) if type(exponent) is int and exponent != 1 else None
    if is_positive(inner):
        return power(inner, e * exponent)
    if type(e) is int and e % 2 == 0 and type(exponent) is not int:
        return power(apply(ABS, inner), e * exponent)
    return None


def reciprocal_one_plus_exp(base: Node, exponent: Rational) -> Node | None:
    """1/(1 + exp(u)) = sigmoid(-u)"""
    u = _one_plus_exp(base) if exponent < 0 and type(exponent) is int else None
    return None if u is None else power(apply(SIGMOID, scale(-1, u)), -exponent)


def power_of_reflection(base: Node, exponent: Rational) -> Node | None:
    """(1 - sigmoid(u))^a = sigmoid(-u)^a"""
    other = _reflected(base) if exponent != 1 else None
    return None if other is None else power(other, exponent)


def even_power_of_abs(base: Node, exponent: Rational) -> Node | None:
    """|u|^2k = u^2k"""
    even = type(exponent) is int and exponent % 2 == 0 and _function(base) == "abs"
    return power(base.children[0], exponent) if even else None


# ------------------------------------------------------------------ products
def inverse_times_argument(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """inv(A)_ij A_jk = delta_ik = A_ij inv(A)_jk, where j stands nowhere else"""
    argument = item.base.children[0]
    if item.exponent != 1:
        return None
    listed = items()
    if isinstance(argument, Einsum):
        pattern, ends = argument.factors, argument.output
    else:
        canonical, labels = orient(argument, (0, 1))
        pattern, ends = [(canonical, labels)], (0, 1)
    for near, far, end in ((1, 0, 0), (0, 1, 1)):
        joint = item.labels[near]
        if joint in output or ends[0] == ends[1]:
            continue
        for found, names in _embeddings(pattern, listed, {ends[end]: joint}):
            if len(set(names.values())) < len(names):
                continue  # a diagonal: inv(A)_ij A_jj
            inner = {names[label] for _, labels in pattern for label in labels} - {names[ends[1 - end]]}
            others = [x for x in listed if x != item and x not in found]
            if not inner & {*output, item.labels[far], *(label for x in others for label in x.labels)}:
                return Rewrite([item, *found], joined=[(item.labels[far], names[ends[1 - end]])], spent=inner)
    return None


def argument_of_inverse(node: Node) -> Collection[Node]:
    argument = node.children[0]
    return argument.children if isinstance(argument, Einsum) else [orient(argument, (0, 1))[0]]


def _embeddings(
    pattern: Sequence[Factor], items: Sequence[Item], names: dict[int, int]
) -> Iterator[tuple[list[Item], dict[int, int]]]:
    """The ways to find a product's factors among the items: the items, and what its labels are there."""
    if not pattern:
        yield [], names
        return
    (node, labels), rest = pattern[0], pattern[1:]
    for item in items:
        if item.exponent != 1 or item.base is not node:
            continue
        turns = (item.labels, item.labels[::-1]) if is_symmetric(node) else (item.labels,)
        for turn in turns:
            if all(names.get(a, b) == b for a, b in zip(labels, turn, strict=True)):
                more = names | dict(zip(labels, turn, strict=True))
                left = [x for x in items if x is not item]
                for found, final in _embeddings(rest, left, more):
                    yield [item, *found], final


def exp_over_sum(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """exp(u)_i / sum_j(exp(u)_j) = softmax(u)_i, also along one axis of a matrix"""
    total = item.base
    assert isinstance(total, Einsum)
    if type(item.exponent) is not int or item.exponent > 0 or len(total.children) != 1:
        return None
    (entries,), (labels,) = total.children, total.subscripts
    u = _exponent_of_exp(entries)
    if u is None or len(labels) != 1 + len(total.output):
        return None
    axis = next(axis for axis, label in enumerate(labels) if label not in total.output)
    base, exponent = split_power(entries)
    for other in items():
        times = min(-item.exponent, (other.exponent / Fraction(exponent)).__floor__())
        if other.base is not base or times < 1:
            continue
        turns = (other.labels, other.labels[::-1]) if is_symmetric(base) else (other.labels,)
        for turn in turns:
            if turn[:axis] + turn[axis + 1 :] == item.labels:
                gone = [Item(total, item.labels, -times), Item(base, other.labels, rational(times * exponent))]
                return Rewrite(gone, [Item(softmax(u, axis), turn, times)])
    return None


def exp_of_sum(node: Node) -> Collection[Node]:
    entries, _ = split_power(node.children[0])
    return [entries] if len(node.children) == 1 and _function(entries) == "exp" else ()


def softmax_total(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """sum_i softmax(u)_i = 1, where i stands nowhere else"""
    assert isinstance(item.base, Softmax)
    label = item.labels[item.base.axis]
    if item.exponent != 1 or label in output or item.labels.count(label) > 1:
        return None
    if any(label in other.labels for other in items() if other != item):
        return None
    return Rewrite([item], spent=[label])


def deviations_added_up(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """sum_j (A_ij + B_ij) = sum_j A_ij + sum_j B_ij, where j stands nowhere else and terms vanish or merge: deviations
    from a mean"""
    assert isinstance(item.base, Sum)
    if len(item.labels) < 2 or item.exponent != 1:
        return None
    others = set(output).union(*[other.labels for other in items() if other != item])
    kept = tuple([x for x in item.labels if x in others])
    if not 0 < len(kept) < len(set(item.labels)) == len(item.labels):  # a closed sum is added up term by term anyway
        return None
    total = add([(c, einsum(1, [(term, item.labels)], kept)) for c, term in item.base.terms])
    if isinstance(total, Sum) and len(total.children) >= len(item.base.children):
        return None
    return Rewrite([item], [Item(total, kept, 1)], spent=set(item.labels).difference(kept))


def relu_times_step(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """relu(u) step(u) = relu(u)"""
    return _drop(item, items, "relu", STEP, None)


def exp_times_sigmoid(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """exp(u) sigmoid(-u) = sigmoid(u)"""
    if _function(item.base) != "sigmoid" or item.exponent < 1:
        return None
    u = scale(-1, item.base.children[0])
    for other in items():
        if other.labels == item.labels and _function(other.base) == "exp" and not -1 < other.exponent < 1:
            sign = 1 if other.exponent > 0 else -1
            if scale(sign, other.base.children[0]) is u:
                gone = [Item(item.base, item.labels, 1), Item(other.base, other.labels, sign)]
                return Rewrite(gone, [Item(apply(SIGMOID, u), item.labels, 1)])
    return None


def powers_of_one_base(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """u^a u^b = u^(a + b) where an exponent is no number"""
    if not isinstance(item.base, Power) or item.base.exponent is not None or item.exponent != 1:
        return None
    base, exponent = item.base.children
    for other in items():
        if other == item or other.labels != item.labels:
            continue
        if other.base is base:
            more = scale(other.exponent, power(exponent, 0))
        elif isinstance(other.base, Power) and other.base.exponent is None and other.base.children[0] is base:
            more = scale(other.exponent, other.base.children[1])
        else:
            continue
        return Rewrite([item, other], [Item(power(base, add([(1, exponent), (1, more)])), item.labels, 1)])
    return None


def abs_times_sign(item: Item, items: Items, output: Labels) -> Rewrite | None:
    """abs(u) sign(u) = u"""
    return _drop(item, items, "abs", SIGN, item.base.children[0])


def _drop(item: Item, items: Items, name: str, partner: Function, product: Node | None) -> Rewrite | None:
    """f(u) g(u), each to a positive power, as the product or, without one, as f(u)."""
    if _function(item.base) != name or item.exponent < 1:
        return None
    other_base = apply(partner, item.base.children[0])
    for other in items():
        if other.base is other_base and other.labels == item.labels and other.exponent >= 1:
            if product is None:
                return Rewrite([other])
            gone = [Item(item.base, item.labels, 1), Item(other.base, other.labels, 1)]
            return Rewrite(gone, [Item(product, item.labels, 1)])
    return None


APPLY_LAWS.update(
    log=[log_one, log_exp, log_one_plus_exp, log_sigmoid, log_of_reflection, log_softmax],
    exp=[exp_log, exp_content],
    abs=[abs_positive],
    sign=[sign_positive],
    step=[sign_positive],
    relu=[relu_positive],
)
POWER_LAWS.update(
    {Power: [power_of_positive], Sum: [reciprocal_one_plus_exp, power_of_reflection], Apply: [even_power_of_abs]}
)
PRODUCT_LAWS.update(
    {
        Inverse: [inverse_times_argument],
        Einsum: [exp_over_sum],
        Softmax: [softmax_total],
        Sum: [deviations_added_up],
        Apply: [relu_times_step, abs_times_sign, exp_times_sigmoid],
        Power: [powers_of_one_base],
    }
)
MEETINGS.update({Inverse: argument_of_inverse, Einsum: exp_of_sum})
