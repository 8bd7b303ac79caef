"""What recorded studies and scores need of a store, on both kinds of database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete

from tests.results.numbers import Numbers, record_all
from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import PlannedStageRow
from xtransfer.results.unused import clear, needed_artifacts, unused
from xtransfer.results.users import announce, demand_all_users
from xtransfer.results.write import record_study


def test_planned_stages_and_those_behind_scores_are_needed(db: Database, numbers: Numbers) -> None:
    every = {stage.key for stage in numbers.plan.stages}
    record_study(db, numbers.plan)
    assert needed_artifacts(db) == every
    record_all(db, numbers)
    pretrained, train, score = numbers.plan.stages[:3]
    record_study(db, replace(numbers.plan, cells=numbers.cells[:1], stages=(pretrained, train, score)))
    assert needed_artifacts(db) == every, "scores of the cells that the study has no longer are still there"
    assert unused(numbers.store, [db], 0) == []


def test_of_an_older_study_it_is_not_known(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    with db.begin() as connection:
        connection.execute(delete(PlannedStageRow))
    with pytest.raises(RequestError, match=r"numbers\. Run them again"):
        needed_artifacts(db)


def test_a_database_knows_a_store_once_it_has_used_it(db: Database, numbers: Numbers, sqlite_url: str) -> None:
    with pytest.raises(RequestError, match="does not know this store"):
        demand_all_users(numbers.store, [db])
    announce(db, numbers.store)
    announce(db, numbers.store)
    demand_all_users(numbers.store, [db])
    assert len(numbers.store.marks()) == 1
    with open_database(sqlite_url.replace("results.db", "other.db")) as other:
        announce(other, numbers.store)
        with pytest.raises(RequestError, match=r"sqlite:.*other.db"):
            demand_all_users(numbers.store, [db])
        demand_all_users(numbers.store, [db, other])


def test_what_nothing_needs_is_removed(db: Database, numbers: Numbers) -> None:
    found = unused(numbers.store, [db], 0)
    assert {one.content.key for one in found} == {stage.key for stage in numbers.plan.stages}
    assert unused(numbers.store, [db], 1) == []
    freed = list(clear(numbers.store, [db], found, 0))
    assert sum(freed) == sum(one.content.size for one in found) > 0 and not list(numbers.store.keys())
