"""Training losses over optimizer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xtransfer.report.plot_style import COLOURS, DASHES, style

Curve = Sequence[tuple[float, float]]  # step, loss
_MOST_POINTS = 80  # of a line; a longer one is averaged in blocks
_PANEL_COLUMNS = 3


def losses(curves: Mapping[str, Mapping[str, Sequence[Curve]]]) -> Figure:
    """Training loss over steps: a panel for each kind of training, a colour for each intermediate."""
    names = list(dict.fromkeys(name for panel in curves.values() for name in panel))
    looks = {
        name: {"color": COLOURS[n % len(COLOURS)], "linestyle": DASHES[n // len(COLOURS) % len(DASHES)]}
        for n, name in enumerate(names)
    }
    columns = min(_PANEL_COLUMNS, len(curves))
    lines = -(-len(curves) // columns)
    with style():
        legend = -(-len(names) // columns)
        figure = Figure(figsize=(0.6 + 3.9 * columns, 3.0 * lines + 0.4 + 0.2 * legend), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, (title, panel) in zip(panels, curves.items(), strict=False):
            axes.set_title(title.replace(":translate", "\n:translate"), fontsize=10)  # else wider than its panel
            axes.set_xlabel("optimizer step")
            axes.set_ylabel("training loss")
            for name, runs in panel.items():
                for run in runs:
                    axes.plot(*_thinned(run), linewidth=1, alpha=0.8, **looks[name])
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        handles = [Line2D([], [], label=name, **looks[name]) for name in names]
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)
    return figure


def _thinned(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Steps and losses, in means of blocks where there are many."""
    points = np.array(curve, dtype=float)
    blocks = np.array_split(points, min(len(points), _MOST_POINTS))
    means = np.array([block.mean(axis=0) for block in blocks])
    return means[:, 0], means[:, 1]
