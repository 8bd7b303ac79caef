"""A Prefect server for as long as it is needed, if none is set: on loopback, with its files in our home.

It always has a password, the user's or a key made at each start: other users of the machine can reach loopback too, and
whoever can use the server can run programs as us.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from flows import password
from flows.prefect_app import ANY_NAME
from flows.prefect_guard import ADDRESS, KEY, USERS
from flows.private import read_json, write_json
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.store.lease import flock, lease, open_lock

SERVED = "serve.json"  # in the home's folder `prefect`: what `xtransfer serve` runs
_START_SECONDS = 300  # a loaded two-core machine took 20 to 60
_SLOWEST_ANSWER = 12.0  # seconds
_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # A run's page draws the timeline first; with 2,000 task runs that blocked it for over a minute.
    "PREFECT_SERVER_FLOW_RUN_GRAPH_MAX_NODES": "500",
    "PREFECT_UI_API_URL": "/api",  # relative to the address in the browser, also through a tunnel or proxy
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # seconds; SQLite writers on a busy machine wait longer
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the minimum: a busy machine loses some
}
_GUARDS: list[subprocess.Popen[bytes]] = []  # ours that may still run: a guard ends after its last user


@dataclass(frozen=True)
class Place:
    """Where a server listens; port 0: any free port."""

    host: str = "127.0.0.1"
    port: int = 0
    password_file: Path | None = None

    @property
    def shown_host(self) -> str:
        """The host as it appears in a URL on this machine."""
        named = {"0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"[{named}]" if ":" in named else named


@contextmanager
def prefect_api(home: Path, waiting: Callable[[], None] | None = None, place: Place | None = None) -> Iterator[str]:
    """URL of a Prefect API: PREFECT_API_URL if it is set, else a server for `home`, started if none runs.

    The variable and the server's password (PREFECT_API_AUTH_STRING) are set for this process, so `prefect` must be
    imported inside. The server stops when its last user has ended. Raises SourceError if no server answers,
    RequestError if its password is not known.
    """
    chosen = os.environ.get("PREFECT_API_URL")
    if chosen:
        if not healthy(chosen, _SLOWEST_ANSWER):  # it may be busy with other runs
            raise SourceError(f"PREFECT_API_URL: no Prefect server answers at {chosen}; start it, or unset it")
        yield chosen
        return
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # Prefect's database has the parameters and logs of runs
    os.environ.setdefault("PREFECT_HOME", str(folder))
    auth_before = os.environ.get(password.CLIENT)  # perhaps for another server
    user = open_lock(folder / USERS)
    try:
        flock(user, folder / USERS, fcntl.LOCK_SH)
        url = _running_or_started(folder, waiting, place or Place())
        os.environ["PREFECT_API_URL"] = url
        yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        os.environ.pop(password.CLIENT, None)
        if auth_before is not None:
            os.environ[password.CLIENT] = auth_before
        os.close(user)


def _running_or_started(folder: Path, waiting: Callable[[], None] | None, place: Place) -> str:
    with lease(folder / "server.lock", waiting):
        url = _running(folder)
        if url is not None:
            return url
        _GUARDS[:] = [one for one in _GUARDS if one.poll() is None]
        listener = _listen(place.host, place.port)
        (folder / ADDRESS).unlink(missing_ok=True)  # left by a server that was killed
        chosen = os.environ.get(password.SERVER)
        auth = chosen or password.make_key(folder / KEY)
        more = [ANY_NAME] if chosen else []
        with (folder / "server.log").open("ab") as log, listener:
            guard = subprocess.Popen(
                [sys.executable, "-m", "flows.prefect_guard", str(folder), str(listener.fileno()), *more],
                pass_fds=[listener.fileno()],
                env={**os.environ, password.SERVER: auth},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            port = listener.getsockname()[1]
        _GUARDS.append(guard)
        # the guard outlives this process if others use the server: no warning that it still runs, whatever the filters
        atexit.register(setattr, guard, "returncode", 0)
        url = f"http://{place.shown_host}:{port}/api"
        _wait(guard, url, folder, waiting)
        os.environ[password.CLIENT] = auth
        file = (place.password_file and str(place.password_file.absolute())) if chosen else str(folder.absolute() / KEY)
        facts = {"url": url, "pid": guard.pid, "password_file": file, "has_key": not chosen}
        write_json(folder / ADDRESS, facts)
        return url


def _running(folder: Path) -> str | None:
    """URL of the server that another process started, if it answers; sets its password for this process."""
    address = read_json(folder / ADDRESS)
    url = address.get("url")
    if not isinstance(url, str) or not _is_guard(address.get("pid")) or not healthy(url):
        return None
    if address.get("has_key") and os.environ.get(password.SERVER):
        raise RequestError(f"a run has started a server without your password at {url}; wait until the run ends")
    password.give(password_file(address))
    return url


def password_file(address: Mapping[str, object]) -> Path | None:
    """The file with a server's password; `address`: the contents of its ADDRESS file."""
    file = address.get("password_file")
    return Path(file) if file and isinstance(file, str) else None


def _is_guard(pid: object) -> bool:
    """Whether a process is our guard of a server. Another user may have taken the port of a killed server, and would
    read our password from the next request."""
    if not isinstance(pid, int):
        return False
    try:
        process = psutil.Process(pid)
        return process.uids().real == os.getuid() and "flows.prefect_guard" in process.cmdline()
    except (psutil.Error, ValueError):
        return False


def _wait(guard: subprocess.Popen[bytes], url: str, folder: Path, waiting: Callable[[], None] | None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not healthy(url):
        if guard.poll() is not None or time.monotonic() > deadline:
            guard.terminate()
            raise SourceError(f"the Prefect server did not start; see {folder / 'server.log'}")
        if waiting is not None:
            waiting()
        time.sleep(0.2)


def healthy(url: str, seconds: float = 5.0) -> bool:
    """Whether a Prefect API answers at `url` within `seconds`; False at once if nothing listens there."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=seconds) as answer:  # noqa: S310 - http by design
            return bool(answer.status == 200 and json.load(answer) is True)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that no other process can take its port while the server starts."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise RequestError(
            f"--port {port}: cannot listen on {host} ({error.strerror}); choose another with --port, or 0 for any"
        ) from error
