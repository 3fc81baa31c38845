"""The emitted value and gradients of programs with loops: those of plain NumPy and of central differences."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from indexcalc import IndexcalcError
from indexcalc.backprop.code import value_and_grad

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


# ---------------------------------------------------------------------- the module
def _loops(code: str) -> list[ast.For]:
    return [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.For)]


def test_only_what_needs_itself_is_in_a_loop() -> None:
    """The products with the inputs, the slopes and the sums of the gradients are for all steps at once."""
    forward, back = _loops(emitted(RECURRENCES["rnn"].text))
    for loop in (forward, back):
        (line,) = loop.body
        names = {node.id for node in ast.walk(line) if isinstance(node, ast.Name)}
        assert not names & {"U", "x", "b", "y"}
        assert sum(isinstance(node, ast.MatMult) for node in ast.walk(line)) == 1


def test_forward_values_are_worked_out_once() -> None:
    code = emitted(RECURRENCES["nested"].text)
    assert code.count("np.tanh") == 1
    assert emitted(RECURRENCES["lstm"].text).count("np.exp") == 3


def test_inverses_are_worked_out_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in the recurrence, one in the gradient of the logarithm of the determinant."""
    recurrence = RECURRENCES["filter"]
    calls = []
    own = np.linalg.inv
    monkeypatch.setattr(np.linalg, "inv", lambda matrix: (calls.append(1), own(matrix))[1])
    function(emitted(recurrence.text))(**recurrence.inputs(7))
    assert len(calls) == 2 * 7


def test_only_what_is_asked_for_is_worked_out() -> None:
    code = emitted(RECURRENCES["last"].text, wanted=["v"])
    assert len(_loops(code)) == 1
    recurrence = RECURRENCES["last"]
    assert function(code)(**recurrence.inputs(4))[1].keys() == {"v"}


def test_a_length_that_no_input_has_is_an_argument() -> None:
    call = function(emitted("h[t] = tanh(W h[t-1]) for t = 1..T\nL = norm2(h[T])^2"))
    inputs = {"W": np.eye(2) / 2, "h_0": np.array([1.0, -2.0])}

    def value(W: Any, h_0: Any) -> Any:
        for _ in range(3):
            h_0 = np.tanh(W @ h_0)
        return h_0 @ h_0

    found, gradients = call(**inputs, T=3)
    expected = differences(value, inputs)
    np.testing.assert_allclose(found, value(**inputs))
    np.testing.assert_allclose(gradients["W"], expected["W"], atol=1e-8)
    np.testing.assert_allclose(gradients["h[0]"], expected["h_0"], atol=1e-8)


def test_a_length_that_is_too_small_is_refused() -> None:
    recurrence = RECURRENCES["two back"]
    with pytest.raises(ValueError, match="T must be at least 2"):
        function(emitted(recurrence.text))(**recurrence.inputs(1))


def test_members_of_an_input_that_nothing_needs_have_no_gradient() -> None:
    text = "h[0] = h0\nh[t] = tanh(W h[t-1]) for t = 1..T\nL = sum(h[t]'*y[t] for t = 2..T-1) + y[0]'*h0"
    draw = np.random.default_rng(3)
    y = draw.standard_normal((5, 2))
    _, gradients = function(emitted(text, wanted=["y[t]"]))(W=draw.standard_normal((2, 2)), h0=y[0], y=y)
    assert gradients["y"].shape == y.shape
    assert not gradients["y"][1].any()
    assert gradients["y"][[0, 2, 3, 4]].all()


def test_single_precision_stays() -> None:
    recurrence = RECURRENCES["rnn"]
    inputs = {name: value.astype(np.float32) for name, value in recurrence.inputs(4).items()}
    value, gradients = function(emitted(recurrence.text))(**inputs)
    assert {np.asarray(found).dtype for found in (value, *gradients.values())} == {np.dtype(np.float32)}


def test_integers_are_numbers() -> None:
    call = function(emitted("h[t] = tanh(W h[t-1]) for t = 1..T\nL = norm2(h[T])^2"))
    whole = {"W": np.array([[1, 0], [2, -1]]), "h_0": np.array([1, 2])}
    value, _ = call(**whole, T=3)
    np.testing.assert_allclose(value, call(**{name: each * 1.0 for name, each in whole.items()}, T=3)[0])


def test_declared_functions_are_arguments() -> None:
    text = "f: elementwise\nλ: scalar\nh[0] = h0\nh[t] = f(λ*W*h[t-1]) for t = 1..T\nL = norm2(h[T])^2"
    recurrence = "λ: scalar\nh[0] = h0\nh[t] = sin(λ*W*h[t-1]) for t = 1..T\nL = norm2(h[T])^2"
    draw = np.random.default_rng(5)
    inputs = {"lambda_": 0.7, "W": draw.standard_normal((2, 2)), "h0": draw.standard_normal(2), "T": 4}
    value, gradients = function(emitted(text))(**inputs, f=np.sin, f_=np.cos)
    expected, others = function(emitted(recurrence))(**inputs)
    np.testing.assert_allclose(value, expected)
    assert gradients.keys() == others.keys() == {"λ", "W", "h0"}
    for name in others:
        np.testing.assert_allclose(gradients[name], others[name], err_msg=name)


def test_loops_that_run_both_ways_have_no_code() -> None:
    text = "a[0] = u\na[1] = v\nb[2] = w\na[t] = tanh(b[t+1]) for t = 2..T\nb[t] = sin(a[t-2]) for t = 3..T+1"
    with pytest.raises(IndexcalcError) as caught:
        emitted(f"{text}\nL = norm2(a[T])^2")
    assert caught.value.code == "E404"


@pytest.mark.parametrize("name", ["rnn", "down", "discounted", "filter"])
def test_jax_compiles_it_and_differentiates_it_again(name: str) -> None:
    jax = pytest.importorskip("jax")
    recurrence = RECURRENCES[name]
    inputs = recurrence.inputs(4)
    call = function(emitted(recurrence.text, "jax"))
    arrays = _arrays("jax", inputs)
    _agree(jax.jit(call)(**arrays), recurrence, inputs)
    expected = jax.grad(lambda given: call(**given)[0])(arrays)
    for key, gradient in call(**arrays)[1].items():
        np.testing.assert_allclose(np.asarray(gradient), np.asarray(expected[key]), atol=1e-10, err_msg=key)


# ---------------------------------------------------------------------- no loops
def _written_out(steps: int) -> str:
    return (
        "W: matrix(m, m)\nU: matrix(m, n)\nh[0] = h0\n"
        f"h[t] = tanh(W h[t-1] + U x[t] + b) for t = 1..{steps}\n"
        f"L = sum(1/2 norm2(h[t] - y[t])^2 for t = 1..{steps})"
    )


def test_steps_that_are_written_out_are_a_straight_line() -> None:
    recurrence = RECURRENCES["rnn"]
    inputs = recurrence.inputs(3)
    code = emitted(_written_out(3))
    assert not _loops(code)
    assert code.count("np.tanh") == 3
    x, y = inputs.pop("x"), inputs.pop("y")
    apart = {f"{name}_{t + 1}": rows[t] for name, rows in (("x", x), ("y", y)) for t in range(3)}
    value, gradients = function(code)(**inputs, **apart)
    expected = differences(recurrence.value, {**inputs, "x": x, "y": y})
    np.testing.assert_allclose(value, recurrence.value(**inputs, x=x, y=y))
    for name in inputs:
        np.testing.assert_allclose(gradients[name], expected[name], atol=1e-8)
    for t in range(3):
        np.testing.assert_allclose(gradients[f"x_{t + 1}"], expected["x"][t], atol=1e-8)


def test_code_of_written_out_steps_is_linear_in_them() -> None:
    found = []
    for steps in (50, 200):
        model, backward = differentiated(_written_out(steps), ["W", "U", "b", "h0"])
        start = perf_counter()
        code = value_and_grad(model, backward, "numpy", {}, [""])
        found.append((len(code), perf_counter() - start))
    assert found[1][0] < 4.5 * found[0][0]
    assert found[1][1] < 3


def test_definitions_without_steps_are_code_too() -> None:
    inputs = {"W": np.arange(6.0).reshape(2, 3), "x": np.array([1.0, -1.0, 2.0]), "b": np.array([0.5, 3.0])}
    value, gradients = function(emitted("z = W x - b\nL = norm2(tanh(z))^2"))(**inputs)

    def plain(W: Any, x: Any, b: Any) -> Any:
        return (np.tanh(W @ x - b) ** 2).sum()

    np.testing.assert_allclose(value, plain(**inputs))
    for name, expected in differences(plain, inputs).items():
        np.testing.assert_allclose(gradients[name], expected, atol=1e-8)
