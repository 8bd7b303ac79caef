"""A Prefect server for as long as a run needs one, when none is set: on loopback, with its files in our home."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.prefect_guard import ADDRESS, USERS
from xtransfer.errors import SourceError
from xtransfer.store.lease import lease

_START_SECONDS = 180  # a loaded two-core machine took 20
_QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


@contextmanager
def prefect_api(home: Path, waiting: Callable[[], None] | None = None) -> Iterator[str]:
    """URL of a Prefect API: PREFECT_API_URL where it is set, else a server for `home`, started if none runs.

    The variable is set for this process, so `prefect` must be imported inside. The server stops when its last
    user has ended. Raises SourceError when none answers.
    """
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen:
        if not _healthy(chosen):
            raise SourceError(f"PREFECT_API_URL: no Prefect server answers at {chosen}; start it, or unset it")
        yield chosen
        return
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(folder))
    user = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(user, fcntl.LOCK_SH)
        url = _running_or_started(folder, waiting)
        os.environ["PREFECT_API_URL"] = url
        yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        os.close(user)


def _running_or_started(folder: Path, waiting: Callable[[], None] | None) -> str:
    with lease(folder / "server.lock", waiting):
        url = _running(folder)
        if url is not None:
            return url
        port = _free_port()
        with (folder / "server.log").open("ab") as log:
            guard = subprocess.Popen(
                [sys.executable, "-m", "flows.prefect_guard", str(folder), str(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{port}/api"
        _wait(guard, url, folder, waiting)
        part = folder / f"{ADDRESS}.{os.getpid()}"
        part.write_text(json.dumps({"url": url, "pid": guard.pid}))
        part.replace(folder / ADDRESS)
        return url


def _running(folder: Path) -> str | None:
    """URL of the server that another process started, if it answers."""
    try:
        url: str = json.loads((folder / ADDRESS).read_text())["url"]
    except (OSError, ValueError, KeyError):
        return None
    return url if _healthy(url) else None


def _wait(guard: subprocess.Popen[bytes], url: str, folder: Path, waiting: Callable[[], None] | None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _healthy(url):
        if guard.poll() is not None or time.monotonic() > deadline:
            guard.terminate()
            raise SourceError(f"the Prefect server did not start; its last words are in {folder / 'server.log'}")
        if waiting is not None:
            waiting()
        time.sleep(0.2)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310 - http by design
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
