"""Writes the files of a report atomically, under names that are safe whatever the study is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xtransfer.base.digest import visible_files
from xtransfer.base.disk import partial
from xtransfer.base.errors import RequestError

_LONGEST = 80  # characters of a name, well below what file systems allow


def slug(text: str) -> str:
    """Returns a text as part of a file name: lower-case letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST].rstrip("-")


def write(file: Path, content: str | bytes) -> Path:
    """Writes a file atomically: readers see the old file until the new one is complete. Returns the file."""
    data = content.encode() if isinstance(content, str) else content
    file.parent.mkdir(parents=True, exist_ok=True)
    with partial(file) as part:
        part.write_bytes(data)
        part.chmod(0o644)
        part.replace(file)
    return file


def copied(page: Path, out: Path) -> Path:
    """Copies a report (the page and all files beside it) to a folder; returns the new page.

    Raises RequestError if the folder cannot be written.
    """
    with writing_to(out):
        for file in visible_files(page.parent):
            write(out / file.relative_to(page.parent), file.read_bytes())
    return out / page.name


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Turns an OSError into a RequestError that names the folder of the report."""
    try:
        yield
    except OSError as error:
        raise RequestError(f"{out}: the report cannot be written ({error.strerror}); name another folder") from error
