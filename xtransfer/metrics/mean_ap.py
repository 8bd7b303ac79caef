"""Mean average precision of the first 20, as google-research/xtreme's utils_lareqa.py and utils_mewslix.py have it.

An item is a query, its gold the ids of all relevant candidates, its prediction candidate ids, the best first. An
id that is said twice counts at its first place. The divisor is the number of relevant candidates, at most 20. With
one relevant candidate this is the reciprocal rank, 0 from place 21 on.
"""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.errors import DataError

DEPTH = 20


def average_precision(relevant: Sequence[str], ranking: Sequence[str]) -> float:
    """Average precision (0-1) of one query; raises DataError where nothing is relevant to it."""
    if not relevant:
        raise DataError("map@20: nothing is relevant to a query, so that it has no score; drop the query")
    left, total, hits = set(relevant), 0.0, 0.0
    depth = min(len(left), DEPTH)
    for place, name in enumerate(ranking[:DEPTH], start=1):
        if name in left:
            left.remove(name)
            hits += 1.0
            total += hits / place
    return total / depth


def mean_average_precision(golds: Sequence[Sequence[str]], rankings: Sequence[Sequence[str]]) -> float:
    """The mean over queries, in points."""
    each = [average_precision(relevant, ranking) for relevant, ranking in zip(golds, rankings, strict=True)]
    return sum(each) / len(each) * 100
