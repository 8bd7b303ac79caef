"""The rows of a benchmark in another language, those left out that fail a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from xtransfer.benchmarks.spec import Row
from xtransfer.errors import DataError
from xtransfer.stages.spec import Progress, silent
from xtransfer.translation.answers import put_answers
from xtransfer.translation.checks import Reason, fault
from xtransfer.translation.dropped import Dropped
from xtransfer.translation.engine import Engine
from xtransfer.translation.put import Put
from xtransfer.translation.quality import against_people, round_trip
from xtransfer.translation.tags import put_tags
from xtransfer.translation.texts import check_texts, put_texts
from xtransfer.translation.translatable import Way, texts_of, way_of

_NEGATION_DECIDES = ("pair", "dual-pair")  # kinds in which a lost "not" makes another label right


def translate_rows(
    rows: Sequence[Row],
    kind_name: str,
    engine: Engine,
    target_language: str,
    references: Sequence[Row] | None = None,
    *,
    source: str = "en",
    labels: Sequence[str] = (),
    progress: Progress = silent,
    drop: Callable[[Dropped], None] = lambda dropped: None,
) -> tuple[list[Row], dict[str, Any]]:
    """The rows in the target language, those left out that fail a check of `checks`; ids, groups and labels stay.

    `labels`: the names of the tags, of a kind that has tags. `drop` is called with each row that is left out. Facts:
    rows, kept, dropped_empty, dropped (rows by reason), sentences, distinct, those of the kind (`put_answers`), those
    of `quality.round_trip`, and against `references` (the same ids, written in the language) those of
    `quality.against_people`; dropped rows count there, too. Raises RequestError for a kind that cannot be translated,
    DataError for a field that is no text and where nothing is left.
    """
    way = way_of(kind_name)
    check_texts(rows, way.fields)
    put = _put(rows, way, engine, (source, target_language), labels, progress)
    sentences = [text for row in rows for text in texts_of(kind_name, row)]
    outputs = [text for row in put.rows for text in texts_of(kind_name, row)]
    faults: Counter[str] = Counter()
    kept = []
    for row, made, lost in zip(rows, put.rows, put.reasons, strict=True):
        texts = _texts(way, kind_name, row, made)
        found = fault(*texts, source, target_language, negation=kind_name in _NEGATION_DECIDES)
        reason = found.value if found is not None else lost
        if reason is None:
            kept.append(made)
        else:
            faults[reason] += 1
            drop(Dropped(row["id"], reason, *texts))
    if not kept:
        counts = ", ".join(f"{reason}: {count}" for reason, count in faults.most_common())
        raise DataError(f"translation to '{target_language}': no row is left of {len(rows)} ({counts})")
    return kept, {
        "rows": len(rows),
        "kept": len(kept),
        "dropped_empty": faults[Reason.EMPTY] + faults[Reason.EMPTY_SOURCE],
        "dropped": dict(faults),
        "sentences": len(sentences),
        "distinct": len(set(sentences)),
        **put.facts,
        **round_trip(engine, dict(zip(sentences, outputs, strict=True)), source, target_language),
        **(against_people(_pairs(kind_name, put.rows, references), target_language) if references else {}),
    }


def _put(
    rows: Sequence[Row],
    way: Way,
    engine: Engine,
    direction: tuple[str, str],
    labels: Sequence[str],
    progress: Progress,
) -> Put:
    if way.how == "answers":
        return put_answers(rows, engine, *direction, progress)
    if way.how == "tags":
        return put_tags(rows, engine, *direction, labels, progress)
    return put_texts(rows, way.fields, engine, *direction, progress)


def _texts(way: Way, kind_name: str, row: Row, made: Row) -> tuple[list[str], list[str]]:
    """The texts of a row and their translations; without those that may be empty and are."""
    pairs = zip(texts_of(kind_name, row), texts_of(kind_name, made), strict=True)
    both = [(ours, theirs) for ours, theirs in pairs if ours.strip() or not way.some_empty]
    return [ours for ours, _ in both], [theirs for _, theirs in both]


def _pairs(kind_name: str, translated: Sequence[Row], references: Sequence[Row]) -> list[tuple[str, str]]:
    """Sentences beside those that people wrote; one that many rows share counts once."""
    written = {row["id"]: row for row in references}
    both = [(row, written[row["id"]]) for row in translated if row["id"] in written]
    texts = [(texts_of(kind_name, row), texts_of(kind_name, other)) for row, other in both]
    return list(dict.fromkeys(pair for ours, theirs in texts for pair in zip(ours, theirs, strict=False)))
