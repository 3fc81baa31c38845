"""Emitted modules of every backend: they give the reference on every public case, and stand alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import indexcalc
from indexcalc import Answer, clear_caches
from indexcalc.emission import symbols

from .strategies import SIZES, Expression, index_questions, questions, values
from .test_cli import run
from .test_corpus import ASKS, Ask, answered, close, inputs, reference

BACKENDS = ["numpy", "einsum", "jax", "torch"]
ALLOWED = {"numpy": {"numpy", "math"}, "einsum": {"numpy", "math"}, "jax": {"jax", "jax.numpy"}, "torch": {"torch"}}
every_backend = pytest.mark.parametrize(
    "backend",
    [
        pytest.param(b, marks=pytest.mark.skipif(b in ("jax", "torch") and not find_spec(b), reason=f"needs {b}"))
        for b in BACKENDS
    ],
)

RUNNER = """
import json, runpy, sys
sys.modules["indexcalc"] = None
import numpy as np
backend, folder = sys.argv[1:]
turned = np.asarray
if backend == "jax":
    import jax
    jax.config.update("jax_enable_x64", True)
    turned = jax.numpy.asarray
if backend == "torch":
    import torch
    turned = torch.from_numpy
for name in json.load(open(f"{folder}/names.json")):
    values = dict(np.load(f"{folder}/{name}.npz"))
    function = runpy.run_path(f"{folder}/{name}.py")["derivative"]
    given = {key: turned(x) if x.ndim else float(x) for key, x in values.items()}
    np.save(f"{folder}/{name}.npy", np.asarray(function(**given), dtype=float))
"""


@every_backend
def test_every_public_case_gives_the_reference_where_nothing_of_indexcalc_is(backend: str, tmp_path: Path) -> None:
    """Each module in a file of its own, run by a process that cannot import indexcalc."""
    asked: list[Ask] = []
    for ask in ASKS:
        answer = answered(ask.name)
        if isinstance(answer, Answer):
            (tmp_path / f"{ask.name}.py").write_text(answer.to_code(backend), encoding="utf-8")
            values = {answer.arguments.get(name, name): x for name, x in inputs(ask.case, 0).items()}
            np.savez(tmp_path / f"{ask.name}.npz", **values)  # type: ignore[arg-type]
            asked.append(ask)
    (tmp_path / "names.json").write_text(str([ask.name for ask in asked]).replace("'", '"'))
    (tmp_path / "runner.py").write_text(RUNNER)
    command = [sys.executable, "runner.py", backend, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for ask in asked:
        got = np.load(tmp_path / f"{ask.name}.npy")
        try:
            close(got, reference(ask.case, "expected_np", inputs(ask.case, 0)))
        except AssertionError as error:
            raise AssertionError(f"{ask.name}: {error}") from None
    assert len(asked) > 250


@every_backend
def test_modules_import_their_backend_only(backend: str) -> None:
    for ask in ASKS:
        answer = answered(ask.name)
        if isinstance(answer, Answer):
            *imports, definition = ast.parse(answer.to_code(backend)).body
            assert isinstance(definition, ast.FunctionDef)
            assert {a.name for node in imports if isinstance(node, ast.Import) for a in node.names} <= ALLOWED[backend]
            assert all(isinstance(node, ast.Import) for node in imports)


def test_modules_pass_ruff(tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for backend in BACKENDS:
        for ask in ASKS[::3]:
            answer = answered(ask.name)
            if isinstance(answer, Answer):
                for compressed in (False, True):
                    code = answer.to_code(backend, with_value=True, compressed=compressed)
                    (tmp_path / f"{ask.name}-{backend}-{compressed}.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# ---------------------------------------------------------------------- random expressions
@given(
    st.one_of(questions(), index_questions()),
    st.integers(1, 2),
    st.dictionaries(st.sampled_from("mnp"), st.integers(1, 500)),
)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_way_gives_the_same(question: tuple[Expression, str], order: int, sizes: dict[str, int]) -> None:
    """In NumPy, as einsum, carried out without being printed; with the value; for whatever sizes."""
    found, wrt = question
    clear_caches()
    note(f"{found.text}  by {wrt}, order {order}")
    answer = indexcalc.diff(found.text, wrt=wrt, let=found.let, order=order if not found.shape else 1)
    answer.certified = False
    known = set(symbols(answer.derivation))
    at = values(found.variables, 1)
    want = answer.computation(at, sizes={d: size for d, size in SIZES.items() if d in known}).run()
    if not np.isfinite(want).all():
        return
    for backend in ("numpy", "einsum"):
        space: dict[str, Any] = {}
        chosen = {d: size for d, size in sizes.items() if d in known}
        exec(answer.to_code(backend, with_value=True, sizes=chosen), space)
        names = space["derivative"].__code__.co_varnames[: space["derivative"].__code__.co_kwonlyargcount]
        value, got = space["derivative"](**{name: at[name] if name in at else SIZES[name] for name in names})
        scale = max(1.0, float(np.max(np.abs(want), initial=0)))
        np.testing.assert_allclose(got, want, atol=1e-7 * scale, rtol=1e-7)
        np.testing.assert_allclose(value, found.value(at), atol=1e-7, rtol=1e-7)


def test_constant_axis_beside_a_sum_that_meets_a_matrix() -> None:
    let = ["B: matrix(m, n)", "A: matrix(m, m)"]
    answer = indexcalc.diff("softmax(B'*(A*ones(m)))", wrt="A", let=let)
    at = {"A": np.ones((3, 3)), "B": np.arange(12.0).reshape(3, 4) / 9}
    computation = answer.computation(at)
    assert (computation.error(computation.run()) or 0) < 1e-9


# ---------------------------------------------------------------------- what the code is like


def _code(text: str, wrt: str, let: str = "", order: int = 1, **options: Any) -> str:
    return indexcalc.diff(text, wrt=wrt, let=[d for d in let.split("; ") if d], order=order).to_code(**options)


def _body(text: str, wrt: str, let: str = "", order: int = 1, **options: Any) -> list[str]:
    """The lines of the function without its docstring."""
    return [line.strip() for line in _code(text, wrt, let, order, **options).split('"""')[2].strip().splitlines()]


@pytest.mark.parametrize(
    "text, wrt, let, order, last",
    [
        ("x'*A*x", "x", "", 1, "return A @ x + A.T @ x"),
        ("tanh(W*x + b)", "x", "", 1, "return W * (1 - np.tanh(W @ x + b) ** 2)[:, None]"),
        ("norm2(T - U*V')^2", "U", "", 1, "return 2 * ((U @ V.T - T) @ V)"),
        ("norm2(A*x - b)^2", "x", "", 1, "return 2 * (A.T @ (A @ x - b))"),
        ("sum(x ./ y)", "y", "", 1, "return -(x / y ** 2)"),
        ("logsumexp(A*x)", "x", "A: matrix(m, n)", 2, "return (A * t4 - t4 * (A.T @ t3)).T @ A"),
        ("b'*inv(A)*c", "b", "b, c: vector(n)", 1, "return np.linalg.solve(A, c)"),
        ("sum(A*x)", "A", "", 1, "return np.full((m, n), x)"),
        ("sum(A)", "A", "", 1, "return np.ones((m, n))"),
        ("x", "x", "x: vector(n)", 1, "return np.eye(n)"),
    ],
)
def test_code_is_as_by_hand(text: str, wrt: str, let: str, order: int, last: str) -> None:
    assert _body(text, wrt, let, order)[-1] == last


def test_delta_is_written_into_a_diagonal_of_zeros() -> None:
    body = _body("tanh(W*x + b)", "W")
    assert "t2 = np.zeros((m, m, n), t1.dtype)" in body
    assert "np.einsum('iij->ij', t2)[...] = t1" in body
    assert not any("eye" in line for line in body)


def test_delta_is_added_to_the_diagonal_of_a_dense_term() -> None:
    assert "np.einsum('ii->i', t3)[...] += t2" in _body("softmax(x)", "x")


def test_symmetric_product_is_of_one_array_and_its_transpose() -> None:
    logistic = "sum(log(exp(-y.*(X*w)) + vector(1)))"
    assert _body(logistic, "w", order=2)[-1] == "return t3.T @ t3"


def test_product_with_weights_of_any_sign_is_no_symmetric_one() -> None:
    assert "sqrt" not in _code("w'*X'*diag(y)*X*w", "w", "X: matrix(m, n)", 2)


def test_value_and_derivative_share_what_they_have_in_common() -> None:
    body = "\n".join(_body("tanh(W*x + b)", "x", with_value=True))
    assert body.count("tanh") == body.count("@") == 1


def test_many_solutions_with_one_matrix_are_products_with_its_inverse() -> None:
    let = "A: matrix(n, n); " + "; ".join(f"v{k}: vector(n)" for k in range(4))
    code = _code(
        "sum(exp(inv(A)*v0) + exp(inv(A)*v1)) + sum(sin(inv(A)*v2)) + sum(cos(inv(A)*v3))", "v0", let, with_value=True
    )
    assert code.count("np.linalg.inv(") == 1
    assert "solve" not in code
    code = _code("sum(exp(inv(A)*v0))", "v0", let)
    assert code.count("np.linalg.solve(") == 2
    assert "inv(A)" not in code.split('"""')[2]


def test_inverse_that_is_changed_in_place_and_read_elsewhere_is_copied() -> None:
    let = ["W: matrix(n, n)", "A: matrix(n, m)", "x: vector(m)"]
    answer = indexcalc.diff("(inv(9*eye(n) + W)*A + 2*A)*x", wrt="A", let=let)
    space: dict[str, Any] = {}
    exec(answer.to_code(with_value=True), space)
    w, a, x = np.eye(3) + np.arange(9.0).reshape(3, 3), np.ones((3, 2)), np.arange(2.0)
    value, _ = space["derivative"](W=w, A=a, x=x)
    np.testing.assert_allclose(value, (np.linalg.inv(9 * np.eye(3) + w) @ a + 2 * a) @ x)


def test_whole_products_are_one_einsum_each() -> None:
    body = _body("norm2(T - U*V')^2", "U", backend="einsum")
    assert "@" not in "".join(body)
    assert "".join(body).count("np.einsum") == 2


@pytest.mark.parametrize("backend", ["numpy", "einsum"])
@pytest.mark.parametrize("text", ["A' + diag(x)", "A + diag(x)", "(A + diag(x))*y + A*y", "f(A) + diag(x)"])
def test_arguments_are_never_changed(text: str, backend: str) -> None:
    let = ["A: matrix(n, n)", "x, y: vector(n)", "f: elementwise"]
    space: dict[str, Any] = {}
    exec(indexcalc.simplify(text, let=let).to_code(backend), space)
    arguments = {"A": np.ones((3, 3)), "x": np.ones(3), "y": np.ones(3), "f": lambda u: u}
    names = space["derivative"].__code__.co_varnames[: space["derivative"].__code__.co_kwonlyargcount]
    space["derivative"](**{name: arguments[name] for name in names})
    assert (arguments["A"] == 1).all()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "sizes, first",
    [({"m": 1000, "n": 2, "p": 1000, "q": 2}, "A @ (B @ C)"), ({"m": 2, "n": 1000, "p": 2, "q": 1000}, "A @ B @ C")],
)
def test_order_of_products_is_that_for_the_sizes(sizes: dict[str, int], first: str) -> None:
    answer = indexcalc.simplify("A*B*C", let=["A: matrix(m, n)", "B: matrix(n, p)", "C: matrix(p, q)"])
    assert answer.to_code(sizes=sizes).splitlines()[-1].strip() == f"return {first}"


def test_unknown_size_is_an_error() -> None:
    with pytest.raises(indexcalc.IndexcalcError) as error:
        _code("x'*A*x", "x", sizes={"q": 3})
    assert error.value.code == "E218"


def test_docstring_has_shapes_formula_and_path() -> None:
    lines = [line.strip() for line in _code("tanh(W*x + b)", "W").split('"""')[1].splitlines()]
    assert lines[0] == "derivative of tanh(W*x + b): m x m x n."
    assert "D_ikl = (1 - tanh(W_ij x_j + b_i)^2) delta_ik x_l" in lines
    assert "Arguments: W: m x n; x: n; b: m." in lines
    assert "Contractions: ij,j->i." in lines


# ---------------------------------------------------------------------- compressed


def _expanded(lines: list[str], cores: list[np.ndarray], letters: str, shape: tuple[int, ...]) -> np.ndarray:
    """The whole from its cores, by what the docstring says."""
    whole = np.zeros(shape)
    for line, core in zip(lines, cores, strict=True):
        pattern = re.fullmatch(r"core\d*(?:\[([\w, ]*)\])?(?: where (.*), else 0)?", line)
        assert pattern, line
        own = [letters.index(x) for x in (pattern.group(1) or "").split(", ") if x]
        pairs = [
            tuple(letters.index(x) for x in pair.split(" == "))
            for pair in (pattern.group(2) or "").split(" and ")
            if pair
        ]
        for place in np.ndindex(shape):
            if all(place[a] == place[b] for a, b in pairs):
                whole[place] += core[tuple(place[axis] for axis in own)]
    return whole


@pytest.mark.parametrize(
    "ask", [ask for ask in ASKS if ask.notation == "matrix" and not ask.structured], ids=lambda ask: ask.name
)
def test_core_stands_for_the_whole_as_the_docstring_says(ask: Ask) -> None:
    answer = answered(ask.name)
    if not isinstance(answer, Answer):
        return
    space: dict[str, Any] = {}
    code = answer.to_code(compressed=True)
    exec(code, space)
    values = inputs(ask.case, 0)
    got = space["derivative"](**{answer.arguments.get(name, name): x for name, x in values.items()})
    want = reference(ask.case, "expected_np", values)
    lines = [line.strip() for line in code.split('"""')[1].splitlines()]
    at = next(k for k, line in enumerate(lines) if line.startswith("Returns core"))
    cores = got if isinstance(got, tuple) else (got,)
    told = lines[at + 1 : at + 1 + len(cores)] if isinstance(got, tuple) else [lines[at].split(" = ")[1].rstrip(".")]
    close(_expanded(told, [np.asarray(core) for core in cores], "".join(answer.indices), want.shape), want)


def test_core_of_a_factorisation_hessian_is_small() -> None:
    space: dict[str, Any] = {}
    exec(_code("norm2(T - U*V')^2", "U", order=2, compressed=True), space)
    assert space["derivative"](T=np.ones((5, 4)), U=np.ones((5, 2)), V=np.ones((4, 2))).shape == (2, 2)


# ---------------------------------------------------------------------- the command line
@pytest.mark.parametrize("backend", BACKENDS)
def test_formats_of_the_command_line(backend: str) -> None:
    done = run(
        "diff", "tanh(W*x + b)", "--wrt", "W", "--format", backend, "--with-value", "--compressed", "--size", "m=9"
    )
    assert done.returncode == 0
    answer = indexcalc.diff("tanh(W*x + b)", wrt="W")
    assert done.stdout == answer.to_code(backend, with_value=True, compressed=True, sizes={"m": 9})


def test_unknown_size_on_the_command_line() -> None:
    done = run("diff", "x'*x", "--wrt", "x", "--format", "numpy", "--size", "q=9")
    assert done.returncode == 1
    assert "error E218: " in done.stderr


def test_plain_answers_load_neither_numpy_nor_opt_einsum() -> None:
    code = (
        "import sys, indexcalc; a = indexcalc.diff('tanh(W*x + b)', wrt='W'); a.to_dict(); a.to_code(); "
        "print([name for name in ('numpy', 'opt_einsum', 'jax', 'torch', 'dask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
