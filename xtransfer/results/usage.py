"""How many bytes of an artifact store each study needs, and each kind of stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, union

from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import CellRow, CellStageRow, PlannedStageRow, StudyCellRow
from xtransfer.results.unused import behind
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.content import Content

NO_STUDY, UNFINISHED = "(no recorded study)", "unfinished"


@dataclass(frozen=True)
class Usage:
    """What a study or a kind of stage has in the store."""

    name: str
    artifacts: int
    size: int  # bytes
    own: int  # bytes of those that no other study needs


def usage(store: ArtifactStore, databases: Sequence[Database]) -> tuple[list[Usage], list[Usage]]:
    """Returns usage by study and by kind of stage, each largest first; unfinished stages are a kind of their own.

    A study needs the stages planned for it, those behind its scores, and their inputs. Several studies can need one
    artifact, so sizes by study can add up to more than the store has.
    """
    contents = store.contents()
    needs = {study: keys | behind(keys, contents) for study, keys in _stages(databases).items()}
    users: dict[str, list[str]] = defaultdict(list)
    for study, keys in needs.items():
        for key in keys:
            users[key].append(study)
    studies: dict[str, list[Content]] = defaultdict(list)
    kinds: dict[str, list[Content]] = defaultdict(list)
    for one in contents:
        kinds[one.name.partition(" ")[0] if one.finished and one.name else UNFINISHED].append(one)
        for study in users[one.key] or [NO_STUDY]:
            studies[study].append(one)
    return _summed(studies, users), _summed(kinds, {})


def _stages(databases: Iterable[Database]) -> dict[str, set[str]]:
    """Returns study → keys of the stages that it needs, over all databases."""
    planned = select(PlannedStageRow.study, PlannedStageRow.stage)
    behind_cells = select(StudyCellRow.study, CellStageRow.stage).join(
        CellStageRow, CellStageRow.cell == StudyCellRow.cell
    )
    scored = select(StudyCellRow.study, CellRow.score_stage).join(CellRow, CellRow.key == StudyCellRow.cell)
    found: dict[str, set[str]] = defaultdict(set)
    for db in databases:
        with explained(db.name), db.engine.connect() as connection:
            for study, stage in connection.execute(union(planned, behind_cells, scored)):
                if stage is not None:
                    found[study].add(stage)
    return found


def _summed(groups: Mapping[str, Sequence[Content]], users: Mapping[str, Collection[str]]) -> list[Usage]:
    found = [
        Usage(
            name,
            len(own),
            sum(one.size for one in own),
            sum(one.size for one in own if len(users.get(one.key, ())) < 2),
        )
        for name, own in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.size, one.name))
