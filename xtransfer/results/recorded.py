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
    """Yields the cells whose scores are not recorded for the study, or come from other artifacts than the store's."""
    known = _recorded(db, study)
    lineages = _Lineages(store)
    return (cell for cell in cells if known.get(cell.key) != lineages.of(cell.score.key))


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

    def of(self, key: str) -> frozenset[Making]:
        """Returns them; empty if one is missing, so that the cell counts as unrecorded and recording reports it."""
        if key not in self._known:
            artifact = self._store.find(key)
            own = frozenset([(key, artifact.manifest.started)]) if artifact else frozenset()
            behind = [self.of(one) for one in artifact.manifest.inputs.values()] if artifact else []
            self._known[key] = own.union(*behind) if all(behind) else frozenset()
        return self._known[key]
