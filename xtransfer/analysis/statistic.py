"""A statistic of a study and how its numbers are formatted, for the command line, the report and Prefect.

Imports no slow library, because `--help` needs this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xtransfer.analysis.verdict import Row, ends

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.grid import Grid

Value = str | int
Chosen = Value | Collection[Value] | None  # of a filter: a value, several, or all
Filter = Literal["encoder", "intermediate", "target", "language", "seed"]
By = Literal["language", "family", "script", "mean"]
FILTERS: tuple[Filter, ...] = ("encoder", "intermediate", "target", "language", "seed")
_COMMIT = re.compile(r"@([0-9a-f]{8})[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Column:
    """A column of a formatted table: its heading, and its text for a row of the data frame."""

    heading: str
    text: Callable[[Row], str]


@dataclass(frozen=True)
class Statistic:
    """A table computed from a study's grid. Once listed in `xtransfer.analysis.statistics`, it is shown everywhere.

    `xtransfer results NAME` prints it, `Results.statistic` returns it, and a report writes FILE.csv. With a title, the
    page has a section with its words and table, a paper gets it as `tables/NAME.tex`, and a run in Prefect shows it.
    """

    name: str
    words: str  # what the numbers are; after an empty line, text for the command's help only
    compute: Callable[[Grid], pd.DataFrame]  # imports what it needs, to keep help fast
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = FILTERS  # columns of the frame to choose rows by; target and seed choose cells
    by: By | None = "mean"  # rows shown by default; None if there is no column `language`
    apart: tuple[str, ...] = ("target", "encoder")  # a terminal shows one table per value of these
    legend: str = ""  # what the columns are, below the table in a terminal
    absent: str = ""  # why there may be no rows
    title: str = ""  # heading on the page; "" if the page shows it elsewhere or not at all
    file: str = ""  # name of the CSV file; default: `name`

    @property
    def lead(self) -> str:
        """The words without the text for help."""
        return self.words.partition("\n\n")[0]

    @property
    def file_name(self) -> str:
        """The name of the CSV file, without extension."""
        return self.file or self.name

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns the formatted frame: `columns`, every value as text."""
        return table(frame, self.columns)


def table(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Returns the texts of `columns` for every row of a frame, by heading."""
    import pandas as pd

    rows = frame.to_dict("records")
    return pd.DataFrame({one.heading: [one.text(row) for row in rows] for one in columns}, dtype=object)


def column(heading: str, name: str, shown: Callable[[Any], str]) -> Column:  # Any: a value of a `Row`
    """Returns the column `name` of the frame, formatted by `shown`."""
    return Column(heading, lambda row: shown(row[name]))


def named(*names: str) -> tuple[Column, ...]:
    """Returns columns under their own names, formatted by `text`."""
    return tuple(column(name, name, text) for name in names)


def text(value: object) -> str:
    """Returns a value as text: floats with two decimals, a commit as its first 8 characters, "" if missing."""
    if value is None or value != value:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else _COMMIT.sub(r"@\1", str(value))


def number(value: object) -> str:
    """Returns a value as `text`, but numbers below 1 with three significant digits: a learning rate is not 0.00."""
    if isinstance(value, float) and 0 < abs(value) < 1:
        return f"{value:.3g}"
    return text(value)


def points(value: float | None) -> str:
    """Returns a value in points with one decimal; "" if missing."""
    return "" if value is None or value != value else f"{value:.1f}"


def chances(*values: float | None) -> str:
    """Returns the score of guessing, `33.3`, or of several from least to most; below a point with two digits."""
    known = sorted({value for value in values if value is not None and value == value})
    ends = known if len(known) < 2 else [known[0], known[-1]]
    return " to ".join(points(end) if end >= 1 else f"{end:.2g}" for end in ends)


def signed(value: float | None) -> str:
    """Returns a difference in points with its sign; zero has no sign."""
    shown = points(value)
    return shown.lstrip("-") if not shown or not float(shown) else shown if shown.startswith("-") else f"+{shown}"


def percent(share: float | None) -> str:
    """Returns a probability (0 to 1) in whole percent, "<1%" and ">99%" at the ends; "" if missing."""
    if share is None or share != share:
        return ""
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{share:.0%}"


def p_value(p: float | None) -> str:
    """Returns a p value with three decimals and no leading zero; "" if missing."""
    return "" if p is None or p != p else "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _interval(row: Row) -> str:
    low, high = ends(row)
    return f"[{signed(low)}, {signed(high)}]" if points(low) else ""


def _runs(row: Row) -> str:
    lost = row["n_runs"] < row["n_planned"]
    return f"{row['n_runs']} of {row['n_planned']}" if lost else str(row["n_seeds"])


INTERVAL = Column("95% interval", _interval)  # `low` and `high`; of a family `joint_low` and `joint_high`
P_VALUE = Column("p", lambda row: p_value(row["p_joint"] if row.get("family", 1) > 1 else row["p"]))
RUNS = Column("runs", _runs)  # behind a row; `1 of 3` if the study has more
VERDICT = Column("verdict", lambda row: str(row["reason"] or row["verdict"]))  # or why it is unknown
