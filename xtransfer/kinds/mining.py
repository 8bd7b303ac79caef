"""Kind `mining`: two sets of sentences, of which some are translations of each other (BUCC 2018).

A row is a sentence of one side. Follows jiant's bucc2018.py, the working version of what google-research/xtreme
took from LASER: equal texts of a side are one sentence, with the vector of the last; four neighbours both ways;
ratio margin; each sentence takes its best partner, and of all pairs the best go first, each sentence used once
(strategy "max"). A pair counts from the threshold on that gives the best F1 on the dev split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.nearest import neighbours, ratio_margins
from xtransfer.kinds.spec import Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import one_sequence_each
from xtransfer.metrics.mining_f1 import f1

NEIGHBOURHOOD = 4
SOURCE, TARGET = "source", "target"
Thresholds = Mapping[str, float]  # language → the least margin of a pair


@dataclass(frozen=True)
class Pair:
    """A source and a target row, by id, and the margin of their texts."""

    source: str
    target: str
    margin: float


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence."""
    return one_sequence_each([row["text"] for row in rows], None, tokenizer, max_length)


def calibrate(vectors: Mapping[str, Vectors], rows: Languages) -> Thresholds:
    """Per language the threshold of the best F1."""
    pairs = {language: mine(own, rows[language]) for language, own in vectors.items()}
    return {language: best_threshold(found, gold(rows[language])) for language, found in pairs.items()}


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: Thresholds) -> dict[str, list[Prediction]]:
    """For each source row the ids of its translations, none for most; for target rows nothing."""
    pairs = {language: mine(own, rows[language]) for language, own in vectors.items()}
    return {language: _found(found, rows[language], calibrated[language]) for language, found in pairs.items()}


def _found(pairs: Sequence[Pair], rows: Sequence[Row], threshold: float) -> list[Prediction]:
    partners: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.margin >= threshold:
            partners.setdefault(pair.source, []).append(pair)
    sources = ((partners.get(row["id"], []) if row["side"] == SOURCE else []) for row in rows)
    return [Prediction([pair.target for pair in own], tuple(pair.margin for pair in own)) for own in sources]


def mine(vectors: Vectors, rows: Sequence[Row]) -> list[Pair]:
    """All pairs of a positive margin, the best first, each text used once; equal texts give a pair for each row."""
    sources, targets = _texts(vectors, rows, SOURCE), _texts(vectors, rows, TARGET)
    if not sources.ids or not targets.ids:
        return []
    return [
        Pair(source, target, margin)
        for margin, one, other in _pairs(sources.vectors, targets.vectors)
        for source in sources.ids[one]
        for target in targets.ids[other]
    ]


def gold(rows: Sequence[Row]) -> set[tuple[str, str]]:
    """The pairs that are translations, by id."""
    return {(row["id"], partner) for row in rows for partner in row["partners"]}


def best_threshold(pairs: Sequence[Pair], right: set[tuple[str, str]]) -> float:
    """The margin from which on pairs count for the best F1; 0 where no pair is right.

    Half-way between the last pair that counts and the next; the last one's own where there is no next.
    """
    threshold, best, correct = 0.0, 0.0, 0
    for number, pair in enumerate(pairs, start=1):
        correct += (pair.source, pair.target) in right
        score = f1(correct, number, len(right))
        if score > best:
            following = pairs[number] if number < len(pairs) else pair
            best, threshold = score, (pair.margin + following.margin) / 2
    return threshold


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of one side: the ids of their rows, and a vector [hidden] each."""

    ids: list[list[str]]
    vectors: list[torch.Tensor]


def _texts(vectors: Vectors, rows: Sequence[Row], side: str) -> _Texts:
    ids: dict[str, list[str]] = {}
    last: dict[str, torch.Tensor] = {}
    for own, row in zip(vectors, rows, strict=True):
        if row["side"] == side:
            ids.setdefault(row["text"], []).append(row["id"])
            last[row["text"]] = own[0]
    return _Texts(list(ids.values()), list(last.values()))


def _pairs(sources: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> Iterator[tuple[float, int, int]]:
    """Margin, source and target of the pairs of strategy "max", the best first."""
    forward, backward = neighbours(sources, targets, NEIGHBOURHOOD), neighbours(targets, sources, NEIGHBOURHOOD)
    there, back = ratio_margins(forward, backward), ratio_margins(backward, forward)
    best_target = forward.places.gather(1, there.argmax(1, keepdim=True)).squeeze(1)
    best_source = backward.places.gather(1, back.argmax(1, keepdim=True)).squeeze(1)
    margins = torch.cat([there.amax(1), back.amax(1)])
    ones = torch.cat([torch.arange(len(sources)), best_source]).tolist()
    others = torch.cat([best_target, torch.arange(len(targets))]).tolist()
    used_sources, used_targets = set(), set()
    ordered = margins.sort(descending=True, stable=True)
    for margin, place in zip(ordered.values.tolist(), ordered.indices.tolist(), strict=True):
        one, other = ones[place], others[place]
        if margin > 0 and one not in used_sources and other not in used_targets:
            used_sources.add(one)
            used_targets.add(other)
            yield margin, one, other


def check(row: Row) -> str | None:
    """What is wrong with a row, or None."""
    if row["side"] not in (SOURCE, TARGET):
        return f"side is {row['side']!r}, expected '{SOURCE}' or '{TARGET}'"
    if row["side"] == TARGET and row["partners"]:
        return "a target row names partners; only source rows do"
    return None


KIND = Kind(
    name="mining",
    fields={"text": str, "side": str, "partners": list[str]},
    encode=encode,
    retrieval=Retrieval(find, calibrate),
    gold=lambda benchmark, row: row["partners"],
    check=check,
)
