"""One gradient that comes out of passes, as an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from indexcalc.backprop.written import Line
from indexcalc.derivation import Input

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Passes


class Gradient:
    """The gradient by one variable, as the passes have it: the adjoint of the variable."""

    def __init__(self, passes: Passes, variable: Input) -> None:
        self.passes, self.variable = passes, variable

    @property
    def lines(self) -> list[Line]:
        """Its equations: more than one where the last steps differ from the others."""
        self.passes.verified  # noqa: B018
        return [self.passes.written.line(e) for e in self.passes.results[self.variable.name]]

    @property
    def name(self) -> str:
        """What it is called: dW."""
        return self.lines[0].name if self.lines else ""

    @property
    def matrix(self) -> str | None:
        """The right side in matrix notation, where there is one equation."""
        return self.lines[0].right(False) if len(self.lines) == 1 and self.lines[0].is_matrix else None

    @property
    def index(self) -> str | None:
        """The right side in index notation, where there is one equation."""
        return self.lines[0].right(True) if len(self.lines) == 1 else None

    @property
    def indices(self) -> tuple[str, ...]:
        """The letters of its axes in the index form."""
        return self.lines[0].letters if self.lines else ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of an answer, with ``program``: the equations that its forms refer to."""
        passes, asking = self.passes, self.passes.asking
        matrix, along = self.matrix, asking.form in ("jvp", "hvp")
        shown, notation = (matrix, "matrix") if matrix is not None else (self.index, "index")
        vector = None if passes.source.vector is None else passes.source.vector.name
        results = passes.results[self.variable.name]
        reason = None if matrix is not None else "it has more than one equation: see program"
        return {
            "schema": 1,
            "line": asking.line,
            "input": asking.text,
            "ok": True,
            "wrt": [self.variable.spelling],
            "order": 2 if asking.form == "hvp" else 1,
            "shape": list(results[0].left.shape if results else self.variable.shape),
            "layout": "numerator",
            "declarations": {
                i.spelling: {"kind": i.kind, "shape": list(i.shape), "assumed": i.assumed} for i in passes.model.inputs
            },
            "notes": list(passes.report.notes),
            "indices": list(self.indices),
            "index": self.index,
            "matrix": matrix,
            "no_matrix_reason": reason,
            "vec": None,
            "cotangent": vector if asking.form == "vjp" else None,
            "pullback": None if along else shown,
            "pullback_notation": None if along else notation,
            "perturbation": vector if along else None,
            "differential": shown if along else None,
            "differential_notation": notation if along else None,
            "structured": None,
            "where": {},
            "program": passes.to_dict(),
            "latex": {
                "index": self.lines[0].latex(indexed=True).split(" &= ")[1] if len(self.lines) == 1 else None,
                "matrix": self.lines[0].latex().split(" &= ")[1] if len(self.lines) == 1 else None,
                "pullback": None,
            },
            "arguments": passes.arguments,
            "verified": passes.verified,
            "error": None,
        }

    def to_code(self, backend: str = "numpy", sizes: Mapping[str, int] | None = None) -> str:
        """The code of the passes, with all gradients that were asked for. Raises IndexcalcError E404."""
        return self.passes.to_code(backend, sizes)

    def _repr_latex_(self) -> str:
        return self.passes._repr_latex_()
