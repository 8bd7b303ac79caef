"""Parses the address of a store: a local folder, or an fsspec URL with a local cache folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xtransfer.base import settings
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError

_DIGITS = 12  # of the digest in the name of a cache folder


@dataclass(frozen=True)
class Address:
    """`folder` holds the artifacts, or the local copies of those at `url`."""

    folder: Path
    url: str | None = None

    @property
    def name(self) -> str:
        """Returns the URL without its secrets, or the folder; for messages."""
        return settings.shown(self.url) if self.url else str(self.folder)


def parse(text: str | Path) -> Address:
    """Returns the address in XTRANSFER_STORE; raises RequestError for one that cannot be used here."""
    place = str(text)
    if "://" not in place:
        return Address(_usable(settings.absolute(place, "XTRANSFER_STORE")))
    if place.startswith("file://"):
        parts = urlsplit(place)
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise RequestError(f"XTRANSFER_STORE: '{place}' is not a folder on this machine; write file:///folder")
        return Address(_usable(Path(unquote(parts.path)).absolute()))
    if place.startswith("://"):
        raise RequestError(f"XTRANSFER_STORE: '{place}' names no file system; name a folder, or s3://BUCKET/FOLDER")
    url = place.rstrip("/")
    return Address(settings.current().cache / "stores" / f"{_slug(url)}-{digest(url)[:_DIGITS]}", url)


def _usable(folder: Path) -> Path:
    """Returns the folder, which need not exist; raises RequestError for a path that the system refuses."""
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # whoever writes there says so
    except (OSError, ValueError) as error:  # too long, or with a NUL
        reason = getattr(error, "strerror", None) or error
        raise RequestError(f"XTRANSFER_STORE: {folder} cannot be used ({reason}); name another folder") from error
    return folder


def _slug(url: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\?.*", "", settings.shown(url)).lower()).strip("-")[:40]
