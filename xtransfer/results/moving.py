"""Exports results to a file and imports them into another database, without duplicates.

Rows move with their provenance; artifacts (checkpoints, translations, predictions) do not. A score still names its
artifact by key, and `prediction` has the digest of its file. Copy the artifact store as well, or gains of imported
cells have no intervals.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError

from xtransfer.base.disk import partial
from xtransfer.base.errors import RequestError, StoreError, unknown
from xtransfer.results.bundles import opened, snapshot, stored_rows, suffix_of, write_database, write_parquet
from xtransfer.results.database import Database, sqlite_file
from xtransfer.results.merging import Comparison, Conflict, Preference, compare, merge
from xtransfer.results.places import study_faults
from xtransfer.results.received import damaged
from xtransfer.results.reference import read_languages
from xtransfer.results.schema import StudyRow
from xtransfer.results.selection import conditions
from xtransfer.results.upsert import table_of

_SHOWN = 20  # conflicts listed in a message
_JOURNALS = ("-wal", "-shm", "-journal")  # suffixes of SQLite's files beside a database
_SQLITE, _WRITE_MODE, _AHEAD = b"SQLite format 3\0", 18, b"\2"  # file header; byte 18 is 2 with a write-ahead log


@dataclass(frozen=True)
class Exported:
    """An exported file."""

    file: Path
    rows: dict[str, int]  # table → number of rows


@dataclass(frozen=True)
class Imported:
    """What an import changed, in cells and rows."""

    new: int  # cells that were not here
    completed: int  # cells that were only planned or had failed here
    replaced: int  # cells that differed here (prefer: theirs)
    known: int  # cells that stay as they are
    conflicts: tuple[Conflict, ...]
    rows: dict[str, int]  # table → number of rows added or replaced


def export(db: Database, file: Path | str, studies: Sequence[str] | None = None, *, force: bool = False) -> Exported:
    """Writes the results of some studies (None: all) to a `.parquet` or `.sqlite` file, whole or not at all.

    Raises RequestError for an unknown study, another suffix, an existing file without `force`, and, even with it, for
    the file of this database or of another one in use.
    """
    file = Path(file)
    suffix = suffix_of(file)
    with _writable(file):
        _demand_no_database(db, file)
        if file.exists() and not force:
            raise RequestError(f"{file}: exists; name another file, or add --force to replace it")
        if not file.parent.is_dir():
            raise RequestError(f"{file}: no folder {file.parent}; create it first")
    with _writable(file), snapshot(db) as connection, _whole(file) as part:
        known = list(connection.scalars(select(StudyRow.name)))
        for name in studies or ():
            if name not in known:
                raise unknown("study", name, known)
        rows = stored_rows(connection, conditions(studies), db.name)
        counts = write_parquet(part, rows, connection) if suffix == ".parquet" else write_database(part, rows)
    return Exported(file, counts)


def bring_in(db: Database, file: Path, prefer: Preference | None = None) -> Imported:
    """Merges the results of a file into `db` in one transaction, without duplicates.

    `prefer` says whose rows win where keys are equal but numbers differ; without it, raises RequestError that lists
    them. Raises StoreError for a file that is damaged or newer than this program. Nothing is changed on an error.
    """
    if _is_own(db, file):
        raise RequestError(f"{file}: this is the open database itself")
    with opened(file) as rows:
        try:
            with db.begin() as connection:
                found = compare(connection, rows)
                if found.conflicts and prefer is None:
                    raise RequestError(_listed(file, found))
                written = merge(connection, rows, found, prefer)
                read_languages(connection)
                names = [row["name"] for part in rows(table_of(StudyRow)) for row in part]
                if fault := next(study_faults(connection, names), ""):
                    raise damaged(file, fault)
        except (IntegrityError, DataError) as error:
            raise StoreError(f"{file}: its rows are inconsistent ({error.orig}); nothing was changed") from error
    return _outcome(found, prefer, written)


def _is_own(db: Database, file: Path) -> bool:
    """Returns whether a file is the database's own, by any path or link."""
    own = sqlite_file(db.url)
    return own is not None and file.exists() and own.exists() and file.samefile(own)


def _demand_no_database(db: Database, file: Path) -> None:
    """Raises RequestError for a database in use: this one, or any with a journal.

    SQLite would apply an old journal to a new file beside it. Exported files have no journal.
    """
    if _is_own(db, file):
        raise RequestError(f"{file}: this is the open database itself; name another file")
    for place in dict.fromkeys((file, file.resolve())):
        for journal in (place.with_name(place.name + ending) for ending in _JOURNALS):
            if journal.exists():
                raise RequestError(
                    f"{file}: {journal.name} beside it belongs to a database that is in use or was not closed; "
                    "name another file"
                )
    if file.is_file():
        with file.open("rb") as held:
            head = held.read(_WRITE_MODE + 1)
        if head.startswith(_SQLITE) and head[_WRITE_MODE:] == _AHEAD:
            raise RequestError(f"{file}: a database that a program writes to; name another file")


def _outcome(found: Comparison, prefer: Preference | None, written: dict[str, int]) -> Imported:
    rivals = {cell for _, cell in found.places.rivals} if prefer == "theirs" else set()
    replaced = len(found.disputed) + len(rivals) if prefer == "theirs" else 0
    new = len(found.new - found.left_out - rivals)
    known = len(found.names) - new - len(found.taken) - replaced
    return Imported(new, len(found.taken), replaced, known, tuple(found.conflicts), written)


def _listed(file: Path, found: Comparison) -> str:
    lines = [f"  {conflict}" for conflict in found.conflicts[:_SHOWN]]
    if len(found.conflicts) > _SHOWN:
        lines.append(f"  and {len(found.conflicts) - _SHOWN} more")
    return "\n".join(
        [
            f"{file}: {len(found.conflicts)} values differ from those here:",
            *lines,
            "nothing was changed; choose with --prefer ours or --prefer theirs",
        ]
    )


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Gives a temporary file beside it to write to, and renames it into place when it is complete."""
    with partial(file) as part:
        try:
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(file)
        except StoreError as error:  # of the database that is written: say its final name
            raise StoreError(str(error).replace(str(part), str(file))) from error
        finally:
            for ending in _JOURNALS:
                part.with_name(part.name + ending).unlink(missing_ok=True)


@contextmanager
def _writable(file: Path) -> Iterator[None]:
    """Turns what the disk says into a RequestError that names the file."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise RequestError(f"{file}: cannot be written ({reason}); name another file") from error
