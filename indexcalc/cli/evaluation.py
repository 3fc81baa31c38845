"""Expressions and derivatives on arrays, as a command."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexcalc.answer import Answer
from indexcalc.cli.options import Ascii, Layout, Let, Sizes, bytes_of, sizes_of
from indexcalc.cli.output import Color, Form, Format, Output, own_fault
from indexcalc.cli.paths import Order, Wrt, asked, table
from indexcalc.errors import IndexcalcError
from indexcalc.language.splitting import split
from indexcalc.session import Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexcalc.computation import Computation

LONG = 2 * 10**10
"""Operations from which on progress is shown."""


class ArrayForm(StrEnum):
    """What is evaluated."""

    JACOBIAN = "jacobian"
    PULLBACK = "pullback"


class Engine(StrEnum):
    """What evaluates."""

    NUMPY = "numpy"
    JAX = "jax"
    TORCH = "torch"
    DASK = "dask"


class Dtype(StrEnum):
    """The type of entries."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"


def evaluate(
    expression: Annotated[str, typer.Argument(help="The expression, or a file of statements (.ein).")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="FILE.npz, FILE.npy, NAME=FILE, NAME=random(100, 20), NAME=random or NAME=0.5.",
            metavar="DATA",
        ),
    ] = None,
    wrt: Wrt = None,
    order: Order = 1,
    let: Let = None,
    layout: Layout = "numerator",
    form: Annotated[ArrayForm, typer.Option("--form", help="The derivative, or its product with a cotangent.")] = (
        ArrayForm.JACOBIAN
    ),
    size: Sizes = None,
    out: Annotated[str | None, typer.Option("--out", help="An .npz file for the results.", metavar="FILE")] = None,
    dtype: Annotated[Dtype, typer.Option("--dtype", help="The type of entries.")] = Dtype.FLOAT64,
    backend: Annotated[Engine, typer.Option("--backend", help="What evaluates.")] = Engine.NUMPY,
    force: Annotated[bool, typer.Option("--force", help="Start even if memory may not suffice.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare with differences on the same data.")] = False,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="A cluster for dask, such as tcp://host:8786.", metavar="ADDRESS")
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--memory", help="What may be used, such as 2GB; dask keeps to it.", metavar="BYTES")
    ] = None,
    ascii: Ascii = False,
) -> None:
    """Evaluate an expression or its derivative on arrays."""
    from indexcalc.computation import free_memory  # only where numbers are wanted
    from indexcalc.numeric.data import sources

    output = Output(Format.PLAIN, [Form.ALL], Color.NEVER, ascii)
    sizes, most = sizes_of(size), bytes_of(limit)
    found: dict[str, Any] = {}
    wrong = False
    try:
        given = sources(data or ())
        unused = set(given)
        for answer in _questions(expression, wrt, let or (), order, layout):
            computation = answer.computation(given, form, sizes, dtype)
            name = _name(answer, form, found)
            unused -= {*computation.data.arrays, *(i.spelling for i in answer.task.inputs)}
            output.lines(_facts(answer, computation, name, bool(wrt)))
            computation.admit(None if force else most or free_memory(), backend)
            with _progress(computation) as progress:
                start = time.perf_counter()
                found[name] = computation.run(backend, progress, most or free_memory(), scheduler)
                seconds = time.perf_counter() - start
            output.lines(_summary(found[name]))
            output.report(f"  took {seconds:.3g} s")
            if verify:
                wrong |= _verify(output, computation, found[name])
        if unused:
            output.report(f"note: nothing uses the data for {', '.join(sorted(unused))}")
        if out is not None:
            _write(output, out, found)
    except IndexcalcError as error:
        output.error(error if error.text else error.located(expression))
        raise typer.Exit(1) from None
    except Exception as bug:
        output.error(own_fault(bug).located(expression))
        raise typer.Exit(1) from None
    if wrong:
        raise typer.Exit(3)


def _questions(
    expression: str, wrt: Sequence[str] | None, let: Sequence[str], order: int, layout: str
) -> Iterator[Answer]:
    """The derivatives of an expression, or the questions of a file. What is evaluated is checked on small tensors
    first."""
    if not expression.endswith(".ein"):
        yield from asked(expression, wrt, let, order, layout)
        return
    try:
        text = Path(expression).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise IndexcalcError("E110", f"cannot read {expression}: {error.strerror}") from None
    session = Session()
    session.foresee(split(text))
    for line, statement in split(text):
        found = session.answers(statement, layout=layout, line=line)
        yield from (answer for answer in found if isinstance(answer, Answer))  # a claim has nothing to evaluate


def _name(answer: Answer, form: str, taken: dict[str, Any]) -> str:
    """What a result is called in the file: value, derivative, pullback; with a number from the second on."""
    kind = "value" if answer.task.form == "simplify" else "pullback" if form == "pullback" else "derivative"
    names = (f"{kind}{k or ''}" for k in (0, *range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _facts(answer: Answer, computation: Computation, name: str, by: bool) -> Iterator[str]:
    """What goes in and what it will take."""
    from indexcalc.computation import memory

    variables = f" by {', '.join(v.name for v in answer.task.wrt)}" if by else ""
    yield f"{name} of {answer.task.text}{variables}"
    spelled = {i.name: i.spelling for i in answer.task.inputs}
    rows = [
        (spelled.get(key, key), " x ".join(map(str, array.shape)) or "scalar", str(array.dtype))
        for key, array in computation.data.arrays.items()
    ]
    yield from table(rows, left=2)
    cost = computation.cost
    yield f"  about {cost.flops:.3g} flops, {memory(computation.bytes)}"


def _summary(result: NDArray[Any]) -> Iterator[str]:
    """What came out."""
    shape = " x ".join(map(str, result.shape)) or "scalar"
    if result.size == 1:
        what = f"{float(result.reshape(())):.6g}"
    elif not result.size:
        what = "empty"
    else:
        norm = float((result.reshape(-1).astype(float) ** 2).sum() ** 0.5)
        what = f"smallest {result.min():.4g}, largest {result.max():.4g}, norm {norm:.6g}"
    yield f"  {shape}: {what}"


def _verify(output: Output, computation: Computation, result: NDArray[Any]) -> bool:
    """Whether the result is wrong."""
    from indexcalc.computation import CLOSE

    error = computation.error(result)
    if error is None:
        output.lines(["  not verified: this is no derivative"])
        return False
    wrong = not error <= CLOSE[computation.dtype]
    verdict = "WRONG" if wrong else "verified"
    output.lines([f"  {verdict}: relative error {error:.1g} beside differences along random directions"])
    return wrong


def _write(output: Output, out: str, found: dict[str, Any]) -> None:
    import numpy as np  # heavy

    try:
        np.savez(out, **found)
    except OSError as error:
        raise IndexcalcError("E110", f"cannot write {out}: {error.strerror}") from None
    output.lines([f"wrote {', '.join(found)} to {out if out.endswith('.npz') else f'{out}.npz'}"])


@contextmanager
def _progress(computation: Computation) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr for what takes long, one step an instruction."""
    if computation.cost.flops < LONG or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # heavy
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("evaluating", total=len(computation.program.instructions))
        yield lambda register: bar.update(task, completed=register + 1)
