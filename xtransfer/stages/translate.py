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
    from xtransfer.data.load import save_rows

    benchmark, split = benchmarks.get(settings["benchmark"]), settings["split"]
    languages = ["en", settings["language"]] if settings["references"] else ["en"]
    check_rows(benchmark.name, split, languages, settings["data"])
    if people := settings.get("people"):
        from xtransfer.translation.parallel import human_rows

        check_rows(people["benchmark"], split, [settings["language"]], people["data"])
        rows, facts = human_rows(benchmark.name, settings["language"], split, settings["rows"])
    else:
        rows, facts = _by_a_model(settings, inputs, work)
    save_rows(rows, work.out / ROWS)
    return facts


def _by_a_model(
    settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.translation.benchmark import translate_rows
    from xtransfer.translation.opened import open_engine

    benchmark, language, split = benchmarks.get(settings["benchmark"]), settings["language"], settings["split"]
    rows = load_rows(benchmark, "en", split, settings["rows"])
    references = None
    if settings["references"]:  # the same rows written in the language: how good the translation is
        references = load_rows(benchmark, language, split, settings["rows"])
    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    engine = open_engine(model, work.device, settings.get("beams", 1), work.state)
    translated, facts = translate_rows(
        rows, benchmark.kind, engine, language, references=references, progress=work.progress
    )
    return translated, {**facts, "decoding": list(engine.decoding)}


KIND = StageKind(name="translate", version=1, run=run, seconds=8)
