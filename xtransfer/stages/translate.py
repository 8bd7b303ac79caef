"""Stage `translate`: the English training rows of a benchmark in another language, as rows.parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.stages.pinned import check_rows
from xtransfer.stages.spec import StageKind, Work

ROWS = "rows.parquet"


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows, save_rows
    from xtransfer.translation.benchmark import translate_rows
    from xtransfer.translation.engine import TransformersEngine

    benchmark = benchmarks.get(settings["benchmark"])
    language = settings["language"]
    languages = ["en", language] if settings["references"] else ["en"]
    check_rows(benchmark.name, settings["split"], languages, settings["data"])
    rows = load_rows(benchmark, "en", settings["split"], settings["rows"])
    references = None
    if settings["references"]:  # the same rows written in the language: how good the translation is
        references = load_rows(benchmark, language, settings["split"], settings["rows"])
    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    engine = TransformersEngine(model, device=work.device, beams=settings.get("beams", 1))
    translated, facts = translate_rows(
        rows, benchmark.kind, engine, language, references=references, progress=work.progress
    )
    save_rows(translated, work.out / ROWS)
    return facts


KIND = StageKind(name="translate", version=1, run=run, seconds=8)
