"""The command line: `xtransfer`. Exit status: 0 done, 1 the run failed, 2 the request was wrong."""

from __future__ import annotations

import os
import sys

import typer
from rich.markup import escape
from typer.core import TyperGroup

from flows.commands import (
    benchmarks,
    data,
    design,
    evaluation,
    export,
    export_model,
    plan,
    predict,
    report,
    results,
    run,
    serve,
    slurm,
    store,
    studies,
    translation,
    watch,
)
from flows.terminal import Console
from xtransfer.base.declared import reasons
from xtransfer.base.disk import is_full_disk
from xtransfer.base.errors import RequestError, XTransferError
from xtransfer.base.version import __version__


class _Group(TyperGroup):
    """The program, whose messages about values of options have no words of libraries."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own class of contexts
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValueError):  # pydantic's, behind typer's
                error.message = reasons(error.__cause__)
            if not error.message:  # of a missing one
                error.message = str(getattr(error.param, "help", None) or "")
            raise


app = typer.Typer(
    name="xtransfer",
    cls=_Group,
    help="Does training on an intermediate task first help a target task in languages without labels?",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command("studies")(studies.command)
app.command("benchmarks")(benchmarks.command)
app.command("plan")(plan.command)
app.command("predict")(predict.command)
app.command("design")(design.command)
app.command("run")(run.command)
app.command("evaluate")(evaluation.command)
app.command("translate")(translation.command)
app.command("serve")(serve.command)
app.command("slurm")(slurm.command)
app.command("report")(report.command)
app.command("export")(export.command)
app.command("export-model")(export_model.command)
app.command("watch")(watch.command)
app.add_typer(data.app, name="data")
app.add_typer(results.app, name="results")
app.add_typer(store.app, name="store")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xtransfer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line; our own errors become one line on standard error and an exit status."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app(standalone_mode=True)
    except RequestError as error:
        errors.print(f"[red]error:[/red] {escape(str(error))}")
        sys.exit(2)
    except XTransferError as error:
        errors.print(f"[red]failed:[/red] {escape(str(error))}")
        sys.exit(1)
    except BrokenPipeError:  # the reader of the pipe has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a full disk, a name that is too long, a folder of somebody else
        if error.filename is None and not is_full_disk(error):
            raise
        errors.print(f"[red]failed:[/red] {escape(str(error.filename or 'output'))}: {error.strerror}")
        sys.exit(1)


if __name__ == "__main__":
    main()
