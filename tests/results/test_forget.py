"""A forgotten study leaves nothing of its own behind, and takes nothing that another study has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.numbers import make
from tests.results.sent import content, recorded
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.results.forget import forget


def test_a_forgotten_study_leaves_another_as_it_was(tmp_path: Path, url: str) -> None:
    other = make(tmp_path / "1", intermediates=("direct", "nli@en"), name="other")
    recorded(url, other)
    before = content(url)
    recorded(url, make(tmp_path / "1"))
    with open_database(url) as db:
        found = forget(db, "numbers", dry_run=True)
        assert (found.cells, found.shared, found.scores) == (3, 6, 9)
        assert forget(db, "numbers") == found
    after = content(url)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


def test_the_last_study_leaves_nothing(tmp_path: Path, url: str) -> None:
    recorded(url, make(tmp_path / "1"))
    with open_database(url) as db:
        forget(db, "numbers")
    after = content(url)
    for name in ("study", "cell", "score", "stage", "prediction", "checkpoint", "study_cell", "planned_stage"):
        assert after[name] == [], name


def test_a_study_that_is_not_there_is_said(tmp_path: Path, url: str) -> None:
    recorded(url, make(tmp_path / "1"))
    with open_database(url) as db, pytest.raises(RequestError, match="no study 'nubers'; did you mean 'numbers'"):
        forget(db, "nubers")
