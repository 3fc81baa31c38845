"""Programs with loops for tests, each with what it means in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from indexcalc.backprop.adjoints import Backward, backward
from indexcalc.backprop.code import value_and_grad
from indexcalc.backprop.model import Model
from indexcalc.backprop.reading import Unread
from indexcalc.language.lowering import Lowering
from indexcalc.language.splitting import split
from indexcalc.session import Session
from indexcalc.tensor.nodes import number

Arrays = Mapping[str, Any]


def differentiated(text: str, wanted: Sequence[str] = (), output: str = "L") -> tuple[Model, Backward]:
    """The model of a program and the backward pass by some of its inputs, or all."""
    session = Session()
    statements = list(split(text))
    session.foresee(statements)
    for line, statement in statements:
        session.answers(statement, line=line)
    scope = session.scope
    unread = Unread(scope, scope.symbols[output])
    by = [scope.symbols[name] for name in wanted] or unread.inputs()
    dim = scope.dimensions([axis for symbol in unread.symbols for axis in symbol.axes])
    defined = {symbol for symbol in unread.symbols if unread.meaning(symbol) is not None}
    model = unread.model(by, Lowering(dim, defined | set(by)))
    return model, backward(model, [symbol.name for symbol in by], number(1), "d")


def emitted(text: str, backend: str = "numpy", wanted: Sequence[str] = ()) -> str:
    return value_and_grad(*differentiated(text, wanted), backend, {}, ["Value and gradients."])


def function(code: str) -> Callable[..., tuple[Any, dict[str, Any]]]:
    space: dict[str, Any] = {}
    exec(compile(code, "<emitted>", "exec"), space)
    return space["value_and_grad"]  # type: ignore[no-any-return]


class Recurrence(NamedTuple):
    """A program; the shapes of its inputs for T steps, where "T" stands for T, and "T+1" for one more; its value; and
    the least T."""

    text: str
    shapes: Mapping[str, tuple[Any, ...]]
    value: Callable[..., Any]
    least: int = 1

    def inputs(self, steps: int, seed: int = 0) -> dict[str, np.ndarray]:
        draw = np.random.default_rng(seed)
        found = {}
        for name, shape in self.shapes.items():
            sizes = [steps + int(d[1:] or 0) if isinstance(d, str) else d for d in shape]
            found[name] = np.asarray(0.5 * draw.standard_normal(sizes)) + (1.5 if name == "gamma" else 0)
        return found


def differences(value: Callable[..., Any], inputs: Arrays, step: float = 1e-6) -> dict[str, np.ndarray]:
    """The gradients by central differences."""
    found = {}
    for name, array in inputs.items():
        array = np.asarray(array)
        gradient = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            moved = [np.array(array) for _ in range(2)]
            moved[0][place] += step
            moved[1][place] -= step
            above, below = (value(**{**inputs, name: each}) for each in moved)
            gradient[place] = (above - below) / (2 * step)
        found[name] = gradient
    return found


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _rnn(W: Any, U: Any, b: Any, h0: Any, x: Any, y: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(len(x)):
        h = np.tanh(W @ h + U @ x[t] + b)
        loss += ((h - y[t]) ** 2).sum() / 2
    return loss


def _last(W: Any, U: Any, b: Any, h0: Any, x: Any, v: Any) -> Any:
    h = h0
    for t in range(len(x)):
        h = np.tanh(W @ h + U @ x[t] + b)
    return v @ h


def _lstm(
    Wf: Any,
    Wi: Any,
    Wo: Any,
    Wg: Any,
    Uf: Any,
    Ui: Any,
    Uo: Any,
    Ug: Any,
    bf: Any,
    bi: Any,
    bo: Any,
    bg: Any,
    h0: Any,
    c0: Any,
    x: Any,
    y: Any,
) -> Any:
    h, c, loss = h0, c0, 0.0
    for t in range(len(x)):
        f, i, o = (sigmoid(W @ h + U @ x[t] + b) for W, U, b in ((Wf, Uf, bf), (Wi, Ui, bi), (Wo, Uo, bo)))
        c = f * c + i * np.tanh(Wg @ h + Ug @ x[t] + bg)
        h = o * np.tanh(c)
        loss += ((h - y[t]) ** 2).sum() / 2
    return loss


def _gru(Wz: Any, Wr: Any, Wn: Any, Uz: Any, Ur: Any, Un: Any, h0: Any, x: Any, v: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(len(x)):
        z, r = sigmoid(Wz @ h + Uz @ x[t]), sigmoid(Wr @ h + Ur @ x[t])
        h = (1 - z) * np.tanh(Wn @ (r * h) + Un @ x[t]) + z * h
        loss += v @ h
    return loss


def _two_back(A: Any, B: Any, b: Any, u: Any, v: Any, y: Any) -> Any:
    h = [u, v]
    for _ in range(2, len(y) + 1):
        h.append(np.tanh(A @ h[-1] + B @ h[-2] + b))
    return sum(y[t - 1] @ h[t] for t in range(1, len(y) + 1)) / len(y) + np.log(sum(h[t] @ h[t] for t in range(len(y))))


def _shared(W: Any, h0: Any, g0: Any, x: Any, v: Any) -> Any:
    h, g = [h0], [g0]
    for t in range(len(x)):
        h.append(np.tanh(W @ h[-1] + x[t]))
    for t in range(len(x)):
        g.append(sigmoid(W @ g[-1] + h[t + 1]))
    return v @ g[-1]


def _discounted(gamma: Any, W: Any, h0: Any, y: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(1, len(y) + 1):
        h = np.tanh(W @ h / t)
        loss += gamma**t * (h @ y[t - 1])
    return loss


def _down(W: Any, g: Any, x: Any) -> Any:
    loss = 0.0
    for t in range(len(x), 0, -1):
        g = np.sin(W @ g + x[t - 1])
        loss += g @ g
    return loss


def _batch(W: Any, U: Any, H0: Any, X: Any, Y: Any) -> Any:
    H, loss = H0, 0.0
    for t in range(len(X)):
        H = np.tanh(W @ H + U @ X[t])
        loss += ((H - Y[t]) ** 2).sum()
    return loss


def _nested(V: Any, W: Any, U: Any, h0: Any, x: Any, y: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(len(x)):
        h = V @ np.tanh(W @ h + U @ x[t]) + h
        loss += h @ y[t]
    return loss


def _filter(A: Any, Q: Any, P0: Any, x: Any) -> Any:
    P, loss = P0, 0.0
    for t in range(len(x)):
        P = A @ np.linalg.inv(P + Q @ Q.T + 3 * np.eye(3)) @ A.T
        loss += x[t] @ P @ x[t] + np.linalg.slogdet(P + 2 * np.eye(3))[1]
    return loss


def _classes(W: Any, V: Any, h0: Any, y: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(len(y)):
        h = np.tanh(W @ h)
        z = V @ h
        loss += np.log(np.exp(z).sum()) - y[t] @ z
    return loss


def _scalar(a: Any, s0: Any, x: Any) -> Any:
    s = s0
    for t in range(len(x)):
        s = np.sin(a * s + x[t])
    return s**2


def _attended(W: Any, h0: Any, x: Any) -> Any:
    h, loss = h0, 0.0
    for t in range(len(x)):
        e = np.exp(W @ h + x[t])
        h = e / e.sum()
        loss += h @ x[t]
    return loss


def _ends(W: Any, h0: Any, x: Any) -> Any:
    h = [h0]
    for t in range(len(x)):
        h.append(np.tanh(W @ h[-1] + x[t]))
    return h[-1] @ h[-2] + x[0] @ h[0]


RECURRENCES = {
    "rnn": Recurrence(
        "h[0] = h0\nh[t] = tanh(W h[t-1] + U x[t] + b) for t = 1..T\nL = sum(1/2 norm2(h[t] - y[t])^2 for t = 1..T)",
        {"W": (3, 3), "U": (3, 2), "b": (3,), "h0": (3,), "x": ("T", 2), "y": ("T", 3)},
        _rnn,
    ),
    "last": Recurrence(
        "h[0] = h0\nh[t] = tanh(W h[t-1] + U x[t] + b) for t = 1..T\nL = v'*h[T]",
        {"W": (3, 3), "U": (3, 2), "b": (3,), "h0": (3,), "x": ("T", 2), "v": (3,)},
        _last,
    ),
    "lstm": Recurrence(
        "Wf, Wi, Wo, Wg: matrix(m, m)\nUf, Ui, Uo, Ug: matrix(m, n)\nbf, bi, bo, bg, h0, c0: vector(m)\n"
        "h[0] = h0\nc[0] = c0\n"
        "f[t] = sigmoid(Wf h[t-1] + Uf x[t] + bf) for t = 1..T\n"
        "i[t] = sigmoid(Wi h[t-1] + Ui x[t] + bi) for t = 1..T\n"
        "o[t] = sigmoid(Wo h[t-1] + Uo x[t] + bo) for t = 1..T\n"
        "g[t] = tanh(Wg h[t-1] + Ug x[t] + bg) for t = 1..T\n"
        "c[t] = f[t] .* c[t-1] + i[t] .* g[t] for t = 1..T\n"
        "h[t] = o[t] .* tanh(c[t]) for t = 1..T\n"
        "L = sum(1/2 norm2(h[t] - y[t])^2 for t = 1..T)",
        {
            **dict.fromkeys(("Wf", "Wi", "Wo", "Wg"), (3, 3)),
            **dict.fromkeys(("Uf", "Ui", "Uo", "Ug"), (3, 2)),
            **dict.fromkeys(("bf", "bi", "bo", "bg", "h0", "c0"), (3,)),
            "x": ("T", 2),
            "y": ("T", 3),
        },
        _lstm,
    ),
    "gru": Recurrence(
        "Wz, Wr, Wn: matrix(m, m)\nUz, Ur, Un: matrix(m, n)\nh0, v: vector(m)\n"
        "h[0] = h0\n"
        "z[t] = sigmoid(Wz h[t-1] + Uz x[t]) for t = 1..T\n"
        "r[t] = sigmoid(Wr h[t-1] + Ur x[t]) for t = 1..T\n"
        "h[t] = (1 - z[t]) .* tanh(Wn (r[t] .* h[t-1]) + Un x[t]) + z[t] .* h[t-1] for t = 1..T\n"
        "L = sum(v'*h[t] for t = 1..T)",
        {
            **dict.fromkeys(("Wz", "Wr", "Wn"), (3, 3)),
            **dict.fromkeys(("Uz", "Ur", "Un"), (3, 2)),
            "h0": (3,),
            "x": ("T", 2),
            "v": (3,),
        },
        _gru,
    ),
    "two back": Recurrence(
        "h[0] = u\nh[1] = v\nh[t] = tanh(A h[t-1] + B h[t-2] + b) for t = 2..T\n"
        "L = sum(y[t]'*h[t] for t = 1..T)/T + log(sum(norm2(h[t])^2 for t = 0..T-1))",
        {"A": (3, 3), "B": (3, 3), "b": (3,), "u": (3,), "v": (3,), "y": ("T", 3)},
        _two_back,
        2,
    ),
    "shared": Recurrence(
        "h[0] = h0\ng[0] = g0\nh[t] = tanh(W h[t-1] + x[t]) for t = 1..T\n"
        "g[t] = sigmoid(W g[t-1] + h[t]) for t = 1..T\nL = v'*g[T]",
        {"W": (3, 3), "h0": (3,), "g0": (3,), "x": ("T", 3), "v": (3,)},
        _shared,
    ),
    "discounted": Recurrence(
        "gamma: scalar\nh[0] = h0\nh[t] = tanh(W h[t-1]/t) for t = 1..T\nL = sum(gamma^t h[t]'*y[t] for t = 1..T)",
        {"gamma": (), "W": (3, 3), "h0": (3,), "y": ("T", 3)},
        _discounted,
    ),
    "down": Recurrence(
        "h[T] = g\nh[t-1] = sin(W h[t] + x[t]) for t = T..1\nL = sum(norm2(h[t])^2 for t = 0..T-1)",
        {"W": (3, 3), "g": (3,), "x": ("T", 3)},
        _down,
    ),
    "batch": Recurrence(
        "W: matrix(m, m)\nU: matrix(m, n)\nH0: matrix(m, p)\nX[t]: matrix(n, p)\n"
        "H[0] = H0\nH[t] = tanh(W H[t-1] + U X[t]) for t = 1..T\nL = sum(norm2(H[t] - Y[t])^2 for t = 1..T)",
        {"W": (3, 3), "U": (3, 2), "H0": (3, 4), "X": ("T", 2, 4), "Y": ("T", 3, 4)},
        _batch,
    ),
    "nested": Recurrence(
        "h[0] = h0\nh[t] = V tanh(W h[t-1] + U x[t]) + h[t-1] for t = 1..T\nL = sum(h[t]'*y[t] for t = 1..T)",
        {"V": (3, 3), "W": (3, 3), "U": (3, 2), "h0": (3,), "x": ("T", 2), "y": ("T", 3)},
        _nested,
    ),
    "filter": Recurrence(
        "A, Q, P0: matrix(n, n)\nP[0] = P0\nP[t] = A inv(P[t-1] + Q Q' + 3 eye(n)) A' for t = 1..T\n"
        "L = sum(x[t]'*P[t]*x[t] + logdet(P[t] + 2 eye(n)) for t = 1..T)",
        {"A": (3, 3), "Q": (3, 3), "P0": (3, 3), "x": ("T", 3)},
        _filter,
    ),
    "classes": Recurrence(
        "W: matrix(m, m)\nV: matrix(k, m)\ny[t]: vector(k)\nh[0] = h0\nh[t] = tanh(W h[t-1]) for t = 1..T\n"
        "L = sum(logsumexp(V h[t]) - y[t]'*V*h[t] for t = 1..T)",
        {"W": (3, 3), "V": (2, 3), "h0": (3,), "y": ("T", 2)},
        _classes,
    ),
    "scalar": Recurrence(
        "a, s0, s[t]: scalar\nx[t]: scalar\ns[0] = s0\ns[t] = sin(a s[t-1] + x[t]) for t = 1..T\nL = s[T]^2",
        {"a": (), "s0": (), "x": ("T",)},
        _scalar,
    ),
    "softmax": Recurrence(
        "h[0] = h0\nh[t] = softmax(W h[t-1] + x[t]) for t = 1..T\nL = sum(h[t]'*x[t] for t = 1..T)",
        {"W": (3, 3), "h0": (3,), "x": ("T", 3)},
        _attended,
    ),
    "ends": Recurrence(
        "h[0] = h0\nh[t] = tanh(W h[t-1] + x[t]) for t = 1..T\nL = h[T]'*h[T-1] + x[1]'*h[0]",
        {"W": (3, 3), "h0": (3,), "x": ("T", 3)},
        _ends,
        2,
    ),
}
