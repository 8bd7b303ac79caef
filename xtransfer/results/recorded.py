"""Finds what is already recorded, so that running a finished study again writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from xtransfer.base.digest import digest
from xtransfer.base.version import __version__
from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow, CellStageRow, StageRow, StudyCellRow, StudyRow

if TYPE_CHECKING:
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.study.cells import Cell

Making = tuple[str, datetime]  # key of a stage, and when its artifact was started; differs if it was made again


def unrecorded(db: Database, study: str, cells: Sequence[Cell], store: ArtifactStore) -> Iterator[Cell]:
    """Yields the cells whose scores are not recorded for the study, or come from other artifacts than the store's.

    Artifacts behind recorded scores may be gone from the store, as checkpoints are that were removed when scored.
    """
    known = _recorded(db, study)
    lineages = _Lineages(store)
    return (cell for cell in cells if not _same(known.get(cell.key), cell.score.key, lineages))


def unrecordable(db: Database, study: str, cells: Sequence[Cell], store: ArtifactStore) -> set[str]:
    """Returns the score stages of cells that are not recorded, and cannot be: something behind the scores is gone."""
    known = _recorded(db, study)
    lineages = _Lineages(store)
    scores = {cell.score.key for cell in cells if cell.key not in known}
    return {key for key in scores if lineages.made(key) and not lineages.of(key)}


def _same(recorded: frozenset[Making] | None, score: str, lineages: _Lineages) -> bool:
    if recorded is None:
        return False
    there = lineages.of(score)
    if there:
        return recorded == there
    own = lineages.made(score)  # something behind it is gone
    return own in recorded and all(lineages.made(key) in (None, (key, moment)) for key, moment in recorded)


def fingerprint(db: Database, study: str) -> str:
    """Returns a digest that changes with a study's results: of its definition, each cell's status, and artifacts."""
    status = (
        select(CellRow.key, CellRow.status, CellRow.reason)
        .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        .where(StudyCellRow.study == study)
    )
    with db.begin() as connection:
        definition = connection.scalar(select(StudyRow.digest).where(StudyRow.name == study))
        cells = sorted(map(list, connection.execute(status)))
    makings = {cell: sorted(f"{key} {moment}" for key, moment in made) for cell, made in _recorded(db, study).items()}
    return digest(__version__, definition, cells, makings)


def _recorded(db: Database, study: str) -> dict[str, frozenset[Making]]:
    """Returns cell → artifacts of the stages behind its scores."""
    query = (
        select(StudyCellRow.cell, StageRow.key, StageRow.started)
        .join(CellRow, CellRow.key == StudyCellRow.cell)
        .join(CellStageRow, CellStageRow.cell == CellRow.key)
        .join(StageRow, StageRow.key == CellStageRow.stage)
        .where(StudyCellRow.study == study, CellRow.status.in_(("done", "degenerate")))
    )
    found: dict[str, set[Making]] = {}
    with db.begin() as connection:
        for cell, key, started in connection.execute(query):
            found.setdefault(cell, set()).add((key, started.astimezone(UTC)))
    return {cell: frozenset(makings) for cell, makings in found.items()}


class _Lineages:
    """The artifacts behind an artifact; each manifest is read once."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._known: dict[str, frozenset[Making]] = {}
        self._inputs: dict[str, tuple[str, ...]] = {}
        self._made: dict[str, Making | None] = {}

    def made(self, key: str) -> Making | None:
        """Returns when an artifact of the store was made; None if there is none."""
        if key not in self._made:
            artifact = self._store.find(key)
            self._made[key] = (key, artifact.manifest.started) if artifact else None
            self._inputs[key] = tuple(artifact.manifest.inputs.values()) if artifact else ()
        return self._made[key]

    def of(self, key: str) -> frozenset[Making]:
        """Returns them; empty if one is missing, so that a cell that is not recorded yet fails with that reason."""
        if key not in self._known:
            made = self.made(key)
            behind = [self.of(one) for one in self._inputs[key]]
            self._known[key] = frozenset([made]).union(*behind) if made and all(behind) else frozenset()
        return self._known[key]
