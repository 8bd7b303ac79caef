"""Forest plots of gains: a panel per language, a row per intermediate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xtransfer.analysis import ANY
from xtransfer.report.plot_style import COLOURS, INK, label, style
from xtransfer.report.tables import Grid, heading, is_mean

_PANEL_COLUMNS = 4
_TALLEST = 9.0  # inches: a printed page
_BELOW = 0.3  # of a row's height: where its runs are
_UNKNOWN = COLOURS[-1]  # grey, with a dotted interval, where the interval does not cover runs


Runs = Mapping[tuple[str, str], Sequence[float]]


def forests(grid: Grid, runs: Runs = MappingProxyType({})) -> list[Figure]:
    """Returns figures of the gains with 95% intervals, means first; each is no taller than a page.

    `runs`: the gain in every run in points, by row and column of the grid; they are dots below the interval.
    """
    rows = grid.compared[::-1]
    if not rows:
        return []
    panels = sorted(grid.columns, key=lambda column: not is_mean(column))
    per_figure = _PANEL_COLUMNS * max(1, int((_TALLEST - 0.6) / _panel_height(rows)))
    limits = _limits(grid, runs)
    return [
        _forest(replace(grid, columns=panels[start : start + per_figure]), rows, limits, runs)
        for start in range(0, len(panels), per_figure)
    ]


def _panel_height(rows: Sequence[str]) -> float:
    return 0.85 + 0.27 * len(rows) + 0.12 * sum(label(name).count("\n") for name in rows)


def _limits(grid: Grid, runs: Runs) -> tuple[float, float]:
    """Returns the limits of the x axis, shared by all panels of all figures."""
    numbers = [one for one in grid.numbers.values() if not np.isnan(one.gain)]
    ends = [0.0, *(end for one in numbers for end in (one.gain, one.low, one.high) if not np.isnan(end))]
    ends += [run for place in grid.numbers for run in runs.get(place, ())]
    margin = 0.05 * max(max(ends) - min(ends), 1.0)
    return min(ends) - margin, max(ends) + margin


def _forest(grid: Grid, rows: Sequence[str], limits: tuple[float, float], runs: Runs) -> Figure:
    columns = min(_PANEL_COLUMNS, len(grid.columns))
    lines = -(-len(grid.columns) // columns)
    with style():
        size = (2.2 + 2.15 * columns, 0.6 + lines * _panel_height(rows))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, column in zip(axes, grid.columns, strict=False):
            _panel(panel, grid, rows, column, runs)
        axes[0].set_xlim(limits)
        for panel in axes[len(grid.columns) :]:
            panel.set_visible(False)
        for panel in axes[max(len(grid.columns) - columns, 0) : len(grid.columns)]:
            panel.tick_params(labelbottom=True)
        figure.supxlabel(fill(f"gain over direct (points); {grid.legend('filled')}", int(13 * size[0])), fontsize=10)
    return figure


def _panel(axes: Axes, grid: Grid, rows: Sequence[str], column: str, runs: Runs) -> None:
    axes.set_title(heading(column), fontsize=10, fontweight="bold" if is_mean(column) else "normal")
    axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
    axes.set_yticks(range(len(rows)), [label(name) for name in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="y", length=0)
    for y, name in enumerate(rows):
        number = grid.numbers.get((name, column))
        if number is None or np.isnan(number.gain):
            continue
        known = number.verdict.is_known
        colour = (COLOURS[0] if number.gain >= 0 else COLOURS[1]) if known else _UNKNOWN
        if not np.isnan(number.low):
            axes.plot([number.low, number.high], [y, y], "-" if known else ":", color=colour, linewidth=2)
        dots = runs.get((name, column), ())
        axes.plot(dots, [y - _BELOW] * len(dots), ".", markersize=4, color=colour, markeredgewidth=0)
        face = colour if number.verdict.is_sure else "none"
        marker = "D" if name == ANY else "o"
        axes.plot(number.gain, y, marker, markersize=6, color=colour, markerfacecolor=face, markeredgewidth=1.6)
