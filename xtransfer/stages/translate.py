"""Stage `translate`: translates a benchmark's English training rows, or for translate-test, test rows into English.

Writes rows.parquet, and dropped.parquet with the rows that failed a check.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from xtransfer.base.stage import ModelSource, Outside, StageKind, Work
from xtransfer.benchmarks.spec import Row
from xtransfer.data.pinned import rows as pinned_rows
from xtransfer.study.stage_settings import ROWS, TranslateSettings


def reads(settings: TranslateSettings) -> Iterator[Outside]:
    source, language = settings.source, settings.language
    languages = [source, language] if settings.references else [source]
    yield pinned_rows(settings.benchmark, settings.split, languages, settings.data)
    if settings.people is not None:
        yield pinned_rows(settings.people.benchmark, settings.split, [language], settings.people.data)


def run(settings: TranslateSettings, work: Work) -> Mapping[str, object]:
    from xtransfer.data.load import save_rows
    from xtransfer.translation.human_translations import human_rows

    if settings.engine is None:
        rows, facts = human_rows(settings.benchmark, settings.language, settings.split, settings.rows, settings.source)
    else:
        rows, facts = _by_a_model(settings, settings.engine, work)
    save_rows(rows, work.out / ROWS)
    return facts


def _by_a_model(settings: TranslateSettings, model: ModelSource, work: Work) -> tuple[list[Row], dict[str, object]]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.translation.benchmark import Translated, first_kept, translate_rows
    from xtransfer.translation.model_loading import open_engine
    from xtransfer.translation.translatable import check
    from xtransfer.translation.translated_rows import save_dropped

    benchmark, language, split = benchmarks.get(settings.benchmark), settings.language, settings.split
    source, limit = settings.source, settings.rows
    check(benchmark, split, source, align_tags=settings.align_tags)
    references = None
    if settings.references:  # the same rows written by people, to measure the translation's quality
        references = load_rows(benchmark, language, split)
    engine = open_engine(work.model(model), work.device, settings.beams, work.state)

    def translate(rows: Sequence[Row]) -> Translated:
        labels = benchmark.labels
        return translate_rows(
            rows, benchmark.kind, engine, language, source=source, labels=labels, progress=work.progress
        )

    rows = load_rows(benchmark, source, split, limit)
    made = translate(rows)
    if len(made.kept) < len(rows) and limit is not None and split == "train":  # give as many as a native benchmark
        made = first_kept(load_rows(benchmark, source, split, sys.maxsize), len(rows), translate)
    save_dropped(made.dropped, work.out)
    return made.kept, {**made.facts(references), "decoding": list(engine.decoding)}


KIND = StageKind(TranslateSettings, run, reads, seconds=8)
