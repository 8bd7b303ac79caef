"""Settings from the environment, read at each call, never at import."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xtransfer.base.errors import RequestError

_SECRET_IN_URL = re.compile(r"(?<=://)([^/?#@:]*):.*@")
_SECRET_IN_QUERY = re.compile(r"(?<=[?&])([^=&]*(?:password|secret|token|key)[^=&]*)=[^&#]*", re.IGNORECASE)


def shown(url: str) -> str:
    """Returns a URL without passwords and secret options, for messages."""
    return _SECRET_IN_QUERY.sub(r"\1=***", _SECRET_IN_URL.sub(r"\1:***@", url))


def absolute(path: str | Path, where: str) -> Path:
    """Returns a path made absolute, with the home for `~`; raises RequestError that names `where` if there is none."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise RequestError(f"{where}: '{path}': the user has no home folder; write the path in full") from error


def exists(is_there: Callable[[], bool]) -> bool:
    """Returns what `Path.is_file` or `Path.is_dir` says; False for a path that the system refuses (too long, say)."""
    try:
        return is_there()
    except OSError:
        return False


@dataclass(frozen=True)
class Settings:
    """The locations that an installation uses."""

    home: Path  # holds results.db, artifacts/ and the Prefect server's own files
    database_url: str  # SQLAlchemy URL of the results
    store: str  # folder or fsspec URL of the artifacts
    cache: Path  # encoded rows, artifacts of a remote store; can be deleted
    hub_dir: Path | None  # a mirror in the hub's layout, read before the hub
    benchmarks: tuple[Path, ...] = ()  # users' Python files that declare benchmarks

    def prepare(self) -> Settings:
        """Creates the home folder; raises RequestError if it is not writable, or if the store is in memory."""
        if self.store.startswith("memory://"):
            raise RequestError(
                "XTRANSFER_STORE: memory:// is lost when a process ends; set it to a folder or a URL such as s3://"
            )
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            probe = self.home / f".write-test-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise RequestError(
                f"XTRANSFER_HOME: cannot write to {self.home} ({error.strerror}); set it to a writable folder"
            ) from error
        return self


def current() -> Settings:
    """Returns the settings from XTRANSFER_HOME, _DATABASE_URL, _STORE, _CACHE, _HUB_DIR and _BENCHMARKS."""
    home = absolute(os.environ.get("XTRANSFER_HOME") or "~/.xtransfer", "XTRANSFER_HOME")
    hub = os.environ.get("XTRANSFER_HUB_DIR")
    hub_dir = absolute(hub, "XTRANSFER_HUB_DIR") if hub else None
    if hub_dir is not None and not exists(hub_dir.is_dir):
        raise RequestError(
            f"XTRANSFER_HUB_DIR: no folder {hub_dir}; set it to a mirror in the hub's layout, or unset it"
        )
    return Settings(
        home=home,
        database_url=os.environ.get("XTRANSFER_DATABASE_URL") or f"sqlite:///{home / 'results.db'}",
        store=os.environ.get("XTRANSFER_STORE") or str(home / "artifacts"),
        cache=absolute(os.environ.get("XTRANSFER_CACHE") or home / "cache", "XTRANSFER_CACHE"),
        hub_dir=hub_dir,
        benchmarks=own_benchmarks(),
    )


def own_benchmarks() -> tuple[Path, ...]:
    """Returns the files in XTRANSFER_BENCHMARKS (separated by colons); raises RequestError if one does not exist."""
    texts = [text for text in os.environ.get("XTRANSFER_BENCHMARKS", "").split(os.pathsep) if text]
    files = tuple(absolute(text, "XTRANSFER_BENCHMARKS") for text in texts)
    for file in files:
        if not exists(file.is_file):
            raise RequestError(f"XTRANSFER_BENCHMARKS: no file {file}; list Python files on this machine, or unset it")
    return files
