"""Rates of a simulation with Monte Carlo errors, their goals, and their table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.table import Table

from perf.measure import put_between

Shape = TypeVar("Shape")


@dataclass(frozen=True)
class Rate:
    """A rate in percent with its Monte Carlo standard error, over independent grids."""

    value: float
    error: float

    @classmethod
    def of(cls, per_grid: Sequence[float]) -> Rate:
        values = 100 * np.array(per_grid)
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))

    @classmethod
    def pooled(cls, rates: Sequence[Rate]) -> Rate:
        errors = np.array([one.error for one in rates])
        return cls(float(np.mean([one.value for one in rates])), float(np.sqrt(np.square(errors).sum()) / len(rates)))

    def __str__(self) -> str:
        return f"{self.value:.1f} ± {self.error:.1f}"


@dataclass(frozen=True)
class Goal:
    """The goal of a rate in percent, and its tolerance; None: the goal is an upper bound."""

    what: str
    target: float
    within: float | None

    def holds(self, rate: Rate) -> bool:
        if self.within is None:
            return rate.value <= self.target
        return abs(rate.value - self.target) <= self.within

    def __str__(self) -> str:
        return f"at most {self.target:g}" if self.within is None else f"{self.target:g} ± {self.within:g}"


GOALS = {
    "false": Goal("false positives", 5, 1),
    "covered": Goal("coverage", 95, 1.5),
    "mean": Goal("coverage of the mean", 95, 1.5),
    "holm": Goal("any false, Holm", 5, None),
    "bh": Goal("false share, BH", 5, None),
    "power": Goal("found of 80%", 80, 5),
}


WHAT = (*GOALS, "usual")  # the last: coverage of resampled seeds and items, for comparison


def rows(found: Mapping[tuple[str, str], Sequence[Mapping[str, Rate]]]) -> list[list[str]]:
    """A line per shape of grid and number of runs, over the strengths of effects, and lines for all and the goals."""
    lines = []
    for (shape, runs), settings in found.items():
        lines.append([shape, runs, *(_spread([one[what] for one in settings]) for what in WHAT)])
    everything = [one for settings in found.values() for one in settings]
    lines.append(["all", "", *(str(Rate.pooled([one[what] for one in everything])) for what in WHAT)])
    lines.append(["goal", "", *(str(goal) for goal in GOALS.values()), ""])
    return lines


def _spread(rates: Sequence[Rate]) -> str:
    """The mean over settings, with minimum and maximum."""
    values = [one.value for one in rates]
    return f"{Rate.pooled(rates).value:.1f} ({min(values):.1f}-{max(values):.1f})"


HEADINGS = ("grid", "runs", *(goal.what for goal in GOALS.values()), "coverage, usual way")


def table(lines: Sequence[Sequence[str]], title: str) -> Table:
    """The lines for a terminal."""
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        shown.add_column(heading, justify="left" if number < 2 else "right")
    for line in lines:
        shown.add_row(*line)
    return shown


def write_markdown(lines: Sequence[Sequence[str]], said: str, page: Path) -> None:
    """Write the table and a line below it between the marks `<!-- calibration -->` of a page.

    Raises ValueError if the page has no such marks.
    """
    heads = [list(HEADINGS), ["---", "---", *["---:"] * len(WHAT)]]
    put_between("calibration", [*heads, *lines], said, page)


def measures(found: Sequence[Mapping[str, Rate]]) -> list[dict[str, object]]:
    """Pooled rates in percent, in the form of the other benchmarks, with the usual way's coverage beside ours."""
    pooled = {what: Rate.pooled([one[what] for one in found]) for what in WHAT}
    others = {"covered": round(pooled["usual"].value, 2)}
    return [
        {"name": goal.what, "ours": round(pooled[what].value, 2), "error": round(pooled[what].error, 2),
         "other": others.get(what), "ratio": None, "goal": f"{goal} %", "holds": goal.holds(pooled[what])}
        for what, goal in GOALS.items()
    ]  # fmt: skip


def simulate(
    rates: Callable[[Shape, int, int], dict[str, Rate]], shapes: Sequence[Shape], count: int
) -> Iterator[tuple[Shape, dict[str, Rate]]]:
    """Yields the rates of each shape from `count` simulations, one process per core; each shape has its own seed."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # read when these start
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(rates, shape, count, 1000 * number) for number, shape in enumerate(shapes)]
        for shape, rate in zip(shapes, waiting, strict=True):
            yield shape, rate.result()
