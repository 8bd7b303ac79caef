from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.numbers import Numbers, make
from xtransfer.results.database import Database, open_database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    (tmp_path / "a folder").mkdir()
    return f"sqlite:///{tmp_path / 'a folder' / 'results.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: each test runs on both kinds."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    with open_database(url) as opened:
        yield opened


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return make(tmp_path)


@pytest.fixture
def ours(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ours.db'}"


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'theirs.db'}"


@pytest.fixture(params=["parquet", "sqlite"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file to pass results on in, which is not there yet: each test runs with both formats."""
    return tmp_path / f"sent.{request.param}"
