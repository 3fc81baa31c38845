"""Evaluation on arrays: sizes, data, memory, the check on the data, and the command."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, IndexcalcError
from indexcalc.numeric.backends import BACKENDS, JAX, NUMPY, TORCH
from indexcalc.numeric.data import KINDS, Random, sources
from indexcalc.numeric.program import cost

from .test_cli import run
from .test_corpus import ASKS, Ask, answered, close, inputs, reference

ENGINES = [
    pytest.param(
        name, marks=pytest.mark.skipif(name in ("jax", "torch") and not find_spec(name), reason=f"needs {name}")
    )
    for name in BACKENDS
]


# ---------------------------------------------------------------------- the same numbers as the code
@pytest.mark.parametrize("backend", ENGINES)
def test_every_public_case_gives_the_reference(backend: str) -> None:
    """The program that the printer prints, carried out without being printed."""
    for ask in ASKS[:: 1 if backend == "numpy" else 4]:
        answer = answered(ask.name)
        if isinstance(answer, Answer):
            values = inputs(ask.case, 0)
            result = answer.computation(values, sizes=_loose(answer, ask)).run(backend)
            try:
                close(result, reference(ask.case, "expected_np", values))
            except AssertionError as error:
                raise AssertionError(f"{ask.name}: {error}") from None


def _loose(answer: Answer, ask: Ask) -> dict[str, int]:
    return {}


@pytest.mark.parametrize("ask", [ask for ask in ASKS if ask.notation == "matrix"], ids=lambda ask: ask.name)
def test_differences_on_the_data_agree(ask: Ask) -> None:
    answer = answered(ask.name)
    if isinstance(answer, Answer):
        computation = answer.computation(inputs(ask.case, 1))
        error = computation.error(computation.run())
        assert error is not None
        assert error < 1e-6


def test_a_wrong_result_is_found() -> None:
    answer = indexcalc.diff("tanh(W*x)", wrt="W", let=["W: matrix(m, n)"])
    computation = answer.computation({"W": Random((3, 4)), "x": Random(None)})
    result = computation.run()
    assert (computation.error(result) or 0) < 1e-9
    assert (computation.error(1.001 * result) or 0) > 1e-4
    error = computation.error(np.nan * result)
    assert error is not None
    assert np.isnan(error)


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize(
    "text, wrt, order", [("tanh(W*x)", "W", 1), ("exp(W*x)", "x", 1), ("sum(exp(W*x))", "W", 2), ("exp(W*x)", "x", 2)]
)
def test_differences_in_both_layouts(text: str, wrt: str, order: int, layout: str) -> None:
    answer = indexcalc.diff(text, wrt=wrt, let=["W: matrix(m, n)"], order=order, layout=layout)
    computation = answer.computation({"W": Random((3, 4)), "x": Random(None)})
    assert (computation.error(computation.run()) or 0) < 1e-8


@pytest.mark.parametrize("question", ["vjp(y, x, g)", "jvp(y, x, v)", "hvp(L, x, v)"])
def test_differences_of_products_with_vectors(question: str) -> None:
    program = f"W: matrix(m, n); x: vector(n); y = tanh(W*x); L = sum(y.^2); {question}"
    (answer,) = indexcalc.run(program)
    given = {"W": Random((3, 4)), **dict.fromkeys("xgv", Random(None))}
    computation = answer.computation(given)
    assert (computation.error(computation.run()) or 0) < 1e-8


def test_pullback_on_data() -> None:
    answer = indexcalc.diff("tanh(W*x)", wrt="W", let=["W: matrix(m, n)"])
    computation = answer.computation({"W": Random((3, 4)), "x": Random(None), "G": Random(None)}, "pullback")
    result = computation.run()
    assert result.shape == (3, 4)
    assert (computation.error(result) or 0) < 1e-9


def test_float32() -> None:
    answer = indexcalc.diff("softmax(A*x)", wrt="x", let=["A: matrix(m, n)"])
    result = answer.computation({"A": Random((3, 4)), "x": Random(None)}, dtype="float32").run()
    assert result.dtype == np.float32


SHARDED = """
import indexcalc, numpy as np
from indexcalc.numeric.data import Random
let = ["W: matrix(m, n)"]
computation = indexcalc.diff("tanh(W*x)", wrt="W", let=let).computation({"W": Random((8, 6)), "x": Random(None)})
np.testing.assert_allclose(computation.run("jax"), computation.run(), rtol=1e-12)
import jax
from indexcalc.numeric.engines import Setting, engine_named
engine = engine_named("jax", computation.program, computation.data.sizes, Setting("float64", 8))
print(len(jax.devices()), len(engine.enter(np.ones((8, 6))).sharding.device_set))
"""


@pytest.mark.skipif(not find_spec("jax"), reason="needs jax")
def test_jax_cuts_arrays_for_all_devices() -> None:
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    command = [sys.executable, "-c", SHARDED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "4 4\n", done.stderr


# ---------------------------------------------------------------------- data
A_X = indexcalc.simplify("A*x", let=["A: matrix(m, n)", "x: vector(n)"])


@pytest.mark.parametrize(
    "given, code, words",
    [
        ({"A": np.ones((3, 4)), "x": np.ones(3)}, "E203", "n = 3"),
        ({"A": np.ones((3, 4)), "x": np.ones((4, 1))}, "E203", "a vector"),
        ({"A": np.ones(3), "x": np.ones(3)}, "E203", "a matrix"),
        ({"A": np.ones((3, 4))}, "E313", "`x`"),
        ({"A": Random(None), "x": Random((4,))}, "E313", "how large m is"),
    ],
)
def test_data_that_does_not_fit(given: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(IndexcalcError) as error:
        A_X.computation(given)
    assert error.value.code == code
    assert words in error.value.message


def test_fixed_sizes_and_products_of_sizes() -> None:
    fixed = indexcalc.simplify("x", let=["x: vector(3)"])
    with pytest.raises(IndexcalcError) as error:
        fixed.computation({"x": np.ones(4)})
    assert error.value.code == "E203"
    answer = indexcalc.simplify("vec(A)'*v", let=["A: matrix(m, n)", "v: vector(m*n)"])
    assert answer.computation({"A": np.ones((2, 3)), "v": Random(None)}).arrays["v"].shape == (6,)
    with pytest.raises(IndexcalcError):
        answer.computation({"A": np.ones((2, 3)), "v": np.ones(5)})


def test_sizes_that_no_array_has() -> None:
    answer = indexcalc.simplify("c*ones(k)", let=["c: scalar"])
    with pytest.raises(IndexcalcError) as error:
        answer.computation({"c": np.asarray(2.0)})
    assert error.value.code == "E313"
    assert answer.computation({"c": np.asarray(2.0)}, sizes={"k": 3}).run().tolist() == [2.0] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_random_data_is_of_its_kind_and_other_data_is_refused(kind: str) -> None:
    declared = f"S: matrix(n, n) {kind}" if kind == "positive" else f"S: {kind}(n)"
    answer = indexcalc.simplify("S*x", let=[declared])
    made = answer.computation({"S": Random((4, 4)), "x": Random(None)}).arrays["S"]
    assert KINDS[kind].holds(made)
    with pytest.raises(IndexcalcError) as error:
        answer.computation({"S": np.arange(16.0).reshape(4, 4) - 5, "x": Random(None)})
    assert error.value.code == "E112"


def test_files_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "A.npy", np.ones((3, 4)))
    np.savez(tmp_path / "both.npz", A=np.ones((2, 2)), x=np.arange(2.0))
    found = sources([str(tmp_path / "both.npz"), str(tmp_path / "A.npy"), f"B={tmp_path / 'both.npz'}"][:2])
    assert found["A"].shape == (3, 4)
    assert isinstance(found["A"], np.memmap)
    assert found["x"].tolist() == [0.0, 1.0]
    assert sources([f"y={tmp_path / 'A.npy'}"])["y"].shape == (3, 4)
    assert sources([f"x={tmp_path / 'both.npz'}", "c=0.5", "z=random(2, 3)", "w=random"]) == {
        "x": pytest.approx(np.arange(2.0)),
        "c": np.asarray(0.5),
        "z": Random((2, 3)),
        "w": Random(None),
    }


class Trap:
    """What makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (self.file.touch, ())


@pytest.mark.parametrize("name", ["object.npy", "object.npz", "text.npy", "words.npy", "broken.npz", "pickled.npy"])
def test_files_without_numbers_are_refused_and_never_unpickled(name: str, tmp_path: Path) -> None:
    file, sprung = tmp_path / name, tmp_path / "unpickled"
    match name:
        case "object.npy":
            np.save(file, np.array([Trap(sprung)], dtype=object), allow_pickle=True)
        case "object.npz":
            np.savez(file, x=np.array([Trap(sprung)], dtype=object))
        case "pickled.npy":
            file.write_bytes(pickle.dumps(Trap(sprung)))
        case "words.npy":
            np.save(file, np.array(["a", "b"]))
        case _:
            file.write_bytes(b"PK\\x03\\x04 nonsense")
    with pytest.raises(IndexcalcError) as error:
        sources([f"x={file}"])
    assert error.value.code == "E112"
    assert not sprung.exists()


def test_file_that_is_not_there() -> None:
    with pytest.raises(IndexcalcError) as error:
        sources(["x=nowhere.npy"])
    assert error.value.code == "E110"


def test_random_numbers_are_not_drawn_before_they_fit() -> None:
    computation = A_X.computation({"A": Random((10**7, 10**7)), "x": Random(None)})
    with pytest.raises(IndexcalcError) as error:
        computation.admit(10**12)
    assert error.value.code == "E510"


def test_singular_matrix_is_an_error() -> None:
    answer = indexcalc.simplify("inv(A)*x", let=["A: matrix(n, n)"])
    with pytest.raises(IndexcalcError) as error:
        answer.computation({"A": np.zeros((2, 2)), "x": np.ones(2)}).run()
    assert error.value.code == "E405"


# ---------------------------------------------------------------------- cost
@pytest.mark.parametrize(
    "text, let, flops",
    [
        ("A*x", ["A: matrix(m, n)"], 2 * 30 * 40),
        ("A*B", ["A: matrix(m, n)", "B: matrix(n, m)"], 2 * 30 * 30 * 40),
        ("inv(S)*x", ["S: matrix(n, n)", "x: vector(n)"], 2 * 40**3 // 3 + 2 * 40 * 40),
        ("exp(x)", ["x: vector(n)"], 40),
    ],
)
def test_operations_are_counted(text: str, let: list[str], flops: int) -> None:
    answer = indexcalc.simplify(text, let=let)
    given = {name: Random(None) for name in "ABSx" if name in text}
    assert answer.computation(given, sizes={"m": 30, "n": 40}).cost.flops == flops


def test_peak_counts_inputs_and_what_is_held_at_once() -> None:
    answer = indexcalc.diff("tanh(W*x)", wrt="W", let=["W: matrix(m, n)"])
    computation = answer.computation({"W": Random((30, 40)), "x": Random(None)})
    found = cost(computation.program, {"m": 30, "n": 40})
    assert found.largest == 30 * 30 * 40
    assert 30 * 40 + 40 + 30 * 30 * 40 <= found.peak <= 1.2 * (2 * 30 * 40 + 30 * 30 * 40)


def test_what_does_not_fit_is_refused() -> None:
    answer = indexcalc.diff("A*x", wrt="A", let=["A: matrix(m, n)"])
    computation = answer.computation({"A": Random((30, 40)), "x": Random(None)})
    computation.admit(None)
    computation.admit(10**9)
    with pytest.raises(IndexcalcError) as error:
        computation.admit(10**5)
    assert error.value.code == "E510"


@pytest.mark.parametrize("table", [JAX, TORCH], ids=["jax", "torch"])
def test_tables_have_rows_of_the_reference_only(table: dict[str, Any]) -> None:
    assert set(table) <= set(NUMPY)


# ---------------------------------------------------------------------- the command
def test_eval_writes_what_it_says(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", W=np.ones((3, 4)), x=np.arange(4.0), b=np.zeros(3))
    out = tmp_path / "out.npz"
    done = run("eval", "tanh(W*x + b)", "--wrt", "x", "--data", str(tmp_path / "in.npz"), "--out", str(out), "--verify")
    assert done.returncode == 0, done.stderr
    assert "W  3 x 4  float64" in done.stdout
    assert "verified: relative error" in done.stdout
    np.testing.assert_allclose(np.load(out)["derivative"], (1 - np.tanh(6.0) ** 2) * np.ones((3, 4)))


def test_data_that_nothing_uses_is_noted() -> None:
    done = run("eval", "x'*x", "--data", "x=random(3)", "--data", "X=random(3)")
    assert done.returncode == 0
    assert "note: nothing uses the data for X\n" in done.stderr


def test_eval_of_a_file_answers_its_questions(tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = ["--data", "X=random(20, 3)", "--data", "w=random", "--data", "y=random", "--data", "l=0.1"]
    done = run("eval", "samples/regression.ein", *data, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(np.load(f"{out}.npz").files) == ["derivative", *(f"derivative{k}" for k in range(2, 7))]


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["x'*x"], "E313"),
        (["x +", "--data", "x=random(3)"], "E101"),
        (["A*x", "--data", "A=random(3,4)", "--data", "x=random(3)"], "E203"),
        (["nowhere.ein"], "E110"),
        (["A*x", "--wrt", "A", "--data", "A=random(3000, 3000)", "--data", "x=random"], "E510"),
        (["f(x)", "--let", "f: elementwise", "--data", "x=random(3)"], "E404"),
    ],
)
def test_eval_refuses_with_the_codes_of_the_language(arguments: list[str], code: str) -> None:
    done = run("eval", *arguments)
    assert done.returncode == 1
    assert f"error {code}: " in done.stderr
