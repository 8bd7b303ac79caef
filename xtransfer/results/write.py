"""Writes results. Each call is one transaction of upserts: after a kill, calling it again loses or doubles nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import DataError, IntegrityError

from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.base.stage import spelt_out
from xtransfer.results import provenance
from xtransfer.results.database import Database
from xtransfer.results.evidence import Evidence, evidence
from xtransfer.results.links import fill_baselines, unlink
from xtransfer.results.predictions import Predictions
from xtransfer.results.reference import add_languages
from xtransfer.results.schema import (
    BenchmarkRow,
    CellBenchmarkRow,
    CellMeanRow,
    CellRow,
    CellStageRow,
    CheckpointRow,
    EncoderRow,
    PlannedStageRow,
    PredictionRow,
    ScoreRow,
    StageRow,
    StudyCellRow,
    StudyRow,
    TranslationRow,
)
from xtransfer.results.upsert import Values, chunks, replace, upsert
from xtransfer.store import manifest as manifests
from xtransfer.study.stage_facts import Facts

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.store.manifest import Manifest
    from xtransfer.study.cells import Cell, Plan

    Intervals = Mapping[tuple[str, str], tuple[float, float]]  # language, metric → lower and upper end


def record_study(db: Database, plan: Plan, *, keep_others: bool = False) -> None:
    """Writes the study, its cells (`planned` if new) and the stages that it needs.

    Removes cells and needed stages that an earlier declaration of the study had; keeps recorded scores. With
    `keep_others` the plan is a part of the study, and only cells in the places of the plan's are removed.
    """
    study = plan.study
    definition = study.model_dump(mode="json")
    row = {
        "name": study.name,
        "question": study.question,
        "definition": definition,
        "digest": digest(definition),
        "updated_at": datetime.now(UTC),
    }
    stages = {stage.key: stage for stage in plan.stages}
    lineages = [(cell, _lineage(stages, cell.score)) for cell in plan.cells]
    encoders = {cell.encoder: provenance.encoder_row(cell.encoder, lineage) for cell, lineage in lineages}
    with db.begin() as connection:
        upsert(connection, StudyRow, [row], unless_equal=("digest",))
        upsert(connection, EncoderRow, list(encoders.values()))
        upsert(connection, CellRow, [_cell_row(*one) for one in lineages], keep=("status", "reason"))
        _link(connection, study.name, plan.cells, keep_others)
        _need(connection, study.name, _needed_keys(plan), keep_others)


def record_cell(db: Database, study_name: str, cell: Cell, store: ArtifactStore) -> str:
    """Writes the scores of a finished cell and the provenance of its stages; returns the cell's status.

    The status is `done`, or `degenerate` if a training failed to learn or all predictions are equal. Raises StoreError
    if an artifact is missing or has impossible scores, RequestError for an unknown study.
    """
    found = evidence(store, cell.score.key)
    if found is None:
        raise StoreError(f"{cell.slug}: no scores in the artifact store; run the study again")
    reason = found.degenerate
    row = {"status": "degenerate" if reason else "done", "reason": reason}
    intervals = _intervals(db, cell, found)
    try:
        with db.begin() as connection:
            _require_study(connection, study_name)
            _write_provenance(connection, cell, [artifact.manifest for artifact in found.artifacts], row)
            _add_link(connection, study_name, cell)
            _write_scores(connection, cell, found, intervals)
    except (IntegrityError, DataError) as error:
        raise StoreError(f"{cell.slug}: the database rejects its scores ({error.orig}); "
                         "remove the score artifact and run again") from error  # fmt: skip
    return row["status"]


def record_failure(db: Database, study_name: str, cell: Cell, reason: str) -> None:
    """Marks a cell as failed, unless it already has scores."""
    row = _cell_row(cell, [cell.score]) | {
        "status": "failed",
        "reason": reason.strip() or "unknown reason",
    }
    encoder = provenance.encoder_row(cell.encoder, [cell.score])
    with db.begin() as connection:
        _require_study(connection, study_name)
        upsert(connection, EncoderRow, [encoder], keep=tuple(encoder))
        upsert(connection, CellRow, [row], keep=tuple(row))
        connection.execute(
            update(CellRow)
            .where(CellRow.key == cell.key, CellRow.status.in_(("planned", "failed")))
            .values(status="failed", reason=row["reason"])
        )
        _add_link(connection, study_name, cell)


def _write_provenance(connection: Connection, cell: Cell, manifests: Sequence[Manifest], row: Values) -> None:
    """Writes the cell, the stages behind it, and what they made and read."""
    read = provenance.read_rows(cell, manifests)
    benchmarks = {one["benchmark"]: provenance.benchmark_row(one["benchmark"]) for one in read}
    upsert(connection, StageRow, [_stage_row(manifest) for manifest in manifests])
    upsert(connection, EncoderRow, [provenance.encoder_row(cell.encoder, manifests)])
    upsert(connection, CellRow, [_cell_row(cell, manifests) | row])
    upsert(connection, CheckpointRow, provenance.checkpoint_rows(cell, manifests))
    translations = provenance.translation_rows(cell, manifests)
    add_languages(connection, (one["language"] for one in translations))
    upsert(connection, TranslationRow, translations)
    upsert(connection, BenchmarkRow, list(benchmarks.values()))
    replace(connection, CellBenchmarkRow, {"cell": cell.key}, read)
    replace(connection, CellStageRow, {"cell": cell.key}, provenance.stage_rows(cell, manifests))


def _write_scores(connection: Connection, cell: Cell, found: Evidence, intervals: Intervals) -> None:
    """Writes scores, their means (unless the cell is degenerate), and the location of the predictions."""
    here = {"cell": cell.key}
    means = [] if found.degenerate else _mean_rows(cell, found)
    predictions = Predictions(found.artifacts[-1])
    scores = _score_rows(cell, found, intervals)
    add_languages(connection, (one["language"] for one in scores))
    changing = ("value", "n", "chance", "artifact", "low", "high")
    replace(connection, ScoreRow, here, scores, unless_equal=changing)
    replace(connection, CellMeanRow, here, means)
    replace(connection, PredictionRow, here, [predictions.row(cell.key)] if predictions.sha256 else [])


def _require_study(connection: Connection, name: str) -> None:
    if connection.scalar(select(StudyRow.name).where(StudyRow.name == name)) is None:
        raise RequestError(f"study '{name}' is not in the database; call record_study first")


def _link(connection: Connection, study: str, cells: Sequence[Cell], keep_others: bool) -> None:
    """Makes `cells` the cells of the study, and deletes planned cells that no study has any more."""
    columns = (CellRow.key, CellRow.encoder, CellRow.target, CellRow.seed, CellRow.intermediate)
    linked = select(*columns).join(StudyCellRow, StudyCellRow.cell == CellRow.key).where(StudyCellRow.study == study)
    old = {key: tuple(place) for key, *place in connection.execute(linked)}
    places = {(*_place(cell), cell.intermediate.slug) for cell in cells}
    gone = {key for key, place in old.items() if not keep_others or place in places}
    unlink(connection, study, gone.difference(cell.key for cell in cells))
    direct = {_place(cell): cell.key for cell in cells if not cell.intermediate.parts}
    rows: list[Values] = [
        {"study": study, "cell": cell.key, "baseline": direct.get(_place(cell)) if cell.intermediate.parts else None}
        for cell in cells
    ]
    upsert(connection, StudyCellRow, rows)
    if keep_others:
        fill_baselines(connection)


def _needed_keys(plan: Plan) -> set[str]:
    """Returns the keys of a plan's stages and of artifacts that it names by path, such as a checkpoint."""
    folders = {folder for stage in plan.stages for folder in stage.places.values()}
    found = (manifests.read(Path(folder)) for folder in folders)
    return {stage.key for stage in plan.stages} | {manifest.key for manifest in found if manifest}


def _need(connection: Connection, study: str, keys: set[str], keep_others: bool) -> None:
    """Makes `keys` the stages that the study needs."""
    here = PlannedStageRow.study == study
    old = set(connection.scalars(select(PlannedStageRow.stage).where(here)))
    for gone in () if keep_others else chunks(sorted(old - keys)):
        connection.execute(delete(PlannedStageRow).where(here, PlannedStageRow.stage.in_(gone)))
    upsert(connection, PlannedStageRow, [{"study": study, "stage": key} for key in sorted(keys - old)])


def _place(cell: Cell) -> tuple[str, str, int]:
    """Returns what a cell and its baseline have in common."""
    return cell.encoder, cell.target.slug, cell.seed


def _add_link(connection: Connection, study: str, cell: Cell) -> None:
    """Adds the cell to the study, if record_study did not."""
    row: Values = {"study": study, "cell": cell.key, "baseline": None}
    if cell.intermediate.parts:
        row["baseline"] = connection.scalar(
            select(CellRow.key)
            .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
            .where(StudyCellRow.study == study, CellRow.encoder == cell.encoder, CellRow.seed == cell.seed)
            .where(CellRow.target == cell.target.slug, CellRow.intermediate == "direct")
        )
    upsert(connection, StudyCellRow, [row], keep=("baseline",))


def _cell_row(cell: Cell, lineage: Sequence[Stage | Manifest]) -> Values:
    parts = cell.intermediate.all_parts
    pretrained = [stage.key for stage in lineage if stage.kind == "pretrain"]
    return {
        "key": cell.key,
        "encoder": cell.encoder,
        "encoder_revision": pretrained[0] if pretrained else cell.encoder.partition("@")[2],
        "intermediate": cell.intermediate.slug,
        "intermediate_language": "+".join(dict.fromkeys(part.language for part in parts)),
        "intermediate_engine": "+".join(dict.fromkeys(part.engine for part in parts if part.engine)),
        "target": cell.target.slug,
        "benchmark": cell.target.benchmark,
        "whole_test": cell.target.split == "test" and cell.target.score_rows is None,
        "seed": cell.seed,
        "score_stage": cell.score.key,
        "status": "planned",
        "reason": "",
    }


def _lineage(stages: Mapping[str, Stage], stage: Stage) -> list[Stage]:
    """Returns a stage and all that it depends on, inputs first."""
    found: dict[str, Stage] = {}
    for key in stage.inputs.values():
        found |= {one.key: one for one in _lineage(stages, stages[key])}
    return [*(found | {stage.key: stage}).values()]


def _stage_row(manifest: Manifest) -> Values:
    values = manifest.model_dump(mode="json", include={"facts", "packages"}) | {"settings": spelt_out(manifest)}
    names = ("key", "kind", "version", "name", "host", "device", "started", "seconds")
    energy = {"energy_joules": Facts.of(manifest.facts).energy_joules}
    return {name: getattr(manifest, name) for name in names} | values | energy


def _intervals(db: Database, cell: Cell, found: Evidence) -> Intervals:
    """Returns the interval of each main score, from the database if the predictions are unchanged."""
    predictions = Predictions(found.artifacts[-1])
    if predictions.sha256 is None:
        return {}
    with db.begin() as connection:
        known = connection.scalar(select(PredictionRow.sha256).where(PredictionRow.cell == cell.key))
        stored = select(ScoreRow.language, ScoreRow.metric, ScoreRow.low, ScoreRow.high)
        rows = connection.execute(stored.where(ScoreRow.cell == cell.key, ScoreRow.low.is_not(None))).all()
    if known == predictions.sha256:
        return {(row.language, row.metric): (row.low, row.high) for row in rows}
    ends = predictions.intervals()
    main = {score.language: score.metric for score in reversed(found.scores)}  # the first listed
    return {(language, main[language]): ends[language] for language in main if language in ends}


def _score_rows(cell: Cell, found: Evidence, intervals: Intervals) -> list[Values]:
    now = datetime.now(UTC)
    rows: list[Values] = []
    for score in found.scores:
        low, high = intervals.get((score.language, score.metric), (None, None))
        rows.append(
            {
                "cell": cell.key,
                "language": score.language,
                "split": score.split,
                "metric": score.metric,
                "value": score.value,
                "n": score.n,
                "low": low if low is None else min(low, score.value),  # rounding may place the value just outside
                "high": high if high is None else max(high, score.value),
                "chance": score.chance,
                "constant": score.constant,
                "artifact": cell.score.key,
                "recorded_at": now,
            }
        )
    return rows


def _mean_rows(cell: Cell, found: Evidence) -> list[Values]:
    values: dict[tuple[str, str], dict[str, float]] = {}
    for score in found.scores:
        values.setdefault((score.split, score.metric), {})[score.language] = score.value
    return [
        {
            "cell": cell.key,
            "split": split,
            "metric": metric,
            "target": cell.target.slug,
            "encoder": cell.encoder,
            "intermediate": cell.intermediate.slug,
            "value": fmean(by_language.values()),
            "unseen": fmean(unseen) if (unseen := [by_language[one] for one in by_language if one != "en"]) else None,
            "num_languages": len(by_language),
        }
        for (split, metric), by_language in values.items()
    ]
