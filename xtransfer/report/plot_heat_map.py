"""Heat maps of gains over direct: a row per intermediate, a column per language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from xtransfer.analysis import ANY
from xtransfer.report.plot_style import PAPER, label, style
from xtransfer.report.tables import Grid, Number, heading, is_mean, parts

# losses orange, gains blue, as everywhere in a report
_LOSS_TO_GAIN = LinearSegmentedColormap.from_list("loss-gain", ["#8c3300", "#f0a868", "#f7f7f5", "#7db8e8", "#00447c"])
_MOST_ROWS = 24  # per figure: about a printed page


def heat_maps(grid: Grid) -> list[Figure]:
    """Returns heat maps of the gain over direct, intermediates × languages; a dot: the 95% interval excludes 0.

    Many languages or intermediates are split over several figures with one colour scale.
    """
    limit = max([1.0, *(abs(one.gain) for one in grid.numbers.values() if not np.isnan(one.gain))])
    rows = grid.compared
    blocks = [rows[start : start + _MOST_ROWS] for start in range(0, len(rows), _MOST_ROWS)]
    return [_heat_map(part, block, limit) for block in blocks for part in parts(grid)]


def _heat_map(grid: Grid, rows: list[str], limit: float) -> Figure:
    gains = np.array([[_gain(grid, name, column) for column in grid.columns] for name in rows])
    labels = [label(name) for name in rows]
    lines = sum(name.count("\n") + 1 for name in labels)
    scale = Normalize(-limit, limit)
    colours = ScalarMappable(scale, cmap=_LOSS_TO_GAIN)
    with style():
        size = (2.6 + 0.78 * len(grid.columns), 1.5 + 0.46 * len(rows) + 0.12 * (lines - len(rows)))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.pcolormesh(gains, cmap=_LOSS_TO_GAIN, norm=scale, edgecolors=PAPER, linewidth=1.2)
        _name_axes(axes, grid, labels)
        for y, name in enumerate(rows):
            for x, column in enumerate(grid.columns):
                _write_gain(axes, x, y, grid.numbers.get((name, column)), _is_dark(colours.to_rgba(gains[y, x])))
        _set_apart(axes, grid, rows)
        bar = figure.colorbar(colours, ax=axes, shrink=0.9, aspect=12, pad=0.02)
        bar.set_label("gain (points)")
        bar.outline.set_visible(False)
        assert bar.solids is not None
        bar.solids.set_rasterized(True)  # as vector graphics, its 256 strips would show seams
    return figure


def _name_axes(axes: Axes, grid: Grid, labels: list[str]) -> None:
    headings = [re.sub(r" |(?<=-)", "\n", heading(column)) for column in grid.columns]
    axes.set_xticks(np.arange(len(headings)) + 0.5, headings)
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.invert_yaxis()
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _set_apart(axes: Axes, grid: Grid, rows: list[str]) -> None:
    """Draws wide lines between languages and means, families and scripts, and before the mean of intermediates."""
    kinds = ["mean" if is_mean(column) else column.rpartition(":")[0] for column in grid.columns]
    for place, (before, after) in enumerate(pairwise(kinds), 1):
        if before != after:
            axes.axvline(place, color=PAPER, linewidth=5)
    if ANY in rows and len(rows) > 1:
        axes.axhline(rows.index(ANY), color=PAPER, linewidth=4)


def _gain(grid: Grid, row: str, column: str) -> float:
    number = grid.numbers.get((row, column))
    return float("nan") if number is None else number.gain


def _is_dark(colour: Sequence[float] | np.ndarray) -> bool:
    """Whether white text is easier to read on a colour (RGBA, 0 to 1) than black (relative luminance, WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return bool(np.dot(linear, (0.2126, 0.7152, 0.0722)) < 0.179)


def _write_gain(axes: Axes, x: int, y: int, number: Number | None, on_dark: bool) -> None:
    if number is None or np.isnan(number.gain):
        return
    weight = "bold" if number.verdict.is_sure else "normal"
    text = number.gain_text + (" •" if number.verdict.is_sure else "")
    colour = "#ffffff" if on_dark else "#101214"
    axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", color=colour, fontsize=9, fontweight=weight)
