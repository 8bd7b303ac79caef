"""Rows of kind `tags` in another language: each word of the translation takes the tag of the word that it comes from.

Words are aligned by the translator's attention: a word of the translation comes from the word that it looks at most.
An entity (tags B-X, I-X …) stays only as the one group of neighbouring words that come from its words, where each of
its own borders is kept; a row that loses one, or in which one falls apart, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.alignment import Aligned, Span
from xtransfer.translation.engine import Aligner, Engine
from xtransfer.translation.places import words_of
from xtransfer.translation.put import Put

UNALIGNED = "its words could not be aligned"
LOST = "an entity was lost"
SPLIT = "an entity fell apart"
_ALIGNED_AT_ONCE = 512  # sentences: their weights are large and not kept
_LEAST = 0.3  # of what a word looks at goes to the word that it comes from; less is no alignment
_NO_BLANK_BEFORE = frozenset(".,;:!?%)]}'…")
_NO_BLANK_BEHIND = frozenset("([{$#")
_SHORTENED = ("'s", "n't", "'re", "'ve", "'ll", "'d", "'m")


def put_tags(
    rows: Sequence[Row],
    engine: Engine,
    source: str,
    target: str,
    labels: Sequence[str],
    progress: Progress = silent,
) -> Put:
    """The rows in the target language, each word with a tag; `labels` are the tags' names.

    Raises RequestError for an engine that cannot align words.
    """
    if not isinstance(engine, Aligner):
        raise RequestError("this engine does not tell which words come from which: its translations can have no tags")
    put = Put([], [])
    for start in range(0, len(rows), _ALIGNED_AT_ONCE):
        some = rows[start : start + _ALIGNED_AT_ONCE]
        texts = [sentence_of(row["tokens"]) for row in some]
        for row, (_, words), aligned in zip(
            some, texts, engine.aligned([text for text, _ in texts], source, target), strict=True
        ):
            made, reason = _put(row, words, aligned, target, labels)
            put.rows.append(made)
            put.reasons.append(reason)
        progress(f"translating to {target}", min(start + _ALIGNED_AT_ONCE, len(rows)), len(rows))
    return put


def sentence_of(words: Sequence[str]) -> tuple[str, list[Span]]:
    """Words as a sentence with blanks where English has them, and where each word stands in it."""
    text, places, glued = "", [], True
    for word in words:
        ends_in = glued or word in _SHORTENED or (len(word) == 1 and word in _NO_BLANK_BEFORE)
        text += "" if ends_in else " "
        places.append((len(text), len(text) + len(word)))
        text += word
        glued = len(word) == 1 and word in _NO_BLANK_BEHIND
    return text, places


def _put(
    row: Row, words: Sequence[Span], aligned: Aligned | None, language: str, labels: Sequence[str]
) -> tuple[Row, str | None]:
    """The row in the language, and why it cannot stay."""
    output = aligned.output if aligned is not None else ""
    places = words_of(output, language)
    made = {**row, "tokens": [output[slice(*place)] for place in places], "tags": [0] * len(places)}
    if aligned is None or not places:
        return made, UNALIGNED
    shares = aligned.between(words, places)
    names = [labels[tag] for tag in row["tags"]]
    tags = _entities(names, shares) if any(_begins(name) for name in labels) else _each(names, shares)
    if isinstance(tags, str):
        return made, tags
    return {**made, "tags": [labels.index(name) for name in tags]}, None


def _each(names: Sequence[str], shares: np.ndarray) -> list[str] | str:
    """The tag of the word that each comes from; or why there is none."""
    return [names[place] for place in shares.argmax(axis=1)] if shares.max(axis=1).min() >= _LEAST else UNALIGNED


def _entities(names: Sequence[str], shares: np.ndarray) -> list[str] | str:
    """The entities of the words, and O for all others; or why a row has lost one."""
    sources = np.where(shares.max(axis=1) >= _LEAST, shares.argmax(axis=1), -1)
    tags = ["O"] * len(sources)
    for name, start, end in entities(names):
        own = np.flatnonzero((sources >= start) & (sources < end))
        if not len(own):
            return LOST
        if own[-1] - own[0] + 1 != len(own):
            return SPLIT
        best = shares[:, start:end].argmax(axis=0)  # whom each word of the entity is seen by most
        if not set(best) & set(own):
            return LOST
        tags[own[0] : own[-1] + 1] = [f"B-{name}", *[f"I-{name}"] * (len(own) - 1)]
    return tags


def entities(names: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each entity: its name, its first word, the word behind its last. A tag I- that continues none begins one."""
    start: int | None = None
    for place, name in enumerate([*names, "O"]):
        if start is not None and not (name.startswith("I-") and name[2:] == names[start][2:]):
            yield names[start][2:], start, place
            start = None
        if start is None and name[:2] in ("B-", "I-"):
            start = place


def _begins(name: str) -> bool:
    return name.startswith("B-")
