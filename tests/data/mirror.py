"""A small mirror in the hub's layout, written by a test; what a real one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.benchmarks.spec import Benchmark, Source, SplitName
from xtransfer.data.source import in_mirror

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


def holds(benchmark: Benchmark, split: SplitName, code: str) -> bool:
    """Whether the mirror has all files of a split in a language; of many data sets it has a part alone."""
    if benchmark.union:
        return all(holds(part, split, code) for part in benchmark.union if part.has(split, code))
    source = benchmark.source_of(split, code)
    configs, names = source.configs_of(code), source.splits_of(split, code)
    return all(in_mirror(source.path_of(code), config, name) for config in configs for name in names)
