"""Plots of large studies stay readable: their size, what stands in them, and that nothing overlaps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.report.large import LONG, grid
from xtransfer.analysis import BUT_EN, OTHERS
from xtransfer.report import plots
from xtransfer.report.plot_style import label
from xtransfer.report.tables import grids, is_mean, parts

PAGE_WIDTH = 16.0  # inches at type of 9 points: half its size on a printed page


def texts(figure: Figure) -> list[str]:
    return [one.get_text() for one in figure.findobj(Text) if isinstance(one, Text)]


def boxes(axes: Axes, labels: list[Any]) -> list[Any]:
    axes.figure.draw_without_rendering()
    return [one.get_window_extent() for one in labels if one.get_text()]


@pytest.mark.parametrize(("languages", "intermediates", "figures"), [(6, 3, 1), (15, 10, 2), (50, 12, 4), (50, 30, 8)])
def test_heat_maps_of_many_languages_are_split(languages: int, intermediates: int, figures: int) -> None:
    given = grid(languages, intermediates)
    drawn = plots.heat_maps(given)
    assert len(drawn) == figures
    assert all(one.get_figwidth() <= PAGE_WIDTH and one.get_figheight() <= 14 for one in drawn)
    headings = [label.get_text() for one in drawn for label in one.axes[0].get_xticklabels()]
    for code in given.columns[:-2]:
        assert headings.count(code) == -(-(intermediates + 1) // 24)
    gains = [
        number.gain_text for (row, column), number in given.numbers.items() if number.gain_text and not is_mean(column)
    ]
    written = [text.removesuffix(" •") for one in drawn for text in texts(one)]
    assert all(written.count(gain) >= gains.count(gain) for gain in set(gains) - {""})


def test_all_heat_maps_of_a_grid_have_one_scale_of_colours() -> None:
    scales = {one.axes[0].collections[0].get_clim() for one in plots.heat_maps(grid())}
    assert len(scales) == 1


def test_names_in_a_heat_map_do_not_touch() -> None:
    axes = plots.heat_maps(grid(50, 12, long_names=True))[0].axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        found = boxes(axes, labels)
        assert not any(one.overlaps(two) for one, two in itertools.pairwise(found))


def test_numbers_stay_in_their_fields() -> None:
    axes = plots.heat_maps(grid())[0].axes[0]
    axes.figure.draw_without_rendering()
    width = abs(np.diff(axes.transData.transform([(0, 0), (1, 1)])[:, 0])[0])
    assert all(one.get_window_extent().width < width for one in axes.texts)


def test_no_forest_is_taller_than_a_page() -> None:
    drawn = plots.forests(grid())
    assert len(drawn) > 1
    assert all(one.get_figheight() <= 11.7 for one in drawn)
    titles = [axes.get_title() for one in drawn for axes in one.axes if axes.get_visible()]
    assert titles[:2] == ["mean-but-en", "mean-others"] and len(titles) == len(set(titles)) == 52
    assert len({one.axes[0].get_xlim() for one in drawn}) == 1


def test_a_forest_shows_every_run_within_its_axis() -> None:
    given = grid(6, 3)
    row, column = given.rows[1], given.columns[1]
    runs = {(row, column): (-40.0, 1.0, 60.0), (row, "no language"): (500.0,)}
    (drawn,) = plots.forests(given, runs)
    (panel,) = [axes for axes in drawn.axes if axes.get_title() == column]
    dots = [line for line in panel.get_lines() if line.get_marker() == "." and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in dots] == [[-40.0, 1.0, 60.0]]
    low, high = panel.get_xlim()
    assert low < -40 and 60 < high < 100


def test_parts_repeat_the_means_and_lose_no_language() -> None:
    given = grid()
    split = parts(given)
    assert all(part.columns[-2:] == [BUT_EN, OTHERS] and len(part.columns) <= 16 for part in split)
    assert [code for part in split for code in part.columns[:-2]] == given.columns[:-2]
    assert parts(grid(6, 2))[0].columns == grid(6, 2).columns


def test_families_stand_before_scripts_and_apart_from_them() -> None:
    columns = ["script:Latin", "family:Turkic", "family:Indo-European", "script:Cyrillic"]
    row = {"encoder": "x@1", "target": "xnli", "value": 50.0, "low": 0.5, "high": 2.0, "verdict": "up", "family": 1,
           "covers": "seeds and items", "runs": "seeds", "n_runs": 3, "n_planned": 3,
           "n_seeds": 3, "n_items": 60, "n_encoders": 1, "degenerate": 0, "missing": 0}  # fmt: skip
    frame = pd.DataFrame([row | {"intermediate": "nli@de", "language": code, "gain": 1.0} for code in ["de", *columns]])
    (grouped,) = grids(frame, grouped=True)
    assert grouped.columns == ["family:Turkic", "family:Indo-European", "script:Latin", "script:Cyrillic"]
    axes = plots.heat_maps(grouped)[0].axes[0]
    names = [one.get_text() for one in axes.get_xticklabels()]
    assert names == ["Turkic", "Indo-\nEuropean", "Latin", "Cyrillic"]
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [2]
    assert not list(grids(frame[frame["language"] == "de"], grouped=True))


def test_long_names_are_broken_at_their_parts() -> None:
    lines = label(LONG).split("\n")
    assert "".join(lines) == LONG
    assert len(lines) > 1 and max(map(len, lines)) <= 30
    assert label("mnli@de") == "mnli@de"


def test_more_intermediates_than_colours_can_be_told_apart() -> None:
    names = [f"mnli@{number}" for number in range(12)]
    figure = plots.losses({"intermediate training": {name: [[(0, 1.0), (1, 0.5)]] for name in names}})
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()}
    assert len(looks) == 12


def test_long_curves_are_thinned_to_means_of_blocks() -> None:
    curve = [(float(step), float(step % 2)) for step in range(8000)]
    line = plots.losses({"target: xnli": {"direct": [curve]}}).axes[0].get_lines()[0]
    assert len(line.get_xdata()) == 80
    assert np.asarray(line.get_ydata()) == pytest.approx(0.5)
    assert np.asarray(line.get_xdata())[0] == pytest.approx(49.5)


def test_losses_of_any_size_are_drawn() -> None:
    for odd in ([1e308, -1e308], [float("inf"), float("nan")]):
        curve = [*enumerate([0.9, 0.8, *odd, 0.7])]
        figure = plots.losses({"target: xnli": {"direct": [curve]}})
        assert plots.png(figure).startswith(b"\x89PNG")
        drawn = figure.axes[0].get_lines()[0].get_ydata()
        assert np.nanmax(np.asarray(drawn, float)) == 0.9


def test_the_transfer_gap_shows_runs_and_their_mean() -> None:
    figure = plots.transfer_gap({"direct": [10.0, 14.0], "nli@de": [2.0, 3.0]})
    axes = figure.axes[0]
    assert [one.get_text() for one in axes.get_yticklabels()] == ["nli@de", "direct"]
    assert {"12.0", "2.5"} <= set(texts(figure))
    runs = [sorted(line.get_xdata()) for line in axes.get_lines() if line.get_marker() == "o"]
    assert runs == [[2.0, 3.0], [10.0, 14.0]]


def test_a_plot_in_a_page_takes_the_colours_of_the_page() -> None:
    figure = plots.heat_maps(grid(6, 3))[0]
    drawn = plots.svg(figure)
    inline = plots.inline(figure, drawn, "gains", "one")
    assert "#1b1f24" in drawn and "#1b1f24" not in inline
    assert "currentColor" in inline and "var(--page)" in inline
    assert "<text" in inline and "DejaVu Sans', Verdana, sans-serif" in inline


def test_a_pdf_is_lines_and_embedded_fonts_and_the_same_each_time() -> None:
    drawn = [plots.pdf(plots.forests(grid(6, 3))[0]) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert b"/FontFile2" in drawn[0] and b"/Subtype /Type3" not in drawn[0] and b"/Subtype /Image" not in drawn[0]
