"""Any text is answered, with a certificate that holds, or refused with an error that has a place; soon, in either case."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.language.splitting import split
from indexcalc.session import Session

FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
SECONDS = 10.0
"""What any statement of up to 40 words may take, on a slow machine."""
LET = [
    "A, B: matrix(n, n)",
    "W: matrix(m, n)",
    "S: symmetric(n)",
    "D: diagonal(n)",
    "x, y: vector(n)",
    "z: vector(m)",
    "c, t: scalar",
    "f: elementwise",
]
MATRIX = (
    "A B W S D x y z c t n 2 1/2 0 -1 + - * .* ./ / : ⊗ ^2 ^-1 .^2 ' ( ) tanh( exp( log( sqrt( abs( f( tr( sum( diag( inv( "
    "det( logdet( norm2( norm1( softmax( kron( vec( eye(n) ones(n) zeros(n,n) dot( cross( max( , ‖ | inv(A) W' x' (A + B) (W*x)"
).split(" ")
INDEX = (
    "A_ij B_jk W_ij x_i x_j y_j y_k z_i c t 2 + - * / ^2 ( ) tanh( exp( log( sum_i( sum_jk( delta_ij delta_jk eps_ijk inv(A)_ij "
    "A'_ij R_i= R_ik= -> i k ij S_jk D_ii tr(A) f( 1/ ,"
).split(" ")
LATEX = (
    r"A B W x y z c \lambda 2 + - \cdot \odot \otimes ^2 ^{-1} ^T ^\top _i _{ij} _{jk} ( ) { } \left( \right) \frac{1}{2} \frac{ "
    r"\partial \nabla_x \tanh \log \exp \operatorname{tr} \det \lVert \rVert_2^2 \sum_j \sum_{i=1}^n \sqrt{ } \mathbf{x} \delta_{ij} & \\ $ \text{a}"
).split(" ")


PROGRAM = (
    "h[0]= h[t]= h[1]= a= L= f(u)= h[t] h[t-1] h[t-2] x[t] h[1] h[3] a L f(a) f( sum( tanh( A W x y u c t T T= 2 3 + - * / ' ( ) "
    "for t=1..3 t=3..1 t=1..T .. = == ; ; ; ; ; da/dW grad(L) vjp(a,W,y) simplify(a) norm2( ^2"
).split(" ")


def _run(text: str) -> None:
    """Every statement of a program, in any order."""
    start = perf_counter()
    session = Session()
    statements = list(split(text))
    session.foresee(statements)
    for line, statement in statements:
        try:
            for result in session.answers(statement, line=line):
                result.to_dict()
        except IndexcalcError as error:
            assert error.code != "E490", (text, error)
            low, high = error.span
            assert 0 <= low <= high <= max(len(error.text), 1), (text, error.span)
    assert perf_counter() - start < SECONDS, text


@given(st.lists(st.sampled_from(PROGRAM), max_size=24))
@FUZZ
def test_words_of_programs_in_any_order(chosen: list[str]) -> None:
    _run(" ".join(chosen))


def _answered(text: str, let: list[str], wrt: str | None) -> None:
    start = perf_counter()
    try:
        answers = indexcalc.differentiate(text, wrt, let) if wrt else [indexcalc.simplify(text, let)]
        for answer in answers:
            answer.to_dict()
    except IndexcalcError as error:
        assert error.code != "E490", (text, error)
        assert error.message
        low, high = error.span
        assert 0 <= low <= high <= max(len(error.text), 1), (text, error.span)
    assert perf_counter() - start < SECONDS, text


@pytest.mark.parametrize("words", [MATRIX, INDEX, LATEX], ids=["matrix", "index", "latex"])
def test_words_of_the_language_in_any_order(words: list[str]) -> None:
    @given(st.lists(st.sampled_from(words), max_size=14), st.sampled_from(["", " "]), st.sampled_from([None, "x", "A"]))
    @FUZZ
    def check(chosen: list[str], blank: str, wrt: str | None) -> None:
        _answered(blank.join(chosen), LET, wrt)

    check()


@given(st.text(max_size=40))
@FUZZ
def test_any_unicode(text: str) -> None:
    _answered(text, [], None)


@given(st.text(alphabet="xAWijk_^'()[]{}|.,:;=+-*/ \\$&~dT∂∑√⊙12e", max_size=40))
@FUZZ
def test_any_signs_of_the_language(text: str) -> None:
    _answered(text, LET, None)
