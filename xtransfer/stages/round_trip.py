"""Stage `round-trip`: translates some sentences back with a different engine and compares them with the originals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow.parquet as pq

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import rows
from xtransfer.study.stage_settings import ROWS, RoundTripSettings


def reads(settings: RoundTripSettings) -> Iterator[Outside]:
    yield rows(settings.benchmark, settings.split, [settings.source], settings.data)


def run(settings: RoundTripSettings, work: Work) -> Mapping[str, object]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.translation.model_loading import open_engine
    from xtransfer.translation.quality import round_trip
    from xtransfer.translation.translatable import texts_of

    benchmark = benchmarks.get(settings.benchmark)
    written = {row["id"]: row for row in load_rows(benchmark, settings.source, settings.split)}
    outputs: dict[str, str] = {}
    for row in pq.read_table(work.folder(settings.translation) / ROWS).to_pylist():
        texts = texts_of(benchmark.kind, written[row["id"]])
        outputs.update(zip(texts, texts_of(benchmark.kind, row), strict=True))
    engine = open_engine(work.model(settings.engine), work.device, settings.beams, work.state)
    facts = round_trip(engine, outputs, settings.source, settings.language)
    return {**facts, "decoding": list(engine.decoding)}


KIND = StageKind(RoundTripSettings, run, reads, seconds=3)
