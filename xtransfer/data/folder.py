"""A user's folder of files, one or more per split: `train.csv`, `de/test.jsonl`, `test-00000-of-00002.parquet`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, json


def split_files(folder: Path, config: str | None, split: str) -> list[Path]:
    """Returns a split's files, sorted: `<split>.<type>` or `<split>-<anything>.<type>` in the configuration's folder.

    In a mirror, the folder of a data set without configurations is `default`.
    """
    mirrored = sorted((folder / (config or "default")).glob(f"{split}-*.parquet"))
    if mirrored:
        return mirrored
    own = folder / config if config else folder
    found = [*own.glob(f"{split}.*"), *own.glob(f"{split}-*.*")]
    return sorted(file for file in found if file.suffix in (".parquet", *READERS))


def _csv(file: Path) -> pa.Table:
    """Reads comma-separated values with a header line; an empty field is an empty text, and no text means missing."""
    options = csv.ConvertOptions(null_values=[], strings_can_be_null=False)
    return csv.read_csv(file, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)


# read as a whole; parquet is read by `source`, which can select columns
READERS: dict[str, Callable[[Path], pa.Table]] = {".csv": _csv, ".jsonl": json.read_json}
