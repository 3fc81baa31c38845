"""The gradient of an unrolled recurrent network against its number of steps: linear in nodes and in time."""

from __future__ import annotations

from time import perf_counter

import pytest

import indexcalc

from .tables import show

STEPS = (8, 32, 128, 512, 1024, 2000)
REPETITIONS = 3
NODES_A_STEP = 8
MS_A_STEP = 1.0


def _program(steps: int) -> str:
    declared = ["W: matrix(n, n)", "U: matrix(n, m)", "b, v, h0: vector(n)"]
    declared += [f"x{t}: vector(m)" for t in range(1, steps + 1)]
    defined = [f"h{t} = tanh(W*h{t - 1} + U*x{t} + b)" for t in range(1, steps + 1)]
    return "\n".join([*declared, *defined, f"L = v'*h{steps}", "d L / d W"])


def _measured(steps: int) -> tuple[int, float, float]:
    """The nodes of the derivative's graph; seconds to read the program, seconds to differentiate."""
    program = _program(steps)
    indexcalc.clear_caches()
    start = perf_counter()
    (answer,) = indexcalc.run(program)
    read = perf_counter()
    nodes = answer.stats["nodes"]
    return nodes, read - start, perf_counter() - read


@pytest.mark.benchmark
def test_gradient_of_an_unrolled_network_is_linear_in_its_steps() -> None:
    """By the shared W, through definitions in text. A step may take a millisecond from the text to the graph; the
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
