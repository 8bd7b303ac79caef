"""The recorded part of the natural study: it can be imported and asked, and its answer is the page's."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

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
    shown = _tables((ROOT / "docs" / "answer.md").read_text(encoding="utf-8"))
    for text in made:
        (table,) = _tables(text)
        words, numbers = _parts(table)
        (same,) = [one for one in shown if _parts(one)[0] == words]
        assert _parts(same)[1] == pytest.approx(numbers, abs=0.11)  # ends of intervals are simulated


def _tables(text: str) -> list[str]:
    return re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)


def _parts(table: str) -> tuple[str, list[float]]:
    """The words of a table, and the numbers that stand in it."""
    number = r"[+-]?\d+\.\d"
    return re.sub(number, "", table).strip(), [float(one) for one in re.findall(number, table)]
