"""Checks a benchmark's declaration against its kind, before any row is read."""

from __future__ import annotations

from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import get


def fault(benchmark: Benchmark) -> str | None:
    """Returns, in one line, why a benchmark cannot be used; None if it can."""
    try:
        kind = get(benchmark.kind)
    except XTransferError as error:
        return str(error)
    if benchmark.union:
        return next((said for part in benchmark.union if (said := fault(part))), None)
    fields = set(kind.fields)
    if missing := sorted(fields - set(benchmark.columns)):
        return f"columns: kind {benchmark.kind} also needs {', '.join(missing)}"
    if unread := sorted(set(benchmark.columns) - fields):
        return f"columns: kind {benchmark.kind} has no field {', '.join(unread)} (known: {', '.join(sorted(fields))})"
    return kind.declared(benchmark) if kind.declared is not None else None
