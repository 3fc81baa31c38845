"""Every network of treewidth 2 comes out in matrix form, and one with a K4 in it says which indices forbid that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

import opt_einsum
import pytest

import indexcalc

BLOCKS = range(10)
SIZE = 10
Edge = tuple[str, tuple[str, ...]]


class Network:
    """A random two-terminal series-parallel network: matrices as edges, vectors and whole branches at its labels."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.letters = (f"i{k}" for k in count(1))
        self.names = (f"A{k}" for k in count(1))
        self.edges: list[Edge] = []
        self.spent = 0

    def between(self, a: str, b: str, depth: int) -> None:
        """Something that joins two labels."""
        kind = self.rng.choice(["matrix", "series", "series", "parallel"]) if depth and self.spent < 12 else "matrix"
        if kind == "series":
            middle = next(self.letters)
            self.between(a, middle, depth - 1)
            self.between(middle, b, depth - 1)
            if self.rng.random() < 0.4:
                self.at(middle, depth - 1)
        elif kind == "parallel":
            self.between(a, b, depth - 1)
            self.between(a, b, depth - 1)
        else:
            self.matrix(a, b)

    def at(self, a: str, depth: int) -> None:
        """Something that hangs at a label: a vector, a diagonal, a row sum, a branch."""
        kind = self.rng.choice(["vector", "diagonal", "branch"]) if depth > 0 else "vector"
        if kind == "vector":
            self.edge(a)
        elif kind == "diagonal":
            self.matrix(a, a)
        else:
            end = next(self.letters)
            self.between(a, end, depth - 1)
            if self.rng.random() < 0.5:
                self.edge(end)

    def matrix(self, a: str, b: str) -> None:
        self.edge(*((a, b) if self.rng.random() < 0.5 else (b, a)))

    def edge(self, *labels: str) -> None:
        self.edges.append((next(self.names), labels))
        self.spent += 1

    def complete(self, a: str, b: str) -> None:
        """A K4 of a, b and two more labels, without its edge ab."""
        c, d = next(self.letters), next(self.letters)
        for x, y in ((a, c), (a, d), (b, c), (b, d), (c, d)):
            self.matrix(x, y)


def _network(seed: int, complete: bool) -> tuple[list[Edge], tuple[str, ...]]:
    network = Network(seed)
    rng = network.rng
    a, b = next(network.letters), next(network.letters)
    network.between(a, b, 3)
    if complete:
        network.matrix(a, b)
        network.complete(a, b)
    if rng.random() < 0.5:
        network.at(a, 2)
    if rng.random() < 0.3:  # a scalar beside it
        c, d = next(network.letters), next(network.letters)
        network.between(c, d, 2)
    rng.shuffle(network.edges)
    output = [(a, b), (b, a), (a,), (), (a, a)] if not complete else [(a, b), (a,), ()]
    return network.edges, rng.choice(output)


def _question(edges: list[Edge], output: tuple[str, ...]) -> tuple[str, list[str]]:
    """The network in index notation, and its declarations."""
    inner = dict.fromkeys(label for _, labels in edges for label in labels if label not in output)
    body = " ".join(f"{name}_{{{' '.join(labels)}}}" for name, labels in edges)
    text = f"sum_{{{' '.join(inner)}}}({body})" if inner else body
    if len(set(output)) < len(output):
        text = f"delta_{{{output[0]} j}} ({text})"
        output = (output[0], "j")
    let = [f"{name}: matrix(n, n)" if len(labels) == 2 else f"{name}: vector(n)" for name, labels in edges]
    return f"{text} -> {' '.join(output)}" if output else text, let


def _smallest(edges: list[Edge], output: tuple[str, ...]) -> int:
    """Entries of the largest intermediate on the best path that exhaustive search finds."""
    number = {label: k for k, label in enumerate(dict.fromkeys(x for _, labels in edges for x in labels))}
    subscripts = ["".join(_symbols(labels, number)) for _, labels in edges]
    equation = f"{','.join(subscripts)}->{''.join(_symbols(tuple(dict.fromkeys(output)), number))}"
    shapes = [(SIZE,) * len(text) for text in subscripts]
    search = opt_einsum.DynamicProgramming(minimize="size")
    _, info = opt_einsum.contract_path(equation, *shapes, shapes=True, optimize=search)
    return int(info.largest_intermediate)


def _symbols(labels: tuple[str, ...], number: dict[str, int]) -> Iterator[str]:
    return (opt_einsum.get_symbol(number[label]) for label in dict.fromkeys(labels))


@pytest.mark.parametrize("block", BLOCKS)
def test_series_parallel_network_has_a_matrix_form(block: int) -> None:
    for seed in range(20 * block, 20 * block + 20):
        edges, output = _network(seed, complete=False)
        assert _smallest(edges, output) <= SIZE**2
        text, let = _question(edges, output)
        answer = indexcalc.simplify(text, let=let)
        assert answer.matrix is not None, (text, answer.no_matrix_reason)
        assert answer.to_dict()["verified"] == {"exact": True, "numeric_error": 0}, text


@pytest.mark.parametrize("block", BLOCKS)
def test_network_with_a_complete_graph_says_which_indices_forbid_a_matrix_form(block: int) -> None:
    for seed in range(20 * block, 20 * block + 20):
        edges, output = _network(seed, complete=True)
        assert _smallest(edges, output) > SIZE**2
        text, let = _question(edges, output)
        answer = indexcalc.simplify(text, let=let)
        assert answer.matrix is None, text
        reason = answer.no_matrix_reason
        assert reason is not None
        assert "hang together" in reason
        assert "\n" not in reason
        assert answer.to_dict()["verified"]["exact"], text


@pytest.mark.parametrize(
    "text, reason",
    [
        ("A_ik B_il C_jk D_jl E_kl -> ij", "the indices i, j, k and l hang together, each tied to three or more"),
        ("2 sum_{k l}(A_ik B_il C_jk D_jl E_kl) + F_ij -> ij", "the indices i, j, k and l hang together"),
        ("T_ijk x_i -> j k", "T has 3 indices"),
        ("x_i y_j z_k", "it has 3 indices, and a matrix has two"),
    ],
)
def test_reason_is_in_the_letters_of_the_index_form(text: str, reason: str) -> None:
    let = [f"{name}: matrix(n, n)" for name in "ABCDEF"]
    answer = indexcalc.simplify(text, let=[*let, "T: tensor(n, n, n)"])
    assert answer.matrix is None
    assert (answer.no_matrix_reason or "").startswith(reason)
