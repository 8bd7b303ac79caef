"""What the program itself knows, as rows: languages, metrics, and what counts in XTREME and XTREME-R.

Scores refer to them. They are written whenever a database is opened for writing, as far as they differ; rows that
this program does not know stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from xtransfer.languages import LANGUAGES
from xtransfer.results.base import Base
from xtransfer.results.catalogue import LanguageRow, MetricRow, SuitePartRow
from xtransfer.results.upsert import Values, table_of, upsert


def fill(connection: Connection) -> None:
    """Brings the rows of these tables to what this program knows."""
    _bring(connection, LanguageRow, [asdict(one) for one in LANGUAGES.values()])
    _bring(connection, MetricRow, list(_metrics()))
    parts = list(_suite_parts())
    if _differing(connection, SuitePartRow, parts) or _count(connection) != len(parts):
        connection.execute(delete(SuitePartRow))
        upsert(connection, SuitePartRow, parts)


def _bring(connection: Connection, model: type[Base], rows: Sequence[Values]) -> None:
    upsert(connection, model, _differing(connection, model, rows))


def _differing(connection: Connection, model: type[Base], rows: Sequence[Values]) -> list[Values]:
    """The rows that the table lacks or has otherwise."""
    stored = {tuple(row) for row in connection.execute(select(*(table_of(model).c[name] for name in rows[0])))}
    return [row for row in rows if tuple(row.values()) not in stored]


def _count(connection: Connection) -> int:
    return len(connection.execute(select(SuitePartRow.suite)).all())


def _metrics() -> Iterator[Values]:
    from xtransfer.scoring.metrics import METRICS  # brings in scipy; nothing else of results needs it

    for metric in METRICS.values():
        yield {
            "name": metric.name,
            "lowest": metric.minimum,
            "highest": metric.maximum,
            "definition": metric.definition,
        }


def _suite_parts() -> Iterator[Values]:
    from xtransfer.scoring.aggregate import SUITES

    for suite in SUITES.values():
        for member in suite.members:
            for scored in (member.benchmark, *member.alike):
                for language in member.languages:
                    for metric in member.metrics:
                        yield {"suite": suite.name, "benchmark": member.benchmark, "scored": scored,
                               "language": language, "metric": metric}  # fmt: skip
