"""Every example of the README is run. ``python -m tests.test_readme`` writes the outputs of its console blocks anew."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)


def _output(command: str) -> str:
    """What a command prints to stdout in a pipe."""
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, shell=True, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    return run.stdout.decode()


def _rewritten(text: str) -> str:
    """A README with the outputs that its commands have now."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match.group().splitlines() if line.startswith("$ ")]
        return "".join(f"{command}\n{_output(command[2:])}" for command in commands)

    return BLOCK.sub(block, text)


def test_readme_commands_print_what_it_says() -> None:
    text = README.read_text(encoding="utf-8")
    assert _rewritten(text) == text


def test_readme_python_examples() -> None:
    results = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert results.attempted > 8
    assert not results.failed


def test_readme_has_the_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    assert "\npip install . && indexcalc run samples/neuron.ein\n" in text
    assert '\npip install -e ".[test]" && pytest\n' in text


if __name__ == "__main__":
    README.write_text(_rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
