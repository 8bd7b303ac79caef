"""Stage `score`: a checkpoint on a target's test split, in every language: the only stage that opens test data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import further_metrics, rows
from xtransfer.stages.translate import ROWS


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    yield rows(settings["benchmark"], settings["split"], settings["languages"], settings["data"])
    if "dev" in settings:
        yield rows(settings["benchmark"], "dev", settings["languages"], settings["dev"])
    yield further_metrics(settings["benchmark"], settings.get("also", []))


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer import benchmarks
    from xtransfer.recipes.pooling import Pooling
    from xtransfer.scoring.score import MEASURES, score

    scores = score(
        _checkpoint(settings, inputs),
        benchmarks.get(settings["benchmark"]),
        settings["languages"],
        settings["split"],
        settings["max_length"],
        work.out,
        device=work.device,
        progress=work.progress,
        pooling=Pooling.model_validate(settings.get("pooling", {})),
        limit=settings.get("rows"),
        precision=settings.get("precision", "fp32"),
        own=_by_language(inputs, "checkpoint-"),
        translated={code: folder / ROWS for code, folder in _by_language(inputs, "rows-").items()},
    )
    measured = work.out / MEASURES
    measures = {"measures": json.loads(measured.read_text(encoding="utf-8"))} if measured.exists() else {}
    return {"languages": len(scores), "items": sum(one.n for one in scores), **measures}


def _checkpoint(settings: Mapping[str, Any], inputs: Mapping[str, Path]) -> Path | tuple[str, str] | None:
    """What the languages are scored with that have no checkpoint of their own; None: each has one."""
    if "checkpoint" in inputs or settings["encoder"] is None:
        return inputs.get("checkpoint")
    return settings["encoder"]["id"], settings["encoder"]["revision"]


def _by_language(inputs: Mapping[str, Path], prefix: str) -> dict[str, Path]:
    return {name.removeprefix(prefix): folder for name, folder in inputs.items() if name.startswith(prefix)}


KIND = StageKind(name="score", version=3, run=run, reads=reads, seconds=3)
