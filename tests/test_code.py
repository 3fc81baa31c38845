"""Emitted modules of every backend: they give the reference on every public case, and stand alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer

from .test_corpus import ASKS, Ask, answered, close, inputs, reference

BACKENDS = ["numpy", "einsum", "jax", "torch"]
ALLOWED = {"numpy": {"numpy", "math"}, "einsum": {"numpy", "math"}, "jax": {"jax", "jax.numpy"}, "torch": {"torch"}}
every_backend = pytest.mark.parametrize(
    "backend",
    [pytest.param(b, marks=pytest.mark.skipif(b in ("jax", "torch") and not find_spec(b), reason=f"needs {b}")) for b in BACKENDS],
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


def _body(text: str, wrt: str, let: list[str] | None = None, **options: Any) -> str:
    """The code without its docstring."""
    order = options.pop("order", 1)
    code = indexcalc.diff(text, wrt=wrt, let=let or [], order=order).to_code(**options)
    return code.split('"""')[2]
