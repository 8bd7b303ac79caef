"""Runs each checkpoint once per watch, however many watchers, events and schedules there are.

    waiting → announced → running → done | failed

A row changes in one transaction, so if two processes want the same checkpoint, the second finds it taken. While a row
is `running`, its holder keeps a lease that ends with the process. A running row whose lease is free has lost its
holder and waits again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.retry import is_transient
from xtransfer.results.database import Database
from xtransfer.results.upsert import Stored, table_of
from xtransfer.results.watched import CheckpointRunRow
from xtransfer.store.lease import Lease, leases_for
from xtransfer.watch.watch import Watch

MOST_TRIES = 3  # attempts, so that a checkpoint whose run always dies is not retried for ever
_RUN = table_of(CheckpointRunRow)


@dataclass(frozen=True)
class Turn:
    """A checkpoint to run now."""

    digest: str
    location: str
    study: str
    tries: int
    again: bool  # it was announced before, but no run started


@dataclass(frozen=True)
class Claim:
    """Whether this process may run a checkpoint; `refused` says why not."""

    study: str
    location: str
    tries: int
    refused: str = ""


def take_turns(watch: Watch, db: Database, without: Collection[str] = ()) -> list[Turn]:
    """Announces and returns the checkpoints that may run now: waiting ones, and ones whose event was lost.

    Leaves out the digests in `without`, which had their turn.
    """
    now = datetime.now(UTC)
    wait = timedelta(minutes=watch.lost_minutes)
    with db.begin() as connection:
        rows = _locked(connection, watch.name)
        waiting = [row for row in rows if row.state == "waiting"]
        # an event of the future was announced before the clock was set back
        late = [row for row in rows if row.state == "announced" and abs(now - row.announced_at) >= wait]
        active = sum(row.state in ("running", "announced") for row in rows) - len(late)
        chosen = [row for row in (*late, *waiting) if row.digest not in without][: max(0, watch.at_once - active)]
        for row in chosen:
            _set(connection, row.digest, watch.name, state="announced", reason="", announced_at=now)
    return [Turn(row.digest, row.location, row.study, row.tries, row.state == "announced") for row in chosen]


@contextmanager
def claimed(watch: Watch, digest: str, db: Database, home: Path, flow_run: str = "") -> Iterator[Claim]:
    """Claims a checkpoint for the duration of its run; records how the run ended.

    A run ended by a signal stays `running` in its row; `recover` then finds out whether it was cancelled. Raises
    RequestError if no watch of this name has recorded the checkpoint.
    """
    with db.begin() as connection:
        rows = _locked(connection, watch.name)
    _recorded(rows, watch.name, digest)  # before the lease: an unknown digest must not name a lock file
    with _lease(watch.name, digest, db, home) as lease:
        claim = _claim(watch, digest, db, flow_run, free=lease is not None)
        if claim.refused:
            yield claim
            return
        try:
            yield claim
        except Exception as error:
            passing = isinstance(error, SourceError) or is_transient(error)  # temporary: retried at the next look
            state = "waiting" if passing and claim.tries < MOST_TRIES else "failed"
            _end(db, watch.name, digest, state, str(error) or type(error).__name__)
            raise
        except KeyboardInterrupt:
            _end(db, watch.name, digest, "waiting", "its run was interrupted")
            raise
        _end(db, watch.name, digest, "done", "")


def recover(watch: Watch, db: Database, home: Path, given_up: Callable[[str], bool] = lambda _: False) -> list[str]:
    """Puts checkpoints whose run died back to waiting; returns their digests.

    `given_up` tells from a flow run's id whether somebody cancelled it. A cancelled run, or one that died too often,
    is `failed` instead.
    """
    with db.begin() as connection:
        running = [row for row in _locked(connection, watch.name) if row.state == "running"]
    return [row.digest for row in running if _recovered(row, watch.name, db, home, given_up)]


def states(watch: str, db: Database) -> dict[str, tuple[str, str]]:
    """Returns digest → (state of its run, reason)."""
    with db.engine.connect() as connection:
        query = select(_RUN.c.digest, _RUN.c.state, _RUN.c.reason).where(_RUN.c.watch == watch)
        return {row.digest: (row.state, row.reason) for row in connection.execute(query)}


def again(watch: str, db: Database) -> int:
    """Puts checkpoints whose run failed back to waiting; returns how many."""
    with db.begin() as connection:
        statement = update(_RUN).where(_RUN.c.watch == watch, _RUN.c.state == "failed")
        return connection.execute(statement.values(state="waiting", tries=0, reason="")).rowcount


def _recovered(row: Stored, watch: str, db: Database, home: Path, given_up: Callable[[str], bool]) -> bool:
    with _lease(watch, row.digest, db, home) as lease:
        if lease is None:
            return False
        cancelled = bool(row.flow_run) and given_up(row.flow_run)
        state = "failed" if cancelled or row.tries >= MOST_TRIES else "waiting"
        said = "was cancelled" if cancelled else f"died ({row.claimed_by}, attempt {row.tries} of {MOST_TRIES})"
        with db.begin() as connection:
            changed = _set(connection, row.digest, watch, "running", state=state, reason=f"its run {said}")
        return bool(changed) and state == "waiting"


def _claim(watch: Watch, digest: str, db: Database, flow_run: str, free: bool) -> Claim:
    with db.begin() as connection:
        rows = _locked(connection, watch.name)
        row = _recorded(rows, watch.name, digest)
        refused = _why_not(watch, row, rows, free)
        if refused and row.state == "announced" and free:
            _set(connection, digest, watch.name, state="waiting", reason=refused)
        if not refused:
            who = f"{socket.gethostname()} process {os.getpid()}"
            _set(connection, digest, watch.name, state="running", reason="", tries=row.tries + 1, claimed_by=who,
                 flow_run=flow_run, claimed_at=datetime.now(UTC), ended_at=None)  # fmt: skip
    return Claim(row.study, row.location, row.tries + (not refused), refused)


def _why_not(watch: Watch, row: Stored, rows: list[Stored], free: bool) -> str:
    """Returns why the checkpoint cannot run now; empty if it can."""
    if not free:
        return f"it is already running ({row.claimed_by or 'just started'})"
    if row.state in ("done", "failed"):
        return f"its run is already {row.state}" + (f" ({row.reason})" if row.reason else "")
    others = sum(one.state == "running" and one.digest != row.digest for one in rows)
    if others >= watch.at_once:
        return f"{others} others are running, the maximum of the watch (at_once); it runs later"
    return ""


def _end(db: Database, watch: str, digest: str, state: str, reason: str) -> None:
    with db.begin() as connection:
        _set(connection, digest, watch, "running", state=state, reason=reason, ended_at=datetime.now(UTC))


def _locked(connection: Connection, watch: str) -> list[Stored]:
    """Returns all rows of a watch in order of arrival, locked for this transaction."""
    query = select(_RUN).where(_RUN.c.watch == watch)
    return list(connection.execute(query.order_by(_RUN.c.recorded_at, _RUN.c.digest).with_for_update()))


def _recorded(rows: list[Stored], watch: str, digest: str) -> Stored:
    """Returns the row of a checkpoint; raises RequestError if no watch of this name has recorded it."""
    for row in rows:
        if row.digest == digest:
            return row
    raise RequestError(f"watch '{watch}' has no checkpoint {digest[:80]}; run `xtransfer watch` to look for it")


def _set(connection: Connection, digest: str, watch: str, only_in: str | None = None, **values: object) -> int:
    """Sets columns of a row, if it is in state `only_in`; returns the number of rows changed."""
    statement = update(_RUN).where(_RUN.c.digest == digest, _RUN.c.watch == watch)
    if only_in is not None:
        statement = statement.where(_RUN.c.state == only_in)
    return connection.execute(statement.values(**values)).rowcount


def _lease(watch: str, digest: str, db: Database, home: Path) -> AbstractContextManager[Lease | None]:
    """Returns a context with the lease of a run, which it holds while it lives; None if another process has it."""
    url = db.url.render_as_string(hide_password=False)
    return leases_for(home / "leases", url).take(f"checkpoint-{watch}-{digest}")
