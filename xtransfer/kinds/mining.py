"""Kind `mining`: find translations between two sets of sentences (BUCC 2018).

A row is a sentence of one side. Follows jiant's bucc2018.py, the working version of what google-research/xtreme
took from LASER. Equal texts on one side are one sentence with the vector of the last one. Margins are ratios over
four neighbours in both directions. Each sentence takes its best partner; pairs are accepted best first, each
sentence once (strategy "max"). A pair is predicted if its margin reaches the threshold with the best F1 on dev.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import FINDS_TRANSLATIONS, Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import one_sequence_each
from xtransfer.kinds.words import found
from xtransfer.metrics.mining_f1 import f1

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

NEIGHBOURHOOD = 4
SOURCE, TARGET = "source", "target"
Thresholds = Mapping[str, float]  # language → smallest margin of a predicted pair


@dataclass(frozen=True)
class Pair:
    """The ids of a source row and a target row, and the margin between their texts."""

    source: str
    target: str
    margin: float


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence."""
    texts = [(as_query if row["side"] == SOURCE else as_passage)(row, row["text"]) for row in rows]
    return one_sequence_each(texts, None, tokenizer, max_length)


def calibrate(vectors: Mapping[str, Vectors], rows: Languages) -> Thresholds:
    """Returns, for each language, the threshold with the best F1."""
    pairs = {language: mine(own, rows[language]) for language, own in vectors.items()}
    return {language: best_threshold(found, gold(rows[language])) for language, found in pairs.items()}


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: Thresholds) -> dict[str, list[Prediction]]:
    """Returns the ids of each source row's translations (none for most) and empty predictions for target rows."""
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
    """Returns all pairs with a positive margin, best first, each text used once.

    Each combination of rows with the two texts of a pair is a pair of its own.
    """
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
    """Returns the ids of the pairs that are translations."""
    return {(row["id"], partner) for row in rows for partner in row["partners"]}


def best_threshold(pairs: Sequence[Pair], right: set[tuple[str, str]]) -> float:
    """Returns the threshold on the margin with the best F1; 0 if no pair is correct.

    It lies half-way between the last accepted pair and the next one, or at the last pair if there is no next.
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
    """The distinct texts of one side: the ids of their rows, and one vector [hidden] per text."""

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
    """Yields (margin, source, target) of the pairs of strategy "max", best first."""
    import torch

    from xtransfer.kinds.nearest_search import k_nearest, ratio_margins

    forward, backward = k_nearest(sources, targets, NEIGHBOURHOOD), k_nearest(targets, sources, NEIGHBOURHOOD)
    there, back = ratio_margins(forward, backward), ratio_margins(backward, forward)
    best_target = forward.indices.gather(1, there.argmax(1, keepdim=True)).squeeze(1)
    best_source = backward.indices.gather(1, back.argmax(1, keepdim=True)).squeeze(1)
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
    """Returns what is wrong with a row, or None if it is valid."""
    if row["side"] not in (SOURCE, TARGET):
        return f"side is {row['side']!r}, expected '{SOURCE}' or '{TARGET}'"
    if row["side"] == TARGET and row["partners"]:
        return "partners is set on a target row; only source rows may have partners"
    return None


KIND = Kind(
    name="mining",
    fields={"text": str, "side": str, "partners": list[str]},
    about="translated sentence pairs, to be found in two collections",
    encode=encode,
    prompts=True,
    retrieval=Retrieval(find, calibrate),
    shape="sets",
    gold=lambda benchmark, row: row["partners"],
    check=check,
    translation=FINDS_TRANSLATIONS,
    shown=("text",),
    words=found("text"),
)
