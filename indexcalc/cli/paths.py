"""The order in which an expression is contracted, as a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from indexcalc.answer import Answer
from indexcalc.cli.options import Ascii, Let, Sizes, sizes_of
from indexcalc.cli.output import Color, Form, Format, Output, own_fault
from indexcalc.errors import IndexcalcError
from indexcalc.session import differentiate, simplify

if TYPE_CHECKING:
    from indexcalc.numeric.networks import Network

Wrt = Annotated[list[str] | None, typer.Option("--wrt", help="The variable to differentiate by first.", metavar="VAR")]
Order = Annotated[int, typer.Option("--order", help="1, or 2.")]
BYTES = 8
"""Of an entry, where nothing else is said."""


def path(
    expression: Annotated[str, typer.Argument(help="The expression.")],
    wrt: Wrt = None,
    order: Order = 1,
    let: Let = None,
    size: Sizes = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Time that the search may take.")] = 1.0,
    ascii: Ascii = False,
) -> None:
    """Show in which order products are contracted at given sizes, and what that costs."""
    output = Output(Format.PLAIN, [Form.ALL], Color.NEVER, ascii)
    given = sizes_of(size)
    try:
        for answer in asked(expression, wrt, let or (), order):
            output.lines(_path(answer, given, seconds))
    except IndexcalcError as error:
        output.error(error.located(expression))
        raise typer.Exit(1) from None
    except Exception as bug:
        output.error(own_fault(bug).located(expression))
        raise typer.Exit(1) from None


def asked(
    expression: str, wrt: Sequence[str] | None, let: Sequence[str], order: int, layout: str = "numerator"
) -> list[Answer]:
    """The derivatives by the variables, or, without any, the expression itself."""
    return differentiate(expression, wrt, let, order, layout) if wrt else [simplify(expression, let)]


def _path(answer: Answer, given: Mapping[str, int], seconds: float) -> Iterator[str]:
    """The contractions of an answer as tables."""
    from indexcalc.emission import known_sizes, symbols  # only where numbers are wanted

    found = answer.path(given, seconds=seconds)
    sizes = known_sizes(answer.derivation, given)
    by = f" by {', '.join(answer.arguments[v.name] for v in answer.task.wrt)}" if answer.task.wrt else ""
    yield f"{answer.task.text}{by}  with {', '.join(f'{k} = {v}' for k, v in sizes.items()) or 'fixed sizes'}"
    assumed = [symbol for symbol in symbols(answer.derivation) if symbol not in given]
    if assumed:
        yield f"assumed: {', '.join(f'{symbol} = {sizes[symbol]}' for symbol in assumed)}"
    for network in found:
        yield ""
        yield from _network(network, answer)
    if not found:
        yield "no product of two or more tensors"


def _network(network: Network, answer: Answer) -> Iterator[str]:
    from indexcalc.computation import memory

    names = [answer.spelled(node) or f"[{k}]" for k, node in enumerate(network.operands, 1)]
    yield f"{network.specification}  of {', '.join(names)}"
    rows = [("step", "contraction", "flops", "entries")]
    stock = list(names)
    for k, (step, written) in enumerate(zip(network.steps, network.specifications, strict=True), 1):
        stock.append(f"#{k}")
        operands = " * ".join([stock[place] for place in step.operands])
        rows.append((f"#{k} = {operands}", written, f"{step.flops:,}", f"{step.entries:,}"))
    yield from table(rows)
    ratio = network.naive / network.flops
    naive = f"{network.naive:.3g}" if network.naive > 10**12 else f"{network.naive:,}"
    yield f"  {network.flops:,} flops, naive {naive} ({_rounded(ratio)} times as many); found by: {network.search}"
    yield f"  largest result {network.largest:,} entries, {memory(network.largest * BYTES)}"


def _rounded(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}" if ratio < 10**9 else f"{ratio:.1e}"


def table(rows: Sequence[Sequence[str]], left: int = 2) -> Iterator[str]:
    """Columns, the first ones on the left and the others on the right."""

    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [c.ljust(w) if k < left else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        yield ("  " + "  ".join(cells)).rstrip()
