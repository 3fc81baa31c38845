"""The command line: what goes to stdout and stderr, exit codes, formats, pipes and terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.dom import minidom

import pytest

ROOT = Path(__file__).parent.parent
KEYS = set(
    "schema line input ok wrt order shape layout declarations notes indices index matrix no_matrix_reason vec "
    "cotangent pullback pullback_notation perturbation differential differential_notation structured where latex "
    "arguments verified error".split()
)
SAMPLES = sorted((ROOT / "samples").glob("*.ein"))


def run(
    *arguments: str, stdin: str | bytes = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program with pipes on all sides."""
    done = subprocess.run(
        [sys.executable, "-m", "indexcalc", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")
    )


def on_terminal(*arguments: str, columns: int = 80, environment: dict[str, str] | None = None) -> str:
    """What the program writes to a terminal of this width."""
    parent, child = pty.openpty()
    settings = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **(environment or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "indexcalc", *arguments], stdout=child, stderr=child, stdin=child, cwd=ROOT, env=settings
    )
    os.close(child)
    written = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    process.wait(60)
    os.close(parent)
    return written.decode().replace("\r\n", "\n")


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# ---------------------------------------------------------------------- commands
def test_bare_call_prints_three_examples_that_run() -> None:
    shown = run()
    assert shown.returncode == 0
    commands = [line.strip() for line in shown.stdout.splitlines() if line.startswith("  indexcalc ")]
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            command.replace("indexcalc", f"{sys.executable} -m indexcalc", 1), shell=True, capture_output=True, cwd=ROOT
        )
        assert done.returncode == 0
        assert done.stdout


@pytest.mark.parametrize("arguments", [["-h"], ["diff", "-h"], ["run", "--help"], ["functions"], ["--version"]])
def test_help_version_and_functions_exit_with_zero(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    assert done.stdout


def test_every_command_is_in_the_help_and_the_readme() -> None:
    shown = run("-h").stdout
    readme = (ROOT / "README.md").read_text()
    for command in ("diff", "simplify", "check", "run", "functions"):
        assert command in shown
        assert f"indexcalc {command}" in readme


@pytest.mark.parametrize("arguments", [["nope"], ["diff", "x", "--form", "nope"], ["run"], ["diff", "x", "--order"]])
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [["-x'*A*x", "--wrt", "x"], ["--wrt", "x", "-x'*A*x"], ["--wrt=x", "--", "-x'*A*x"]],
)
def test_expression_may_start_with_a_minus_sign(arguments: list[str]) -> None:
    assert run("diff", "--form", "matrix", *arguments).stdout == "-(A + A')*x\n"


def test_both_layouts_can_be_asked_for_at_once() -> None:
    done = run("diff", "tanh(W*x + b)", "--wrt", "x", "--layout", "both", "--format", "json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["layout"], first["matrix"]) == ("numerator", "diag(1 - tanh(W*x + b).^2)*W")
    assert (second["layout"], second["matrix"]) == ("denominator", "W'*diag(1 - tanh(W*x + b).^2)")


def test_gradient_is_the_same_in_every_layout() -> None:
    done = run("diff", "x'*A*x", "--wrt", "x", "--layout", "both")
    assert done.stdout.count("shape") == 1
    assert "m, the same in every layout" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "tanh(W*x + b)", "--wrt", "W"],
        ["check", "x'*A*x", "--wrt", "x", "--claim", "2*A*x"],
        ["explain", "A*x", "--wrt", "x"],
        ["run", "samples/neuron.ein"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_result_is_a_picture_or_a_page_in_a_file(arguments: list[str], tmp_path: Path) -> None:
    picture, again, whole = tmp_path / "a.svg", tmp_path / "b.svg", tmp_path / "a.html"
    for file in (picture, again, whole):
        assert run(*arguments, "-o", str(file)).stdout == ""
    assert picture.read_bytes() == again.read_bytes()
    shown = [node.firstChild.data for node in minidom.parse(str(picture)).getElementsByTagName("text")]
    assert len(shown) > 10
    page = whole.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert all(word not in page for word in ("<script", "<link", "http"))


def test_end_of_a_file_name_is_its_format(tmp_path: Path) -> None:
    for suffix, begin in [(".tex", "% d / d x"), (".md", "**d"), (".json", '{"schema"'), (".py", "import numpy")]:
        file = tmp_path / f"a{suffix}"
        run("diff", "x'*A*x", "--wrt", "x", "-o", str(file))
        assert file.read_text("utf-8").startswith(begin), suffix


def test_completion_can_be_shown() -> None:
    # else Typer asks which shell started the tests, and there may be none
    done = run("--show-completion", "bash", environment={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.returncode == 0
    assert "complete -o default -F _indexcalc_completion indexcalc" in done.stdout


# ---------------------------------------------------------------------- pipes
def test_pipe_gets_results_on_stdout_and_assumptions_on_stderr() -> None:
    done = run("diff", "x'*A*x", "--wrt", "x")
    assert "(A + A')*x" in done.stdout
    assert "assumed" not in done.stdout
    assert done.stderr.splitlines() == [
        "assumed: x: vector(m), A: matrix(m, m)",
        "note: shorter if A is symmetric: 2*A*x",
    ]


def test_brackets_and_colons_survive_a_pipe() -> None:
    done = run("simplify", "A[i,j] B[j,k] -> i k")
    assert done.stdout.startswith("A[i,j] B[j,k] -> i k\n")


def test_long_lines_are_not_wrapped_in_a_pipe() -> None:
    text = " + ".join(f"tanh(W{k} x + b{k})" for k in range(30))
    assert max(map(len, run("diff", text, "--wrt", "x").stdout.splitlines())) > 500


def test_bad_line_of_a_batch_is_reported_and_the_others_are_answered() -> None:
    done = run("diff", "--form", "matrix", "--wrt", "x", stdin="x'*A*x\nx +\n\n# comment\nx'*x\n")
    assert done.stdout == "(A + A')*x\n2*x\n"
    assert "line 2: error E101" in done.stderr
    assert done.returncode == 1


def test_json_is_one_object_a_line_errors_too() -> None:
    done = run("diff", "--format", "json", "--wrt", "x", stdin="x'*x\nx +\ntanh(A*x)\n")
    good, bad, last = map(json.loads, done.stdout.splitlines())
    assert good["ok"]
    assert last["ok"]
    assert (bad["ok"], bad["line"], bad["input"], bad["error"]["code"]) == (False, 2, "x +", "E101")
    assert set(good) == KEYS


def test_closed_output_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m indexcalc run samples/bptt.ein | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=ROOT, timeout=60)
    assert b"Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == b"0"


def test_missing_file_is_an_error_with_a_code() -> None:
    done = run("run", "samples/none.ein")
    assert done.returncode == 1
    assert "E110" in done.stderr


def test_binary_garbage_is_rejected_line_by_line() -> None:
    done = run("run", "-", stdin=bytes(range(256)) * 40)
    assert done.returncode == 1
    assert "error E" in done.stderr


def test_very_long_line_is_rejected_at_once() -> None:
    done = run("run", "-", stdin="x + " * 250_000 + "x\nx'*x\n")
    assert "E501" in done.stderr
    assert "x'*x" in done.stdout


# ---------------------------------------------------------------------- errors
def test_error_shows_code_caret_and_help() -> None:
    done = run("simplify", "x*y", "--let", "x, y: vector(n)")
    first, source, caret, help_ = done.stderr.splitlines()
    assert first.startswith("error E205: ")
    assert source[caret.index("^") :].startswith("x*y")
    assert caret.strip() == "^^^"
    assert help_.startswith("help: write x'*y")
    assert done.returncode == 1
    assert not done.stdout


def test_interrupt_exits_with_130() -> None:
    for seconds in (1, 5, 20):  # until it has started and waits for its input, which a busy machine takes long for
        process = subprocess.Popen(
            [sys.executable, "-m", "indexcalc", "run", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        if process.returncode == 130:
            break
    assert process.returncode == 130
    assert b"Traceback" not in stderr


# ---------------------------------------------------------------------- terminals
def test_terminal_of_80_columns_is_not_overrun() -> None:
    shown = on_terminal("run", "samples/bptt.ein")
    lines = bare(shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert "∂L / ∂Waa" in bare(shown)
    assert "\x1b[" in shown


def test_terminal_shows_what_was_assumed() -> None:
    assert "  assumed       x: vector(m), A: matrix(m, m)" in bare(on_terminal("diff", "x'*A*x", "--wrt", "x"))


def test_no_color_and_dumb_terminals_get_no_colour() -> None:
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = on_terminal("diff", "x'*A*x", "--wrt", "x", environment=environment)
        assert re.search(r"\x1b\[3[0-9]", shown) is None
        assert "(A + A')*x" in bare(shown)


def test_colour_can_be_had_in_a_pipe() -> None:
    assert "\x1b[" in run("diff", "x'*A*x", "--wrt", "x", "--format", "text", "--color", "always").stdout


@pytest.mark.parametrize("extra", [["--ascii"], []])
def test_ascii_only_output(extra: list[str]) -> None:
    environment = {} if extra else {"PYTHONIOENCODING": "ascii"}
    for format_ in ("text", "plain", "latex", "markdown", "json", "numpy"):
        done = run("diff", "a = tanh(λ W x + b)", "--wrt", "W", "--format", format_, *extra, environment=environment)
        assert done.returncode == 0
        assert done.stdout.isascii()


# ---------------------------------------------------------------------- samples
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("format_", ["text", "plain", "latex", "markdown", "json", "numpy"])
def test_samples_run_in_every_format(sample: Path, format_: str) -> None:
    done = run("run", str(sample), "--format", format_)
    assert done.returncode == (3 if sample.stem == "claims" else 0)  # some of the claims are wrong, as they say
    assert done.stdout


# ---------------------------------------------------------------------- loops
RNN = "h[t] = tanh(W h[t-1]) for t = 1..T; L = norm2(h[T])^2; L"


def test_passes_are_named_by_a_prefix() -> None:
    done = run("diff", RNN, "--wrt", "W", "--prefix", "adj", "--form", "matrix")
    assert done.stdout.splitlines()[3:5] == [
        "  backward  adjh[T] = 2*h[T]",
        "            adjh[t-1] = W'*(adjh[t] .* (1 - h[t].^2)) for t = T..2",
    ]
    assert run("diff", RNN, "--wrt", "W", "--prefix", "d_").returncode == 1


def test_a_program_is_printed_where_it_is_asked_for() -> None:
    done = run("diff", "a = tanh(W x); L = norm2(a)^2; L", "--wrt", "W", "--form", "program")
    assert "  backward  da = 2*a" in done.stdout.splitlines()
    assert "da = 2*a" not in run("diff", "a = tanh(W x); L = norm2(a)^2; L", "--wrt", "W").stdout


def test_loops_of_a_known_length_are_printed_as_passes_and_as_formulas() -> None:
    text = RNN.replace("h[t] =", "T = 2; h[t] =", 1)
    assert "  backward  dh_2 = 2*h_2" in run("diff", text, "--wrt", "W").stdout.splitlines()
    assert "backward" not in run("diff", text, "--wrt", "W", "--form", "matrix").stdout
    found = json.loads(run("diff", text, "--wrt", "W", "--format", "json").stdout)
    assert found["program"]["backward"][0] == "dh_2 = 2*h_2"
    assert found["matrix"]


@pytest.mark.parametrize("format", ["plain", "latex", "markdown", "json", "svg", "html"])
def test_explanations_of_loops_have_every_format(format: str) -> None:
    done = run("explain", RNN, "--wrt", "W", "--format", format)
    assert done.returncode == 0
    assert done.stdout
