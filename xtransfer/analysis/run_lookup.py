"""Finds the run or study that a user names for a comparison."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from xtransfer.base.errors import RequestError, unknown
from xtransfer.results.schema import (
    CellBenchmarkRow,
    CellRow,
    CellStageRow,
    StageRow,
    StudyCellRow,
    TranslationRow,
)

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results

_KEY, _SHORT_KEY = re.compile(r"[0-9a-f]{4,}"), re.compile(r"[0-9a-f]{1,3}")


@dataclass(frozen=True)
class Side:
    """A run (one cell) or a study (its cells), with the stages behind it and the data that it read."""

    cells: tuple[CellRow, ...]
    stages: tuple[StageRow, ...]  # each once
    engines: Mapping[str, str]  # key of a translate stage → engine
    links: tuple[CellStageRow, ...]  # the role of each stage in each cell
    reads: tuple[tuple[str, str, str], ...]  # benchmark, role, revision
    is_study: bool


def side(results: Results, text: str) -> Side:
    """Returns the study of that name, or else the run that `text` names.

    A run is named by the first characters of its cell's key, or by STUDY/ENCODER/INTERMEDIATE/TARGET/SEED, in which
    the encoder may lack what follows its `@`. Raises RequestError, with the nearest names, if none or several match.
    """
    studies = results.studies()
    with results.db.begin() as connection, Session(connection) as session:
        if text in studies:
            keys: list[str] | Select[tuple[str]] = select(StudyCellRow.cell).where(StudyCellRow.study == text)
            cells = [*session.scalars(_cells_of(text))]
        else:
            cells = [(_by_slug if "/" in text else _by_key)(session, text, studies)]
            keys = [cells[0].key]
        links = session.scalars(select(CellStageRow).where(CellStageRow.cell.in_(keys))).all()
        used = select(CellStageRow.stage).where(CellStageRow.cell.in_(keys))
        stages = session.scalars(
            select(StageRow).where(StageRow.key.in_(used)).order_by(StageRow.kind, StageRow.name)
        ).all()
        made_by = select(TranslationRow.stage, TranslationRow.engine).where(TranslationRow.stage.in_(used))
        engines = dict(session.execute(made_by).tuples().all())
        reads = session.execute(_reads(keys)).tuples().all()
    return Side(tuple(cells), tuple(stages), engines, tuple(links), tuple(reads), text in studies)


def _by_key(session: Session, text: str, studies: list[str]) -> CellRow:
    found: list[CellRow] = []
    if _KEY.fullmatch(text):
        query = select(CellRow).where(CellRow.key.startswith(text)).order_by(CellRow.key).limit(6)
        found = [*session.scalars(query)]
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError(
            f"several runs begin with '{text}' ({', '.join(one.key[:12] for one in found)}); type more characters"
        )
    if _SHORT_KEY.fullmatch(text) and text not in studies:
        raise RequestError(f"run '{text}': type at least 4 characters of the cell, as `xtransfer results runs` has it")
    if _KEY.fullmatch(text):
        stage = session.scalar(select(StageRow).where(StageRow.key.startswith(text)).limit(1))
        if stage is not None:
            raise RequestError(
                f"'{text}' is the key of a stage, '{stage.name}'; name a study, or a cell as `xtransfer results runs` "
                "prints it"
            )
    near = difflib.get_close_matches(text, studies, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise RequestError(
        f"no study or run '{text}'{hint} (name a study, the first characters of a cell as `xtransfer results runs` "
        "prints them, or STUDY/ENCODER/INTERMEDIATE/TARGET/SEED)"
    )


def _by_slug(session: Session, text: str, studies: list[str]) -> CellRow:
    study = text.partition("/")[0]
    if study not in studies:
        raise unknown("study", study, studies)
    slugs: dict[str, CellRow] = {}
    for cell in session.scalars(_cells_of(study)):
        for encoder in (cell.encoder.partition("@")[0], cell.encoder):
            slug = "/".join((study, encoder, cell.intermediate, cell.target, str(cell.seed)))
            if slug == text and slug in slugs:
                raise RequestError(
                    f"'{text}' matches several runs of {study}; name the encoder in full, with what follows its '@'"
                )
            slugs[slug] = cell
    if text not in slugs:
        near = difflib.get_close_matches(text, slugs, n=3, cutoff=0.3)
        raise RequestError(f"no run '{text}'; the nearest are: {', '.join(near) or 'none'}")
    return slugs[text]


def _cells_of(study: str) -> Select[tuple[CellRow]]:
    return (
        select(CellRow)
        .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        .where(StudyCellRow.study == study)
        .order_by(CellRow.encoder, CellRow.intermediate, CellRow.target, CellRow.seed)
    )


def _reads(cells: list[str] | Select[tuple[str]]) -> Select[tuple[str, str, str]]:
    row = CellBenchmarkRow
    return select(row.benchmark, row.role, row.revision).where(row.cell.in_(cells)).distinct()
