"""The forward and the backward pass of one question, and the gradients that come out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from indexcalc.backprop.adjoints import Backward
from indexcalc.backprop.model import Equation, Model
from indexcalc.backprop.proof import Proof, Source
from indexcalc.backprop.written import Line, Written
from indexcalc.derivation import Input
from indexcalc.errors import IndexcalcError
from indexcalc.render.report import Report, heading

LONGEST = 4000
"""Characters of equations up to which code shows them."""
Row = Sequence[tuple[str, str]]
"""Pieces of text, each with what it is."""


class Asking(NamedTuple):
    """What was asked: the text with its line, the form (diff, grad or vjp), what the output is called, and notes."""

    text: str
    line: int
    form: str
    name: str
    notes: tuple[str, ...]


class Passes:
    """A model's equations, those of its adjoints, and the gradients by what was asked for.

    What is shown is checked first: everything but ``model`` and ``backward`` raises IndexcalcError E490 for passes
    that are wrong.
    """

    def __init__(
        self,
        asking: Asking,
        model: Model,
        backward: Backward,
        wanted: Sequence[Input],
        source: Source,
        parts: Sequence[tuple[str, Equation]],
        results: Mapping[str, tuple[Equation, ...]],
        has_steps: bool,
    ) -> None:
        """``parts``: every equation with the part that it belongs to, in order; ``results``: those that answer for each
        of ``wanted``."""
        self.asking, self.model, self.backward = asking, model, backward
        self.parts, self.results = parts, results
        self.has_steps = has_steps
        self.wanted = wanted
        self.source = source
        self.written = Written(model, [equation for part, equation in parts if part != "forward"])

    @property
    def is_open(self) -> bool:
        """Whether the number of steps is a symbol."""
        return bool(self.backward.least)

    # ------------------------------------------------------------------ equations
    def lines(self) -> Iterator[tuple[str, Line]]:
        """Each equation in print, with the part that it belongs to."""
        self.verified  # noqa: B018
        return ((part, self.written.line(equation)) for part, equation in self.parts)

    def texts(self, part: str, indexed: bool = False) -> list[str]:
        """The equations of a part as text: definitions that can be read again."""
        return [line.text(indexed) for own, line in self.lines() if own == part]

    def __str__(self) -> str:
        return "\n".join(line.text() for _, line in self.lines())

    @property
    def forward(self) -> list[str]:
        """What the user defined, in matrix notation."""
        return self.texts("forward")

    @property
    def adjoints(self) -> list[str]:
        """The equations of the adjoints, the results last, in matrix notation."""
        return [line.text() for part, line in self.lines() if part != "forward"]

    # ------------------------------------------------------------------ the proof
    @cached_property
    def verified(self) -> dict[str, Any]:
        """That every adjoint is proved to be the derivative of the model with its loops written out, for which lengths,
        and the largest relative error of the derivative beside differences. Raises IndexcalcError E490."""
        try:
            exact, error = self._proof.check()
        except IndexcalcError as failed:
            raise failed.located(self.asking.text) from None
        return {
            "exact": exact,
            "numeric_error": None if error is None else float(f"{error:.0e}"),
            "lengths": self.lengths if self.is_open else [],
        }

    @property
    def lengths(self) -> list[dict[str, int]]:
        """The lengths for which loops are written out in proofs; one without any where they are numbers already."""
        return self._proof.lengths()

    @cached_property
    def _proof(self) -> Proof:
        return Proof(self.model, self.written, self.source, self.backward.least, self.results)

    def definitions(self, lengths: Mapping[str, int]) -> list[str]:
        """The lengths as given, the shapes of inputs, the user's statements, then an equation for each name of ours and
        for each adjoint."""
        given = [f"{name} = {value}" for name, value in lengths.items()]
        given += [self.declaration(i) for i in self.model.inputs if i.assumed] if self.is_open else []
        own = [self.written.line(e).text() for e in self.model.equations if e.name in self.source.own]
        return [*given, *self.source.texts, *own, *self.adjoints]

    @property
    def tried(self) -> str:
        """For which lengths something was tried: ``T = 1, …, 4``."""
        count = len(self.lengths) - 1
        return " and ".join(f"{name} = {first}, …, {first + count}" for name, first in self.backward.least.items())

    @property
    def proved(self) -> str:
        """What was proved, in words."""
        how = "exactly" if self.verified["exact"] else "in floats"
        where = f"written out for {self.tried}, " if self.is_open else ""
        return f"{where}each adjoint is the derivative of the whole, {how}"

    # ------------------------------------------------------------------ showing itself
    @property
    def report(self) -> Report:
        """The head of the answer: what is differentiated by what, and what was assumed."""
        by = [i.spelling for i in self.wanted]
        least = [f"from {name} = {n} on" for name, n in self.backward.least.items() if n > 1]
        return Report(
            question="diff" if self.asking.form == "grad" else self.asking.form,
            text=self.asking.text,
            name=self.asking.name,
            expression=None,
            variables=by,
            axes=(),
            vector="" if self.source.vector is None else self.source.vector.name,
            declarations=[(self.declaration(i), i.assumed) for i in self.model.inputs],
            notes=[*self.asking.notes, *(["the equations hold " + " and ".join(least)] if least else [])],
            lines=(),
            where={},
            layout="",
            shape="",
        )

    def declaration(self, i: Input) -> str:
        """``x[t]: vector(n) for t = 1..T``"""
        member = self.model.members.get(i.name)
        if member is None or member.family not in self.model.ranges:
            return i.declaration
        low, high = self.model.ranges[member.family]
        step = self.model.step
        own = Input(f"{member.family}[{step}]", f"{member.family}[{step}]", i.rank, i.structure, i.shape, i.assumed)
        return f"{own.declaration} for {step} = {low.text}..{high.text}"

    def rows(self, forms: Sequence[str] = ()) -> Iterator[Row]:
        """The equations as rows of pieces: in matrix notation; those of the adjoints in index notation too where the
        number of steps is a symbol, or only so where only that is asked for."""
        only_indexed = "index" in forms and not {"matrix", "program"} & set(forms)
        found = list(self.lines())
        rows = [(part, line.pieces(only_indexed)) for part, line in found]
        if not only_indexed and ("index" in forms or (self.is_open and not forms)):
            rows += [("index", line.pieces(True)) for part, line in found if part != "forward"]
        before = ""
        for part, pieces in rows:
            yield [(f"  {part if part != before else '':<8}  ", "label"), *pieces]
            before = part
        yield [(f"  {'proved':<8}  ", "label"), (self.proved, "reason")]

    def title(self, partial: str = "d ") -> str:
        """``∂L / ∂W, ∂L / ∂b``"""
        each = [heading(self.report._replace(variables=[i.spelling]), partial) for i in self.wanted]
        return ", ".join(each)

    def latex(self) -> Iterator[str]:
        """The lines of an align* environment."""
        yield f"% {self.title()}"
        yield r"\begin{align*}"
        rows = [(part, line) for part, line in self.lines()]
        for place, (part, line) in enumerate(rows):
            end = r" \\" if place < len(rows) - 1 else ""
            yield rf"  {line.latex()} && \text{{{part}}}{end}"
        yield r"\end{align*}"

    def _repr_latex_(self) -> str:
        lines = [line.latex() for _, line in self.lines()]
        return "$\\displaystyle \\begin{aligned}" + r" \\ ".join(lines) + "\\end{aligned}$"

    # ------------------------------------------------------------------ results
    @cached_property
    def arguments(self) -> dict[str, str]:
        """The argument of the code for each input, by the name that the user typed; of a family for all members."""
        from indexcalc.backprop.code import arguments

        return arguments(self.model, self.backward)

    def to_code(self, backend: str = "numpy", sizes: Mapping[str, int] | None = None) -> str:
        """A module for NumPy ("numpy"), JAX ("jax") or PyTorch ("torch") with the function ``value_and_grad``, which
        returns the value and a dictionary of the gradients, by the names that the user typed. A family x[t] is one
        array, a member a row. Loops stay loops where their length is a symbol. Raises IndexcalcError E404."""
        from indexcalc.backprop.code import value_and_grad  # most answers are never code

        if self.asking.form not in ("diff", "grad"):
            message = "there is code for gradients only"
            raise IndexcalcError("E404", message, help="ask for `grad(L)`", text=self.asking.text)
        summary = [f"The value of {self.asking.name} and its gradients.", *[line.text() for _, line in self.lines()]]
        summary = summary if sum(map(len, summary)) <= LONGEST else summary[:1]
        return value_and_grad(self.model, self.backward, backend, dict(sizes or {}), summary)

    @cached_property
    def gradients(self) -> list[Gradient]:
        """One for each variable that was asked for, in order."""
        return [Gradient(self, i) for i in self.wanted]

    def to_dict(self) -> dict[str, Any]:
        """The equations as text, by part, in matrix notation and in index notation; and what proves them."""
        parts = tuple(dict.fromkeys(part for part, _ in self.parts))
        return {
            **{part: self.texts(part) for part in parts},
            "index": {part: self.texts(part, indexed=True) for part in parts},
            "verified": self.verified,
        }


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
