"""The public corpus: each case in each notation that it has, against its own reference."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, IndexcalcError

Case = dict[str, Any]
Values = dict[str, np.ndarray]
KINDS = ("scalar", "vector", "matrix", "tensor")
STRUCTURED = ("symmetric", "spd", "diagonal")
DRAWS = ({"n": 3, "m": 4, "k": 2, "p": 5, "q": 6}, {"n": 4, "m": 5, "k": 3, "p": 2, "q": 6})
CASES: list[Case] = [
    json.loads(line) for line in (Path(__file__).parent / "corpus" / "public.jsonl").read_text("utf-8").splitlines()
]


class Ask(NamedTuple):
    """One way to ask a case: in which notation, with its structure declared or not."""

    case: Case
    notation: str
    structured: bool

    @property
    def name(self) -> str:
        return f"{self.case['id']}-{self.notation}" + ("-structured" if self.structured else "")

    @property
    def text(self) -> str:
        text: str = self.case["expr" if self.notation == "matrix" else "index"]
        scalar = self.notation == "index" and "=" not in text  # every index is summed
        return f"result = {text}" if scalar else text

    @property
    def let(self) -> list[str]:
        return [_declaration(self.case, name, self.structured) for name in self.case["vars"]]


def _declaration(case: Case, name: str, structured: bool) -> str:
    axes, assumed = case["vars"][name], case["assume"].get(name)
    if structured and assumed in STRUCTURED:
        return f"{name}: {assumed}({axes[0]})"
    return f"{name}: {KINDS[min(len(axes), 3)]}" + (f"({', '.join(axes)})" if axes else "")


def asks() -> Iterator[Ask]:
    for case in CASES:
        for notation, key in (("matrix", "expr"), ("index", "index")):
            if case[key] is not None:
                yield Ask(case, notation, False)
                if any(kind in STRUCTURED for kind in case["assume"].values()):
                    yield Ask(case, notation, True)


ASKS = list(asks())
every_ask = pytest.mark.parametrize("ask", ASKS, ids=[ask.name for ask in ASKS])


def sizes(case: Case, draw: int) -> dict[str, int]:
    found = {d: DRAWS[draw][d] for axes in case["vars"].values() for d in axes if d in DRAWS[draw]}
    for d in [d for axes in case["vars"].values() for d in axes if not d.isdigit()]:
        found.setdefault(d, next(z for z in range(2, 9) if z not in found.values()))
    return found


def inputs(case: Case, draw: int) -> Values:
    """Random values that are what the case assumes of them."""
    size, rng = sizes(case, draw), np.random.default_rng(draw)
    found: Values = {}
    for name, axes in case["vars"].items():
        x = rng.standard_normal([int(d) if d.isdigit() else size[d] for d in axes])
        match case["assume"].get(name):
            case "positive":
                x = np.exp(x / 2)
            case "symmetric":
                x = (x + x.T) / 2
            case "spd":
                x = x @ x.T / 2 + np.eye(len(x))
            case "invertible":
                x = 0.4 * x + 1.5 * np.eye(len(x))
            case "diagonal":
                x = np.diag(np.exp(np.diag(x) / 2))
        found[name] = np.asarray(x)
    return found


def reference(case: Case, key: str, values: Values) -> np.ndarray:
    return np.asarray(eval(case[key], {"np": np})(**values), dtype=float)


@functools.cache
def answered(name: str) -> Answer | IndexcalcError:
    """The answer to an ask, or the error that refused it."""
    ask = next(ask for ask in ASKS if ask.name == name)
    try:
        return indexcalc.diff(ask.text, wrt=ask.case["wrt"], let=ask.let, order=ask.case["order"])
    except IndexcalcError as error:
        return error


def run(answer: Answer, values: Values, form: str = "jacobian") -> np.ndarray:
    space: dict[str, Any] = {}
    exec(answer.to_code("numpy", form=form), space)
    names = answer.arguments
    function = space["pullback" if form == "pullback" else "derivative"]
    return np.asarray(function(**{names.get(name, name): x for name, x in values.items()}), dtype=float)


def close(a: np.ndarray, b: np.ndarray) -> None:
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, atol=1e-8 * max(1.0, float(np.max(np.abs(b), initial=0))), rtol=1e-8)


@every_ask
def test_code_equals_the_reference_or_the_question_is_refused(ask: Ask) -> None:
    answer = answered(ask.name)
    if isinstance(answer, IndexcalcError):
        assert answer.code.startswith("E4")
        return
    for draw in (0, 1):
        values = inputs(ask.case, draw)
        close(run(answer, values), reference(ask.case, "expected_np", values))


@every_ask
def test_pullback_code_is_the_cotangent_times_the_reference(ask: Ask) -> None:
    answer = answered(ask.name)
    if isinstance(answer, IndexcalcError) or ask.case["order"] == 2:
        return
    values = inputs(ask.case, 0)
    want = reference(ask.case, "expected_np", values)
    rank = want.ndim - values[ask.case["wrt"]].ndim
    g = np.random.default_rng(5).standard_normal(want.shape[:rank])
    cotangent = {answer.cotangent or "": g} if rank else {}
    close(run(answer, {**values, **cotangent}, "pullback"), np.tensordot(g, want, axes=rank) if rank else want)


@every_ask
def test_shape_and_indices_name_every_axis(ask: Ask) -> None:
    answer = answered(ask.name)
    if isinstance(answer, IndexcalcError):
        return
    rank = reference(ask.case, "expected_np", inputs(ask.case, 0)).ndim
    assert len(answer.shape) == len(answer.indices) == len(set(answer.indices)) == rank
    assert (answer.matrix is None) == (answer.no_matrix_reason is not None)
    assert answer.matrix is None or rank <= 2


@pytest.mark.parametrize("case", [c for c in CASES if c["order"] == 1 and c["expr"]], ids=lambda case: case["id"])
def test_both_notations_have_one_derivative(case: Case) -> None:
    both = [answered(Ask(case, notation, False).name) for notation in ("matrix", "index") if case["index"]]
    if len(both) == 2 and all(isinstance(answer, Answer) for answer in both):
        first, second = (run(answer, inputs(case, 1)) for answer in both)  # type: ignore[arg-type]
        close(first, second)


@pytest.mark.parametrize("case", [c for c in CASES if c["order"] == 1], ids=lambda case: case["id"])
def test_reference_equals_differences(case: Case) -> None:
    values = inputs(case, 0)
    x, h = values[case["wrt"]], 1e-3
    columns = []
    for place in np.ndindex(x.shape):
        total = 0.0
        for k, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = x.copy()
            moved[place] += k * h
            total = total + weight * reference(case, "fn", {**values, case["wrt"]: moved})
        columns.append(total / (12 * h))
    got = np.stack(columns, axis=-1)
    want = reference(case, "expected_np", values)
    np.testing.assert_allclose(got.reshape(want.shape), want, atol=1e-6)
