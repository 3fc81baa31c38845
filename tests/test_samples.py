"""The samples give the answers that their questions are known for."""

from __future__ import annotations

from pathlib import Path

import pytest

import indexcalc
from indexcalc.render.text import text

SAMPLES = Path(__file__).parent.parent / "samples"


def results(name: str) -> list[indexcalc.Answer | indexcalc.Verdict]:
    return list(indexcalc.run((SAMPLES / f"{name}.ein").read_text(encoding="utf-8")))


def answers(name: str) -> list[indexcalc.Answer]:
    return [result for result in results(name) if isinstance(result, indexcalc.Answer)]


def test_neuron() -> None:
    by_x, by_w, by_b = answers("neuron")
    assert (by_x.matrix, by_x.pullback) == ("diag(1 - a.^2)*W", "W'*(G .* (1 - a.^2))")
    assert by_w.indices == ("i", "k", "l")
    assert by_w.index == "(1 - a_i^2) delta_ik x_l"
    assert (by_w.matrix, by_w.no_matrix_reason) == (None, "it has 3 indices, and a matrix has two")
    assert by_w.pullback == "(G .* (1 - a.^2))*x'"
    assert by_b.matrix == "diag(1 - a.^2)"


@pytest.mark.parametrize(
    "text",
    ["tanh(W*x + b)", "tanh(W x + b)", "tanh(Wx + b)", "y_i = tanh(W_ij x_j + b_i)", "tanh(W_ij x_j + b_i)"],
)
def test_neuron_in_every_notation(text: str) -> None:
    answer = indexcalc.diff(text, wrt="W")
    by_x = indexcalc.diff(text, wrt="x") if "Wx" not in text else None
    output = "y" if text.startswith("y_i") else "tanh(W*x + b)"
    assert answer.pullback == f"(G .* (1 - {output}.^2))*x'"
    if by_x is not None:
        assert by_x.matrix == f"diag(1 - {output}.^2)*W"
        assert by_x.pullback == f"W'*(G .* (1 - {output}.^2))"


def test_neuron_with_a_vector_named_by_a_capital() -> None:
    assert indexcalc.diff("tanh(W X + b)", wrt="X").matrix == "diag(1 - tanh(W*X + b).^2)*W"


def test_neuron_in_denominator_layout() -> None:
    assert indexcalc.diff("a = tanh(W x + b)", wrt="x", layout="denominator").matrix == "W'*diag(1 - a.^2)"


def test_rnn_step() -> None:
    assert [answer.matrix for answer in answers("rnn_step")] == [
        "(da .* (1 - a.^2))*xt'",
        "(da .* (1 - a.^2))*a_prev'",
        "da .* (1 - a.^2)",
        "Wax'*(da .* (1 - a.^2))",
        "Waa'*(da .* (1 - a.^2))",
    ]


def test_matrix_by_itself() -> None:
    assert indexcalc.diff("X", wrt="X").index == "delta_ik delta_jl"


def test_products() -> None:
    assert [answer.index for answer in answers("products")] == [
        "F_kl",
        "F_ij delta_ik delta_jl",
        "delta_ip B_qk",
        "A_ip delta_kq",
        "delta_ik delta_jl",
        "M_ij",
    ]


def test_regression() -> None:
    assert [answer.matrix for answer in answers("regression")][:4] == [
        "2*X'*(X*w - y)",
        "2*X'*X",
        "2*(X'*(X*w - y) + l*w)",
        "2*(X'*X + l*eye(n))",
    ]


def test_factorization() -> None:
    by_u, by_v, by_uu, _ = answers("factorization")
    assert by_u.matrix == "-2*(T - U*V')*V"
    assert by_v.matrix == "-2*(T - U*V')'*U"
    assert by_uu.index == "2 delta_ik V_pj V_pl"


def test_gaussian() -> None:
    by_mean, by_covariance, second, _, by_precision = answers("gaussian")
    assert by_mean.matrix == "inv(S)*(x - mu)"
    assert by_covariance.matrix == "1/2*inv(S)*((x - mu)*(x - mu)'*inv(S) - eye(n))"
    assert second.matrix == "-inv(S)"
    assert by_precision.matrix == "-1/2*((x - mu)*(x - mu)' - inv(P))"


def test_mechanics() -> None:
    found = answers("mechanics")
    assert found[0].pullback == "1/2*F*(G + G')"
    assert [answer.matrix for answer in found[1:3]] == ["eye(3)", "tr(C)*eye(3) - C'"]
    assert found[-1].index == "-inv(A)_ik inv(A)_lj"


def test_cross_products() -> None:
    found = answers("crossproduct")
    assert [answer.index for answer in found[:3]] == ["delta_jl delta_km - delta_kl delta_jm", "2 delta_kl", "6"]
    assert found[3].index == "eps_ijl a_j"
    assert found[5].matrix == "(a'*c)*eye(3) - c*a'"


def test_attention() -> None:
    by_values, by_queries, _ = answers("attention")
    softmax = "softmax(Q*K'/s, 2)"
    assert by_values.matrix == f"{softmax}'*G"
    assert by_queries.matrix is not None


def test_cookbook_runs() -> None:
    *gradients, hessian = answers("cookbook")
    assert len(gradients) == 24
    assert all(answer.matrix for answer in gradients)
    assert hessian.matrix is None
    assert hessian.vec == "2*kron(eye(n), eye(n))"


@pytest.mark.parametrize(
    "name, matrices",
    [
        ("gru", {1: "-(da .* z .* (1 - z) .* (n - s))*s'"}),
        ("mlp", {0: "(softmax(W_2*A + b_2*ones(1, N), 1)*diag(sum(Y, 1)) - Y)*A'/N"}),
        ("layernorm", {2: "dy"}),
        ("residual", {0: "eye(n) + V_2*diag(step(W_2*y))*W_2"}),
        ("vae_loss", {0: "mu - V'*(x - V*z)", 2: "-(x - V*z)*z'"}),
        ("kalman", {0: "H'*inv(S)*(y - H*x)"}),
        ("lstm", {1: "(dh .* g_1 .* i_1 .* o_1 .* (1 - i_1) .* (1 - tanh(c_1).^2))*x_1'"}),
    ],
)
def test_networks_and_models(name: str, matrices: dict[int, str]) -> None:
    shown = [{line.label: line.form for line in answer.report().lines}.get("matrix") for answer in answers(name)]
    assert {place: None if (form := shown[place]) is None else text(form) for place in matrices} == matrices


@pytest.mark.parametrize(
    "path", [path for path in sorted(SAMPLES.glob("*.ein")) if path.stem != "claims"], ids=lambda path: path.stem
)
def test_every_answer_of_every_sample_is_proved(path: Path) -> None:
    for answer in answers(path.stem):
        verified = answer.to_dict()["verified"]
        assert verified["exact"]
        assert verified["numeric_error"] < 1e-6


def test_claims() -> None:
    """The first ten and the five gradients are right; what the comments call wrong is refuted, for that reason."""
    verdicts = [result for result in results("claims") if isinstance(result, indexcalc.Verdict)]
    assert [verdict.holds for verdict in verdicts] == [True] * 10 + [False] * 4 + [True] * 5 + [False] * 5
    assert [verdict.reading for verdict in verdicts[:10]] == [
        *["pullback for G = 1"] * 3,
        "Jacobian in numerator layout",
        "Jacobian in denominator layout",
        "Jacobian in numerator layout",
        "vec form",
        "vec form",
        "pullback with the cotangent g",
        "differential for the perturbation dW",
    ]
    assert {verdict.reading for verdict in verdicts[14:19]} == {"pullback with the cotangent da"}
    kinds = [verdict.diagnosis.kind for verdict in verdicts if verdict.diagnosis]
    assert kinds[:4] == ["transpose", "order", "product", "unknown"]
    assert kinds[4:] == ["transpose", "transpose", "missing factor", "sign", "shape"]
    assert verdicts[19].nearest_text == "Waa'*(da .* (1 - h.^2))"
    assert verdicts[20].nearest_text == "(da .* (1 - h.^2))*at'"
