"""The normal form of whole networks: one node however the operands are ordered, named and associated."""

from __future__ import annotations

import random

import pytest

import indexcalc
from indexcalc.tensor.elementwise import apply
from indexcalc.tensor.functions import BY_NAME
from indexcalc.tensor.matrix_functions import inverse
from indexcalc.tensor.nodes import Labels, Node, variable
from indexcalc.tensor.product import Factor, einsum, power
from indexcalc.tensor.structure import structured
from indexcalc.tensor.sums import add, scale


def _operands() -> tuple[list[Node], list[Node]]:
    """Matrices and vectors, made anew: other tests forget all nodes."""
    a, b, c = (variable(name, ("n", "n")) for name in "ABC")
    ab, ac = (einsum(1, [(a, (0, 1)), (other, (1, 2))], (0, 2)) for other in (b, c))
    matrices = [a, b, c, inverse(a), inverse(ab), power(b, 2), power(ac, 2)]
    matrices += [structured("S", ("n", "n"), ("symmetric",)), structured("Q", ("n", "n"), ("orthogonal",))]
    matrices.append(apply(BY_NAME["tanh"], add([(1, a), (2, b)])))
    return matrices, [variable("x", ("n",)), variable("y", ("n",)), einsum(1, [(a, (0, 1))], (0,))]


BLOCKS = range(20)


def _network(rng: random.Random) -> tuple[list[Factor], Labels]:
    """Matrices and vectors on a few labels: with chains beside others, cycles and parts that hang at one label."""
    labels = range(rng.randint(2, 6))
    matrices, vectors = _operands()
    factors: list[Factor] = []
    for _ in range(rng.randint(2, 9)):
        matrix = rng.random() < 0.8
        chosen = rng.sample(labels, 2) if matrix else [rng.choice(labels)]
        factors.append((rng.choice(matrices if matrix else vectors), tuple(chosen)))
    used = sorted({label for _, own in factors for label in own})
    return factors, tuple(rng.sample(used, rng.randint(0, min(3, len(used)))))


def _associated(rng: random.Random, factors: list[Factor], output: Labels) -> Node:
    """The same product, some of its operands multiplied first, in any order and with other labels."""
    factors = list(factors)
    while len(factors) > 1 and rng.random() < 0.85:
        rng.shuffle(factors)
        cut = rng.randint(2, len(factors))
        first, rest = factors[:cut], factors[cut:]
        inside = {label for _, own in first for label in own}
        outside = {label for _, own in rest for label in own} | set(output)
        kept = tuple(rng.sample(sorted(inside & outside), len(inside & outside)))
        names = dict(zip(sorted(inside), rng.sample(range(20), len(inside)), strict=True))
        renamed = [(node, tuple([names[label] for label in own])) for node, own in first]
        factors = [(einsum(1, renamed, tuple([names[label] for label in kept])), kept), *rest]
    return einsum(1, factors, output)


@pytest.mark.parametrize("block", BLOCKS)
def test_network_does_not_depend_on_order_names_and_association(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        rng = random.Random(seed)
        factors, output = _network(rng)
        whole = einsum(1, factors, output)
        for _ in range(3):
            assert _associated(rng, factors, output) is whole, (seed, factors, output)


@pytest.mark.parametrize("block", BLOCKS)
def test_sum_of_networks_does_not_depend_on_the_order_of_terms(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        rng = random.Random(seed)
        networks = [_network(rng) for _ in range(12)]
        rank = len(networks[0][1])
        networks = [network for network in networks if len(network[1]) == rank][:4]
        terms = [(rng.choice([-2, -1, 1, 3]), *network) for network in networks]
        whole = add((c, einsum(1, factors, output)) for c, factors, output in terms)
        rng.shuffle(terms)
        assert add((c, _associated(rng, factors, output)) for c, factors, output in terms) is whole
        rng.shuffle(terms)
        cut = rng.randint(0, len(terms) - 1)
        parts = [add((2 * c, _associated(rng, *network)) for c, *network in terms[:cut])] if cut else []
        parts += [add((2 * c, _associated(rng, *network)) for c, *network in terms[cut:])]
        assert add((1, part) for part in parts) is scale(2, whole)


KINDS = ["A: matrix(n, n)", "B: matrix(n, n)", "S: symmetric(n)", "Q: orthogonal(n)", "x: vector(n)", "y: vector(n)"]
LETTERS = "abcdfghpqrstuvwz"


def _index_text(rng: random.Random, factors: list[tuple[str, Labels]], output: Labels) -> str:
    """A product in index notation, under random names, with random brackets, its operands in this order."""
    letters = dict(zip(output, "ijkl", strict=False))
    inner = {label for _, own in factors for label in own} - set(output)
    letters |= dict(zip(inner, rng.sample(LETTERS, len(inner)), strict=True))
    words = [f"{name}_{''.join(letters[label] for label in own)}" for name, own in factors]
    inner_of: list[set[int]] = [set(own) for _, own in factors]
    while len(words) > 1 and rng.random() < 0.7:
        start = rng.randrange(len(words) - 1)
        end = rng.randint(start + 2, len(words))
        outside = set(output).union(*inner_of[:start], *inner_of[end:])
        inside = set().union(*inner_of[start:end])
        summed = "".join(sorted(letters[label] for label in inside - outside))
        word = f"({' '.join(words[start:end])})"
        words[start:end] = [f"sum_{{{' '.join(summed)}}}{word}" if summed else word]
        inner_of[start:end] = [inside & outside]
    summed = " ".join(sorted(letters[label] for label in set().union(*inner_of) - set(output)))
    return f"sum_{{{summed}}}({' '.join(words)})" if summed else " ".join(words)


@pytest.mark.parametrize("block", BLOCKS)
def test_text_does_not_depend_on_dummy_names_and_brackets(block: int) -> None:
    for seed in range(10 * block, 10 * block + 10):
        rng = random.Random(seed)
        labels = range(rng.randint(2, 5))
        factors: list[tuple[str, Labels]] = []
        for _ in range(rng.randint(2, 6)):
            name = rng.choice("AABSQxy")
            factors.append((name, tuple(rng.sample(labels, 1 if name in "xy" else 2))))
        used = sorted({label for _, own in factors for label in own})
        output = tuple(rng.sample(used, rng.randint(0, min(2, len(used)))))
        left = "".join("ijkl"[: len(output)])
        texts = [_index_text(rng, factors, output) for _ in range(3)]
        answers = [indexcalc.simplify(f"{text} -> {left}" if left else text, let=KINDS) for text in texts]
        assert len({answer.derivation.node for answer in answers}) == 1, texts
        assert len({answer.matrix for answer in answers}) == 1, texts


def _recurrence(steps: int) -> str:
    """A recurrent network over a batch, its states as columns, by its shared weights."""
    lines = ["W: matrix(h, h)", "U: matrix(h, d)", "b: vector(h)", "H0, V: matrix(h, N)", "o: vector(N)"]
    lines += [f"X{t}: matrix(d, N)" for t in range(1, steps + 1)]
    lines += [f"H{t} = tanh(W*H{t - 1} + U*X{t} + b*o')" for t in range(1, steps + 1)]
    return "\n".join([*lines, f"L = sum(V .* H{steps})"])


@pytest.mark.parametrize("parameter", ["W", "U"])
def test_gradient_of_a_recurrent_network_over_a_batch_is_affine_in_its_length(parameter: str) -> None:
    counts = []
    for steps in (4, 8, 12, 40):
        (answer,) = indexcalc.run(f"{_recurrence(steps)}\nd L / d {parameter}")
        assert isinstance(answer, indexcalc.Answer)
        counts.append(answer.stats)
    for key in ("nodes", "operations"):
        first, second, third, last = (count[key] for count in counts)
        assert second - first == third - second
        assert last - third == 7 * (third - second)
