"""Removes checkpoints of targets once they are scored, for runs that keep scores and predictions alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select

from xtransfer.base.stage import Stage
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import PlannedStageRow
from xtransfer.results.users import demand_all_users
from xtransfer.store.artifacts import ArtifactStore


class ScoredCheckpoints:
    """The checkpoints of a plan that only score stages read; intermediates are kept, since other targets start there.

    A checkpoint that another recorded study needs is kept too.
    """

    def __init__(self, db: Database, store: ArtifactStore, study: str, plan: Sequence[Stage]) -> None:
        """Raises RequestError if another database uses the store: its studies may need what would be removed."""
        demand_all_users(store, [db])
        self._db, self._store, self._study = db, store, study
        self.removed: list[int] = []  # bytes of each
        readers: dict[str, set[str]] = {stage.key: set() for stage in plan if stage.kind == "train"}
        scores = {stage.key for stage in plan if stage.kind == "score"}
        for stage in plan:
            for key in stage.inputs.values():
                if key in readers:
                    readers[key].add(stage.key)
        self._unscored = {key: found for key, found in readers.items() if found and found <= scores}

    def scored(self, stage: Stage) -> None:
        """Takes note that the scores of a stage are recorded, and removes checkpoints that nothing else here reads."""
        for key in stage.inputs.values():
            left = self._unscored.get(key)
            if left is None:
                continue
            left.discard(stage.key)
            if all(self._store.find(one) is not None for one in left) and not self._needed_elsewhere(key):
                freed = self._store.remove(key)
                if freed:
                    self.removed.append(freed)

    def _needed_elsewhere(self, key: str) -> bool:
        others = exists().where(PlannedStageRow.stage == key, PlannedStageRow.study != self._study)
        with explained(self._db.name), self._db.engine.connect() as connection:
            return bool(connection.scalar(select(others)))
