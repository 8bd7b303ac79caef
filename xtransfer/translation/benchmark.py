"""The rows of a benchmark in another language, and how good the translation is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sacrebleu.metrics.chrf import CHRF

from xtransfer.benchmarks.spec import Row
from xtransfer.errors import DataError, unknown
from xtransfer.stages.spec import Progress, silent
from xtransfer.translation.engine import Engine

# Fields that are text in the row's language; labels and the names of a choice's questions are not.
TEXT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pair": ("first", "second"),
    "choice": ("context", "choices"),
    "sts": ("first", "second"),
    "dual-pair": ("first", "second"),
}


def translate_rows(
    rows: Sequence[Row],
    kind_name: str,
    engine: Engine,
    target_language: str,
    references: Sequence[Row] | None = None,
    *,
    source: str = "en",
    progress: Progress = silent,
) -> tuple[list[Row], dict[str, Any]]:
    """The rows in the target language, those with an empty field left out; ids, groups and labels stay.

    Facts: rows, kept, dropped_empty, dropped (rows by reason), sentences, distinct, and against `references` (the
    same ids, written in the language): compared (sentences), exact_match and chrf (sacrebleu's chrF2), in points;
    dropped rows count as wrong. Raises RequestError for a kind that cannot be translated, DataError for a field that
    is no text and where nothing is left.
    """
    if kind_name not in TEXT_FIELDS:
        raise unknown("kind that can be translated", kind_name, TEXT_FIELDS)
    fields = TEXT_FIELDS[kind_name]
    _check_texts(rows, fields)
    sentences = [text for row in rows for text in _texts(row, fields)]
    outputs = iter(engine.translate(sentences, source, target_language, progress))
    translated = [_with_texts(row, fields, [next(outputs) for _ in _texts(row, fields)]) for row in rows]
    faults = [_fault(_texts(row, fields), _texts(made, fields)) for row, made in zip(rows, translated, strict=True)]
    kept = [row for row, fault in zip(translated, faults, strict=True) if fault is None]
    if not kept:
        raise DataError(f"translation to '{target_language}': all {len(rows)} rows came out empty")
    return kept, {
        "rows": len(rows),
        "kept": len(kept),
        "dropped_empty": len(rows) - len(kept),
        "dropped": dict(Counter(fault for fault in faults if fault is not None)),
        "sentences": len(sentences),
        "distinct": len(set(sentences)),
        **(_quality(translated, references, fields) if references else {}),
    }


def texts_of(kind_name: str, row: Row) -> list[str]:
    """The texts of a row that are translated, in their order."""
    return _texts(row, TEXT_FIELDS[kind_name])


def _check_texts(rows: Sequence[Row], fields: Sequence[str]) -> None:
    for row in rows:
        for field in fields:
            texts = row[field] if isinstance(row[field], list) else [row[field]]
            if wrong := [text for text in texts if not isinstance(text, str)]:
                raise DataError(
                    f"row {row['id']}: field '{field}' holds {wrong[0]!r}, which is no text and cannot be translated; "
                    "leave the row out or give it a text"
                )


def _fault(english: Sequence[str], translated: Sequence[str]) -> str | None:
    """Why a row is left out, None where it stays."""
    if not all(text.strip() for text in english):
        return "a text is empty in English"
    if not all(text.strip() for text in translated):
        return "a text could not be translated"
    return None


def _texts(row: Row, fields: Sequence[str]) -> list[str]:
    texts: list[str] = []
    for field in fields:
        texts += row[field] if isinstance(row[field], list) else [row[field]]
    return texts


def _with_texts(row: Row, fields: Sequence[str], texts: list[str]) -> Row:
    replaced: Row = {}
    left = iter(texts)
    for field in fields:
        replaced[field] = [next(left) for _ in row[field]] if isinstance(row[field], list) else next(left)
    return {**row, **replaced}


def _quality(translated: Sequence[Row], references: Sequence[Row], fields: Sequence[str]) -> dict[str, Any]:
    written = {row["id"]: row for row in references}
    both = [(row, written[row["id"]]) for row in translated if row["id"] in written]
    pairs = [pair for row, other in both for pair in zip(_texts(row, fields), _texts(other, fields), strict=False)]
    pairs = list(dict.fromkeys(pairs))  # a sentence that many rows share counts once
    if not pairs:
        return {"compared": 0, "exact_match": None, "chrf": None}
    chrf = CHRF().corpus_score([ours for ours, _ in pairs], [[theirs for _, theirs in pairs]]).score
    exact = sum(ours.strip() == theirs.strip() for ours, theirs in pairs)
    return {"compared": len(pairs), "exact_match": round(100 * exact / len(pairs), 2), "chrf": round(chrf, 2)}
