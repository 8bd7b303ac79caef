"""Marks in an artifact store that say which databases use it, so that none removes what another needs."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import make_url, select
from sqlalchemy.exc import ArgumentError

from xtransfer.base import hub
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.base.settings import exists
from xtransfer.results.database import Database, sqlite_file
from xtransfer.results.faults import explained
from xtransfer.results.schema import IdentityRow
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.manifest import host

log = logging.getLogger(__name__)


class Mark(BaseModel):
    """The mark that a database leaves in a store that it uses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str  # the identity of the database
    url: str  # without a password
    host: str
    store: str  # the store as that host names it


def announce(db: Database, store: ArtifactStore) -> None:
    """Marks a store as used by a database, before anything is made there.

    Only warns if the store is not writable; raises StoreError if marking fails for another reason.
    """
    mark = Mark(id=_identity(db), url=_url(db), host=host(), store=store.name)
    try:
        store.mark(f"{mark.id}-{digest(mark.url)[:8]}", mark.model_dump_json())
    except StoreError as error:
        if not _is_denied(error):
            raise
        log.warning("%s; its owner's `xtransfer store gc` may remove what this database needs", error)


def demand_all_users(store: ArtifactStore, databases: Sequence[Database]) -> None:
    """Raises RequestError unless `databases`, of which the first is our own, are all databases that use the store."""
    marks = {place: _read(text) for place, text in store.marks().items()}
    own = databases[0]
    if not any(mark and _is_of(mark, own) for mark in marks.values()):
        raise RequestError(
            f"{store.name}: {own.name} does not know this store, so it cannot tell what is needed there. Set "
            "XTRANSFER_HOME or XTRANSFER_DATABASE_URL to the database that uses it, or run its studies with this one; "
            "finished stages do not run again"
        )
    others = [
        f"  {mark.url if mark else 'an unreadable mark'}{f' on {mark.host}' if mark else ''} (marked by {place})"
        for place, mark in marks.items()
        if mark is None or not (_is_elsewhere(mark, store) or any(_is_of(mark, db) for db in databases))
    ]
    if others:
        raise RequestError("\n".join([
            f"{store.name}: other databases use this store too:", *others,
            "add --also URL for each, so that what it needs is kept; where one no longer exists, delete its mark",
        ]))  # fmt: skip


def _identity(db: Database) -> str:
    with explained(db.name), db.engine.connect() as connection:
        return str(connection.scalar(select(IdentityRow.id)))


def _url(db: Database) -> str:
    file = sqlite_file(db.url)
    return f"sqlite:///{file.absolute()}" if file else db.url.render_as_string(hide_password=True)


def _read(text: str) -> Mark | None:
    try:
        mark = Mark.model_validate_json(text)
        make_url(mark.url)
    except (ValidationError, ArgumentError, ValueError):
        return None
    return mark


def _is_of(mark: Mark, db: Database) -> bool:
    """Returns whether a database left a mark, and not a copy of its file, which has the same identity."""
    if mark.id != _identity(db):
        return False
    own, then = sqlite_file(db.url), sqlite_file(make_url(mark.url))
    if own is None or then is None or mark.url == _url(db):
        return True
    return then.samefile(own) if exists(then.exists) else mark.host == host()  # the file was moved


def _is_elsewhere(mark: Mark, store: ArtifactStore) -> bool:
    """Returns whether a mark was copied here with the files of another store that still exists."""
    there = Path(mark.store)
    return mark.host == host() and exists(there.is_dir) and store.root.is_dir() and not there.samefile(store.root)


def _is_denied(error: BaseException) -> bool:
    return any(
        isinstance(one, PermissionError) or (isinstance(one, OSError) and one.errno == errno.EROFS)
        for one in hub.causes(error)
    )
