"""Compares the names that a file gives its label ids (`ClassLabel` of the datasets library) with a declaration."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Benchmark

_KEY = b"huggingface"  # of the schema's metadata, as `datasets` writes it
Names = dict[str, tuple[str, ...]]  # column → names of the ids 0, 1, …


def class_names(table: pa.Table) -> Names:
    """Returns the names of each column of label ids, or of lists of these; empty if the file has no such metadata."""
    try:
        features = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))["info"]["features"]
    except (ValueError, LookupError, TypeError):
        return {}
    found = {name: _names(feature) for name, feature in features.items()} if isinstance(features, dict) else {}
    return {name: names for name, names in found.items() if names}


def check_names(benchmark: Benchmark, table: pa.Table, where: str) -> None:
    """Raises DataError, starting with `where`, if a file gives an id another of the declared names.

    Names that the declaration does not have say nothing, since a declaration may use other words. Rows that `adapt`
    changes are not compared.
    """
    if benchmark.adapt is not None or not benchmark.labels:
        return
    named = class_names(table)
    for field in ("label", "tags"):
        column = benchmark.columns.get(field)
        if isinstance(column, str) and column in named and _differ(benchmark, named[column]):
            raise DataError(
                f"{where}, column '{column}': the file's metadata names the ids {_listed(named[column])}, and the "
                f"declaration {_declared(benchmark)}; set labels in the file's order, or label_values from id to id"
            )


def _names(feature: object) -> tuple[str, ...]:
    if isinstance(feature, list) and feature:  # a list as older versions write it
        return _names(feature[0])
    if not isinstance(feature, Mapping):
        return ()
    names = feature.get("names")
    if feature.get("_type") == "ClassLabel" and isinstance(names, list):
        return tuple(map(str, names))
    return _names(feature.get("feature"))


def _differ(benchmark: Benchmark, names: tuple[str, ...]) -> bool:
    known = {_plain(label) for label in benchmark.labels}
    ids = benchmark.label_values or dict(enumerate(range(len(benchmark.labels))))
    ours = {number: _plain(benchmark.labels[ids[number]]) for number, _ in enumerate(names) if number in ids}
    return any(_plain(names[number]) in known - {label} for number, label in ours.items())


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", " ").replace("-", " ")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{number} {name}" for number, name in enumerate(names))


def _declared(benchmark: Benchmark) -> str:
    ids = benchmark.label_values or dict(enumerate(range(len(benchmark.labels))))
    return ", ".join(f"{value} {benchmark.labels[number]}" for value, number in ids.items())
