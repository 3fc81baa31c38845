"""A derivation on real arrays: what it takes, the result, and a check of the result on the same data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexcalc.derivation import Derivation
from indexcalc.emission import results, symbols
from indexcalc.errors import IndexcalcError
from indexcalc.numeric.backends import BACKENDS
from indexcalc.numeric.counting import entries
from indexcalc.numeric.data import Bound, Pending, Source, bound
from indexcalc.numeric.engines import Setting, engine_named
from indexcalc.numeric.execution import Progress, modules, run
from indexcalc.numeric.lowering import lowered
from indexcalc.numeric.program import Cost, Finished, cost
from indexcalc.tensor.functions import declared_functions

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = {"float64": 8, "float32": 4}
"""The bytes of an entry."""
STEP = 1e-4
"""Of differences, beside the norm of the variable."""
STENCIL = ((2, -1 / 12), (1, 2 / 3), (-1, -2 / 3), (-2, 1 / 12))
"""Places and weights of central differences of the fourth order."""
DIRECTIONS = 3
SEED = 20_260_131
"""Of the random directions: none that data is likely to be made with."""
NOISE = 1e-3
"""A slope that is smaller, beside the values that differences are taken of, is measured by these."""
CLOSE = {"float64": 1e-5, "float32": 1e-2}
"""The largest relative error of a result that is right."""


UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def memory(count: float) -> str:
    """A number of bytes in the unit that suits it."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            break
        count /= 1000
    return f"{count:.3g} {unit}"


def free_memory() -> int | None:
    """The bytes that this machine can give, what files are cached in included; None where it does not say."""
    try:
        found = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
        return int(found.group(1)) * 1024 if found else None
    except OSError:
        return None


class Computation:
    """The derivative ("jacobian"), or its product with a cotangent ("pullback"), for the data of ``sources``.

    Raises IndexcalcError: E203 where shapes do not fit, E313 where data is missing, E404 for an unknown function or
    backend, E510 where it needs more memory than ``limit`` bytes.
    """

    def __init__(
        self,
        derivation: Derivation,
        sources: Mapping[str, Source],
        form: str = "jacobian",
        sizes: Mapping[str, int] | None = None,
        dtype: str = "float64",
    ) -> None:
        self.derivation, self.form, self.dtype = derivation, form, dtype
        self.results = results(derivation, form)
        functions = declared_functions(self.results.nodes)
        if functions:
            message = f"`{functions[0]}` is declared without a formula, and has no values"
            raise IndexcalcError("E404", message, help="write the function out")
        if dtype not in DTYPES:
            raise IndexcalcError(
                "E404", f"entries of type {dtype} are not supported yet", help=f"use {' or '.join(DTYPES)}"
            )
        declared = {i.name: (i.spelling, i.structure) for i in derivation.task.inputs}
        self.data: Bound = bound(self.results.shapes, declared, sources, sizes or {})
        for symbol in symbols(derivation):
            if symbol not in self.data.sizes:
                message = f"nothing says how large {symbol} is"
                raise IndexcalcError("E313", message, help=f"--size {symbol}=100")
        self.program = lowered(self.results.nodes, self.data.sizes)

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """The inputs by name; random ones are drawn when they are first asked for."""
        found = self.data.arrays
        return {name: array.drawn() if isinstance(array, Pending) else array for name, array in found.items()}

    @property
    def cost(self) -> Cost:
        return cost(self.program, self.data.sizes)

    @property
    def bytes(self) -> int:
        """The memory that it takes, inputs included."""
        return self.cost.peak * DTYPES[self.dtype]

    def admit(self, limit: int | None, backend: str = "numpy") -> None:
        """Raises IndexcalcError E510 where more memory is needed than there is; of dask only the result counts."""
        result = entries(self.results.nodes[-1].shape, self.data.sizes) * DTYPES[self.dtype]
        needed = result if backend == "dask" else self.bytes
        if limit is not None and needed > limit:
            message = f"this needs about {memory(needed)}, and there are {memory(limit)}"
            help_ = "ask for a pullback or a Hessian-vector product, take smaller data, or say --force"
            raise IndexcalcError("E510", message, help=help_)

    def run(
        self,
        backend: str = "numpy",
        progress: Progress | None = None,
        limit: int | None = None,
        scheduler: str | None = None,
    ) -> NDArray[Any]:
        """The result as a NumPy array. dask cuts arrays into blocks for ``limit`` bytes of memory, and works on the
        cluster at the address ``scheduler``, else in this process. Raises IndexcalcError E405 where a matrix has no
        inverse, E404 for what an engine cannot do."""
        import numpy as np  # heavy

        setting = Setting(self.dtype, DTYPES[self.dtype], limit, scheduler)
        engine = engine_named(backend, self.program, self.data.sizes, setting)
        values = {name: engine.enter(array) for name, array in self.arrays.items()}

        def whole(given: Mapping[str, Any]) -> Any:
            (result,) = run(self.program, engine.backend, engine.names, given, self.data.sizes, progress)
            return result

        try:
            return engine.leave(engine.compiled(whole)(values))
        except np.linalg.LinAlgError:
            help_ = "with these values there is no inverse"
            raise IndexcalcError("E405", "a matrix is singular", help=help_) from None
        except MemoryError:
            raise IndexcalcError("E510", f"memory was too small: about {memory(self.bytes)} are needed") from None

    # ------------------------------------------------------------------ a check on the data
    def error(self, result: NDArray[Any]) -> float | None:
        """The largest relative error of the result beside differences of what it is the derivative of, along random
        directions; None where it is no derivative."""
        import numpy as np  # heavy

        derivation, task = self.derivation, self.derivation.task
        if task.form == "simplify":
            return None
        variable = task.wrt[-1]
        base = task.output if derivation.order == 1 else derivation.gradient  # of independent entries
        values = {name: np.asarray(array, dtype=np.float64) for name, array in self.arrays.items()}
        point = values[variable.name]
        program = lowered([base], self.data.sizes)
        rng = np.random.default_rng(SEED)
        errors = []
        for _ in range(1 if task.form in ("jvp", "hvp") else DIRECTIONS):
            direction = rng.standard_normal(point.shape)
            if task.form in ("jvp", "hvp"):
                assert task.vector is not None
                direction = self._value(lowered([task.vector], self.data.sizes), values)
            length = float(np.linalg.norm(direction)) or 1.0
            step = STEP * max(float(np.linalg.norm(point)), 1.0) / length
            moved = [
                weight * self._value(program, {**values, variable.name: point + k * step * direction})
                for k, weight in STENCIL
            ]
            noise = NOISE * STEP / step * max(float(np.linalg.norm(value)) for value in moved)
            slope = self._paired(np.sum(moved, axis=0) / step, values)
            found = self._along(result, direction)
            scale = max(float(np.linalg.norm(slope)), float(np.linalg.norm(found)), noise)
            errors.append(float(np.linalg.norm(slope - found)) / (scale or 1.0))
        return float(np.max(errors))  # nan where one is

    def _value(self, program: Finished, values: Mapping[str, Any]) -> NDArray[Any]:
        import numpy as np  # heavy

        backend = BACKENDS["numpy"]
        (value,) = run(program, backend, modules(backend), values, self.data.sizes)
        return np.asarray(value)

    def _along(self, result: NDArray[Any], direction: NDArray[Any]) -> NDArray[Any]:
        """The result times a direction."""
        import numpy as np  # heavy

        if self.derivation.task.form in ("jvp", "hvp"):
            return result
        if self.derivation.is_transposed and self.form == "jacobian":
            first, rank = len(self.derivation.task.output.shape), result.ndim
            result = result.transpose((*range(rank - first, rank), *range(rank - first)))
        return np.tensordot(result, direction, axes=direction.ndim)

    def _paired(self, slope: NDArray[Any], values: Mapping[str, Any]) -> NDArray[Any]:
        """A slope of the output with the cotangent, where the result is a pullback."""
        import numpy as np  # heavy

        task = self.derivation.task
        if not task.output.shape or not (task.form == "vjp" or self.form == "pullback"):
            return np.asarray(slope)
        cotangent = (
            self._value(lowered([task.vector], self.data.sizes), values)
            if task.vector is not None
            else values[self.derivation.cotangent or ""]
        )
        return np.asarray(np.sum(cotangent * slope))
