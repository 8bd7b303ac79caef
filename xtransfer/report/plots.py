"""The plots. Colours can be told apart with any colour vision; text takes the colour of its page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xtransfer.analysis import ANY, DIRECT, OTHERS, UNSEEN
from xtransfer.report.tables import HEADINGS, Grid, Number

INK = "#1b1f24"  # on a page this becomes the text colour
# Okabe and Ito, "Color Universal Design", 2008, with a brown and a grey in place of yellow and black
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
_PANEL_COLUMNS = 4


@contextmanager
def _style() -> Iterator[None]:
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: Any = dict.fromkeys(inked, INK) | {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        yield


def heat_map(grid: Grid) -> Figure:
    """Gain over direct, intermediate × language; a dot marks intervals that exclude 0."""
    rows = [name for name in grid.rows if name != DIRECT]
    gains = np.array([[_gain(grid, name, column) for column in grid.columns] for name in rows])
    known = gains[~np.isnan(gains)]
    limit = max(float(np.abs(known).max(initial=0.0)), 1.0)
    with _style():
        figure = Figure(figsize=(2.6 + 0.78 * len(grid.columns), 1.5 + 0.46 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(gains, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
        headings = [HEADINGS.get(column, column).replace(" ", "\n") for column in grid.columns]
        axes.set_xticks(range(len(grid.columns)), headings)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
        axes.spines[:].set_visible(False)
        means = sum(column in HEADINGS for column in grid.columns)
        axes.axvline(len(grid.columns) - means - 0.5, color="white", linewidth=4)
        for line in range(1, len(rows)):
            axes.axhline(line - 0.5, color="white", linewidth=3 if rows[line] == ANY else 1)
        for y, name in enumerate(rows):
            for x, column in enumerate(grid.columns):
                _write_gain(axes, x, y, grid.numbers.get((name, column)), _is_dark(image.to_rgba(gains[y, x])))
        bar = figure.colorbar(image, ax=axes, shrink=0.9, aspect=12, pad=0.02)
        bar.set_label("gain (points)")
        bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _gain(grid: Grid, row: str, column: str) -> float:
    number = grid.numbers.get((row, column))
    return float("nan") if number is None else number.gain


def _is_dark(colour: Any) -> bool:
    """Whether white is easier to read on a colour than black (relative luminance, WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return bool(np.dot(linear, (0.2126, 0.7152, 0.0722)) < 0.179)


def _write_gain(axes: Axes, x: int, y: int, number: Number | None, on_dark: bool) -> None:
    if number is None or np.isnan(number.gain):
        return
    weight = "bold" if number.excludes_zero else "normal"
    text = number.gain_text + (" •" if number.excludes_zero else "")
    colour = "#ffffff" if on_dark else "#101214"
    axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=9, fontweight=weight)


def forest(grid: Grid) -> Figure:
    """Gains with their intervals: a panel for each language, the means first, intermediates down."""
    rows = [name for name in grid.rows if name != DIRECT][::-1]
    means = [column for column in (UNSEEN, OTHERS) if column in grid.columns]
    panels = means + [column for column in grid.columns if column not in means]
    columns = min(_PANEL_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    with _style():
        size = (2.2 + 2.15 * columns, 0.6 + lines * (0.85 + 0.27 * len(rows)))
        figure = Figure(figsize=size, layout="constrained")
        axes = np.atleast_1d(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)).ravel()
        for panel, column in zip(axes, panels, strict=False):
            _forest_panel(panel, grid, rows, column)
        for panel in axes[len(panels) :]:
            panel.set_visible(False)
        for panel in axes[max(len(panels) - columns, 0) : len(panels)]:
            panel.tick_params(labelbottom=True)
        figure.supxlabel("gain over direct (points), 95% interval; filled: excludes 0", fontsize=10)
    return figure


def _forest_panel(axes: Axes, grid: Grid, rows: Sequence[str], column: str) -> None:
    axes.set_title(HEADINGS.get(column, column), fontsize=10, fontweight="bold" if column in HEADINGS else "normal")
    axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="y", length=0)
    for y, name in enumerate(rows):
        number = grid.numbers.get((name, column))
        if number is None or np.isnan(number.gain):
            continue
        colour = _COLOURS[0] if number.gain >= 0 else _COLOURS[1]
        if not np.isnan(number.low):
            axes.plot([number.low, number.high], [y, y], color=colour, linewidth=2)
        fill = colour if number.excludes_zero else "none"
        marker = "D" if name == ANY else "o"
        axes.plot(number.gain, y, marker, markersize=6, color=colour, markerfacecolor=fill, markeredgewidth=1.6)


def losses(curves: Mapping[str, Mapping[str, Sequence[Sequence[tuple[float, float]]]]]) -> Figure:
    """Training loss over steps: a panel for each kind of training, a colour for each intermediate."""
    names = sorted({name for panel in curves.values() for name in panel})
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    with _style():
        figure = Figure(figsize=(1.2 + 4.2 * len(curves), 3.6), layout="constrained")
        panels = figure.subplots(1, len(curves), squeeze=False).ravel()
        for axes, (title, panel) in zip(panels, curves.items(), strict=True):
            axes.set_title(title, fontsize=10)
            axes.set_xlabel("optimizer step")
            axes.set_ylabel("training loss")
            for name, runs in panel.items():
                for run in runs:
                    axes.plot(*zip(*run, strict=True), color=colours[name], linewidth=1, alpha=0.8)
        handles = [mpl.lines.Line2D([], [], color=colours[name], label=name) for name in names]
        figure.legend(handles=handles, loc="outside lower center", ncols=2 * len(curves), fontsize=9)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG on white, for papers and slides."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure) -> str:
    """The figure as SVG; the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "xtransfer"}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None, "Creator": None, "Format": None})
    return buffer.getvalue()


def inline(figure: Figure, label: str, prefix: str) -> str:
    """SVG to stand inside a page: in the page's text colour, with ids of its own and a label."""
    text = svg(figure)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{prefix}-", text).replace("xlink:href", "href")
    text = text.replace(INK, "currentColor")
    width = float(figure.get_figwidth())
    style = f"width:{width:.2f}in;max-width:none;height:auto"
    opening = f'<svg role="img" aria-label="{escape(label)}" style="{style}" '
    text = re.sub(r'(<svg [^>]*?)width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg ", opening, 1)


def data_uri(image: bytes) -> str:
    """A PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
