"""The package as it is installed: the grammar is inside, and it runs far from its sources."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import indexcalc

ROOT = Path(__file__).parent.parent


def _run(command: list[str], where: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=where, env={**os.environ, **environment}, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_built_wheel_runs_elsewhere(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(ROOT)], elsewhere)
    code = "import indexcalc; print(indexcalc.__file__); print(indexcalc.diff(\"x'*A*x\", wrt='x').matrix)"
    command = [sys.executable, "-c", code]
    file, matrix = _run(command, elsewhere, PYTHONPATH=str(target), XDG_CACHE_HOME=str(tmp_path / "cache")).splitlines()
    assert Path(file).is_relative_to(target)
    assert matrix == "(A + A')*x"
    assert sorted(path.name for path in (target / "indexcalc" / "grammar").iterdir()) == sorted(
        path.name for path in (ROOT / "grammar").iterdir()
    )


def test_import_loads_nothing_heavy() -> None:
    heavy = ["numpy", "opt_einsum", "rich", "typer", "sympy"]
    code = (
        "import sys, indexcalc; indexcalc.diff('tanh(W*x + b)', wrt='W').to_dict(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert _run([sys.executable, "-c", code], ROOT).strip() == "[]"


def test_grammar_cache_that_is_broken_or_out_of_reach_does_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import indexcalc; print(indexcalc.simplify('A*inv(A)*x').matrix)"]
    (tmp_path / "indexcalc").mkdir()
    (tmp_path / "indexcalc" / "grammar.bin").write_bytes(b"nonsense")
    assert _run(command, ROOT, XDG_CACHE_HOME=str(tmp_path)) == "x\n"
    assert _run(command, ROOT, XDG_CACHE_HOME="/dev/null/nowhere") == "x\n"


def test_public_names() -> None:
    for name in indexcalc.__all__:
        assert hasattr(indexcalc, name)
