"""Checks a benchmark's declaration against its kind, before any row is read."""

from __future__ import annotations

from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import get


def fault(benchmark: Benchmark) -> str | None:
    """Returns, in one line, why a benchmark cannot be used; None if it can."""
    try:
        fields = set(get(benchmark.kind).fields)
    except XTransferError as error:
        return str(error)
    if benchmark.union:
        return next((said for part in benchmark.union if (said := fault(part))), None)
    if missing := sorted(fields - set(benchmark.columns)):
        return f"columns: kind {benchmark.kind} also needs {', '.join(missing)}"
    if unread := sorted(set(benchmark.columns) - fields):
        return f"columns: kind {benchmark.kind} has no field {', '.join(unread)} (known: {', '.join(sorted(fields))})"
    if benchmark.kind in ("pair", "dual-pair") and len(benchmark.labels) < 2:
        return f"labels: kind {benchmark.kind} needs at least two, found {len(benchmark.labels)}"
    if "tags" in fields and not (benchmark.labels or benchmark.labels_from):
        return f"labels: kind {benchmark.kind} needs them; set labels or labels_from"
    return None
