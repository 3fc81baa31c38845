"""What carries programs out, and how arrays get in and out. A new engine is one row.

JAX shards every array over all devices that there are. dask works on blocks, so that arrays may be larger than memory:
all axes are cut at the same places, and no block of any intermediate result is larger than a stated amount.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from indexcalc.errors import IndexcalcError
from indexcalc.numeric.backends import BACKENDS, DASK, Backend
from indexcalc.numeric.counting import count
from indexcalc.numeric.execution import Reread, modules
from indexcalc.numeric.program import Finished

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS_HELD = 12
"""Blocks that one thread holds at a time: operands, results, and partial sums."""
LARGEST_BLOCK = 2**27
"""Bytes of a block where nobody says how much memory there is."""


class Setting(NamedTuple):
    """What an engine is to do: the type of entries, the bytes of memory and the scheduler that it may use."""

    dtype: str
    itemsize: int
    memory: int | None = None
    scheduler: str | None = None


class Engine(NamedTuple):
    """A backend at work: the names that its templates have, and what takes NumPy's arrays in and brings them back."""

    backend: Backend
    names: dict[str, Any]
    enter: Callable[[Any], Any]
    leave: Callable[[Any], NDArray[Any]]
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function
    """What is done to the whole program, a function of the values by name."""


def _local(backend: str) -> Callable[[Finished, Mapping[str, int], Setting], Engine]:
    def engine(program: Finished, sizes: Mapping[str, int], setting: Setting) -> Engine:
        import numpy as np  # heavy

        names = modules(BACKENDS[backend])
        return Engine(BACKENDS[backend], names, lambda a: np.asarray(a).astype(setting.dtype, copy=False), np.asarray)

    return engine


def _torch(program: Finished, sizes: Mapping[str, int], setting: Setting) -> Engine:
    import numpy as np  # heavy

    names = modules(BACKENDS["torch"])
    torch = names["torch"]
    dtype = getattr(torch, setting.dtype)
    return Engine(BACKENDS["torch"], names, lambda a: torch.tensor(np.asarray(a), dtype=dtype), np.asarray)


def _jax(program: Finished, sizes: Mapping[str, int], setting: Setting) -> Engine:
    """Arrays are cut along the first axis that the number of devices divides; XLA moves what it has to."""
    import numpy as np  # heavy

    names = modules(BACKENDS["jax"])
    jax = names["jax"]
    jax.config.update("jax_enable_x64", setting.dtype == "float64")
    devices = jax.devices()

    def enter(array: Any) -> Any:
        whole = np.asarray(array).astype(setting.dtype, copy=False)
        axis = next((k for k, n in enumerate(whole.shape) if n and n % len(devices) == 0), None)
        if len(devices) == 1 or axis is None:
            return jax.device_put(whole)
        mesh = jax.sharding.Mesh(np.asarray(devices), ("devices",))
        cut = jax.sharding.PartitionSpec(*[None] * axis, "devices")
        return jax.device_put(whole, jax.sharding.NamedSharding(mesh, cut))

    return Engine(BACKENDS["jax"], names, enter, np.asarray, jax.jit)


# ---------------------------------------------------------------------- out of core
class Mapped:
    """A .npy file read block by block: what is mapped is let go with the block."""

    def __init__(self, array: Any) -> None:
        self.file, self.shape, self.dtype, self.ndim = str(array.filename), array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        import numpy as np  # heavy

        return np.array(np.load(self.file, mmap_mode="r", allow_pickle=False)[index])


def block_length(program: Finished, sizes: Mapping[str, int], most: int) -> int:
    """The largest length at which all axes can be cut so that no result has a block of more than ``most`` entries."""
    shapes = {tuple([count(d, sizes) for d in instruction.shape]) for instruction in program.instructions}
    low, high = 1, max([n for shape in shapes for n in shape], default=1)
    while low < high:
        middle = (low + high + 1) // 2
        if all(_product(min(n, middle) for n in shape) <= most for shape in shapes):
            low = middle
        else:
            high = middle - 1
    return low


def _product(numbers: Any) -> int:
    result = 1
    for n in numbers:
        result *= n
    return result


def _dask(program: Finished, sizes: Mapping[str, int], setting: Setting) -> Engine:
    import numpy as np  # heavy

    names = modules(DASK)
    da = names["da"]
    threads = os.cpu_count() or 1
    largest = LARGEST_BLOCK if setting.memory is None else setting.memory // (BLOCKS_HELD * threads)
    block = block_length(program, sizes, max(1, largest // setting.itemsize))

    def enter(array: Any) -> Any:
        source = Mapped(array) if isinstance(array, np.memmap) else array
        return Reread(lambda: da.from_array(source, chunks=block, name=False).astype(setting.dtype))

    def leave(result: Any) -> NDArray[Any]:
        if not hasattr(result, "compute"):
            return np.asarray(result)
        with _scheduler(setting.scheduler):
            return np.asarray(result.compute())

    return Engine(DASK, {**names, "block": block}, enter, leave)


def _scheduler(address: str | None) -> Any:
    """The threads of this process, or a cluster. Raises IndexcalcError E110 where there is none."""
    if address is None:
        return nullcontext()
    from distributed import Client  # heavy

    try:
        return Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        message = f"there is no scheduler at {address}"
        raise IndexcalcError("E110", message, help="start one: dask scheduler") from error


ENGINES: dict[str, Callable[[Finished, Mapping[str, int], Setting], Engine]] = {
    "numpy": _local("numpy"),
    "einsum": _local("einsum"),
    "jax": _jax,
    "torch": _torch,
    "dask": _dask,
}
"""TABLE: the engines."""


def engine_named(name: str, program: Finished, sizes: Mapping[str, int], setting: Setting) -> Engine:
    """Raises IndexcalcError E404."""
    if name not in ENGINES:
        help_ = f"there are {', '.join(ENGINES)}"
        raise IndexcalcError("E404", f"evaluation with {name} is not supported yet", help=help_)
    return ENGINES[name](program, sizes, setting)
