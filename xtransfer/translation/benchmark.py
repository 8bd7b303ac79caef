"""Translates the rows of a benchmark and drops those that fail a check."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Facts, Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.spec import Translatable
from xtransfer.translation.answers import translate_answers
from xtransfer.translation.checks import Reason, fault
from xtransfer.translation.engine import Engine
from xtransfer.translation.quality import against_people, round_trip
from xtransfer.translation.tags import translate_tags
from xtransfer.translation.translatable import texts_of, translatable_kind
from xtransfer.translation.translated_rows import Dropped, TranslatedRows, check_texts, translate_texts


class WithKept(Protocol):
    """A translation of rows."""

    @property
    def kept(self) -> list[Row]:
        """The rows that were not dropped, in order, with their ids."""
        ...


T = TypeVar("T", bound=WithKept)


@dataclass(frozen=True)
class Translated:
    """The translation of a benchmark's rows: kept rows, rows that a check dropped, and facts about both."""

    kind_name: str
    engine: Engine
    source: str
    target: str
    rows: Sequence[Row]  # in the source language
    translated: TranslatedRows
    kept: list[Row]
    dropped: list[Dropped]

    def facts(self, references: Sequence[Row] | None = None) -> Facts:
        """Returns the facts of the translation.

        These are rows, kept, dropped_empty, dropped (rows by reason), sentences, distinct, those of the kind
        (`translate_answers`), of `quality.round_trip`, and with `references` (rows with the same ids written in the
        language) of `quality.against_people`, which include dropped rows. Raises DataError if no row is kept.
        """
        faults = Counter(row.reason for row in self.dropped)
        if not self.kept:
            counts = ", ".join(f"{reason}: {count}" for reason, count in faults.most_common())
            raise DataError(f"translation to '{self.target}': all {len(self.rows)} rows were dropped ({counts})")
        sentences = [text for row in self.rows for text in texts_of(self.kind_name, row)]
        outputs = [text for row in self.translated.rows for text in texts_of(self.kind_name, row)]
        return {
            "rows": len(self.rows),
            "kept": len(self.kept),
            "dropped_empty": faults[Reason.EMPTY] + faults[Reason.EMPTY_SOURCE],
            "dropped": dict(faults),
            "sentences": len(sentences),
            "distinct": len(set(sentences)),
            **self.translated.facts,
            **round_trip(self.engine, dict(zip(sentences, outputs, strict=True)), self.source, self.target),
            **(against_people(self._pairs(references), self.target) if references else {}),
        }

    def _pairs(self, references: Sequence[Row]) -> list[tuple[str, str]]:
        """Returns distinct pairs of a translation and its reference."""
        written = {row["id"]: row for row in references}
        both = [(row, written[row["id"]]) for row in self.translated.rows if row["id"] in written]
        texts = [(texts_of(self.kind_name, row), texts_of(self.kind_name, other)) for row, other in both]
        return list(dict.fromkeys(pair for ours, theirs in texts for pair in zip(ours, theirs, strict=False)))


def translate_rows(
    rows: Sequence[Row],
    kind_name: str,
    engine: Engine,
    target: str,
    *,
    source: str = "en",
    labels: Sequence[str] = (),
    progress: Progress = no_progress,
) -> Translated:
    """Returns the rows in the target language with their ids, groups and labels.

    `labels`: names of the tags, for a kind that has tags. Raises RequestError for a kind that cannot be translated, and
    DataError for a field that is not text.
    """
    kind = translatable_kind(kind_name)
    check_texts(rows, kind.fields)
    translated = _translated(rows, kind, engine, (source, target), labels, progress)
    kept: list[Row] = []
    dropped: list[Dropped] = []
    for row, made, lost in zip(rows, translated.rows, translated.reasons, strict=True):
        texts = _texts(kind, kind_name, row, made)
        reason = fault(*texts, source, target, negation=kind.negation_decides) or lost
        if reason is None:
            kept.append(made)
        else:
            dropped.append(Dropped(row["id"], str(reason), *texts))
    return Translated(kind_name, engine, source, target, rows, translated, kept, dropped)


def first_kept(rows: Sequence[Row], wanted: int, translate: Callable[[Sequence[Row]], T]) -> T:
    """Returns the translation of the shortest prefix of `rows` with `wanted` kept rows; of all rows if there are fewer.

    Calls `translate` again with a longer prefix when rows were dropped, so it must be cheap for rows that it has seen.
    """
    count = min(wanted, len(rows))
    made = translate(rows[:count])
    while len(made.kept) < wanted and count < len(rows):
        lacking, share = wanted - len(made.kept), max(len(made.kept), 1) / count
        count = min(len(rows), count + math.ceil(lacking / share))
        made = translate(rows[:count])
    if made.kept[wanted - 1 :]:
        last = made.kept[wanted - 1]["id"]
        shortest = 1 + next(place for place, row in enumerate(rows) if row["id"] == last)
        made = translate(rows[:shortest]) if shortest < count else made
    return made


def _translated(
    rows: Sequence[Row],
    kind: Translatable,
    engine: Engine,
    direction: tuple[str, str],
    labels: Sequence[str],
    progress: Progress,
) -> TranslatedRows:
    if kind.how == "answers":
        return translate_answers(rows, engine, *direction, progress)
    if kind.how == "tags":
        return translate_tags(rows, engine, *direction, labels, progress)
    return translate_texts(rows, kind.fields, engine, *direction, progress)


def _texts(kind: Translatable, kind_name: str, row: Row, made: Row) -> tuple[list[str], list[str]]:
    """Returns the texts of a row and their translations, without empty texts that may be empty."""
    pairs = zip(texts_of(kind_name, row), texts_of(kind_name, made), strict=True)
    both = [(ours, theirs) for ours, theirs in pairs if ours.strip() or not kind.some_empty]
    return [ours for ours, _ in both], [theirs for _, theirs in both]
