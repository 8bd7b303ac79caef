"""The report of a study of real size: 10 intermediates and direct, 5 seeds, XNLI and XCOPA with all items.

The study is generated with random scores. Ours is the whole report, from database and predictions to the page with
every plot and table; the alternative is the start of a notebook: pandas reads the same predictions and computes means
and gains, without intervals or plots.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd

from perf.finished import draw_scores
from perf.measure import Measure, paired, parser, show
from xtransfer import benchmarks
from xtransfer.base.languages import XTREME_R
from xtransfer.base.stage import HubModel
from xtransfer.report import write_report
from xtransfer.results.database import Database, open_database
from xtransfer.results.write import record_cell, record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.stage_settings import ScoreSettings
from xtransfer.study.study import Study

GOAL = 10.0  # seconds on two cores
MOST_BYTES = 3_000_000  # of the page
ITEMS = {"xnli": 5010, "xcopa": 500}  # in each language
INTERMEDIATES, SEEDS = 10, 5
QUICK_SHARE = 10  # a quick study has a tenth of the items, and two seeds


def measure(quick: bool) -> list[Measure]:
    """One measure. Raises AssertionError if the page is too large."""
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
                read = HubModel(id="xlm-roberta-base", revision=f"{intermediate.slug} {seed}")
                settings = ScoreSettings(checkpoint=read, benchmark=target.benchmark, data="", split="test",
                                         languages=languages, max_length=128)  # fmt: skip
                stage = settings.stage(f"score {target.slug} after {intermediate.slug} seed {seed}")
                out = store.empty_out(stage.key)
                draw_scores(out, stage, ITEMS[target.benchmark] // share, draw)
                store.commit(stage, out, {}, "cpu", datetime.now(UTC))
                yield Cell("xlm-roberta-base@e73636d4f797", intermediate, target, seed, stage)


def _means(store: ArtifactStore, cells: tuple[Cell, ...]) -> pd.DataFrame:
    """Gains per target, intermediate and language, by pandas."""
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
