"""The summary of a study: a row per target, and the gain of every intermediate with its interval and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from xtransfer.analysis import ANY, BUT_EN, DIRECT, Grid
from xtransfer.analysis.grid import gain_rows
from xtransfer.analysis.points import ENGLISH, Point
from xtransfer.analysis.statistic import chances
from xtransfer.analysis.verdict import COLUMNS as VERDICT
from xtransfer.base.words import counted, listed
from xtransfer.report.answer import on_the_mean
from xtransfer.report.tables import Number, title

_EFFECT = {"up": "helped", "down": "hurt", "open": "no difference detected"}  # by the state of a verdict
RunGains = Mapping[tuple[str, str, str, str], tuple[float, ...]]  # target, encoder, intermediate, column → points
_COLUMNS = ("target", "encoder", "intermediate", "language", "score", "gain", "low", "high", *VERDICT, "run_gains",
            "direct", "items_low", "items_high", "chance_low", "chance_high")  # fmt: skip
_MOST_NAMED = 3  # intermediates in a cell of the table
_TICKS = 6
_LEAST_SPAN = 10.0  # points
_ROOM = 1.5  # spans of the gains, for their intervals on either side


@dataclass(frozen=True)
class Estimate:
    """The gain of an intermediate, or of `any`, on the mean over languages that the answer is about."""

    intermediate: str
    mean: str  # `mean-others`, or `mean-but-en` where there is none
    number: Number
    runs: tuple[float, ...]  # the gain in every run, in points

    @property
    def is_average(self) -> bool:
        return self.intermediate == ANY

    @property
    def effect(self) -> str:
        """What the verdict says, in a few words."""
        return _EFFECT.get(self.number.verdict.state, self.number.verdict.reason)

    @property
    def tip(self) -> str:
        """Everything behind the estimate, for a tooltip."""
        runs = ", ".join(f"{run:+.1f}" for run in self.runs)
        said = self.number.tip if self.number.verdict.reason else f"{self.effect}; {self.number.tip}"
        return f"{self.intermediate} on {self.mean}: {said}; gain of each run: {runs}"


@dataclass(frozen=True)
class Line:
    """What a study compares on one target and encoder."""

    target: str
    encoder: str
    title: str
    estimates: list[Estimate]  # `any` first where there are several intermediates; empty: nothing is compared
    baseline: float  # score of direct on `mean-but-en`, in points; NaN without one
    items: tuple[int, ...]  # the distinct numbers of test items per language but English, from the smallest
    chance: tuple[float, ...]  # the distinct scores of guessing, in points; empty if unknown

    @property
    def guessing(self) -> str:
        """The scores of guessing, as a text."""
        return chances(*self.chance)

    @property
    def average(self) -> Estimate | None:
        """The average over several intermediates."""
        return next((one for one in self.estimates if one.is_average), None)

    @property
    def mean(self) -> str:
        """The mean over languages that its estimates are on, or most of them."""
        return self.estimates[0].mean if self.estimates else ""

    @property
    def singles(self) -> list[Estimate]:
        """The intermediates, one by one."""
        return [one for one in self.estimates if not one.is_average]

    @property
    def largest(self) -> Estimate | None:
        """The intermediate with the largest gain; its interval holds for all intermediates together."""
        return max(self.singles, key=lambda one: one.number.gain, default=None)

    @property
    def compared(self) -> str:
        """The intermediates by name, or their number if there are many."""
        names = [one.intermediate for one in self.singles]
        return listed(names) if len(names) <= _MOST_NAMED else counted(len(names), "intermediate")

    @property
    def counts(self) -> str:
        """How many intermediates have each verdict, where there are several: `1 helped, 3 not known from one run`."""
        effects = [one.effect for one in self.singles]
        return ", ".join(f"{effects.count(one)} {one}" for one in dict.fromkeys(effects)) if self.average else ""

    @property
    def runs(self) -> str:
        """The number of runs behind the first estimate: `3 runs`, or `2 of 3 runs` if some were lost."""
        if not self.estimates:
            return ""
        verdict = self.estimates[0].number.verdict
        return verdict.made_from or counted(verdict.num_runs, verdict.run)


@dataclass(frozen=True)
class Axis:
    """The axis that all plots of the summary share."""

    low: float
    high: float

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Axis:
        """Returns an axis that holds 0, all gains and runs, and all intervals that do not make it too wide."""
        shown = [one for line in lines for one in line.estimates]
        values = [0.0, *(value for one in shown for value in (one.number.gain, *one.runs))]
        ends = [end for one in shown for end in (one.number.low, one.number.high) if end == end]
        room = _ROOM * max(max(values) - min(values), _LEAST_SPAN)
        low = max(min([*values, *ends]), min(values) - room)
        high = min(max([*values, *ends]), max(values) + room)
        margin = 0.05 * max(high - low, 1.0)
        return cls(low - margin, high + margin)

    def leaves(self, points: float) -> bool:
        """Whether a value is beyond an end of the axis."""
        return not self.low <= points <= self.high

    def at(self, points: float) -> str:
        """Returns the place of a value as a share of the width, `42.10%`; beyond an end, that end."""
        return f"{100 * (min(max(points, self.low), self.high) - self.low) / (self.high - self.low):.2f}%"

    @property
    def ticks(self) -> list[float]:
        """Round values on the axis."""
        values = MaxNLocator(_TICKS).tick_values(self.low, self.high)
        return [float(one) for one in values if self.low <= one <= self.high]


def run_gains(results: Grid) -> RunGains:
    """Returns the gain over `direct` in every run (or every encoder, where encoders are pooled)."""
    return {
        (row.block.target, row.block.encoder, row.first, column): tuple(map(float, one.differences.means[:, place]))
        for row, one in results.compared(gain_rows(results, DIRECT))
        if row.second is not None
        for place, column in enumerate(one.columns)
    }


def summarise(gains: pd.DataFrame, runs: RunGains, points: Sequence[Point]) -> list[Line]:
    """Returns a line per target and encoder of the frame of `xtransfer.analysis.gains`."""
    found = []
    for (target, encoder), part in gains.groupby(["target", "encoder"], sort=False):
        rows = on_the_mean(part[part["gain"].notna()], ["intermediate"])
        estimates = [
            Estimate(name, row["language"], Number.read(row), runs[str(target), str(encoder), name, row["language"]])
            for row in sorted(rows, key=lambda row: row["intermediate"] != ANY)
            for name in [row["intermediate"]]
        ]
        direct = part[(part["intermediate"] == DIRECT) & (part["language"] == BUT_EN)]["value"]
        baseline = float(direct.iloc[0]) if len(direct) else np.nan
        name = title(str(target), str(encoder), int(part["n_encoders"].max()))
        found.append(Line(str(target), str(encoder), name, estimates, baseline, *_tested(str(target), points)))
    return found


def _tested(target: str, points: Sequence[Point]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Returns the distinct numbers of test items per language but English, and the distinct scores of guessing."""
    recorded = [one.recorded for one in points if one.target == target and one.recorded is not None]
    items = {number for one in recorded for code, number in one.items.items() if code != ENGLISH}
    chance = {value for one in recorded for value in one.chance.values() if value is not None}
    return tuple(sorted(items)), tuple(sorted(chance))


def frame(lines: Iterable[Line]) -> pd.DataFrame:
    """Returns the summary as a table for a CSV file: a row per target, encoder and intermediate.

    `runs`: the gain of every run in points; `items_low` and `items_high`: test items per language but English;
    `chance_low` and `chance_high`: the score of guessing.
    """
    rows = [
        {"target": line.target, "encoder": line.encoder, "intermediate": one.intermediate, "language": one.mean,
         "score": one.number.value, "gain": one.number.gain, "low": one.number.low, "high": one.number.high,
         **one.number.verdict.columns, "run_gains": " ".join(f"{run:.4f}" for run in one.runs),
         "direct": line.baseline, **_ends("items", line.items), **_ends("chance", line.chance)}
        for line in lines for one in line.estimates
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[*_COLUMNS])


def _ends(name: str, values: Sequence[float]) -> dict[str, float]:
    low, high = (values[0], values[-1]) if values else (np.nan, np.nan)
    return {f"{name}_low": low, f"{name}_high": high}
