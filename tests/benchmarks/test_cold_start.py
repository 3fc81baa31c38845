"""A whole process of the command line against a hello-world Typer program, run in turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from .tables import show

REPETITIONS = 25
GOALS = {"piped": 1.35, "rich text": 1.6}
HELLO = """\
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "world") -> None:
    print(f"hello {name}")


app()
"""


def _seconds(command: Sequence[str]) -> float:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "PYTHON"))}
    start = perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, env=env)
    taken = perf_counter() - start
    assert done.stdout
    return taken


@pytest.mark.benchmark
def test_cold_start_is_near_that_of_hello_world(tmp_path: Path) -> None:
    """The asserted ratio is of minima: what the programs take when nothing else runs."""
    hello = tmp_path / "hello.py"
    hello.write_text(HELLO, encoding="utf-8")
    program = Path(sys.executable).with_name("indexcalc")
    diff = [str(program), "diff", "tanh(W x + b)", "--wrt", "W"]
    commands = {
        "hello": [sys.executable, str(hello)],
        "piped": diff,
        "rich text": [*diff, "--format", "text", "--color", "always"],
    }
    for command in [*commands.values()] * 2:  # bytecode and the tables of the grammar are on disk from now on
        _seconds(command)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPETITIONS):
        for name, command in commands.items():
            taken[name].append(1e3 * _seconds(command))
    least, middle = min(taken["hello"]), median(taken["hello"])
    ratios = {name: min(times) / least for name, times in taken.items()}
    rows = [
        (name, min(times), median(times), ratios[name], median(times) / middle, GOALS.get(name, ""))
        for name, times in taken.items()
    ]
    show("cold start", ["process", "min ms", "median ms", "min ratio", "median ratio", "goal"], rows)
    assert {name: ratios[name] for name, goal in GOALS.items() if ratios[name] > goal} == {}
