"""Stage `score`: scores a checkpoint on a target's test split in each language; no other stage reads test data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import further_metrics, rows
from xtransfer.study.stage_settings import ROWS, ScoreSettings


def reads(settings: ScoreSettings) -> Iterator[Outside]:
    yield rows(settings.benchmark, settings.split, settings.languages, settings.data)
    if settings.dev is not None:
        yield rows(settings.benchmark, "dev", settings.languages, settings.dev)
    yield further_metrics(settings.benchmark, settings.also)


def run(settings: ScoreSettings, work: Work) -> Mapping[str, object]:
    from xtransfer import benchmarks
    from xtransfer.scoring.score import MEASURES, score

    scores = score(
        None if settings.checkpoint is None else work.model(settings.checkpoint),
        benchmarks.get(settings.benchmark),
        settings.languages,
        settings.split,
        settings.max_length,
        work.out,
        device=work.device,
        progress=work.progress,
        pooling=settings.pooling,
        limit=settings.rows,
        precision=settings.precision,
        own={code: work.folder(made) for code, made in settings.own.items()},
        translated={code: work.folder(made) / ROWS for code, made in settings.translated.items()},
    )
    measured = work.out / MEASURES
    measures = {"measures": json.loads(measured.read_text(encoding="utf-8"))} if measured.exists() else {}
    return {"languages": len(scores), "items": sum(one.n for one in scores), **measures}


KIND = StageKind(ScoreSettings, run, reads, seconds=3)
