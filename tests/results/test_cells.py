"""Which row of a database is whose: a cell's key has the names that its row holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.results.numbers import Numbers, record_all
from xtransfer.analysis import study_points
from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow
from xtransfer.results.write import record_study
from xtransfer.study.cells import Cell
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target


@pytest.mark.parametrize(
    ("column", "other"), [("encoder", "copy@0"), ("target", "xnli<xnli"), ("intermediate", "nli@fr")]
)
def test_cells_of_other_names_never_take_each_others_rows(
    db: Database, numbers: Numbers, column: str, other: str
) -> None:
    """As two folders with equal bytes, and a target that is named as its own training data, would be planned."""
    record_all(db, numbers)
    before = {cell.key: _names(cell) for cell in numbers.cells}
    parse = {"target": Target.parse, "intermediate": Intermediate.parse}.get(column, str)
    cells = tuple(replace(cell, **{column: parse(other)}) for cell in numbers.cells if cell.intermediate.parts)
    study = numbers.plan.study.with_settings({"name": "other", f"{column}s": [other]})
    record_study(db, replace(numbers.plan, study=study, cells=cells))
    after = before | {cell.key: _names(cell) for cell in cells}
    assert len(after) == len(before) + len(cells)
    with db.begin() as connection:
        rows = connection.execute(select(CellRow.key, CellRow.encoder, CellRow.intermediate, CellRow.target))
        assert {key: tuple(names) for key, *names in rows} == after
    assert {point.target for point in study_points(db, "numbers")} == {"xnli"}


def _names(cell: Cell) -> tuple[str, str, str]:
    return cell.encoder, cell.intermediate.slug, cell.target.slug
