"""The recorded part of the natural study: it can be imported and asked, and its answer is the page's."""

from __future__ import annotations

import tarfile
from pathlib import Path

from docs.generate.answer import tables
from tests.running import ROOT
from xtransfer import open_results
from xtransfer.base.settings import current
from xtransfer.results.database import open_database
from xtransfer.results.moving import bring_in
from xtransfer.store.artifacts import ArtifactStore

DATA = ROOT / "examples" / "natural-inference"
CELLS = 210


def test_it_can_be_asked(home: Path) -> None:
    home.mkdir()
    with tarfile.open(DATA / "scores.tar.xz") as packed:
        packed.extractall(home, filter="data")
    store = ArtifactStore(current().prepare().store)
    keys = list(store.keys())
    assert len(keys) == CELLS and not [key for key in keys if store.verify(key)]
    with open_database(current().database_url) as database:
        bring_in(database, DATA / "results.parquet")
    with open_results() as results:
        made = tables(results)
    page = (ROOT / "docs" / "answer.md").read_text(encoding="utf-8")
    assert [table for table in made if table not in page] == []
