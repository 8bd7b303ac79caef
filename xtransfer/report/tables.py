"""The result table: intermediates down, languages across; score and gain over `direct` with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from xtransfer.analysis import ANY, DIRECT, FAMILY, OTHERS, SCRIPT, UNSEEN, is_language
from xtransfer.analysis.statistic import signed
from xtransfer.analysis.verdict import Verdict
from xtransfer.report.words import listed

HEADINGS = {UNSEEN: "mean but en", OTHERS: "mean others"}
_SHORT_WIDTH = 8  # characters of a terminal column without interval, its border included
_MOST_LANGUAGES = 14  # side by side on a page


def heading(column: str) -> str:
    """What stands above a column: a language's code, `mean others`, or the name of a family or script."""
    return HEADINGS.get(column) or column.partition(":")[2] or column


def is_mean(column: str) -> bool:
    """Whether a column is a mean over all languages, or over all that nothing was trained in."""
    return column in HEADINGS


@dataclass(frozen=True)
class Number:
    """A score and, but for the baseline, its gain with the interval; all in points."""

    value: float
    gain: float
    low: float
    high: float
    verdict: Verdict

    @property
    def gain_text(self) -> str:
        return "" if np.isnan(self.gain) else signed(self.gain)

    @property
    def interval_text(self) -> str:
        return "" if np.isnan(self.low) else f"[{signed(self.low)}, {signed(self.high)}]"


@dataclass(frozen=True)
class Grid:
    """The numbers of one target on one encoder."""

    target: str
    encoder: str
    rows: list[str]  # intermediates: direct first, `any` last
    columns: list[str]  # languages, then the means
    numbers: dict[tuple[str, str], Number]  # by row and column
    seeds: dict[str, int]  # by row: runs that were paired
    left_out: dict[str, int]  # by row: degenerate and missing cells, the baseline's included
    num_encoders: int

    @property
    def title(self) -> str:
        return title(self.target, self.encoder, self.num_encoders)

    def verdicts(self, row: str) -> list[Verdict]:
        """The different verdicts of a row, in the order of its columns."""
        found = (self.numbers[row, column].verdict for column in self.columns if (row, column) in self.numbers)
        return list(dict.fromkeys(found))

    def notes(self, row: str) -> list[str]:
        """What stands beside the name of a row: cells left out, intervals that cover less than runs and items."""
        left_out = [f"{self.left_out[row]} left out"] if self.left_out[row] else []
        unknown = [one for one in self.verdicts(row) if one.state == "unknown"]
        return [*left_out, *dict.fromkeys(f"one {one.run}: {one.over or 'no interval'}" for one in unknown)]

    def legend(self, mark: str) -> str:
        """What the intervals cover, what the mark (`bold`, `a dot`) means, and of which rows nothing is known."""
        verdicts = {row: self.verdicts(row) for row in self.rows}
        known = dict.fromkeys(one.over for several in verdicts.values() for one in several if one.is_known)
        said = [f"95% interval over {' or '.join(known)}; {mark}: it excludes 0"] if known else []
        unknown: dict[tuple[str, str], list[str]] = {}
        for row, several in verdicts.items():
            for place in dict.fromkeys((one.reason, one.over) for one in several if one.state == "unknown"):
                unknown.setdefault(place, []).append(row)
        for (reason, over), rows in unknown.items():
            of = f", for {listed(rows)}" if known or len(unknown) > 1 else ""
            interval = f"95% interval over {over}" if over else "no interval"
            said.append(f"whether gains hold is {reason}{of} ({interval})")
        return "; ".join(said) or "nothing is compared"


def title(target: str, encoder: str, num_encoders: int) -> str:
    """`xnli on lab-tiny@0`, or `xnli on lab-tiny (3 encoders pooled)`."""
    name = encoder.removesuffix("@*")
    return f"{target} on {name}" + (f" ({num_encoders} encoders pooled)" if name != encoder else "")


def headline(gains: pd.DataFrame) -> pd.DataFrame:
    """The rows to show first: pooled encoders where there are any, single encoders elsewhere."""
    pooled = {name.removesuffix("@*") for name in gains["encoder"].unique() if name.endswith("@*")}
    keep: list[bool] = [name.endswith("@*") or name.partition("@")[0] not in pooled for name in gains["encoder"]]
    return gains.loc[pd.Series(keep, index=gains.index, dtype=bool)]


def parts(grid: Grid) -> list[Grid]:
    """The grid in parts that fit a page: each has some of the languages and all the means."""
    languages = [one for one in grid.columns if not is_mean(one)]
    means = [one for one in grid.columns if is_mean(one)]
    count = max(1, -(-len(languages) // _MOST_LANGUAGES))
    size = max(1, -(-len(languages) // count))
    starts = range(0, max(len(languages), 1), size)
    return [replace(grid, columns=[*languages[start : start + size], *means]) for start in starts]


def grids(gains: pd.DataFrame, *, grouped: bool = False) -> Iterator[Grid]:
    """One grid per target and encoder of the frame that `xtransfer.analysis.gains` gives.

    Its columns are the languages and the means over all of them; `grouped`: the means over families, then over
    scripts, and no grid for a target that has none.
    """
    wanted = [one.startswith((FAMILY, SCRIPT)) if grouped else _is_shown(one) for one in gains["language"]]
    shown = gains.loc[pd.Series(wanted, index=gains.index, dtype=bool)]
    for (target, encoder), part in shown.groupby(["target", "encoder"], sort=False):
        names = list(part["intermediate"].unique())
        languages = list(part["language"].unique())
        columns = sorted((one for one in languages if not is_mean(one)), key=lambda one: one.startswith(SCRIPT))
        columns += [one for one in HEADINGS if one in languages]
        numbers = {(row["intermediate"], row["language"]): _number(row) for row in part.to_dict("records")}
        firsts = part.drop_duplicates("intermediate").set_index("intermediate")
        yield Grid(
            str(target),
            str(encoder),
            [one for one in (DIRECT,) if one in names]
            + [one for one in names if one not in (DIRECT, ANY)]
            + [one for one in (ANY,) if one in names],
            columns,
            numbers,
            {str(name): int(count) for name, count in firsts["n_seeds"].items()},
            {str(name): int(count) for name, count in (firsts["degenerate"] + firsts["missing"]).items()},
            int(part["n_encoders"].max()),
        )


def _is_shown(column: str) -> bool:
    return is_language(column) or column in HEADINGS


def _number(row: dict[Any, Any]) -> Number:
    value, gain, low, high = (float(row[name]) for name in ("value", "gain", "low", "high"))
    return Number(value, gain, low, high, Verdict.read(row))


def rich_tables(gains: pd.DataFrame, width: int = 100) -> list[Table]:
    """A table per target and encoder that fits `width` characters.

    Intervals stand in all columns where they fit, else under the means; a narrow terminal loses `mean but en`
    first, then languages from the right, and the caption says so.
    """
    return [_rich_table(grid, width) for grid in grids(gains)]


def _rich_table(grid: Grid, width: int) -> Table:
    columns, with_interval = _fitting(grid, width)
    table = Table(title=grid.title, title_justify="left", caption_justify="left", show_lines=True)
    hidden = len(grid.columns) - len(columns)
    table.caption = f"score, gain over direct in points; {grid.legend('bold')}"
    if hidden:
        table.caption += f"; {hidden} more columns in a wider terminal or as CSV"
    table.add_column("intermediate", no_wrap=True)
    for column in columns:
        table.add_column(heading(column), justify="right", no_wrap=True)
    for name in grid.rows:
        cells = (_rich_cell(grid.numbers.get((name, one)), one in with_interval) for one in columns)
        table.add_row(_label(grid, name), *cells)
    return table


def _label(grid: Grid, name: str) -> str:
    return "\n".join([name, *(f"({note})" for note in grid.notes(name))])


def _fitting(grid: Grid, width: int) -> tuple[list[str], set[str]]:
    """The columns to show and those that show intervals."""
    label = max(cell_len(line) for name in grid.rows for line in _label(grid, name).split("\n"))
    room = width - max(label, len("intermediate")) - 4
    interval = max((len(number.interval_text) for number in grid.numbers.values()), default=0) + 3
    languages = [one for one in grid.columns if one not in HEADINGS]
    means = [one for one in HEADINGS if one in grid.columns]
    if room >= len(grid.columns) * interval:
        return grid.columns, set(grid.columns)
    if room < len(languages) * _SHORT_WIDTH + len(means) * interval:
        means = means[-1:]
    fit = max((room - len(means) * interval) // _SHORT_WIDTH, 0)
    return languages[:fit] + means, set(means)


def _rich_cell(number: Number | None, with_interval: bool) -> Text:
    if number is None:
        return Text("-", justify="right")
    text = Text(f"{number.value:.1f}", justify="right")
    if number.gain_text:
        interval = f"\n{number.interval_text}" if with_interval else ""
        text.append(f"\n{number.gain_text}{interval}", style="bold" if number.verdict.is_sure else "dim")
    return text


def markdown(gains: pd.DataFrame) -> str:
    """The same tables in Markdown, with what the intervals cover below each."""
    return "\n\n".join(_markdown(grid) for grid in grids(gains)) + "\n"


def _markdown(grid: Grid) -> str:
    lines = [
        f"**{grid.title}**",
        "",
        "| intermediate | " + " | ".join(heading(one) for one in grid.columns) + " |",
        "|---|" + "---:|" * len(grid.columns),
    ]
    for name in grid.rows:
        cells = (_markdown_cell(grid.numbers.get((name, one))) for one in grid.columns)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", f"Score, gain over direct in points; {grid.legend('bold')}."]
    return "\n".join(lines)


def _markdown_cell(number: Number | None) -> str:
    if number is None:
        return "-"
    gain = f"**{number.gain_text}**" if number.verdict.is_sure else number.gain_text
    return " ".join(filter(None, [f"{number.value:.1f}", gain, number.interval_text]))


def csv(gains: pd.DataFrame) -> str:
    """Every row of the frame with all its columns, numbers to four decimals."""
    return str(gains.to_csv(index=False, float_format="%.4f", lineterminator="\n"))
