"""Creates a mirror of what a study reads, in the hub's layout, for machines without internet access.

It has `<data set>/<configuration or default>/<split>-00000-of-00001.parquet`, `<model>/config.json` and the model's
other files, and MANIFEST.json. XTRANSFER_HUB_DIR points to it; rows and encoders read from it are equal to the hub's.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from xtransfer.base import settings
from xtransfer.base.digest import file_digest
from xtransfer.base.disk import is_full_disk, sync
from xtransfer.base.errors import DataError, EmptySplit, RequestError, SourceError, StoreError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.data import hub, mirror_manifest
from xtransfer.data.mirror_items import Item, wanted
from xtransfer.data.mirror_manifest import Entry, Manifest
from xtransfer.data.need import Needs
from xtransfer.store.lease import lease_if_free

_PARTIAL = ".partial"


@dataclass(frozen=True)
class Mirrored:
    """What was done with each file."""

    made: tuple[str, ...]
    kept: tuple[str, ...]  # existed already, and were complete
    bytes: int  # of all files together
    notes: tuple[str, ...]  # what a mirror cannot contain


def mirror(needs: Needs, folder: Path, progress: Progress = no_progress) -> Mirrored:
    """Puts everything needed into `folder`, checks all files, and keeps complete ones that exist already.

    Each file is written next to its destination and renamed, so an interrupted run leaves complete files and resumes.
    Nothing is written before all sources are known to be available. Raises RequestError for a folder that is not a
    mirror or that another process writes to, SourceError if the hub does not deliver, DataError for a data set without
    rows, StoreError for a full disk.
    """
    folder = settings.absolute(folder, "mirror")
    _check_folder(folder)
    held = mirror_manifest.read(folder)
    progress("finding sources", 0, 1)
    plan = wanted(needs, held)
    for item in plan.items:
        if item.file not in held.files and (folder / item.file).exists():
            raise RequestError(f"{folder / item.file} exists but was not put there by this program; move it away")
    if not plan.items:
        return Mirrored((), (), 0, plan.notes)
    try:
        with lease_if_free(folder / ".lock") as free:
            if not free:
                raise RequestError(f"{folder}: another process is writing to this mirror; wait until it has finished")
            return _fill(folder, held, plan.items, plan.notes, progress)
    except OSError as error:
        if is_full_disk(error):
            raise StoreError(f"no space left in {folder}; free some and run the same command again") from error
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _check_folder(folder: Path) -> None:
    read_from = settings.current().hub_dir
    if read_from is not None and (folder == read_from or read_from in folder.parents or folder in read_from.parents):
        raise RequestError(f"{folder}: a mirror cannot overlap with the one in XTRANSFER_HUB_DIR; use another folder")
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise RequestError(f"{folder}: {existing} is not a writable folder; use another one")


def _fill(
    folder: Path, held: Manifest, items: tuple[Item, ...], notes: tuple[str, ...], progress: Progress
) -> Mirrored:
    for file in held.files.keys() | {item.file for item in items}:
        _partial(folder / file).unlink(missing_ok=True)  # of a killed run; others' files stay
    made, kept = [], []
    for number, item in enumerate(items):
        progress(item.file, number, len(items))
        if _is_there(folder, held, item):
            kept.append(item.file)
        else:
            _make(folder, held, item)
            made.append(item.file)
    progress("verifying files", len(items), len(items))
    damaged = [file for file in made if not held.holds(file, folder)]
    if damaged:
        raise SourceError(f"{folder}: {', '.join(damaged)} are damaged after writing; run the same command again")
    return Mirrored(tuple(made), tuple(kept), sum(held.files[item.file].bytes for item in items), notes)


def _is_there(folder: Path, held: Manifest, item: Item) -> bool:
    if not held.holds(item.file, folder):
        return False
    return item.origin is None or file_digest(item.origin) == held.files[item.file].sha256


def _make(folder: Path, held: Manifest, item: Item) -> None:
    """Writes one file; its manifest entry comes first, so the manifest knows every file in the mirror."""
    file = folder / item.file
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(file)
    try:
        rows = _copied(item.origin, partial) if item.origin is not None else _downloaded(item, partial)
        sync(partial)
        held.files[item.file] = Entry(
            source=item.source,
            branch=item.branch,
            revision=item.revision,
            licence=item.licence,
            rows=rows,
            bytes=partial.stat().st_size,
            sha256=file_digest(partial),
        )
        held.write(folder)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _partial(file: Path) -> Path:
    return file.with_name(f".{file.name}{_PARTIAL}")


def _copied(origin: Path, partial: Path) -> int | None:
    shutil.copyfile(origin, partial)
    if origin.suffix != ".parquet":
        return None
    try:
        return int(parquet.read_metadata(partial).num_rows)
    except ValueError as error:  # pyarrow's errors are ValueErrors
        raise SourceError(f"{origin}: is damaged ({error}); replace it with a complete file") from error


def _downloaded(item: Item, partial: Path) -> int:
    """Writes the hub's rows as parquet and compares them with the written file; returns the number of rows."""
    assert item.place is not None
    data = hub.read(item.source, item.place.config, item.place.split, item.revision)
    if not data.num_rows:
        raise EmptySplit(f"hub data set '{item.source}': {item.file} would have no rows; correct the declaration")
    data.to_parquet(partial)
    table = data.with_format("arrow")[:]
    if not parquet.read_table(partial).cast(table.schema).equals(table):
        raise DataError(f"{item.file}: rows changed when written as parquet, which lacks one of their types")
    return int(data.num_rows)
