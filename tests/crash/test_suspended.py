"""A holder of a lease that is suspended: leases have no end of their own, so it keeps it, unless its server says that
the connection is gone; then it drops what it made."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.crash.making import HELD, LOST, MADE, STAGE, Maker
from tests.crash.places import wait_until_gone
from tests.crash.study import ENCODER, Place
from tests.running import Ran, wait_for
from tests.standin.s3 import make_bucket, s3

pytestmark = pytest.mark.slow
_SECONDS = 1.5  # several times what the stage takes
_PATIENCE = 30.0  # seconds after which a PostgreSQL server drops a machine that does not answer, and more


@pytest.fixture
def endpoint() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_suspended_holder_keeps_its_lease(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    (tmp_path / "notes").mkdir()
    maker = Maker(tmp_path / "home", tmp_path / "notes", _more(database, request))
    holder = maker.start()
    wait_for(maker.runs, 60)
    with _suspended(holder.pid):
        time.sleep(_SECONDS)
        assert maker.end() == HELD
        maker.store.tidy()
        assert maker.store.unfinished() == [STAGE.key]
    holder.join(60)
    assert holder.exitcode == MADE and maker.end() == MADE
    assert maker.runs() == [str(holder.pid)] and maker.store.verify(STAGE.key) == []


def test_a_suspended_holder_whose_connection_ended_drops_what_it_made(
    tmp_path: Path, postgres_url: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its machine did not answer the server. The other machine's artifact stays."""
    (tmp_path / "notes").mkdir()
    bucket = make_bucket(endpoint, "suspended")
    shared = {**bucket.environment, "XTRANSFER_STORE": bucket.url, "XTRANSFER_DATABASE_URL": postgres_url}
    one, two = (Maker(tmp_path / name, tmp_path / "notes", shared) for name in ("one", "two"))
    holder = one.start()
    wait_for(one.runs, 60)
    with _suspended(holder.pid):
        assert two.end() == HELD
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%lease'")
        assert two.end() == MADE
    holder.join(60)
    assert holder.exitcode == LOST and len(one.runs()) == 2
    for name, value in {**shared, "XTRANSFER_HOME": str(two.home)}.items():
        monkeypatch.setenv(name, value)
    found = two.store.find(STAGE.key)
    assert found is not None and two.store.verify(STAGE.key) == []
    assert str(holder.pid) not in (found.folder / "made.txt").read_text()
    assert one.end() == MADE and len(one.runs()) == 2


@pytest.mark.storm
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_run_whose_stage_is_suspended_for_long(
    small_lab: Ran, prefect: str, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """Another run makes all that it can in the meantime, and nothing is made twice."""
    place = Place(tmp_path, prefect, [10], **_more(database, request))
    small_lab.give_encoder(tmp_path / "artifacts")
    runs = [place.start() for _ in range(2)]
    with _suspended(wait_for(lambda: _busy(place))):
        time.sleep(_PATIENCE)
    said = [run.communicate(timeout=900)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], place.said()
    made = sorted(name for one in said for name in json.loads(one)["ran"])
    assert sorted([ENCODER, *made]) == sorted(place.plan())
    wait_until_gone(place)
    assert place.faults() == [] and not place.run()["ran"]


def _busy(place: Place) -> int | None:
    """A process that is making an artifact."""
    stages = [pid for pid, kind in place.processes().items() if kind == "stage"]
    return stages[0] if stages and any((place.home / "artifacts").glob(".partial/*/out")) else None


@contextmanager
def _suspended(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _more(database: str, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"XTRANSFER_DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
