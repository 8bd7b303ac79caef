"""Tables on translations: quality, dropped rows and why, and samples.

Functions take artifacts of `translate` stages and return rows of a table, with the long columns last: Prefect's pages
cut what does not fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import Row
from xtransfer.results.schema import TranslationRow
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.study.stage_facts import RoundTripFacts, TranslateFacts
from xtransfer.study.stage_settings import ROWS, RoundTripSettings, TranslateSettings
from xtransfer.translation.translatable import texts_of
from xtransfer.translation.translated_rows import Dropped, read_dropped

SENTENCES = 5  # shown per translation
_ROWS = 50  # searched for distinct sentences, since many rows share one
_DROPPED = 3  # rows shown per reason
_LONGEST = 300  # characters of a text

Shown = dict[str, object]  # a row of a table, by column


def parted(made: Sequence[Artifact]) -> tuple[list[Artifact], list[Artifact]]:
    """Splits artifacts into translations and round trips."""
    translations = [one for one in made if one.manifest.kind == "translate"]
    return translations, [one for one in made if one.manifest.kind == "round-trip"]


def quality(artifacts: Sequence[Artifact], round_trips: Sequence[Artifact] = ()) -> list[Shown]:
    """Returns a row per translation: counts, sacrebleu scores in points, sentences per second, and how it was made.

    Columns without any value are left out. `round_trips`: those of translations whose engine has no way back.
    """
    back = {
        settings.translation.key: one.manifest.facts
        for one in round_trips
        if (settings := RoundTripSettings.of(one.manifest)) is not None
    }
    rows = [_quality(one, RoundTripFacts.of(back.get(one.key, one.manifest.facts))) for one in artifacts]
    told = [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []
    return [{name: row[name] for name in told} for row in rows]


def drops(artifacts: Sequence[Artifact]) -> list[Shown]:
    """Returns the number and percentage of dropped rows per language and reason."""
    return [
        {
            "language": settings_of(one).language,
            "rows": count,
            "percent": round(100 * count / facts.rows, 2),
            "reason": reason,
        }
        for one in artifacts
        for facts in [TranslateFacts.of(one.manifest.facts)]
        for reason, count in sorted(facts.dropped.items(), key=lambda item: -item[1])
    ]


def drops_of_study(made: Sequence[TranslationRow], store: ArtifactStore) -> list[Shown]:
    """As `drops`, with benchmark and engine, for the translations whose artifacts are in the store."""
    return [
        {"benchmark": one.benchmark, "engine": one.engine, **row}
        for one in made
        if (artifact := store.find(one.stage)) is not None
        for row in drops([artifact])
    ]


def dropped(artifacts: Sequence[Artifact]) -> list[Shown]:
    """Returns the first dropped rows of each reason."""
    return [
        {
            "language": settings_of(one).language,
            "id": row.id,
            "reason": row.reason,
            "source": cut(" ‖ ".join(row.source)),
            "output": cut(" ‖ ".join(row.output)),
        }
        for one in artifacts
        for row in _firsts(read_dropped(one.folder))
    ]


def samples(artifacts: Sequence[Artifact]) -> list[Shown]:
    """Returns some sentences beside their sources and, if there are any, human translations."""
    found: list[Shown] = []
    for one in artifacts:
        settings = settings_of(one)
        sources = source_rows(one)
        people: dict[str, Row] = {}
        if settings.references:
            people = _rows(one, settings.language)
        for source, translation, reference in sentences(one, sources, people):
            texts = {"source": source, "translation": translation, "reference": reference or ""}
            found.append({"language": settings.language, **texts})
    return found


def source_rows(one: Artifact) -> dict[str, Row]:
    """Returns the rows that were translated, by id."""
    return _rows(one, settings_of(one).source)


def _rows(one: Artifact, language: str) -> dict[str, Row]:
    """Returns the rows of a translation's benchmark in a language, by id."""
    from xtransfer.data.load import load_rows  # imports datasets, which a report does not need

    settings, facts = settings_of(one), TranslateFacts.of(one.manifest.facts)
    rows = load_rows(benchmarks.get(settings.benchmark), language, settings.split, facts.rows)
    return {row["id"]: row for row in rows}


def sentences(one: Artifact, sources: dict[str, Row], people: dict[str, Row]) -> Iterator[tuple[str, str, str | None]]:
    """Yields the first distinct sentences: source, translation and human translation, each cut to fit a cell."""
    kind = benchmarks.get(settings_of(one).benchmark).kind
    triples: list[tuple[str, str, str | None]] = []
    for row in _first_rows(one):
        if row["id"] not in sources:
            continue
        ours, theirs = texts_of(kind, row), texts_of(kind, people[row["id"]]) if row["id"] in people else []
        triples += itertools.zip_longest(texts_of(kind, sources[row["id"]]), ours, theirs)
    for source, translation, reference in itertools.islice(dict.fromkeys(triples), SENTENCES):
        yield cut(source), cut(translation), reference and cut(reference)


def cut(text: str) -> str:
    """Returns a text, cut to fit a cell of a table."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def settings_of(one: Artifact) -> TranslateSettings:
    """Returns the settings of a translation."""
    return TranslateSettings.model_validate(one.manifest.settings)


def _quality(one: Artifact, back: RoundTripFacts) -> Shown:
    facts = TranslateFacts.of(one.manifest.facts)
    return {
        "language": settings_of(one).language,
        "rows": facts.rows,
        "kept": facts.kept,
        "chrF2": facts.chrf,
        "BLEU": facts.bleu,
        "exact %": facts.exact_match,
        "round trip": back.round_trip_chrf,
        "sentences": facts.distinct,
        "sentences per second": round(facts.distinct / one.manifest.seconds, 1) if facts.distinct else None,
        "made by": " ".join(map(str, facts.decoding)),
    }


def _firsts(rows: Sequence[Dropped]) -> Iterator[Dropped]:
    for reason in dict.fromkeys(row.reason for row in rows):
        yield from itertools.islice((row for row in rows if row.reason == reason), _DROPPED)


def _first_rows(one: Artifact) -> list[Row]:
    with pq.ParquetFile(one.folder / ROWS) as parquet:
        first: pa.RecordBatch = next(parquet.iter_batches(batch_size=_ROWS))
    rows: list[Row] = first.to_pylist()
    return rows
