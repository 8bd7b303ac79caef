"""What all tests share: a home of their own, no network, the mirror where there is one."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perf.postgres import NoServer, server
from tests.running import Ran, xtransfer

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before huggingface_hub is imported; hub tests undo it themselves
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of tiny models wait for each other on a busy machine
os.environ.setdefault("DO_NOT_TRACK", "1")

_counter = itertools.count()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """XTRANSFER_HOME of this test, empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XTRANSFER_HOME", str(folder))
    for name in (
        "XTRANSFER_DATABASE_URL",
        "XTRANSFER_STORE",
        "XTRANSFER_CACHE",
        "XTRANSFER_WORKERS",
        "PREFECT_API_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    yield folder


@pytest.fixture
def hub_dir() -> Path:
    """The mirror of real data; the test is skipped where there is none."""
    folder = os.environ.get("XTRANSFER_HUB_DIR")
    if not folder:
        pytest.skip("XTRANSFER_HUB_DIR names no mirror of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """`xtransfer run lab --small`, run once."""
    home = tmp_path_factory.mktemp("a home with spaces") / "x"
    done = xtransfer(home, "run", "lab", "--small", "--json")
    assert done.returncode == 0, done.stderr
    return Ran(home, json.loads(done.stdout))


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
