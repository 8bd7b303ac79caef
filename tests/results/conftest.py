from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perf.postgres import NoServer, server
from tests.results.numbers import Numbers, make
from xtransfer.results import Database, open_database

_counter = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL server."""
    try:
        with server("fsync=off") as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The URL of an empty database of its own."""
    import psycopg

    name = f"results_{next(_counter)}"
    host = postgres.partition("host=")[2]
    with closing(psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


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
