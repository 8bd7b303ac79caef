"""F1 of mined sentence pairs, as in google-research/xtreme's evaluate.py for BUCC 2018.

An item is a source sentence. Its gold is the ids of its translations (none for most), its prediction the ids that
were mined. The sets of pairs of all items are compared, so a repeated pair counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Partners = Sequence[str]


@dataclass(frozen=True)
class PairScore:
    """Points, 0-100; all 0 if no pair is correct."""

    precision: float
    recall: float
    f1: float


def pair_f1(golds: Sequence[Partners], predictions: Sequence[Partners]) -> PairScore:
    """Returns the scores of the predicted pairs of all items."""
    true, found = _pairs(golds), _pairs(predictions)
    right = len(true & found)
    if not right:
        return PairScore(0.0, 0.0, 0.0)
    return PairScore(right / len(found) * 100, right / len(true) * 100, f1(right, len(found), len(true)) * 100)


def f1(right: int, found: int, true: int) -> float:
    """Returns F1 (0-1) from the numbers of correct, predicted and gold pairs; 0 if none is correct."""
    if not right:
        return 0.0
    precision, recall = right / found, right / true
    return 2 * precision * recall / (precision + recall)


def _pairs(partners: Sequence[Partners]) -> set[tuple[int, str]]:
    return {(item, partner) for item, own in enumerate(partners) for partner in own}
