from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.numbers import Numbers, make
from xtransfer.results import Database, open_database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a folder' / 'results.db'}"


@pytest.fixture
def db(url: str, tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "a folder").mkdir()
    with open_database(url) as opened:
        yield opened


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return make(tmp_path)
