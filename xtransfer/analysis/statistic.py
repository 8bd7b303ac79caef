"""A statistic of a study, and how its numbers are written. The command line, the report and runs in Prefect show it.

Imports no library that `--help` would have to wait for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.grid import Grid

Row = Mapping[Any, Any]  # of a data frame, by column; pandas does not know the types of its columns
Value = str | int
Chosen = Value | Collection[Value] | None  # of a filter: a value, several, or all
Filter = Literal["encoder", "intermediate", "target", "language", "seed"]
By = Literal["language", "family", "script", "mean"]
FILTERS: tuple[Filter, ...] = ("encoder", "intermediate", "target", "language", "seed")
_COMMIT = re.compile(r"@([0-9a-f]{8})[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Column:
    """A column of a table to read: its heading, and its text for a row of the data frame."""

    heading: str
    text: Callable[[Row], str]


@dataclass(frozen=True)
class Statistic:
    """A table that is computed from a study's grid. Named in `xtransfer.analysis.statistics`, it is shown everywhere.

    `xtransfer results NAME` prints it, `Results.statistic` returns it, and a report writes FILE.csv. With a title, the
    page has a section with its words and table, `tables/NAME.tex` has it for a paper, and a run in Prefect shows it.
    """

    name: str
    words: str  # what the numbers are; after an empty line, what else the help of the command says
    compute: Callable[[Grid], pd.DataFrame]  # imports what it needs, so that help need not
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = FILTERS  # columns of the frame to choose rows by; target and seed choose cells
    by: By | None = "mean"  # the rows shown unless asked for others; None where there is no column `language`
    apart: tuple[str, ...] = ("target", "encoder")  # a table for each value of these in a terminal
    title: str = ""  # heading on the page; "" where the page has a place of its own for it, or none
    file: str = ""  # name of the CSV file; default: `name`

    @property
    def lead(self) -> str:
        """The words without what only the help says."""
        return self.words.partition("\n\n")[0]

    @property
    def file_name(self) -> str:
        """Name of the CSV file, without its ending."""
        return self.file or self.name

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame as it is read: `columns`, every value a text."""
        return table(frame, self.columns)


def table(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """The texts of `columns` for every row of a frame, by heading."""
    import pandas as pd

    rows = frame.to_dict("records")
    return pd.DataFrame({one.heading: [one.text(row) for row in rows] for one in columns}, dtype=object)


def column(heading: str, name: str, shown: Callable[[Any], str]) -> Column:
    """The column `name` of the frame, written by `shown`."""
    return Column(heading, lambda row: shown(row[name]))


def named(*names: str) -> tuple[Column, ...]:
    """Columns under their own names, as `text` writes them."""
    return tuple(column(name, name, text) for name in names)


def text(value: object) -> str:
    """A value as text: floats with two decimals, a commit by its first characters, nothing for a missing value."""
    if value is None or value != value:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else _COMMIT.sub(r"@\1", str(value))


def points(value: float | None) -> str:
    """A value in points; nothing where there is none."""
    return "" if value is None or value != value else f"{value:.1f}"


def signed(value: float | None) -> str:
    """A difference in points with its sign; zero has none."""
    shown = points(value)
    return shown.lstrip("-") if not shown or not float(shown) else shown if shown.startswith("-") else f"+{shown}"


def percent(share: float | None) -> str:
    """A probability (0 to 1) in whole percent, "<1%" and ">99%" at the ends; nothing where there is none."""
    if share is None or share != share:
        return ""
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{share:.0%}"


def p_value(p: float | None) -> str:
    """Three decimals without the leading zero, as tables of statistics write it."""
    return "" if p is None or p != p else "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _interval(row: Row) -> str:
    return f"[{signed(row['low'])}, {signed(row['high'])}]" if points(row["low"]) else ""


def _runs(row: Row) -> str:
    lost = row["n_runs"] < row["n_planned"]
    return f"{row['n_runs']} of {row['n_planned']}" if lost else str(row["n_seeds"])


INTERVAL = Column("95% interval", _interval)  # `low` and `high`
RUNS = Column("runs", _runs)  # that a row is made from; `1 of 3` where the study has more
VERDICT = Column("verdict", lambda row: str(row["reason"] or row["verdict"]))  # or why there is none
