"""A plot of gains, which a notebook shows and `save` writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from xtransfer.base.errors import RequestError
from xtransfer.report import plots
from xtransfer.report.files import write, writing_to
from xtransfer.report.tables import Grid, grids, headline
from xtransfer.running.notebook import image, joined

_SCREEN_DPI = 110
_FORMATS: dict[str, Callable[[Figure], str | bytes]] = {".png": plots.png, ".svg": plots.svg, ".pdf": plots.pdf}


@dataclass(frozen=True, repr=False)
class GainsPlot:
    """The gains of one target on one encoder: one figure, or several with one scale if it has many rows or columns."""

    title: str
    figures: tuple[Figure, ...]  # of matplotlib, not known to pyplot

    def save(self, file: str | Path) -> list[Path]:
        """Writes `file` (.png, .svg or .pdf), with several figures `NAME-2.png` and so on; returns the files.

        Raises RequestError for another suffix, or a folder that cannot be written.
        """
        place = Path(file)
        if place.suffix not in _FORMATS:
            raise RequestError(f"{place}: a plot is written as .png, .svg or .pdf; name such a file")
        names = [place, *(place.with_stem(f"{place.stem}-{number}") for number in range(2, len(self.figures) + 1))]
        with writing_to(place.parent):
            return [write(name, _FORMATS[place.suffix](one)) for name, one in zip(names, self.figures, strict=True)]

    def _repr_html_(self) -> str:
        return joined(image(plots.png(one, _SCREEN_DPI), self.title, one.get_figwidth()) for one in self.figures)

    def __repr__(self) -> str:
        return f"<GainsPlot: {self.title}>"


def gains_plot(gains: pd.DataFrame, *, intervals: bool, encoder_named: bool) -> GainsPlot:
    """Returns the heat map of a frame of gains, or with `intervals` the gains with their 95% intervals.

    Raises RequestError if the frame has several targets or encoders, or nothing to compare.
    """
    found = list(grids(gains if encoder_named else headline(gains)))
    _demand_one("target", [one.target for one in found])
    _demand_one("encoder", [one.encoder for one in found])
    (grid,) = found
    figures = tuple(plots.forests(grid) if intervals else plots.heat_maps(grid))
    if not figures:
        raise RequestError(f"{grid.title}: no plot, because {grid.legend('bold')}")
    return GainsPlot(_title(grid), figures)


def _title(grid: Grid) -> str:
    return f"gain over direct, {grid.title}"


def _demand_one(what: str, names: list[str]) -> None:
    distinct = list(dict.fromkeys(names))
    if not distinct:
        raise RequestError("nothing to plot: no cell has usable scores; `left_out` says why")
    if len(distinct) > 1:
        raise RequestError(f"a plot shows one {what}: give {what}=, one of {', '.join(distinct)}")
