"""Claims: in which reading a formula is a derivative, and what is wrong with one that is none."""

from __future__ import annotations

import inspect
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import indexcalc
from indexcalc import IndexcalcError, Verdict
from indexcalc.claims.edits import changes
from indexcalc.claims.mistakes import DELETIONS, ROWS
from tests.mistakes import DIAGNOSES, Mistake, mistakes, tree_of, whole
from tests.test_cli import on_terminal, run
from tests.test_corpus import CASES, Ask, Case, Values, inputs, reference, sizes

NEURON = "a = tanh(W x + b)"
RNN = [
    "Wax: matrix(n, m)",
    "Waa: matrix(n, n)",
    "xt: vector(m)",
    "a_prev, ba, da: vector(n)",
]
STEP = "a = tanh(Wax xt + Waa a_prev + ba)"


# ---------------------------------------------------------------------- readings
@pytest.mark.parametrize(
    "text, wrt, claim, reading",
    [
        ("tanh(W x + b)", "x", "W' (1 - tanh(W x + b).^2)", "pullback for G = 1"),
        ("tanh(W x + b)", "W", "(1 - tanh(W x + b).^2) x'", "pullback for G = 1"),
        ("tanh(Wx+b)", "W", "(1 - tanh(Wx+b).^2) x'", "pullback for G = 1"),
        ("tanh(W x + b)", "b", "1 - tanh(W x + b).^2", "pullback for G = 1"),
        (NEURON, "x", "(eye(m) - diag(a)^2)*W", "Jacobian in numerator layout"),
        (NEURON, "x", "(I - diag(a)^2)*W", "Jacobian in numerator layout"),
        (NEURON, "x", "((eye(m) - diag(a)^2)*W)'", "Jacobian in denominator layout"),
        (NEURON, "x", "W'*diag(1 - a.^2)", "Jacobian in denominator layout"),
        ("W x", "W", "kron(x', eye(m))", "vec form"),
        ("W x", "W", "kron(x, eye(m))", "vec form, transposed"),
        (NEURON, "W", "kron(x', diag(1 - a.^2))", "vec form"),
        (NEURON, "W", "(da .* (1 - a.^2)) x'", "pullback with the cotangent da"),
        (NEURON, "W", "(delta .* (1 - a.^2)) x'", "pullback with the cotangent delta"),
        (NEURON, "x", "W'*diag(1 - a.^2)*G", "pullback with the cotangent G"),
        (NEURON, "W", "(1 - a.^2) .* (dW x)", "differential for the perturbation dW"),
        (NEURON, "x", "diag(1 - a.^2)*W*dx", "differential for the perturbation dx"),
        (NEURON, "x", "diag(1 - a.^2)*W*h", "differential for the perturbation h"),
        ("x'*A*x", "x", "(A + A')*x", "gradient"),
        ("x'*A*x", "x", "x'*(A + A')", "gradient as a row"),
        ("x'*A*x", "x", "dx'*(A + A')*x", "differential for the perturbation dx"),
        ("logdet(X)", "X", "tr(inv(X)*dX)", "differential for the perturbation dX"),
        ("sigmoid(x)", "x", "diag(sigmoid(x) .* sigmoid(-x))", "Jacobian in numerator layout"),
        ("c*v", "c", "v", "derivative"),
        ("c*v", "c", "v'", "derivative as a row"),
        ("\\tanh(Wx+b)", "W", "\\frac{\\partial a}{\\partial W} = (1 - \\tanh^2(Wx+b)) x^\\top", "pullback for G = 1"),
        ("A*B == (B'*A')'", None, None, "expression"),
        ("W, V: matrix(m, n); x: vector(n); vjp(W*x, x, g) == W'*g", None, None, "pullback"),
        ("x: vector(n); grad(x'*x, x) == 2 x", None, None, "gradient"),
        ("x: vector(n); hess(x'*x, x) == 2*eye(n)", None, None, "Hessian"),
        (
            "x: vector(n); y: vector(m); A: matrix(n, m); s = A*y; d s / d y == A",
            None,
            None,
            "Jacobian in numerator layout",
        ),
    ],
)
def test_a_claim_holds_in_a_reading(text: str, wrt: str | None, claim: str | None, reading: str) -> None:
    verdict = indexcalc.check(text, wrt=wrt, claim=claim)
    assert (verdict.holds, verdict.reading) == (True, reading)
    assert verdict.diagnosis is verdict.counterexample is None


@pytest.mark.parametrize(
    "text, wrt, claim, reading",
    [
        ("a_i = tanh(W_ij x_j + b_i)", "W", "(1 - a_i^2) delta_ik x_l", "Jacobian in numerator layout"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "(1 - a_i^2) delta_ip x_q", "Jacobian in numerator layout"),
        ("a_i = tanh(W_ij x_j + b_i)", "W_kl", "(1 - a_i^2) delta_ik x_l", "Jacobian in numerator layout"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "D_prs = (1 - a_p^2) delta_pr x_s", "Jacobian in numerator layout"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "∂a_i/∂W_kl = (1 - a_i^2) delta_ik x_l", "Jacobian in numerator layout"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "(1 - a_k^2) x_l", "pullback for G = 1"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "g_k (1 - a_k^2) x_l", "pullback with the cotangent g"),
        ("a_i = tanh(W_ij x_j + b_i)", "x", "(1 - a_i^2) W_ij dx_j", "differential for the perturbation dx"),
        ("tanh(W x + b)", "x", "(1 - tanh(W_pq x_q + b_p)^2) W_pr", "Jacobian in numerator layout"),
        ("Y_ij = A_ik X_kj", "X", "A_ip delta_jq", "Jacobian in numerator layout"),
        ("Y_ij = A_ik X_kj", "X", "D_pqij = A_ip delta_jq", "Jacobian in denominator layout"),
        ("x_i A_ij x_j", "x", "A_kj x_j + A_jk x_j", "gradient"),
    ],
)
def test_index_text_is_read_with_any_letters(text: str, wrt: str, claim: str, reading: str) -> None:
    verdict = indexcalc.check(text, wrt=wrt, claim=claim)
    assert (verdict.holds, verdict.reading) == (True, reading)


def test_the_sentence_says_what_the_claim_is_not() -> None:
    claim = "(1 - a.^2) x'"
    assert indexcalc.check(NEURON, "W", claim).sentence == "not the Jacobian (order 3): it is the pullback for G = 1"
    assert indexcalc.check(NEURON, "x", "W'*(1 - a.^2)").sentence == "not the Jacobian: it is the pullback for G = 1"


@pytest.mark.parametrize(
    "wrt, claim",
    [
        ("Wax", "(da .* (1 - a.^2))*xt'"),
        ("Waa", "(da .* (1 - a.^2))*a_prev'"),
        ("ba", "da .* (1 - a.^2)"),
        ("xt", "Wax'*(da .* (1 - a.^2))"),
        ("a_prev", "Waa'*(da .* (1 - a.^2))"),
    ],
)
def test_the_gradients_of_an_rnn_step_are_pullbacks(wrt: str, claim: str) -> None:
    assert indexcalc.check(STEP, wrt, claim, RNN).reading == "pullback with the cotangent da"


@pytest.mark.parametrize(
    "wrt, claim, nearest",
    [
        ("a_prev", "Waa*(da .* (1 - a.^2))", "Waa'*(da .* (1 - a.^2))"),
        ("Waa", "a_prev*(da .* (1 - a.^2))'", "(da .* (1 - a.^2))*a_prev'"),
    ],
)
def test_what_fits_only_because_it_is_square_is_refuted(wrt: str, claim: str, nearest: str) -> None:
    verdict = indexcalc.check(STEP, wrt, claim, RNN)
    assert (verdict.holds, verdict.diagnosis.kind, verdict.nearest_text) == (False, "transpose", nearest)


def test_a_claim_does_not_force_sizes() -> None:
    verdict = indexcalc.check(NEURON, "x", "W*(1 - a.^2)")
    assert not verdict.holds
    assert "m x n" in verdict.diagnosis.text
    assert verdict.counterexample.claim is None
    assert len(set(verdict.counterexample.sizes.values())) == 2


def test_size_symbols_that_were_inferred_may_have_other_names() -> None:
    assert indexcalc.check(NEURON, "x", "(eye(k) - diag(a)^2)*W").holds
    assert indexcalc.check(NEURON, "x", "(eye(n) - diag(a)^2)*W").holds
    let = ["W: matrix(m, n)", "x: vector(n)", "b: vector(m)"]
    assert not indexcalc.check(NEURON, "x", "(eye(n) - diag(a)^2)*W", let).holds


def test_a_symmetric_variable_has_three_gradients() -> None:
    let = ["S: symmetric(n)", "A: matrix(n, n)"]
    each = {
        claim: indexcalc.check("tr(A*S)", "S", claim, let).found.key
        for claim in ("A'", "1/2*(A + A')", "A + A' - diag(diag(A))")
    }
    assert each == {"A'": "numerator", "1/2*(A + A')": "structured", "A + A' - diag(diag(A))": "distinct"}


# ---------------------------------------------------------------------- refutations
@pytest.mark.parametrize(
    "text, wrt, claim, kind, nearest",
    [
        ("x'*A*x", "x", "A*x", "missing term", "(A + A')*x"),
        ("x'*A*x", "x", "2*A*x", "symmetric", "(A + A')*x"),
        ("x'*A*x", "x", "1/2*(A + A')*x", "scale", "(A + A')*x"),
        ("x'*A*x", "x", "(A - A')*x", "sign", "(A + A')*x"),
        ("x'*A*x", "x", "-(A + A')*x", "sign", "(A + A')*x"),
        ("norm2(A*x - b)^2", "x", "2*A*(A*x - b)", "transpose", "2*A'*(A*x - b)"),
        ("norm2(A*x - b)^2", "x", "2*(A*x - b)*A'", "order", "2*A'*(A*x - b)"),
        ("norm2(A*x - b)^2", "x", "2*A'*A*x - b", "shape", "2*A'*(A*x - b)"),
        ("tr(A*X*B)", "X", "B'*A'", "order", "A'*B'"),
        ("tr(A*X*B)", "X", "B*A", "transpose", "A'*B'"),
        (NEURON, "W", "da*x'", "missing factor", "(da .* (1 - a.^2))*x'"),
        (NEURON, "W", "(da*(1 - a.^2))*x'", "product", "(da .* (1 - a.^2))*x'"),
        (NEURON, "x", "(1 - a.^2)*W", "product", "diag(1 - a.^2)*W"),
        (NEURON, "W", "(1 - a) x'", "power", "(1 - a.^2)*x'"),
        (NEURON, "x", "W'*(W*x + b)", "unknown", None),
        ("A*X*B", "X", "kron(A, B')", "order", "kron(B', A)"),
        (NEURON, "W", "(1 - a.^2) .* x", "transpose", "(1 - a.^2)*x'"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "D_ikl = (1 - a_i^2) x_l", "missing factor", "(1 - a_i^2) delta_ik x_l"),
        ("a_i = tanh(W_ij x_j + b_i)", "W", "D_ikl = (1 - a_i^2) delta_ik x_k", "index", "(1 - a_i^2) delta_ik x_l"),
        ("Y_ij = A_ik X_kj", "X", "A_pi delta_jq", "transpose", "A_ip delta_jq"),
        ("b'*inv(X)*a", "X", "-inv(X)*b*a'*inv(X)'", "transpose", "-inv(X')*b*a'*inv(X)'"),
        ("W x", "W", "x", "shape", "ones(m)*x'"),
    ],
)
def test_a_wrong_claim_is_diagnosed(text: str, wrt: str, claim: str, kind: str, nearest: str | None) -> None:
    verdict = indexcalc.check(text, wrt=wrt, claim=claim)
    assert not verdict.holds
    assert verdict.reading is None
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.kind == kind
    assert nearest is None or verdict.nearest_text == nearest
    assert verdict.counterexample is not None


@pytest.mark.parametrize(
    "text, wrt, claim", [("x'*A*x", "x", "A*x"), ("tr(A*X*B)", "X", "A*B'"), (NEURON, "W", "da*x'")]
)
def test_the_nearest_formula_holds(text: str, wrt: str, claim: str) -> None:
    nearest = indexcalc.check(text, wrt, claim).nearest_text
    assert indexcalc.check(text, wrt, nearest).holds


def test_names_of_our_own_in_the_nearest_formula_are_told() -> None:
    text = "tanh(U*z + W*tanh(U*y + W*tanh(U*x + W*v)))"
    verdict = indexcalc.check(f"g'*{text}", "W", f"g*(1 - {text}.^2)'")
    assert verdict.nearest_text is not None
    used = set(re.findall(r"\bh\d+\b", verdict.nearest_text))
    assert used <= set(verdict.where)
    assert set(verdict.to_dict()["where"]) == set(verdict.where)


def test_a_counterexample_can_be_redone_by_hand() -> None:
    example = indexcalc.check("x'*A*x", "x", "A*x").counterexample
    assert example is not None
    x, a = (np.array(example.inputs[name]) for name in ("x", "A"))
    assert ((a + a.T) @ x).tolist() == example.derivative
    assert (a @ x).tolist() == example.claim
    (place,) = example.entry
    assert [example.derivative[place - 1], example.claim[place - 1]] == list(map(int, example.values))


def test_shapes_that_do_not_fit_are_named() -> None:
    diagnosis = indexcalc.check(NEURON, "W", "tanh(W*x + b)*b'*W*W'").diagnosis
    assert diagnosis.kind == "shape"
    assert "m x m" in diagnosis.text
    assert "m x m x n" in diagnosis.text


def test_a_function_of_which_nothing_is_known_is_a_wave_in_a_counterexample() -> None:
    example = indexcalc.check("f(c)", "c", "f(c)", ["f: elementwise", "c: scalar"]).counterexample
    f = eval(f"lambda u: {example.inputs['f']}", {"sin": math.sin})
    c, step = example.inputs["c"], 1e-6
    assert abs((f(c + step) - f(c - step)) / (2 * step) - example.derivative) < 1e-3
    assert abs(f(c) - example.claim) < 1e-3


# ---------------------------------------------------------------------- claims that mean nothing
@pytest.mark.parametrize(
    "claim, code, where",
    [
        ("W +", "E101", "+"),
        ("W*q*z", "E312", "z"),
        ("tahn(x)", "E302", "tahn"),
        ("(W", "E104", "("),
        ("W / x", "E207", "x"),
        ("W, x", "E107", "W, x"),
        ("W_ij x", "E201", "x"),
        ("x_i y_i w_i", "E312", "w_i"),
        ("d a / d x", "E302", None),
    ],
)
def test_a_claim_that_means_nothing_is_an_error_in_its_own_text(claim: str, code: str, where: str | None) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.check("W x", wrt="x", claim=claim)
    error = caught.value
    assert error.text == claim
    if where is not None:
        assert (error.code, error.text[slice(*error.span)]) == (code, where)


@pytest.mark.parametrize(
    "text, wrt, claim, code",
    [
        ("W x", None, "W", "E304"),
        ("W x", "x", None, "E107"),
        ("W x", "q", "W", "E304"),
        ("d (W x) / d x == W", None, "W", "E107"),
        ("W: matrix(m, n)", "W", "W", "E107"),
    ],
)
def test_a_question_without_a_claim_or_a_variable_is_an_error(
    text: str, wrt: str | None, claim: str | None, code: str
) -> None:
    with pytest.raises(IndexcalcError) as caught:
        indexcalc.check(text, wrt=wrt, claim=claim)
    assert caught.value.code == code


def test_what_is_too_large_for_numbers_is_proved_by_the_normal_form() -> None:
    claim = "D_abcdefghABCDEFGH = " + " ".join(f"delta_{a}{a.upper()}" for a in "abcdefgh")
    assert indexcalc.check("T_abcdefgh", "T", claim).holds


def test_a_claim_changes_nothing_for_later_statements() -> None:
    text = "a = tanh(W x + b); d a / d x == W'*G; d a / d x"
    _, answer = indexcalc.run(text)
    assert answer.to_dict()["declarations"]["W"]["shape"] == ["m", "n"]
    assert answer.cotangent == "G"


# ---------------------------------------------------------------------- the table of claims
class Claim(NamedTuple):
    """A formula made of a right one, and whether it is numerically one of the readings; None where that cannot be
    computed."""

    ask: Ask
    mistake: Mistake
    is_right: bool


def readings(case: Case, values: Values) -> Iterator[np.ndarray]:
    """What a claim may be equal to, by NumPy."""
    jacobian = reference(case, "expected_np", values)
    yield jacobian
    by = values[case["wrt"]].ndim
    first = jacobian.ndim - by
    if case["order"] == 1 and first > 0 and by:
        yield np.moveaxis(jacobian, range(first), range(-first, 0))
        yield jacobian.sum(axis=tuple(range(first)))
    if jacobian.ndim > 2:
        axes = [*reversed(range(first)), *reversed(range(first, jacobian.ndim))]
        stacked = jacobian.transpose(axes).reshape(int(np.prod(jacobian.shape[:first])), -1)
        yield stacked
        yield stacked.T


def value(claim: str, let: list[str], values: Values) -> np.ndarray | None:
    """A formula's entries; None where its shapes do not fit."""
    try:
        answer = indexcalc.simplify(claim, let)
    except IndexcalcError as error:
        if error.code in ("E203", "E204", "E205", "E206"):
            return None
        raise
    space: dict[str, Any] = {}
    exec(answer.to_code("numpy"), space)
    function = space["derivative"]
    wanted = inspect.signature(function).parameters
    given = {answer.arguments.get(name, name): x for name, x in values.items()}
    return np.asarray(function(**{name: x for name, x in given.items() if name in wanted}), dtype=float)


def plain_inputs(case: Case) -> Values:
    """Random values that no symmetry makes special."""
    values = inputs(case, 0)
    rng = np.random.default_rng(7)
    for name, kind in case["assume"].items():
        if kind in ("spd", "symmetric") and values[name].ndim == 2:
            noise = rng.uniform(-0.2, 0.2, values[name].shape)
            values[name] = values[name] + noise
    return values


def table() -> Iterator[Claim]:
    """Claims over the corpus: one for each kind of mistake in each textbook formula."""
    for case in CASES:
        if not (case["expr"] and case["expected"]):
            continue
        ask = Ask(case, "matrix", False)
        if not checked(ask, case["expected"]).holds:  # it needs a symmetric matrix
            continue
        values, seen = plain_inputs(case), set()
        with np.errstate(all="ignore"):
            right = list(readings(case, values))
            for mistake in [*mistakes(case["expected"]), *whole(case["expected"])]:
                if mistake.kind in seen:
                    continue
                try:
                    got = value(mistake.text, ask.let, {**values, **sizes(case, 0)})
                except IndexcalcError:
                    continue
                seen.add(mistake.kind)
                same = got is not None and any(got.shape == x.shape and np.allclose(got, x) for x in right)
                yield Claim(ask, mistake, same)


def checked(ask: Ask, claim: str) -> Verdict:
    return indexcalc.check(ask.text, ask.case["wrt"], claim, ask.let, ask.case["order"])


def test_claims_over_the_corpus_are_judged_and_diagnosed(capsys: pytest.CaptureFixture[str]) -> None:
    all_, diagnosed = Counter[str](), Counter[str]()
    misjudged = []
    for claim in table():
        verdict = checked(claim.ask, claim.mistake.text)
        if verdict.holds != claim.is_right:
            misjudged.append((claim.ask.name, claim.mistake, verdict.sentence))
        elif not claim.is_right:
            all_[claim.mistake.kind] += 1
            diagnosed[claim.mistake.kind] += verdict.diagnosis.kind in DIAGNOSES[claim.mistake.kind]
    with capsys.disabled():
        print("\ndiagnosed:", {kind: f"{diagnosed[kind]} of {all_[kind]}" for kind in all_}, end=" ")
    assert misjudged == []
    assert all_.total() >= 150
    assert diagnosed.total() >= 0.8 * all_.total()
    assert all(diagnosed[kind] >= 0.6 * all_[kind] for kind in all_)


@pytest.mark.parametrize("notation", ["matrix", "index"])
def test_no_right_formula_of_the_corpus_is_refuted(notation: str) -> None:
    key = {"matrix": "expected", "index": "expected_index"}[notation]
    for case in CASES:
        if case[key] is None or case["expr" if notation == "matrix" else "index"] is None:
            continue
        verdict = checked(Ask(case, notation, False), case[key])
        structured = checked(Ask(case, notation, True), case[key])
        assert verdict.holds or structured.holds, (case["id"], verdict.sentence)


def test_right_formulas_with_a_mistake_in_their_indices_are_refuted() -> None:
    """Transposes and orders may change nothing there; a factor, a term, a sign or a half less always does."""
    for case in CASES:
        if not (case["index"] and case["expected_index"] and "=" in case["expected_index"]):
            continue
        ask = Ask(case, "index", False)
        if not checked(ask, case["expected_index"]).holds:
            continue
        for mistake in whole(case["expected_index"]):
            verdict = checked(ask, mistake.text)
            assert (verdict.holds, verdict.diagnosis.kind) == (False, *DIAGNOSES[mistake.kind])


def test_our_own_forms_hold() -> None:
    """What is printed as an answer is a claim that holds, in the reading that it is printed as."""
    for case in CASES[::3]:
        if not case["expr"]:
            continue
        ask = Ask(case, "matrix", False)
        try:
            answer = indexcalc.diff(ask.text, case["wrt"], ask.let, case["order"])
        except IndexcalcError:
            continue
        left = f"D_{{{' '.join(answer.indices)}}} = " if answer.indices else ""
        claims = {left + answer.index: "numerator", answer.matrix: "numerator", answer.vec: "vec"}
        for claim, key in claims.items():
            if claim is not None:
                verdict = checked(ask, claim)
                assert verdict.holds, (case["id"], claim, verdict.sentence)
                assert verdict.found.key == key


def test_any_formula_is_judged_or_refused() -> None:
    """The formulas of other cases, cut and glued: a verdict, or an error that points into the claim."""
    rng = random.Random(3)
    formulas = [case[key] for case in CASES for key in ("expected", "expected_index", "expr") if case[key]]
    outcomes = Counter[str]()
    for _ in range(400):
        case = rng.choice([case for case in CASES if case["expr"]])
        ask, claim = Ask(case, "matrix", rng.random() < 0.3), rng.choice(formulas)
        if rng.random() < 0.5:
            place = rng.randrange(len(claim))
            claim = (
                claim[:place]
                + rng.choice(["'", "*", ".*", "(", ")", "_i", "^2", "G"])
                + claim[place + rng.randrange(2) :]
            )
        let = ask.let if rng.random() < 0.5 else []
        try:
            verdict = indexcalc.check(ask.text, case["wrt"], claim, let, case["order"])
            outcomes["holds" if verdict.holds else "refuted"] += 1
            json.dumps(verdict.to_dict())
        except IndexcalcError as error:
            outcomes["refused"] += 1
            assert error.code < "E49"
            assert 0 <= error.span[0] <= error.span[1] <= len(error.text)
    assert min(outcomes[word] for word in ("refuted", "refused")) > 50


# ---------------------------------------------------------------------- edits
@pytest.mark.parametrize(
    "kind, wrong, right",
    [
        ("transpose", "A*b", "A'*b"),
        ("transpose", "A'*b", "A*b"),
        ("transpose", "A_ij", "A_ji"),
        ("sign", "a - b", "a + b"),
        ("order", "A*B*C", "C*B*A"),
        ("order", "kron(A, B)*C", "C*kron(A, B)"),
        ("order", "2*kron(A, B)", "2*kron(B, A)"),
        ("product", "a*b", "a .* b"),
        ("product", "(a .* b)*c", "(a*b)*c"),
        ("product", "X^2", "X.^2"),
        ("product", "v*W", "diag(v)*W"),
        ("product", "diag(v)*w", "v*w"),
        ("scale", "2*A + B", "A + B"),
        ("extra term", "a + b - c", "a - c"),
        ("extra factor", "a*b*c", "a*c"),
        ("power", "1 - a", "1 - a.^2"),
        ("power", "x^3", "x^2"),
        ("inverse", "A*b", "inv(A)*b"),
    ],
)
def test_every_row_takes_its_mistake_back(kind: str, wrong: str, right: str) -> None:
    rows = [row for row in ROWS if row.kind == kind]
    found = {str(bare(change.tree)) for change in changes(tree_of(wrong), rows)}
    wanted = {str(bare(tree_of(right)))}
    if kind == "scale":
        wanted |= {str(bare(tree_of("1*A + B")))}
    assert found & wanted


def bare(tree: Any) -> Any:
    """A tree without places, brackets and spellings of operators."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        if type(tree).__name__ == "Group":
            return bare(tree.body)
        if type(tree).__name__ == "Script":
            return ("script", "".join(tree.text.split()))
        return (type(tree).__name__, *[bare(part) for name, part in tree._asdict().items() if "span" not in name])
    if isinstance(tree, tuple):
        return tuple(map(bare, tree))
    return tree


def test_every_kind_of_mistake_has_a_row() -> None:
    assert {row.kind for row in (*ROWS, *DELETIONS)} >= {kind for kinds in DIAGNOSES.values() for kind in kinds}


# ---------------------------------------------------------------------- the command
def test_exit_codes() -> None:
    assert run("check", "W x", "--wrt", "x", "--claim", "W").returncode == 0
    assert run("check", "W x", "--wrt", "x", "--claim", "-W").returncode == 3
    assert run("check", "W x", "--wrt", "x", "--claim", "W +").returncode == 1
    assert run("check", "W x", "--wrt", "x").returncode == 1
    assert run("check", "W x", "--claim").returncode == 2


def test_json_has_one_object_a_line_with_every_field() -> None:
    done = run("check", "--wrt", "x", "--claim", "W", "--format", "json", stdin="W x\nW*V*x\nx +\nW*x")
    assert done.returncode == 1
    first, second, third, fourth = map(json.loads, done.stdout.splitlines())
    assert (first["ok"], first["verdict"], first["holds"]) == (True, "holds", True)
    assert first["reading"] == "Jacobian in numerator layout"
    assert (first["counterexample"], first["diagnosis"], first["nearest"], first["error"]) == (None,) * 4
    assert (second["verdict"], second["holds"], second["reading"]) == ("refuted", False, None)
    assert second["diagnosis"]["kind"] == "missing factor"
    assert second["nearest"] == "W*V"
    assert set(second["counterexample"]) == {"sizes", "inputs", "derivative", "claim", "entry", "values"}
    assert second.keys() == first.keys()
    assert (third["ok"], third["line"]) == (False, 3)
    assert fourth["line"] == 4


@pytest.mark.parametrize("format_", ["text", "plain", "latex", "markdown", "json", "numpy"])
@pytest.mark.parametrize("claim", ["W'*(1 - a.^2)", "W*(1 - a.^2)"])
def test_every_format_says_the_verdict(format_: str, claim: str) -> None:
    done = run("check", NEURON, "--wrt", "x", "--claim", claim, "--format", format_, "--ascii")
    assert done.stdout.isascii()
    words = "the pullback for G = 1" if claim.startswith("W'") else "a transpose is missing"
    assert words in " ".join(done.stdout.split())


def test_latex_is_an_align_environment_with_balanced_braces() -> None:
    done = run("check", NEURON, "--wrt", "x", "--claim", "W_ij*(1 - a_i^2)*2", "--format", "latex")
    assert done.stdout.count("{") == done.stdout.count("}")
    assert "\\begin{align*}" in done.stdout


def test_a_terminal_shows_the_verdict_within_its_width() -> None:
    shown = on_terminal("check", NEURON, "--wrt", "x", "--claim", "W*(1 - a.^2)", columns=60)
    assert "wrong" in shown
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines())) <= 60


def test_a_file_with_a_wrong_claim_exits_with_three() -> None:
    assert run("run", "-", stdin="d (W x) / d x == W").returncode == 0
    done = run("run", "-", stdin="d (W x) / d x == W'*W\nx'*x")
    assert done.returncode == 3
    assert "d / d x" in done.stdout


def test_without_claim_the_expression_is_one() -> None:
    done = run("check", "a = tanh(W x + b); d a / d x == diag(1 - a.^2) W")
    assert done.returncode == 0
    assert "equal to the Jacobian in numerator layout" in done.stdout


# ---------------------------------------------------------------------- time
