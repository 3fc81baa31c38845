"""LaTeX as input: it means what the plain statement means, and its errors point into the LaTeX."""

from __future__ import annotations

import pytest

import indexcalc
from indexcalc import IndexcalcError
from indexcalc.language.latex_words import is_latex
from indexcalc.language.parser import parse
from indexcalc.language.splitting import split

LET = "W, A, B, X: matrix(n, n); M: matrix(m, n); x, y, b, w, z: vector(n); u: vector(m); c, t, α, λ, θ, σ: scalar"
SAME = [
    # LaTeX, the plain statement that means the same
    # ------------------------------------------------------------------ derivatives
    (r"\frac{\partial}{\partial W}\tanh(Wx+b)", "∂/∂W (tanh(W x + b))"),
    (r"\frac{\partial \tanh(Wx+b)}{\partial x}", "∂(tanh(W x + b))/∂x"),
    (r"\dfrac{\partial}{\partial \mathbf{x}} \mathbf{x}^\top A \mathbf{x}", "∂/∂x (x' A x)"),
    (r"\frac{\partial}{\partial x}\left(x^{T}Ax + b^{T}x\right)", "∂/∂x (x' A x + b' x)"),
    (r"\frac{\partial^2}{\partial x^2} x^\top A x", "∂^2/∂x^2 (x' A x)"),
    (r"\frac{\partial^2}{\partial x\,\partial y}\, x^\top A y", "∂^2/(∂x ∂y) (x' A y)"),
    (r"\frac{d}{dx} x^TAx", "d/dx (x' A x)"),
    (r"\frac{d(x^TAx)}{dx}", "∂(x' A x)/∂x"),
    (r"\frac{\mathrm{d}}{\mathrm{d}x} \left( x^\top x \right)", "∂/∂x (x' x)"),
    (r"\frac{\partial A_{ij}x_j}{\partial A_{kl}}", "∂(A_ij x_j)/∂A_kl"),
    (r"\frac{\partial}{\partial x_k} \left( A_{ij} x_i x_j \right)", "∂/∂x_k (A_ij x_i x_j)"),
    (r"\frac{\partial}{\partial w_k}\frac{1}{2}\sum_i\Big(y_i-\sum_j A_{ij}w_j\Big)^2", "∂/∂w_k (1/2 sum_i((y_i - sum_j(A_ij w_j))^2))"),
    (r"\partial (x^\top x) / \partial x", "∂(x' x)/∂x"),
    (r"\frac\partial{\partial X}\log\det X", "∂/∂X (log(det(X)))"),
    (r"\frac{\partial\, \operatorname{tr}(AXB)}{\partial X}", "∂(tr(A X B))/∂X"),
    (r"\nabla_x \frac12 \lVert Mx - u \rVert_2^2", "grad(1/2 norm2(M x - u)^2, x)"),
    (r"\nabla_{\boldsymbol{x}} \, x^\top A x", "grad(x' A x, x)"),
    (r"\nabla_X \operatorname{Tr}\left(A X^{-1} B\right)", "grad(tr(A inv(X) B), X)"),
    (r"\nabla_x^2 \, x^\top A x", "hess(x' A x, x)"),
    (r"\nabla^2_{x} \, x^\top A x", "hess(x' A x, x)"),
    (r"\operatorname{grad}(x^\top A x, x)", "grad(x' A x, x)"),
    # ------------------------------------------------------------------ products, fractions, powers
    (r"$Wx+b$", "W x + b"),
    (r"$$W x + b.$$", "W x + b"),
    (r"\( 2Wx \)", "2 W x"),
    (r"\[ x^TAx, \]", "x' A x"),
    (r"\frac{x^T A x}{x^T x}", "(x' A x)/(x' x)"),
    (r"\tfrac{1}{2} x^\top A x - b^\top x", "1/2 x' A x - b' x"),
    (r"\frac12 x", "1/2 x"),
    (r"\frac{c}{t} x", "(c/t)*x"),
    (r"c \cdot x / t", "c*x/t"),
    (r"x \odot y + x \circ y", "x .* y + x .* y"),
    (r"x \oslash y", "x ./ y"),
    (r"c \times x", "c*x"),
    (r"A^{\circ 2} + B^{\odot 2}", "A.^2 + B.^2"),
    (r"A^{-1}b + A^{-T}b + A^{-\top}b", "inv(A) b + inv(A)' b + inv(A)' b"),
    (r"(X^TX)^{-1}X^Ty", "inv(X' X) X' y"),
    (r"x^{\mathsf{T}}y + x^\mathsf{T}y + x^{\rm T}y + x^\intercal y + x^{\mathrm T}y", "5 x' y"),
    (r"A'B \cdot c", "A' B c"),
    (r"{A}^{2} {\mathbf{x}}", "A^2 x"),
    (r"x^{3} + x^2", "x^3 + x^2"),
    (r"\sqrt{x^\top x} + \sqrt c + \sqrt2", "sqrt(x' x) + sqrt(c) + sqrt(2)"),
    (r"\left\{ \left[ A + B \right] x \right\}", "(A + B) x"),
    (r"\alpha A x + \lambda x", "α A x + λ x"),
    (r"\alpha x_i + \delta_{ij} y_j", "α x_i + delta_ij y_j"),
    (r"c\,x \; + \! t\quad y~", "c x + t y"),
    (r"{\displaystyle c x} & + \mathstrut t y \nonumber \label{eq:1}", "c x + t y"),
    # ------------------------------------------------------------------ functions
    (r"\tanh(x)\sin(c)\ln\left(t\right)\arctan(c)", "tanh(x) * sin(c) * log(t) * atan(c)"),
    (r"\tanh x + \exp\left( -\frac{x}{2} \right)", "tanh(x) + exp(-x/2)"),
    (r"\log x_i^2", "log(x_i^2)"),
    (r"\sin^2(c) + \cos^2 t", "sin(c)^2 + cos(t)^2"),
    (r"\sigma(Wx+b)", "sigmoid(W x + b)"),
    (r"\operatorname{softmax}(Wx)", "softmax(W x)"),
    (r"\mathrm{softmax}(x)_i y_i", "softmax(x)_i y_i"),
    (r"\operatorname{diag}(x) A \text{diag}(y)", "diag(x) A diag(y)"),
    (r"\operatorname{ReLU}(Wx)", "relu(W x)"),
    (r"\operatorname{tr}(A^\top X)", "tr(A' X)"),
    (r"\mathrm{tr}\!\left[ A X \right]", "tr(A X)"),
    (r"\text{Tr}\{ A X \}", "tr(A X)"),
    (r"\det(A)^{-1} A", "det(A)^-1 * A"),
    (r"\log\det(A+B)", "log(det(A + B))"),
    (r"\log \sum_j \exp(x_j)", "log(∑_j exp(x_j))"),
    (r"-\sum_i y_i\log x_i", "-∑_i y_i log(x_i)"),
    (r"\lVert Ax-b\rVert_2^2", "norm2(A x - b)^2"),
    (r"\|x\|^2 + \|x\|_1 + \Vert x\Vert^2_2", "norm2(x)^2 + norm1(x) + norm2(x)^2"),
    (r"\left\| A - B \right\|_F^2 + \|A\|_{\mathrm{F}}", "norm2(A - B)^2 + norm2(A)"),
    (r"\lvert c \rvert + |t| + \left| x^\top y \right|", "abs(c) + abs(t) + abs(x' y)"),
    (r"\left\| \left| x \right| - y \right\|", "norm2(abs(x) - y)"),
    (r"\langle x, Ay \rangle", "dot(x, A y)"),
    (r"\ln\left(1+\exp(-c\, w^\top x)\right)", "log(1 + exp(-c*(w' x)))"),
    (r"\operatorname{ones}(n)^\top x", "ones(n)' x"),
    # ------------------------------------------------------------------ indices and sums
    (r"A_{ij}B_{jk} \cdot 1", "A_ij B_jk"),
    (r"A_{ij} x_j + \alpha b_i", "A_ij x_j + α b_i"),
    (r"x_iy_j \cdot 2", "x_i y_j * 2"),
    (r"$A_{i\,j} x_{j}$", "A_ij x_j"),
    (r"\sum_{i=1}^{n} x_i y_i", "∑_i x_i y_i"),
    (r"\sum\limits_{j} A_{ij}", "sum_j(A_ij)"),
    (r"\frac{1}{n}\sum_{i,j} A_{ij} x_i x_j", "1/n * sum_{i j}(A_ij x_i x_j)"),
    (r"\sum_{i=0}^{n-1} \sum_{j=0}^{n-1} A_{ij}", "sum_ij(A_ij)"),
    (r"\sum_{i_1, i_2} A_{i_1 i_2} x_{i_1}", "sum_{i1 i2}(A_{i1 i2} x_{i1})"),
    (r"A_{\mu\nu} x_\nu", "A_{μν} x_ν"),
    (r"y_i = x_i b_i \cdot c", "y_i = x_i b_i c"),
    (r"x_i b_i \to i", "x_i b_i -> i"),
    # ------------------------------------------------------------------ names
    (r"\hat{q}^\top \bar{p} + \tilde{p}^\top \dot q", "qhat' pbar + ptilde' qdot"),
    (r"\hat{\mathbf{q}}_i - y_i", "qhat_i - y_i"),
    (r"\mathbf{A}\vec{x} + {\bf b}", "A x + b"),
    (r"\text{loss} \cdot x^\top y", "loss * x' y"),
    (r"p_{\text{in}}^\top y + p_\mathrm{in}^\top y", r"p_{\text{in}}' y + p_{\text{in}}' y"),
    (r"V^{[1]} a^{[0]} \cdot 1", "V^{[1]} a^{[0]} * 1"),
    (r"a^{\langle t-1 \rangle} + y + \frac{1}{2} b", "a^{<t-1>} + y + 1/2 b"),
    (r"p^{(i)}_j y_j \cdot 2", "p^{(i)}_j y_j * 2"),
    (r"\theta^2 + \vartheta", "θ^2 + θ"),
    (r"\frac{1}{\sigma^2} \operatorname{sigmoid}(\sigma x)", "1/σ^2 * sigmoid(σ*x)"),
    (r"\mathrm{rate}\, x", "rate * x"),
    (r"Wᵢⱼ xⱼ + \alpha b_i", "W_ij x_j + α b_i"),
]  # fmt: skip


def _answers(text: str) -> list[dict[str, object]]:
    keys = ("index", "matrix", "indices", "shape", "order", "declarations")
    return [{key: answer.to_dict()[key] for key in keys} for answer in indexcalc.run(f"{LET}\n{text}")]


@pytest.mark.parametrize("text, plain", SAME, ids=[text for text, _ in SAME])
def test_latex_means_what_the_plain_statement_means(text: str, plain: str) -> None:
    answers = _answers(text)
    assert answers == _answers(plain)
    assert answers or "=" in text


def test_a_definition_serves_the_statements_after_it() -> None:
    typeset = r"a = \tanh(Wx + b); \frac{\partial a}{\partial W}"
    assert _answers(typeset) == _answers("a = tanh(W x + b); d a / d W")


@pytest.mark.parametrize(
    "text, plain",
    [
        (r"W \in \mathbb{R}^{m \times n}; $Wx$", "W: matrix(m, n); W x"),
        (r"\mathbf{x}, y \in \R^d; $x^Ty$", "x, y: vector(d); x' y"),
        (r"\theta: scalar; \Sigma: spd(n); $\theta\Sigma x$", "θ: scalar; Σ: spd(n); θ Σ x"),
        (r"c \in \mathbb{R}; $cx$", "c: scalar; c x"),
        (r"T \in \mathbb R^{2 \times 3 \times p}; $T_{ijk}$", "T: tensor(2, 3, p); T_ijk"),
    ],
)
def test_membership_in_the_reals_declares(text: str, plain: str) -> None:
    assert [a.to_dict()["shape"] for a in indexcalc.run(text)] == [a.to_dict()["shape"] for a in indexcalc.run(plain)]


def test_letters_stand_for_themselves_unless_they_are_declared() -> None:
    (apart,) = indexcalc.run("c, o, s, t: scalar; $cost$")
    (word,) = indexcalc.run("cost: scalar; $2cost$")
    assert (apart.index, word.index) == ("c o s t", "2 cost")


def test_variables_may_be_named_in_latex() -> None:
    answer = indexcalc.diff(r"\theta x^\top y", wrt=r"\theta", let=["θ: scalar", "x, y: vector(n)"])
    assert answer.matrix == "x'*y"


ALIGNED = r"""
W: matrix(m, n)   % a comment; 100\% of it
\begin{align*}
  z &= Wx + b \label{eq:z} \\   # another
  a &= \tanh(z), \\[2pt]
  L &= \tfrac{1}{2} \left\| a - y
        \right\|^2
     \nonumber \\
    & \quad + \lambda\, x^\top x.
\end{align*}
\frac{\partial L}{\partial b}
"""


def test_each_line_of_an_environment_is_a_statement() -> None:
    lines = ["W: matrix(m, n)", "z = W x + b", "a = tanh(z)", "L = 1/2 norm2(a - y)^2 + λ x' x", "d L / d b"]
    (answer,), (plain,) = indexcalc.run(ALIGNED), indexcalc.run("\n".join(lines))
    assert answer.matrix == plain.matrix
    assert answer.index == plain.index


def test_statements_know_the_line_that_they_begin_on() -> None:
    assert [line for line, _ in split(ALIGNED)] == [2, 3, 5, 6, 11]


@pytest.mark.parametrize(
    "text, statements",
    [
        ("$$\ny = Wx\n$$\nz", ["$$ y = Wx $$", "z"]),
        ("\\[\n y = Wx \n\\]", ["\\[  y = Wx  \\]".replace("  ", " ")]),
        (r"a \; b; c", [r"a \; b", "c"]),
        (r"y = Wx \\ z = y", ["$y = Wx$", "$z = y$"]),
        (r"x \% y % z", [r"x \% y"]),
        ("\\begin{gather}\nWx \\\\\nAx\n\\end{gather}", ["\\begin{gather} Wx", "$Ax \\end{gather}$"]),
        ("$x\ny", ["$x", "y"]),
    ],
)
def test_statements_end_where_latex_ends_them(text: str, statements: list[str]) -> None:
    found = [statement for _, statement in split(text)]
    assert [s.replace("$", "") for s in found] == [s.replace("$", "") for s in statements]


WRONG = [
    # text, code, what the caret is under, a word of the help
    (r"\foo{x}", "E103", r"\foo", None),
    (r"x + \fraq{1}{2}", "E103", r"\fraq", r"\frac"),
    (r"\lamda x", "E103", r"\lamda", r"\lambda"),
    (r"x_{\foo}", "E103", r"\foo", None),
    (r"A\y", "E103", r"\y", "inv(A)*y"),
    (r"\text{for all } x", "E103", "for all ", r"\operatorname"),
    (r"$x ! y$", "E103", "!", None),
    (r"\frac{1}{2", "E104", "{", "brace"),
    (r"\left( x + y", "E104", "(", "bracket"),
    (r"\alpha x}", "E104", "}", "remove"),
    (r"\lVert x", "E104", r"\lVert", None),
    (r"\frac{1}", "E101", r"\frac{1}", None),
    (r"\alpha +", "E101", "+", None),
    (r"\nabla_x", "E101", "x", None),
    (r"x \cdot \cdot y", "E102", r"\cdot", "name"),
    (r"\frac{}{x}", "E102", "}", "name"),
    (r"$$ x + $$", "E101", "+", None),
    (r"\tanh^{-1}(x)", "E105", None, "asin"),
    (r"a^{(l-1)} \cdot x", "E105", "^{(l-1)}", "^{l-1}"),
    (r"A_ij \cdot x_j", "E106", "ij", "W_{ij}"),
    (r"x^10 \cdot c", "E106", "^10", None),
    (r"\sum_{x \in S} x", "E103", r"\in", None),
    (r"\sum_{i,+} x", "E106", "_{i,+}", None),
    (r"\frac{d x^2}{dx} + 3", "E107", r"\frac{d x^2}{dx}", None),
    (r"\nabla_x x^\top x + c", "E107", r"\nabla_x x^\top x", None),
    (r"\tanh Wx", "E109", r"\tanh Wx", "brackets"),
    (r"\log x \, y", "E109", r"\log x \, y", "brackets"),
    (r"\alpha/ct", "E109", "ct", None),
    (r"\alpha x + A(x+y) + f(y)", "E302", "f", None),
    (r"A_{ij} x_j + \tanh(b)", "E201", "b", None),
    (r"\begin{bmatrix} c & t \end{bmatrix}", "E404", r"\begin", None),
    (r"\mathbf{1}^\top x", "E404", r"\mathbf{1}", "ones"),
    (r"\sum_{i=2}^{n} x_i", "E404", None, r"\sum_j"),
    (r"\log|A|", "E214", "|A|", "det"),
    (r"A^{\dagger} b", "E404", r"\dagger", None),
    (r"\prod_i x_i", "E404", r"\prod", None),
    (r"\mathbb{E} x", "E404", r"\mathbb", None),
    (r"\sqrt[3]{c}", "E404", r"\sqrt[", "1/3"),
    (r"\log_2 c", "E404", r"\log_", None),
    (r"\hat{A + B}", "E404", None, None),
    (r"x_1 + \dots + x_n", "E403", r"\dots", None),
    ("$" + "(" * 70 + "x", "E502", "(", None),
]  # fmt: skip


@pytest.mark.parametrize("text, code, where, word", WRONG, ids=[text[:30] for text, *_ in WRONG])
def test_errors_point_into_the_latex(text: str, code: str, where: str | None, word: str | None) -> None:
    with pytest.raises(IndexcalcError) as caught:
        list(indexcalc.run(f"{LET}\n{text}"))
    error = caught.value
    assert (error.code, error.text) == (code, text)
    start, end = error.span
    assert 0 <= start < end <= len(text)
    assert where is None or text[start:end] == where
    assert word is None or word in (error.help or "")


@pytest.mark.parametrize("text", [r"x_{\text{in}}", r"W_{\text{a b}} x", "x_{in}", "A'"])
def test_the_names_of_the_plain_language_are_no_latex(text: str) -> None:
    assert not is_latex(text)


def test_spans_of_nodes_are_in_the_latex() -> None:
    text = r"\frac{\partial}{\partial W}\,\tanh\left(W\mathbf{x}\right)"
    body = parse(text).left.items[0]
    assert text[slice(*body.span)] == text
    (*_, (_, call)) = body.factors  # type: ignore[union-attr]
    assert text[slice(*call.span)] == r"\tanh\left(W\mathbf{x}\right)"


@pytest.mark.parametrize("text", ["{" * 5000, r"\frac{" * 1000, r"x^{" * 3000, r"\mathbf{" * 5000, r"\hat" * 5000])
def test_nesting_has_a_limit(text: str) -> None:
    with pytest.raises(IndexcalcError) as caught:
        list(indexcalc.run(rf"\alpha {text}"))
    assert caught.value.code == "E502"


def test_a_sum_says_the_size_of_its_index() -> None:
    answer = indexcalc.diff(r"\frac{1}{N}\sum_{n=1}^N (y_n - w_j X_{nj})^2", wrt="w")
    assert answer.matrix == "-2*X'*(y - X*w)/N"
    assert answer.to_dict()["declarations"]["X"]["shape"][0] == "N"
    assert indexcalc.simplify(r"\sum_{i=0}^{n-1} x_i").to_dict()["declarations"]["x"]["shape"] == ["n"]
    assert indexcalc.simplify(r"\sum_{i=1}^{3} x_i").to_dict()["declarations"]["x"]["shape"] == [3]
    for bound in ("2n", "0", "n_1"):  # says nothing of it
        answer = indexcalc.simplify(rf"\sum_{{i=1}}^{{{bound}}} x_i")
        assert answer.to_dict()["declarations"]["x"]["shape"] == ["m"]
    with pytest.raises(indexcalc.IndexcalcError) as caught:
        indexcalc.simplify(r"\sum_{i=1}^{n} x_i", let=["x: vector(m)"])
    assert caught.value.code == "E203"
