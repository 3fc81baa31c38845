"""One answer: a derivative (or an expression, order 0) and its forms, each made when first asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from indexcalc.calculus.derivative import differential, jacobian, pullback
from indexcalc.errors import IndexcalcError
from indexcalc.forms import algebra
from indexcalc.forms.context import FIRST, Context
from indexcalc.forms.expansion import alternatives
from indexcalc.forms.index import IndexForms, Letters, all_letters
from indexcalc.forms.kronecker import vec_form
from indexcalc.forms.matrix import MatrixForms, NoMatrixForm
from indexcalc.forms.nodes import Form, Symbol
from indexcalc.numeric import numpy_code
from indexcalc.render import latex
from indexcalc.render.report import Line, Report
from indexcalc.render.text import indices as index_text
from indexcalc.render.text import text
from indexcalc.tensor.nodes import Node, Shape, Variable, descendants, variable
from indexcalc.tensor.product import einsum, reindex
from indexcalc.tensor.sums import Sum, add

GROUPS = ("ij", "kl", "pq")
"""The letters of the axes: of the output and of the variables in turn, two for each that has any."""


@dataclass(frozen=True, slots=True)
class Input:
    """A variable of the question: its node's name, how the user spelled it, and what was assumed of it."""

    name: str
    spelling: str
    kind: str
    shape: Shape
    assumed: bool


@dataclass(frozen=True)
class Task:
    """What is asked, worked out as tensor expressions.

    ``form`` is diff, grad, hess, hvp, vjp, jvp or simplify. ``output`` is the expression; ``wrt`` the
    variables in turn; ``vector`` the cotangent of vjp or the direction of jvp and hvp. ``name`` stands for
    the output, ``letters`` are the user's names for its axes and for those of each variable.
    """

    text: str
    form: str
    output: Node
    wrt: tuple[Variable, ...]
    vector: Node | None
    name: str
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]
    typed: tuple[tuple[Node, Sequence[Node]], ...]
    letters: tuple[Letters, ...] = ()
    preferred: Letters = ()
    layout: str = "numerator"
    line: int = 1
    taken: frozenset[str] = frozenset()
    named: dict[Node, str] = field(default_factory=dict)


class Printed(NamedTuple):
    """The forms of one tensor: the node that was printed, its index form if that was asked for, its matrix form
    or why there is none."""

    node: Node
    indexed: Form | None
    matrix: Form | None
    reason: str | None

    @property
    def shown(self) -> Form:
        form = self.indexed if self.matrix is None else self.matrix
        assert form is not None
        return form

    @property
    def notation(self) -> str:
        return "index" if self.matrix is None else "matrix"

    def tensor_text(self, letters: Letters) -> str:
        """Matrix text, or index text with a left-hand side of its own."""
        return text(self.shown) if self.matrix is not None else f"D{index_text(letters)} = {text(self.shown)}"


class Answer:
    """The answer to one question. Forms are text, or None where there is no such form."""

    def __init__(self, task: Task) -> None:
        self.task = task

    # ------------------------------------------------------------------ the derivative
    @property
    def order(self) -> int:
        return len(self.task.wrt)

    @cached_property
    def gradient(self) -> Node:
        """The first derivative."""
        return jacobian(self.task.output, self.task.wrt[0])

    @cached_property
    def derivative(self) -> Node:
        """What is asked: the output's axes first (vjp and hvp have only the variable's)."""
        task = self.task
        match task.form:
            case "simplify":
                return task.output
            case "vjp":
                assert task.vector is not None
                return pullback(task.output, task.wrt[0], task.vector)
            case "jvp":
                assert task.vector is not None
                return differential(task.output, task.wrt[0], task.vector)
            case "hvp":
                assert task.vector is not None
                return differential(self.gradient, task.wrt[1], task.vector)
        return self.gradient if self.order == 1 else jacobian(self.gradient, task.wrt[1])

    @cached_property
    def node(self) -> Node:
        """The derivative with its axes in the order of the layout."""
        first = len(self.task.output.shape)
        if not self._transposed:
            return self.derivative
        rank = len(self.derivative.shape)
        turned = (*range(rank - first, rank), *range(rank - first))
        return reindex(self.derivative, turned)

    @property
    def _transposed(self) -> bool:
        """Whether the layout puts the variable's axes before the output's."""
        return self.task.layout == "denominator" and self.task.form in ("diff", "grad", "hess") and bool(self.order)

    @property
    def shape(self) -> Shape:
        return self.node.shape

    # ------------------------------------------------------------------ names
    def _fresh(self, stem: str) -> str:
        taken = {i.name for i in self.task.inputs} | self.task.taken | {self.task.name}
        names = (f"{stem}{k or ''}" for k in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    @cached_property
    def cotangent(self) -> str | None:
        if self.task.form == "vjp":
            return self.task.vector.name if isinstance(self.task.vector, Variable) else None
        return self._fresh("G") if self.order == 1 and self.task.form in ("diff", "grad") else None

    @cached_property
    def perturbation(self) -> str | None:
        if self.task.form in ("jvp", "hvp"):
            return self.task.vector.name if isinstance(self.task.vector, Variable) else None
        return self._fresh(f"d{self.task.wrt[-1].name}") if self.task.form in ("diff", "grad", "hess") else None

    @cached_property
    def _axis_letters(self) -> tuple[Letters, ...]:
        """The letters of the output's axes and of each variable's: the user's, else by habit."""
        task = self.task
        groups: list[Shape] = {
            "simplify": [task.output.shape],
            "vjp": [task.wrt[0].shape] if task.wrt else [],
            "hvp": [task.wrt[0].shape] if task.wrt else [],
            "jvp": [task.output.shape],
        }.get(task.form, [task.output.shape, *[v.shape for v in task.wrt]])
        letters_ = task.letters[1:] if task.form in ("vjp", "hvp") else task.letters
        given: list[Letters] = [*letters_[: len(groups)], *[()] * (len(groups) - len(letters_))]
        used = {letter for letters in given for letter in letters} | set(task.preferred)
        pairs = list(GROUPS)
        found: list[Letters] = []
        for shape, letters in zip(groups, given, strict=True):
            if shape and len(letters) != len(shape):
                pair = next((p for p in pairs if len(p) >= len(shape) and not used & set(p[: len(shape)])), "")
                spare = (letter for letter in all_letters() if letter not in used)
                letters = tuple(pair[: len(shape)]) or tuple(islice(spare, len(shape)))
                used |= set(pair or letters)
            found.append(letters if shape else ())
        return tuple(found)

    @cached_property
    def letters(self) -> Letters:
        """The letter of each axis, in the order of the layout."""
        groups = self._axis_letters
        if self._transposed:
            groups = (*groups[1:], groups[0])
        return tuple(letter for letters in groups for letter in letters)

    # ------------------------------------------------------------------ forms
    @cached_property
    def _context(self) -> Context:
        task = self.task
        places = {i.name: 2 * place for place, i in enumerate(task.inputs)}
        if self.cotangent:
            places[self.cotangent] = FIRST
        if self.perturbation and self.order:
            places.setdefault(self.perturbation, places[task.wrt[-1].name] + 1)
        names = dict(task.named)
        if task.name and task.form != "simplify" and task.output.children:
            names[task.output] = task.name
            places.setdefault(task.name, 0)
        return Context(places, task.typed, names)

    @cached_property
    def _matrices(self) -> MatrixForms:
        return MatrixForms(self._context)

    def _printed(self, node: Node, letters: Letters) -> Printed:
        indexed = IndexForms(self._context, self._matrices, letters, self.task.preferred)
        try:
            best, matrix = self._matrices.answer(node)
            return Printed(best, indexed.form(best, letters), matrix, None)
        except NoMatrixForm as reason:
            forms = [(candidate, indexed.form(candidate, letters)) for candidate in (node, *alternatives(node))]
            best, index = min(forms, key=lambda pair: pair[1].cost)
            return Printed(best, index, None, str(reason))

    @cached_property
    def _forms(self) -> Printed:
        return self._printed(self.node, self.letters)

    @cached_property
    def index(self) -> str:
        """The derivative in index notation; its axes are ``indices``."""
        return text(self._index_form)

    @property
    def _index_form(self) -> Form:
        assert self._forms.indexed is not None
        return self._forms.indexed

    @cached_property
    def matrix(self) -> str | None:
        """The derivative in matrix notation."""
        return None if self._forms.matrix is None else text(self._forms.matrix)

    @property
    def no_matrix_reason(self) -> str | None:
        return self._forms.reason

    @property
    def vec(self) -> str | None:
        """∂vec(Y)/∂vec(X)' for a derivative of order 3 or 4."""
        return None if self.vec_form is None else text(self.vec_form)

    @cached_property
    def vec_form(self) -> Form | None:
        """The form of ``vec``."""
        if self.task.form not in ("diff", "grad", "hess"):
            return None
        first = len(self.task.output.shape) + (len(self.task.wrt[0].shape) if self.order == 2 else 0)
        form = vec_form(self._matrices, self.derivative, first)
        return algebra.transpose(form) if form is not None and self._transposed else form

    @cached_property
    def _pullback(self) -> tuple[Printed, Letters] | None:
        task = self.task
        if task.form == "vjp" or (task.form in ("diff", "grad") and self.order == 1 and not task.output.shape):
            return self._forms, self.letters
        if task.form in ("diff", "grad") and self.order == 1:
            letters = self._axis_letters[1]
            return self._printed(self.pullback_node, letters), letters
        return None

    @cached_property
    def pullback_node(self) -> Node:
        """The gradient of sum(G .* output); of a scalar output, its gradient."""
        task = self.task
        if task.form == "vjp":
            return self.derivative
        if self.cotangent is None or not task.output.shape:
            return self.gradient
        return pullback(task.output, task.wrt[0], variable(self.cotangent, task.output.shape))

    @property
    def pullback(self) -> str | None:
        """The vector-Jacobian product for the cotangent; of a scalar output, its gradient."""
        return None if self._pullback is None else self._pullback[0].tensor_text(self._pullback[1])

    @property
    def pullback_notation(self) -> str | None:
        """``matrix``, or ``index``: then the text has a left-hand side of its own."""
        return None if self._pullback is None else self._pullback[0].notation

    @cached_property
    def _differential(self) -> tuple[Printed, Letters] | None:
        task = self.task
        if task.form in ("jvp", "hvp"):
            return self._forms, self.letters
        if self.perturbation is None or not self.order:
            return None
        node = self._contracted(variable(self.perturbation, task.wrt[-1].shape))
        groups = self._axis_letters
        letters = groups[0] if self.order == 1 else groups[0] + groups[1]
        try:  # its best writing is known from the derivative's
            return Printed(node, None, self._matrices.form(node), None), letters
        except NoMatrixForm:
            return self._printed(node, letters), letters

    def _contracted(self, perturbation: Node) -> Node:
        """The derivative times a perturbation of its last variable, term by term."""
        node = self.derivative if self._transposed else self._forms.node
        axes = tuple(range(len(node.shape)))
        kept = axes[: len(axes) - len(perturbation.shape)]
        last = (perturbation, axes[len(kept) :])
        terms = node.terms if isinstance(node, Sum) and kept else [(1, node)]
        return add((c, einsum(1, [(term, axes), last], kept)) for c, term in terms)

    @property
    def differential(self) -> str | None:
        """The change of the output (order 2: of the gradient) for the perturbation."""
        return None if self._differential is None else self._differential[0].tensor_text(self._differential[1])

    @property
    def differential_notation(self) -> str | None:
        """``matrix``, or ``index``: then the text has a left-hand side of its own."""
        return None if self._differential is None else self._differential[0].notation

    # ------------------------------------------------------------------ results
    @property
    def stats(self) -> dict[str, int]:
        """The size of the derivative's graph: nodes that are no variables or numbers, and their operands."""
        inner = [node for node in descendants([self.derivative]) if node.children]
        return {"nodes": len(inner), "operations": sum(len(node.children) for node in inner)}

    @cached_property
    def _arguments(self) -> dict[str, str]:
        return numpy_code.argument_names([i.name for i in self.task.inputs])

    def to_code(self, backend: str = "numpy", form: str = "jacobian", with_value: bool = False) -> str:
        """A module with ``derivative`` (or ``pullback``) that returns the array with the axes of ``shape``; with
        ``with_value`` the output's value and the array."""
        if backend != "numpy":
            raise IndexcalcError("E404", f"code for {backend} is not supported yet")
        if form not in ("jacobian", "pullback"):
            raise IndexcalcError("E404", f"code for the form {form!r} is not supported yet")
        if form == "pullback" and self._pullback is None:
            raise IndexcalcError("E404", "this answer has no pullback")
        arguments = dict(self._arguments)
        shapes = {i.name: i.shape for i in self.task.inputs}
        result, task_shape = self.node, self.task.output.shape
        if form == "pullback":
            result = self.pullback_node
            if self.cotangent is not None and task_shape and self.cotangent not in arguments:
                arguments = {self.cotangent: numpy_code.argument_name(self.cotangent), **arguments}
                shapes[self.cotangent] = self.task.output.shape
        results = [self.task.output, result] if with_value else [result]
        name = "pullback" if form == "pullback" else "derivative"
        return numpy_code.module(name, results, arguments, shapes, self._summary(name))

    def _summary(self, name: str) -> str:
        shape = " x ".join(map(str, self.pullback_node.shape if name == "pullback" else self.shape)) or "a scalar"
        return f"{name} of {self.task.text}: {shape}.".replace("\\", "\\\\").replace('"', "'")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of LANGUAGE.md, section 4."""
        task = self.task
        forms, pulled = self._forms, self._pullback
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
            "notes": list(task.notes),
            "indices": list(self.letters),
            "index": self.index,
            "matrix": self.matrix,
            "no_matrix_reason": forms.reason,
            "vec": self.vec,
            "cotangent": self.cotangent,
            "pullback": self.pullback,
            "pullback_notation": self.pullback_notation,
            "perturbation": self.perturbation,
            "differential": self.differential,
            "differential_notation": self.differential_notation,
            "structured": None,
            "where": {},
            "latex": {
                "index": latex.latex(self._index_form),
                "matrix": None if forms.matrix is None else latex.latex(forms.matrix),
                "pullback": None if pulled is None else latex.latex(pulled[0].shown),
            },
            "arguments": {i.spelling: self._arguments[i.name] for i in task.inputs},
            "verified": None,
            "error": None,
        }

    def _spelling(self, name: str) -> str:
        return next((i.spelling for i in self.task.inputs if i.name == name), name)

    # ------------------------------------------------------------------ showing itself
    def report(self, forms: Collection[str] = ()) -> Report:
        """The answer as it is shown, with the named forms or with all."""
        task = self.task
        lines = [line for line in self._lines() if not forms or line.label in forms]
        declared = [(f"{i.spelling}: {_kind(i)}", i.assumed) for i in task.inputs]
        both = len(self.letters) > len(self._axis_letters[0]) > 0 and task.form in ("diff", "grad", "hess")
        return Report(
            question="diff" if task.form in ("grad", "hess") else task.form,
            name=task.name,
            expression=self._expression,
            variables=[self._spelling(v.name) for v in task.wrt],
            axes=self._axis_letters,
            vector="" if task.vector is None else text(self._matrices.form(task.vector)),
            declarations=declared,
            notes=task.notes,
            lines=lines,
            layout=task.layout if both and self.order else "",
            shape=" x ".join(map(str, self.shape)),
        )

    def _lines(self) -> Iterator[Line]:
        forms = self._forms
        yield Line("index", Symbol("D", "", 0, self.letters) if self.letters else None, forms.indexed)
        yield Line("matrix", None, forms.matrix, forms.reason or "")
        if self.vec_form is not None:
            yield Line("vec", None, self.vec_form)
        for label, printed in (("pullback", self._pullback), ("differential", self._differential)):
            if printed is not None and self.task.form in ("diff", "grad", "hess"):
                shown, letters = printed
                left = Symbol("D", "", 0, letters) if shown.matrix is None and letters else None
                if label == "differential" or self.task.output.shape:
                    yield Line(label, left, shown.shown)

    @cached_property
    def _expression(self) -> Form | None:
        """The expression as it was read."""
        output = self.task.output
        forms = MatrixForms(Context(self._context.places, self.task.typed))
        try:
            return forms.form(output)
        except NoMatrixForm:
            letters = self._axis_letters[0]
            if len(letters) != len(output.shape):
                return None
            return IndexForms(forms.context, forms, letters, self.task.preferred).form(output, letters)

    def __rich__(self) -> object:
        from indexcalc.render.terminal import TerminalReport  # rich is heavy: only when it is there already

        return TerminalReport(self.report())

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {latex.latex(self._forms.shown)}$"


def _kind(declared: Input) -> str:
    sizes = ", ".join(map(str, declared.shape))
    return f"{declared.kind}({sizes})" if sizes else declared.kind
