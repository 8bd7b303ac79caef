"""Stage `translate`: rows of a benchmark in another language, as rows.parquet: English training rows, or, for
translate-test, rows of a language in English; what a check has left out, as dropped.parquet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.benchmarks.spec import Row
from xtransfer.data.pinned import rows as pinned_rows

ROWS = "rows.parquet"


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    source, language, split = settings.get("source", "en"), settings["language"], settings["split"]
    languages = [source, language] if settings["references"] else [source]
    yield pinned_rows(settings["benchmark"], split, languages, settings["data"])
    if people := settings.get("people"):
        yield pinned_rows(people["benchmark"], split, [language], people["data"])


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer import benchmarks
    from xtransfer.data.load import save_rows

    benchmark, split = benchmarks.get(settings["benchmark"]), settings["split"]
    source = settings.get("source", "en")
    if settings.get("people"):
        from xtransfer.translation.human_translations import human_rows

        rows, facts = human_rows(benchmark.name, settings["language"], split, settings["rows"], source)
    else:
        rows, facts = _by_a_model(settings, inputs, work)
    save_rows(rows, work.out / ROWS)
    return facts


def _by_a_model(
    settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.translation.benchmark import Translated, first_kept, translate_rows
    from xtransfer.translation.model_loading import open_engine
    from xtransfer.translation.translatable import check
    from xtransfer.translation.translated_rows import save_dropped

    benchmark, language, split = benchmarks.get(settings["benchmark"]), settings["language"], settings["split"]
    source, limit = settings.get("source", "en"), settings["rows"]
    check(benchmark, split, source, align_tags=settings.get("align_tags", False))
    references = None
    if settings["references"]:  # the same rows written in the language: how good the translation is
        references = load_rows(benchmark, language, split)
    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    engine = open_engine(model, work.device, settings.get("beams", 1), work.state)

    def translate(rows: Sequence[Row]) -> Translated:
        labels = benchmark.labels
        return translate_rows(
            rows, benchmark.kind, engine, language, source=source, labels=labels, progress=work.progress
        )

    rows = load_rows(benchmark, source, split, limit)
    made = translate(rows)
    if len(made.kept) < len(rows) and limit is not None and split == "train":  # as many as of a native benchmark
        made = first_kept(load_rows(benchmark, source, split, sys.maxsize), len(rows), translate)
    save_dropped(made.dropped, work.out)
    return made.kept, {**made.facts(references), "decoding": list(engine.decoding)}


KIND = StageKind(name="translate", version=3, run=run, reads=reads, seconds=8)
