"""Writes the report of a study: one self-contained HTML page, with plots and tables as files beside it."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from xtransfer.analysis import ANY, FAMILY, is_language, texts
from xtransfer.analysis.measures import table
from xtransfer.analysis.statistic import signed
from xtransfer.base.languages import LANGUAGES
from xtransfer.base.version import __version__
from xtransfer.base.words import counted, duration, listed
from xtransfer.report import latex, plots, tables
from xtransfer.report.curves import curves
from xtransfer.report.downloads import csv_link, file_link, with_csv_links
from xtransfer.report.files import slug, write, writing_to
from xtransfer.report.findings import Certain, Findings, find
from xtransfer.report.methods import methods
from xtransfer.report.names import whole_names
from xtransfer.report.summary import Axis
from xtransfer.report.translated import drops_of_study
from xtransfer.results.database import Database
from xtransfer.results.schema import StageRow
from xtransfer.study.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xtransfer.store.artifacts import ArtifactStore

PAGE = "report.html"
_STAGES_SHOWN = 500  # stages.csv has all


class _Figure(NamedTuple):
    """A plot of the page, and the name of its files beside the page, without extension."""

    svg: Markup
    name: str


@dataclass(frozen=True)
class _Section:
    """What the page shows of one target on one encoder."""

    anchor: str
    grid: tables.Grid
    certain: Certain
    heat_maps: list[_Figure] = field(default_factory=list)
    forests: list[_Figure] = field(default_factory=list)
    grouped: tables.Grid | None = None
    groups: list[_Figure] = field(default_factory=list)
    gap: _Figure | None = None


def write_report(study: Study | str, db: Database, store: ArtifactStore, out: Path) -> Path:
    """Writes report.html, plots (PNG, PDF and SVG) and tables (CSV and LaTeX) of a study to `out`; returns the page.

    Raises RequestError if the study is not in the database or the folder cannot be written.
    """
    return write_findings(find(study if isinstance(study, str) else study.name, db, store), store, out)


def write_findings(found: Findings, store: ArtifactStore, out: Path) -> Path:
    """As `write_report`, for findings that are already computed."""
    with writing_to(out):
        return _Writer(out).report(found, store)


class _Writer:
    """Writes the files of a report and returns what the page embeds of them."""

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.out = out

    def report(self, found: Findings, store: ArtifactStore) -> Path:
        facts, losses, text = found.facts, curves(found.facts), methods(found.facts, found.verdicts)
        sections = [self.section(found, grid, number) for number, grid in enumerate(found.headline, 1)]
        stages = _stage_table(facts.stages)
        frames = found.frames
        self.tables(frames | {"stages": stages})
        write(self.out / "methods.tex", text.latex)
        write(self.out / "references.bib", text.bibtex)
        page = _template().render(
            found=found,
            facts=facts,
            sections=sections,
            **_overview(found, sections),
            summary_csv=csv_link(frames["summary"], "summary"),
            losses=self.figures([plots.losses(losses)], "losses", "training loss over optimizer steps")
            if losses
            else [],
            stages=stages.head(_STAGES_SHOWN).to_dict("records"),
            methods=text,
            spaces=table(found.measures) if len(found.measures) else None,
            drops=drops_of_study([one for one, _ in facts.translations], store),
            statistics=found.shown,
            latex_tables=list(self.latex_tables(found)),
            languages=LANGUAGES,
            version=__version__,
            **_script(),
        )
        return write(self.out / PAGE, whole_names(with_csv_links(page)))

    def section(self, found: Findings, grid: tables.Grid, number: int) -> _Section:
        name = f"{number}-{slug(grid.title)}"
        anchor = f"target-{number}"
        gap, certain = self.gap(found, grid, name), found.certain(grid)
        if len(grid.rows) < 2:  # the baseline alone has no gains to draw
            return _Section(anchor, grid, certain, gap=gap)
        by_language = f"gains on {grid.title}, intermediate by language"
        with_intervals = f"gains on {grid.title} with 95% intervals"
        grouped = found.grouped(grid)
        groups = plots.heat_maps(grouped) if grouped else []
        grouped = grouped if groups else None
        return _Section(
            anchor,
            grid,
            certain,
            self.figures(plots.heat_maps(grid), f"heat-map-{name}", by_language),
            self.figures(plots.forests(grid, _runs_of(grid, found)), f"forest-{name}", with_intervals),
            grouped,
            self.figures(groups, f"groups-{name}", f"gains on {grid.title} by family and script"),
            gap,
        )

    def gap(self, found: Findings, grid: tables.Grid, name: str) -> _Figure | None:
        gaps = found.gaps.get((grid.target, grid.encoder), {})
        ordered = {row: gaps[row] for row in grid.rows if row in gaps}
        if not ordered:
            return None
        return self.figures([plots.transfer_gap(ordered)], f"gap-{name}", f"transfer gap on {grid.title}")[0]

    def figures(self, figures: Sequence[Figure], name: str, label: str) -> list[_Figure]:
        """Writes each figure as PNG, PDF and SVG; returns them as parts of the page."""
        return [
            self.figure(one, f"{name}-{part}" if len(figures) > 1 else name, f"{label}, part {part} of {len(figures)}"
                        if len(figures) > 1 else label)
            for part, one in enumerate(figures, 1)
        ]  # fmt: skip

    def figure(self, figure: Figure, name: str, label: str) -> _Figure:
        write(self.out / f"{name}.png", plots.png(figure))
        write(self.out / f"{name}.pdf", plots.pdf(figure))
        drawn = plots.svg(figure)
        write(self.out / f"{name}.svg", drawn)
        inline = Markup(plots.inline(figure, drawn, label, name))  # noqa: S704, by matplotlib, the label is escaped
        return _Figure(inline, name)

    def tables(self, frames: dict[str, pd.DataFrame]) -> None:
        for name, frame in frames.items():
            write(self.out / f"{name}.csv", texts.csv(frame, float_format="%.4f"))

    def latex_tables(self, found: Findings) -> Iterator[tuple[str, str]]:
        """Writes every LaTeX table to tables/; yields its file name and text."""
        made = {f"gains-{n}-{slug(grid.title)}": latex.gains_table(grid) for n, grid in enumerate(found.headline, 1)}
        for number, model in enumerate(found.models, 1):
            if model.is_fitted:
                made[f"model-{number}-{slug(model.target)}"] = latex.model_table(model)
        for one, shown in found.shown.items():
            made[one.file_name] = texts.latex(shown, one.lead.replace("`", ""), f"tab:{one.name}") + "\n"
        for name, text in made.items():
            write(self.out / "tables" / f"{name}.tex", text)
            yield f"{name}.tex", text


def _stage_table(stages: Sequence[StageRow]) -> pd.DataFrame:
    names = ["key", "kind", "name", "version", "host", "device", "started", "seconds"]
    return pd.DataFrame([[getattr(stage, name) for name in names] for stage in stages], columns=names)


def _runs_of(grid: tables.Grid, found: Findings) -> dict[tuple[str, str], tuple[float, ...]]:
    """Returns the gain in every run, by row and column of a grid."""
    place = (grid.target, grid.encoder)
    return {(row, column): runs for (*where, row, column), runs in found.runs.items() if tuple(where) == place}


def _overview(found: Findings, sections: Sequence[_Section]) -> dict[str, object]:
    """Returns what the summary and the filters show besides the findings."""
    lines = [one for one in found.summary if one.estimates]
    shown = [one for line in lines for one in line.estimates]
    codes = dict.fromkeys(code for grid in found.headline for code in grid.columns if is_language(code))
    runs = {one.number.verdict.run for one in shown}
    return {
        "axis": Axis.of(lines) if lines else None,
        "anchors": {(one.grid.target, one.grid.encoder): one.anchor for one in sections},
        "several_encoders": len({line.encoder for line in found.summary}) > 1,
        "any_name": ANY,
        "together": any(one.number.verdict.together for one in shown),
        "run_word": runs.pop() if len(runs) == 1 else "run",
        "defined": texts.definitions([name for one in shown for name in (one.intermediate, one.mean)]),
        "filters": {
            "targets": [*dict.fromkeys(line.target for line in found.summary)],
            "languages": [*codes],
            "families": sorted({LANGUAGES[code].family for code in codes if code in LANGUAGES}),
        },
    }


def _script() -> dict[str, str]:
    """Returns the page's script, and its digest, by which the page's security policy allows it and no other."""
    text = (resources.files("xtransfer.report") / "templates" / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return {"script": Markup(text), "script_hash": f"sha256-{digest}"}  # noqa: S704, a file of this package


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("xtransfer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "counted": counted,
        "listed": listed,
        "shell": shlex.quote,
        "heading": tables.heading,
        "parts": tables.parts,
        "signed": signed,
        "definitions": texts.definitions,
        "file_link": file_link,
    }
    environment.globals["csv_link"] = csv_link
    environment.tests |= {
        "mean": tables.is_mean,
        "language": is_language,
        "family": lambda column: column.startswith(FAMILY),
    }
    return environment.get_template("page.html.j2")
