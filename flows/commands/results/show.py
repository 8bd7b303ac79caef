"""How answers are printed: tables, Markdown and LaTeX for people, CSV and JSON with every column for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.commands.results import latex
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

_NARROWEST = 11  # characters that a column of text keeps in a narrow terminal
_NUMBER = re.compile(r"[<+-]?[\d,.]+%?|\[.*\]|")  # what stands to the right: numbers, intervals, nothing

_COMMIT = re.compile(r"@([0-9a-f]{8})[0-9a-f]{32}\b")
_MEASURED = re.compile(r"[<+-]?\d*\.\d+|\[.*\]")  # what stays in its column even where it is the same in every row


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


AsFormat = Annotated[Format, typer.Option("--format", help="How to print it; csv and json have every column.")]
Caption = Annotated[str | None, typer.Option("--caption", help="Caption of the LaTeX table.")]
Label = Annotated[str | None, typer.Option("--label", help="Label of the LaTeX table.")]


@dataclass(frozen=True)
class Printing:
    """The options of printing; raises RequestError for a caption or label that nothing would print."""

    fmt: Format
    caption: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if self.fmt is not Format.latex and (self.caption or self.label):
            raise RequestError(f"--caption and --label are for --format latex, not {self.fmt}")


def show(
    full: pd.DataFrame, printing: Printing, *, people: pd.DataFrame | None = None, apart: Sequence[str] = ()
) -> None:
    """Print an answer. `full` has every column; `people` is the same to be read, with texts for numbers.

    A table is printed for each value of the columns `apart`. An answer without rows says so on standard error.
    """
    texts = readable(full) if people is None else people
    if printing.fmt is Format.csv:
        typer.echo(full.to_csv(index=False), nl=False)
    elif printing.fmt is Format.json:
        typer.echo(full.to_json(orient="records", indent=1, force_ascii=False))
    elif full.empty:
        pass
    elif printing.fmt is Format.latex:
        said, rest = _lifted(texts)
        typer.echo(latex.table(rest, numeric(rest), said, printing.caption, printing.label))
    elif printing.fmt is Format.markdown:
        typer.echo(_markdown(texts))
    else:
        _print_tables(texts, [name for name in apart if texts[name].nunique() > 1], Console())
    if full.empty:
        say("no rows: nothing that was asked for is in the database")


def remark(text: str, printing: Printing) -> None:
    """A sentence of an answer that is read: wrapped in a terminal, on standard error where a program reads."""
    if printing.fmt is Format.table:
        Console().print(Text(text))
    else:
        typer.echo(text, err=printing.fmt is not Format.markdown)


def say(text: str) -> None:
    """A remark, where it does not mix with what a program reads."""
    typer.echo(text, err=True)


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Every value as text, with two decimals; a commit by its first characters."""
    return frame.map(_text).astype(object) if len(frame.columns) else frame


def beside(people: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """`people` with further columns, by their headings."""
    for heading, texts in columns.items():
        people[heading] = texts
    return people


def points(value: float | None) -> str:
    """A value in points; nothing where there is none."""
    return "" if value is None or value != value else f"{value:.1f}"


def signed(value: float | None) -> str:
    """A difference in points with its sign; zero has none."""
    text = points(value)
    return text.lstrip("-") if not text or not float(text) else text if text.startswith("-") else f"+{text}"


def intervals(frame: pd.DataFrame) -> list[str]:
    """`low` and `high` of each row; nothing where there is no interval."""
    ends = zip(frame["low"], frame["high"], strict=True)
    return [f"[{signed(low)}, {signed(high)}]" if points(low) else "" for low, high in ends]


def runs(frame: pd.DataFrame) -> list[str]:
    """The runs that each row is made from; `1 of 3` where the study has more."""
    counts = zip(frame["n_seeds"], frame["n_runs"], frame["n_planned"], strict=True)
    return [f"{made_from} of {planned}" if made_from < planned else str(seeds) for seeds, made_from, planned in counts]


def verdicts(frame: pd.DataFrame) -> pd.Series:
    """The verdict of each row, or why there is none."""
    return frame["reason"].where(frame["reason"] != "", frame["verdict"])


def p_value(p: float | None) -> str:
    """Three decimals without the zero before them, as tables of statistics have it."""
    return "" if p is None or p != p else "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def numeric(texts: pd.DataFrame) -> list[str]:
    """The columns of numbers and intervals."""
    return [str(name) for name in texts if texts[name].map(lambda text: bool(_NUMBER.fullmatch(text))).all()]


def _print_tables(texts: pd.DataFrame, apart: list[str], console: Console) -> None:
    if not apart:
        _print_table(texts, console)
        return
    for number, (place, part) in enumerate(texts.groupby(apart, sort=False)):
        if number:
            console.print()
        names = place if isinstance(place, tuple) else (place,)
        console.print(Text(", ".join(str(name) for name in names if name), style="bold"))
        _print_table(part.drop(columns=apart), console)


def _lifted(texts: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What all rows say, in words, and the columns in which they differ; columns without any text go."""
    texts = texts.loc[:, (texts != "").any()]
    same = [name for name in texts.columns if len(texts) > 1 and texts[name].nunique() == 1
            and not _MEASURED.fullmatch(texts[name].iloc[0])]  # fmt: skip
    return ", ".join(f"{name} {texts[name].iloc[0]}" for name in same), texts.drop(columns=same)


def _print_table(texts: pd.DataFrame, console: Console) -> None:
    """What is the same in every row stands once above the table, so that the other columns have room."""
    said, texts = _lifted(texts)
    if said:
        console.print(Text(f"in every row: {said}", style="dim"))
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    right = numeric(texts)
    for name in texts.columns:
        longest = max(map(len, [str(name), *texts[name]]))
        table.add_column(
            Text(str(name)),
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=name in right,
            min_width=min(_NARROWEST, longest),
        )
    for row in texts.itertuples(index=False):
        table.add_row(*(Text(str(value)) for value in row))
    narrowest = console.measure(table).minimum  # numbers are never cut: better a line too long
    console.print(table, width=max(console.width, narrowest), crop=False)


def _markdown(texts: pd.DataFrame) -> str:
    right = numeric(texts)
    lines = [list(map(str, texts.columns)), ["---:" if name in right else "---" for name in texts.columns]]
    lines += [[str(value).replace("|", r"\|") for value in row] for row in texts.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else _COMMIT.sub(r"@\1", str(value))
