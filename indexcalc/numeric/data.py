"""Where arrays come from: files, random numbers, single numbers. Nothing is ever unpickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from indexcalc.errors import IndexcalcError
from indexcalc.numeric.counting import count
from indexcalc.tensor.nodes import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = re.compile(r"random(?:\(([\d\s,]*)\))?")
MOST_CHECKED = 10**8
"""Entries up to which data is checked for what was declared of it."""
CLOSE = 1e-6
NUMERIC = "biuf"
"""The kinds of arrays that hold real numbers, in NumPy's letters."""


class Random(NamedTuple):
    """Normal random numbers of a shape, or, without one, of the shape that the variable has."""

    shape: tuple[int, ...] | None


class Pending(NamedTuple):
    """Random numbers for a variable of these kinds that are not drawn yet: first comes what they would take."""

    name: str
    shape: tuple[int, ...]
    kinds: Sequence[str]
    dtype: str = "float64"

    def drawn(self) -> NDArray[Any]:
        """The same numbers for a name in every run."""
        import numpy as np  # heavy

        seed = int.from_bytes(blake2b(self.name.encode(), digest_size=7).digest())
        made = np.asarray(np.random.default_rng(seed).standard_normal(self.shape))
        for kind in self.kinds:
            made = KINDS[kind].made(made)
        return made


Source = Any
"""An array, or Random."""


def sources(given: Sequence[str]) -> dict[str, Source]:
    """``FILE.npz``, ``FILE.npy``, ``NAME=FILE``, ``NAME=random(3, 4)``, ``NAME=random`` or ``NAME=0.5``, by name; files
    of one array are memory maps. Raises IndexcalcError E110 and E112."""
    found: dict[str, Source] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        if not equals:
            arrays = _read(text)
            found |= arrays if isinstance(arrays, dict) else {Path(text).stem: arrays}
            continue
        name, rest = name.strip(), rest.strip()
        match = RANDOM.fullmatch(rest)
        if match is not None:
            inside = match.group(1)
            found[name] = Random(None if inside is None else tuple(map(int, re.findall(r"\d+", inside))))
            continue
        number = _number(rest)
        if number is not None:
            found[name] = number
            continue
        arrays = _read(rest)
        if isinstance(arrays, dict):
            if name not in arrays:
                message = f"{rest} has no array {name}"
                raise IndexcalcError("E112", message, help=f"it has {', '.join(arrays) or 'none'}", text=text)
            arrays = arrays[name]
        found[name] = arrays
    return found


def _number(text: str) -> Any:
    import numpy as np  # heavy

    try:
        return np.asarray(float(text))
    except ValueError:
        return None


def _read(file: str) -> Any:
    """The array of a .npy file, mapped, or of a zarr folder, read as it is needed; or those of an .npz file by name."""
    import numpy as np  # heavy

    try:
        if file.endswith(".zarr"):
            return _zarr(file)
        loaded = np.load(file, mmap_mode="r", allow_pickle=False)
        arrays = loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except OSError as error:
        reason = error.strerror or "it is no array file"
        raise IndexcalcError("E110", f"cannot read {file}: {reason}", help="give a .npy or .npz file") from None
    except IndexcalcError:
        raise
    except Exception:  # a broken or pickled file: NumPy, zipfile and zlib raise what they like
        message = f"{file} holds no arrays of numbers"
        help_ = "save arrays of numbers with numpy.save or numpy.savez; pickled objects are never loaded"
        raise IndexcalcError("E112", message, help=help_) from None
    for array in arrays.values() if isinstance(arrays, dict) else [arrays]:
        if array.dtype.kind not in NUMERIC:
            message = f"{file} holds {array.dtype} entries, and real numbers are needed"
            raise IndexcalcError("E112", message, help="convert the array with numpy.asarray(…, float)")
    return arrays


def _zarr(file: str) -> Any:
    """A zarr array of numbers; one that pickles its blocks is refused before any is read."""
    if find_spec("zarr") is None:
        raise IndexcalcError("E404", "zarr is not installed here", help='install it: pip install "indexcalc[dask]"')
    from zarr import open_array  # heavy

    array = open_array(file, mode="r")
    if array.dtype.kind not in NUMERIC or "pickle" in str(array.metadata).lower():
        help_ = "pickled objects are never loaded"
        raise IndexcalcError("E112", f"{file} holds no array of plain numbers", help=help_)
    return array


class Bound(NamedTuple):
    """Arrays for the inputs, by name, or what is to be drawn, and the sizes that they have."""

    arrays: dict[str, Any]
    sizes: dict[str, int]


def bound(
    shapes: Mapping[str, Shape],
    declared: Mapping[str, tuple[str, Sequence[str]]],
    given: Mapping[str, Source],
    sizes: Mapping[str, int],
) -> Bound:
    """Data for every input. ``declared`` are the users' names and the kinds by the inputs' names. Raises IndexcalcError
    E112 and E203 where data does not fit, E313 where something is missing."""
    known: dict[str, tuple[int, str]] = {symbol: (number, "--size") for symbol, number in sizes.items()}
    arrays: dict[str, Any] = {}
    open_: list[str] = []
    for name, shape in shapes.items():
        spelling, kinds = declared.get(name, (name, ()))
        source = given.get(spelling, given.get(name))
        if source is None:
            help_ = f"--data {spelling}=FILE.npy, or {spelling}=random"
            raise IndexcalcError("E313", f"there is no data for `{spelling}`", help=help_)
        if isinstance(source, Random):
            if source.shape is None:
                open_.append(name)
                continue
            source = Pending(spelling, source.shape, kinds)
        arrays[name] = source
        _fit(spelling, shape, source.shape, known)
    found = {symbol: number for symbol, (number, _) in known.items()}
    for name in open_:
        spelling, kinds = declared.get(name, (name, ()))
        try:
            have = tuple([count(d, found) for d in shapes[name]])
        except KeyError as error:
            message = f"nothing says how large {error.args[0]} is, and `{spelling}` has that size"
            raise IndexcalcError("E313", message, help=f"--size {error.args[0]}=100") from None
        arrays[name] = Pending(spelling, have, kinds)
    for name, array in arrays.items():
        spelling, kinds = declared.get(name, (name, ()))
        _check(spelling, shapes[name], array.shape, found)
        if not isinstance(array, Pending):
            _check_kinds(spelling, array, kinds)
    return Bound({name: arrays[name] for name in shapes}, found)


def _fit(name: str, shape: Shape, have: Sequence[int], known: dict[str, tuple[int, str]]) -> None:
    """Takes the sizes of symbols from an array."""
    if len(shape) != len(have):
        wanted = {0: "a scalar", 1: "a vector", 2: "a matrix"}.get(len(shape), f"a tensor of {len(shape)} axes")
        message = f"`{name}` is {wanted}, and its data has the shape {tuple(have)}"
        raise IndexcalcError("E203", message)
    for axis, (dimension, number) in enumerate(zip(shape, have, strict=True)):
        if isinstance(dimension, str) and "*" not in dimension:
            before, where = known.setdefault(dimension, (number, f"`{name}`"))
            if before != number:
                message = (
                    f"`{name}` has {dimension} = {number} in axis {axis + 1}, and {where} has {dimension} = {before}"
                )
                raise IndexcalcError("E203", message)


def _check(name: str, shape: Shape, have: Sequence[int], sizes: Mapping[str, int]) -> None:
    """Numbers and products of sizes."""
    for dimension, number in zip(shape, have, strict=True):
        symbols = [part for part in str(dimension).split("*") if not part.isdigit()]
        if all(symbol in sizes for symbol in symbols) and count(dimension, sizes) != number:
            wanted = " x ".join([str(count(d, sizes)) for d in shape])
            raise IndexcalcError("E203", f"`{name}` is {wanted}, and its data has the shape {tuple(have)}")


def _check_kinds(name: str, array: NDArray[Any], kinds: Sequence[str]) -> None:
    import numpy as np  # heavy

    for kind in kinds:
        if array.size <= MOST_CHECKED and not KINDS[kind].holds(np.asarray(array)):
            message = f"`{name}` is declared {kind}, and its data is not"
            raise IndexcalcError("E112", message, help="leave the kind out of the declaration, or mend the data")


def _close(a: NDArray[Any], b: NDArray[Any]) -> bool:
    import numpy as np  # heavy

    return bool(np.allclose(a, b, rtol=CLOSE, atol=CLOSE * float(np.max(np.abs(a), initial=0.0))))


def _diagonal(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np  # heavy

    return np.diag(np.diagonal(array))


def _eye(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np  # heavy

    return np.eye(len(array))


def _orthogonal(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np  # heavy

    return np.asarray(np.linalg.qr(array)[0])


class Kind(NamedTuple):
    """Whether an array is of a kind, and an array of the kind made of any."""

    holds: Callable[[NDArray[Any]], bool]
    made: Callable[[NDArray[Any]], NDArray[Any]]


KINDS = {
    "positive": Kind(lambda a: bool((a > 0).all()), lambda a: abs(a) + 0.1),
    "symmetric": Kind(lambda a: _close(a, a.T), lambda a: (a + a.T) / 2),
    "spd": Kind(lambda a: _close(a, a.T) and bool((a.diagonal() > 0).all()), lambda a: a @ a.T / len(a) + _eye(a)),
    "skew": Kind(lambda a: _close(a, -a.T), lambda a: (a - a.T) / 2),
    "diagonal": Kind(lambda a: _close(a, _diagonal(a)), _diagonal),
    "orthogonal": Kind(lambda a: _close(_eye(a), a.T @ a), _orthogonal),
}
"""TABLE: the kinds of variables; of positive definite matrices what takes no time to see."""
