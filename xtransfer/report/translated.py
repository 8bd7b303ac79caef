"""What there is to see of translations: how good they are, what was left out and why, and some of each.

Functions take artifacts of `translate` stages and give rows of a table, the long columns last: Prefect's pages
cut what does not fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import Row
from xtransfer.stages.translate import ROWS
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.study.stage_facts import RoundTripFacts, TranslateFacts
from xtransfer.study.stage_settings import RoundTripSettings, TranslateSettings
from xtransfer.translation.translatable import texts_of
from xtransfer.translation.translated_rows import Dropped, read_dropped

SENTENCES = 5  # of a translation
_ROWS = 50  # that are looked through for them: many share a sentence
_DROPPED = 3  # rows for each reason
_LONGEST = 300  # characters of a text

Shown = dict[str, Any]


def parted(made: Sequence[Artifact]) -> tuple[list[Artifact], list[Artifact]]:
    """Translations, and the round trips of some of them."""
    translations = [one for one in made if one.manifest.kind == "translate"]
    return translations, [one for one in made if one.manifest.kind == "round-trip"]


def quality(artifacts: Sequence[Artifact], round_trips: Sequence[Artifact] = ()) -> list[Shown]:
    """A row for each translation: counts, sacrebleu's figures in points, sentences per second, and how it was made;
    without columns in which none has a value. `round_trips`: of translations whose engine has no way back."""
    back = {
        settings.translation.key: one.manifest.facts
        for one in round_trips
        if (settings := RoundTripSettings.of(one.manifest)) is not None
    }
    rows = [_quality(one, RoundTripFacts.of(back.get(one.key, one.manifest.facts))) for one in artifacts]
    told = [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []
    return [{name: row[name] for name in told} for row in rows]


def drops(artifacts: Sequence[Artifact]) -> list[Shown]:
    """Rows left out by language and reason."""
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


def drops_of_study(made: Sequence[Any], store: ArtifactStore) -> list[Shown]:
    """As `drops`, with benchmark and engine, of the rows of `translation` whose artifacts are in the store."""
    return [
        {"benchmark": one.benchmark, "engine": one.engine, **row}
        for one in made
        if (artifact := store.find(one.stage)) is not None
        for row in drops([artifact])
    ]


def dropped(artifacts: Sequence[Artifact]) -> list[Shown]:
    """Some of the rows left out, the first of each reason."""
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
    """Some sentences beside their sources and, where people have written them in the language, theirs."""
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
    """The rows that were translated, by id."""
    return _rows(one, settings_of(one).source)


def _rows(one: Artifact, language: str) -> dict[str, Row]:
    """The rows of a translation's benchmark in a language, by id."""
    from xtransfer.data.load import load_rows  # brings in datasets, which a report does without

    settings, facts = settings_of(one), TranslateFacts.of(one.manifest.facts)
    rows = load_rows(benchmarks.get(settings.benchmark), language, settings.split, facts.rows)
    return {row["id"]: row for row in rows}


def sentences(one: Artifact, sources: dict[str, Row], people: dict[str, Row]) -> Iterator[tuple[str, str, str | None]]:
    """The first distinct sentences: source, translation and a person's translation, as far as a cell shows them."""
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
    """A text as far as a cell shows it."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def settings_of(one: Artifact) -> TranslateSettings:
    """The settings of a translation."""
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
