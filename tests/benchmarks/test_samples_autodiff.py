"""The gradients of all samples, as emitted code, beside JAX's of the same functions by hand and beside differences.
``pip install -e ".[bench]"`` installs JAX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, Passes
from indexcalc.backprop.passes import Gradient
from indexcalc.derivation import Input

SAMPLES = Path(__file__).parent.parent.parent / "samples"
UNASKED = {"claims"}
"""Samples that ask for no derivative."""
CLOSE = 1e-9
"""The largest error beside JAX, relative to the largest entry; beside differences, of order ``STEP`` squared, below."""
STEP = 1e-5
ROUGH = 1e-7


def _derivatives(sample: str) -> list[Answer | Gradient]:
    found = indexcalc.run((SAMPLES / f"{sample}.ein").read_text(encoding="utf-8"))
    answers = [answer for answer in found if isinstance(answer, Answer | Gradient)]
    return [answer for answer in answers if isinstance(answer, Gradient) or answer.order]


def _drawn(rng: np.random.Generator, given: Input, sizes: dict[str, int]) -> np.ndarray:
    """Scalars are positive, square matrices near the identity, so that they have an inverse and a positive
    determinant; and what is declared as positive definite is."""
    shape = [sizes.setdefault(d, len(sizes) + 2) if isinstance(d, str) else d for d in given.shape]
    if not shape:
        return np.asarray(rng.uniform(0.5, 1.5))
    entries = rng.standard_normal(shape)
    if len(shape) == 1 or shape[0] != shape[1]:
        return entries
    if "spd" in given.structure:
        return entries @ entries.T + np.eye(shape[0])
    assert not given.structure
    return np.eye(shape[0]) + 0.3 * entries


def _values(answer: Answer) -> dict[str, np.ndarray]:
    """Random data; different sizes differ."""
    rng, sizes = np.random.default_rng(11), dict[str, int]()
    return {i.name: _drawn(rng, i, sizes) for i in answer.task.inputs}


def _emitted(answer: Answer, form: str, values: dict[str, np.ndarray]) -> tuple[Any, Any]:
    """The output's value and the derivative."""
    space: dict[str, Any] = {}
    exec(compile(answer.to_code("numpy", form=form, with_value=True), "<emitted>", "exec"), space)
    value, derivative = space["pullback" if form == "pullback" else "derivative"](**values)
    return value, derivative


def _differences(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Central differences by each entry: the output's axes, then those of the variable."""
    import jax

    steps = STEP * np.eye(at.size).reshape(at.size, *at.shape)
    both = [np.asarray(jax.vmap(function)(at + sign * steps)) for sign in (1, -1)]
    return np.moveaxis((both[0] - both[1]) / (2 * STEP), 0, -1).reshape(*both[0].shape[1:], *at.shape)


def _close(found: Any, want: Any, tolerance: float, text: str) -> None:
    assert np.shape(found) == np.shape(want), text
    np.testing.assert_allclose(found, want, rtol=0, atol=tolerance * max(1, np.abs(want).max()), err_msg=text)


def _compared(answer: Answer, model: Callable[[Any], Any]) -> None:
    """The value, the derivative and, of an output with axes, the product with a random cotangent."""
    import jax

    task, values = answer.task, _values(answer)
    text = task.text

    def of(function: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
        """The function, by one variable."""
        return lambda x: function(SimpleNamespace(**{**values, name: x}))

    def slope(function: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
        """The derivative of the function by one variable, as a function of all."""
        return lambda v: jax.jacrev(lambda x: function(SimpleNamespace(**{**vars(v), name: x})))(getattr(v, name))

    def paired(cotangent: Any) -> Callable[[Any], Any]:
        return lambda v: (cotangent * model(v)).sum()

    *before, last = [v.name for v in task.wrt]
    function = model if task.vector is None else paired(values[task.vector.name])
    for name in before:
        function = slope(function, name)
    value, derivative = _emitted(answer, "jacobian", values)
    _close(value, model(SimpleNamespace(**values)), CLOSE, text)
    _close(derivative, jax.jacobian(of(function, last))(values[last]), CLOSE, text)
    _close(derivative, _differences(of(function, last), values[last]), ROUGH, text)

    if answer.order == 1 and task.vector is None and task.output.shape:
        cotangent = np.random.default_rng(12).standard_normal(np.shape(value))
        assert answer.cotangent is not None
        _, pullback = _emitted(answer, "pullback", {**values, answer.cotangent: cotangent})
        _close(pullback, jax.grad(of(paired(cotangent), last))(values[last]), CLOSE, text)


def _over_steps(passes: Passes, model: Callable[[Any], Any]) -> None:
    """A model whose loops have any length, at a few: the value and all gradients."""
    import jax

    space: dict[str, Any] = {}
    exec(compile(passes.to_code("numpy"), "<emitted>", "exec"), space)
    for steps in (1, 2, 5):
        rng, sizes = np.random.default_rng(13), dict[str, int]()
        values: dict[str, Any] = {}
        for given in passes.model.inputs:
            drawn = [_drawn(rng, given, sizes) for _ in range(steps if "[" in given.name else 1)]
            values[given.name.split("[")[0]] = np.stack(drawn) if "[" in given.name else drawn[0]
        value, gradients = space["value_and_grad"](**values)
        _close(value, model(SimpleNamespace(**values)), CLOSE, "value")
        for name, gradient in gradients.items():

            def of(x: Any, name: str = name, values: dict[str, Any] = values) -> Any:
                return model(SimpleNamespace(**{**values, name: x}))

            _close(gradient, jax.grad(of)(values[name]), CLOSE, name)
            _close(gradient, _differences(of, values[name]), ROUGH, name)


@pytest.mark.benchmark
@pytest.mark.parametrize("sample", sorted(path.stem for path in SAMPLES.glob("*.ein") if path.stem not in UNASKED))
def test_gradients_of_samples_are_those_of_jax_and_of_differences(sample: str) -> None:
    pytest.importorskip("jax", reason='`pip install -e ".[bench]"` installs JAX')
    from .reference_models import MODELS

    models = MODELS[sample]
    derivatives = _derivatives(sample)
    assert derivatives
    for answer in derivatives:
        if not isinstance(answer, Answer):
            _over_steps(answer.passes, models[answer.passes.asking.name])
            return
        task = answer.task
        _compared(answer, models[task.text] if task.text in models else models[task.name])
