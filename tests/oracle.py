"""Numbers for answers and for printed text: by running the emitted NumPy code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import indexcalc
from indexcalc.answer import Answer

from .strategies import SIZES

KINDS = ("scalar", "vector", "matrix", "tensor")


def evaluate(answer: Answer, values: Mapping[str, np.ndarray], form: str = "jacobian") -> np.ndarray:
    """The array that an answer's code returns."""
    space: dict[str, Any] = {}
    code = answer.to_code("numpy", form=form)
    exec(compile(code, "<emitted>", "exec"), space)
    function = space["pullback" if form == "pullback" else "derivative"]
    names = function.__kwdefaults__ or {}
    wanted = function.__code__.co_varnames[: function.__code__.co_kwonlyargcount]
    assert not names
    return np.asarray(
        function(**{name: values[name] if name in values else SIZES[name] for name in wanted}), dtype=float
    )


def read_back(
    text: str,
    indices: Sequence[str] | None,
    shapes: Mapping[str, Sequence[str]],
    values: Mapping[str, np.ndarray],
    axes: Sequence[str] = (),
) -> np.ndarray:
    """The value of a printed text: read by the program itself, and run. ``indices`` for index text, whose left-hand
    side has the sizes ``axes``."""
    shapes = {**shapes, "Zout": axes} if axes else shapes
    let = [f"{name}: {KINDS[min(len(s), 3)]}" + (f"({', '.join(s)})" if s else "") for name, s in shapes.items()]
    if indices is not None:
        left = "Zout_{" + " ".join(indices) + "}" if indices else "Zout"
        text = f"{left} = {text}"
    elif axes:
        text = f"Zout = {text}"
    return evaluate(indexcalc.simplify(text, let=let), values)
