"""What the samples differentiate, written by hand for JAX: by sample, then by the name of the output or, where it has
none, by the question. A model takes all variables as attributes of one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import relu, sigmoid, softmax
from jax.numpy.linalg import det, inv

jax.config.update("jax_enable_x64", True)

Model = Callable[[Any], Any]


def _logdet(A: Any) -> Any:
    return jnp.linalg.slogdet(A)[1]


# ---------------------------------------------------------------------- networks
def _attention(v: Any) -> Any:
    return softmax(v.Q @ v.K.T / v.s, axis=1) @ v.V


def _unrolled(v: Any) -> Any:
    a, loss = v.a0, 0.0
    for x, y in zip(v.x, v.y, strict=True):
        a = jnp.tanh(v.Wax @ x + v.Waa @ a + v.ba)
        loss += jnp.sum((a - y) ** 2) / 2
    return loss


def _gated(v: Any) -> Any:
    z = sigmoid(v.W_z @ v.s + v.U_z @ v.x)
    r = sigmoid(v.W_r @ v.s + v.U_r @ v.x)
    return (1 - z) * jnp.tanh(v.W @ (r * v.s) + v.U @ v.x) + z * v.s


def _memory(v: Any, *inputs: Any) -> tuple[Any, Any]:
    """The cell and the output of a long short-term memory after these inputs."""
    c, h = v.c_0, v.h_0
    for x in inputs:
        f, i, o = (sigmoid(W @ h + U @ x) for W, U in ((v.W_f, v.U_f), (v.W_i, v.U_i), (v.W_o, v.U_o)))
        c = f * c + i * jnp.tanh(v.W_g @ h + v.U_g @ x)
        h = o * jnp.tanh(c)
    return c, h


def _layernorm(v: Any) -> Any:
    return v.g * (v.x - v.x.mean()) / jnp.sqrt(v.x.var() + v.e) + v.b


def _cross_entropy(v: Any) -> Any:
    hidden = relu(v.W_1 @ v.X + v.b_1[:, None])
    return -jnp.sum(v.Y * jnp.log(softmax(v.W_2 @ hidden + v.b_2[:, None], axis=0))) / v.X.shape[1]


def _block(x: Any, V: Any, W: Any) -> Any:
    return x + V @ relu(W @ x)


def _autoencoder(v: Any) -> Any:
    error = v.x - v.V @ (v.mu + jnp.exp(v.l / 2) * v.e)
    return jnp.sum(error**2) / 2 + jnp.sum(jnp.exp(v.l) + v.mu**2 - v.l - 1) / 2


# ---------------------------------------------------------------------- statistics
def _innovation(v: Any) -> Any:
    r, S = v.y - v.H @ v.x, v.H @ v.P @ v.H.T + v.R
    return -(r @ inv(S) @ r + _logdet(S)) / 2


def _by_covariance(v: Any) -> Any:
    r = v.x - v.mu
    return -r @ inv(v.S) @ r / 2 - _logdet(v.S) / 2


def _by_precision(v: Any) -> Any:
    r = v.x - v.mu
    return _logdet(v.P) / 2 - r @ v.P @ r / 2


def _squares(v: Any) -> Any:
    return jnp.sum((v.X @ v.w - v.y) ** 2)


# ---------------------------------------------------------------------- mechanics
def _energy(v: Any) -> Any:
    """Of a neo-Hookean solid."""
    volume = jnp.log(det(v.F))
    return v.mu / 2 * (jnp.trace(v.F.T @ v.F) - 3) - v.mu * volume + v.l / 2 * volume**2


COOKBOOK: Mapping[str, Model] = {
    "grad(logdet(X), X)": lambda v: _logdet(v.X),
    "grad(det(A*X*B), X)": lambda v: det(v.A @ v.X @ v.B),
    "grad(det(X'*A*X), X)": lambda v: det(v.X.T @ v.A @ v.X),
    "grad(a'*inv(X)*b, X)": lambda v: v.a @ inv(v.X) @ v.b,
    "grad(tr(A*inv(X)*B), X)": lambda v: jnp.trace(v.A @ inv(v.X) @ v.B),
    "grad(tr(inv(X + A)), X)": lambda v: jnp.trace(inv(v.X + v.A)),
    "grad(a'*X*b, X)": lambda v: v.a @ v.X @ v.b,
    "grad(a'*X'*b, X)": lambda v: v.a @ v.X.T @ v.b,
    "grad(b'*X'*X*c, X)": lambda v: v.b @ v.X.T @ v.X @ v.c,
    "grad((B*x + b)'*C*(D*x + d), x)": lambda v: (v.B @ v.x + v.b) @ v.C @ (v.D @ v.x + v.d),
    "grad(x'*B*x, x)": lambda v: v.x @ v.B @ v.x,
    "grad((x - A*s)'*W*(x - A*s), s)": lambda v: (v.x - v.A @ v.s) @ v.W @ (v.x - v.A @ v.s),
    "grad(a'*X^2*b, X)": lambda v: v.a @ v.X @ v.X @ v.b,
    "grad(tr(A*X*B), X)": lambda v: jnp.trace(v.A @ v.X @ v.B),
    "grad(tr(kron(A, X)), X)": lambda v: jnp.trace(jnp.kron(v.A, v.X)),
    "grad(tr(X^2), X)": lambda v: jnp.trace(v.X @ v.X),
    "grad(tr(X^2*B), X)": lambda v: jnp.trace(v.X @ v.X @ v.B),
    "grad(tr(X'*B*X), X)": lambda v: jnp.trace(v.X.T @ v.B @ v.X),
    "grad(tr(A*X*B*X), X)": lambda v: jnp.trace(v.A @ v.X @ v.B @ v.X),
    "grad(tr(B'*X'*C*X*B), X)": lambda v: jnp.trace(v.B.T @ v.X.T @ v.C @ v.X @ v.B),
    "grad(tr((A*X*B + C)*(A*X*B + C)'), X)": lambda v: jnp.sum((v.A @ v.X @ v.B + v.C) ** 2),
    "grad(tr(kron(X, X)), X)": lambda v: jnp.trace(jnp.kron(v.X, v.X)),
    "grad(tr(X^4), X)": lambda v: jnp.trace(v.X @ v.X @ v.X @ v.X),
    "grad(norm2(x - a), x)": lambda v: jnp.sqrt(jnp.sum((v.x - v.a) ** 2)),
    "hess(norm2(X)^2, X)": lambda v: jnp.sum(v.X**2),
}

MODELS: Mapping[str, Mapping[str, Model]] = {
    "attention": {"Y": _attention},
    "bptt": {"L": _unrolled},
    "cookbook": COOKBOOK,
    "crossproduct": {
        "v": lambda v: jnp.cross(v.a, v.b),
        "w": lambda v: jnp.cross(v.a, jnp.cross(v.b, v.c)),
        "s": lambda v: jnp.sum(jnp.cross(v.a, v.b) ** 2),
        "t": lambda v: det(v.X),
    },
    "factorization": {"f": lambda v: jnp.sum((v.T - v.U @ v.V.T) ** 2)},
    "gaussian": {"L": _by_covariance, "M": _by_precision},
    "gru": {"a": _gated},
    "kalman": {"L": _innovation},
    "layernorm": {"y": _layernorm},
    "lstm": {"c_2": lambda v: _memory(v, v.x_1, v.x_2)[0], "h_1": lambda v: _memory(v, v.x_1)[1]},
    "mechanics": {
        "E": lambda v: (v.F.T @ v.F - jnp.eye(3)) / 2,
        "I1": lambda v: jnp.trace(v.C),
        "I2": lambda v: (jnp.trace(v.C) ** 2 - jnp.trace(v.C @ v.C)) / 2,
        "I3": lambda v: det(v.C),
        "W": _energy,
        "d inv(A)_ij / d A_kl": lambda v: inv(v.A),
    },
    "mlp": {"L": _cross_entropy},
    "neuron": {"a": lambda v: jnp.tanh(v.W @ v.x + v.b)},
    "products": {
        "lambda": lambda v: jnp.sum(v.E * v.F),
        "L": lambda v: v.E * v.F,
        "C": lambda v: v.A @ v.B,
        "d X_ij / d X_kl": lambda v: v.X,
    },
    "regression": {
        "squares": _squares,
        "ridge": lambda v: _squares(v) + v.l * v.w @ v.w,
        "logistic": lambda v: jnp.sum(jnp.log(1 + jnp.exp(-v.y * (v.X @ v.w)))),
    },
    "residual": {
        "d z / d y": lambda v: _block(v.y, v.V_2, v.W_2),
        "z": lambda v: _block(_block(v.x, v.V_1, v.W_1), v.V_2, v.W_2),
    },
    "rnn_step": {"a": lambda v: jnp.tanh(v.Wax @ v.xt + v.Waa @ v.a_prev + v.ba)},
    "vae_loss": {"L": _autoencoder},
}
