"""The characters that stand for others: look-alikes, subscripts, superscripts, Greek letters."""

from __future__ import annotations

LOOK_ALIKES = str.maketrans("−–—∗⋅·×′’‘ʹ“”\u00a0\u2009\u202f、，", "---****''''\"\"   ,,")
SUBSCRIPTS = str.maketrans("ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ₀₁₂₃₄₅₆₇₈₉ᵦᵧᵨᵩᵪ", "aeoxhklmnpstijruv0123456789βγρφχ")
SUPERSCRIPTS = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")

_LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"
_NAMES = (
    "alpha beta gamma delta eps zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
).split()
_VARIANTS = {"\u03d5": "phi", "\u03d1": "theta", "\u03f5": "eps", "\u03d6": "pi", "\u03f1": "rho", "\u03c2": "sigma"}

GREEK: dict[str, str] = dict(zip(_LETTERS, _NAMES, strict=True))
GREEK |= {letter.upper(): name.capitalize() for letter, name in GREEK.items()} | _VARIANTS
"""Each Greek letter's English name."""
GREEK_NAMES = frozenset(GREEK.values())


def ascii_name(name: str) -> str:
    """One spelling of a name: λ is lambda."""
    if name.isascii():
        return str(name)
    return "".join([GREEK.get(letter, letter) for letter in name])
