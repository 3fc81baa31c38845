"""Contraction paths: chains are optimal, other networks never above opt_einsum's "auto"."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import opt_einsum
import pytest

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.numeric.chains import chain, chain_path
from indexcalc.numeric.networks import Network
from indexcalc.numeric.paths import best, flops, quick, steps

from .test_cli import run

Inputs = list[tuple[int, ...]]


def _chain(rng: random.Random, count: int) -> tuple[Inputs, list[int], dict[int, int]]:
    """A chain of matrices, at times with vectors at its ends, its operands in any order."""
    sizes = {k: rng.choice([2, 3, 5, 10, 20, 200]) for k in range(count + 1)}
    inputs, output = [(k, k + 1) for k in range(count)], [0, count]
    for end, label in ((0, 0), (-1, count)):
        if rng.random() < 0.3 and count > 1:
            inputs[end] = tuple(x for x in inputs[end] if x != label)  # type: ignore[assignment]
            output.remove(label)
    rng.shuffle(inputs)
    return [labels if rng.random() < 0.5 else labels[::-1] for labels in inputs], output, sizes


def _network(rng: random.Random, count: int, labels: int) -> tuple[Inputs, list[int], dict[int, int]]:
    inputs = [tuple(rng.sample(range(labels), rng.randint(1, 3))) for _ in range(count)]
    used = sorted({x for own in inputs for x in own})
    return inputs, rng.sample(used, min(2, len(used))), {x: rng.choice([2, 3, 10, 30]) for x in used}


def _sets(inputs: Inputs) -> list[frozenset[int]]:
    return [frozenset(labels) for labels in inputs]


@pytest.mark.parametrize("seed", range(200))
def test_chain_has_the_fewest_operations(seed: int) -> None:
    rng = random.Random(seed)
    inputs, output, sizes = _chain(rng, rng.randint(2, 8))
    found = chain(inputs, output)
    assert found is not None
    search = opt_einsum.DynamicProgramming(minimize="flops")
    exact = search(_sets(inputs), frozenset(output), sizes)
    assert flops(chain_path(found, sizes), inputs, output, sizes) <= flops(exact, inputs, output, sizes)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [20, 40])
def test_long_chain_equals_the_cubic_dynamic_program(count: int, seed: int) -> None:
    rng = random.Random(seed)
    corners = [rng.randint(2, 1000) if seed % 2 else rng.choice([3, 10, 100]) for _ in range(count + 1)]
    cost = {(k, k + 1): 0 for k in range(count)}
    for span in range(2, count + 1):
        for i in range(count - span + 1):
            j = i + span
            cost[i, j] = min(
                cost[i, k] + cost[k, j] + 2 * corners[i] * corners[k] * corners[j] for k in range(i + 1, j)
            )
    inputs = [(k, k + 1) for k in range(count)]
    path = quick(inputs, (0, count), dict(enumerate(corners)))
    assert flops(path, inputs, (0, count), dict(enumerate(corners))) == cost[0, count]


@pytest.mark.parametrize(
    "inputs, output",
    [
        (["ab", "bc", "ca"], ""),
        (["ab", "bc", "b"], "ac"),
        (["abc", "cd"], "abd"),
        (["ab", "ab"], "a"),
        (["ab", "cd"], "abcd"),
        (["a", "a", "b", "b"], ""),
    ],
)
def test_what_is_no_chain(inputs: Sequence[str], output: str) -> None:
    assert chain(inputs, output) is None


@pytest.mark.parametrize("seed", range(150))
def test_path_is_never_above_auto(seed: int) -> None:
    rng = random.Random(seed)
    inputs, output, sizes = _network(rng, rng.randint(2, 9), rng.randint(3, 7))
    auto = opt_einsum.paths.auto(_sets(inputs), frozenset(output), sizes)
    for path in (best(inputs, output, sizes, seconds=0.01)[0], quick(inputs, output, sizes)):
        assert flops(path, inputs, output, sizes) <= flops(auto, inputs, output, sizes)
        assert list(steps(path, inputs, output, sizes))[-1].output == frozenset(output)


def test_costs_are_those_of_opt_einsum() -> None:
    sizes = {"i": 5, "j": 7, "k": 3, "l": 11}
    path, info = opt_einsum.contract_path("ij,jk,kl->il", (5, 7), (7, 3), (3, 11), shapes=True)
    assert flops(path, ["ij", "jk", "kl"], "il", sizes) == info.opt_cost


# ---------------------------------------------------------------------- of an expression
LET = ["A: matrix(m, n)", "B: matrix(n, p)", "C: matrix(p, q)", "x: vector(q)"]


def _paths(text: str, **options: Any) -> list[Network]:
    return indexcalc.simplify(text, let=[d for d in LET if d[0] in text]).path(**options)


def test_path_of_a_chain() -> None:
    (network,) = _paths("A*B*C*x", sizes={"m": 10, "n": 20, "p": 30, "q": 40})
    assert network.flops == 2 * (30 * 40 + 20 * 30 + 10 * 20)
    assert network.naive == 4 * 10 * 20 * 30 * 40
    assert network.largest == 30
    assert network.search == "chain"
    assert len(network.operands) == 4


def test_forty_matrices() -> None:
    let = [f"M{k}: matrix(n{k}, n{k + 1})" for k in range(40)]
    answer = indexcalc.simplify("*".join(f"M{k}" for k in range(40)), let=let)
    (network,) = answer.path({f"n{k}": 2 + k % 7 for k in range(41)})
    assert len(network.steps) == 39


def test_an_optimizer_of_the_user_is_asked() -> None:
    asked = []

    class Left:
        def __call__(self, inputs: Any, output: Any, size_dict: Any, memory_limit: Any = None) -> Any:
            asked.append((inputs, output, size_dict, memory_limit))
            return [(0, 1)] * (len(inputs) - 1)

    (network,) = _paths("A*B*C*x", optimizer=Left())
    assert network.search == "Left"
    assert len(asked) == 1
    assert _paths("A*B*C*x", optimizer=opt_einsum.RandomGreedy(max_repeats=2))[0].flops >= network.flops / 100


def test_unknown_size_is_an_error() -> None:
    with pytest.raises(IndexcalcError) as error:
        _paths("A*B", sizes={"r": 2})
    assert error.value.code == "E218"


def test_path_command() -> None:
    done = run("path", "A*B*x", "--size", "m=1000", "--let", "A: matrix(m, n)")
    assert done.returncode == 0
    assert "assumed: n = 100, p = 100" in done.stdout
    assert "220,000 flops, naive 30,000,000" in done.stdout
    assert run("path", "x + y").stdout.splitlines()[-1] == "no product of two or more tensors"
    derivative = run("path", "tr(A*X*B*X')", "--wrt", "X", "--size", "m=30", "--size", "n=20")
    assert derivative.stdout.count("largest result") == 2


@pytest.mark.parametrize("size", ["m", "m=", "m=x", "m=0", "=3", "m=-1"])
def test_what_is_no_size_is_wrong_usage(size: str) -> None:
    assert run("path", "A*x", "--size", size).returncode == 2
