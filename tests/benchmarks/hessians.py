"""Gradients, Hessians and Jacobians as emitted code, against NumPy by hand, JAX, PyTorch and autograd, in one run.

``python -m tests.benchmarks.hessians`` prints the table and asserts the goals; `pip install -e ".[bench]"` installs what
it compares with. One thread, warm; first calls beside.
"""

from __future__ import annotations

import os

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.update({**THREADS, "XLA_FLAGS": XLA, "JAX_ENABLE_X64": "1"})
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import gc  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from time import perf_counter  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402

import indexcalc  # noqa: E402

from .tables import show  # noqa: E402

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")
autograd = pytest.importorskip("autograd")

Values = dict[str, np.ndarray]
RANK = 10
"""Columns of the factors."""
SECONDS = 0.4
"""Time for the repetitions of one measurement."""
MOST = 15
SLOW = 8.0
"""Seconds from which on a framework's first call is its only one."""


class Problem(NamedTuple):
    """An expression, what it is differentiated by and how often; the same for a framework's NumPy, and by hand."""

    name: str
    text: str
    let: Sequence[str]
    wrt: str
    order: int
    framework: Callable[[Any], Callable[..., Any]]
    by_hand: Callable[..., np.ndarray]
    shapes: Callable[[int], dict[str, tuple[int, ...]]]
    sizes: Sequence[int]


# ---------------------------------------------------------------------- the problems
def _sigmoid(u: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-u))


def _logistic_gradient(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return -(X.T @ (y * _sigmoid(-y * (X @ w))))


def _logistic_hessian(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    s = _sigmoid(y * (X @ w))
    return (X.T * (s * (1 - s) * y**2)) @ X


def _factorisation_hessian(T: np.ndarray, U: np.ndarray, V: np.ndarray) -> np.ndarray:
    whole = np.zeros((*U.shape, *U.shape))
    rows = np.arange(len(U))
    whole[rows, :, rows, :] = 2 * (V.T @ V)
    return whole


def _layers(x: np.ndarray, W1: np.ndarray, W2: np.ndarray, W3: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where the first two layers are active, and the probabilities."""
    u1 = W1 @ x
    u2 = W2 @ np.maximum(u1, 0)
    z = W3 @ np.maximum(u2, 0)
    e = np.exp(z - z.max())
    return u1 > 0, u2 > 0, e / e.sum()


def _network_gradient(x: np.ndarray, W1: np.ndarray, W2: np.ndarray, W3: np.ndarray, y: np.ndarray) -> np.ndarray:
    first, second, s = _layers(x, W1, W2, W3)
    return np.outer(W2.T @ (W3.T @ (s - y) * second) * first, x)


def _network_hessian(x: np.ndarray, W1: np.ndarray, W2: np.ndarray, W3: np.ndarray, y: np.ndarray) -> np.ndarray:
    first, second, s = _layers(x, W1, W2, W3)
    jacobian = (W3 * second) @ (W2 * first)
    along = s @ jacobian
    core = (jacobian.T * s) @ jacobian - np.outer(along, along)
    return core[:, None, :, None] * (x[:, None] * x)[None, :, None, :]


def _tanh_by_matrix(W: np.ndarray, x: np.ndarray, b: np.ndarray) -> np.ndarray:
    n = len(b)
    whole = np.zeros((n, *W.shape))
    rows = np.arange(n)
    whole[rows, rows] = (1 - np.tanh(W @ x + b) ** 2)[:, None] * x
    return whole


QUADRATIC = ("x'*A*x", ("A: matrix(n, n)", "x: vector(n)"), "x")
LOGISTIC = ("sum(log(1 + exp(-y .* (X*w))))", ("X: matrix(m, n)", "y: vector(m)", "w: vector(n)"), "w")
FACTORISATION = ("norm2(T - U*V')^2", ("T: matrix(m, n)", "U: matrix(m, k)", "V: matrix(n, k)"), "U")
NETWORK = (
    "logsumexp(W3*relu(W2*relu(W1*x))) - y'*(W3*relu(W2*relu(W1*x)))",
    ("x, y: vector(n)", "W1, W2, W3: matrix(n, n)"),
    "W1",
)
NEURON = ("tanh(W*x + b)", ("W: matrix(n, n)", "x, b: vector(n)"))


def _quadratic(np_: Any) -> Callable[..., Any]:
    return lambda A, x: x @ A @ x


def _logistic(np_: Any) -> Callable[..., Any]:
    return lambda X, y, w: np_.sum(np_.log(1 + np_.exp(-y * (X @ w))))


def _factorisation(np_: Any) -> Callable[..., Any]:
    return lambda T, U, V: np_.sum((T - U @ V.T) ** 2)


def _network(np_: Any) -> Callable[..., Any]:
    zero = torch.zeros((), dtype=torch.float64) if np_ is torch else 0.0

    def loss(x: Any, W1: Any, W2: Any, W3: Any, y: Any) -> Any:
        z = W3 @ np_.maximum(W2 @ np_.maximum(W1 @ x, zero), zero)
        top = np_.max(z)
        return top + np_.log(np_.sum(np_.exp(z - top))) - y @ z

    return loss


def _neuron(np_: Any) -> Callable[..., Any]:
    return lambda W, x, b: np_.tanh(W @ x + b)


def _square(n: int) -> dict[str, tuple[int, ...]]:
    return {"A": (n, n), "x": (n,)}


def _samples(n: int) -> dict[str, tuple[int, ...]]:
    return {"X": (2 * n, n), "y": (2 * n,), "w": (n,)}


def _factors(n: int) -> dict[str, tuple[int, ...]]:
    return {"T": (n, n), "U": (n, RANK), "V": (n, RANK)}


def _weights(n: int) -> dict[str, tuple[int, ...]]:
    return {"x": (n,), "W1": (n, n), "W2": (n, n), "W3": (n, n), "y": (n,)}


def _unit(n: int) -> dict[str, tuple[int, ...]]:
    return {"W": (n, n), "x": (n,), "b": (n,)}


PROBLEMS = (
    Problem("x'Ax gradient", *QUADRATIC, 1, _quadratic, lambda A, x: A @ x + A.T @ x, _square, (50, 100, 1000)),
    Problem("x'Ax Hessian", *QUADRATIC, 2, _quadratic, lambda A, x: A + A.T, _square, (50, 100, 300, 1000)),
    Problem("logistic gradient", *LOGISTIC, 1, _logistic, _logistic_gradient, _samples, (50, 100, 1000)),
    Problem("logistic Hessian", *LOGISTIC, 2, _logistic, _logistic_hessian, _samples, (50, 100, 300, 1000)),
    Problem(
        "factorisation gradient",
        *FACTORISATION,
        1,
        _factorisation,
        lambda T, U, V: 2 * (U @ V.T - T) @ V,
        _factors,
        (50, 100, 1000),
    ),
    Problem(
        "factorisation Hessian", *FACTORISATION, 2, _factorisation, _factorisation_hessian, _factors, (50, 100, 300)
    ),
    Problem("network gradient", *NETWORK, 1, _network, _network_gradient, _weights, (50, 100, 1000)),
    Problem("network Hessian", *NETWORK, 2, _network, _network_hessian, _weights, (20, 40, 50)),
    Problem(
        "tanh(Wx+b) by x",
        *NEURON,
        "x",
        1,
        _neuron,
        lambda W, x, b: (1 - np.tanh(W @ x + b) ** 2)[:, None] * W,
        _unit,
        (50, 100, 300, 1000),
    ),
    Problem("tanh(Wx+b) by W", *NEURON, "W", 1, _neuron, _tanh_by_matrix, _unit, (50, 100, 300)),
)


# ---------------------------------------------------------------------- the contestants
def _indexcalc(problem: Problem, n: int, **options: Any) -> Callable[..., Any]:
    """From the text to a function, with nothing remembered."""
    indexcalc.clear_caches()
    shapes = problem.shapes(n)
    answer = indexcalc.diff(problem.text, wrt=problem.wrt, let=problem.let, order=problem.order)
    space: dict[str, Any] = {}
    sizes = {d: size for i in answer.task.inputs for d, size in zip(i.shape, shapes[i.name], strict=True)}
    exec(answer.to_code(sizes=sizes, **options), space)
    function: Callable[..., Any] = space["derivative"]
    return function


def _place(problem: Problem) -> int:
    return list(problem.shapes(1)).index(problem.wrt)


def _jax(problem: Problem, values: Values) -> Callable[[], Any]:
    function, at = problem.framework(jax.numpy), _place(problem)
    scalar = not np.ndim(problem.framework(np)(**values))
    how = jax.hessian if problem.order == 2 else jax.grad if scalar else jax.jacobian
    compiled = jax.jit(how(function, at))
    given = [jax.numpy.asarray(x) for x in values.values()]
    return lambda: compiled(*given).block_until_ready()


def _torch(problem: Problem, values: Values) -> Callable[[], Any]:
    function, at = problem.framework(torch), _place(problem)
    scalar = not np.ndim(problem.framework(np)(**values))
    how = torch.func.hessian if problem.order == 2 else torch.func.grad if scalar else torch.func.jacrev
    derived = how(function, argnums=at)
    given = [torch.from_numpy(x) for x in values.values()]
    return lambda: derived(*given)


def _autograd(problem: Problem, values: Values) -> Callable[[], Any]:
    function, at = problem.framework(autograd.numpy), _place(problem)
    scalar = not np.ndim(problem.framework(np)(**values))
    how = autograd.hessian if problem.order == 2 else autograd.grad if scalar else autograd.jacobian
    derived = how(function, at)
    return lambda: derived(*values.values())


FRAMEWORKS = {"JAX": _jax, "torch": _torch, "autograd": _autograd}


# ---------------------------------------------------------------------- measuring
def _once(function: Callable[[], Any]) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start


def _interleaved(functions: Sequence[Callable[[], Any]]) -> list[float]:
    """The least time of each, in turns, each right after a call of its own: what ran before has the caches."""
    times: list[list[float]] = [[] for _ in functions]
    start = perf_counter()
    while len(times[0]) < MOST or perf_counter() - start < SECONDS:
        for function, own in zip(functions, times, strict=True):
            function()
            own.append(_once(function))
        if perf_counter() - start > 20 * SECONDS and len(times[0]) > 3:
            break
    return [min(own) for own in times]


class Row(NamedTuple):
    problem: str
    n: int
    hand: float
    ours: float
    first: float
    """From the text to the first result."""
    theirs: dict[str, float]
    firsts: dict[str, float]
    compressed: float

    @property
    def cells(self) -> tuple[object, ...]:
        times = [self.theirs.get(name) for name in FRAMEWORKS]
        ratios = [None if time is None else time / self.ours for time in times]
        cells = [self.hand, self.ours, *times, self.ours / self.hand, *ratios, self.first, self.firsts["JAX"]]
        scaled = [1e3 * c if (c is not None and k < 5) or k > 8 else c for k, c in enumerate(cells)]  # type: ignore[operator]
        return (self.problem, self.n, *["" if c is None else f"{c:.3g}" for c in scaled])


def _measured(problem: Problem, n: int) -> Row:
    rng = np.random.default_rng(0)
    values = {
        name: rng.standard_normal(shape) / max(1, len(shape) - 1) ** 0.5 for name, shape in problem.shapes(n).items()
    }
    values = {name: x / np.sqrt(x.shape[-1]) if x.ndim == 2 else x for name, x in values.items()}
    want = problem.by_hand(**values)
    start = perf_counter()
    function = _indexcalc(problem, n)
    got = function(**values)
    first = perf_counter() - start
    np.testing.assert_allclose(got, want, atol=1e-9 * np.abs(want).max())
    core = _indexcalc(problem, n, compressed=True)
    warm: dict[str, Callable[[], Any]] = {}
    theirs: dict[str, float] = {}
    firsts: dict[str, float] = {}
    for name, framework in FRAMEWORKS.items():
        if name != "JAX" and want.size * want.ndim > 4 * 10**6:
            continue  # minutes
        call = framework(problem, values)
        result: list[Any] = []
        firsts[name] = _once(lambda call=call, result=result: result.append(call()))  # type: ignore[misc]
        np.testing.assert_allclose(np.asarray(result[0]), want, atol=1e-9 * np.abs(want).max())
        if firsts[name] < SLOW:
            warm[name] = call
        theirs[name] = firsts[name]
    del got, want
    gc.collect()
    ours = [lambda: problem.by_hand(**values), lambda: function(**values), lambda: core(**values)]
    hand, own, compressed, *others = _interleaved([*ours, *warm.values()])
    theirs |= dict(zip(warm, others, strict=True))
    return Row(problem.name, n, hand, own, first, theirs, firsts, compressed)


# ---------------------------------------------------------------------- the goals
MILLISECOND = 1e-3
TIMES_JAX = {
    ("x'Ax Hessian", 1000): 15.0,
    ("logistic Hessian", 300): 2.2,
    ("logistic Hessian", 1000): 4.0,
    ("factorisation Hessian", 100): 100.0,
    ("network Hessian", 40): 1.3,
}


def _goals(rows: Sequence[Row]) -> list[tuple[str, float, str, float, bool]]:
    """Each goal: what it is of, the ratio, whether it is a least or a most, the goal, and whether it holds."""
    goals: list[tuple[str, float, str, float]] = []
    for row in rows:
        name = f"{row.problem}, n = {row.n}"
        if row.hand >= MILLISECOND or row.n == 50:
            goals.append(
                (f"{name}: beside by hand", row.ours / row.hand, "<=", 1.15 if row.hand >= MILLISECOND else 1.3)
            )
        if (row.problem, row.n) in TIMES_JAX:
            goals.append((f"{name}: JAX", row.theirs["JAX"] / row.ours, ">=", TIMES_JAX[row.problem, row.n]))
        if (row.problem, row.n) == ("factorisation Hessian", 100):
            goals.append((f"{name}: JAX beside the core", row.theirs["JAX"] / row.compressed, ">=", 1000.0))
        if "gradient" in row.problem and row.n == 1000:
            goals.append((f"{name}: beside JAX", row.ours / row.theirs["JAX"], "<=", 1.25))
        if "Hessian" in row.problem and row.n == 100:
            goals.append((f"{name}: first call beside JAX's", row.first / row.firsts["JAX"], "<=", 0.2))
    return [(*goal, goal[1] <= goal[3] if goal[2] == "<=" else goal[1] >= goal[3]) for goal in goals]


@pytest.mark.benchmark
def test_hessians() -> None:
    torch.set_num_threads(1)
    _indexcalc(PROBLEMS[0], 2)  # what is imported at the first use
    rows = [_measured(problem, n) for problem in PROBLEMS for n in problem.sizes]
    heads = ["ms", "n", "by hand", "indexcalc", *FRAMEWORKS, "/ by hand", *(f"{f} /" for f in FRAMEWORKS)]
    show("derivatives", [*heads, "text to first", "JAX first"], [row.cells for row in rows])
    goals = _goals(rows)
    show("goals", ["ratio", "is", "", "goal", "holds"], [(*goal[:4], "yes" if goal[4] else "NO") for goal in goals])
    assert all(goal[4] for goal in goals)


if __name__ == "__main__":
    test_hessians()
