"""A transformer of 12 layers by all its parameters: the time from the text to the gradients, and their code beside
JAX and PyTorch. ``pip install -e ".[bench]"`` installs those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer
from indexcalc.tensor.nodes import descendants

from .tables import show

LAYERS = 12
REPETITIONS = 3
SECONDS = 2.0
CLOSE = 1e-8
SIZES = {"n": 6, "d": 5, "k": 3, "f": 7}
"""Tokens, and the sizes of a token, of a head and of a hidden layer."""

PROGRAM = """
layernorm(Z, g, b) = (Z - mean(Z, 2)*ones(d)') ./ (deviation(Z - mean(Z, 2)*ones(d)')*ones(d)') .* (ones(n)*g') + ones(n)*b'
deviation(U) = sqrt(mean(U.^2, 2) + e)
attention(Z, Q, K, V, O) = softmax(Z*Q*(Z*K)'/r, 2)*Z*V*O
gelu(Z) = Z .* sigmoid(1.702*Z)
mlp(Z, U, b, D, c) = gelu(Z*U + ones(n)*b')*D + ones(n)*c'

e, r: scalar
X_0, Y: matrix(n, d)
Q[l], K[l], V[l]: matrix(d, k) for l = 1..{layers}
O[l]: matrix(k, d) for l = 1..{layers}
U[l]: matrix(d, f) for l = 1..{layers}
D[l]: matrix(f, d) for l = 1..{layers}
b[l]: vector(f) for l = 1..{layers}
c[l], g[l], h[l], p[l], q[l]: vector(d) for l = 1..{layers}

Z[l] = X[l-1] + attention(layernorm(X[l-1], g[l], h[l]), Q[l], K[l], V[l], O[l]) for l = 1..{layers}
X[l] = Z[l] + mlp(layernorm(Z[l], p[l], q[l]), U[l], b[l], D[l], c[l]) for l = 1..{layers}
L = norm2(X[{layers}] - Y)^2
grad(L)
"""


def gradients(layers: int) -> list[Answer]:
    """The gradients by every variable of the program, one answer each."""
    return [answer for answer in indexcalc.run(PROGRAM.format(layers=layers)) if isinstance(answer, Answer)]


def _measured(layers: int) -> tuple[int, int, float, float]:
    """Variables; nodes of the graph of all gradients; seconds to read the program, seconds to differentiate."""
    indexcalc.clear_caches()
    start = perf_counter()
    answers = gradients(layers)
    read = perf_counter()
    derivatives = [answer.derivation.derivative for answer in answers]
    end = perf_counter()
    nodes = sum(1 for node in descendants(derivatives) if node.children)
    return len(answers), nodes, read - start, end - read


@pytest.mark.benchmark
def test_gradients_of_a_transformer_take_less_than_two_seconds() -> None:
    """From the text to the graph of all gradients, which grows by as many nodes with every layer."""
    depths = (LAYERS // 4, LAYERS // 2, LAYERS, 2 * LAYERS)
    rounds = [{layers: _measured(layers) for layers in depths} for _ in range(REPETITIONS)]
    found = {layers: min((once[layers] for once in rounds), key=lambda m: m[2] + m[3]) for layers in depths}
    show(
        "transformer", ["layers", "variables", "nodes", "s reading", "s gradients"], [(n, *m) for n, m in found.items()]
    )
    slopes = {(found[b][1] - found[a][1]) / (b - a) for a, b in pairwise(depths)}
    assert len(slopes) == 1
    assert sum(found[LAYERS][2:]) < SECONDS


# ---------------------------------------------------------------------- the same, by hand
def _loss(np_: Any, layers: int) -> Callable[[Mapping[str, Any]], Any]:
    """The program's L for the functions of a framework that are named as NumPy's."""

    def layernorm(Z: Any, g: Any, b: Any, e: Any) -> Any:
        centred = Z - Z.mean(1)[:, None]
        return centred / np_.sqrt((centred**2).mean(1) + e)[:, None] * g + b

    def softmax(Z: Any) -> Any:
        weights = np_.exp(Z)
        return weights / weights.sum(1)[:, None]

    def loss(v: Mapping[str, Any]) -> Any:
        X = v["X_0"]
        for layer in range(1, layers + 1):
            Q, K, V, O, U, D, b, c, g, h, p, q = (v[f"{name}_{layer}"] for name in "QKVOUDbcghpq")  # noqa: E741
            N = layernorm(X, g, h, v["e"])
            X = X + softmax((N @ Q) @ (N @ K).T / v["r"]) @ (N @ V) @ O
            z = layernorm(X, p, q, v["e"]) @ U + b
            X = X + (z / (1 + np_.exp(-1.702 * z))) @ D + c
        return ((X - v["Y"]) ** 2).sum()

    return loss


def _values(answer: Answer) -> dict[str, np.ndarray]:
    """Random data of a network's magnitude, scalars positive."""
    rng = np.random.default_rng(7)
    shapes = {i.name: [SIZES[str(d)] for d in i.shape] for i in answer.task.inputs}
    return {
        name: rng.standard_normal(shape) / np.sqrt(shape[0]) if shape else np.asarray(rng.uniform(1, 2))
        for name, shape in shapes.items()
    }


def _jax(values: Mapping[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
    jax = pytest.importorskip("jax", reason='`pip install -e ".[bench]"` installs JAX')
    jax.config.update("jax_enable_x64", True)
    given = {name: jax.numpy.asarray(x) for name, x in values.items()}
    value, slopes = jax.value_and_grad(_loss(jax.numpy, LAYERS))(given)
    return value, slopes


def _torch(values: Mapping[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
    torch = pytest.importorskip("torch", reason='`pip install -e ".[bench]"` installs PyTorch')
    given = {name: torch.tensor(x, requires_grad=True) for name, x in values.items()}
    value = _loss(torch, LAYERS)(given)
    value.backward()
    return value.detach(), {name: x.grad for name, x in given.items()}


def _function(source: str, name: str) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(compile(source, "<emitted>", "exec"), space)
    function: Callable[..., Any] = space[name]
    return function


def _close(found: Any, wanted: Any, name: str) -> None:
    want = np.asarray(wanted)
    assert want.dtype == np.float64
    np.testing.assert_allclose(found, want, rtol=CLOSE, atol=CLOSE * np.abs(want).max(), err_msg=name)


@pytest.mark.benchmark
@pytest.mark.parametrize("reference", [_jax, _torch], ids=["jax", "torch"])
def test_code_of_a_transformer_gives_the_reference_gradients(reference: Callable[..., Any]) -> None:
    """One function with the value and every gradient, for any number of layers; and the functions of single gradients
    that a person gets, for the first layer, whose backward pass is the longest."""
    answers = gradients(LAYERS)
    values = _values(answers[0])
    value, slopes = reference(values)
    assert {answer.task.wrt[0].name for answer in answers} == set(values) == set(slopes)

    program = indexcalc.program(PROGRAM.format(layers="N").replace("grad(L)", "L"))
    layers = {name.partition("_")[0] for name in values if name[-1].isdigit() and name != "X_0"}
    stacked = {name: np.stack([values[f"{name}_{k}"] for k in range(1, LAYERS + 1)]) for name in layers}
    stacked |= {name: x for name, x in values.items() if name.partition("_")[0] not in layers}
    ours, found = _function(program.to_code("numpy", SIZES), "value_and_grad")(**stacked)
    _close(ours, value, "L")
    for name, gradient in found.items():
        if name in layers:
            for k in range(LAYERS):
                _close(gradient[k], slopes[f"{name}_{k + 1}"], f"{name}[{k + 1}]")
        else:
            _close(gradient, slopes[name.replace("[0]", "_0")], name)

    for answer in answers:
        name = answer.task.wrt[0].name
        if name.endswith("_1"):
            ours, gradient = _function(answer.to_code(with_value=True, sizes=SIZES), "derivative")(**values)
            _close(ours, value, "L")
            _close(gradient, slopes[name], name)
