"""TABLE: how each backend writes each instruction. A new backend is one more table.

NumPy is the reference: the others are its rows under another name, but for those that differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from indexcalc.errors import IndexcalcError
from indexcalc.numeric.program import Instruction
from indexcalc.numeric.templates import Namer, Row
from indexcalc.tensor.functions import BY_NAME
from indexcalc.tensor.nodes import Dimension, Rational

RowMaker = Callable[[Instruction, Namer], Row]


def number(value: Rational | float) -> str:
    """A number that divides to the nearest float."""
    if isinstance(value, float) or value.denominator == 1:
        return f"({value})" if value < 0 else str(value)
    return f"({value.numerator} / {value.denominator})"


def _masked(eye: str, spread: str) -> RowMaker:
    """A tensor with deltas as a choice between its entries and zero, for arrays that cannot be changed. ``eye`` is a
    template of a mask, given a size, ``spread`` one of entries at their full shape."""

    def row(instruction: Instruction, name: Namer) -> str:
        inputs = instruction.parameters[0].split("->")[0]
        axes = range(len(inputs))
        repeats = [axis for axis in axes if inputs[axis] in inputs[:axis]]
        masks = []
        for axis in repeats:
            pair = (inputs.index(inputs[axis]), axis)
            index = ", ".join([":" if k in pair else "None" for k in axes])
            masks.append(f"{eye.format(name(instruction.shape[axis]))}[{index}]")
        dims = [name(instruction.shape[axis]) for axis in axes if axis not in repeats]
        entries = spread.format("{1}" if instruction.op == "scatter_add" else "{0}", f"({', '.join(dims)},)")
        index = ", ".join(["None" if axis in repeats else ":" for axis in axes])
        chosen = f"np.where({' & '.join(masks)}, {entries}[{index}], 0)"
        return f"{{0}} + {chosen}" if instruction.op == "scatter_add" else chosen

    return row


def _function(instruction: Instruction, name: Namer) -> str:
    return BY_NAME[instruction.parameters[0]].numpy.replace("{}", "{0}")


Index = tuple[Dimension | None, ...]
"""A row, or where a slice begins and where it ends."""


def _indexed(before: str, after: str = "") -> RowMaker:
    """A template with a row or a slice of an array."""

    def row(instruction: Instruction, name: Namer) -> Row:
        index = ":".join(["" if d is None else name(d) for d in instruction.parameters[0]])
        return ("{0}", f"{before}[{index}]{after}") if after else f"{before}[{index}]"

    return row


NUMPY: dict[str, Row | RowMaker] = {
    "number": lambda instruction, name: number(instruction.parameters[0]),
    "size": lambda instruction, name: name(instruction.parameters[0]),
    "constant": "np.{p}",
    "lift": "{0}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "square": "{0} ** 2",
    "sqrt": "np.sqrt({0})",
    "power": lambda instruction, name: f"{{0}} ** {number(instruction.parameters[0])}",
    "raised": "{0} ** {1}",
    "function": _function,
    "declared": "{p}({0})",
    "T": "{0}.T",
    "transpose": "{0}.transpose({p})",
    "expand": "{0}[{p}]",
    "reshape": "{0}.reshape({shape})",
    "diagonal": "np.einsum('{p}', {0})",
    "sum": "{0}.sum(axis={p})",
    "total": "{0}.sum()",
    "sum_kept": "{0}.sum(axis={p}, keepdims=True)",
    "max_kept": "{0}.max(axis={p}, keepdims=True)",
    "matmul": "{0} @ {1}",
    "tensordot": "np.tensordot({0}, {1}, {p})",
    "einsum": lambda instruction, name: (
        "np.einsum('{p}', {all})" if len(instruction.operands) < 3 else "np.einsum('{p}', {all}, optimize=True)"
    ),
    "solve": "np.linalg.solve({0}, {1})",
    "inv": "np.linalg.inv({0})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
    "epsilon": "np.cross(np.eye(3)[:, None], np.eye(3)[None])",
    "zeros": "np.zeros({shape})",
    "ones": "np.ones({shape})",
    "fill": lambda instruction, name: f"np.full({{shape}}, {number(float(instruction.parameters[0]))})",
    "eye": "np.eye({size})",
    "broadcast": "np.full({shape}, {0})",
    "scatter_scalar": ("np.zeros({shape})", "np.einsum('{p}', {self})[...] = {0}"),
    "scatter": ("np.zeros({shape}, {0}.dtype)", "np.einsum('{p}', {self})[...] = {0}"),
    "scatter_add": ("{0}", "np.einsum('{p}', {self})[...] += {1}"),
    "copy": "{0}.copy()",
    "dtype": "np.result_type(0.0, {all})",
    "empty": "np.empty({shape}, {0})",
    "blank": "np.zeros({shape}, {0})",
    "take": _indexed("{0}"),
    "put": _indexed("{self}", " = {1}"),
    "step": lambda instruction, name: name(instruction.parameters[0]),
    "steps": lambda instruction, name: f"np.arange({', '.join(map(name, instruction.parameters))}, dtype={{0}})",
}

JAX_FUNCTIONS = {"erf": "jax.scipy.special.erf({0})", "erfc": "jax.scipy.special.erfc({0})"}
JAX: dict[str, Row | RowMaker] = {
    "einsum": "jnp.einsum('{p}', {all})",
    **dict.fromkeys(
        ("scatter_scalar", "scatter", "scatter_add"), _masked("jnp.eye({}, dtype=bool)", "jnp.broadcast_to({}, {})")
    ),
    "copy": "{0}",
    "put": _indexed("{self} = {self}.at", ".set({1})"),
}

TORCH_EYE = "torch.eye(3, dtype=torch.float64)"
TORCH_FUNCTIONS = {
    "step": "(torch.sign({0}) + 1) / 2",
    "relu": "torch.relu({0})",
    "softplus": "torch.logaddexp(torch.zeros_like({0}), {0})",
    "erf": "torch.erf({0})",
    "erfc": "torch.erfc({0})",
}
TORCH: dict[str, Row | RowMaker] = {
    "lift": "torch.tensor(float({0}), dtype=torch.float64)",
    "transpose": "{0}.permute({p})",
    "sum": "{0}.sum({p})",
    "sum_kept": "{0}.sum({p}, keepdim=True)",
    "max_kept": "{0}.amax({p}, keepdim=True)",
    "einsum": "torch.einsum('{p}', {all})",
    "tensordot": "torch.tensordot({0}, {1}, {p})",
    "epsilon": f"torch.linalg.cross({TORCH_EYE}[:, None], {TORCH_EYE}[None])",
    "zeros": "torch.zeros({shape}, dtype=torch.float64)",
    "ones": "torch.ones({shape}, dtype=torch.float64)",
    "fill": lambda instruction, name: (
        f"torch.full({{shape}}, {number(float(instruction.parameters[0]))}, dtype=torch.float64)"
    ),
    "eye": "torch.eye({size}, dtype=torch.float64)",
    "broadcast": "torch.ones({shape}, dtype=torch.float64) * {0}",
    "scatter_scalar": ("torch.zeros({shape}, dtype=torch.float64)", "torch.einsum('{p}', {self})[...] = {0}"),
    "scatter": ("{0}.new_zeros({shape})", "torch.einsum('{p}', {self})[...] = {0}"),
    "scatter_add": ("{0}", "torch.einsum('{p}', {self})[...] += {1}"),
    "copy": "{0}.clone()",
    "dtype": "torch.float64",
    "empty": "torch.empty({shape}, dtype={0})",
    "blank": "torch.zeros({shape}, dtype={0})",
}


DASK_ROWS: dict[str, Row | RowMaker] = {
    "zeros": "da.zeros({shape}, chunks=block)",
    "ones": "da.ones({shape}, chunks=block)",
    "fill": lambda instruction, name: f"da.full({{shape}}, {number(float(instruction.parameters[0]))}, chunks=block)",
    "eye": "da.eye({size}, chunks=block)",
    "broadcast": "da.zeros({shape}, chunks=block) + {0}",
    "diagonal": lambda instruction, name: "da.diagonal({0})" if instruction.parameters == ("ii->i",) else "",
    "einsum": "np.einsum('{p}', {all})",
    **dict.fromkeys(
        ("scatter_scalar", "scatter", "scatter_add"),
        _masked("da.eye({}, chunks=block, dtype=bool)", "(da.zeros({1}, chunks=block) + {0})"),
    ),
    **dict.fromkeys(("solve", "inv", "det", "logdet"), ""),
}
DASK_FUNCTIONS = {
    "erf": "{0}.map_blocks(np.vectorize(math.erf, 'd'))",
    "erfc": "{0}.map_blocks(np.vectorize(math.erfc, 'd'))",
}


@dataclass(frozen=True)
class Backend:
    """Where arrays live: its imports by the name that code has for them, its table, its elementwise functions where
    they differ from NumPy's, and ``scalars``, what is done to a scalar argument, if anything. Arrays that are ``fixed``
    cannot be changed in place."""

    name: str
    prefix: str
    imports: Mapping[str, str]
    rows: Mapping[str, Row | RowMaker]
    functions: Mapping[str, str]
    scalars: str = ""
    whole: bool = False
    fixed: bool = False

    def row(self, instruction: Instruction, name: Namer) -> Row:
        """The row of an instruction. Raises IndexcalcError E404 where there is none."""
        found = self.rows.get(instruction.op)
        if found is None:
            if instruction.op == "function" and instruction.parameters[0] in self.functions:
                return self.functions[instruction.parameters[0]]
            found = NUMPY[instruction.op]
        row = found if isinstance(found, str | tuple) else found(instruction, name)
        if not row:
            raise IndexcalcError("E404", f"{self.name} cannot do this: {instruction.op}", help="use --backend numpy")
        if isinstance(row, tuple):
            return self._own(row[0]), self._own(row[1])
        return self._own(row)

    def _own(self, text: str) -> str:
        return re.sub(r"\bnp\.", f"{self.prefix}.", text)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("numpy", "np", {"np": "numpy", "math": "math"}, {}, {}),
        Backend("einsum", "np", {"np": "numpy", "math": "math"}, {}, {}, whole=True),
        Backend("jax", "jnp", {"jax": "jax", "jnp": "jax.numpy"}, JAX, JAX_FUNCTIONS, fixed=True),
        Backend(
            "torch", "torch", {"torch": "torch"}, TORCH, TORCH_FUNCTIONS, "torch.as_tensor({}, dtype=torch.float64)"
        ),
    )
}


DASK = Backend("dask", "np", {"np": "numpy", "math": "math", "da": "dask.array"}, DASK_ROWS, DASK_FUNCTIONS)
"""NumPy's functions find out by themselves that they are given dask's arrays. ``block`` is the length of a block."""


def backend_named(name: str) -> Backend:
    """Raises IndexcalcError E404."""
    if name not in BACKENDS:
        help_ = f"there is code for {', '.join(BACKENDS)}"
        raise IndexcalcError("E404", f"code for {name} is not supported yet", help=help_)
    return BACKENDS[name]
