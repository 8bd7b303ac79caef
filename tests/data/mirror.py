"""A small mirror in the hub's layout, written by a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.benchmarks.spec import Benchmark, Source

SOURCE = Source("someone/things", config="{language}", splits={"train": "train", "test": "test"})
PAIR = Benchmark(
    name="things",
    kind="pair",
    languages=("de", "sw"),
    source=SOURCE,
    columns={"first": "premise", "second": "hypothesis", "label": "label"},
    labels=("entailment", "neutral", "contradiction"),
    metric="accuracy",
    chance=100 / 3,
)
COLUMNS: dict[str, list[Any]] = {
    "premise": ["p0", "p1", "p2"],
    "hypothesis": ["h0", "h1", "h2"],
    "label": [0, 2, 1],
    "unread": [0, 0, 0],
}


def write(mirror: Path, place: str, columns: dict[str, list[Any]]) -> Path:
    """Writes `<mirror>/<place>-00000-of-00001.parquet`; place: `someone/things/de/train`."""
    file = mirror / f"{place}-00000-of-00001.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)
    return file
