"""Records what a look at the sources finds: every location once, and one run for each checkpoint and watch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, exists, select

from xtransfer.base.errors import SourceError
from xtransfer.models.files.files import Entry, fingerprint, last_change
from xtransfer.models.files.sources import Candidate, look
from xtransfer.models.files.wholeness import Verdict, inspect
from xtransfer.results.database import Database
from xtransfer.results.upsert import Stored, table_of, upsert
from xtransfer.results.watched import CheckpointRunRow, WatchedCheckpointRow
from xtransfer.watch.watch import Watch

_WATCHED = table_of(WatchedCheckpointRow)
_SAME_AS = "the same checkpoint as "  # start of the reason recorded for a repeated checkpoint


@dataclass(frozen=True)
class Sighting:
    """A checkpoint as it was found."""

    candidate: Candidate
    verdict: Verdict
    fingerprint: str
    repeats: str = ""  # another location with the same bytes
    known: bool = False  # recorded earlier and unchanged since

    @property
    def state(self) -> str:
        return "repeated" if self.repeats else self.verdict.state

    @property
    def reason(self) -> str:
        return f"{_SAME_AS}{self.repeats}" if self.repeats else self.verdict.reason


@dataclass
class Look:
    """What one look at a watch's sources found."""

    sightings: list[Sighting] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)  # source that could not be read → why


def record(watch: Watch, db: Database, *, dry: bool = False) -> Look:
    """Looks once at every source and records what is there, location by location; with `dry`, records nothing.

    A source that cannot be read does not stop the others. Raises RequestError for an invalid source.
    """
    found = Look()
    for source in watch.sources:
        try:
            candidates = look(source)
        except SourceError as error:
            found.faults[source] = str(error)
            continue
        judged = (_judge(candidate, watch, db) for candidate in candidates)
        found.sightings += [one if dry else _kept(watch, one, db) for one in judged if one is not None]
    return found


def _kept(watch: Watch, sighting: Sighting, db: Database) -> Sighting:
    kept = sighting if sighting.known else write(sighting, db)
    _expect(watch, kept, db)
    return kept


def write(sighting: Sighting, db: Database) -> Sighting:
    """Records one sighting in a transaction; returns it with the location it repeats, if any."""
    place, digest = sighting.candidate.location, sighting.verdict.digest
    now = datetime.now(UTC)
    with db.begin() as connection:
        repeats = _elsewhere(connection, place, digest) if digest else ""
        sighting = replace(sighting, repeats=repeats)
        earlier = select(_WATCHED.c.first_seen).where(_WATCHED.c.location == place, _WATCHED.c.digest.in_(("", digest)))
        before = connection.scalar(earlier.order_by(_WATCHED.c.first_seen))
        if digest:
            connection.execute(delete(_WATCHED).where(_WATCHED.c.location == place, _WATCHED.c.digest == ""))
        row = {
            "location": place,
            "digest": digest,
            "source": sighting.candidate.source,
            "step": sighting.candidate.step,
            "state": sighting.state,
            "reason": sighting.reason,
            "fingerprint": sighting.fingerprint,
            "first_seen": before or now,
            "changed_at": now,
        }
        same = exists(1).where(
            _WATCHED.c.location == place,
            _WATCHED.c.digest == digest,
            _WATCHED.c.fingerprint == sighting.fingerprint,
            _WATCHED.c.changed_at <= now,  # else the clock was set back, and the wait begins again
        )
        upsert(
            connection,
            WatchedCheckpointRow,
            [row],
            keep=("first_seen", *(["changed_at"] if connection.scalar(select(same)) else [])),
        )
    return sighting


def _expect(watch: Watch, sighting: Sighting, db: Database) -> None:
    """Adds a waiting run for a complete checkpoint, unless it has one."""
    digest, place = sighting.verdict.digest, sighting.candidate.location
    if not digest:
        return
    row = {
        "digest": digest, "watch": watch.name, "study": watch.study_name(place, digest), "location": place,
        "state": "waiting", "reason": "", "tries": 0, "claimed_by": "", "flow_run": "",
        "recorded_at": datetime.now(UTC), "announced_at": None, "claimed_at": None, "ended_at": None,
    }  # fmt: skip
    with db.begin() as connection:
        upsert(connection, CheckpointRunRow, [row], keep=tuple(row))


def _judge(candidate: Candidate, watch: Watch, db: Database) -> Sighting | None:
    """Returns what a candidate is; None if it is older than the watch's `since`, or gone."""
    try:
        files = candidate.open()
        entries = files.entries()
        written = candidate.moment or last_change(entries)
        if watch.since is not None and written is not None and written < watch.since.timestamp():
            return None
        mark = fingerprint(entries)
        stored = _stored(db, candidate.location, mark)
        if stored is not None and (stored.digest or stored.state == "refused"):
            return _known(candidate, stored)
        unsteady = candidate.being_written or _unsteady(candidate, entries, watch, stored)
        return Sighting(candidate, inspect(files, entries, unsteady), mark)
    except FileNotFoundError:
        return None
    except Exception as error:  # file systems raise their own exception classes; the next look tries again
        return Sighting(candidate, Verdict("unfinished", f"cannot be read: {type(error).__name__}: {error}"), "")


def _known(candidate: Candidate, row: Stored) -> Sighting:
    verdict = Verdict("whole" if row.digest else row.state, "" if row.digest else row.reason, row.digest)
    repeats = row.reason.removeprefix(_SAME_AS) if row.state == "repeated" else ""
    return Sighting(candidate, verdict, row.fingerprint, repeats, known=True)


def _unsteady(candidate: Candidate, entries: dict[str, Entry], watch: Watch, stored: Stored | None) -> str:
    """Returns why files may still be written to: they were changed, or first seen, too recently; empty if not."""
    if candidate.fixed:
        return ""
    now, written = time.time(), last_change(entries)
    rests = [now - written] if written is not None else []
    rests += [now - stored.changed_at.timestamp()] if stored is not None else []
    longest = max(rests, default=0.0)
    if longest >= watch.steady_seconds:
        return ""
    return f"last written {max(longest, 0):.0f} s ago; it counts after {watch.steady_seconds:.0f} s without changes"


def _stored(db: Database, location: str, mark: str) -> Stored | None:
    """Returns the record of a location with exactly these files."""
    query = select(_WATCHED).where(_WATCHED.c.location == location, _WATCHED.c.fingerprint == mark)
    with db.engine.connect() as connection:
        return connection.execute(query.order_by(_WATCHED.c.digest.desc())).first()


def _elsewhere(connection: Connection, location: str, digest: str) -> str:
    """Returns the location where the same checkpoint was first seen, if that is another one."""
    query = select(_WATCHED.c.location).where(_WATCHED.c.digest == digest, _WATCHED.c.location != location)
    return connection.scalar(query.where(_WATCHED.c.state == "whole").order_by(_WATCHED.c.first_seen)) or ""
