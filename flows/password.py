"""The password of a Prefect server: read from a file or the environment, never from a command line.

Prefect has one shared password, `user:password`, sent with each request. Our own processes get it in their environment,
which other users of the machine cannot read. A password chosen by the user is never written to disk; without one, each
start of the server makes a key, in a file that only its owner can read.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from xtransfer.base.errors import RequestError

SERVER = "PREFECT_SERVER_API_AUTH_STRING"
CLIENT = "PREFECT_API_AUTH_STRING"
_USER = "admin"
_KEY_USER = "xtransfer"


def require(file: Path | None) -> bool:
    """Set the password of this process and its children, from `file` or else the environment.

    Returns whether there is one. Raises RequestError for a file that others can read or that holds no password.
    """
    text = read(file) if file is not None else os.environ.get(SERVER)
    if not text:
        return False
    os.environ[SERVER] = os.environ[CLIENT] = _with_user(text, SERVER)
    return True


def make_key(file: Path) -> str:
    """Write a new random key to a file that only its owner can read; returns it as `user:password`."""
    key = f"{_KEY_USER}:{secrets.token_urlsafe(32)}"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(key + "\n")
    return key


def give(file: Path | None) -> str:
    """Set the password that this process sends to the server, and return it.

    `file`: the file that holds it; None: PREFECT_API_AUTH_STRING. Raises RequestError if neither has it.
    """
    if file is not None:
        os.environ[CLIENT] = _with_user(read(file), str(file))
    elif not os.environ.get(CLIENT):
        raise RequestError(
            f"the Prefect server has a password; set {CLIENT} to the 'user:password' it was started with"
        )
    return os.environ[CLIENT]


def read(file: Path) -> str:
    """The first line of a file that only its owner can read: `user:password`, or a password."""
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"password file {file} cannot be read ({error.strerror})") from error
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise RequestError(f"password file {file}: other users can read it; run `chmod 600 {file}` first")
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise RequestError(f"password file {file} is empty; write `user:password` into its first line")
    return lines[0].strip()


def _with_user(text: str, where: str) -> str:
    user, sign, password = text.partition(":")
    if not sign:
        return f"{_USER}:{text}"
    if not user or not password:
        raise RequestError(f"{where}: write the password as user:password")
    return text
