"""The report of a study of real size: 10 intermediates and direct, 5 seeds, XNLI and XCOPA with all their items.

The study is generated: scores are drawn, nothing is trained. Ours is the whole report, from the database and the
predictions to the page with every plot and table; the other way is what a notebook begins with: pandas reads the
same predictions and takes means and gains, without an interval or a plot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perf.measure import Measure, paired, parser, show
from xtransfer import benchmarks
from xtransfer.grid import Cell, Plan
from xtransfer.languages import XTREME_R
from xtransfer.report import write_report
from xtransfer.results.database import Database, open_database
from xtransfer.results.write import record_cell, record_study
from xtransfer.stages.spec import Stage
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study import Study

GOAL = 10.0  # seconds on two cores
MOST_BYTES = 3_000_000  # of the page
ITEMS = {"xnli": 5010, "xcopa": 500}  # in each language
INTERMEDIATES, SEEDS = 10, 5
QUICK_SHARE = 10  # a quick study has a tenth of the items, and two seeds


def measure(quick: bool) -> list[Measure]:
    """One measure. Raises AssertionError where the page is too large."""
    with generated(quick) as (database, store, cells):

        def ours() -> float:
            start = perf_counter()
            with TemporaryDirectory() as out:
                page = write_report("generated", database, store, Path(out))
                taken = perf_counter() - start
                assert page.stat().st_size < MOST_BYTES, f"the page has {page.stat().st_size:,} bytes"
                return taken

        def other() -> float:
            start = perf_counter()
            _means(store, cells)
            return perf_counter() - start

        found = paired({f"{len(cells)} cells": (ours, other)}, pairs=1 if quick else 3)
    return [Measure(name, *seconds, under=None if quick else GOAL) for name, seconds in found.items()]


@contextmanager
def generated(quick: bool) -> Iterator[tuple[Database, ArtifactStore, tuple[Cell, ...]]]:
    """A finished study in a temporary folder."""
    names = ["direct", *(f"mnli@{code}~some-engine" for code in XTREME_R if code != "en")][: INTERMEDIATES + 1]
    values = {"name": "generated", "encoders": ["xlm-roberta-base"], "intermediates": names, "targets": [*ITEMS],
              "seeds": [*range(2 if quick else SEEDS)]}  # fmt: skip
    study = Study.model_validate(values)
    with TemporaryDirectory() as folder:
        store = ArtifactStore(Path(folder) / "artifacts")
        cells = tuple(_cells(study, store, QUICK_SHARE if quick else 1))
        with open_database(f"sqlite:///{folder}/results.db") as database:
            record_study(database, Plan(study, cells, tuple(cell.score for cell in cells)))
            for cell in cells:
                record_cell(database, study.name, cell, store)
            yield database, store, cells


def _cells(study: Study, store: ArtifactStore, share: int) -> Iterator[Cell]:
    draw = np.random.default_rng(0)
    for intermediate in study.intermediates:
        for target in study.targets:
            languages = benchmarks.get(target.benchmark).languages
            for seed in study.seeds:
                settings = {"benchmark": target.benchmark, "split": "test", "languages": [*languages], "data": "",
                            "intermediate": intermediate.slug, "seed": seed}  # fmt: skip
                stage = Stage("score", 1, f"score {target.slug} after {intermediate.slug} seed {seed}", settings)
                _commit(store, stage, languages, ITEMS[target.benchmark] // share, draw)
                yield Cell("xlm-roberta-base@e73636d4f797", intermediate, target, seed, stage)


def _commit(
    store: ArtifactStore, stage: Stage, languages: tuple[str, ...], items: int, draw: np.random.Generator
) -> None:
    out = store.empty_out(stage.key)
    right = draw.random((len(languages), items)) < draw.normal(0.7, 0.02, (len(languages), 1))
    answers = np.where(right, "1", "0").ravel()
    rows: dict[str, Any] = {
        "language": np.repeat(languages, items),
        "id": np.tile(np.arange(items).astype(str), len(languages)),
        "group": pa.nulls(right.size, pa.string()),
        "gold": np.full(right.size, "1"),
        "prediction": answers,
        "item": 100.0 * right.ravel(),
    }
    pq.write_table(pa.table(rows), out / "predictions.parquet")
    lines = [
        {"language": code, "split": "test", "metric": "accuracy", "value": 100 * float(own.mean()), "n": items,
         "chance": 33.3, "constant": False}
        for code, own in zip(languages, right, strict=True)
    ]  # fmt: skip
    (out / "scores.json").write_text(json.dumps(lines), encoding="utf-8")
    store.commit(stage, out, {}, "cpu", datetime.now(UTC))


def _means(store: ArtifactStore, cells: tuple[Cell, ...]) -> pd.DataFrame:
    """Gains per target, intermediate and language, as pandas gives them."""
    frames = []
    for cell in cells:
        artifact = store.find(cell.score.key)
        assert artifact is not None
        frame = pd.read_parquet(artifact.folder / "predictions.parquet", columns=["language", "item"])
        frames.append(frame.assign(intermediate=cell.intermediate.slug, target=cell.target.slug))
    means = pd.concat(frames).groupby(["target", "intermediate", "language"])["item"].mean().unstack("intermediate")
    return means.sub(means["direct"], axis=0)


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    show(measure(options.quick), options, "Report page")
