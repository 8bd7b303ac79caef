"""Reads labels from a file next to licensed data, when only that data shows which labels exist."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base import settings
from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Benchmark


def with_labels(benchmark: Benchmark) -> Benchmark:
    """Returns the benchmark with the labels of its file, one per line; unchanged if its folder is not on this machine.

    Raises DataError if the folder lacks the file, or if the file is empty or repeats a label.
    """
    mirror = settings.current().hub_dir
    folder = mirror / benchmark.source.path if mirror is not None else None
    if folder is None or not folder.is_dir():
        return benchmark
    file = folder / benchmark.labels_from
    if not file.is_file():
        raise DataError(f"{benchmark.name}: {file} is missing; write every label that occurs to it, one per line")
    labels = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    if not labels or len(set(labels)) < len(labels):
        fault = "lists a label twice" if labels else "is empty"
        raise DataError(f"{file}: {fault}; it must list every label once, one per line")
    return replace(benchmark, labels=labels, label_values={label: number for number, label in enumerate(labels)})
