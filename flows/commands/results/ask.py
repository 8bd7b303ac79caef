"""Turns a query into a command: adds the printing options, opens the database, prints the answer.

Tables, Markdown and LaTeX are for people; CSV and JSON have every column, for programs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from flows.terminal import Console, Table, echo, emit
from xtransfer.analysis.statistic import named, table
from xtransfer.analysis.texts import csv, latex, lifted, markdown, numeric
from xtransfer.base.errors import RequestError
from xtransfer.base.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.results import Results


class By(StrEnum):
    """The rows of gains and contrasts."""

    language = "language"
    family = "family"
    script = "script"
    mean = "mean"


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


_LONG = 4  # rows that are worth a heading
_UNBROKEN = 10_000  # characters of a line

Several = list[str] | None
AnyStudy = Annotated[str | None, typer.Option("--study", help="Name of a study that was run; default: all.")]
OneStudy = Annotated[str, typer.Option("--study", help="Name of a study that was run.")]
Encoders = Annotated[Several, typer.Option("--encoder", help="Only this encoder. Repeatable.")]
Intermediates = Annotated[Several, typer.Option("--intermediate", help="Only this one. Repeatable.")]
Targets = Annotated[Several, typer.Option("--target", help="Only this target. Repeatable.")]
Languages = Annotated[Several, typer.Option("--language", help="Only this language. Repeatable.")]
Metrics = Annotated[Several, typer.Option("--metric", help="Only this metric. Repeatable.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Only this training seed. Repeatable.")]
AsBy = Annotated[By, typer.Option("--by", help="Rows: languages and their means, families, scripts, or means alone.")]
AsFormat = Annotated[Format, typer.Option("--format", help="Output format; csv and json have every column.")]
Caption = Annotated[str | None, typer.Option("--caption", help="Caption of the LaTeX table.")]
Label = Annotated[str | None, typer.Option("--label", help="Label of the LaTeX table.")]


def option(name: str, annotation: object, default: object = Parameter.empty) -> Parameter:
    """A keyword option as typer declares it."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_PRINTING = (option("fmt", AsFormat, Format.table), option("caption", Caption, None), option("label", Label, None))


@dataclass(frozen=True)
class Asked:
    """An open database, and how to print the answer."""

    results: Results
    fmt: Format
    caption: str | None = None
    label: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether the output is for people."""
        return self.fmt in (Format.table, Format.markdown)

    def show(self, full: pd.DataFrame, texts: pd.DataFrame, apart: Sequence[str] = (), legend: str = "") -> None:
        """Print an answer: `full` has every column, `texts` is its readable form.

        Prints a table for each value of the columns `apart`, and below them in a terminal what their columns are. Says
        on standard error if there are no rows.
        """
        if self.fmt is Format.csv:
            emit(csv(full), nl=False)
        elif self.fmt is Format.json:
            emit(full.to_json(orient="records", indent=1, force_ascii=False, double_precision=15))
        elif full.empty:
            pass
        elif self.fmt is Format.latex:
            emit(latex(texts, self.caption, self.label))
        elif self.fmt is Format.markdown:
            emit(markdown(texts))
        else:
            texts = texts.map(printable)  # before columns are measured
            console = Console()
            print_tables(texts, [name for name in apart if texts[name].nunique() > 1], console)
            if legend:
                console.print(Text(f"\n{legend}", style="dim"))
        if full.empty:
            say("no rows: the database has nothing that matches")

    def remark(self, text: str) -> None:
        """Print a sentence of the answer: wrapped in a terminal, on standard error for formats that programs read."""
        if self.fmt is Format.table:
            Console().print(Text(text))
        else:
            echo(text, err=self.fmt is not Format.markdown)


def command(question: Callable[..., None], options: Iterable[Parameter] | None = None) -> Callable[..., None]:
    """The command of a query: calls `question` with an `Asked` and its own options, and adds the printing options.

    `options`: the command's own options, if the function's signature does not name them. The command raises
    RequestError for a caption or label without `--format latex`, before it opens the database.
    """
    own = list(inspect.signature(question, eval_str=True).parameters.values())[1:] if options is None else options

    def asked(*, fmt: Format, caption: str | None, label: str | None, **chosen: object) -> None:
        from xtransfer.analysis.results import open_results

        if fmt is not Format.latex and (caption or label):
            raise RequestError(f"--caption and --label are for --format latex, not {fmt}")
        with open_results() as results:
            question(Asked(results, fmt, caption, label), **chosen)

    asked.__doc__ = question.__doc__
    shown = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]
    vars(asked)["__signature__"] = inspect.Signature([*shown, *_PRINTING])  # read by typer
    asked.__annotations__ = {}
    return asked


def say(text: str) -> None:
    """Print a remark on standard error, apart from the output that programs read."""
    echo(text, err=True)


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Every value of a frame as text."""
    return table(frame, named(*map(str, frame.columns)))


def print_tables(texts: pd.DataFrame, apart: list[str], console: Console) -> None:
    if not apart:
        print_table(texts, console)
        return
    for number, (place, part) in enumerate(texts.groupby(apart, sort=False)):
        if number:
            console.print()
        names = place if isinstance(place, tuple) else (place,)
        console.print(Text(", ".join(str(name) for name in names if name), style="bold"))
        print_table(part.drop(columns=apart), console)


def print_table(texts: pd.DataFrame, console: Console) -> None:
    """Print what is equal in every row once above the table, to leave room for the other columns.

    A table that is still too wide becomes one for each value of its first column, if those have several rows each.
    """
    said, texts = lifted(texts)
    if said:
        console.print(Text(f"in every row: {said}", style="dim"))
    shown = _table(texts)
    first = str(texts.columns[0])
    whole = console.measure(shown, options=console.options.update(width=_UNBROKEN)).maximum
    if whole > console.width and len(texts) >= _LONG * texts[first].nunique() > _LONG:
        for name, part in texts.groupby(first, sort=False):
            console.print(Text(f"\n{first} {name}", style="bold"))
            print_table(part.drop(columns=first), console)
        return
    console.print(shown)


def _table(texts: pd.DataFrame) -> Table:
    shown = Table(*map(str, texts.columns), right=numeric(texts))
    for row in texts.itertuples(index=False):
        shown.add_row(*map(str, row))
    return shown
