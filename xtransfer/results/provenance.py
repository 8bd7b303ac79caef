"""Provenance rows of a cell: its encoder, checkpoints, benchmarks and translations, from the stages behind it.

Stages are those of a plan or the manifests of artifacts, inputs first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.base.stage import FolderModel, HubModel, Made, ModelSource
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.results.roles import INTERMEDIATE, Role, roles
from xtransfer.results.upsert import Values
from xtransfer.study.stage_facts import TrainFacts, TranslateFacts
from xtransfer.study.stage_settings import (
    ConvertSettings,
    PretrainSettings,
    ScoreSettings,
    TrainPart,
    TrainSettings,
    TranslateSettings,
    UnpackSettings,
)

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.store.manifest import Manifest
    from xtransfer.study.cells import Cell

    Stages = Sequence[Stage | Manifest]


def encoder_row(name: str, stages: Stages) -> Values:
    """Returns the encoder's row, from the first stage that reads it; source `unknown` if none does."""
    short, _, pin = name.rpartition("@") if "@" in name else (name, "", "")
    if any(stage.kind == PretrainSettings.kind for stage in stages):
        return {"name": name, "source": "trained-here", "id": short, "revision": pin}
    for stage in stages:
        if unpacked := UnpackSettings.of(stage):
            return {"name": name, "source": "package", "id": unpacked.package, "revision": unpacked.digest}
        if training := TrainSettings.of(stage):
            read: ModelSource | None = training.start
        else:
            scoring = ScoreSettings.of(stage)
            read = scoring.checkpoint if scoring else None
        if isinstance(read, HubModel):
            return {"name": name, "source": "hub", "id": read.id, "revision": read.revision}
        if isinstance(read, FolderModel):
            return {"name": name, "source": "folder", "id": short, "revision": read.digest}
    return {"name": name, "source": "unknown", "id": short, "revision": pin}


def stage_rows(cell: Cell, stages: Stages) -> list[Values]:
    """Returns the role of each stage in the cell (the table `cell_stage`)."""
    return [
        {"cell": cell.key, "stage": key, "role": role.name, "phase": role.phase, "language": role.language}
        for key, role in _roles(cell, stages).items()
    ]


def checkpoint_rows(cell: Cell, stages: Stages) -> list[Values]:
    """Returns a row for every checkpoint of the cell's encoder, parents first."""
    found = _roles(cell, stages)
    rows: list[Values] = []
    for stage in stages:
        settings = PretrainSettings.of(stage) or TrainSettings.of(stage)
        if settings is None:
            continue
        if isinstance(settings, PretrainSettings):
            trained_on, parent = settings.corpus.name, None
        else:
            trained_on = _trained_on(cell, settings, found[stage.key])
            start = settings.start.key if isinstance(settings.start, Made) else None
            parent = start if any(row["stage"] == start for row in rows) else None
        rows.append(
            {
                "stage": stage.key,
                "encoder": cell.encoder,
                "trained_on": trained_on,
                "seed": settings.seed,
                "steps": TrainFacts.of(getattr(stage, "facts", {})).steps,
                "parent": parent,
            }
        )
    return rows


def translation_rows(cell: Cell, stages: Stages) -> list[Values]:
    """Returns a row for every translation that the cell was trained or scored on."""
    by_key = {stage.key: stage for stage in stages}
    rows = []
    for stage in stages:
        if (settings := TranslateSettings.of(stage)) is not None:
            facts = TranslateFacts.of(getattr(stage, "facts", {}))
            engine = _unconverted(settings.engine, by_key)
            rows.append(
                {
                    "stage": stage.key,
                    "benchmark": settings.benchmark,
                    "language": settings.language,
                    "engine": _engine(cell, stages, stage.key) or (engine.id if isinstance(engine, HubModel) else ""),
                    "engine_revision": _revision(engine),
                    "num_rows": facts.rows,
                    "kept": facts.kept,
                    "dropped": facts.rows - facts.kept,
                    "compared": facts.compared,
                    "chrf": facts.chrf,
                    "exact_match": facts.exact_match,
                    "bleu": facts.bleu,
                }
            )
    return rows


def _unconverted(engine: ModelSource | None, by_key: Mapping[str, Stage | Manifest]) -> ModelSource | None:
    """Returns the original model if the engine is a converted one, otherwise the engine."""
    made = by_key.get(engine.key) if isinstance(engine, Made) else None
    conversion = ConvertSettings.of(made) if made is not None else None
    return conversion.engine if conversion is not None else engine


def _revision(model: ModelSource | None) -> str:
    match model:
        case HubModel():
            return model.revision
        case FolderModel():
            return model.digest
        case Made():
            return model.key
    return ""


def read_rows(cell: Cell, stages: Stages) -> list[Values]:
    """Returns what the cell read: a row per role, benchmark and languages (the table `cell_benchmark`)."""
    by_key = {stage.key: stage for stage in stages}
    found = _roles(cell, stages)
    rows: dict[tuple[str, ...], Values] = {}
    for stage in stages:
        for row in _read_by(cell, stage, found[stage.key]):
            made = by_key.get(row["translation"] or "")
            translated = TranslateSettings.of(made) if made is not None else None
            row["data"] = row["data"] or (translated.data if translated else "")
            rows[row["role"], row["benchmark"], row["languages"]] = row
    return list(rows.values())


def benchmark_row(name: str) -> Values:
    """Returns a benchmark's row as it is declared now; only its name is set if it is not declared."""
    declared = BENCHMARKS.get(name)
    if declared is None:
        return {"name": name, "revision": "", "kind": "", "metric": None, "num_languages": 0, "source": "",
                "licence": ""}  # fmt: skip
    sources = [one for part in declared.parts for one in (part.source, *part.sources.values())]
    return {
        "name": name,
        "revision": "+".join(dict.fromkeys(one.revision for one in sources if one.revision)),
        "kind": declared.kind,
        "metric": declared.metric or None,
        "num_languages": len(declared.languages),
        "source": "+".join(dict.fromkeys(one.path for one in sources)),
        "licence": declared.licence,
    }


def _read_by(cell: Cell, stage: Stage | Manifest, role: Role) -> Iterator[Values]:
    if (scored := ScoreSettings.of(stage)) is not None:
        if native := [code for code in scored.languages if code not in scored.translated]:
            yield _read(cell, "target-score", scored, " ".join(native), scored.split, None)
        for code, translation in scored.translated.items():
            yield _read(cell, "target-score", scored, code, scored.split, translation)
    if (trained := TrainSettings.of(stage)) is not None:
        use = "intermediate" if role.name == INTERMEDIATE else "target-train"
        for part in trained.parts:
            yield _read(cell, use, part, part.language, "train", part.translation)


def _read(
    cell: Cell, role: str, given: ScoreSettings | TrainPart, languages: str, split: str, translation: Made | None
) -> Values:
    return {
        "cell": cell.key,
        "role": role,
        "benchmark": given.benchmark,
        "languages": languages,
        "revision": benchmark_row(given.benchmark)["revision"],
        "split": split,
        "data": given.data,
        "translation": translation.key if translation is not None else None,
    }


def _roles(cell: Cell, stages: Stages) -> dict[str, Role]:
    return roles(stages, cell.score.key, len(cell.intermediate.phases))


def _trained_on(cell: Cell, settings: TrainSettings, role: Role) -> str:
    if role.name == INTERMEDIATE and role.phase is not None:
        return ">".join(phase.slug for phase in cell.intermediate.phases[: role.phase + 1])
    return "+".join(
        f"{part.benchmark}@{part.language}" + (f"~{cell.target.engine}" if part.translation is not None else "")
        for part in settings.parts
    )


def _engine(cell: Cell, stages: Stages, key: str) -> str:
    """Returns the engine of the part of the intermediate that reads the translation, otherwise of the target."""
    found = _roles(cell, stages)
    for stage in stages:
        role, training = found.get(stage.key), TrainSettings.of(stage)
        if role is not None and training is not None and role.name == INTERMEDIATE and role.phase is not None:
            for declared, part in zip(cell.intermediate.phases[role.phase].parts, training.parts, strict=True):
                if part.translation is not None and part.translation.key == key:
                    return declared.engine or ""
    return cell.target.engine or ""
