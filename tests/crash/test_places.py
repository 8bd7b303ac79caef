"""A process that is killed at any step of a commit, of a takeover or of a record leaves nothing that stays."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.crash.inject import sitecustomize
from tests.crash.making import MADE, STAGE, Maker
from tests.crash.places import COMMIT, TAKEOVERS
from tests.results.numbers import Numbers, make, record_all
from tests.results.test_write import contents
from tests.running import forks
from xtransfer.base.disk import partial
from xtransfer.results.database import open_database

pytestmark = pytest.mark.slow
_KILLED = -signal.SIGKILL


@pytest.fixture(params=["sqlite", "postgresql"])
def more(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that names the database, which also has the leases if it is PostgreSQL."""
    return {} if request.param == "sqlite" else {"XTRANSFER_DATABASE_URL": request.getfixturevalue("postgres_url")}


@pytest.fixture
def maker(tmp_path: Path, more: dict[str, str]) -> Maker:
    (tmp_path / "notes").mkdir()
    return Maker(tmp_path / "home", tmp_path / "notes", more)


def _planned(folder: Path, *places: str) -> Path:
    """A plan that kills the first arrival at each place."""
    made = folder / "plan"
    made.mkdir()
    (made / "plan.json").write_text(json.dumps({"kills": {place: {"1": 0.0} for place in places}, "seconds": {}}))
    return made


@pytest.mark.parametrize("more", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", COMMIT)
def test_killed_at_a_step_of_a_commit(tmp_path: Path, maker: Maker, step: str) -> None:
    assert maker.end(_planned(tmp_path, f"commit-{step}")) == _KILLED
    renamed = COMMIT.index(step) >= COMMIT.index("renamed")
    assert (maker.store.find(STAGE.key) is not None) == renamed
    assert maker.end() == MADE
    maker.store.tidy()
    _assert_whole(maker)
    assert len(maker.runs()) == (1 if renamed else 2)


@pytest.mark.parametrize("moment", TAKEOVERS)
def test_killed_while_taking_over_from_a_killed_holder(tmp_path: Path, maker: Maker, moment: str) -> None:
    plan = _planned(tmp_path, "holder", moment)
    assert [maker.end(plan), maker.end(plan), maker.end(plan)] == [_KILLED, _KILLED, MADE]
    _assert_whole(maker)


def _assert_whole(maker: Maker) -> None:
    store = maker.store
    assert [*store.keys()] == [STAGE.key] and store.verify(STAGE.key) == [] and store.unfinished() == []
    assert store.made_elsewhere([STAGE.key]) == set()


@pytest.mark.parametrize("place", ["study-begun", "study-written", "cell-begun", "cell-written"])
def test_killed_in_the_transaction_that_records(tmp_path: Path, more: dict[str, str], place: str) -> None:
    url = more.get("XTRANSFER_DATABASE_URL", f"sqlite:///{tmp_path / 'results.db'}")
    numbers = make(tmp_path / "numbers")
    with open_database(url) as db:
        before = contents(db)
        writer = forks().Process(target=_record, args=(url, numbers, _planned(tmp_path, f"record-{place}")))
        writer.start()
        writer.join(120)
        assert writer.exitcode == _KILLED
        after = contents(db)
        assert not after["score"] and not after["cell_stage"]
        assert (after == before) == place.startswith("study")
        record_all(db, numbers)
        assert len(contents(db)["score"]) == 3 * len(numbers.cells)


def _record(url: str, numbers: Numbers, plan: Path) -> None:
    from xtransfer.results import write  # noqa: F401 - in time to be wrapped

    sitecustomize.install(plan)
    with open_database(url) as db:
        record_all(db, numbers)


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path, folder: bool) -> None:
    final = tmp_path / "report [1].html"
    writer = forks().Process(target=_die_while_writing, args=(final, folder))
    writer.start()
    writer.join(120)
    assert writer.exitcode == _KILLED
    (left,) = tmp_path.iterdir()
    with partial(final, folder=folder) as first, partial(final, folder=folder) as second:  # as two processes
        assert set(tmp_path.iterdir()) == {first, second} and left not in (first, second)
    assert list(tmp_path.iterdir()) == []


def _die_while_writing(final: Path, folder: bool) -> None:
    with partial(final, folder=folder):
        os.kill(os.getpid(), signal.SIGKILL)
