"""Stage `round-trip`: some translated sentences back in the language that they came from, by another engine than the
one that made them: how much of each is still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import rows
from xtransfer.stages.translate import ROWS


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    yield rows(settings["benchmark"], settings["split"], [settings["source"]], settings["data"])


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.translation.model_loading import open_engine
    from xtransfer.translation.quality import round_trip
    from xtransfer.translation.translatable import texts_of

    benchmark, split, source = benchmarks.get(settings["benchmark"]), settings["split"], settings["source"]
    written = {row["id"]: row for row in load_rows(benchmark, source, split)}
    outputs: dict[str, str] = {}
    for row in pq.read_table(inputs["translation"] / ROWS).to_pylist():
        texts = texts_of(benchmark.kind, written[row["id"]])
        outputs.update(zip(texts, texts_of(benchmark.kind, row), strict=True))
    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    engine = open_engine(model, work.device, settings.get("beams", 1), work.state)
    facts = round_trip(engine, outputs, source, settings["language"])
    return {**facts, "decoding": list(engine.decoding)}


KIND = StageKind(name="round-trip", version=2, run=run, reads=reads, seconds=3)
