"""P@k of retrieval: whether the right one is among the first k, as Chidambaram et al. 2018 count it."""

from __future__ import annotations

from collections.abc import Sequence

DEPTH = 10  # of a ranking that is kept


def found_within(k: int, gold: Sequence[str], ranking: Sequence[str]) -> float:
    """100 where one of the right ids is among the first k of a ranking, 0 elsewhere."""
    return 100.0 if set(gold) & set(ranking[:k]) else 0.0
