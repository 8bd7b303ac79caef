"""Runs a Prefect server while any process uses it: `python -m flows.prefect_guard FOLDER SOCKET [any-name]`.

Users hold a shared lock on FOLDER/server.users, which the kernel frees when they end or are killed. When no user is
left, the guard gets the exclusive lock, stops the server and ends; a new user waits for that.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from flows.prefect_app import WITH_OWNER

_LOOK_EVERY = 1.0  # seconds
_STOP_SECONDS = 10
USERS = "server.users"
ADDRESS = "server.json"
KEY = "server.key"


def main(folder: Path, listener: str, *more: str) -> int:
    """Serve on an inherited socket until the last user has gone. Returns the exit status."""
    command = [sys.executable, "-m", "flows.prefect_app", listener, WITH_OWNER, *more]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[int(listener)])
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    handle = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while server.poll() is None and not _alone(handle):
            time.sleep(_LOOK_EVERY)
    finally:
        for file in (ADDRESS, KEY):
            (folder / file).unlink(missing_ok=True)
        _stop(server)
    return server.returncode or 0


def _alone(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:  # an open connection was seen to keep it running
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
