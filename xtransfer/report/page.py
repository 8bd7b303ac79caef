"""One self-contained HTML page per study, with its plots and tables as files beside it."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from xtransfer import __version__
from xtransfer.analysis import Grid, contrasts, gains, study_points
from xtransfer.errors import RequestError
from xtransfer.languages import LANGUAGES
from xtransfer.report import plots, tables
from xtransfer.report.answer import answers
from xtransfer.report.provenance import curves, provenance
from xtransfer.results.database import Database
from xtransfer.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xtransfer.store.artifacts import ArtifactStore

PAGE = "report.html"


@dataclass(frozen=True)
class _Section:
    """One target on one encoder."""

    grid: tables.Grid
    heat_map: Markup | None
    forest: Markup | None


def write_report(study: Study | str, db: Database, store: ArtifactStore, out: Path) -> Path:
    """Writes report.html, plots (PNG and SVG) and tables (CSV) of a study to `out`; returns the page.

    Raises RequestError for a study that is not in the database, and for a folder that cannot be written.
    """
    name = study if isinstance(study, str) else study.name
    facts = provenance(db, name)
    results = Grid(study_points(db, name), store)
    gained, contrasted = gains(results, store), contrasts(results, store)
    shown = list(tables.grids(tables.headline(gained)))
    losses = curves(facts.cells, store)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "gains.csv", tables.csv(gained))
        _write(out / "contrasts.csv", tables.csv(contrasted))
        page = _template().render(
            facts=facts,
            answers=answers(tables.headline(gained), tables.headline(contrasted)),
            sections=[_section(grid, number, out) for number, grid in enumerate(shown, 1)],
            details=[grid for grid in tables.grids(gained) if grid.encoder not in {one.encoder for one in shown}],
            losses=_figure(plots.losses(losses), out, "losses", "training loss over steps") if losses else None,
            headings=tables.HEADINGS,
            languages=LANGUAGES,
            version=__version__,
        )
        return _write(out / PAGE, page)
    except OSError as error:
        reason = f"the report cannot be written ({error.strerror}); name another folder"
        raise RequestError(f"{out}: {reason}") from error


def _section(grid: tables.Grid, number: int, out: Path) -> _Section:
    slug = f"{number}-" + re.sub(r"[^a-z0-9]+", "-", grid.title.lower()).strip("-")
    if len(grid.rows) < 2:  # the baseline alone has no gains to draw
        return _Section(grid, None, None)
    by_language = f"gains on {grid.title}, intermediate by language"
    with_intervals = f"gains on {grid.title} with 95% intervals"
    return _Section(
        grid,
        _figure(plots.heat_map(grid), out, f"heat-map-{slug}", by_language),
        _figure(plots.forest(grid), out, f"forest-{slug}", with_intervals),
    )


def _figure(figure: Figure, out: Path, name: str, label: str) -> Markup:
    _write(out / f"{name}.png", plots.png(figure))
    _write(out / f"{name}.svg", plots.svg(figure))
    return Markup(plots.inline(figure, label, name))  # noqa: S704, made by matplotlib, the label is escaped


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("xtransfer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    return environment.get_template("page.html.j2")


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _write(file: Path, content: str | bytes) -> Path:
    """Writes whole or not at all: readers see the old file until the new one is there."""
    data: Any = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return file
