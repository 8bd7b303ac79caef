"""Finds artifacts that can be removed: no recorded study or score needs them, and nobody used or makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select, union

from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import CellRow, CellStageRow, PlannedStageRow, StudyCellRow
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.content import Content

# reasons for removal
NOT_NEEDED, NOT_FINISHED, LEFT_OVER, DAMAGED = "not needed", "not finished", "left over", "damaged"
_STAGES = (select(CellStageRow.stage), select(PlannedStageRow.stage), select(CellRow.score_stage))


@dataclass(frozen=True)
class Unused:
    """Something that can be removed."""

    content: Content
    why: str  # one of the four reasons


def unused(
    store: ArtifactStore, databases: Sequence[Database], min_days: float, *, damaged: bool = False
) -> list[Unused]:
    """Returns what is older than `min_days` and not needed by a study or score of `databases`, largest first.

    Inputs of kept artifacts and artifacts being made are kept. `damaged` reads every byte and adds artifacts with wrong
    bytes, even needed ones. Raises RequestError for a study whose stages were not recorded.
    """
    contents = store.contents()  # first: studies recorded from here on cannot need what is listed
    kept = set().union(*map(needed_artifacts, databases)) | {one.key for one in contents if one.age < min_days}
    kept |= behind(kept, contents)
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
    """Removes those of `doomed` that are still not needed; yields the bytes that each freed.

    Raises StoreError at the end if some could not be removed.
    """
    still = {(one.content.key, one.why) for one in unused(store, databases, min_days)}
    faults: list[StoreError] = []
    for one in doomed:
        key = one.content.key
        if one.why == DAMAGED:
            goes = bool(store.verify(key))
        else:
            goes = (key, one.why) in still and (one.why == LEFT_OVER or not any(_needs(db, key) for db in databases))
        try:
            freed = (store.remove if one.content.finished else store.remove_unfinished)(key) if goes else None
        except StoreError as error:
            faults.append(error)
            continue
        if freed is not None:
            yield freed
    if faults:
        raise StoreError(f"{faults[0]}" + f"; {len(faults) - 1} more could not be removed" * (len(faults) > 1))


def needed_artifacts(db: Database) -> set[str]:
    """Returns the keys of all stages that recorded studies need or recorded scores come from.

    Raises RequestError if an unfinished study was recorded without its stages, by an older version.
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
                f"{db.name}: an older version recorded these unfinished studies without the stages that they need: "
                f"{', '.join(names)}. Run them again first"
            )
        return set(connection.scalars(union(*_STAGES)))


def _needs(db: Database, key: str) -> bool:
    """Returns whether `key` is one of `needed_artifacts`."""
    with explained(db.name), db.engine.connect() as connection:
        return any(connection.scalar(select(exists(one.where(one.selected_columns[0] == key)))) for one in _STAGES)


def _why(one: Content, kept: set[str], made: set[str], min_days: float) -> str:
    """Returns why something can be removed; '' if it must be kept."""
    if one.finished:
        return "" if one.key in kept else NOT_NEEDED
    if one.age < min_days:
        return ""
    return LEFT_OVER if one.key in made else "" if one.key in kept else NOT_FINISHED


def behind(keys: set[str], contents: Sequence[Content]) -> set[str]:
    """Returns the keys of all inputs of `keys`, direct and indirect."""
    inputs = {one.key: one.inputs for one in contents if one.finished}
    found, waiting = set[str](), list(keys)
    while waiting:
        fresh = set(inputs.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return found
