"""The words of LaTeX: what each command stands for, the patterns of its text, and where its statements end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from indexcalc.language.characters import GREEK
from indexcalc.language.library import LATER, LIBRARY
from indexcalc.tensor.functions import BY_NAME

_SIGNS = {
    "PLUS": "+",
    "MINUS": "-",
    "TIMES": r"* @ \cdot \times \ast",
    "DIVIDE": r"/ \div",
    "HADAMARD": r".* ⊙ ∘ \odot \circ",
    "DIVIDE_ELEMENTWISE": r"./ ⊘ \oslash",
    "POWER_ELEMENTWISE": ".^ **",
    "KRONECKER": r"⊗ \otimes",
    "CONTRACT": r": \colon",
    "TRANSPOSE": r"' ᵀ ⊤ \prime",
    "INVERSE_TRANSPOSE": "⁻ᵀ",
    "PARTIAL": r"∂ \partial",
    "COMMA": ",",
    "EQUALS": r"= := \coloneqq \triangleq",
    "CLAIM": r"== \equiv",
    "ARROW": r"-> \to \rightarrow",
    "OPEN": r"( \{ \lbrace \lbrack",
    "CLOSE": r") \} \rbrace \rbrack \rangle",
    "CLOSE_BRACE": "}",
    "RANGE": r".. \dots \ldots \cdots",
}
SIGNS = {sign: kind for kind, signs in _SIGNS.items() for sign in signs.split()}
"""What stands for one token."""
LETTERS = {rf"\{name}": letter for letter, name in GREEK.items() if name != "eps"} | {r"\ell": "ℓ", r"\hbar": "ħ"}
LETTERS |= {rf"\var{GREEK[letter]}": letter for letter in "θφρσπ"} | dict.fromkeys((r"\epsilon", r"\varepsilon"), "ε")
FONTS = frozenset(
    r"\mathbf \boldsymbol \bm \pmb \mathcal \mathscr \mathfrak \vec \underline \overrightarrow \mathop \boxed "
    r"\textbf \mathrm \mathsf \mathit \mathtt \ensuremath".split()
)
ACCENTS = {rf"\{name}": name for name in "hat bar tilde dot ddot check breve acute grave".split()}
ACCENTS |= {r"\widehat": "hat", r"\overline": "bar", r"\widetilde": "tilde"}
"""What an accent adds to a name."""
WORDS = frozenset(r"\operatorname \text \mathrm \mathsf \mathit \mathtt \textrm \textit \textsf \textnormal".split())
UNSUPPORTED = {
    r"\prod": "a product over an index",
    r"\int": "an integral",
    r"\lim": "a limit",
    r"\infty": "infinity",
    r"\mathbb": "a set or an expectation",
    r"\cases": "a case distinction",
    r"\begin": "a table of entries",
    r"\pm": "a choice of signs",
    r"\dagger": "a conjugate or pseudo-inverse",
    r"\underbrace": "a label",
    r"\overbrace": "a label",
}
SPELLINGS = {"sgn": "sign", "tg": "tan", "lse": "logsumexp"}
"""Functions that have another name in papers alone."""
PLAIN = frozenset([*BY_NAME, "sqrt", *LIBRARY, *LATER])

LETTER = "A-Za-zÀ-ÖØ-öø-ɏΑ-ΡΣ-Ωα-ωϑϕϖϱϵℓħ"
_SIDES = r"left|right|middle|[bB]igg?[lrm]?"
_BAR = r"\|\||\||‖|\\\||\\[lr]?[vV]ert(?![A-Za-z])|\\mid(?![A-Za-z])"
_SPACING = (
    r"quad|qquad|enspace|thinspace|displaystyle|textstyle|scriptstyle|limits|nolimits|nonumber|notag|hfill|mathstrut|"
    r"bf|rm|it|cal|left|right|middle|[bB]igg?[lrm]?"
)
_ENVIRONMENTS = r"align|aligned|alignat|equation|gather|gathered|split|multline|eqnarray|displaymath|math|flalign"


def is_latex(text: str) -> bool:
    """Whether a text has a command or a ``$``; ``x_{\\text{in}}`` alone is a name of the plain language."""
    return ("\\" in text or "$" in text) and any(match[1] for match in pattern("sign").finditer(text))


def is_blank(text: str) -> bool:
    """Whether nothing of a text remains: ``$$``, ``\\end{align}``, ``\\nonumber``."""
    return is_latex(text) and after_blanks(text, 0) == len(text)


def rows(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    r"""The statements of a LaTeX environment, which end in ``\\``, each with the number of its first line. A row
    that begins with a sign behind ``&`` goes on with the one before."""
    if not any("\\\\" in line for line in lines):
        yield 0, " ".join(lines)
        return
    found: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        first, *others = pattern("row end").split(line)
        if number:
            found[-1] = (found[-1][0] if found[-1][1].strip() else number, f"{found[-1][1]} {first}")
        else:
            found.append((number, first))
        found += [(number, row) for row in others]
    for k in range(len(found) - 1, 0, -1):
        if pattern("goes on").match(found[k][1]):
            found[k - 1] = (found[k - 1][0], f"{found[k - 1][1]} {found.pop(k)[1]}")
    for number, row in found:
        yield number, row if is_latex(row) or not row.strip() else f"${row.strip()}$"


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The patterns, each compiled when LaTeX is met."""
    gap = r"(?:\s|\\[,;:!>])*+"
    transpose = (
        r"(?:T|⊤|'|\\(?:top|intercal|prime|transpose)(?![A-Za-z])"
        r"|\\(?:mathsf|mathrm|mathbf|mathit|text|textsf|textrm|operatorname)\s*(?:\{\s*T\s*\}|T)|\\(?:rm|sf)\s+T)"
    )
    patterns = {
        "sign": r"_\{[^{}\\]*\\text\{[^{}]*\}[^{}\\]*\}|([\\$])",
        "blanks": rf"(?:[\s~&$]|\\[,;:!>()\[\]\s]|\\(?:left|right)\s*\.|\\(?:{_SPACING})(?![A-Za-z])(?!\s*(?:{_BAR}))"
        rf"|\\(?:begin|end)\s*\{{(?:{_ENVIRONMENTS})\*?\}}(?:(?<=alignat\}})\{{\d*\}}|(?<=alignat\*\}})\{{\d*\}})?"
        r"|\\(?:label|tag|hspace|vspace|color|eqref)\*?\s*\{[^{}]*\})*",
        "item": rf"(?P<BAR>(?:\\(?:{_SIDES})\s*)?(?:{_BAR}))|(?P<COMMAND>\\(?:[A-Za-z]+|.))"
        r"|(?P<NUMBER>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)"
        rf"|(?P<WORD>[{LETTER}](?:[0-9]+|[{LETTER}]*(?![0-9{LETTER}])|[{LETTER}]*(?=[{LETTER}][0-9])))"
        r"|(?P<SUBSCRIPT>[ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ₀-₉ᵦᵧᵨᵩᵪ]+)|(?P<SUPERSCRIPT>[⁻⁺]?[⁰¹²³⁴-⁹]+)"
        r"|(?P<SIGN>:=|==|->|\.\*|\./|\.\^|\*\*|\.\.|⁻ᵀ|.)",
        "transpose": rf"\{{{gap}(-?){gap}{transpose}{gap}\}}|(-?){transpose}",
        "named": r"\{\s*(?:(?:<|\\langle(?![A-Za-z]))([^<>{}\\]*)(?:>|\\rangle)"
        r"|(\[[^\[\]{}]*\]|\([A-Za-z0-9]+\)))\s*\}",
        "iterate": r"\{\s*\([^(){}]*\)\s*\}",
        "elementwise": r"\{\s*\\(?:circ|odot)(?![A-Za-z])",
        "script": r"\\(?:text|mathrm|mathit|mathsf|textrm|operatorname)\s*\{([A-Za-z0-9\s]+)\}|_\{?(\d+)\}?|"
        r"(\\(?:[A-Za-z]+|.))|(.)",
        "bound": r"\{?\s*(?:\w+|\\[A-Za-z]+(?:\{\w+\})?)(?:_\w|_\{\w+\})?\s*\}?",
        "reals": r"\s*\\(?:(?:mathbb|mathbf|Bbb)\s*(?:\{\s*R\s*\}|R)|R|reals|Reals|RR)(?![A-Za-z])",
        "row end": r"\\\\\*?(?:\s*\[\s*[\d.]+\s*[a-z]{2}\s*\])?",
        "goes on": r"\s*&[&\s]*(?:\\(?:quad|qquad|[,;:!>{}])\s*)*[-+*/=]",
        "word": r"[A-Za-z][A-Za-z0-9]*",
    }
    return re.compile(patterns[name])


def after_blanks(text: str, at: int) -> int:
    match = pattern("blanks").match(text, at)
    return match.end() if match else at


def plain_function(word: str) -> str:
    """The plain name of a function: Tr is tr, sgn is sign."""
    found = word if word in PLAIN else word.lower()
    return SPELLINGS.get(found, found)
