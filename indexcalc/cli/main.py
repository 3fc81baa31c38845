"""The commands."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import indexcalc
from indexcalc.answer import Answer
from indexcalc.cli import explaining
from indexcalc.cli.evaluation import evaluate
from indexcalc.cli.explanation import explanation, titles
from indexcalc.cli.options import (
    Ascii,
    Colors,
    Compressed,
    Expression,
    File,
    Formats,
    Forms,
    Layout,
    Let,
    Prefix,
    Sizes,
    WithValue,
    sizes_of,
)
from indexcalc.cli.output import Code, Color, Form, Output, own_fault
from indexcalc.cli.paths import path
from indexcalc.errors import IndexcalcError
from indexcalc.language.library import TABLE as LIBRARY
from indexcalc.language.shorthands import TABLE as SHORTHANDS
from indexcalc.language.splitting import split
from indexcalc.session import Mode, Session, answered, declare, verdicts
from indexcalc.tensor.functions import TABLE as FUNCTIONS

if TYPE_CHECKING:
    from indexcalc.backprop.passes import Gradient
    from indexcalc.claims.verdict import Verdict

EXAMPLES = """\
indexcalc: matrix and tensor derivatives, with every index in its place. Try

  indexcalc diff "tanh(W x + b)" --wrt W
  indexcalc diff "a_i = tanh(W_ij x_j + b_i)" --wrt x
  indexcalc simplify "tr(A*B') + A : B"

`indexcalc -h` lists the commands, `indexcalc functions` the functions.
"""
MANY = 50
"""Statements from which on a batch shows its progress."""

app = typer.Typer(
    name="indexcalc",
    help="Matrix and tensor derivatives, with every index in its place.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def bare(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Matrix and tensor derivatives, with every index in its place."""
    if version:
        sys.stdout.write(f"indexcalc {indexcalc.__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(EXAMPLES)


@app.command()
def diff(
    expression: Expression = None,
    wrt: Annotated[
        list[str] | None,
        typer.Option("--wrt", help="The variable; one answer for each. Without it, by every variable.", metavar="VAR"),
    ] = None,
    order: Annotated[int, typer.Option("--order", help="1, or 2; 2 with two variables is the mixed derivative.")] = 1,
    let: Let = None,
    layout: Layout = "numerator",
    form: Forms = [Form.ALL],  # noqa: B006
    format: Formats = None,
    color: Colors = Color.AUTO,
    ascii: Ascii = False,
    size: Sizes = None,
    with_value: WithValue = False,
    compressed: Compressed = False,
    prefix: Prefix = "",
    output_file: File = None,
) -> None:
    """Differentiate an expression."""
    output = Output(format, form, color, ascii, Code(sizes_of(size), with_value, compressed), output_file)
    if expression is None or expression == "-":
        session = _declared(output, let, prefix)
        _batch(
            output,
            split(_stdin()),
            lambda s, line: session.answers(s, "diff", wrt=wrt or (), order=order, layout=layout, line=line),
        )
    else:
        session = _session(output, prefix)
        _one(output, expression, lambda: answered(session, expression, wrt, let or (), order, layout))
    _finish(output)


@app.command()
def simplify(
    expression: Expression = None,
    let: Let = None,
    form: Forms = [Form.ALL],  # noqa: B006
    format: Formats = None,
    color: Colors = Color.AUTO,
    ascii: Ascii = False,
    size: Sizes = None,
    with_value: WithValue = False,
    compressed: Compressed = False,
    output_file: File = None,
) -> None:
    """Simplify an expression, or convert it between the notations."""
    output = Output(format, form, color, ascii, Code(sizes_of(size), with_value, compressed), output_file)
    if expression is None or expression == "-":
        session = _declared(output, let)
        _batch(output, split(_stdin()), lambda s, line: session.answers(s, "simplify", line=line))
    else:
        _one(output, expression, lambda: [indexcalc.simplify(expression, let or ())])
    _finish(output)


@app.command()
def check(
    expression: Expression = None,
    wrt: Annotated[
        list[str] | None, typer.Option("--wrt", help="The variable that the claim's derivative is by.", metavar="VAR")
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option("--claim", help="What is said to be the derivative; or EXPR itself is `d a / d x == FORMULA`."),
    ] = None,
    order: Annotated[int, typer.Option("--order", help="1, or 2; 2 with two variables is the mixed derivative.")] = 1,
    let: Let = None,
    format: Formats = None,
    color: Colors = Color.AUTO,
    ascii: Ascii = False,
    output_file: File = None,
) -> None:
    """Check a formula that is said to be a derivative: which standard reading it holds in, or where it is wrong.

    The exit code is 0 if the claim holds, 3 if it does not.
    """
    output = Output(format, [Form.ALL], color, ascii, file=output_file)
    if expression is None or expression == "-":
        session = _declared(output, let)
        _batch(
            output,
            split(_stdin()),
            lambda s, line: session.answers(s, "check", wrt=wrt or (), order=order, line=line, claim=claim),
        )
    else:
        _one(output, expression, lambda: verdicts(expression, wrt, claim, let or (), order))
    _finish(output)


@app.command()
def run(
    file: Annotated[str, typer.Argument(help="A file of statements, or `-` for stdin.", metavar="FILE")],
    layout: Layout = "numerator",
    form: Forms = [Form.ALL],  # noqa: B006
    format: Formats = None,
    color: Colors = Color.AUTO,
    ascii: Ascii = False,
    size: Sizes = None,
    with_value: WithValue = False,
    compressed: Compressed = False,
    prefix: Prefix = "",
    output_file: File = None,
) -> None:
    """Answer the questions of a file."""
    output = Output(format, form, color, ascii, Code(sizes_of(size), with_value, compressed), output_file)
    session = _session(output, prefix)
    text = _stdin() if file == "-" else _read(output, file)
    if text is not None:
        session.foresee(split(text))
        _batch(output, split(text), lambda s, line: session.answers(s, layout=layout, line=line))
    _finish(output)


app.command()(path)
app.command("eval")(evaluate)


@app.command()
def functions() -> None:
    """List the functions."""
    sys.stdout.write("elementwise:\n")
    elementwise = [(row.name, row.also) for row in FUNCTIONS] + [(row.signature, row.also) for row in SHORTHANDS]
    for shown, others in elementwise:
        also = f"  (also {', '.join(others)})" if others else ""
        sys.stdout.write(f"  {shown}{also}\n")
    sys.stdout.write("  sqrt\nof vectors and matrices:\n")
    for entry in LIBRARY:
        sys.stdout.write(f"  {entry.signature}\n")


@app.command()
def explain(
    expression: Annotated[
        str | None,
        typer.Argument(
            help="The expression, or statements; or the code of an error, such as E203.", show_default=False
        ),
    ] = None,
    wrt: Annotated[
        list[str] | None, typer.Option("--wrt", help="The variable; one explanation for each.", metavar="VAR")
    ] = None,
    order: Annotated[int, typer.Option("--order", help="1, or 2.")] = 1,
    let: Let = None,
    layout: Layout = "numerator",
    style: explaining.Styles = explaining.ExplanationStyle.INDEX,
    expand: explaining.Expand = "",
    full: explaining.Full = False,
    format: explaining.Formats = None,
    output_file: File = None,
    color: Colors = Color.AUTO,
    ascii: Ascii = False,
) -> None:
    """Explain a derivative step by step, from indices to matrices, and why it looks as it does.

    Or an error by its code: the rule, an input that breaks it, and what to write instead. Without an expression and
    with nothing in a pipe, all codes are listed.
    """
    output = explaining.ExplanationOutput(format, color, ascii, style, expand, full, output_file)
    piped = expression == "-" or (expression is None and not sys.stdin.isatty())
    text = _stdin() if piped else expression or ""
    if piped and text.strip():
        session = _declared(output, let)
        mode: Mode = "diff" if wrt else "run"
        if mode == "run":
            session.foresee(split(text))
        _batch(
            output,
            split(text),
            lambda s, line: session.answers(s, mode, wrt=wrt or (), order=order, layout=layout, line=line),
        )
    elif expression is None or (not wrt and explaining.LIKE_A_CODE.fullmatch(text)):
        width = shutil.get_terminal_size().columns if output.terminal else None
        try:
            output.lines(titles() if expression is None else explanation(text, width))
        except IndexcalcError as error:
            output.error(error)
    else:
        asking = _session(output, "")
        _one(output, text, lambda: answered(asking, text, wrt, let or (), order, layout))
    _finish(output)


# ---------------------------------------------------------------------- helpers
def _stdin() -> str:
    if sys.stdin.isatty():
        raise typer.BadParameter("give an expression, or pipe statements in")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _read(output: Output, file: str) -> str | None:
    try:
        return Path(file).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        output.error(
            IndexcalcError("E110", f"cannot read {file}: {error.strerror}", help="give a file, or `-` for stdin")
        )
        return None


def _declared(output: Output, let: Sequence[str] | None, prefix: str = "") -> Session:
    try:
        return declare(_session(output, prefix), let or ())
    except IndexcalcError as error:
        output.error(error)
        raise typer.Exit(1) from None


def _session(output: Output, prefix: str) -> Session:
    """A session for what the output shows."""
    return Session("all" if Form.PROGRAM in output.forms else "loops", prefix)


def _one(output: Output, text: str, ask: Callable[[], Sequence[Answer | Gradient | Verdict]]) -> None:
    try:
        output.results(ask())
    except IndexcalcError as error:
        output.error(error.located(text))
    except Exception as bug:  # no traceback ever reaches a user
        output.error(own_fault(bug).located(text))


def _batch(
    output: Output,
    statements: Iterable[tuple[int, str]],
    ask: Callable[[str, int], Sequence[Answer | Gradient | Verdict]],
) -> None:
    """Every statement in order; a bad one is reported and the others are still answered."""
    listed = list(statements)
    for line, statement in output.progress(listed) if len(listed) >= MANY else listed:
        try:
            output.results(ask(statement, line))
        except IndexcalcError as error:
            output.error(error.located(statement), line)
        except Exception as bug:  # nor are the other lines lost
            output.error(own_fault(bug).located(statement), line)


def _finish(output: Output) -> None:
    output.close()
    if output.rejected or output.failed or output.refuted:
        raise typer.Exit(1 if output.rejected else 3)


def _in_order(arguments: Sequence[str], command: Any) -> list[str]:
    """The arguments with the expression last behind ``--``: it may begin with a minus sign."""
    takes_value: dict[str, bool] = {}
    for parameter in command.params:
        for name in parameter.opts:
            if name.startswith("-"):
                takes_value[name] = not getattr(parameter, "is_flag", False)
    options: list[str] = []
    others: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name = argument.split("=")[0] if argument.startswith("--") else argument
        if argument == "--":
            others += rest
            break
        if name in takes_value or name in ("-h", "--help"):
            options.append(argument)
            if takes_value.get(name) and "=" not in argument and rest:
                options.append(rest.pop(0))
        else:
            others.append(argument)
    return [*options, "--", *others] if any(o.startswith("-") and o != "-" for o in others) else list(arguments)


def _name(command: Any) -> str:
    return str(command.name or command.callback.__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program: exits with 0, 1 (an input was rejected), 2 (wrong usage), 3 (a claim does not hold, or a
    certificate failed) or 130 (interrupted)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    every = app.registered_commands
    named = [command for command in every if given[:1] == [_name(command)]]
    app.registered_commands = named or every  # the options of all commands take 7 ms to build
    group: Any = typer.main.get_command(app)
    app.registered_commands = every
    if given and given[0] in group.commands:
        given = [given[0], *_in_order(given[1:], group.commands[given[0]])]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = group.main(args=given, prog_name="indexcalc", standalone_mode=True)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = 130
    finally:
        gc.freeze()  # what was loaded need not be walked once more at the exit: 25 of 190 ms
    sys.exit(code)
