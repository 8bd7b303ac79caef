"""Writing results. Each call is one transaction and an upsert: killed anywhere and called again, nothing is
lost, doubled or half written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, exists, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from xtransfer.digest import digest
from xtransfer.errors import RequestError, StoreError
from xtransfer.results.database import Database
from xtransfer.results.evidence import Evidence, evidence
from xtransfer.results.schema import Base, CellRow, CellStageRow, ScoreRow, StageRow, StudyCellRow, StudyRow

if TYPE_CHECKING:
    from xtransfer.grid import Cell, Plan
    from xtransfer.stages.spec import Stage
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.store.manifest import Manifest

_CHUNK = 500  # rows per statement, below SQLite's limit on bound values

Values = dict[str, Any]


def record_study(db: Database, plan: Plan) -> None:
    """Writes the study and its cells (`planned` where they are new); links of an earlier version go."""
    study = plan.study
    definition = study.model_dump(mode="json")
    row = {
        "name": study.name,
        "question": study.question,
        "definition": definition,
        "digest": digest(definition),
        "updated_at": datetime.now(UTC),
    }
    stages = {stage.key: stage for stage in plan.stages}
    cells = [_cell_row(cell, _lineage(stages, cell.score)) for cell in plan.cells]
    with db.begin() as connection:
        _upsert(connection, StudyRow, [row], unless_equal=("digest",))
        _upsert(connection, CellRow, cells, keep=("status", "reason"))
        _link(connection, study.name, [cell.key for cell in plan.cells])


def record_cell(db: Database, study_name: str, cell: Cell, store: ArtifactStore) -> str:
    """Writes the scores of a finished cell with the manifests of all its stages; returns the cell's status.

    The status is `degenerate`, with the reason, where training failed to learn or all predictions are equal.
    Raises StoreError when an artifact is gone or its numbers are impossible, RequestError for an unknown
    study.
    """
    found = evidence(store, cell.score.key)
    if found is None:
        raise StoreError(f"{cell.slug}: no scores in the artifact store; run the study again")
    reason = found.degenerate
    status = "degenerate" if reason else "done"
    manifests = [artifact.manifest for artifact in found.artifacts]
    stages = [_stage_row(manifest) for manifest in manifests]
    row = _cell_row(cell, manifests) | {"status": status, "reason": reason}
    try:
        with db.begin() as connection:
            _require_study(connection, study_name)
            _upsert(connection, StageRow, stages)
            _upsert(connection, CellRow, [row])
            _add_link(connection, study_name, cell.key)
            links = [{"cell": cell.key, "stage": stage["key"]} for stage in stages]
            _replace(connection, CellStageRow, cell.key, links)
            _replace(
                connection,
                ScoreRow,
                cell.key,
                _score_rows(cell, found),
                unless_equal=("value", "n", "artifact"),
            )
    except IntegrityError as error:
        raise StoreError(f"{cell.slug}: the database refuses its numbers ({error.orig}); "
                         "remove the score artifact and run again") from error  # fmt: skip
    return status


def record_failure(db: Database, study_name: str, cell: Cell, reason: str) -> None:
    """Marks a cell as failed; one that already has scores stays as it is."""
    row = _cell_row(cell, [cell.score]) | {
        "status": "failed",
        "reason": reason.strip() or "no reason was given",
    }
    with db.begin() as connection:
        _require_study(connection, study_name)
        _upsert(connection, CellRow, [row], keep=tuple(row))
        connection.execute(
            update(CellRow)
            .where(CellRow.key == cell.key, CellRow.status.in_(("planned", "failed")))
            .values(status="failed", reason=row["reason"])
        )
        _add_link(connection, study_name, cell.key)


def _require_study(connection: Connection, name: str) -> None:
    if connection.scalar(select(StudyRow.name).where(StudyRow.name == name)) is None:
        raise RequestError(f"study '{name}' is not in the database; record_study comes first")


def _link(connection: Connection, study: str, keys: Sequence[str]) -> None:
    """Makes `keys` the cells of the study, and forgets planned cells that no study has any more."""
    old = set(connection.scalars(select(StudyCellRow.cell).where(StudyCellRow.study == study)))
    for gone in _chunks(sorted(old.difference(keys))):
        here = StudyCellRow.study == study
        connection.execute(delete(StudyCellRow).where(here, StudyCellRow.cell.in_(gone)))
        unused = ~exists().where(StudyCellRow.cell == CellRow.key)
        connection.execute(delete(CellRow).where(CellRow.key.in_(gone), CellRow.status == "planned", unused))
    _upsert(connection, StudyCellRow, [{"study": study, "cell": key} for key in keys])


def _add_link(connection: Connection, study: str, key: str) -> None:
    _upsert(connection, StudyCellRow, [{"study": study, "cell": key}])


def _cell_row(cell: Cell, lineage: Sequence[Stage | Manifest]) -> Values:
    parts = cell.intermediate.parts
    pretrained = [stage.key for stage in lineage if stage.kind == "pretrain"]
    return {
        "key": cell.key,
        "encoder": cell.encoder,
        "encoder_revision": pretrained[0] if pretrained else cell.encoder.partition("@")[2],
        "intermediate": cell.intermediate.slug,
        "intermediate_language": "+".join(dict.fromkeys(part.language for part in parts)),
        "intermediate_engine": "+".join(dict.fromkeys(part.engine for part in parts if part.engine)),
        "target": cell.target.slug,
        "seed": cell.seed,
        "score_stage": cell.score.key,
        "recipes": {stage.name: stage.settings["recipe"] for stage in lineage if "recipe" in stage.settings},
        "status": "planned",
        "reason": "",
    }


def _lineage(stages: Mapping[str, Stage], stage: Stage) -> list[Stage]:
    """A stage and all that feed it, inputs first."""
    found: dict[str, Stage] = {}
    for key in stage.inputs.values():
        found |= {one.key: one for one in _lineage(stages, stages[key])}
    return [*(found | {stage.key: stage}).values()]


def _stage_row(manifest: Manifest) -> Values:
    values = manifest.model_dump(mode="json", include={"settings", "facts", "packages"})
    names = ("key", "kind", "version", "name", "host", "device", "started", "seconds")
    return {name: getattr(manifest, name) for name in names} | values


def _score_rows(cell: Cell, found: Evidence) -> list[Values]:
    now = datetime.now(UTC)
    return [
        {
            "cell": cell.key,
            "language": score.language,
            "split": score.split,
            "metric": score.metric,
            "value": score.value,
            "n": score.n,
            "chance": score.chance,
            "constant": score.constant,
            "artifact": cell.score.key,
            "recorded_at": now,
        }
        for score in found.scores
    ]


def _replace(
    connection: Connection, model: type[Base], cell: str, rows: list[Values], unless_equal: Sequence[str] = ()
) -> None:
    """Makes `rows` all the rows that the table has for the cell."""
    table = _table(model)
    key = [column for column in table.primary_key.columns if column.name != "cell"]
    kept = [tuple(row[column.name] for column in key) for row in rows]
    connection.execute(delete(table).where(table.c.cell == cell, tuple_(*key).not_in(kept)))
    _upsert(connection, model, rows, unless_equal=unless_equal)


def _upsert(
    connection: Connection,
    model: type[Base],
    rows: Sequence[Values],
    *,
    keep: Sequence[str] = (),
    unless_equal: Sequence[str] = (),
) -> None:
    """Inserts rows or updates those whose key exists.

    Columns of `keep` are set by the insert alone; a row whose `unless_equal` columns are as before is not
    touched.
    """
    table = _table(model)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = [column.name for column in table.primary_key.columns]
    for chunk in _chunks(rows):
        statement: Any = insert(table).values(list(chunk))
        new = {name: statement.excluded[name] for name in chunk[0] if name not in key and name not in keep}
        if not new:
            connection.execute(statement.on_conflict_do_nothing(index_elements=key))
            continue
        differs = [table.c[name] != statement.excluded[name] for name in unless_equal]
        where = or_(*differs) if differs else None
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=new, where=where))


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
