"""What a run shows in Prefect: its report, answer, tables, plots, what it made, and translations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from xtransfer.base.declared import NAME
from xtransfer.base.digest import digest, file_digest
from xtransfer.base.errors import RequestError, XTransferError
from xtransfer.base.settings import current
from xtransfer.report import samples, translated
from xtransfer.report.files import slug
from xtransfer.report.findings import Findings, find
from xtransfer.report.page import PAGE, write_findings
from xtransfer.report.plots import data_uri, heat_maps, png
from xtransfer.report.tables import Grid, heading
from xtransfer.report.words import counted, duration
from xtransfer.results.database import open_database
from xtransfer.results.recorded import fingerprint
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.store.manifest import host

_MADE_FROM = ".made-from"  # beside the page: the results that it was written from, and what it was then
_IMAGE_DPI = 110  # on a screen; an artifact stays in Prefect's database for every run

Row = dict[str, Any]


@task(name="report", task_run_name="report {study}", cache_policy=NO_CACHE, persist_result=False)
def publish_report(study: str, ran: int) -> str:
    """Write the report of a recorded study to reports/STUDY below XTRANSFER_HOME; returns the page's path.

    `ran`: stages that this run has executed; the others were in the store. A report and artifacts that were made from
    the same results stay as they are. Raises RequestError for a name that no study can have, and for a study that is
    not recorded.
    """
    if not NAME.fullmatch(study):
        raise RequestError(f"'{study}' is no name of a study: its report would not be below {current().home}")
    places = current()
    store = ArtifactStore(places.store)
    folder = places.home / "reports" / study
    key = artifact_key(study)
    with open_database(places.database_url, read_only=True) as database:
        made_from = fingerprint(database, study)
        if not ran and (page := _up_to_date(folder, made_from)) and _is_there(f"{key}-answer"):
            get_run_logger().info("nothing has changed since the report %s", page)
            return str(page)
        found = find(study, database, store)
    page = write_findings(found, store, folder)
    create_markdown_artifact(answer(found, page), f"{key}-answer", f"What {study} says")
    create_table_artifact(summary(found, ran), f"{key}-summary", f"How the run of {study} went")
    create_table_artifact(cost(found), f"{key}-cost", f"Time of the stages of {study}, each counted once")
    create_table_artifact(gains(found), f"{key}-gains", f"Scores of {study}, and gains over direct in points")
    for one, shown in found.shown.items():
        rows = [{str(name): text for name, text in row.items()} for row in shown.to_dict("records")]
        create_table_artifact(rows, f"{key}-{one.name}", f"{study}: {one.title}. {one.lead}")
    for name, title, image, legend in images(found):
        # not as an image artifact: Prefect prints the address of those across the page, and this one is the image
        create_markdown_artifact(f"![{plain(title)}]({image})\n\n{plain(legend)}", f"{key}-{name}", title)
    show_samples(found, store, key, anew=ran > 0)
    (folder / _MADE_FROM).write_text(f"{made_from} {file_digest(page)}", encoding="utf-8")
    return str(page)


def _is_there(key: str) -> bool:
    """Whether Prefect has an artifact of that key. (`Artifact.get` sends nulls that the server may refuse.)"""
    asked = {"artifacts": {"key": {"any_": [key]}}, "limit": 1}
    with get_client(sync_client=True) as client:
        return bool(client.request("POST", "/artifacts/filter", json=asked).json())


def _up_to_date(folder: Path, made_from: str) -> Path | None:
    """The page in `folder`, where it was written from these results and is still as it was."""
    page = folder / PAGE
    try:
        same = (folder / _MADE_FROM).read_text(encoding="utf-8") == f"{made_from} {file_digest(page)}"
    except OSError:
        return None
    return page if same else None


def show_samples(found: Findings, store: ArtifactStore, key: str, anew: bool) -> None:
    """Some predictions and translations; those that an earlier run has left stay unless `anew`."""
    name = found.facts.name
    if not anew and _is_there(f"{key}-samples"):
        return
    if answers := samples.predictions(found.facts, store):
        create_table_artifact(answers, f"{key}-samples", f"Some answers of {name}: wrong ones, then right ones")
    if translated := samples.translations(found.facts, store):
        found_in = ("benchmark", "language", "engine")
        text = listed(translated, found_in, ("source", "translation"))
        create_markdown_artifact(text, f"{key}-translations", f"Some sentences that {name} translated")


def answer(found: Findings, page: Path) -> str:
    """Question and answer in Markdown, and where the report is."""
    facts = found.facts
    lines = [f"# {plain(facts.name)}", plain(facts.question)]
    for one in found.answers:
        said = [*one.first_training, *one.against_english]
        points = [f"- {plain(sentence.text)} {plain(sentence.note)}".rstrip() for sentence in said]
        lines += [f"## {plain(one.title)}", f"On the mean of {plain(one.mean)}.", "\n".join(points), plain(one.best)]
    if not found.answers:
        lines.append("No intermediate can be compared with direct" + (" yet." if facts.left_out else "."))
    if facts.left_out:
        lines.append(f"{counted(len(facts.left_out), 'cell')} of {len(facts.cells)} have no usable scores.")
    lines.append(f"Report on {plain(host())}: `{page}`")
    return "\n\n".join(filter(None, lines))


def summary(found: Findings, ran: int) -> list[Row]:
    facts = found.facts
    figures = {
        "cells": len(facts.cells),
        "cells with usable scores": len(facts.cells) - len(facts.left_out),
        "stages behind them": facts.cost.num_stages,
        "stages that this run executed": ran,
        "time of all stages": duration(facts.cost.seconds),
        "machines": ", ".join(facts.machines),
    }
    reasons = {f"{status}: {reason}": len(cells) for (status, reason), cells in facts.left_out_by_reason.items()}
    return [{"what": what, "how much": value} for what, value in (figures | reasons).items()]


def cost(found: Findings) -> list[Row]:
    return [
        {"kind of stage": one.kind, "stages": one.count, "seconds each": round(one.per_stage, 1),
         "seconds together": round(one.seconds, 1)}
        for one in found.facts.cost.kinds
    ]  # fmt: skip


def gains(found: Findings) -> list[Row]:
    """A row for each number of the report's tables; which encoder, where there are several."""
    several = len({grid.encoder for grid in found.headline}) > 1
    return [
        {
            "target": grid.target,
            **({"encoder": grid.encoder} if several else {}),
            "intermediate": name,
            "language": heading(column),
        }
        | _figures(grid, name, column)
        for grid in found.headline
        for name in grid.rows
        for column in grid.columns
        if (name, column) in grid.numbers
    ]


def _figures(grid: Grid, name: str, column: str) -> Row:
    number = grid.numbers[name, column]
    figures = {"score": number.value, "gain": number.gain, "low": number.low, "high": number.high}
    rounded = {what: _rounded(value, 1) for what, value in figures.items()}
    verdict = number.verdict
    return rounded | {"interval over": verdict.over, "verdict": verdict.reason or verdict.state}


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def images(found: Findings) -> Iterator[tuple[str, str, str, str]]:
    """Key, title, data URL and legend of every heat map."""
    for number, grid in enumerate(found.headline, 1):
        if len(grid.rows) < 2:
            continue
        for part, figure in enumerate(heat_maps(grid), 1):
            name = f"heat-map-{number}" + (f"-part-{part}" if part > 1 else "")
            yield name, f"Gains on {grid.title}", data_uri(png(figure, _IMAGE_DPI)), grid.legend("a dot")


def artifact_key(name: str) -> str:
    """A name as Prefect's keys allow it; names that would fall together keep a digest apart."""
    key = slug(name)
    return key if key == name else f"{key}-{digest(name)[:8]}"


def plain(text: str) -> str:
    """Text in which Markdown and HTML find nothing to do."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~&!" else sign for sign in text)


def listed(rows: Sequence[Mapping[str, Any]], heading: Sequence[str], texts: Sequence[str]) -> str:
    """Neighbouring rows that agree in the columns `heading` below one; of each its `texts`, one becoming the other."""
    lines: list[str] = []
    for names, group in itertools.groupby(rows, lambda row: tuple(str(row[name]) for name in heading)):
        lines.append(f"### {plain(' · '.join(names))}")
        lines += ["- " + "  \n  → ".join(plain(_one_line(row[name])) for name in texts if row[name]) for row in group]
    return "\n\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class Made:
    """One artifact that a run was asked for."""

    name: str
    key: str
    seconds: float  # of making it, then or now
    was_stored: bool
    facts: dict[str, Any]  # what the stage says of itself

    def row(self) -> dict[str, Any]:
        told = {name: value for name, value in self.facts.items() if isinstance(value, str | int | float | bool)}
        return {
            "artifact": self.name,
            "seconds": round(self.seconds, 1),
            "cached": "yes" if self.was_stored else "",
            **{name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()},
            "key": self.key,
        }


def publish_made(title: str, made: Sequence[Made]) -> None:
    """Show a table of what was made, under a key that is the same in every run of that title."""
    create_table_artifact([one.row() for one in made], artifact_key(title), f"Artifacts of {title}")


def publish_translations(title: str, made: Sequence[Artifact]) -> None:
    """Show what `report.translated` finds; sentences whose sources cannot be read any more are logged."""
    key = artifact_key(title)
    artifacts, round_trips = translated.parted(made)
    if artifacts:
        create_table_artifact(translated.quality(artifacts, round_trips), f"{key}-quality", f"How good {title} is")
    if drops := translated.drops(artifacts):
        create_table_artifact(drops, f"{key}-drops", f"Rows that {title} leaves out, by reason")
    if dropped := translated.dropped(artifacts):
        text = listed(dropped, ("language", "reason"), ("source", "output"))
        create_markdown_artifact(text, f"{key}-dropped", f"Some rows that {title} leaves out")
    try:
        sentences = translated.samples(artifacts)
    except XTransferError as error:
        get_run_logger().warning("no sentences of %s: %s", title, error)
        return
    text = listed(sentences, ("language",), ("source", "translation", "reference"))
    create_markdown_artifact(text, f"{key}-sentences", f"Some sentences of {title}, and people's where there are any")
