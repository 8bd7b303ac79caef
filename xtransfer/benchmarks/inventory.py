"""Labels that stand in a file beside the data, where only licensed data tell which there are."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base import settings
from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Benchmark


def with_labels(benchmark: Benchmark) -> Benchmark:
    """The benchmark with the labels of its file, one a line; as it is where its folder is not on this machine.

    Raises DataError for a folder without the file, and for a file that is empty or names a label twice.
    """
    mirror = settings.current().hub_dir
    folder = mirror / benchmark.source.path if mirror is not None else None
    if folder is None or not folder.is_dir():
        return benchmark
    file = folder / benchmark.labels_from
    if not file.is_file():
        raise DataError(f"{benchmark.name}: no file {file}; write every label that occurs to it, one a line")
    labels = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    if not labels or len(set(labels)) < len(labels):
        fault = "names a label twice" if labels else "is empty"
        raise DataError(f"{file}: {fault}; it must hold every label that occurs once, one a line")
    return replace(benchmark, labels=labels, label_values={label: number for number, label in enumerate(labels)})
