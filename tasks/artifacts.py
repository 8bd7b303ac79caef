"""Prefect artifacts of a run: report, answer, tables, plots, artifacts made, translations."""

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
from xtransfer.base.printable import in_markdown
from xtransfer.base.settings import current
from xtransfer.base.words import counted, duration
from xtransfer.report import samples, translated
from xtransfer.report.files import slug
from xtransfer.report.findings import Findings, find
from xtransfer.report.page import PAGE, write_findings
from xtransfer.report.plots import data_uri, heat_maps, png
from xtransfer.report.tables import Grid, heading
from xtransfer.results.database import open_database
from xtransfer.results.recorded import fingerprint
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.store.manifest import host

_MADE_FROM = ".made-from"  # beside the page: digests of the results and of the page written from them
_IMAGE_DPI = 110  # enough for a screen; Prefect's database keeps the artifact of every run

Row = dict[str, object]


@task(name="report", task_run_name="report {study}", cache_policy=NO_CACHE, persist_result=False)
def publish_report(study: str, ran: int) -> str:
    """Write the report of a recorded study to reports/STUDY below XTRANSFER_HOME; returns the page's path.

    `ran`: number of stages this run executed; the others were in the store. A report made from the same results is left
    unchanged, and of its artifacts only the answer is published again. Raises RequestError for an invalid study name,
    and for a study that is not recorded.
    """
    if not NAME.fullmatch(study):
        raise RequestError(f"'{study}' is not a valid study name: its report would be outside {current().home}")
    places = current()
    store = ArtifactStore(places.store)
    folder = places.home / "reports" / study
    key = artifact_key(study)
    with open_database(places.database_url, read_only=True) as database:
        made_from = fingerprint(database, study)
        if not ran and (page := _up_to_date(folder, made_from)) and (said := _latest(f"{key}-answer")):
            get_run_logger().info("nothing has changed since this report: %s", page)
            create_markdown_artifact(said["data"], f"{key}-answer", said["description"])  # for who opens this run
            return str(page)
        found = find(study, database, store)
    page = write_findings(found, store, folder)
    create_markdown_artifact(answer(found, page), f"{key}-answer", f"What {study} says")
    create_table_artifact(summary(found, ran), f"{key}-summary", f"Summary of the run of {study}")
    create_table_artifact(cost(found), f"{key}-cost", f"Time by kind of stage of {study}; each stage is counted once")
    create_table_artifact(gains(found), f"{key}-gains", f"Scores of {study}, and gains over direct in points")
    for one, shown in found.shown.items():
        rows = [{str(name): text for name, text in row.items()} for row in shown.to_dict("records")]
        create_table_artifact(rows, f"{key}-{one.name}", f"{study}: {one.title}. {one.lead}")
    for name, title, image, legend in images(found):
        # not an image artifact: Prefect prints its URL across the page, and this URL is the whole image
        create_markdown_artifact(f"![{in_markdown(title)}]({image})\n\n{in_markdown(legend)}", f"{key}-{name}", title)
    show_samples(found, store, key, anew=ran > 0)
    (folder / _MADE_FROM).write_text(f"{made_from} {file_digest(page)}", encoding="utf-8")
    return str(page)


def _latest(key: str) -> dict[str, Any] | None:
    """The newest artifact with a key, if Prefect has one. (`Artifact.get` sends nulls that the server may refuse.)"""
    asked = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
    with get_client(sync_client=True) as client:
        return next(iter(client.request("POST", "/artifacts/filter", json=asked).json()), None)


def _up_to_date(folder: Path, made_from: str) -> Path | None:
    """The page in `folder` if it was written from these results and has not changed since; else None."""
    page = folder / PAGE
    try:
        same = (folder / _MADE_FROM).read_text(encoding="utf-8") == f"{made_from} {file_digest(page)}"
    except OSError:
        return None
    return page if same else None


def show_samples(found: Findings, store: ArtifactStore, key: str, anew: bool) -> None:
    """Publish some predictions and translations; those of an earlier run are kept unless `anew`."""
    name = found.facts.name
    if not anew and _latest(f"{key}-samples"):
        return
    if answers := samples.predictions(found.facts, store):
        create_table_artifact(answers, f"{key}-samples", f"Sample answers of {name}: wrong ones first")
    if translated := samples.translations(found.facts, store):
        found_in = ("benchmark", "language", "engine")
        text = listed(translated, found_in, ("source", "translation"))
        create_markdown_artifact(text, f"{key}-translations", f"Sample sentences that {name} translated")


def answer(found: Findings, page: Path) -> str:
    """Question, answer and the report's path, in Markdown."""
    facts = found.facts
    lines = [f"# {in_markdown(facts.name)}", in_markdown(facts.question), in_markdown(found.rounds)]
    if found.overall is not None and len(found.answers) > 1:
        lines.append(f"**{in_markdown(found.overall.text)}** {in_markdown(found.overall.note)}")
    for one in found.answers:
        said = [*one.first_training, *one.against_english]
        points = [f"- {in_markdown(sentence.text)} {in_markdown(sentence.note)}".rstrip() for sentence in said]
        lines += [
            f"## {in_markdown(one.title)}",
            f"On {in_markdown(one.mean)}.",
            "\n".join(points),
            in_markdown(one.best),
        ]
    lines.append(in_markdown(found.no_answer))
    if facts.left_out:
        lines.append(f"Without usable scores: {len(facts.left_out)} of {counted(len(facts.cells), 'cell')}.")
    lines.append(f"Report on {in_markdown(host())}: `{page}`")
    return "\n\n".join(filter(None, lines))


def summary(found: Findings, ran: int) -> list[Row]:
    facts = found.facts
    figures = {
        "cells": len(facts.cells),
        "cells with usable scores": len(facts.cells) - len(facts.left_out),
        "stages behind them": facts.cost.num_stages,
        "stages executed by this run": ran,
        "time of all stages": duration(facts.cost.seconds),
        "machines": ", ".join(facts.machines),
    }
    reasons = {f"{status}: {reason}": len(cells) for (status, reason), cells in facts.left_out_by_reason.items()}
    return [{"what": what, "how much": value} for what, value in (figures | reasons).items()]


def cost(found: Findings) -> list[Row]:
    return [
        {"kind of stage": one.kind, "stages": one.count, "seconds each": round(one.per_stage, 1),
         "seconds in total": round(one.seconds, 1)}
        for one in found.facts.cost.kinds
    ]  # fmt: skip


def gains(found: Findings) -> list[Row]:
    """A row for each number of the report's tables, with the encoder if there are several."""
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
    """A name in the characters that Prefect allows in keys; a digest keeps apart names that would collide."""
    key = slug(name)
    return key if key == name else f"{key}-{digest(name)[:8]}"


def listed(rows: Sequence[Mapping[str, object]], heading: Sequence[str], texts: Sequence[str]) -> str:
    """Rows as a Markdown list, grouped under a heading of the columns `heading`; each row shows its `texts`."""
    lines: list[str] = []
    for names, group in itertools.groupby(rows, lambda row: tuple(str(row[name]) for name in heading)):
        lines.append(f"### {in_markdown(' · '.join(names))}")
        lines += [
            "- " + "  \n  → ".join(in_markdown(_one_line(row[name])) for name in texts if row[name]) for row in group
        ]
    return "\n\n".join(lines)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


@dataclass(frozen=True)
class Made:
    """One requested artifact of a run."""

    name: str
    key: str
    seconds: float  # spent making it, in this run or an earlier one
    was_stored: bool
    facts: Row  # the stage's own, as in its manifest

    def row(self) -> Row:
        shown = {name: value for name, value in self.facts.items() if isinstance(value, str | int | float | bool)}
        return {
            "artifact": self.name,
            "seconds": round(self.seconds, 1),
            "cached": "yes" if self.was_stored else "",
            **{name: round(value, 3) if isinstance(value, float) else value for name, value in shown.items()},
            "key": self.key,
        }


def publish_made(title: str, made: Sequence[Made]) -> None:
    """Publish a table of what was made, under a key that is the same for every run with this title."""
    create_table_artifact([one.row() for one in made], artifact_key(title), f"Artifacts of {title}")


def publish_translations(title: str, made: Sequence[Artifact]) -> None:
    """Publish the quality, dropped rows and sample sentences of translations; logs if sources can no longer be read."""
    key = artifact_key(title)
    artifacts, round_trips = translated.parted(made)
    if artifacts:
        create_table_artifact(
            translated.quality(artifacts, round_trips), f"{key}-quality", f"Translation quality of {title}"
        )
    if drops := translated.drops(artifacts):
        create_table_artifact(drops, f"{key}-drops", f"Rows dropped from {title}, by reason")
    if dropped := translated.dropped(artifacts):
        text = listed(dropped, ("language", "reason"), ("source", "output"))
        create_markdown_artifact(text, f"{key}-dropped", f"Sample rows dropped from {title}")
    try:
        sentences = translated.samples(artifacts)
    except XTransferError as error:
        get_run_logger().warning("no sample sentences of %s: %s", title, error)
        return
    text = listed(sentences, ("language",), ("source", "translation", "reference"))
    create_markdown_artifact(text, f"{key}-sentences", f"Sample sentences of {title}")
