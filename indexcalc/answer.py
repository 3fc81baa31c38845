"""One answer: a derivative (or an expression, order 0) and its forms as text, each made when first asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from indexcalc.certificate import Certificate, Check
from indexcalc.derivation import Derivation, Task
from indexcalc.errors import IndexcalcError
from indexcalc.forms.index import first_letters
from indexcalc.forms.nodes import Symbol
from indexcalc.forms.printed import Printed
from indexcalc.language.index_notation import Letters
from indexcalc.numeric.arguments import argument_names
from indexcalc.render import latex
from indexcalc.render.report import Line, Report
from indexcalc.render.text import text
from indexcalc.tensor.functions import declared_functions
from indexcalc.tensor.nodes import Node, Shape
from indexcalc.written import Written

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Passes
    from indexcalc.computation import Computation
    from indexcalc.numeric.data import Source
    from indexcalc.numeric.networks import Network
    from indexcalc.numeric.paths import Optimizer

MOST_NODES = 100
"""Nodes of a derivative's graph up to which code shows its formula."""
SHORT = 32
"""Characters of a part that is shown whole."""
SAME = "the same in every layout"
INDEXED = ("index", "entries")
"""Forms whose axes are the derivative's, by its letters."""
UNCHECKED = "no point was found at which the derivative could be compared with differences of the expression"


class Answer:
    """The answer to one question. Forms are text, or None where there is no such form.

    What is shown as a whole is checked first: ``to_dict``, ``to_code`` and ``report`` raise IndexcalcError E490 for an
    answer that fails; without ``certified`` they do not look.
    """

    def __init__(self, task: Task, certified: bool = True, passes: Passes | None = None) -> None:
        self.task = task
        self.passes = passes
        self.certified = certified
        self.derivation = Derivation(task)
        self._written = Written(self.derivation, by_definitions=False)
        self.certificate = Certificate(self.derivation)

    @cached_property
    def _shown(self) -> Written:
        """The forms as people read them."""
        shown = Written(self.derivation, by_definitions=True)
        if shown.names == self._written.names:
            return self._written
        return Written(self.derivation, by_definitions=True, unnamed=shown.idle) if shown.idle else shown

    @property
    def order(self) -> int:
        """1 for a first derivative, 2 for a second, 0 for an expression."""
        return self.derivation.order

    @property
    def shape(self) -> Shape:
        """The sizes of the derivative's axes, in the order of the layout."""
        return self.derivation.node.shape

    @property
    def indices(self) -> tuple[str, ...]:
        """The letters of the derivative's axes in the index form."""
        return self.derivation.letters

    # ------------------------------------------------------------------ forms
    @cached_property
    def index(self) -> str:
        """The derivative in index notation; its axes are ``indices``."""
        return text(self._written.derivative.indexed)

    @cached_property
    def matrix(self) -> str | None:
        """The derivative in matrix notation."""
        form = self._written.derivative.matrix
        return None if form is None else text(form)

    @property
    def no_matrix_reason(self) -> str | None:
        """Why there is no matrix form."""
        return self._written.derivative.reason

    @cached_property
    def vec(self) -> str | None:
        """The Kronecker form ∂vec(Y)/∂vec(X)' of a derivative of order 3 or 4."""
        return None if self._written.vec is None else text(self._written.vec)

    @property
    def cotangent(self) -> str | None:
        """The name in ``pullback`` of a tensor of the output's shape."""
        return self.derivation.cotangent

    @cached_property
    def pullback(self) -> str | None:
        """The vector-Jacobian product for the cotangent; of a scalar output, its gradient."""
        return _with_left(self._written.pullback)

    @property
    def pullback_notation(self) -> str | None:
        """``matrix``, or ``index``: then the text has a left-hand side of its own."""
        return _notation(self._written.pullback)

    @property
    def perturbation(self) -> str | None:
        """The name in ``differential`` of a tensor of the variable's shape."""
        return self.derivation.perturbation

    @cached_property
    def differential(self) -> str | None:
        """The change of the output (order 2: of the gradient) for the perturbation."""
        return _with_left(self._written.differential)

    @property
    def differential_notation(self) -> str | None:
        """``matrix``, or ``index``: then the text has a left-hand side of its own."""
        return _notation(self._written.differential)

    @cached_property
    def structured(self) -> str | None:
        """The gradient by a structured variable along the tangent space of its kind."""
        return _with_left(self._written.structured)

    @cached_property
    def where(self) -> dict[str, str]:
        """The names that very long forms use for their parts, in order."""
        return {name: text(form) for name, form in self._written.where.items()}

    @property
    def stats(self) -> dict[str, int]:
        """``nodes`` and ``operations`` of the derivative's graph."""
        return self.derivation.stats

    # ------------------------------------------------------------------ the certificate
    @cached_property
    def verified(self) -> dict[str, Any] | None:
        """Whether every form is proved to be the derivative, and the largest relative error of the derivative beside
        differences of the expression; None where no point was found to compare them at, or nothing is checked.
        Raises IndexcalcError E490."""
        if not self.certified:
            return None
        texts = {"index": self.index, "matrix": self.matrix, "vec": self.vec, "pullback": self.pullback}
        texts |= {"differential": self.differential, "structured": self.structured}
        certificate, letters = self.certificate, self.indices
        checks = [certificate.derivative(), certificate.pullback()]
        reader = self._written.reader
        for label, shown in texts.items():
            if shown is not None:
                written = letters if label == "index" else () if " = " in shown else None
                checks.append(certificate.form(label, shown, written, reader))
        checks += self._certified_names(self._written)
        errors = [check.error for check in checks]
        known = [error for error in errors if error is not None]
        error = float(f"{max(known):.0e}") if len(known) == len(errors) else None
        return {"exact": all(check.exact for check in checks), "numeric_error": error}

    def _certified_names(self, written: Written) -> list[Check]:
        """The names that forms use for their parts."""
        reader, nodes = written.reader, {name: node for node, name in written.writer.context.names.items()}
        return [self.certificate.name(name, text(form), nodes[name], reader) for name, form in written.where.items()]

    @property
    def _notes(self) -> list[str]:
        """What was assumed, and whether the derivative could not be compared with differences."""
        lacking = self.certified and self.certificate.derivative().error is None
        return [*self.task.notes, *([UNCHECKED] if lacking else [])]

    def _certify(self, lines: Collection[Line]) -> None:
        """What is about to be shown. Raises IndexcalcError E490."""
        if not self.certified:
            return
        certificate, shown = self.certificate, self._shown
        certificate.derivative()
        for line in lines:
            if line.form is not None:
                plain = line.left is None or line.label == "component"
                left = "" if plain or line.left is None else f"{text(line.left)} = "
                letters: Letters | None = self.indices if line.label in INDEXED else () if left else None
                certificate.form(line.label, left + text(line.form), letters, shown.reader)
        self._certified_names(shown)

    # ------------------------------------------------------------------ results
    @cached_property
    def arguments(self) -> dict[str, str]:
        """The argument of the code for each variable, by the name that the user typed."""
        declared = any(i.rank == "elementwise" for i in self.task.inputs)  # f' is no input
        functions = [(name, name) for name in declared_functions([self.derivation.node])] if declared else []
        spelled = dict.fromkeys([*((i.name, i.spelling) for i in self.task.inputs), *functions])
        names = argument_names([name for name, _ in spelled])
        return {spelling: names[name] for name, spelling in spelled}

    def to_code(
        self,
        backend: str = "numpy",
        form: str = "jacobian",
        with_value: bool = False,
        compressed: bool = False,
        sizes: Mapping[str, int] | None = None,
    ) -> str:
        """A module for NumPy ("numpy", or "einsum" for one call of einsum a product), JAX ("jax") or PyTorch ("torch")
        with the function ``derivative`` (or ``pullback``), which returns the array with the axes of ``shape``.

        With ``with_value`` it returns the output's value and the array; with ``compressed`` the array without its
        deltas and constant axes, which the docstring says how to put in. The order of contractions is chosen for
        ``sizes``, by symbol. Raises IndexcalcError E404, and E218 for a size that the question does not have.
        """
        from indexcalc.emission import code, known_sizes, results  # most answers are never code

        found = results(self.derivation, form, with_value)
        formula = self._formula(form)
        letters = self.indices if form == "jacobian" else self.derivation.groups[1]
        given = known_sizes(self.derivation, sizes or {})
        return code(found, backend, self.task.text, formula, given, letters if compressed else None)

    def _formula(self, form: str) -> list[str]:
        """The derivative, or the pullback, as text that is checked; nothing where it is very long or has none."""
        written, certificate = self._written, self.certificate
        if self.certified:
            certificate.derivative()
            certificate.pullback()
        if self.stats["nodes"] > MOST_NODES:
            return []
        label, letters = ("pullback", None) if form == "pullback" and self.task.output.shape else ("matrix", None)
        try:
            shown = self.pullback if label == "pullback" else self.matrix
            if shown is None:
                label, letters, shown = "index", self.indices, self.index
            if written.where:
                return []
        except IndexcalcError:  # no text for this yet
            return []
        if self.certified:
            certificate.form(label, shown, () if label == "pullback" and " = " in shown else letters, written.reader)
        return [f"D_{''.join(letters)} = {shown}" if letters else shown]

    def path(
        self,
        sizes: Mapping[str, int] | None = None,
        optimizer: Optimizer | None = None,
        seconds: float = 1.0,
    ) -> list[Network]:
        """Every contraction in the derivative with the best path that is found in about ``seconds``: its steps, their
        operations, and the largest intermediate result. A size symbol that ``sizes`` does not have counts as 100.

        An ``optimizer`` in opt_einsum's protocol, ``optimizer(inputs, output, size_dict, memory_limit)``, is asked in
        place of opt_einsum's own. Raises IndexcalcError E218 for a size that the question does not have.
        """
        from indexcalc.emission import known_sizes
        from indexcalc.numeric.networks import networks

        given = known_sizes(self.derivation, sizes or {})
        return networks(self.derivation.node, given, seconds, optimizer)

    def computation(
        self,
        sources: Mapping[str, Source],
        form: str = "jacobian",
        sizes: Mapping[str, int] | None = None,
        dtype: str = "float64",
    ) -> Computation:
        """The derivative, or with ``form="pullback"`` its product with a cotangent, ready to be run on arrays by the
        variables' names. Raises IndexcalcError: E203 where shapes do not fit, E313 where data is missing."""
        from indexcalc.computation import Computation

        if self.certified:
            self.certificate.derivative()
            self.certificate.pullback()
        return Computation(self.derivation, sources, form, sizes, dtype)

    def spelled(self, node: Node) -> str:
        """A part of the derivative as text; "" where it has no short one."""
        try:
            shown = text(self._written.writer.plain(node, first_letters(len(node.shape))).shown)
        except IndexcalcError:
            return ""
        return shown if len(shown) <= SHORT else ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of LANGUAGE.md, section 4."""
        task, written, verified = self.task, self._written, self.verified
        index, matrix, pullback = written.derivative.indexed, written.derivative.matrix, written.pullback
        return {
            "schema": 1,
            "line": task.line,
            "input": task.text,
            "ok": True,
            "wrt": [self._spelling(v.name) for v in task.wrt],
            "order": self.order,
            "shape": list(self.shape),
            "layout": task.layout,
            "declarations": {
                i.spelling: {"kind": i.kind, "shape": list(i.shape), "assumed": i.assumed} for i in task.inputs
            },
            "notes": self._notes,
            "indices": list(self.indices),
            "index": self.index,
            "matrix": self.matrix,
            "no_matrix_reason": self.no_matrix_reason,
            "vec": self.vec,
            "cotangent": self.cotangent,
            "pullback": self.pullback,
            "pullback_notation": self.pullback_notation,
            "perturbation": self.perturbation,
            "differential": self.differential,
            "differential_notation": self.differential_notation,
            "structured": self.structured,
            "where": self.where,
            "latex": {
                "index": latex.latex(index),
                "matrix": None if matrix is None else latex.latex(matrix),
                "pullback": None if pullback is None else latex.latex(pullback.shown),
            },
            "arguments": self.arguments,
            "verified": verified,
            "error": None,
            **({"program": self.passes.to_dict()} if self.passes is not None and self.passes.has_steps else {}),
        }

    def _spelling(self, name: str) -> str:
        return next((i.spelling for i in self.task.inputs if i.name == name), name)

    # ------------------------------------------------------------------ showing itself
    def report(self, forms: Collection[str] = ()) -> Report:
        """The answer as it is shown to a person: with the named forms or with all, and the user's own names."""
        task, shown = self.task, self._shown
        lines = [line for line in self._lines() if not forms or line.label in forms]
        self._certify(lines)
        return Report(
            question="diff" if self.derivation.is_derivative else task.form,
            text=task.text,
            name=task.name,
            expression=shown.expression,
            variables=[self._spelling(v.name) for v in task.wrt],
            axes=self.derivation.groups,
            vector="" if task.vector is None else text(shown.writer.plain(task.vector, ()).shown),
            declarations=[(i.declaration, i.assumed) for i in task.inputs],
            notes=[*self._notes, *(f"shorter if {name} is symmetric: {text(form)}" for name, form in shown.hints)],
            lines=lines,
            where=shown.where,
            layout=f"{task.layout} layout" if task.has_layouts else SAME if self.derivation.is_derivative else "",
            shape=" x ".join(map(str, self.shape)),
        )

    def _lines(self) -> Iterator[Line]:
        shown = self._shown
        main = shown.derivative
        yield Line("index", Symbol("D", "", 0, self.indices) if self.indices else None, main.indexed)
        if shown.entries is not None:
            yield Line("entries", Symbol("D", "", 0, self.indices), shown.entries)
        yield Line("matrix", None, main.matrix, main.reason or "")
        if shown.component is not None:
            letters = [letter for letters in self.derivation.groups for letter in letters]
            fixed = tuple([letters[axis] for axis in self.derivation.fixed])
            yield Line("component", Symbol("D", "", 0, fixed), shown.component)
        if shown.vec is not None:
            yield Line("vec", None, shown.vec)
        if self.derivation.is_derivative:
            if shown.pullback is not None and self.task.output.shape:
                yield Line("pullback", shown.pullback.left, shown.pullback.shown)
            if shown.differential is not None:
                yield Line("differential", shown.differential.left, shown.differential.shown)
            if shown.structured is not None:
                yield Line("structured", shown.structured.left, shown.structured.shown)

    def __rich__(self) -> object:
        from indexcalc.render.terminal import TerminalReport  # rich is heavy: only when it is there already

        return TerminalReport(self.report())

    def _repr_latex_(self) -> str:
        main = self._shown.derivative
        self._certify([line for line in self._lines() if line.form is main.shown])
        return f"$\\displaystyle {latex.latex(main.shown)}$"


def _with_left(printed: Printed | None) -> str | None:
    """Matrix text, or index text with a left-hand side of its own."""
    if printed is None:
        return None
    if printed.matrix is not None:
        return text(printed.matrix)
    return (f"{text(printed.left)} = " if printed.left is not None else "D = ") + text(printed.shown)


def _notation(printed: Printed | None) -> str | None:
    return None if printed is None else "index" if printed.matrix is None else "matrix"
