"""Chunk F1 over tag sequences, as computed by seqeval 1.2.2 in default mode (the same as conlleval).

A tag is its first character (the prefix) plus a type: what follows the first hyphen of the rest, or `_` if nothing is
left. B-, I-, E-, S- and O thus mean what they mean in IOB and IOBES. An I- that follows no chunk, or a chunk of
another type, opens a new chunk. XTREME also applies this to bare part-of-speech tags, where `NOUN` becomes prefix N
with type OUN. This has side effects: adjacent tags of one type merge into one chunk; CCONJ is lost before SCONJ, which
has the same type (and merges with it in the other order); `X` is lost at the end of a sentence, since its type is O's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xtransfer.base.errors import DataError

Tags = Sequence[str]
Chunk = tuple[str, int, int]  # type, first and last position in the concatenated sentences
_OUTSIDE, _NO_TYPE = "O", "_"
_ENDS = frozenset({"BB", "BS", "BO", "IB", "IS", "IO"})  # pairs of prefixes between which a chunk ends
_STARTS = frozenset({"EE", "EI", "SE", "SI", "OE", "OI"})  # pairs of prefixes between which a chunk starts


@dataclass(frozen=True)
class ChunkScore:
    """Points, 0-100; 0 if the divisor is 0."""

    precision: float
    recall: float
    f1: float


def chunk_f1(golds: Sequence[Tags], predictions: Sequence[Tags]) -> ChunkScore:
    """Returns micro-averaged scores over the chunks of all sentences; type and both ends must match.

    Raises DataError if a sentence has more or fewer predicted tags than words.
    """
    _check(golds, predictions)
    true, found = chunks(golds), chunks(predictions)
    right = len(true & found)
    precision = right / len(found) if found else 0.0
    recall = right / len(true) if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return ChunkScore(precision * 100, recall * 100, f1 * 100)


def chunks(sentences: Iterable[Tags]) -> set[Chunk]:
    """Returns the chunks of sentences of tags; sentences are separated by one O."""
    found: set[Chunk] = set()
    before, before_type, first = _OUTSIDE, "", 0
    tags = [tag for sentence in sentences for tag in (*sentence, _OUTSIDE)]
    for place, tag in enumerate((*tags, _OUTSIDE)):
        prefix, kind = tag[0], tag[1:].split("-", maxsplit=1)[-1] or _NO_TYPE
        changed = kind != before_type
        if before in "ES" or before + prefix in _ENDS or (changed and before not in "O."):
            found.add((before_type, first, place - 1))
        if prefix in "BS" or before + prefix in _STARTS or (changed and prefix not in "O."):
            first = place
        before, before_type = prefix, kind
    return found


def tag_accuracy(golds: Sequence[Tags], predictions: Sequence[Tags]) -> float:
    """Returns the share of words with the correct tag, in points. Raises DataError like `chunk_f1`."""
    _check(golds, predictions)
    pairs = [pair for gold, tags in zip(golds, predictions, strict=True) for pair in zip(gold, tags, strict=True)]
    return 100 * sum(gold == tag for gold, tag in pairs) / len(pairs) if pairs else 0.0


def _check(golds: Sequence[Tags], predictions: Sequence[Tags]) -> None:
    for number, (gold, tags) in enumerate(zip(golds, predictions, strict=True)):
        if len(gold) != len(tags):
            raise DataError(f"sentence {number}: {len(tags)} predicted tags for {len(gold)} words; give one per word")
