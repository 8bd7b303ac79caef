"""A lease has one holder, on one machine and on several, and none once its holder is dead."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.running import as_another_user, forks
from xtransfer.base.errors import LeaseLost, StoreError
from xtransfer.base.retry import is_transient
from xtransfer.store.lease import FileLeases, Leases, lease_if_free, leases_for

KEY = "a1b2c3"


@pytest.fixture(params=["files", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """Folder and database of a store's leases."""
    if request.param == "files":
        return tmp_path / "leases", f"sqlite:///{tmp_path / 'results.db'}"
    return tmp_path / "leases", request.getfixturevalue("postgres_url")


def _hold(address: tuple[Path, str], held: Event) -> None:
    with leases_for(*address).take(KEY) as lease:
        assert lease is not None
        held.set()
        time.sleep(600)


@contextmanager
def holder(address: tuple[Path, str]) -> Iterator[int]:
    """A process that holds the lease; its id."""
    context = forks()
    held = context.Event()
    process = context.Process(target=_hold, args=(address, held))
    process.start()
    try:
        assert held.wait(60)
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join()


def is_free(leases: Leases) -> bool:
    with leases.take(KEY) as lease:
        return lease is not None


def becomes_free(leases: Leases) -> bool:
    deadline = time.monotonic() + 60
    while not is_free(leases):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_one_holder_and_none_when_it_is_killed(address: tuple[Path, str]) -> None:
    leases = leases_for(*address)
    assert is_free(leases) and leases.held([KEY, "other"]) == set()
    with holder(address) as pid:
        assert not is_free(leases) and leases.held([KEY, "other"]) == {KEY}
        os.kill(pid, signal.SIGKILL)
        assert becomes_free(leases)
    assert leases.held([KEY]) == set()


def test_a_lease_is_freed_at_its_end_and_other_keys_are_free(address: tuple[Path, str]) -> None:
    leases = leases_for(*address)
    with leases.take(KEY) as first, leases.take("other") as second:
        assert first is not None and second is not None
        first.confirm()
        assert leases.held([KEY, "other", "third"]) == {KEY, "other"}
    assert leases.held([KEY, "other"]) == set()


def test_two_machines_with_one_database_are_kept_apart(tmp_path: Path, postgres_url: str) -> None:
    """Each has a folder of its own: the file's lock says nothing of the other machine."""
    here, there = leases_for(tmp_path / "here", postgres_url), leases_for(tmp_path / "there", postgres_url)
    with here.take(KEY) as lease:
        assert lease is not None
        assert not is_free(there) and there.held([KEY]) == {KEY}
    assert is_free(there)


def test_a_broken_connection_loses_the_lease(tmp_path: Path, postgres_url: str) -> None:
    import psycopg

    here, there = leases_for(tmp_path / "here", postgres_url), leases_for(tmp_path / "there", postgres_url)
    with here.take(KEY) as lease:
        assert lease is not None
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xtransfer lease'"
            )
        with pytest.raises(LeaseLost, match="another process may have started the same stage") as lost:
            lease.confirm()
        assert is_transient(lost.value)
        assert becomes_free(there)


def test_a_database_that_is_away_may_come_back(tmp_path: Path) -> None:
    leases = leases_for(tmp_path, f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(StoreError, match="XTRANSFER_DATABASE_URL: cannot take a lease") as away, leases.take(KEY):
        pass
    assert is_transient(away.value)


def test_looking_keeps_nobody_from_taking(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path)
    assert leases.held([KEY]) == set() and list(tmp_path.iterdir()) == []
    with lease_if_free(tmp_path / f"{KEY}.lock", shared=True) as first, leases.take(KEY) as second:
        assert first and second is None  # a look of another process costs a taker one round, no more
    assert is_free(leases)


def test_another_users_lock_file_can_be_locked(tmp_path: Path) -> None:
    assert is_free(FileLeases(tmp_path))
    (tmp_path / f"{KEY}.lock").chmod(0o444)
    assert as_another_user(tmp_path, _free_and_held) == "(True, set())"


def _free_and_held() -> str:
    here = FileLeases(Path())
    return repr((is_free(here), here.held([KEY])))


def test_lock_files_have_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        assert is_free(FileLeases(tmp_path))
    finally:
        os.umask(before)
    assert (tmp_path / f"{KEY}.lock").stat().st_mode & 0o777 == 0o664


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match=r"cannot lock files here .*; use a folder on a local disk"):
        is_free(FileLeases(tmp_path))
    optional = FileLeases(tmp_path, optional=True)
    assert is_free(optional) and optional.held([KEY]) == set()


def test_a_lock_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{KEY}.lock").mkdir()
    with pytest.raises(StoreError, match=f"{KEY}.lock: cannot open this lock file"):
        is_free(FileLeases(tmp_path))
