"""Contraction paths of rank 2, against opt_einsum's exhaustive search."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import numpy as np
import opt_einsum
import pytest

from indexcalc.forms.contraction import Stuck, path

SIZE = 10
COMPLETE = ["ab", "ac", "ad", "bc", "bd", "cd"]


def _random_product(seed: int) -> tuple[list[str], str]:
    """Matrices and vectors on a few labels, at most two of them in the output."""
    rng = random.Random(seed)
    labels = "abcdefg"[: rng.randint(2, 7)]
    operands = ["".join(rng.sample(labels, rng.choice((1, 2, 2, 2, 2)))) for _ in range(rng.randint(2, 12))]
    used = sorted(set("".join(operands)))
    return operands, "".join(rng.sample(used, rng.randint(0, min(2, len(used)))))


def _largest(operands: Sequence[str], output: str, optimize: object) -> int:
    """Entries of the largest intermediate."""
    equation = f"{','.join(operands)}->{output}"
    shapes = [(SIZE,) * len(labels) for labels in operands]
    _, info = opt_einsum.contract_path(equation, *shapes, shapes=True, optimize=optimize)
    return int(info.largest_intermediate)


class Reductions(opt_einsum.paths.PathOptimizer):
    """``path`` as opt_einsum asks an optimizer."""

    def __call__(self, inputs, output, size_dict, memory_limit=None):  # type: ignore[no-untyped-def]
        return path(inputs, output, size_dict, memory_limit)


def _found(operands: Sequence[Collection[str]], output: Collection[str]) -> bool:
    try:
        path(operands, output)
    except Stuck:
        return False
    return True


def _contract(operands: Sequence[str], output: str, optimize: object) -> np.ndarray:
    rng = np.random.default_rng(len(operands))
    size = {label: 2 + k % 3 for k, label in enumerate(sorted(set("".join(operands))))}
    arrays = [rng.standard_normal([size[label] for label in labels]) for labels in operands]
    return np.asarray(opt_einsum.contract(f"{','.join(operands)}->{output}", *arrays, optimize=optimize))


@pytest.mark.parametrize("block", range(8))
def test_there_is_a_path_exactly_when_exhaustive_search_finds_one(block: int) -> None:
    search = opt_einsum.DynamicProgramming(minimize="size")
    for seed in range(50 * block, 50 * block + 50):
        operands, output = _random_product(seed)
        found = _found(operands, output)
        assert found == (_largest(operands, output, search) <= SIZE**2), (operands, output)
        assert not found or _largest(operands, output, Reductions()) <= SIZE**2


def test_random_products_are_of_both_kinds() -> None:
    found = sum(_found(*_random_product(seed)) for seed in range(400))
    assert 100 < found < 390


@pytest.mark.parametrize("block", range(8))
def test_path_keeps_the_value(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        operands, output = _random_product(seed)
        if _found(operands, output):
            steps = path(operands, output)
            np.testing.assert_allclose(_contract(operands, output, steps), _contract(operands, output, False))


@pytest.mark.parametrize(
    "operands, output",
    [
        (COMPLETE, ""),
        (COMPLETE, "ab"),
        (COMPLETE[1:], "ab"),  # the outputs are an edge, too
        (COMPLETE[1:], "ba"),
        ([*COMPLETE, "a", "b"], ""),
        ([*COMPLETE, "de", "e", "fa"], ""),  # leaves go first
        (["ax", "xb", *COMPLETE[1:]], ""),  # and series
    ],
)
def test_complete_graph_of_four_labels_is_stuck(operands: list[str], output: str) -> None:
    with pytest.raises(Stuck) as stuck:
        path(operands, output)
    assert stuck.value.labels == set("abcd")


def test_operand_of_rank_three_is_stuck() -> None:
    with pytest.raises(Stuck) as stuck:
        path(["abc", "a", "b"], "c")
    assert stuck.value.labels == set("abc")


@pytest.mark.parametrize(
    "operands, output, steps",
    [
        (["ab", "bc"], "ac", [(0, 1)]),
        (["ab"], "a", [(0,)]),
        (["ab"], "ab", []),
        ([], "", []),
        (["a", "a"], "a", [(0, 1)]),
        (["ab", "b"], "a", [(0, 1)]),
        (["ab", "ab"], "ab", [(0, 1)]),
        (["a", "b"], "ab", [(0, 1)]),
    ],
)
def test_short_paths(operands: list[str], output: str, steps: list[tuple[int, ...]]) -> None:
    assert path(operands, output) == steps


@pytest.mark.parametrize("length", [2, 20, 200])
def test_chain_has_one_step_for_each_product(length: int) -> None:
    steps = path([(k, k + 1) for k in range(length)], (0, length))
    assert len(steps) == length - 1
    assert all(len(step) == 2 for step in steps)


def test_many_operands_on_one_label_take_no_search() -> None:
    assert len(path(["a"] * 100, "")) == 99
