"""Chunk F1 over sequences of tags, as seqeval 1.2.2 computes it by default (that is, as conlleval does).

A tag is read as its first character and, after the first hyphen of the rest, a type (`_` where nothing is
left). So B-, I-, E-, S- and O mean what they do in IOB and IOBES, an I- that follows nothing opens a chunk,
and one of another type opens a new one. XTREME applies this to bare part-of-speech tags too, where `NOUN` is
prefix N with type OUN: neighbours of one type make one chunk, CCONJ is lost before SCONJ, whose type is the
same (and after it makes one chunk with it), and so is `X` before the end of a sentence, whose type is O's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xtransfer.base.errors import DataError

Tags = Sequence[str]
Chunk = tuple[str, int, int]  # type, first and last place in all sentences laid end to end
_OUTSIDE, _NO_TYPE = "O", "_"
_ENDS = frozenset({"BB", "BS", "BO", "IB", "IS", "IO"})  # a prefix and the next: a chunk ends between them
_STARTS = frozenset({"EE", "EI", "SE", "SI", "OE", "OI"})  # one starts


@dataclass(frozen=True)
class ChunkScore:
    """Points, 0-100; 0 where there is nothing to divide by."""

    precision: float
    recall: float
    f1: float


def chunk_f1(golds: Sequence[Tags], predictions: Sequence[Tags]) -> ChunkScore:
    """Micro-averaged over the chunks of all sentences. A chunk is right with its type and both its ends.

    Raises DataError where a sentence has more or fewer predicted tags than words.
    """
    _check(golds, predictions)
    true, found = chunks(golds), chunks(predictions)
    right = len(true & found)
    precision = right / len(found) if found else 0.0
    recall = right / len(true) if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return ChunkScore(precision * 100, recall * 100, f1 * 100)


def chunks(sentences: Iterable[Tags]) -> set[Chunk]:
    """The chunks of sentences of tags; between two sentences stands one O."""
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
    """Points, 0-100: the share of all words whose tag is right. Raises DataError as `chunk_f1` does."""
    _check(golds, predictions)
    pairs = [pair for gold, tags in zip(golds, predictions, strict=True) for pair in zip(gold, tags, strict=True)]
    return 100 * sum(gold == tag for gold, tag in pairs) / len(pairs) if pairs else 0.0


def _check(golds: Sequence[Tags], predictions: Sequence[Tags]) -> None:
    for number, (gold, tags) in enumerate(zip(golds, predictions, strict=True)):
        if len(gold) != len(tags):
            raise DataError(f"sentence {number}: {len(tags)} predicted tags for {len(gold)} words; give one each")
