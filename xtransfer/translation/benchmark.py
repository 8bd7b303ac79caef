"""The rows of a benchmark in another language, those left out that fail a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Row
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


@dataclass(frozen=True)
class Translated:
    """Rows in another language: those that stay, those that fail a check of `checks`, and what is to be said of
    them."""

    kind_name: str
    engine: Engine
    source: str
    target: str
    rows: Sequence[Row]  # as they came
    put: Put
    kept: list[Row]
    dropped: list[Dropped]

    def facts(self, references: Sequence[Row] | None = None) -> dict[str, Any]:
        """rows, kept, dropped_empty, dropped (rows by reason), sentences, distinct, those of the kind (`put_answers`)
        and of `quality.round_trip`, and against `references` (the same ids, written in the language) those of
        `quality.against_people`; dropped rows count there, too. Raises DataError where nothing is kept.
        """
        faults = Counter(row.reason for row in self.dropped)
        if not self.kept:
            counts = ", ".join(f"{reason}: {count}" for reason, count in faults.most_common())
            raise DataError(f"translation to '{self.target}': no row is left of {len(self.rows)} ({counts})")
        sentences = [text for row in self.rows for text in texts_of(self.kind_name, row)]
        outputs = [text for row in self.put.rows for text in texts_of(self.kind_name, row)]
        return {
            "rows": len(self.rows),
            "kept": len(self.kept),
            "dropped_empty": faults[Reason.EMPTY] + faults[Reason.EMPTY_SOURCE],
            "dropped": dict(faults),
            "sentences": len(sentences),
            "distinct": len(set(sentences)),
            **self.put.facts,
            **round_trip(self.engine, dict(zip(sentences, outputs, strict=True)), self.source, self.target),
            **(against_people(self._pairs(references), self.target) if references else {}),
        }

    def _pairs(self, references: Sequence[Row]) -> list[tuple[str, str]]:
        """Sentences beside those that people wrote; one that many rows share counts once."""
        written = {row["id"]: row for row in references}
        both = [(row, written[row["id"]]) for row in self.put.rows if row["id"] in written]
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
    progress: Progress = silent,
) -> Translated:
    """The rows in the target language; ids, groups and labels stay. `labels`: the names of the tags, of a kind that
    has tags.

    Raises RequestError for a kind that cannot be translated, DataError for a field that is no text.
    """
    way = way_of(kind_name)
    check_texts(rows, way.fields)
    put = _put(rows, way, engine, (source, target), labels, progress)
    kept: list[Row] = []
    dropped: list[Dropped] = []
    for row, made, lost in zip(rows, put.rows, put.reasons, strict=True):
        texts = _texts(way, kind_name, row, made)
        reason = fault(*texts, source, target, negation=kind_name in _NEGATION_DECIDES) or lost
        if reason is None:
            kept.append(made)
        else:
            dropped.append(Dropped(row["id"], str(reason), *texts))
    return Translated(kind_name, engine, source, target, rows, put, kept, dropped)


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
