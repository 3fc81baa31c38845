"""The gradient of an unrolled recurrent network against its number of steps: linear in nodes and in time."""

from __future__ import annotations

from time import perf_counter

import pytest

import indexcalc

from .tables import show

STEPS = (8, 32, 128, 512, 1024, 2000)
REPETITIONS = 3
NODES_A_STEP = 8
MS_A_STEP = 0.8
BESIDE_JAX = (4, 16, 64)


def _program(steps: int) -> str:
    declared = ["W: matrix(n, n)", "U: matrix(n, m)", "b, v, h0: vector(n)"]
    declared += [f"x{t}: vector(m)" for t in range(1, steps + 1)]
    defined = [f"h{t} = tanh(W*h{t - 1} + U*x{t} + b)" for t in range(1, steps + 1)]
    return "\n".join([*declared, *defined, f"L = v'*h{steps}", "d L / d W"])


def _measured(steps: int, program: str = "") -> tuple[int, float, float]:
    """The nodes of the derivative's graph; seconds to read the program, seconds to differentiate."""
    program = program or _program(steps)
    indexcalc.clear_caches()
    start = perf_counter()
    (answer,) = indexcalc.run(program)
    read = perf_counter()
    nodes = answer.stats["nodes"]
    return nodes, read - start, perf_counter() - read


@pytest.mark.benchmark
def test_gradient_of_an_unrolled_network_is_linear_in_its_steps() -> None:
    """By the shared W, through definitions in text. A step may take 0.8 ms from the text to the graph; the
    number of nodes is exactly affine."""
    _measured(8)
    rounds = [{steps: _measured(steps) for steps in STEPS} for _ in range(REPETITIONS)]
    found = {steps: min((once[steps] for once in rounds), key=lambda m: m[1] + m[2]) for steps in STEPS}
    whole = {steps: read + derived for steps, (_, read, derived) in found.items()}
    rows = [
        (steps, nodes, f"{nodes / steps:.3f}", read, derived, 1e3 * whole[steps] / steps)
        for steps, (nodes, read, derived) in found.items()
    ]
    show("unrolled network", ["steps", "nodes", "nodes a step", "s reading", "s derivative", "ms a step"], rows)
    slope = (found[32][0] - found[8][0]) // 24
    assert [nodes - slope * steps for steps, (nodes, _, _) in found.items()] == [found[8][0] - slope * 8] * len(STEPS)
    assert slope <= NODES_A_STEP
    assert max(1e3 * whole[steps] / steps for steps in STEPS) <= MS_A_STEP
    assert whole[1024] / whole[128] <= 12


def _loop(steps: int) -> str:
    """The same in a loop."""
    return f"""T = {steps}
    W: matrix(n, n); U: matrix(n, m); b, v, h0: vector(n)
    x[t]: vector(m) for t = 1..T
    h[0] = h0
    h[t] = tanh(W*h[t-1] + U*x[t] + b) for t = 1..T
    L = v'*h[T]
    d L / d W"""


def _jax(steps: int) -> float:
    """Seconds in which JAX traces the same gradient and compiles it."""
    jax = pytest.importorskip("jax", reason='`pip install -e ".[bench]"` installs JAX')
    jnp = jax.numpy

    def loss(W, U, b, v, h, x):  # type: ignore[no-untyped-def]
        for t in range(steps):
            h = jnp.tanh(W @ h + U @ x[t] + b)
        return v @ h

    shapes = ((8, 8), (8, 5), (8,), (8,), (8,), (steps, 5))
    given = [jnp.ones(shape) for shape in shapes]
    jax.clear_caches()
    start = perf_counter()
    jax.jit(jax.grad(loss)).lower(*given).compile()
    return perf_counter() - start


@pytest.mark.benchmark
def test_gradient_comes_sooner_than_jax_compiles_it() -> None:
    """From the text to the graph, in definitions and in a loop, beside trace and compilation in the same run."""
    _jax(1)
    rows = []
    for steps in BESIDE_JAX:
        theirs = min(_jax(steps) for _ in range(REPETITIONS))
        ours = min(sum(_measured(steps)[1:]) for _ in range(REPETITIONS))
        looped = min(sum(_measured(steps, _loop(steps))[1:]) for _ in range(REPETITIONS))
        rows.append((steps, ours, looped, theirs, theirs / max(ours, looped)))
    show("unrolled network beside JAX", ["steps", "s definitions", "s loop", "s JAX", "JAX/ours"], rows)
    assert min(ratio for *_, ratio in rows) > 1
