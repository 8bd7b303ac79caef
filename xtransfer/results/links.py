"""Which cells belong to a study, and which baseline each is compared with."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.orm import aliased

from xtransfer.results.schema import CellRow, StudyCellRow
from xtransfer.results.upsert import chunks

UNUSED = ~exists().where(StudyCellRow.cell == CellRow.key)  # cells that no study has


def unlink(connection: Connection, study: str, cells: Collection[str]) -> None:
    """Takes cells out of a study, and forgets those that were only planned and that no study has any more.

    Cells that stay lose a baseline that goes; `fill_baselines` gives them the one that takes its place.
    """
    here = StudyCellRow.study == study
    for gone in chunks(sorted(cells)):
        connection.execute(delete(StudyCellRow).where(here, StudyCellRow.cell.in_(gone)))
        connection.execute(update(StudyCellRow).where(here, StudyCellRow.baseline.in_(gone)).values(baseline=None))
        connection.execute(delete(CellRow).where(CellRow.key.in_(gone), CellRow.status == "planned", UNUSED))


def fill_baselines(connection: Connection) -> None:
    """Links cells without a baseline to their study's `direct` cell of the same place, if it has one."""
    link, base, own = aliased(StudyCellRow), aliased(CellRow), aliased(CellRow)
    direct = select(link.cell).where(
        link.study == StudyCellRow.study,
        base.key == link.cell,
        base.intermediate == "direct",
        own.key == StudyCellRow.cell,
        *(getattr(base, name) == getattr(own, name) for name in ("encoder", "target", "seed")),
    )
    others = select(CellRow.key).where(CellRow.intermediate != "direct")
    lacking = StudyCellRow.baseline.is_(None) & StudyCellRow.cell.in_(others)
    filled = update(StudyCellRow).where(lacking).values(baseline=direct.limit(1).scalar_subquery())
    connection.execute(filled.execution_options(synchronize_session=False))
