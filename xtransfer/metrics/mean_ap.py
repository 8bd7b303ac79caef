"""Mean average precision at 20, as in google-research/xtreme's utils_lareqa.py and utils_mewslix.py.

An item is a query. Its gold is the ids of all relevant candidates, its prediction candidate ids, best first. A
repeated id counts only at its first position. The divisor is the number of relevant candidates, at most 20. With one
relevant candidate this is the reciprocal rank, or 0 below rank 20.
"""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.errors import DataError

DEPTH = 20


def average_precision(relevant: Sequence[str], ranking: Sequence[str]) -> float:
    """Returns the average precision (0-1) of one query; raises DataError if no candidate is relevant."""
    if not relevant:
        raise DataError("map@20: a query has no relevant candidate, so it cannot be scored; drop the query")
    left, total, hits = set(relevant), 0.0, 0.0
    depth = min(len(left), DEPTH)
    for place, name in enumerate(ranking[:DEPTH], start=1):
        if name in left:
            left.remove(name)
            hits += 1.0
            total += hits / place
    return total / depth


def mean_average_precision(golds: Sequence[Sequence[str]], rankings: Sequence[Sequence[str]]) -> float:
    """Returns the mean over queries, in points."""
    each = [average_precision(relevant, ranking) for relevant, ranking in zip(golds, rankings, strict=True)]
    return sum(each) / len(each) * 100
