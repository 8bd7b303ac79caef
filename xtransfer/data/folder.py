"""A user's folder of files, one or more per split: `train.csv`, `de/test.jsonl`, `test-00000-of-00002.parquet`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, json


def split_files(folder: Path, config: str | None, split: str) -> list[Path]:
    """The files of a split, sorted: `<split>.<type>` or `<split>-<anything>.<type>`, below the configuration's folder.

    In a mirror's layout the configuration of a data set that has none is the folder `default`.
    """
    mirrored = sorted((folder / (config or "default")).glob(f"{split}-*.parquet"))
    if mirrored:
        return mirrored
    own = folder / config if config else folder
    found = [*own.glob(f"{split}.*"), *own.glob(f"{split}-*.*")]
    return sorted(file for file in found if file.suffix in (".parquet", *READERS))


def _csv(file: Path) -> pa.Table:
    """Comma-separated, with a line of headings; an empty place is an empty text, and no other text is."""
    options = csv.ConvertOptions(null_values=[], strings_can_be_null=False)
    return csv.read_csv(file, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)


# what is read whole; parquet, of which only some columns may be wanted, is read by `source`
READERS: dict[str, Callable[[Path], pa.Table]] = {".csv": _csv, ".jsonl": json.read_json}
