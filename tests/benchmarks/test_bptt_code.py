"""Emitted backpropagation through time against NumPy that a good programmer writes by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from ..recurrences import RECURRENCES, emitted, function
from .tables import show

SIZES = [(16, 32), (16, 256), (128, 32), (128, 256)]
"""Steps, and the size of the state."""
INPUTS = 16
WANTED = ("W", "U", "b", "h0")
SECONDS = 1.5
MOST = 1.15


def by_hand(*, W: Any, U: Any, b: Any, h0: Any, x: Any, y: Any) -> tuple[Any, dict[str, Any]]:
    """Products with the inputs, the loss and the gradients for all steps at once, two lean loops."""
    steps, size = len(x), len(b)
    a = x @ U.T + b
    h = np.empty((steps + 1, size))
    h[0] = h0
    for t in range(steps):
        h[t + 1] = np.tanh(W @ h[t] + a[t])
    error = h[1:] - y
    slope = 1 - h[1:] ** 2
    dz = np.empty((steps, size))
    turned = W.T
    dz[-1] = error[-1] * slope[-1]
    for t in range(steps - 2, -1, -1):
        dz[t] = (turned @ dz[t + 1] + error[t]) * slope[t]
    gradients = {"W": dz.T @ h[:-1], "U": dz.T @ x, "b": dz.sum(axis=0), "h0": turned @ dz[0]}
    return (error**2).sum() / 2, gradients


def _inputs(steps: int, size: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(steps + size)
    shapes = {
        "W": (size, size),
        "U": (size, INPUTS),
        "b": (size,),
        "h0": (size,),
        "x": (steps, INPUTS),
        "y": (steps, size),
    }
    return {name: draw.standard_normal(shape) / np.sqrt(shape[-1]) for name, shape in shapes.items()}


def _times(calls: list[Callable[[], Any]]) -> list[float]:
    """The least time of each, measured in turn."""
    best = [float("inf")] * len(calls)
    end = perf_counter() + SECONDS
    while perf_counter() < end:
        for k, call in enumerate(calls):
            start = perf_counter()
            call()
            best[k] = min(best[k], perf_counter() - start)
    return best


@pytest.mark.benchmark
def test_emitted_backpropagation_through_time_is_as_fast_as_by_hand() -> None:
    """In a process of its own, with one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    subprocess.run([sys.executable, "-m", __name__], env={**os.environ, **threads}, check=True)


def main() -> None:
    call = function(emitted(RECURRENCES["rnn"].text, wanted=WANTED))
    rows = []
    for steps, size in SIZES:
        inputs = _inputs(steps, size)
        value, gradients = call(**inputs)
        expected, by = by_hand(**inputs)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
        for name in WANTED:
            np.testing.assert_allclose(gradients[name], by[name], rtol=1e-8, atol=1e-10)
        ours, theirs = _times([partial(call, **inputs), partial(by_hand, **inputs)])
        rows.append((f"T = {steps}, n = {size}", 1e6 * ours, 1e6 * theirs, ours / theirs))
    show("backpropagation through time", ["sizes", "us emitted", "us by hand", "ratio"], rows)
    assert max(row[-1] for row in rows) <= MOST


if __name__ == "__main__":
    main()
