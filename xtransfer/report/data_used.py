"""The data behind a study's numbers: which rows were read, for what, under which licence, and what was translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from xtransfer.benchmarks import BENCHMARKS
from xtransfer.results.schema import BenchmarkRow, CellBenchmarkRow, StageRow, TranslationRow
from xtransfer.study.stage_settings import TranslateSettings

_USES = {
    "intermediate": "intermediate training",
    "target-train": "target training",
    "target-score": "scoring",
}


@dataclass(frozen=True)
class DataUsed:
    """Rows of a benchmark that the cells read for one purpose."""

    benchmark: str
    used_for: str
    split: str
    languages: tuple[str, ...]
    source: str  # data sets that the rows come from
    revision: str  # declared by the benchmark; '' if it declares none, then `rows` alone identify the data
    rows: tuple[str, ...]  # digests of declaration, source revision, split and languages
    licence: str

    @property
    def caveat(self) -> str:
        """A known fault of the rows that were scored, as declared in this version; empty if none is."""
        declared = BENCHMARKS.get(self.benchmark) if self.used_for == _USES["target-score"] else None
        return declared.caveat if declared is not None else ""


def data_used(session: Session, cells: Select[tuple[str]]) -> list[DataUsed]:
    """Returns what the cells of a query read, by use (intermediates, target training, scoring) and benchmark."""
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
    for *place, languages, data in session.execute(query):
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


def translations(session: Session, cells: Select[tuple[str]]) -> list[tuple[TranslationRow, str]]:
    """Returns the translations that the cells of a query were trained or scored on, each with its direction."""
    read = select(CellBenchmarkRow.translation).where(CellBenchmarkRow.cell.in_(cells))
    query = select(TranslationRow, StageRow.settings).join(StageRow, StageRow.key == TranslationRow.stage)
    found = session.execute(query.where(TranslationRow.stage.in_(read)).order_by(TranslationRow.stage)).tuples()
    directed = [(one, into(one.language, settings)) for one, settings in found]
    return sorted(directed, key=lambda pair: (pair[0].benchmark, pair[1], pair[0].engine))


def into(language: str, recorded: Mapping[str, object]) -> str:
    """Returns the direction of a translation with these settings: `de`, or `en from de` if it is not from English."""
    settings = TranslateSettings.parsed(recorded)
    return language if settings is None or settings.source == "en" else f"{language} from {settings.source}"
