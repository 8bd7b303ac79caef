from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.numbers import Numbers, make, record_all
from xtransfer.analysis.results import Results, open_results
from xtransfer.results import database
from xtransfer.results.database import Database, open_database

_SECOND = '''
"""A second step, made up: a table of its own, filled from older rows."""

from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    op.execute("CREATE TABLE made_up (study TEXT NOT NULL)")
    op.execute("INSERT INTO made_up SELECT name FROM study")


def downgrade() -> None:
    op.execute("DROP TABLE made_up")
'''


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
def results(db: Database, url: str, numbers: Numbers) -> Iterator[Results]:
    record_all(db, numbers)
    with open_results(url) as opened:
        yield opened


@pytest.fixture
def second_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The program as it may be later: with a second migration. Returns its revision."""
    folder = tmp_path / "migrations of a later program"
    shutil.copytree(database._MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "v0002_made_up.py").write_text(_SECOND)
    monkeypatch.setattr(database, "_MIGRATIONS", folder)
    return "v0002"


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
