"""What nothing needs of an artifact store: no recorded study or score, nobody who used it lately, no process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select, union

from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import CellRow, CellStageRow, PlannedStageRow, StudyCellRow
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.content import Content

# why something may go
NOT_NEEDED, NOT_FINISHED, LEFT_OVER, DAMAGED = "not needed", "not finished", "left over", "damaged"
_STAGES = (select(CellStageRow.stage), select(PlannedStageRow.stage), select(CellRow.score_stage))


@dataclass(frozen=True)
class Unused:
    """What may be removed."""

    content: Content
    why: str  # one of the four


def unused(
    store: ArtifactStore, databases: Sequence[Database], min_days: float, *, damaged: bool = False
) -> list[Unused]:
    """What is older than `min_days` and no study or score of `databases` refers to, largest first.

    What kept artifacts were made from is kept too, and what is being made. With `damaged` (every byte is read) also
    artifacts whose bytes are wrong, whoever refers to them. Raises RequestError for a study whose stages the
    database does not know.
    """
    contents = store.contents()  # before the references: what is recorded from here on refers to nothing in the list
    kept = set().union(*map(needed_artifacts, databases)) | {one.key for one in contents if one.age < min_days}
    kept |= _behind(kept, contents)
    made = {one.key for one in contents if one.finished}
    found = [Unused(one, why) for one in contents if (why := _why(one, kept, made, min_days))]
    if damaged:
        listed = {one.content.key for one in found}
        whole = [one for one in contents if one.finished and one.key not in listed]
        found += [Unused(one, DAMAGED) for one in whole if store.verify(one.key)]
    held = store.made_elsewhere({one.content.key for one in found})
    return sorted((one for one in found if one.content.key not in held), key=lambda one: -one.content.size)


def clear(
    store: ArtifactStore, databases: Sequence[Database], doomed: Sequence[Unused], min_days: float
) -> Iterator[int]:
    """Removes those of `doomed` that nothing needs by now either; gives the bytes that each has freed."""
    still = {(one.content.key, one.why) for one in unused(store, databases, min_days)}
    for one in doomed:
        key = one.content.key
        if one.why == DAMAGED:
            goes = bool(store.verify(key))
        else:
            goes = (key, one.why) in still and (one.why == LEFT_OVER or not any(_needs(db, key) for db in databases))
        freed = (store.remove if one.content.finished else store.remove_unfinished)(key) if goes else None
        if freed is not None:
            yield freed


def needed_artifacts(db: Database) -> set[str]:
    """Keys of all stages that recorded studies need and that recorded scores rest on.

    Raises RequestError where an unfinished study was recorded without its stages, by an older program.
    """
    planned = exists().where(PlannedStageRow.study == StudyCellRow.study)
    unknown = (
        select(StudyCellRow.study)
        .distinct()
        .join(CellRow, CellRow.key == StudyCellRow.cell)
        .where(CellRow.status.in_(("planned", "failed")), ~planned)
    )
    with explained(db.name), db.engine.connect() as connection:
        if names := sorted(connection.scalars(unknown)):
            raise RequestError(
                f"{db.name}: does not know which stages unfinished studies need, since an older version of this "
                f"program recorded them: {', '.join(names)}. Run them again first"
            )
        return set(connection.scalars(union(*_STAGES)))


def _needs(db: Database, key: str) -> bool:
    """Whether `key` is one of them."""
    with explained(db.name), db.engine.connect() as connection:
        return any(connection.scalar(select(exists(one.where(one.selected_columns[0] == key)))) for one in _STAGES)


def _why(one: Content, kept: set[str], made: set[str], min_days: float) -> str:
    """Why something may go; '' where it may not."""
    if one.finished:
        return "" if one.key in kept else NOT_NEEDED
    if one.age < min_days:
        return ""
    return LEFT_OVER if one.key in made else "" if one.key in kept else NOT_FINISHED


def _behind(keys: set[str], contents: Sequence[Content]) -> set[str]:
    """Keys of all that the artifacts under `keys` were made from."""
    inputs = {one.key: one.inputs for one in contents if one.finished}
    found, waiting = set[str](), list(keys)
    while waiting:
        fresh = set(inputs.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return found
