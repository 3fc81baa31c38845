"""form → LaTeX, as it stands in papers, and report → an align* environment; both with amsmath."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from indexcalc.forms.nodes import (
    POSTFIX,
    PRODUCT,
    SUM,
    Call,
    Derivative,
    Entries,
    Form,
    Number,
    Power,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    brackets,
    postfix_brackets,
)
from indexcalc.language.characters import GREEK_NAMES
from indexcalc.render.plain import assumed, title
from indexcalc.render.report import Line, Report
from indexcalc.tensor.functions import BY_NAME
from indexcalc.tensor.nodes import Rational, magnitude

Piece = str | Form

SPELLED = {"eps": r"\varepsilon"} | dict(
    zip(
        ["omicron", "Alpha", "Beta", "Eps", "Zeta", "Eta", "Iota", "Kappa", "Mu", "Nu", "Omicron", "Rho", "Tau", "Chi"],
        "oABEZHIKMNOPTX",
        strict=True,
    )
)
COMMANDS = (GREEK_NAMES | {"epsilon"}) - SPELLED.keys()
"""The Greek names that are LaTeX commands; the other capitals look Latin."""

CALLS: dict[str, Callable[[Sequence[Form]], list[Piece]]] = {
    "inv": lambda a: [*_atom(a[0]), "^{-1}"],
    "eye": lambda a: ["I_{", a[0], "}"],
    "ones": lambda a: [r"\mathbf{1}_{", *_joined(a, r" \times "), "}"],
    "zeros": lambda a: [r"\mathbf{0}_{", *_joined(a, r" \times "), "}"],
    "commutation": lambda a: ["K_{", *_joined(a, ", "), "}"],
    "norm1": lambda a: [r"\left\lVert ", a[0], r" \right\rVert_1"],
    "norm2": lambda a: [r"\left\lVert ", a[0], r" \right\rVert_2"],
    "abs": lambda a: [r"\left\lvert ", a[0], r" \right\rvert"],
    "sqrt": lambda a: [r"\sqrt{", a[0], "}"],
    "kron": lambda a: [*_factor(a[0]), r" \otimes ", *_factor(a[1])],
    "logdet": lambda a: [r"\log\left\lvert\det ", *_atom(a[0]), r"\right\rvert"],
}
"""The functions that have a notation of their own; the others print their name."""
NAMES = {"tr": r"\operatorname{tr}", "det": r"\det", "vec": r"\operatorname{vec}", "adj": r"\operatorname{adj}"}


def latex(form: Form) -> str:
    """The LaTeX of a form, for math mode. Iterative: depth is no limit."""
    out: list[str] = []
    stack: list[Piece] = [form]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            out.append(piece)
        else:
            stack += LAYOUTS[type(piece)](piece)[::-1]
    return "".join(out)


def _call(form: Call) -> list[Piece]:
    laid: list[Piece] = []
    if form.function in CALLS and len(form.parts) > (form.function == "kron"):
        laid += CALLS[form.function](form.parts)
    else:
        row = BY_NAME.get(form.function)
        plain = form.function if len(form.function.rstrip("'")) == 1 else rf"\operatorname{{{form.function}}}"
        if form.function:  # none: a product in brackets, with letters
            laid.append(row.latex if row else NAMES.get(form.function, plain))
        laid += [r"\left(", *_joined(form.parts, ", "), r"\right)"]
    return ["{", *laid, _indices("}", form)] if form.letters else laid


def _indices(before: str, form: Call | Entries | SumOver) -> str:
    return before + "_{" + " ".join(map(letter, form.letters)) + "}"


def _power(form: Power) -> list[Piece]:
    above = form.exponent if isinstance(form.exponent, Form) else number(form.exponent)
    return [*_atom(form.parts[0]), r"^{\odot " if form.elementwise else "^{", above, "}"]


def _product(form: Product) -> list[Piece]:
    size = magnitude(form.coefficient)
    laid: list[Piece] = ["-"] if form.coefficient < 0 else []
    if form.divisors and form.operator != ".*":
        above = Product(form.operator, size.numerator, form.factors)
        laid += [r"\frac{", above if size.numerator != 1 or len(form.factors) != 1 else form.factors[0], "}{"]
        if size.denominator != 1:
            laid.append(f"{size.denominator} ")
        for place, divisor in enumerate(form.divisors):
            laid += [r" \, "] if place else []
            laid += _bracketed(divisor, len(form.divisors) > 1 and brackets(divisor, PRODUCT))
        return [*laid, "}"]
    shown = size != 1 or not form.factors
    if shown:
        laid.append(number(size))
    joint = r" \odot " if form.operator == ".*" else r" \, "
    for place, factor in enumerate(form.factors):
        laid += [joint] if place or shown else []
        laid += _bracketed(factor, brackets(factor, PRODUCT))
    for divisor in form.divisors:
        laid += [r" \oslash ", *_bracketed(divisor, brackets(divisor, PRODUCT))]
    return laid


def _sum(form: Sum) -> list[Piece]:
    laid: list[Piece] = []
    for place, (sign, term) in enumerate(form.terms):
        laid.append((" - " if sign < 0 else " + ") if place else ("-" if sign < 0 else ""))
        laid += _bracketed(term, brackets(term, SUM))
    return laid


def _bracketed(part: Form, needed: bool) -> list[Piece]:
    return [r"\left(", part, r"\right)"] if needed else [part]


def _atom(part: Form) -> list[Piece]:
    """A part that something is set above of."""
    own = isinstance(part, Call) and part.function in ("inv", "kron")
    return _bracketed(part, own or postfix_brackets(part) or part.level < POSTFIX or isinstance(part, Transpose))


def _factor(part: Form) -> list[Piece]:
    return _bracketed(part, brackets(part, PRODUCT))


def _joined(parts: Sequence[Form], joint: str) -> list[Piece]:
    return [piece for part in parts for piece in (joint, part)][1:]


LAYOUTS: dict[type[Form], Callable[[Any], list[Piece]]] = {
    Number: lambda form: [number(form.value)],
    Symbol: lambda form: [name(form.name, form.letters)],
    Call: _call,
    Entries: lambda form: [r"\left(", form.parts[0], _indices(r"\right)", form)],
    Transpose: lambda form: [*_atom(form.parts[0]), r"^\top"],
    Power: _power,
    Product: _product,
    Sum: _sum,
    SumOver: lambda form: [
        _indices(r"\sum", form) + " ",
        *_bracketed(form.parts[0], brackets(form.parts[0], SUM)),
    ],
    Derivative: lambda form: [r"\frac{\partial ", form.parts[0], r"}{\partial ", form.parts[1], "}"],
}
"""TABLE: a form as pieces of LaTeX and the forms between them."""


def number(value: Rational) -> str:
    if value.denominator == 1:
        return str(value)
    return ("-" if value < 0 else "") + rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def letter(text: str) -> str:
    """An index letter: ``i``, ``i_1`` for i1, or Greek; or a number, for an entry."""
    if len(text) == 1:
        return text
    stem = text.rstrip("0123456789")
    if not stem:
        return text
    return word(stem) + (f"_{{{text[len(stem) :]}}}" if stem != text else "")


def word(text: str) -> str:
    """A word as a symbol: one letter or a Greek one as it is, others upright."""
    if text in SPELLED:
        return SPELLED[text]
    if text in COMMANDS:
        return f"\\{text}"
    stem = text.rstrip("0123456789")
    if stem and stem != text:
        return f"{word(stem)}_{{{text[len(stem) :]}}}"
    if text.startswith("d") and (
        text[1:2].isupper() or text[1:] in GREEK_NAMES or (len(text) == 2 and text[1].isalpha())
    ):
        return rf"\mathrm{{d}}{word(text[1:])}"
    return text if len(text) == 1 else rf"\mathrm{{{text}}}"


def name(text: str, letters: Sequence[str] = ()) -> str:
    """A name, its subscripts and superscripts upright, with the letters of its axes."""
    indices = " ".join(map(letter, letters))
    if len(text) == 1:
        return f"{text}_{{{indices}}}" if indices else text
    if text.endswith("]") and "^" not in text:  # a step: h[t-1]
        text = text.replace("[", "_{").replace("]", "}")
    stem, *rest = text.replace("^", "_^").split("_")
    subscripts = [part.strip("{}") for part in rest if part and not part.startswith("^")]
    superscripts = [part[1:].strip("{}") for part in rest if part.startswith("^")]
    below = ",".join(part if len(part) == 1 or not part.isalnum() else rf"\mathrm{{{part}}}" for part in subscripts)
    symbol = word(stem)
    if below and indices:
        symbol, below = f"{{{symbol}_{{{below}}}}}", ""
    if "_" in symbol and not symbol.startswith("{") and (below or indices):
        symbol = f"{{{symbol}}}"
    below = below or indices
    above = ",".join(superscripts)
    above = above.replace("<", r"\langle ").replace(">", r"\rangle")
    return symbol + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def equations(report: Report) -> list[tuple[str, str, str]]:
    """The left side, the right side and the label of each form."""
    rows = []
    if report.expression is not None and report.question != "simplify":
        rows.append((name(_output(report)), latex(report.expression), "expression"))
    for line in report.lines:
        right = latex(line.form) if line.form is not None else rf"\text{{none: {line.reason}}}"
        rows.append((_left(report, line), right, line.label))
    return rows + [(name(part), latex(form), "where") for part, form in report.where.items()]


def document(report: Report) -> Iterator[str]:
    """The lines of an align* environment, what was assumed in comments before it."""
    yield f"% {title(report)}"
    yield from (f"% {line}" for line in assumed(report))
    rows = equations(report)
    yield r"\begin{align*}"
    for place, (left, right, label) in enumerate(rows):
        end = r" \\" if place < len(rows) - 1 else ""
        yield rf"  {left} &= {right} && \text{{{label}}}{end}"
    yield r"\end{align*}"


def _output(report: Report) -> str:
    return report.name or "f"


def _left(report: Report, line: Line) -> str:
    """What stands left of the equals sign, by the form that it is."""
    output, variables = _output(report), list(report.variables)
    if report.question == "simplify":
        return name(output, report.axes[0] if line.label == "index" else ())
    match line.label:
        case "pullback":
            return rf"\overline{{{name(variables[0])}}}"
        case "differential":
            return rf"\mathrm{{d}}{name(output)}" if len(variables) == 1 else rf"\mathrm{{d}}\nabla {name(output)}"
        case "vec":
            above = rf"\partial \operatorname{{vec}}({name(output)})"
            return rf"\frac{{{above}}}{{\partial \operatorname{{vec}}({name(variables[-1])})^\top}}"
    if report.question in ("vjp", "hvp"):
        return rf"\overline{{{name(variables[0])}}}" + (
            f"_{{{' '.join(map(letter, line.left.letters))}}}" if isinstance(line.left, Symbol) else ""
        )
    if report.question == "jvp":
        return rf"\mathrm{{d}}{name(output)}"
    if line.label == "component" and isinstance(line.left, Symbol):
        axes: Sequence[tuple[str, ...]] = [tuple(x for x in own if x in line.left.letters) for own in report.axes]
    else:
        axes = report.axes if line.label in ("index", "entries") else [()] * (len(variables) + 1)
    power = f"^{len(variables)}" if len(variables) > 1 else ""
    below = " ".join(rf"\partial {name(v, letters)}" for v, letters in zip(variables, axes[1:], strict=True))
    return rf"\frac{{\partial{power} {name(output, axes[0])}}}{{{below}}}"
