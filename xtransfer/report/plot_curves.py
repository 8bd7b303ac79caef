"""Plots training losses over optimizer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xtransfer.report.plot_style import COLOURS, DASHES, style

Curve = Sequence[tuple[float, float]]  # step, loss
_MOST_POINTS = 80  # per line; longer curves are averaged in blocks
_LARGEST = float(np.finfo(np.float32).max)
_PANEL_COLUMNS = 3


def losses(curves: Mapping[str, Mapping[str, Sequence[Curve]]]) -> Figure:
    """Returns a figure of training loss over steps: a panel per kind of training, a colour per intermediate."""
    names = list(dict.fromkeys(name for panel in curves.values() for name in panel))
    looks = {name: (COLOURS[n % len(COLOURS)], DASHES[n // len(COLOURS) % len(DASHES)]) for n, name in enumerate(names)}
    columns = min(_PANEL_COLUMNS, len(curves))
    lines = -(-len(curves) // columns)
    with style():
        legend = -(-len(names) // columns)
        figure = Figure(figsize=(0.6 + 3.9 * columns, 3.0 * lines + 0.4 + 0.2 * legend), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, (title, panel) in zip(panels, curves.items(), strict=False):
            axes.set_title(title.replace(":translate", "\n:translate"), fontsize=10)  # too wide for a panel otherwise
            axes.set_xlabel("optimizer step")
            axes.set_ylabel("training loss")
            for name, runs in panel.items():
                colour, dashes = looks[name]
                for run in runs:
                    axes.plot(*_thinned(run), linewidth=1, alpha=0.8, color=colour, linestyle=dashes)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        handles = [Line2D([], [], label=name, color=one, linestyle=two) for name, (one, two) in looks.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)
    return figure


def _thinned(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Returns steps and losses, averaged in blocks if there are many."""
    points = np.array(curve, dtype=float)
    points[np.abs(points) > _LARGEST] = np.nan  # an axis from -1e308 to 1e308 has no length
    blocks = np.array_split(points, min(len(points), _MOST_POINTS))
    means = np.array([block.mean(axis=0) for block in blocks])
    return means[:, 0], means[:, 1]
