"""Whether a declaration fits its kind: what can be said before any row is read."""

from __future__ import annotations

from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import get


def fault(benchmark: Benchmark) -> str | None:
    """What keeps a benchmark from being used, in one line; None where nothing does."""
    try:
        fields = set(get(benchmark.kind).fields)
    except XTransferError as error:
        return str(error)
    if benchmark.union:
        return next((said for part in benchmark.union if (said := fault(part))), None)
    if missing := sorted(fields - set(benchmark.columns)):
        return f"columns: kind {benchmark.kind} also reads {', '.join(missing)}"
    if unread := sorted(set(benchmark.columns) - fields):
        return f"columns: kind {benchmark.kind} has no field {', '.join(unread)} (known: {', '.join(sorted(fields))})"
    if benchmark.kind in ("pair", "dual-pair") and len(benchmark.labels) < 2:
        return "labels: a pair needs at least two"
    if "tags" in fields and not (benchmark.labels or benchmark.labels_from):
        return "labels: none are named"
    return None
