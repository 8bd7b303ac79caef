"""What two results are compared: a run or a whole study, found by the name that a person gives."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, select

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

_KEY = re.compile(r"[0-9a-f]{4,}")
_CELL = (
    CellRow.key, CellRow.encoder, CellRow.encoder_revision, CellRow.intermediate, CellRow.target, CellRow.seed,
    CellRow.score_stage, CellRow.status, CellRow.reason,
)  # fmt: skip
_STAGE = (
    StageRow.key, StageRow.kind, StageRow.version, StageRow.settings, StageRow.facts,
    StageRow.packages, StageRow.host, StageRow.device,
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A run (one cell) or a study (its cells), with the stages behind it and what it read, as database rows."""

    cells: tuple[Any, ...]
    stages: tuple[Any, ...]  # each once; `engine` of a translation
    links: tuple[Any, ...]  # cell, stage, and the role, phase and language of the stage in the cell
    reads: tuple[Any, ...]  # benchmark, role, revision
    is_study: bool


def side(results: Results, text: str) -> Side:
    """The study of that name, else the one cell whose key begins so, or that is
    STUDY/ENCODER/INTERMEDIATE/TARGET/SEED (the encoder with or without what follows its `@`).

    Raises RequestError, with the nearest names, where there is none or several.
    """
    studies = results.studies()
    with results.db.begin() as connection:
        if text in studies:
            keys: list[str] | Select[Any] = select(StudyCellRow.cell).where(StudyCellRow.study == text)
            cells = _rows(connection, _cells_of(text))
        else:
            cells = [(_by_slug if "/" in text else _by_key)(connection, text, studies)]
            keys = [cells[0].key]
        stages, links, reads = (tuple(_rows(connection, ask(keys))) for ask in (_stages, _links, _reads))
    return Side(tuple(cells), stages, links, reads, text in studies)


def _by_key(connection: Connection, text: str, studies: list[str]) -> Any:
    found: list[Any] = []
    if _KEY.fullmatch(text):
        found = _rows(connection, select(*_CELL).where(CellRow.key.startswith(text)).order_by(CellRow.key).limit(6))
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError(f"several runs begin with '{text}' ({', '.join(one.key[:12] for one in found)}); give more")
    near = difflib.get_close_matches(text, studies, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise RequestError(
        f"no study or run '{text}'{hint} (name a study, the first characters of a cell as `xtransfer results runs` "
        "prints them, or STUDY/ENCODER/INTERMEDIATE/TARGET/SEED)"
    )


def _by_slug(connection: Connection, text: str, studies: list[str]) -> Any:
    study = text.partition("/")[0]
    if study not in studies:
        raise unknown("study", study, studies)
    slugs: dict[str, Any] = {}
    for cell in _rows(connection, _cells_of(study)):
        for encoder in (cell.encoder.partition("@")[0], cell.encoder):
            slug = "/".join((study, encoder, cell.intermediate, cell.target, str(cell.seed)))
            if slug == text and slug in slugs:
                raise RequestError(f"'{text}' is several runs of {study}; give the encoder with what follows its '@'")
            slugs[slug] = cell
    if text not in slugs:
        near = difflib.get_close_matches(text, slugs, n=3, cutoff=0.3)
        raise RequestError(f"no run '{text}'; the nearest are: {', '.join(near) or 'none'}")
    return slugs[text]


def _cells_of(study: str) -> Select[Any]:
    return (
        select(*_CELL)
        .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        .where(StudyCellRow.study == study)
        .order_by(CellRow.encoder, CellRow.intermediate, CellRow.target, CellRow.seed)
    )


def _stages(cells: list[str] | Select[Any]) -> Select[Any]:
    used = select(CellStageRow.stage).where(CellStageRow.cell.in_(cells))
    made = select(*_STAGE, TranslationRow.engine).outerjoin(TranslationRow, TranslationRow.stage == StageRow.key)
    return made.where(StageRow.key.in_(used)).order_by(StageRow.kind, StageRow.name)


def _links(cells: list[str] | Select[Any]) -> Select[Any]:
    return select(CellStageRow.__table__).where(CellStageRow.cell.in_(cells))


def _reads(cells: list[str] | Select[Any]) -> Select[Any]:
    row = CellBenchmarkRow
    return select(row.benchmark, row.role, row.revision).where(row.cell.in_(cells)).distinct()


def _rows(connection: Connection, query: Select[Any]) -> list[Any]:
    return list(connection.execute(query))
