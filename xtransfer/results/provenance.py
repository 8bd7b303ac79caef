"""What a cell and the stages behind it say of encoders, checkpoints, benchmarks and translations, as rows.

Stages are those of a plan, or the manifests of artifacts; inputs stand before what reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xtransfer.benchmarks import BENCHMARKS
from xtransfer.results.roles import INTERMEDIATE, Role, roles
from xtransfer.results.upsert import Values

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.store.manifest import Manifest
    from xtransfer.study.cells import Cell

    Made = Sequence[Stage | Manifest]


def encoder_row(name: str, stages: Made) -> Values:
    """The encoder as the first stage that reads it names it; `unknown` where no stage does."""
    short, _, pin = name.rpartition("@") if "@" in name else (name, "", "")
    given = next((one for stage in stages if isinstance(one := stage.settings.get("encoder"), dict)), {})
    if any(stage.kind == "pretrain" for stage in stages):
        return {"name": name, "source": "trained-here", "id": short, "revision": pin}
    if "id" in given:
        return {"name": name, "source": "hub", "id": given["id"], "revision": given["revision"]}
    if "digest" in given:
        return {"name": name, "source": "folder", "id": short, "revision": given["digest"]}
    return {"name": name, "source": "unknown", "id": short, "revision": pin}


def stage_rows(cell: Cell, stages: Made) -> list[Values]:
    """What each stage is in the cell (the table `cell_stage`)."""
    return [
        {"cell": cell.key, "stage": key, "role": role.name, "phase": role.phase, "language": role.language}
        for key, role in _roles(cell, stages).items()
    ]


def checkpoint_rows(cell: Cell, stages: Made) -> list[Values]:
    """A row for every stage that left a checkpoint of the cell's encoder, parents first."""
    found = _roles(cell, stages)
    return [
        {
            "stage": stage.key,
            "encoder": cell.encoder,
            "trained_on": _trained_on(cell, stage, found[stage.key]),
            "seed": stage.settings.get("seed"),
            "steps": getattr(stage, "facts", {}).get("steps"),
            "parent": stage.inputs.get("start"),
        }
        for stage in stages
        if stage.kind in ("pretrain", "train")
    ]


def translation_rows(cell: Cell, stages: Made) -> list[Values]:
    """A row for every translation that the cell was trained or scored on."""
    rows = []
    for stage in stages:
        if stage.kind == "translate":
            facts = getattr(stage, "facts", {})
            given = stage.settings.get("engine") or {}
            rows.append(
                {
                    "stage": stage.key,
                    "benchmark": stage.settings["benchmark"],
                    "language": stage.settings["language"],
                    "engine": _engine(cell, stages, stage.key) or given.get("id", ""),
                    "engine_revision": given.get("revision") or given.get("digest") or stage.inputs.get("engine", ""),
                    "num_rows": facts["rows"],
                    "kept": facts["kept"],
                    "dropped": facts["rows"] - facts["kept"],
                    "compared": facts.get("compared", 0),
                    "chrf": facts.get("chrf"),
                    "exact_match": facts.get("exact_match"),
                    "bleu": facts.get("bleu"),
                }
            )
    return rows


def read_rows(cell: Cell, stages: Made) -> list[Values]:
    """What the cell read: a row per role, benchmark and languages (the table `cell_benchmark`)."""
    by_key = {stage.key: stage for stage in stages}
    found = _roles(cell, stages)
    rows: dict[tuple[str, ...], Values] = {}
    for stage in stages:
        for row in _read_by(cell, stage, found[stage.key]):
            translated = by_key.get(row["translation"] or "")
            row["data"] = row["data"] or (translated.settings["data"] if translated else "")
            rows[row["role"], row["benchmark"], row["languages"]] = row
    return list(rows.values())


def benchmark_row(name: str) -> Values:
    """A benchmark as it is declared now; an undeclared one by its name alone."""
    declared = BENCHMARKS.get(name)
    if declared is None:
        return {"name": name, "revision": "", "kind": "", "metric": None, "num_languages": 0, "source": "",
                "licence": ""}  # fmt: skip
    sources = [one for part in (declared, *declared.union) for one in (part.source, *part.sources.values())]
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
    if stage.kind == "score" and "benchmark" in stage.settings:
        settings = stage.settings
        translated = {code: stage.inputs.get(f"rows-{code}") for code in settings["languages"]}
        if native := [code for code in settings["languages"] if translated[code] is None]:
            yield _read(cell, "target-score", settings, " ".join(native), settings["split"], None)
        for code in (code for code in settings["languages"] if translated[code] is not None):
            yield _read(cell, "target-score", settings, code, settings["split"], translated[code])
    if stage.kind == "train":
        use = "intermediate" if role.name == INTERMEDIATE else "target-train"
        for number, part in enumerate(stage.settings.get("parts", ())):
            yield _read(cell, use, part, part["language"], "train", stage.inputs.get(f"data-{number}"))


def _read(cell: Cell, role: str, given: Any, languages: str, split: str, translation: str | None) -> Values:
    return {
        "cell": cell.key,
        "role": role,
        "benchmark": given["benchmark"],
        "languages": languages,
        "revision": benchmark_row(given["benchmark"])["revision"],
        "split": split,
        "data": given["data"],
        "translation": translation,
    }


def _roles(cell: Cell, stages: Made) -> dict[str, Role]:
    return roles(stages, cell.score.key, len(cell.intermediate.phases))


def _trained_on(cell: Cell, stage: Stage | Manifest, role: Role) -> str:
    if stage.kind == "pretrain":
        return str(stage.settings.get("corpus", {}).get("name", ""))
    if role.name == INTERMEDIATE and role.phase is not None:
        return ">".join(phase.slug for phase in cell.intermediate.phases[: role.phase + 1])
    return "+".join(
        f"{part['benchmark']}@{part['language']}"
        + (f"~{cell.target.engine}" if f"data-{number}" in stage.inputs else "")
        for number, part in enumerate(stage.settings.get("parts", ()))
    )


def _engine(cell: Cell, stages: Made, key: str) -> str:
    """The engine of the part of the intermediate that reads the translation, or else of the target."""
    found = _roles(cell, stages)
    for stage in stages:
        role = found.get(stage.key)
        if role is not None and role.name == INTERMEDIATE and role.phase is not None:
            for number, part in enumerate(cell.intermediate.phases[role.phase].parts):
                if stage.inputs.get(f"data-{number}") == key:
                    return part.engine or ""
    return cell.target.engine or ""
