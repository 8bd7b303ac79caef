"""The predictions behind a cell's scores, and each score's interval over test items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xtransfer.base.errors import StoreError
from xtransfer.results.upsert import Values

if TYPE_CHECKING:
    from xtransfer.store.artifacts import Artifact

FILE = "predictions.parquet"


@dataclass(frozen=True)
class Predictions:
    """The Parquet file of a score artifact."""

    artifact: Artifact

    @property
    def sha256(self) -> str | None:
        """Returns its digest from the manifest; None if there is no such file."""
        entry = self.artifact.manifest.files.get(FILE)
        return None if entry is None else entry.sha256

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Returns some columns; raises StoreError if the file cannot be read."""
        with _readable(self.artifact.folder / FILE) as file:
            return pq.read_table(file, columns=[*columns])

    def row(self, cell: str) -> Values:
        """Returns its row of the table `prediction`; raises StoreError if the file cannot be read."""
        with _readable(self.artifact.folder / FILE) as file:
            num_rows = pq.read_metadata(file).num_rows
        return {"cell": cell, "artifact": self.artifact.key, "file": FILE, "num_rows": num_rows,
                "sha256": self.sha256}  # fmt: skip

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns language → lower and upper end of the main metric's 95% interval over items, in points.

        Languages whose metric has no points per item are left out. Raises StoreError if the file cannot be read.
        """
        from xtransfer.metrics.score_interval import score_intervals  # imports scipy

        table = self.read(("language", "id", "group", "item"))
        languages, names = _numbered(table["language"])
        groups, _ = _numbered(pc.coalesce(table["group"], table["id"]))
        points = table["item"].to_numpy().astype(float)
        low, high = score_intervals(languages, groups, points)
        ends = zip(names, low.tolist(), high.tolist(), strict=True)
        return {name: (bottom, top) for name, bottom, top in ends if not np.isnan(bottom)}


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    try:
        yield file
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{file}: cannot be read ({error}); remove its artifact and run again") from error


def _numbered(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Returns the number of each value, and the distinct values in the order of their numbers."""
    coded = pc.dictionary_encode(column).unify_dictionaries().combine_chunks()
    return coded.indices.to_numpy(), coded.dictionary.to_pylist()
