"""Checks a benchmark's declaration against its kind and its metrics, before any row is read."""

from __future__ import annotations

from collections.abc import Iterable

from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import get
from xtransfer.kinds.spec import Kind
from xtransfer.metrics import metrics


def fault(benchmark: Benchmark) -> str | None:
    """Returns, in one line, why a benchmark cannot be used; None if it can."""
    try:
        kind = get(benchmark.kind)
        if benchmark.english is not None and (said := _fault_of_part(benchmark, benchmark.english, "english")):
            return said
        if benchmark.union:
            own = next((said for part in benchmark.union if (said := _fault_of_part(benchmark, part))), None)
        else:
            own = _fault_of_columns(benchmark, kind) or _fault_of_labels(benchmark, kind)
        own = own or (kind.declared(benchmark) if kind.declared is not None else None)
        return own or _fault_of_metrics(benchmark, kind)
    except XTransferError as error:
        return str(error)


def _fault_of_part(benchmark: Benchmark, part: Benchmark, field: str = "union") -> str | None:
    if (part.kind, part.labels) != (benchmark.kind, benchmark.labels):
        return (
            f"{field}: {part.name} is of kind {part.kind} with labels {_listed(part.labels)}, and {benchmark.name} of "
            f"kind {benchmark.kind} with labels {_listed(benchmark.labels)}; both must be the same"
        )
    return fault(part)


def _fault_of_columns(benchmark: Benchmark, kind: Kind) -> str | None:
    fields = set(kind.fields)
    if missing := sorted(fields - set(benchmark.columns)):
        return f"columns: kind {kind.name} also needs {', '.join(missing)}"
    if unread := sorted(set(benchmark.columns) - fields):
        return f"columns: kind {kind.name} has no field {', '.join(unread)} (known: {', '.join(sorted(fields))})"
    if benchmark.taken_from and (benchmark.id is None or benchmark.adapt is not None):
        return "taken_from: rows are found by id; set id to its column, and leave adapt out"
    for column, code in benchmark.taken_from.items():
        if column not in benchmark.columns.values():
            return f"taken_from: '{column}' is none of the columns ({', '.join(map(str, benchmark.columns.values()))})"
        if code not in benchmark.languages:
            return f"taken_from: '{code}' is none of the languages ({', '.join(benchmark.languages)})"
    return None


def _fault_of_labels(benchmark: Benchmark, kind: Kind) -> str | None:
    """Returns what is wrong with the labels; without declared labels, the kind checks the ids of each row."""
    names, values = benchmark.labels, benchmark.label_values or {}
    if not {"label", "tags"} & set(kind.fields):
        return f"label_values: kind {kind.name} has no labels" if names or values else None
    if len(set(names)) < len(names):
        return f"labels: {_listed(names)} has a name twice; each id needs a name of its own"
    allowed = range(len(names)) if names else None
    for value, number in values.items():
        if type(number) is not int or number < 0 or (allowed is not None and number not in allowed):
            ids = f"one of {', '.join(f'{own} ({name})' for own, name in enumerate(names))}" if names else "0 or more"
            return f"label_values: {value!r} has id {number!r}, expected {ids}; correct it or add its name to labels"
    return None


def _fault_of_metrics(benchmark: Benchmark, kind: Kind) -> str | None:
    """Returns why a metric cannot score the kind's predictions, in these languages, without an answer."""
    predicts = kind.decode is not None or kind.retrieval is not None
    if not benchmark.metric and (benchmark.also or "target" in benchmark.roles):
        return f"metric: a target needs one; kind {kind.name} can use {_listed(_fitting(benchmark, kind))}"
    for name in (benchmark.metric, *benchmark.also):
        if not name:
            continue
        metric = metrics.get(name)
        if not predicts:
            return f"metric: kind {kind.name} is only trained on; set metric='' and roles=('intermediate',)"
        others = _listed([other for other in _fitting(benchmark, kind) if other != name])
        if metric.shape != kind.shape:
            return f"metric: {name} scores {metric.shape}, and kind {kind.name} predicts {kind.shape}; use {others}"
        if benchmark.no_answer and not metric.no_answer:
            return f"metric: {name} cannot score questions without an answer (no_answer); use {others}"
        if lacking := _lacking(benchmark, metric):
            return f"metric: {name} has no rules for {', '.join(lacking)}; use {others}"
    return None


def _fitting(benchmark: Benchmark, kind: Kind) -> list[str]:
    return [
        metric.name
        for metric in metrics.METRICS.values()
        if metric.shape == kind.shape
        and (metric.no_answer or not benchmark.no_answer)
        and not _lacking(benchmark, metric)
    ]


def _lacking(benchmark: Benchmark, metric: metrics.Metric) -> list[str]:
    """Returns the benchmark's languages that a metric has no rules for."""
    scored = dict.fromkeys([*benchmark.languages_of("dev"), *benchmark.languages_of("test")])
    return [code for code in scored if metric.languages is not None and code not in metric.languages]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
