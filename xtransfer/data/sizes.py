"""Counts the rows of a split without reading them, for estimates of time."""

from __future__ import annotations

from pathlib import Path

from pyarrow import parquet

from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark, SplitName
from xtransfer.data.folder import is_text, read_text_file, split_files
from xtransfer.data.source import LAB, mirrored


def num_rows(benchmark: Benchmark, language: str, split: SplitName) -> int | None:
    """Returns the rows of a split in a language, those included that are dropped on reading; None if not in reach."""
    benchmark = benchmark.read_as(split, language)
    if benchmark.union:
        parts = [num_rows(part, language, split) for part in benchmark.union if part.has(split, language)]
        return None if None in parts else sum(one or 0 for one in parts)
    source = benchmark.source_of(split, language)
    if source.path == LAB:
        from xtransfer import lab

        return len(lab.rows(benchmark.name, language, split))
    folder = mirrored(source.path_of(language))
    if folder is None:
        return None
    files = [
        file
        for config in source.configs_of(language)
        for name in source.splits_of(split, language)
        for file in split_files(folder, config, name)
    ]
    try:
        count = sum(_in_file(file) for file in files)
    except (OSError, ValueError, XTransferError):  # whoever reads the rows says what is wrong with the file
        return None
    return count // benchmark.share[1] if benchmark.share is not None else count


def _in_file(file: Path) -> int:
    return read_text_file(file).num_rows if is_text(file) else parquet.read_metadata(file).num_rows  # type: ignore[no-any-return]
