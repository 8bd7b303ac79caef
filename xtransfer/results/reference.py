"""Writes the reference tables: languages, metrics, the parts of XTREME and XTREME-R, published scores.

Opening a database for writing updates rows that differ. Languages and metrics that only another version or a benchmark
file knows stay, since scores refer to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, delete, func, select

from xtransfer.base.languages import TABLE, Language, declared, record
from xtransfer.results.base import Base
from xtransfer.results.catalogue import LanguageRow, MetricRow, PublishedRow, SuitePartRow
from xtransfer.results.upsert import Values, table_of, upsert


def fill(connection: Connection) -> None:
    """Updates the reference tables to this version."""
    _bring(connection, LanguageRow, [asdict(one) for one in TABLE.values()])
    _bring(connection, MetricRow, list(_metrics()))
    _make_equal(connection, SuitePartRow, list(_suite_parts()))
    _make_equal(connection, PublishedRow, list(_published()))


def add_languages(connection: Connection, codes: Iterable[str]) -> None:
    """Writes those of the languages that a benchmark file declares."""
    known = declared()
    if own := [asdict(known[code]) for code in sorted(set(codes)) if code in known]:
        _bring(connection, LanguageRow, own)


def read_languages(connection: Connection) -> None:
    """Makes languages that only the database knows known to the program."""
    table = table_of(LanguageRow)
    names = [one.name for one in fields(Language)]
    rows = connection.execute(select(*(table.c[name] for name in names)).where(table.c.code.not_in(TABLE)))
    record(Language(*row) for row in rows)


def _make_equal(connection: Connection, model: type[Base], rows: Sequence[Values]) -> None:
    """Replaces the rows of a table by `rows`, unless they are equal."""
    if _differing(connection, model, rows) or _count(connection, model) != len(rows):
        connection.execute(delete(model))
        upsert(connection, model, rows)


def _bring(connection: Connection, model: type[Base], rows: Sequence[Values]) -> None:
    upsert(connection, model, _differing(connection, model, rows))


def _differing(connection: Connection, model: type[Base], rows: Sequence[Values]) -> list[Values]:
    """Returns the rows that are missing or different in the table."""
    stored = {tuple(row) for row in connection.execute(select(*(table_of(model).c[name] for name in rows[0])))}
    return [row for row in rows if tuple(row.values()) not in stored]


def _count(connection: Connection, model: type[Base]) -> int:
    return int(connection.scalar(select(func.count()).select_from(model)) or 0)


def _metrics() -> Iterator[Values]:
    from xtransfer.metrics.metrics import METRICS  # imports scipy, which nothing else here needs

    for metric in METRICS.values():
        yield {
            "name": metric.name,
            "lowest": metric.minimum,
            "highest": metric.maximum,
            "definition": metric.definition,
        }
    from xtransfer.results.published import FURTHER_METRICS

    for name, (lowest, highest, definition) in FURTHER_METRICS.items():
        yield {
            "name": name,
            "lowest": lowest,
            "highest": highest,
            "definition": f"in published scores only: {definition}",
        }


def _published() -> Iterator[Values]:
    from xtransfer.results.published import papers

    for paper in papers().values():
        yield from (figure.row() for figure in paper.listed())


def _suite_parts() -> Iterator[Values]:
    from xtransfer.metrics.aggregate import SUITES

    for suite in SUITES.values():
        for member in suite.members:
            for scored in (member.benchmark, *member.alike):
                for language in member.languages:
                    for metric in member.metrics:
                        yield {"suite": suite.name, "benchmark": member.benchmark, "scored": scored,
                               "language": language, "metric": metric}  # fmt: skip
