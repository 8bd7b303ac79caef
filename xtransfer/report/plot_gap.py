"""Plots the transfer gap: how far the other languages are behind English, per intermediate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from xtransfer.report.plot_style import COLOURS, INK, label, style


def transfer_gap(gaps: Mapping[str, Sequence[float]]) -> Figure:
    """Returns a figure of the gaps in points: a ring per run, a bar and a number for the mean over runs.

    `gaps`: intermediate → one gap per run, in the order of the plot from the top.
    """
    names = [*gaps][::-1]
    with style():
        figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
        for y, name in enumerate(names):
            mean = float(np.mean(gaps[name]))
            axes.plot(gaps[name], [y] * len(gaps[name]), "o", color=COLOURS[0], markerfacecolor="none", markersize=5)
            axes.plot([mean, mean], [y - 0.32, y + 0.32], color=COLOURS[1], linewidth=3)
            axes.annotate(f"{mean:.1f}", (1, y), xycoords=("axes fraction", "data"), xytext=(6, 0),
                          textcoords="offset points", va="center", fontsize=9)  # fmt: skip
        axes.set_yticks(range(len(names)), [label(name) for name in names])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("English minus mean-but-en, the mean of all other languages (points)")
    return figure
