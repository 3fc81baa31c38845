"""The catalogue of errors: complete, true to what is raised, and explained by `indexcalc explain`."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

import indexcalc
from indexcalc.catalogue import TABLE, Entry, entry
from indexcalc.cli.explanation import explanation, titles
from tests.test_cli import on_terminal, run

PACKAGE = Path(indexcalc.__file__).parent
STATEMENTS = [row for row in TABLE if row.example and not row.example.startswith("indexcalc ")]
COMMANDS = [row for row in TABLE if row.example.startswith("indexcalc ")]


def _raised() -> set[str]:
    """The code of every IndexcalcError that the sources make."""
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "IndexcalcError"
    ]
    codes = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]
    assert len(codes) == len(calls), "a code is not written out where it is raised"
    return set(map(str, codes))


def _shown(text: str) -> None:
    """All forms of the answer to the last statement, as the command line shows them."""
    answers = indexcalc.verdicts(text) if "==" in text else [indexcalc.simplify(text)]
    for answer in answers:
        answer.to_dict()


# ---------------------------------------------------------------------- the table
def test_every_code_that_is_raised_has_a_row_and_every_row_is_raised() -> None:
    assert {row.code for row in TABLE} == _raised()


def test_rows_stand_in_order_each_once() -> None:
    codes = [row.code for row in TABLE]
    assert codes == sorted(set(codes))
    assert len({row.title for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)
def test_a_row_is_a_title_and_two_to_five_plain_sentences(row: Entry) -> None:
    assert re.fullmatch(r"E[1-5]\d\d", row.code)
    assert 10 <= len(row.title) <= 70
    assert not row.title.endswith(".")
    assert row.explanation.endswith(".")
    assert 2 <= len(re.findall(r"[.?](?= |$)", row.explanation)) <= 6
    assert "\n" not in row.explanation


@pytest.mark.parametrize("row", STATEMENTS, ids=lambda row: row.code)
def test_the_example_gives_exactly_this_error(row: Entry) -> None:
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        _shown(row.example)
    assert caught.value.code == row.code


@pytest.mark.parametrize("text", [text for row in STATEMENTS for text in row.mended], ids=lambda text: text[:60])
def test_a_mended_example_works(text: str) -> None:
    _shown(text)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.code)
def test_a_command_of_the_table_does_what_its_row_says(row: Entry) -> None:
    wrong = run(*shlex.split(row.example)[1:])
    assert wrong.returncode == 1
    assert f"error {row.code}: " in wrong.stderr
    for text in row.mended:
        assert run(*shlex.split(text)[1:]).returncode == 0


def test_every_row_but_that_of_a_failed_check_has_an_example_and_a_way_out() -> None:
    assert [row.code for row in TABLE if not (row.example and row.mended)] == ["E490", "E491"]


def test_a_row_is_found_by_its_code() -> None:
    assert entry("E203") is entry("e203") is not None
    assert entry("E999") is None


# ---------------------------------------------------------------------- the command
@pytest.mark.parametrize("code", ["E203", "e203", "203"])
def test_explain_prints_the_row(code: str) -> None:
    done = run("explain", code)
    row = entry("E203")
    assert row is not None
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"E203: {row.title}\n")
    assert row.explanation in done.stdout.splitlines()
    for text in (row.example, *row.mended):
        assert f"  {text}" in done.stdout.splitlines()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)
def test_every_row_is_shown_whole(row: Entry) -> None:
    lines = list(explanation(row.code, None))
    assert row.explanation in lines
    assert all(f"  {text}" in lines for text in (row.example, *row.mended) if 0 < len(text) < 150)
    assert max(len(line) for line in lines if line != row.explanation) < 160


@pytest.mark.parametrize("width", [40, 72, 200])
def test_an_explanation_is_wrapped_to_the_width(width: int) -> None:
    for row in TABLE:
        for line in explanation(row.code, width):
            assert len(line) <= width or " " not in line.strip()


def test_on_a_terminal_an_explanation_fits_it_and_keeps_its_brackets() -> None:
    shown = on_terminal("explain", "E106", columns=50)
    assert all(len(line) <= 50 for line in shown.splitlines())
    assert "A[i,j]" in shown
    assert "\x1b" not in shown


def test_explain_without_a_code_lists_them_all() -> None:
    done = run("explain")
    assert done.returncode == 0
    assert done.stdout.splitlines() == list(titles()) == [f"{row.code}  {row.title}" for row in TABLE]


@pytest.mark.parametrize("code, near", [("E230", "E203"), ("E2O3", None), ("E20", "E203"), ("E999", "lists them all")])
def test_an_unknown_code_names_the_nearest(code: str, near: str | None) -> None:
    done = run("explain", code)
    assert (done.returncode, done.stdout) == (1, "")
    if near is not None:
        assert "error E111: " in done.stderr
        assert near in done.stderr


@pytest.mark.parametrize("arguments", [["x'*x"], ["x'*x", "--wrt", "x"], ["-x", "--wrt", "x"], ["E*x", "--wrt", "x"]])
def test_what_is_no_code_is_an_expression(arguments: list[str]) -> None:
    done = run("explain", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("∂")


def test_help_of_explain_names_the_codes() -> None:
    help_ = run("explain", "-h").stdout
    assert "E203" in help_
    assert "explain" in run("-h").stdout


def test_explain_in_ascii() -> None:
    assert run("explain", "E104", "--ascii").stdout.isascii()
