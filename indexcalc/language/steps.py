"""Places in a family of names: ``t-1`` in a loop over t, the last one ``T``, or ``3``; and how far loops run.

A length such as T may be a number or a symbol; with a symbol a loop is open, and is not written out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from indexcalc.language.syntax import STEP, Name, Script, Syntax, spelling


class Step(NamedTuple):
    """``offset`` from ``base``: a loop's variable, a length that is a symbol, or "" for zero."""

    base: str
    offset: int

    @property
    def text(self) -> str:
        if not self.base:
            return str(self.offset)
        return self.base + (f"{self.offset:+d}" if self.offset else "")

    def moved(self, by: int) -> Step:
        return Step(self.base, self.offset + by)

    def at(self, values: Mapping[str, int]) -> int:
        """The number of the step, given those of its base."""
        return self.offset + (values[self.base] if self.base else 0)


def place(step: Step) -> tuple[bool, int]:
    """Where a step comes: numbers come before steps that are counted from the end."""
    return bool(step.base), step.offset


class Extent(NamedTuple):
    """``for t = 1..T``: the steps from first to last, both included; none where they are past each other."""

    variable: str
    first: Step
    last: Step

    @property
    def down(self) -> bool:
        """Whether it runs from higher to lower steps: T..1."""
        if bool(self.first.base) != bool(self.last.base):
            return bool(self.first.base)
        return self.last.offset < self.first.offset

    @property
    def ends(self) -> tuple[Step, Step]:
        """The lowest and the highest step."""
        return (self.last, self.first) if self.down else (self.first, self.last)

    def moved(self, by: int) -> Extent:
        return self._replace(first=self.first.moved(by), last=self.last.moved(by))

    @property
    def reversed(self) -> Extent:
        return self._replace(first=self.last, last=self.first)

    @property
    def text(self) -> str:
        return f"for {self.variable} = {self.first.text}..{self.last.text}"


class Member(NamedTuple):
    """One of a family: h[t-1]. Without a family it is the step itself, as a number."""

    family: str
    step: Step

    @property
    def name(self) -> str:
        return f"{self.family}[{self.step.text}]" if self.family else self.step.text


_TERM = re.compile(r"([+-]?)(\d+|[^\W\d]\w*)")


def terms_of(text: str) -> tuple[list[tuple[int, str]], int] | None:
    """``t-1`` as names with their signs and a number; None where it is something else."""
    text = "".join(text.split())
    terms = _TERM.findall(text)
    if not terms or "".join(sign + word for sign, word in terms) != text:
        return None
    signed = [(-1 if sign == "-" else 1, word) for sign, word in terms]
    return [term for term in signed if not term[1].isdigit()], sum(s * int(w) for s, w in signed if w.isdigit())


def step_of(script: Script) -> Step | None:
    """The step that a script can be."""
    terms = None if script.mark == "^" else terms_of(script.text)
    if terms is None or len(terms[0]) > 1 or any(sign < 0 for sign, _ in terms[0]):
        return None
    return Step("".join(name for _, name in terms[0]), terms[1])


def as_script(script: Script, step: Step) -> Script:
    """A script that is a step of a family, whatever else it could be."""
    return Script(script.span, step.text, STEP)


def member_of(node: Syntax) -> tuple[str, Member] | None:
    """The name of a member of a family, without indices, if a name is one."""
    for k, script in enumerate(node.scripts if isinstance(node, Name) else ()):
        if script.mark == STEP:
            step = step_of(script)
            assert step is not None
            assert isinstance(node, Name)
            return spelling(node.text, node.scripts[: k + 1]), Member(spelling(node.text, node.scripts[:k]), step)
    return None
