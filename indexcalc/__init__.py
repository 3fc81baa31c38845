"""indexcalc: matrix and tensor derivatives, with every index in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from indexcalc.answer import Answer
from indexcalc.errors import IndexcalcError
from indexcalc.session import (
    Session,
    answered,
    check,
    diff,
    differentiate,
    program,
    run,
    simplify,
    verdicts,
)
from indexcalc.tensor.nodes import clear_caches

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Passes
    from indexcalc.claims.verdict import Verdict
    from indexcalc.explanation.explained import Explanation
    from indexcalc.explanation.passes import PassesExplanation

__all__ = [
    "Answer",
    "IndexcalcError",
    "Passes",
    "Verdict",
    "check",
    "clear_caches",
    "diff",
    "differentiate",
    "explain",
    "program",
    "run",
    "simplify",
    "verdicts",
]
__version__ = "0.1.0"


def explain(
    text: str,
    wrt: str | Sequence[str] | None = None,
    let: Sequence[str] = (),
    order: int = 1,
    layout: str = "numerator",
    style: str = "index",
    expand: Sequence[int] = (),
) -> Explanation | PassesExplanation:
    """The derivation of ``diff``'s answer, step by step. ``style`` is index, differential or vec; with ``expand``, the
    sizes of the symbols in order, it is written entry by entry. Through a loop whose length is a symbol it is that of
    the backward pass. Raises IndexcalcError."""
    from indexcalc.explanation.explained import Explanation  # a plain answer does without
    from indexcalc.explanation.passes import PassesExplanation

    first = answered(Session(), text, wrt, let, order, layout)[0]
    if isinstance(first, Answer):
        return Explanation(first, style, expand)
    return PassesExplanation(first.passes, style)


def __getattr__(name: str) -> Any:
    if name == "Verdict":  # claims are read by few
        from indexcalc.claims.verdict import Verdict

        return Verdict
    if name == "Passes":  # most questions have no loops
        from indexcalc.backprop.passes import Passes

        return Passes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
