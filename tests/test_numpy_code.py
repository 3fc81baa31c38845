"""The emitted NumPy module: it stands alone, and its arguments and axes are those of the question."""

from __future__ import annotations

import ast
import builtins
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, IndexcalcError
from indexcalc.numeric.arguments import argument_name, argument_names

from .strategies import SIZES

SHAPES = {"W": ("m", "n"), "x": ("n",), "b": ("m",), "X": ("n", "p"), "c": ()}
LET = ["W: matrix(m, n)", "x: vector(n)", "b: vector(m)", "X: matrix(n, p)", "c: scalar"]
VALUES = {
    name: np.random.default_rng(k).standard_normal([SIZES[d] for d in shape])
    for k, (name, shape) in enumerate(SHAPES.items())
}
EXPRESSIONS = [
    ("tanh(W*x + b)", "W", ("m", "m", "n")),
    ("tanh(W*x + b)", "x", ("m", "n")),
    ("tanh(W*x + b)", "b", ("m", "m")),
    ("tanh(W*X)", "W", ("m", "p", "m", "n")),
    ("tanh(W*X)", "X", ("m", "p", "n", "p")),
    ("W*X", "W", ("m", "p", "m", "n")),
    ("W'", "W", ("n", "m", "m", "n")),
    ("c*W", "c", ("m", "n")),
    ("c*W", "W", ("m", "n", "m", "n")),
    ("sum(W)", "W", ("m", "n")),
    ("norm2(W*x - b)^2", "x", ("n",)),
    ("c^2", "c", ()),
    ("c*x", "c", ("n",)),
    ("b'*W*x", "W", ("m", "n")),
    ("erf(x)", "x", ("n", "n")),
    ("b", "x", ("m", "n")),
]


def function(answer: Answer, name: str = "derivative", **options: Any) -> Any:
    """The function that the emitted module defines, from a namespace with nothing else in it."""
    space: dict[str, Any] = {}
    exec(answer.to_code("numpy", **options), space)
    return space[name]


def _arguments(call: Any) -> set[str]:
    code = call.__code__
    assert code.co_argcount == 0
    return set(code.co_varnames[: code.co_kwonlyargcount])


def _let(text: str) -> list[str]:
    return [d for d in LET if d[0] in text]


def _answer(text: str, wrt: str, **options: Any) -> Answer:
    return indexcalc.diff(text, wrt=wrt, let=_let(text + wrt), **options)


def _inputs(call: Any) -> dict[str, np.ndarray]:
    return {name: VALUES[name] for name in _arguments(call)}


# ---------------------------------------------------------------------- the module


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_module_is_imports_and_one_function(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    tree = ast.parse(_answer(text, wrt).to_code("numpy"))
    *imports, definition = tree.body
    assert isinstance(definition, ast.FunctionDef)
    assert definition.name == "derivative"
    assert ast.get_docstring(definition)
    assert {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names} <= {"numpy", "math"}
    assert all(isinstance(node, ast.Import) for node in imports)


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_every_name_is_an_argument_or_assigned_before(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    tree = ast.parse(_answer(text, wrt).to_code("numpy"))
    definition = tree.body[-1]
    assert isinstance(definition, ast.FunctionDef)
    known = {"np", "math"} | {argument.arg for argument in definition.args.kwonlyargs}
    for line in definition.body:
        read = {n.id for n in ast.walk(line) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        assert read <= known | set(dir(builtins))
        known |= {n.id for n in ast.walk(line) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_result_has_the_axes_of_output_then_variable(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    answer = _answer(text, wrt)
    call = function(answer)
    assert answer.shape == shape
    assert np.shape(call(**_inputs(call))) == tuple(SIZES[d] for d in shape)


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_denominator_layout_puts_the_variable_first(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    plain, turned = function(_answer(text, wrt)), function(_answer(text, wrt, layout="denominator"))
    first, rank = len(shape) - len(SHAPES[wrt]), len(shape)
    want = np.transpose(plain(**_inputs(plain)), (*range(first, rank), *range(first)))
    np.testing.assert_allclose(turned(**_inputs(turned)), want)
    assert _answer(text, wrt, layout="denominator").shape == shape[first:] + shape[:first]


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_with_value_returns_both(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    answer = _answer(text, wrt)
    call, both = function(answer), function(answer, with_value=True)
    value, derivative = both(**_inputs(both))
    np.testing.assert_allclose(derivative, call(**_inputs(call)))
    plain = function(indexcalc.simplify(text, let=_let(text)))
    np.testing.assert_allclose(value, plain(**_inputs(plain)))


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_pullback_is_the_cotangent_times_the_jacobian(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    answer = _answer(text, wrt)
    call, pulled = function(answer), function(answer, "pullback", form="pullback")
    jacobian = np.asarray(call(**_inputs(call)))
    rank = jacobian.ndim - len(SHAPES[wrt])
    inputs = {name: VALUES[name] for name in _arguments(pulled) - {"G"}}
    if not rank:
        assert "G" not in _arguments(pulled)
        np.testing.assert_allclose(pulled(**inputs), jacobian)
    else:
        g = np.random.default_rng(9).standard_normal(jacobian.shape[:rank])
        np.testing.assert_allclose(pulled(G=g, **inputs), np.tensordot(g, jacobian, axes=rank), atol=1e-12)


@pytest.mark.parametrize("text, wrt, shape", EXPRESSIONS)
def test_integers_are_read_as_numbers(text: str, wrt: str, shape: tuple[str, ...]) -> None:
    call = function(_answer(text, wrt))
    whole = {name: np.arange(1, 1 + x.size).reshape(x.shape) for name, x in _inputs(call).items()}
    floats = {name: x.astype(float) for name, x in whole.items()}
    np.testing.assert_allclose(call(**whole), call(**floats))


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "name, argument",
    [
        ("W", "W"),
        ("a_prev", "a_prev"),
        ("lambda", "lambda_"),
        ("np", "np_"),
        ("if", "if_"),
        ("W^[l]", "W_l"),
        ("x^(i)", "x_i"),
        ("h_{t-1}", "h__t_1"),
        ("a'", "a"),
        ("2x", "_2x"),
        ("'", "_"),
    ],
)
def test_argument_names(name: str, argument: str) -> None:
    assert argument_name(name) == argument


def test_different_names_have_different_arguments() -> None:
    found = argument_names(["x^(i)", "x_i", "x^[i]", "np", "np_"])
    assert len(set(found.values())) == len(found)
    assert all(argument.isidentifier() for argument in found.values())


@pytest.mark.parametrize(
    "text, wrt, arguments",
    [
        ("tanh(W*x + b)", "W", {"W": "W", "x": "x", "b": "b"}),
        ("λ*x'*x", "λ", {"λ": "lambda_", "x": "x"}),
        ("α*x'*x", "x", {"α": "alpha", "x": "x"}),
        ("tanh(W_hh*h_{t-1} + b_h)", "W_hh", {"W_hh": "W_hh", "h_{t-1}": "h__t_1", "b_h": "b_h"}),
        ("b'*x + sum(x)*0", "x", {"b": "b", "x": "x"}),
    ],
)
def test_arguments_are_every_variable_of_the_question(text: str, wrt: str, arguments: dict[str, str]) -> None:
    let = ["W_hh: matrix(m, m)", "h_{t-1}: vector(m)", "b_h: vector(m)"] if "hh" in text else []
    answer = indexcalc.diff(text, wrt=wrt, let=let)
    assert answer.arguments == arguments
    assert _arguments(function(answer)) == set(arguments.values())
    assert answer.to_dict()["arguments"] == arguments


@pytest.mark.parametrize("name", ["np", "lambda", "class", "None", "derivative", "t1", "n", "float", "G", "pullback"])
def test_any_name_is_fine(name: str) -> None:
    let = [f"{name}: vector(n)", "A: matrix(n, n)"]
    answer = indexcalc.diff(f"sum(erf(A*{name}))", wrt=name, let=let)
    x, a = np.array([0.1, 0.4]), np.array([[1.0, 2.0], [0.5, -1.0]])
    arguments = {answer.arguments[answer.task.inputs[1].spelling]: x, "A": a}
    got = function(answer)(**arguments)
    np.testing.assert_allclose(got, a.T @ (2 / np.sqrt(np.pi) * np.exp(-((a @ x) ** 2))))
    value, again = function(answer, with_value=True)(**arguments)
    np.testing.assert_allclose(again, got)
    assert np.shape(value) == ()


def test_variable_that_cancels_is_still_an_argument() -> None:
    call = function(indexcalc.diff("x'*A*x - x'*A*x + b'*x", wrt="x", let=["A: matrix(n, n)"]))
    assert _arguments(call) == {"A", "x", "b"}
    b = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(call(A=np.eye(3), x=b, b=b), b)


def test_size_that_no_input_has_is_an_argument() -> None:
    call = function(indexcalc.simplify("ones(k, k)*c", let=["c: scalar"]))
    assert _arguments(call) == {"c", "k"}
    assert call(c=2.0, k=3).tolist() == [[2.0] * 3] * 3


def test_size_symbol_in_the_text_is_that_of_an_input() -> None:
    call = function(indexcalc.diff("x'*x/n", wrt="x", let=["x: vector(n)"]))
    assert _arguments(call) == {"x"}
    np.testing.assert_allclose(call(x=np.array([1.0, 2.0])), [1.0, 2.0])


@pytest.mark.parametrize(
    "text, wrt, shape",
    [("b'*b", "x", (4,)), ("b", "X", (3, 4, 2)), ("c", "c", ()), ("W - W", "W", (3, 4, 3, 4)), ("c - c", "c", ())],
)
def test_zero_derivative_has_its_shape(text: str, wrt: str, shape: tuple[int, ...]) -> None:
    call = function(_answer(text, wrt))
    got = np.asarray(call(**_inputs(call)))
    assert got.shape == shape
    assert text == "c" or not got.any()


def test_name_of_the_cotangent_gives_way() -> None:
    answer = indexcalc.diff("G*x", wrt="x", let=["G: matrix(m, n)"])
    call = function(answer, "pullback", form="pullback")
    assert answer.cotangent == "G1"
    assert _arguments(call) == {"G1", "G", "x"}


@pytest.mark.parametrize(
    "options", [{"backend": "fortran"}, {"form": "hessian"}, {"form": "pullback", "order": 2}], ids=str
)
def test_what_there_is_no_code_for_is_refused(options: dict[str, Any]) -> None:
    answer = indexcalc.diff("x'*A*x", wrt="x", order=options.pop("order", 1))
    with pytest.raises(IndexcalcError) as error:
        answer.to_code(**options)
    assert error.value.code == "E404"


# ---------------------------------------------------------------------- the same in every run


def test_code_does_not_depend_on_the_hash_seed() -> None:
    script = "import indexcalc\n" + "".join(
        f"print(indexcalc.diff({text!r}, wrt={wrt!r}).to_code('numpy', with_value=True))\n"
        for text, wrt in [("tanh(W*x + b)", "W"), ("tr(A*X'*B*X*C)", "X"), ("norm2(A*x - b)*logsumexp(B*x)", "x")]
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert len(printed) == 1
    assert printed.pop().count("def derivative") == 3
