"""Models with loops: the forward and the backward pass, over steps whose number may be a symbol."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest

import indexcalc
from indexcalc.backprop import adjoints
from indexcalc.backprop.model import Term
from indexcalc.session import Session

from .random_models import random_model

RNN = """
h[0] = h0
h[t] = tanh(W h[t-1] + U x[t] + b) for t = 1..T
L = sum(1/2 norm2(h[t] - y[t])^2 for t = 1..T)
"""
LSTM = """
Wf, Wi, Wo, Wg: matrix(n, n)
Uf, Ui, Uo, Ug: matrix(n, m)
bf, bi, bo, bg: vector(n)
f[t] = sigmoid(Wf h[t-1] + Uf x[t] + bf) for t = 1..T
i[t] = sigmoid(Wi h[t-1] + Ui x[t] + bi) for t = 1..T
o[t] = sigmoid(Wo h[t-1] + Uo x[t] + bo) for t = 1..T
g[t] = tanh(Wg h[t-1] + Ug x[t] + bg) for t = 1..T
c[t] = f[t] .* c[t-1] + i[t] .* g[t] for t = 1..T
h[t] = o[t] .* tanh(c[t]) for t = 1..T
L = 1/2*norm2(V*h[T] - y)^2
"""


def _adjoints(text: str, wrt: str | None = None) -> list[str]:
    names = None if wrt is None else wrt.split(", ")
    return indexcalc.program(f"{text}\nL", names).adjoints


def test_backpropagation_through_time() -> None:
    assert _adjoints(RNN, "W, U, b, h0") == [
        "dh[T] = h[T] - y[T]",
        "dh[t-1] = W'*(dh[t] .* (1 - h[t].^2)) + h[t-1] - y[t-1] for t = T..2",
        "dW = sum((dh[t] .* (1 - h[t].^2))*h[t-1]' for t = 1..T)",
        "dU = sum((dh[t] .* (1 - h[t].^2))*x[t]' for t = 1..T)",
        "db = sum(dh[t] .* (1 - h[t].^2) for t = 1..T)",
        "dh0 = W'*(dh[1] .* (1 - h[1].^2))",
    ]


def test_in_indices() -> None:
    passes = indexcalc.program(f"{RNN}\nL", "W")
    assert passes.to_dict()["index"]["backward"] == [
        "dh[T]_i = h[T]_i - y[T]_i",
        "dh[t-1]_i = sum_j(dh[t]_j W_ji (1 - h[t]_j^2)) + h[t-1]_i - y[t-1]_i for t = T..2",
    ]
    assert passes.verified["lengths"] == [{"T": 1}, {"T": 2}, {"T": 3}, {"T": 4}]
    assert passes.verified["numeric_error"] < 1e-8


def test_several_states_and_a_loss_at_the_end() -> None:
    found = _adjoints(LSTM, "Wf")
    assert found == [
        "dh[T] = V'*(V*h[T] - y)",
        "dh[t-1] = Wf'*(df[t] .* f[t] .* (1 - f[t])) + Wi'*(di[t] .* i[t] .* (1 - i[t]))"
        " + Wo'*(do[t] .* o[t] .* (1 - o[t])) + Wg'*(dg[t] .* (1 - g[t].^2)) for t = T..2",
        "dc[T] = dh[T] .* o[T] .* (1 - tanh(c[T]).^2)",
        "dc[t-1] = dc[t] .* f[t] + dh[t-1] .* o[t-1] .* (1 - tanh(c[t-1]).^2) for t = T..2",
        "dg[t] = dc[t] .* i[t] for t = T..1",
        "do[t] = dh[t] .* tanh(c[t]) for t = T..1",
        "di[t] = dc[t] .* g[t] for t = T..1",
        "df[t] = dc[t] .* c[t-1] for t = T..1",
        "dWf = sum((df[t] .* f[t] .* (1 - f[t]))*h[t-1]' for t = 1..T)",
    ]


def test_a_look_back_of_two_steps() -> None:
    text = """
    h[0] = u
    h[1] = v
    h[t] = tanh(A h[t-1] + B h[t-2]) for t = 2..T
    L = norm2(h[T])^2
    """
    passes = indexcalc.program(f"{text}\nL", ["A", "B", "u", "v"])
    assert passes.backward.least == {"T": 2}
    assert passes.adjoints[:4] == [
        "dh[T] = 2*h[T]",
        "dh[T-1] = A'*(dh[T] .* (1 - h[T].^2))",
        "dh[t-2] = A'*(dh[t-1] .* (1 - h[t-1].^2)) + B'*(dh[t] .* (1 - h[t].^2)) for t = T..3",
        "dA = sum((dh[t] .* (1 - h[t].^2))*h[t-1]' for t = 2..T)",
    ]


def test_parameters_shared_between_loops_of_different_lengths() -> None:
    text = """
    h[0] = u
    h[t] = tanh(W h[t-1] + x[t]) for t = 1..T
    g[0] = h[T]
    g[s] = tanh(W g[s-1]) for s = 1..S
    L = sum(gamma^s*norm2(g[s] - y[s])^2 for s = 1..S) + norm2(W)^2
    """
    found = _adjoints(text, "W, gamma")
    assert found[-2:] == [
        "dW = 2*W + sum((dg[t] .* (1 - g[t].^2))*g[t-1]' for t = 1..S)"
        " + sum((dh[t] .* (1 - h[t].^2))*h[t-1]' for t = 1..T)",
        "dgamma = sum(t*gamma^(t - 1)*norm2(g[t] - y[t])^2 for t = 1..S)",
    ]


def test_a_loop_that_runs_down_goes_back_up() -> None:
    text = "b[T] = v\nb[t] = sin(A b[t+1]) for t = T-1..0\nL = sum(norm2(b[t])^2 for t = 0..T)"
    assert _adjoints(text, "v") == [
        "db[0] = 2*b[0]",
        "db[t+1] = A'*(db[t] .* cos(A*b[t+1])) + 2*b[t+1] for t = 0..T-1",
        "dv = db[T]",
    ]


def test_second_order() -> None:
    (gradient,) = indexcalc.run(f"{RNN}\nhvp(L, W, V)")
    assert [line.text() for part, line in gradient.passes.lines() if part in ("change", "second")] == [
        "Dh[0] = zeros(m)",
        "Dh[t] = (W*Dh[t-1] + V*h[t-1]) .* (1 - h[t].^2) for t = 1..T",
        "Ddh[T] = Dh[T]",
        "Ddh[t-1] = Dh[t-1] - W'*(2*(dh[t] .* Dh[t] .* h[t]) - Ddh[t] .* (1 - h[t].^2))"
        " + V'*(dh[t] .* (1 - h[t].^2)) for t = T..2",
    ]
    assert gradient.name == "DdW"
    assert gradient.passes.verified["exact"]


def test_pullbacks_and_changes_of_the_last_state() -> None:
    pulled, changed = indexcalc.run(f"{RNN}\nvjp(h[T], b, G)\njvp(h[T], b, v)")
    assert pulled.passes.adjoints[0] == "dh[T] = G"
    assert changed.passes.adjoints == [
        "Dh[0] = zeros(m)",
        "Dh[t] = (W*Dh[t-1] + v) .* (1 - h[t].^2) for t = 1..T",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "X[0] = A; X[t] = 2*X[t-1] - X[t-1]*C*X[t-1] for t = 1..T; L = tr(X[T])",
        "p[0] = q; p[t] = softmax(A p[t-1]) for t = 1..T; L = -log(p[T]'*r)",
        "S: spd(n); x[t] = inv(S) x[t-1] for t = 1..T; L = x[T]'*S*x[T]",
        "m[t] = beta*m[t-1] + (1 - beta)*g[t] for t = 1..T; L = norm2(m[T])^2/T",
        "c[0] = 0; c[t] = c[t-1] + x[t]'*x[t] for t = 1..T; L = sqrt(c[T])",
        "L = log(sum(exp(w'*x[t]) for t = 1..N))",
        "h[0] = u; h[t] = tanh(W h[t-1] + V h[0]) for t = 1..T; L = norm2(h[T])^2",
        "y[1] = x; y[n+1] = tanh(W*y[n]) for n = 1..N-1; L = sum(norm2(y[n] - d[n])^2 for n = 1..N)",
        "h[0] = u; h[t] = tanh(W h[t-1]) for t = 1..T; L = sum(norm2(h[t] - h[t-1])^2 for t = 2..T) + norm2(h[T])^2",
        "h[0] = u; h[1] = v; h[t] = sum(w[k]*h[t-k] for k = 1..2) for t = 2..T; L = norm2(h[T])^2",
        "h[0]_i = x_i; h[t]_i = tanh(W_ij h[t-1]_j + x[t]_i) for t = 1..T; L = sum(h[t]_i y[t]_i for t = 1..T)",
        "layer(W, x, b) = tanh(W x + b); h[t] = layer(W, h[t-1], b) for t = 1..T; L = norm2(h[T])^2",
        "X[t]: matrix(m, n) for t = 1..T; H[t] = tanh(H[t-1]*W + X[t]) for t = 1..T; L = norm2(H[T])^2",
        "L = norm2(h[T])^2; h[t] = tanh(W z[t]) for t = 1..T; z[t] = V h[t-1] for t = 1..T; h[0] = u",
    ],
)
def test_models_are_proved(text: str) -> None:
    for form in ("grad(L)",):
        passes = next(iter(indexcalc.run(text.replace(";", "\n") + f"\n{form}"))).passes
        assert passes.verified["exact"]
        assert all(passes.results.values())


@pytest.mark.parametrize(
    "text, code, where, help_",
    [
        ("h[1] = u; h[t] = W h[t-1] for t = 1..T; L = norm2(h[T])^2; grad(L)", "E305", "h[t]", "begin behind it"),
        ("h[0] = u; h[t] = W h[t-1] for t = 1..T; h[T] = v; L = norm2(h[T])^2; grad(L)", "E305", "h[t]", "end before"),
        ("h[0] = u; h[t] = W h[t-1] for t = 1..T; L = norm2(h[T+1])^2; grad(L)", "E311", "h[T+1]", "change the range"),
        ("h[0] = u; h[t] = W h[t-2] for t = 2..T; L = norm2(h[T])^2; grad(L)", "E311", "h[t-2]", "define it"),
        ("h(t) = tanh(W h(t-1)) for t = 1..T; grad(L)", "E107", "h(t)", "`h[t] = … for t = 1..T`"),
        ("h[t] = tanh(W h[t-1]) for t in 1..T; grad(L)", "E102", "in", "`for t = 1..T`"),
        ("h[t] = tanh(W h[t-1]) for t = 1:T; grad(L)", "E101", "T", "`for t = 1..T`"),
    ],
)
def test_mistakes_are_shown_where_they_are(text: str, code: str, where: str, help_: str) -> None:
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        list(indexcalc.run(text.replace("; ", "\n")))
    error = caught.value
    assert (error.code, error.text[slice(*error.span)]) == (code, where)
    assert help_ in (error.help or "")


@pytest.mark.parametrize(
    "text, code, message",
    [
        ("h[t] = W h[t+1] for t = 1..T; L = norm2(h[1])^2; grad(L)", "E311", "h[t+1]"),
        ("z[t] = h[t] for t = 1..T; h[t] = W z[t] for t = 1..T; L = norm2(h[T])^2; grad(L)", "E309", "h[t] → z[t]"),
        ("h[0] = x; h[t] = W h[t-1] for t = 1..T; L = norm2(h[T+1])^2; grad(L)", "E311", "h[T+1]"),
        ("h[0] = x; h[t] = W h[t-2] for t = 2..T; L = norm2(h[T])^2; grad(L)", "E311", "h[1]"),
        ("h[t] = W h[t-2] for t = 1..T; L = norm2(h[T])^2; grad(L)", "E311", "-1 in the first step"),
        ("h[t] = W h[t-1] for t = 1..T; h[t] = V h[t-1] for t = 1..T; L = norm2(h[T])^2; grad(L)", "E305", "h[t]"),
        ("h[0] = x; h[t] = W h[t-1] for t = 1..T; L = norm2(h[T])^2; d L / d q", "E304", "q"),
        ("h[0] = x; h[t] = W h[t-1] for t = 1..T; d h[T] / d W", "E404", "no scalar"),
        ("h[t] = W h[t-1] for t = 1..T; L = norm2(h[T])^2; hess(L, W)", "E404", "products with a vector"),
        ("L = sum(sum(x[s]'*x[t] for s = 1..T) for t = 1..T); grad(L)", "E403", "cannot stand in a loop"),
        ("T: scalar; h[t] = W h[t-1] for t = 1..T; L = norm2(h[T])^2; grad(L)", "E305", "counts steps"),
        ("s: scalar; s[t]: scalar for t = 1..T; h[t] = s[t]*M for t = 1..T; h[0] = 1; L = h[T]; grad(L)", "E203", "h"),
    ],
)
def test_wrong_models(text: str, code: str, message: str) -> None:
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        list(indexcalc.run(text.replace("; ", "\n")))
    assert caught.value.code == code
    assert message in caught.value.message


def test_passes_of_a_known_length_are_linear() -> None:
    sizes = {}
    for steps in (4, 8, 16):
        (answer,) = _with_passes(f"T = {steps}\n{RNN}\nd L / d W")
        assert answer.passes.verified["exact"]
        sizes[steps] = len(str(answer.passes)), len(answer.passes.parts)
    assert sizes[16][1] - sizes[8][1] == 2 * (sizes[8][1] - sizes[4][1])
    assert sizes[16][0] < 2.2 * sizes[8][0]


def test_names_of_adjoints() -> None:
    text = "z1 = W x + b; a1 = tanh(z1); L = 1/2*norm2(a1 - y)^2; L"
    assert indexcalc.program(text, "W").adjoints == ["da1 = a1 - y", "dz1 = da1 .* (1 - a1.^2)", "dW = dz1*x'"]
    assert indexcalc.program(text, "W", prefix="bar").adjoints[-1] == "barW = barz1*x'"
    assert indexcalc.program(f"dz1 = 3*x; {text}", "W").adjoints[-1] == "adjW = adjz1*x'"


def _with_passes(text: str) -> list[indexcalc.Answer]:
    session = Session("loops")
    statements = list(enumerate(line for line in text.splitlines() if line.strip()))
    session.foresee(statements)
    return [answer for line, each in statements for answer in session.answers(each, line=line)]


CLAIMS = """
z[t] = Waa a[t-1] + Wax x[t] + ba for t = 1..T
a[t] = tanh(z[t]) for t = 1..T
a[0] = a0
L = sum(1/2*norm2(a[t] - y[t])^2 for t = 1..T)
"""


@pytest.mark.parametrize("length", ["", "T = 3\n"])
@pytest.mark.parametrize(
    "claim, kind",
    [
        ("d L / d Waa == sum(dz[t]*a[t-1]' for t = 1..T)", None),
        ("d L / d Wax == sum(dz[t]*x[t]' for t = 1..T)", None),
        ("d L / d Waa == sum(a[t-1]*dz[t]' for t = 1..T)", "transpose"),
        ("d L / d Waa == sum(da[t]*a[t-1]' for t = 1..T)", "missing factor"),
    ],
)
def test_claims(length: str, claim: str, kind: str | None) -> None:
    (verdict,) = indexcalc.run(f"{length}{CLAIMS}\n{claim}")
    assert verdict.holds is (kind is None)
    if kind is not None:
        assert verdict.diagnosis.kind == kind
        assert verdict.right.startswith("dWaa = ")


def test_explanation() -> None:
    from indexcalc.explanation.passes import PassesExplanation

    explanation = PassesExplanation(indexcalc.program(f"{RNN}\nL", "W"))
    shown = explanation.text()
    assert explanation.verified
    for sentence in (
        "From h[t] back to W: why",
        "so W is transposed, W', and stands left.",
        "W in place of W' fits too, and is wrong",
        "h[t] is used in L and h[t+1]: its adjoint dh[t] is the sum",
        "W is one for all steps",
        "Backward the steps run from T to 2",
    ):
        assert sentence in " ".join(shown.split()), sentence


def test_wrong_adjoints_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = adjoints._gathered

    def one_less(v: object, terms: list[Term]) -> tuple[Term, ...]:
        return gathered(v, terms[: max(1, len(terms) - 1)])  # type: ignore[arg-type]

    monkeypatch.setattr(adjoints, "_gathered", one_less)
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        indexcalc.program(f"{RNN}\nL", "W").adjoints  # noqa: B018
    assert caught.value.code == "E490"


def test_json() -> None:
    (gradient,) = indexcalc.run(f"{RNN}\nd L / d W")
    found = json.loads(json.dumps(gradient.to_dict()))
    assert found["matrix"] == "sum((dh[t] .* (1 - h[t].^2))*h[t-1]' for t = 1..T)"
    assert found["program"]["backward"][0] == "dh[T] = h[T] - y[T]"
    assert found["declarations"]["x[t]"]["shape"] == ["n"]
    assert found["verified"]["exact"]


@pytest.mark.parametrize("seed", range(24))
def test_random_models(seed: int) -> None:
    """Each is proved, and its code has the slopes of its own value."""
    text = random_model(seed)
    passes = indexcalc.program(f"{text}\nL")
    assert passes.verified["exact"]
    space: dict[str, Any] = {}
    exec(compile(passes.to_code("numpy"), "<emitted>", "exec"), space)
    function = space["value_and_grad"]
    for length in (passes.backward.least.get("T", 1), 5):
        rng = np.random.default_rng(seed)
        given: dict[str, Any] = {}
        for spelling, i in zip(passes.arguments, passes.model.inputs, strict=True):
            shape = [3] * len(i.shape)
            member = passes.model.members.get(i.name)
            if member is not None and member.family in passes.model.ranges:
                low, high = (step.at({"T": length}) for step in passes.model.ranges[member.family])
                shape = [high - low + 1, *shape]
            given[passes.arguments[spelling]] = 0.4 * rng.standard_normal(shape) if shape else 0.7
        if "T" in inspect.signature(function).parameters:
            given["T"] = length
        _, gradients = function(**given)
        for spelling, gradient in gradients.items():
            name = passes.arguments[spelling]
            along = rng.standard_normal(np.shape(given[name]))
            ends = [function(**{**given, name: given[name] + sign * 1e-6 * along})[0] for sign in (1, -1)]
            assert np.sum(gradient * along) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-6), text
