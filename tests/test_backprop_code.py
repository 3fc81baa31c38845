"""The emitted value and gradients of programs with loops: those of plain NumPy and of central differences."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from .recurrences import RECURRENCES, Recurrence, differences, differentiated, emitted, function

BACKENDS = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
    for name in ("numpy", "jax", "torch")
]
CASES = [pytest.param(found, id=name) for name, found in RECURRENCES.items()]


def _arrays(backend: str, inputs: dict[str, Any]) -> dict[str, Any]:
    if backend == "torch":
        import torch

        return {name: torch.tensor(value) for name, value in inputs.items()}
    if backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        return {name: jax.numpy.asarray(value) for name, value in inputs.items()}
    return inputs


def _agree(found: tuple[Any, dict[str, Any]], recurrence: Recurrence, inputs: dict[str, Any]) -> None:
    value, gradients = found
    np.testing.assert_allclose(np.asarray(value), recurrence.value(**inputs), rtol=1e-10)
    expected = differences(recurrence.value, inputs)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert gradient.shape == inputs[name].shape
        np.testing.assert_allclose(np.asarray(gradient), expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("recurrence", CASES)
def test_value_and_gradients_are_those_of_differences(recurrence: Recurrence, backend: str) -> None:
    call = function(emitted(recurrence.text, backend))
    _, backward = differentiated(recurrence.text)
    assert max(backward.least.values(), default=1) == recurrence.least
    for steps in (recurrence.least, recurrence.least + 1, 5):
        inputs = recurrence.inputs(steps)
        _agree(call(**_arrays(backend, inputs)), recurrence, inputs)
