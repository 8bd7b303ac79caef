"""Translates rows of kind `tags`: each word of the translation gets the tag of the word it comes from.

Words are aligned by the translator's attention: a word comes from the source word that it attends to most. An entity
(tags B-X, I-X …) is kept only as one group of adjacent words that come from its words. A row is dropped if it loses an
entity or splits one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.engine import Aligner, Engine
from xtransfer.translation.sentences import Span
from xtransfer.translation.span_matching import Aligned, Weights, word_spans
from xtransfer.translation.translated_rows import TranslatedRows

UNALIGNED = "words not aligned"
LOST = "entity lost"
SPLIT = "entity torn apart"
_ALIGNED_AT_ONCE = 512  # sentences: attention weights are large and not kept
_LEAST = 0.3  # share of a word's attention that goes to the word it comes from; with less it is not aligned
_NO_BLANK_BEFORE = frozenset(".,;:!?%)]}'…")
_NO_BLANK_BEHIND = frozenset("([{$#")
_CLITICS = ("'s", "n't", "'re", "'ve", "'ll", "'d", "'m")


def translate_tags(
    rows: Sequence[Row],
    engine: Engine,
    source: str,
    target: str,
    labels: Sequence[str],
    progress: Progress = no_progress,
) -> TranslatedRows:
    """Returns the rows in the target language, each word with a tag. `labels` are the tags' names.

    Raises RequestError for an engine that cannot align words.
    """
    if not isinstance(engine, Aligner):
        raise RequestError(
            "this engine does not align words, so tags cannot be moved to its translations; name a model, such as "
            "nllb-200-distilled-600m"
        )
    translated = TranslatedRows([], [])
    for start in range(0, len(rows), _ALIGNED_AT_ONCE):
        some = rows[start : start + _ALIGNED_AT_ONCE]
        texts = [sentence_of(row["tokens"]) for row in some]
        for row, (_, words), aligned in zip(
            some, texts, engine.aligned([text for text, _ in texts], source, target), strict=True
        ):
            made, reason = _translated(row, words, aligned, target, labels)
            translated.rows.append(made)
            translated.reasons.append(reason)
        progress(f"translating to {target}", min(start + _ALIGNED_AT_ONCE, len(rows)), len(rows))
    return translated


def sentence_of(words: Sequence[str]) -> tuple[str, list[Span]]:
    """Returns words as a sentence with blanks as in English, and the span of each word in it."""
    text, spans, glued = "", [], True
    for word in words:
        attached = glued or word in _CLITICS or (len(word) == 1 and word in _NO_BLANK_BEFORE)
        text += "" if attached else " "
        spans.append((len(text), len(text) + len(word)))
        text += word
        glued = len(word) == 1 and word in _NO_BLANK_BEHIND
    return text, spans


def _translated(
    row: Row, words: Sequence[Span], aligned: Aligned | None, language: str, labels: Sequence[str]
) -> tuple[Row, str | None]:
    """Returns the row in the target language, and why it must be dropped, or None."""
    output = aligned.output if aligned is not None else ""
    spans = word_spans(output, language)
    made = {**row, "tokens": [output[slice(*span)] for span in spans], "tags": [0] * len(spans)}
    if aligned is None or not spans:
        return made, UNALIGNED
    shares = aligned.between(words, spans)
    names = [labels[tag] for tag in row["tags"]]
    tags = _entities(names, shares) if any(_begins(name) for name in labels) else _each(names, shares)
    if isinstance(tags, str):
        return made, tags
    return {**made, "tags": [labels.index(name) for name in tags]}, None


def _each(names: Sequence[str], shares: Weights) -> list[str] | str:
    """Returns for each word of the translation the tag of the word it comes from; or why the row must be dropped."""
    return [names[index] for index in shares.argmax(axis=1)] if shares.max(axis=1).min() >= _LEAST else UNALIGNED


def _entities(names: Sequence[str], shares: Weights) -> list[str] | str:
    """Returns the entities on the words that come from theirs, else O; or why the row must be dropped."""
    sources = np.where(shares.max(axis=1) >= _LEAST, shares.argmax(axis=1), -1)
    tags = ["O"] * len(sources)
    for name, start, end in entities(names):
        own = np.flatnonzero((sources >= start) & (sources < end))
        if not len(own):
            return LOST
        if own[-1] - own[0] + 1 != len(own):
            return SPLIT
        best = shares[:, start:end].argmax(axis=0)  # the word that attends most to each word of the entity
        if not set(best) & set(own):
            return LOST
        tags[own[0] : own[-1] + 1] = [f"B-{name}", *[f"I-{name}"] * (len(own) - 1)]
    return tags


def entities(names: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yields each entity as (name, first word, one past its last word). An I- tag without a predecessor starts one."""
    start: int | None = None
    for place, name in enumerate([*names, "O"]):
        if start is not None and not (name.startswith("I-") and name[2:] == names[start][2:]):
            yield names[start][2:], start, place
            start = None
        if start is None and name[:2] in ("B-", "I-"):
            start = place


def _begins(name: str) -> bool:
    return name.startswith("B-")
