"""`xtransfer results sql`: a query of one's own."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.results.show import AsFormat, Caption, Format, Label, Printing, say, show


def command(
    query: Annotated[str, typer.Argument(help='One SELECT, for example "SELECT * FROM gains LIMIT 5".')],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows to print.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="Longest time that the query may take.")] = 30.0,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """The rows of a query; the database is opened for reading only."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.sql(query, max_rows=rows, seconds=seconds)
    show(frame, printing)
    if frame.attrs["truncated"]:
        say(f"more than {rows} rows; the rest was left out (--rows)")
