"""What an answer shows, before it is written in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexcalc.forms.nodes import Form


class Line(NamedTuple):
    """One form: its label, what stands left of the equals sign, and the form; or, without a form, why."""

    label: str
    left: Form | None
    form: Form | None
    reason: str = ""


class Report(NamedTuple):
    """An answer in parts. ``subject`` and ``variables`` make the heading: what is differentiated by what."""

    question: str
    """What was asked: diff, vjp, jvp, hvp or simplify."""
    text: str
    """The question as typed."""
    name: str
    """The name of the output; "" where it has none."""
    expression: Form | None
    """The expression as it was read; None where it has no form of its own."""
    variables: Sequence[str]
    axes: Sequence[tuple[str, ...]]
    """The letters of the output's axes, then of each variable's."""
    vector: str
    """What stands for the cotangent of vjp or the direction of jvp and hvp."""
    declarations: Sequence[tuple[str, bool]]
    """What each name is, and whether that was assumed."""
    notes: Sequence[str]
    lines: Sequence[Line]
    where: Mapping[str, Form]
    """What the names in the forms stand for."""
    layout: str
    """The layout, of a derivative; "" of anything else."""
    shape: str


def heading(report: Report, partial: str = "d ") -> str:
    """``d a / d W``, with another sign for the d."""
    subject = report.name
    by = [f"{partial}{variable}" for variable in report.variables]
    match report.question:
        case "simplify":
            return subject
        case "vjp":
            return f"pullback of {subject or 'the output'} to {report.variables[0]} for {report.vector}"
        case "jvp":
            return f"change of {subject or 'the output'} for the change {report.vector} of {report.variables[0]}"
        case "hvp":
            return f"Hessian of {subject or 'the output'} by {report.variables[0]} times {report.vector}"
    above = f"{partial.rstrip()}^{len(by)} {subject}" if len(by) > 1 else f"{partial}{subject}"
    below = f"{partial}{report.variables[0]}^2" if len(by) == 2 and by[0] == by[1] else " ".join(by)
    return f"{above.rstrip()} / {below}"
