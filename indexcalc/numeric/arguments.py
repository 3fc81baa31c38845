"""The names of variables as arguments of code."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

RESERVED = ("np", "math", "jax", "jnp", "torch")


def argument_name(name: str) -> str:
    """A variable's name as a Python argument."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "_"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) or plain in RESERVED else plain


def argument_names(names: Sequence[str]) -> dict[str, str]:
    """Different arguments for different names."""
    found: dict[str, str] = {}
    for name in names:
        argument = argument_name(name)
        while argument in found.values():
            argument += "_"
        found[name] = argument
    return found
