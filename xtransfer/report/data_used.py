"""The data behind a study's numbers: which rows were read for what, under which licence, and what was translated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from xtransfer.results.schema import BenchmarkRow, CellBenchmarkRow, StageRow, TranslationRow
from xtransfer.study.stage_settings import TranslateSettings

_USES = {
    "intermediate": "intermediate training",
    "target-train": "target training",
    "target-score": "scoring",
}


@dataclass(frozen=True)
class DataUsed:
    """Rows of a benchmark as the cells read them."""

    benchmark: str
    used_for: str
    split: str
    languages: tuple[str, ...]
    source: str  # data sets that the rows come from
    revision: str  # that the benchmark declares; '': it names none, and the digests of the rows say all
    rows: tuple[str, ...]  # digests that name the rows: declaration, source revision, split, languages
    licence: str


def data_used(connection: Connection, cells: Any) -> list[DataUsed]:
    """What the cells of a query read, by benchmark and use: intermediates, target training, scoring."""
    read, declared = CellBenchmarkRow.__table__.c, BenchmarkRow.__table__.c
    columns = (read.role, read.benchmark, read.split, declared.source, declared.revision, declared.licence)
    found: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    query = (
        select(*columns, read.languages, read.data)
        .join(BenchmarkRow, (declared.name == read.benchmark) & (declared.revision == read.revision))
        .where(read.cell.in_(cells))
        .distinct()
        .order_by(*columns, read.languages)
    )
    for *place, languages, data in connection.execute(query):
        use = found.setdefault(tuple(place), {"languages": {}, "rows": {}})
        use["languages"] |= dict.fromkeys(languages.split())
        use["rows"] |= {data: None}
    ordered = sorted(found, key=lambda place: [*_USES].index(place[0]))
    return [
        DataUsed(benchmark, _USES[role], split, tuple(found[place]["languages"]), source, revision,
                 tuple(found[place]["rows"]), licence or "not stated")
        for place in ordered
        for role, benchmark, split, source, revision, licence in [place]
    ]  # fmt: skip


def translations(connection: Connection, cells: Any) -> Sequence[Any]:
    """The rows of `translation` that the cells of a query were trained or scored on, each with the `settings` of its
    stage."""
    read = select(CellBenchmarkRow.translation).where(CellBenchmarkRow.cell.in_(cells))
    table = TranslationRow.__table__
    query = select(table, StageRow.settings).join(StageRow, StageRow.key == table.c.stage)
    found = connection.execute(query.where(table.c.stage.in_(read)).order_by(table.c.stage)).all()
    return sorted(found, key=lambda one: (one.benchmark, into(one.language, one.settings), one.engine))


def into(language: str, recorded: Mapping[str, Any]) -> str:
    """The direction of a translation with the recorded settings: `de`, or `en from de` if it is not from English."""
    settings = TranslateSettings.parsed(recorded)
    return language if settings is None or settings.source == "en" else f"{language} from {settings.source}"
