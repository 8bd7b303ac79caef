"""The recorded part of the natural study: it can be imported and asked, predictions included."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from xtransfer import open_results
from xtransfer.base.settings import current
from xtransfer.results.database import open_database
from xtransfer.results.moving import bring_in
from xtransfer.store.artifacts import ArtifactStore

DATA = Path(__file__).parents[2] / "examples" / "natural-inference"
TARGET = "xnli<lingnli-b:first500:bf16"


def test_it_can_be_asked(home: Path) -> None:
    home.mkdir()
    with tarfile.open(DATA / "scores.tar.xz") as packed:
        packed.extractall(home, filter="data")
    store = ArtifactStore(current().prepare().store)
    keys = list(store.keys())
    assert len(keys) == 50 and not [key for key in keys if store.verify(key)]
    with open_database(current().database_url) as database:
        bring_in(database, DATA / "results.parquet")
    with open_results() as results:
        gains = results.gains("natural-inference", target=TARGET, intermediate="xnli-people@en")
    (mean,) = gains[gains["language"] == "mean-but-en"].to_dict("records")
    assert mean["gain"] == pytest.approx(5.3, abs=0.05) and mean["low"] == pytest.approx(3.3, abs=0.2)
