"""Exports results to one file, SQLite or Parquet, and reads such files.

A Parquet file has one row per row of all tables; column `table` names the table. Rows of `score` come first, in typed
columns next to the fields of their cell; rows of other tables are JSON in column `record`. The file's metadata has the
schema version, and its pages have checksums.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Table, select

from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results import files
from xtransfer.results.database import Database, demand_known, known_schemas, open_database
from xtransfer.results.faults import explained
from xtransfer.results.received import Rows as Rows
from xtransfer.results.received import checked, damaged, readable, type_of
from xtransfer.results.schema import Base, CellRow, ScoreRow, StudyCellRow
from xtransfer.results.selection import Condition, model_of, moved, parents_first
from xtransfer.results.upsert import Values, chunks, moment, table_of, upsert

SUFFIXES = (".parquet", ".sqlite", ".db")
PART = 5000  # rows in memory at a time
_PART_BYTES = 1 << 30  # of such a part, unpacked
_MARK = b"xtransfer"
_SCORE = table_of(ScoreRow)
_CELL = ("encoder", "intermediate", "intermediate_language", "intermediate_engine", "target", "seed", "status")
_TYPES: Mapping[type, pa.DataType] = {
    str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), datetime: pa.timestamp("us", "UTC")
}  # fmt: skip


def suffix_of(file: Path) -> str:
    """Returns the suffix, which sets the format; raises RequestError for any other."""
    if file.suffix not in SUFFIXES:
        raise RequestError(f"{file}: the name must end in {', '.join(SUFFIXES)}, which sets the format")
    return file.suffix


def stored_rows(connection: Connection, chosen: Mapping[str, Condition], name: str) -> Rows:
    """Returns a reader of an open database's rows, filtered by table; error messages call the database `name`."""

    def rows(table: Table) -> Iterator[list[Values]]:
        query = select(table).execution_options(yield_per=PART)
        if table.name in chosen:
            query = query.where(chosen[table.name])
        with explained(name):
            for part in connection.execute(query).mappings().partitions():
                yield [dict(row) for row in part]

    return rows


def write_database(file: Path, rows: Rows) -> dict[str, int]:
    """Writes a SQLite database with these rows in one file, without a journal; returns the row count per table."""
    counts = {table.name: 0 for table in moved()}
    with open_database(f"sqlite:///{file}") as made:
        with made.begin() as connection:
            for table in moved():
                for part in parents_first(table, rows(table)):
                    upsert(connection, model_of(table), part)
                    counts[table.name] += len(part)
        with made.engine.connect() as plain:
            driver = plain.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("PRAGMA journal_mode = DELETE")
    return counts


def write_parquet(file: Path, rows: Rows, connection: Connection) -> dict[str, int]:
    """Writes a Parquet file with these rows; returns the row count per table.

    The scores' cells and studies are read from `connection`.
    """
    counts = {table.name: 0 for table in moved()}
    schema = _schema().with_metadata({_MARK: json.dumps({"schema": known_schemas()[0]}).encode()})
    with pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
        for table in sorted(moved(), key=lambda one: one is not _SCORE):
            for part in rows(table):
                values = _score_values(connection, part) if table is _SCORE else _records(table, part)
                writer.write_table(pa.Table.from_pylist(values, schema))
                counts[table.name] += len(part)
    return counts


@contextmanager
def opened(file: Path) -> Iterator[Rows]:
    """Opens an exported file or any SQLite results database, and gives a reader of its rows.

    A database with an older schema is migrated in a copy. Raises RequestError if the file is not one of xtransfer's,
    StoreError if it is damaged or newer than this program.
    """
    if not file.is_file():
        raise RequestError(f"{file}: no such file")
    if suffix_of(file) == ".parquet":
        with readable(file):
            rows = _parquet_rows(file)
        yield checked(file, rows)
        return
    original = file
    revision, tables = files.look_at(file, read_only=True)
    _check_schema(file, revision)
    with tempfile.TemporaryDirectory(prefix="xtransfer-") as folder:
        if revision != known_schemas()[0]:
            file = _copied(file, Path(folder))
            with readable(original):
                open_database(f"sqlite:///{file}").close()
        elif lacking := [table.name for table in moved() if table.name not in tables]:
            raise damaged(original, f"it has no table {', '.join(lacking)}")
        with open_database(f"sqlite:///{file}", read_only=True) as held, snapshot(held) as connection:
            yield checked(original, stored_rows(connection, {}, str(original)))


@contextmanager
def snapshot(db: Database) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever others write in the meantime."""
    with explained(db.name), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _copied(file: Path, folder: Path) -> Path:
    """Returns a copy that includes the write-ahead log, whose rows the database file alone may lack."""
    copy = folder / file.name
    with closing(files.connect_read_only(file)) as held, closing(sqlite3.connect(copy)) as made:
        held.backup(made)
    return copy


def _check_schema(file: Path, revision: str | None) -> None:
    if revision is None:
        raise RequestError(f"{file}: holds no results of xtransfer")
    demand_known(str(file), revision, "update xtransfer")


def _schema() -> pa.Schema:
    cell = table_of(CellRow)
    typed = [*_SCORE.columns, *(cell.c[name] for name in _CELL)]
    fields = [pa.field(column.name, _TYPES[type_of(column)]) for column in typed]
    studies = pa.field("studies", pa.list_(pa.string()))
    return pa.schema([pa.field("table", pa.string()), *fields, studies, pa.field("record", pa.string())])


def _score_values(connection: Connection, rows: Sequence[Values]) -> list[Values]:
    keys = {row["cell"] for row in rows}
    cells: dict[str, Values] = {}
    studies: dict[str, list[str]] = {}
    for some in chunks(sorted(keys)):
        query = select(CellRow.key, *(table_of(CellRow).c[name] for name in _CELL)).where(CellRow.key.in_(some))
        cells |= {row["key"]: dict(row) for row in connection.execute(query).mappings()}
        links = select(StudyCellRow.cell, StudyCellRow.study).where(StudyCellRow.cell.in_(some))
        for cell, study in connection.execute(links.order_by(StudyCellRow.study)):
            studies.setdefault(cell, []).append(study)
    return [
        {"table": _SCORE.name, **cells[row["cell"]], **row, "studies": studies.get(row["cell"], [])} for row in rows
    ]


def _records(table: Table, rows: Sequence[Values]) -> list[Values]:
    return [{"table": table.name, "record": json.dumps(row, default=moment, ensure_ascii=False)} for row in rows]


def _parquet_rows(file: Path) -> Rows:
    with pq.ParquetFile(file, page_checksum_verification=True) as held:
        mark = (held.schema_arrow.metadata or {}).get(_MARK)
        revision = str(json.loads(mark)["schema"]) if mark else None
        _check_schema(file, revision)
        if revision != known_schemas()[0]:
            raise StoreError(
                f"{file}: has schema {revision} of an older version, this one reads {known_schemas()[0]}; export it "
                "again with this version, or as .sqlite, which is migrated when it is read"
            )
        groups = [_table_of_group(file, held, at) for at in range(held.metadata.num_row_groups)]

    def rows(table: Table) -> Iterator[list[Values]]:
        with pq.ParquetFile(file, page_checksum_verification=True) as held:
            for at in (at for at, name in enumerate(groups) if name == table.name):
                if table is _SCORE:
                    yield held.read_row_group(at, [column.name for column in table.columns]).to_pylist()
                else:
                    records = held.read_row_group(at, ["record"]).column("record").to_pylist()
                    yield [_values(table, json.loads(record)) for record in records]

    return rows


def _table_of_group(file: Path, held: pq.ParquetFile, at: int) -> str:
    """Returns the one table of a row group; raises StoreError if the group is too large for memory."""
    group = held.metadata.row_group(at)
    if not 0 < group.num_rows <= PART or group.total_byte_size > _PART_BYTES:
        raise damaged(file, f"a row group has {group.num_rows} rows in {group.total_byte_size} bytes")
    (name,) = held.read_row_group(at, ["table"]).column("table").unique().to_pylist()
    if name not in Base.metadata.tables:
        raise damaged(file, f"it has rows of an unknown table {name}")
    return str(name)


def _values(table: Table, record: Any) -> Any:  # Any: JSON, which `checked` checks later
    """Returns a JSON record with its times parsed."""
    if not isinstance(record, dict):
        return record
    moments = [column.name for column in table.columns if type_of(column) is datetime and column.name in record]
    return record | {name: datetime.fromisoformat(record[name]) for name in moments if record[name] is not None}
