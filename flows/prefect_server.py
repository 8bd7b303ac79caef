"""A Prefect server for as long as anybody needs one, when none is set: on loopback, with its files in our home."""

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
from dataclasses import dataclass
from pathlib import Path

from flows import password
from flows.prefect_guard import ADDRESS, USERS
from flows.private import read_json, write_json
from xtransfer.errors import RequestError, SourceError
from xtransfer.store.lease import lease

_START_SECONDS = 300  # a loaded two-core machine took 20 to 60
_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # A page draws its run's timeline before anything else: at 2,000 task runs it stood still for over a minute.
    "PREFECT_SERVER_FLOW_RUN_GRAPH_MAX_NODES": "500",
    "PREFECT_UI_API_URL": "/api",  # the address that the browser used, be it through a tunnel or a proxy
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # SQLite: a busy machine waits longer for its turn to write
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the least that it allows: a busy machine loses some
}
_GUARDS: list[subprocess.Popen[bytes]] = []  # ours that may live: one ends after its last user, in whatever process


@dataclass(frozen=True)
class Place:
    """Where a server is to answer; port 0: any that is free."""

    host: str = "127.0.0.1"
    port: int = 0
    password_file: Path | None = None

    @property
    def shown_host(self) -> str:
        """The host as it stands in an address of this machine."""
        named = {"0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"[{named}]" if ":" in named else named


@contextmanager
def prefect_api(home: Path, waiting: Callable[[], None] | None = None, place: Place | None = None) -> Iterator[str]:
    """URL of a Prefect API: PREFECT_API_URL where it is set, else a server for `home`, started if none runs.

    The variable is set for this process, so `prefect` must be imported inside. The server stops when its last
    user has ended. Raises SourceError when none answers, RequestError where its password is not known.
    """
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen:
        if not healthy(chosen):
            raise SourceError(f"PREFECT_API_URL: no Prefect server answers at {chosen}; start it, or unset it")
        yield chosen
        return
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(folder))
    user = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(user, fcntl.LOCK_SH)
        url = _running_or_started(folder, waiting, place or Place())
        os.environ["PREFECT_API_URL"] = url
        yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        os.close(user)


def _running_or_started(folder: Path, waiting: Callable[[], None] | None, place: Place) -> str:
    with lease(folder / "server.lock", waiting):
        url = _running(folder)
        if url is not None:
            return url
        _GUARDS[:] = [one for one in _GUARDS if one.poll() is None]
        port = place.port or _free_port()
        _demand_free(place.host, port)
        (folder / ADDRESS).unlink(missing_ok=True)  # of a server that was killed
        with (folder / "server.log").open("ab") as log:
            guard = subprocess.Popen(
                [sys.executable, "-m", "flows.prefect_guard", str(folder), place.host, str(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _GUARDS.append(guard)
        url = f"http://{place.shown_host}:{port}/api"
        _wait(guard, url, folder, waiting)
        file = str(place.password_file.absolute()) if place.password_file else None
        has_password = bool(os.environ.get(password.SERVER))
        write_json(folder / ADDRESS, {"url": url, "pid": guard.pid, "password": has_password, "password_file": file})
        return url


def _running(folder: Path) -> str | None:
    """URL of the server that another process started, if it answers; its password is set for this process."""
    said = read_json(folder / ADDRESS)
    url = said.get("url")
    if not isinstance(url, str) or not healthy(url):
        return None
    if said.get("password"):
        password.give(Path(said["password_file"]) if said.get("password_file") else None)
    elif os.environ.get(password.SERVER):
        raise RequestError(f"a server without a password runs at {url}, started by a run; wait for its end")
    return url


def _wait(guard: subprocess.Popen[bytes], url: str, folder: Path, waiting: Callable[[], None] | None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not healthy(url):
        if guard.poll() is not None or time.monotonic() > deadline:
            guard.terminate()
            raise SourceError(f"the Prefect server did not start; its last words are in {folder / 'server.log'}")
        if waiting is not None:
            waiting()
        time.sleep(0.2)


def healthy(url: str) -> bool:
    """Whether a Prefect API answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310 - http by design
            return bool(answer.status == 200 and json.load(answer) is True)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _demand_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise RequestError(
            f"--port {port}: cannot listen on {host} ({error.strerror}); choose another with --port, or 0 for any"
        ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
