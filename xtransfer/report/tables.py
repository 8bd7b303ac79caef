"""The result table: a row per intermediate, a column per language; score, gain over `direct` and its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from xtransfer.analysis import ANY, BUT_EN, DIRECT, FAMILY, OTHERS, SCRIPT, is_language
from xtransfer.analysis.statistic import chances, signed
from xtransfer.analysis.texts import definitions
from xtransfer.analysis.verdict import Row, Verdict, ends
from xtransfer.base.words import counted, listed, spread
from xtransfer.study.encoders import pool_of

MEANS = (BUT_EN, OTHERS)
_SHORT_WIDTH = 8  # characters of a terminal column without interval, including its border
_SHORT_MEAN = 14  # of one with a mean
_MOST_LANGUAGES = 14  # columns that fit a page


def heading(column: str) -> str:
    """Returns the heading of a column: a language's code, `mean-others`, or the name of a family or script."""
    return column.partition(":")[2] or column


def is_mean(column: str) -> bool:
    """Whether a column is `mean-but-en` or `mean-others`."""
    return column in MEANS


@dataclass(frozen=True)
class Number:
    """A score with its gain and 95% interval (on means simultaneous), all in points. The baseline's gain is NaN."""

    value: float
    gain: float
    low: float
    high: float
    verdict: Verdict
    num_items: int | None = None  # test items of all its languages; 0: no points per item; None: differs between runs

    @classmethod
    def read(cls, row: Row) -> Number:
        """Returns the number in a row of the frame of `xtransfer.analysis.gains`."""
        value, gain = float(row["value"]), float(row["gain"])
        items = None if row["language"] == OTHERS else int(row["n_items"])
        return cls(value, gain, *ends(row), Verdict.read(row), items)

    @property
    def tip(self) -> str:
        """Everything behind the number, for a tooltip: score, gain, interval and what it covers, runs, test items."""
        verdict, runs = self.verdict, self.verdict.made_from or counted(self.verdict.num_runs, self.verdict.run)
        said = [f"score {self.value:.1f}"]
        said += [f"gain over direct {self.gain_text}"] if self.gain_text else []
        if not np.isnan(self.low):
            together = f", simultaneous for {verdict.together}" if verdict.together else ""
            said.append(f"95% interval {signed(self.low)} to {signed(self.high)} over {verdict.over}{together}")
        said += [verdict.reason] if verdict.reason else []
        items = "" if self.num_items is None else f"n = {self.num_items:,} test items"
        return "; ".join(filter(None, [*said, runs, items if self.num_items != 0 else "no points per test item"]))

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
    seeds: dict[str, int]  # row → number of paired runs
    left_out: dict[str, int]  # row → number of degenerate and missing cells, including the baseline's
    num_encoders: int

    @property
    def title(self) -> str:
        return title(self.target, self.encoder, self.num_encoders)

    @property
    def compared(self) -> list[str]:
        """The rows that have gains."""
        return [name for name in self.rows if any(self._gains(name))]

    def _gains(self, row: str) -> Iterator[bool]:
        return (not np.isnan(one.gain) for column in self.columns if (one := self.numbers.get((row, column))))

    def verdicts(self, row: str) -> list[Verdict]:
        """Returns the distinct verdicts of a row, in the order of its columns."""
        found = (self.numbers[row, column].verdict for column in self.columns if (row, column) in self.numbers)
        return list(dict.fromkeys(found))

    def notes(self, row: str) -> list[str]:
        """Returns the notes beside a row's name: cells left out, intervals that do not cover runs."""
        left_out = [f"{self.left_out[row]} left out"] if self.left_out[row] else []
        unknown = [one for one in self.verdicts(row) if one.state == "unknown"]
        alone = {one: f"one {one.run}: " * (one.num_runs == 1) for one in unknown}
        return [*left_out, *dict.fromkeys(f"{said}{one.over or 'no interval'}" for one, said in alone.items())]

    @property
    def tested(self) -> str:
        """What the scores are from: `5 runs; 720 test items in each language`."""
        runs = spread((one.verdict.num_runs for one in self.numbers.values()), "run")
        items = spread(
            (one.num_items for (_, column), one in self.numbers.items() if one.num_items and not is_mean(column)),
            "test item",
        )
        return f"{runs}; {items} in each language" if items else runs

    @property
    def defined(self) -> str:
        """What `any` and the means are, for those that it shows."""
        return definitions([*self.rows, *self.columns])

    def legend(self, mark: str) -> str:
        """Returns what the intervals cover, what `mark` ("bold", "a dot") means, and which rows have no verdict."""
        verdicts = {row: self.verdicts(row) for row in self.rows}
        known = dict.fromkeys(one.over for several in verdicts.values() for one in several if one.is_known)
        said = [f"95% interval over {' or '.join(known)}; {mark}: it excludes 0"] if known else []
        together = dict.fromkeys(one.together for several in verdicts.values() for one in several if one.together)
        said += [f"on means it holds for {' or '.join(together)} with direct together"] if together else []
        unknown: dict[tuple[str, str], list[str]] = {}
        for row, several in verdicts.items():
            for place in dict.fromkeys((one.reason, one.over) for one in several if one.state == "unknown"):
                unknown.setdefault(place, []).append(row)
        for (reason, over), rows in unknown.items():
            of = f", for {listed(rows)}" if known or len(unknown) > 1 else ""
            interval = f"95% interval over {over}" if over else "no interval"
            said.append(f"whether gains hold is {reason}{of} ({interval})")
        return "; ".join(said) or (
            "nothing is compared" if DIRECT in self.rows else "nothing is compared: no run of direct has scores"
        )


def title(target: str, encoder: str, num_encoders: int) -> str:
    """Returns `xnli on lab-tiny@0`, or `xnli on lab-tiny (3 encoders pooled)`."""
    name = encoder.removesuffix("@*")
    return f"{target} on {name}" + (f" ({num_encoders} encoders pooled)" if name != encoder else "")


def headline(gains: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows to show first: those of pooled encoders, and of single encoders that are not pooled."""
    names = set(gains["encoder"])
    keep: list[bool] = [pool_of(name) not in names for name in gains["encoder"]]
    return gains.loc[pd.Series(keep, index=gains.index, dtype=bool)]


def parts(grid: Grid) -> list[Grid]:
    """Splits a grid into parts that fit a page: each has some of the languages and all means."""
    languages = [one for one in grid.columns if not is_mean(one)]
    means = [one for one in grid.columns if is_mean(one)]
    count = max(1, -(-len(languages) // _MOST_LANGUAGES))
    size = max(1, -(-len(languages) // count))
    starts = range(0, max(len(languages), 1), size)
    return [replace(grid, columns=[*languages[start : start + size], *means]) for start in starts]


def grids(gains: pd.DataFrame, *, grouped: bool = False) -> Iterator[Grid]:
    """Yields one grid per target and encoder of the frame of `xtransfer.analysis.gains`.

    Columns are the languages and their means. With `grouped`, they are the means over families, then over scripts;
    a target without any has no grid.
    """
    wanted = [one.startswith((FAMILY, SCRIPT)) if grouped else _is_shown(one) for one in gains["language"]]
    shown = gains.loc[pd.Series(wanted, index=gains.index, dtype=bool)]
    for (target, encoder), part in shown.groupby(["target", "encoder"], sort=False):
        names = list(part["intermediate"].unique())
        languages = list(part["language"].unique())
        columns = sorted((one for one in languages if not is_mean(one)), key=lambda one: one.startswith(SCRIPT))
        columns += [one for one in MEANS if one in languages]
        numbers = {(row["intermediate"], row["language"]): Number.read(row) for row in part.to_dict("records")}
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
    return is_language(column) or column in MEANS


def rich_tables(
    gains: pd.DataFrame,
    width: int = 100,
    chance: Mapping[str, float] | None = None,
    findings: Mapping[tuple[str, str], str] | None = None,
) -> list[Text | Table]:
    """Returns tables per target and encoder that fit `width` characters, each after its title; every column is in one.

    If all columns fit with their intervals, they are one table. Otherwise the means come with intervals, beside as many
    languages as fit without, and more tables have the other languages.

    Args:
        chance: the score of guessing by target.
        findings: what was found by target and encoder, in sentences.
    """
    return [
        part
        for grid in grids(gains)
        for part in _rich_tables(
            grid, width, (chance or {}).get(grid.target), (findings or {}).get((grid.target, grid.encoder), "")
        )
    ]


def _rich_tables(grid: Grid, width: int, chance: float | None, finding: str) -> Iterator[Text | Table]:
    """Yields a title and a table for each block of columns, then the finding, and what the numbers are.

    Titles are no part of the tables, which may be narrower than they are.
    """
    blocks, with_interval = _blocks(grid, width)
    for number, columns in enumerate(blocks):
        yield Text(f"\n{grid.title}, continued" if number else f"\n{grid.title}", style="bold")
        table = Table(show_lines=True)
        table.add_column("intermediate", overflow="fold")
        for column in columns:
            table.add_column(heading(column), justify="right", no_wrap=True)
        for name in grid.rows:
            cells = (_rich_cell(grid.numbers.get((name, one)), one in with_interval) for one in columns)
            table.add_row(_label(grid, name), *cells)
        yield table
    if finding:
        yield Text(finding)
    shown = "score, gain over direct" if DIRECT in grid.rows else "score"
    guessing = "" if chance is None else f"guessing gives {chances(chance)}"
    said = [f"{shown} in points", guessing, grid.tested, grid.legend("bold"), grid.defined]
    yield Text("; ".join(filter(None, said)), style="dim")


def _label(grid: Grid, name: str) -> str:
    return "\n".join([name, *(f"({note})" for note in grid.notes(name))])


def _blocks(grid: Grid, width: int) -> tuple[list[list[str]], set[str]]:
    """Returns the columns of each table, and the columns that show intervals."""
    label = max(cell_len(line) for name in grid.rows for line in _label(grid, name).split("\n"))
    room = max(width - max(label, len("intermediate")) - 4, _SHORT_MEAN)  # in narrower terminals the label folds
    texts = (number.interval_text for number in grid.numbers.values())
    interval = max(map(len, (*texts, "100.0"))) + 3
    wide = [max(interval, len(heading(column)) + 3) for column in grid.columns]
    if room >= sum(wide):
        return [grid.columns], set(grid.columns)
    languages = [one for one in grid.columns if one not in MEANS]
    means = [one for one in MEANS if one in grid.columns]
    wide_mean = max(interval, _SHORT_MEAN)
    with_interval = means
    while (taken := _SHORT_MEAN * len(means) + (wide_mean - _SHORT_MEAN) * len(with_interval)) > room and with_interval:
        with_interval = with_interval[1:]
    first = max((room - taken) // _SHORT_WIDTH, 0)
    together = room // _SHORT_MEAN  # means in one table
    split = [means[start : start + together] for start in range(together, len(means), together)]
    each = max(room // _SHORT_WIDTH, 1)
    more = [languages[start : start + each] for start in range(first, len(languages), each)]
    return [languages[:first] + means[:together], *split, *more], set(with_interval)


def _rich_cell(number: Number | None, with_interval: bool) -> Text:
    if number is None:
        return Text("-", justify="right")
    text = Text(f"{number.value:.1f}", justify="right")
    if number.gain_text:
        interval = f"\n{number.interval_text}" if with_interval else ""
        text.append(f"\n{number.gain_text}{interval}", style="bold" if number.verdict.is_sure else "dim")
    return text
