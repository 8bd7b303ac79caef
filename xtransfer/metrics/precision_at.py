"""P@k of retrieval: whether the correct candidate is among the first k, as in Chidambaram et al. 2018."""

from __future__ import annotations

from collections.abc import Sequence

DEPTH = 10  # stored length of a ranking


def found_within(k: int, gold: Sequence[str], ranking: Sequence[str]) -> float:
    """Returns 100.0 if a correct id is among the first k of a ranking, else 0.0."""
    return 100.0 if set(gold) & set(ranking[:k]) else 0.0
