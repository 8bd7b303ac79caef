"""One run for each checkpoint and watch: two at once, dead holders, lost events, as many as are allowed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.checkpoints.folders import files, put
from tests.checkpoints.test_record import watch
from tests.running import ROOT, forks
from tests.warm import programs
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.results.database import Database, open_database
from xtransfer.results.watched import CheckpointRunRow
from xtransfer.watch.claims import MOST_TRIES, again, claimed, recover, take_turns
from xtransfer.watch.record import record
from xtransfer.watch.watch import Watch


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def three(tmp_path: Path, db: Database, **more: object) -> tuple[Watch, list[str]]:
    """A watch that has recorded three checkpoints, and their digests in order."""
    for step in (1, 2, 3):
        put(tmp_path / "runs" / f"checkpoint-{step}", files(step))
    made = watch(tmp_path / "runs", **more)
    return made, [one.verdict.digest for one in record(made, db).sightings]


def states(db: Database) -> list[str]:
    with db.begin() as connection:
        return list(connection.scalars(select(CheckpointRunRow.state).order_by(CheckpointRunRow.recorded_at)))


def reasons(db: Database) -> list[str]:
    with db.begin() as connection:
        return list(connection.scalars(select(CheckpointRunRow.reason).order_by(CheckpointRunRow.recorded_at)))


def test_a_run_from_its_turn_to_its_end(db: Database, tmp_path: Path, home: Path) -> None:
    made, (digest, *_) = three(tmp_path, db)
    (turn,) = take_turns(made, db)
    assert (turn.digest, turn.again, turn.tries) == (digest, False, 0)
    assert turn.location.endswith("checkpoint-1") and turn.study == f"mine-checkpoint-1-{digest[:8]}"
    assert states(db) == ["announced", "waiting", "waiting"] and take_turns(made, db) == []
    with claimed(made, digest, db, home, "a-flow-run") as claim:
        assert not claim.refused and claim.study == turn.study
        assert states(db)[0] == "running" and take_turns(made, db) == []
        with claimed(made, digest, db, home) as second:
            assert "already running" in second.refused and f"process {os.getpid()}" in second.refused
        assert states(db)[0] == "running"  # the second changed nothing
    assert states(db)[0] == "done"
    with claimed(made, digest, db, home) as third:
        assert third.refused == "its run is already done"
    assert [one.location[-1] for one in take_turns(made, db)] == ["2"]


def test_as_many_at_once_as_the_watch_allows(db: Database, tmp_path: Path, home: Path) -> None:
    made, digests = three(tmp_path, db, at_once=2)
    assert [one.digest for one in take_turns(made, db)] == digests[:2]
    with claimed(made, digests[0], db, home), claimed(made, digests[1], db, home):
        with claimed(made, digests[2], db, home) as third:
            assert "2 others are running" in third.refused
        assert take_turns(made, db) == []
    assert [one.digest for one in take_turns(made, db)] == digests[2:]


@pytest.mark.parametrize("minutes", [-11, 11])  # the clock was set back after it
def test_an_announcement_that_nothing_came_of_is_made_good(
    db: Database, tmp_path: Path, home: Path, minutes: int
) -> None:
    made, (digest, *_) = three(tmp_path, db, lost_minutes=10)
    take_turns(made, db)
    assert take_turns(made, db) == []
    with db.begin() as connection:
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        connection.execute(
            update(CheckpointRunRow).where(CheckpointRunRow.digest == digest).values(announced_at=moment)
        )
    (turn,) = take_turns(made, db)
    assert (turn.digest, turn.again) == (digest, True)
    assert take_turns(made, db) == []  # announced anew: the next tick does not start it a third time
    with claimed(made, digest, db, home) as first:
        assert not first.refused
    with claimed(made, digest, db, home) as late:  # the event was only slow
        assert late.refused


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [(ValueError("no such target"), "failed", "no such target"), (SourceError("the hub is busy"), "waiting", "busy"),
     (KeyboardInterrupt(), "waiting", "its run was interrupted")],
)  # fmt: skip
def test_how_a_run_ended_is_recorded(
    error: BaseException, state: str, said: str, db: Database, tmp_path: Path, home: Path
) -> None:
    made, (digest, *_) = three(tmp_path, db)
    with pytest.raises(type(error)), claimed(made, digest, db, home):
        raise error
    assert states(db)[0] == state and said in reasons(db)[0]


def test_what_may_pass_is_tried_three_times(db: Database, tmp_path: Path, home: Path) -> None:
    made, (digest, *_) = three(tmp_path, db)
    for _ in range(MOST_TRIES):
        with pytest.raises(SourceError), claimed(made, digest, db, home) as claim:
            assert not claim.refused
            raise SourceError("the hub is busy")
    assert states(db)[0] == "failed"
    assert again("mine", db) == 1 and states(db) == ["waiting"] * 3
    assert again("other", db) == 0
    with claimed(made, digest, db, home) as claim:
        assert claim.tries == 1


def test_nobody_claims_what_was_never_recorded(db: Database, tmp_path: Path, home: Path) -> None:
    made, _ = three(tmp_path, db)
    for digest in ("0" * 32, "../../x", "\0"):
        with pytest.raises(RequestError, match="has no checkpoint"), claimed(made, digest, db, home):
            raise AssertionError
    assert not home.exists()  # no lock is named by what comes from outside


HOLDER = """
import json, sys, time
from pathlib import Path
from xtransfer.watch.claims import claimed
from xtransfer.watch.watch import Watch
from xtransfer.results.database import open_database

watch, digest, url, home = json.loads(sys.argv[1])
with open_database(url) as db, claimed(Watch.model_validate(watch), digest, db, Path(home), "its-flow-run") as claim:
    print(claim.refused or "mine", flush=True)
    time.sleep(600)
"""


def _killed_holder(made: Watch, digest: str, url: str, db: Database, home: Path) -> None:
    """A process takes the claim, is looked at while it lives, and is killed without a word."""
    given = json.dumps([made.model_dump(mode="json"), digest, url, str(home)])
    with subprocess.Popen(
        [str(programs() / "python"), "-c", HOLDER, given], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline().strip() == "mine"
        assert recover(made, db, home) == [] and states(db)[0] == "running"
        with claimed(made, digest, db, home) as second:
            assert "already running" in second.refused
        process.send_signal(signal.SIGKILL)


def _freed(made: Watch, db: Database, home: Path) -> list[str]:
    """PostgreSQL notices that a connection has gone a moment later."""
    for _ in range(300):
        if (found := recover(made, db, home)) or states(db)[0] != "running":
            return found
        time.sleep(0.1)
    return []


def test_a_dead_holder_loses_its_claim(url: str, db: Database, tmp_path: Path, home: Path) -> None:
    made, (digest, *_) = three(tmp_path, db)
    for number in range(1, MOST_TRIES):
        _killed_holder(made, digest, url, db, home)
        assert _freed(made, db, home) == [digest]
        assert states(db)[0] == "waiting" and f"attempt {number} of {MOST_TRIES}" in reasons(db)[0]
    _killed_holder(made, digest, url, db, home)
    assert _freed(made, db, home) == [] and states(db)[0] == "failed"  # it is not begun for ever


def test_a_run_that_somebody_cancelled_is_not_begun_again(url: str, db: Database, tmp_path: Path, home: Path) -> None:
    made, (digest, *_) = three(tmp_path, db)
    _killed_holder(made, digest, url, db, home)
    asked: list[str] = []
    for _ in range(300):
        assert recover(made, db, home, lambda flow_run: not asked.append(flow_run)) == []
        if states(db)[0] != "running":
            break
        time.sleep(0.1)
    assert states(db)[0] == "failed" and reasons(db)[0] == "its run was cancelled" and asked == ["its-flow-run"]


def test_a_new_run_takes_over_from_a_dead_one_at_once(url: str, tmp_path: Path, home: Path, db: Database) -> None:
    made, (digest, *_) = three(tmp_path, db)
    _killed_holder(made, digest, url, db, home)
    for _ in range(300):
        with claimed(made, digest, db, home) as claim:
            pass
        if not claim.refused:
            break
        time.sleep(0.1)
    assert claim.tries == 2 and states(db)[0] == "done"


def test_two_watchers_at_once(url: str, tmp_path: Path, home: Path) -> None:
    """Threads with databases of their own look, take turns and run together: every checkpoint is run once."""
    open_database(url).close()
    for step in range(6):
        put(tmp_path / "runs" / f"checkpoint-{step}", files(step % 4))  # two of them are repeated
    made, ran, together = watch(tmp_path / "runs", at_once=4), list[str](), threading.Barrier(4)

    def one_watcher(_: int) -> None:
        with open_database(url) as db:
            together.wait()
            record(made, db)
            together.wait()
            for turn in take_turns(made, db):
                with claimed(made, turn.digest, db, home) as claim:
                    ran.extend([] if claim.refused else [turn.digest])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one_watcher, range(4)))
    assert len(ran) == len(set(ran)) == 4


def _race(watch_values: dict[str, object], digest: str, url: str, home: str, ready: object, results: object) -> None:
    with open_database(url) as db:
        ready.wait()  # type: ignore[attr-defined]
        with claimed(Watch.model_validate(watch_values), digest, db, Path(home)) as claim:
            results.put(claim.refused)  # type: ignore[attr-defined]
            if not claim.refused:
                time.sleep(0.5)


def test_eight_processes_that_want_the_same_checkpoint(url: str, db: Database, tmp_path: Path, home: Path) -> None:
    made, (digest, *_) = three(tmp_path, db)
    context = forks()
    ready, results = context.Barrier(8), context.Queue()
    arguments = (made.model_dump(mode="json"), digest, url, str(home), ready, results)
    processes = [context.Process(target=_race, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    refusals = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sorted(map(bool, refusals)) == [False, *[True] * 7]
    assert states(db)[0] == "done"
