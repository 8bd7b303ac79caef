"""Files that are imported and are not what an export writes: each is refused in a sentence, and changes nothing."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.results.numbers import Numbers
from tests.results.sent import count, receive, recorded, send
from xtransfer.base.errors import XTransferError

Rows = list[dict[str, Any]]


@pytest.fixture
def parquet(numbers: Numbers, theirs: str, tmp_path: Path) -> Path:
    recorded(theirs, numbers)
    return send(theirs, tmp_path / "sent.parquet")


@pytest.fixture
def sqlite(numbers: Numbers, theirs: str, tmp_path: Path) -> Path:
    recorded(theirs, numbers)
    return send(theirs, tmp_path / "sent.sqlite")


def rewrite(file: Path, change: Callable[[Rows], None], schema: pa.Schema | None = None, **how: Any) -> None:
    """Write a Parquet file again, one group of rows per table, after `change`."""
    held = pq.read_table(file)
    rows = held.to_pylist()
    change(rows)
    schema = schema or held.schema
    with pq.ParquetWriter(file, schema, **how) as writer:
        for table in dict.fromkeys(row["table"] for row in rows):
            writer.write_table(pa.Table.from_pylist([row for row in rows if row["table"] == table], schema))


def record(table: str, edit: Callable[[dict[str, Any]], Any]) -> Callable[[Rows], None]:
    """A change of the first record of a table; `edit` changes it in place, or returns what stands instead."""

    def change(rows: Rows) -> None:
        row = next(row for row in rows if row["table"] == table)
        values = json.loads(row["record"])
        instead = edit(values)
        row["record"] = instead if isinstance(instead, str) else json.dumps(values)

    return change


def put(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row.update(values)


@pytest.mark.parametrize(
    ("table", "edit", "said"),
    [
        ("cell", lambda _: "[1, 2]", "table cell, row 1: is not an object"),
        ("cell", lambda _: '{"key": ', "Expecting value"),
        ("cell", lambda _: "[" * 100_000, "recursion"),
        ("cell", lambda row: row.pop("seed"), "table cell, row 1: lacks seed"),
        ("cell", put(colour="red"), "has an unknown column colour"),
        ("cell", put(key=["a"]), "key is .'a'., not text"),
        ("cell", put(key=None), "key is missing"),
        ("cell", put(seed="0"), "seed is '0', not a whole number"),
        ("cell", put(seed=True), "seed is True, not a whole number"),
        ("cell", put(seed=10**20), "seed is 1000.*, not a whole number"),
        ("cell", put(whole_test="yes"), "whole_test is 'yes', not true or false"),
        ("cell", put(target="x\x1b[2Jnli"), r"target has a character that cannot be printed: 'x\\x1b"),
        ("cell", put(target="x\ud800"), r"target has a character that cannot be printed: 'x\\ud800"),
        ("stage", put(started="2026-99-99"), "month must be"),
        ("stage", put(started="2026-01-01T00:00:00"), "started is .*, not a time with a zone"),
        ("stage", put(started=7), "argument must be str"),
        ("stage", put(facts=[1]), "facts is .1., not an object"),
        ("stage", put(seconds=float("nan")), "seconds is nan, not a number"),
        ("study", put(definition="x"), "definition is 'x', not an object"),
        ("study", put(definition={}), "study numbers: its definition is not valid: name: required"),
        ("study", lambda row: row["definition"].update(target_recipe=[1]), "definition is not valid: target_recipe"),
        ("study", lambda row: row["definition"].update(targets=["lab-copa"]), "a cell of xnli, which its definition"),
        ("cell", put(intermediate="nli@fr"), "study numbers: has a cell of nli@fr, which its definition does not name"),
    ],
)
def test_records_that_are_not_those_of_a_table_are_named(
    parquet: Path, ours: str, table: str, edit: Callable[[dict[str, Any]], Any], said: str
) -> None:
    rewrite(parquet, record(table, edit))
    with pytest.raises(XTransferError, match=said) as refused:
        receive(ours, parquet)
    assert str(parquet) in str(refused.value) and "nothing was changed" in str(refused.value)
    assert count(ours, "cell") == count(ours, "stage") == 0


def test_a_file_without_statistics_is_read(numbers: Numbers, parquet: Path, ours: str) -> None:
    rewrite(parquet, lambda rows: None, write_statistics=False)
    assert receive(ours, parquet).new == len(numbers.cells)


def test_rows_of_unknown_and_of_mixed_tables_are_refused(parquet: Path, ours: str) -> None:
    rewrite(parquet, lambda rows: rows[-1].update(table="things"))
    with pytest.raises(XTransferError, match="unknown table things"):
        receive(ours, parquet)
    pq.write_table(pq.read_table(parquet), parquet)
    with pytest.raises(XTransferError, match="too many values"):
        receive(ours, parquet)


def test_a_missing_column_is_named(parquet: Path, ours: str) -> None:
    schema = pq.read_schema(parquet)
    rewrite(parquet, lambda rows: None, schema.remove(schema.get_field_index("value")))
    with pytest.raises(XTransferError, match="table score, row 1: lacks value"):
        receive(ours, parquet)


@pytest.mark.parametrize("mark", [b"{", b"[]", b"{}", b'{"schema": {}}', b"\xff"])
def test_a_mark_that_says_nothing_is_refused(parquet: Path, ours: str, mark: bytes) -> None:
    pq.write_table(pq.read_table(parquet).replace_schema_metadata({b"xtransfer": mark}), parquet)
    with pytest.raises(XTransferError, match=r"sent\.parquet"):
        receive(ours, parquet)


def test_a_group_of_very_many_rows_is_not_unpacked(parquet: Path, ours: str) -> None:
    held = pq.read_table(parquet)
    row = held.slice(0, 1)
    bomb = pa.table({name: pa.nulls(20_000_000, row.schema.field(name).type) for name in held.schema.names})
    pq.write_table(bomb.cast(held.schema), parquet, row_group_size=20_000_000)
    assert parquet.stat().st_size < 1_000_000
    with pytest.raises(XTransferError, match="a row group has 20000000 rows"):
        receive(ours, parquet)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE cell", "it has no table cell"),
        ("ALTER TABLE cell RENAME TO other", "it has no table cell"),
        ("PRAGMA legacy_alter_table = ON; ALTER TABLE cell RENAME COLUMN target TO aim", "no such column: cell.target"),
        ("ALTER TABLE xtransfer_schema RENAME COLUMN version_num TO number", "no such column: version_num"),
        ("UPDATE stage SET started = 'yesterday'", "yesterday"),
        ("UPDATE stage SET started = x'00ff'", "started|isoformat|bytes"),
        ("UPDATE stage SET facts = '{'", "damaged"),
        ("UPDATE stage SET facts = '7'", "facts is 7, not an object"),
        ("UPDATE cell SET target = x'41ff'", "target is b'A.xff', not text"),
        ("UPDATE cell SET target = 'x' || char(27)", "target has a character that cannot be printed"),
        ("UPDATE score SET low = 'much'", "low is 'much', not a number"),
        ("UPDATE score SET n = 1e12", "n is 1000000000000, not a whole number up to 2147483647"),
    ],
)
def test_values_that_a_table_of_sqlite_should_not_have_are_named(
    sqlite: Path, ours: str, statement: str, said: str
) -> None:
    with closing(sqlite3.connect(sqlite)) as connection:
        connection.executescript(f"PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; {statement};")
    with pytest.raises(XTransferError, match=said) as refused:
        receive(ours, sqlite)
    assert str(sqlite) in str(refused.value)
    assert count(ours, "cell") == count(ours, "stage") == 0


def _damages(file: Path, number: int) -> Iterable[bytes]:
    """The same file with a few bytes changed, a part cut out, or an end cut off, by chance."""
    data = file.read_bytes()
    chance = random.Random(number)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    yield bytes(changed)
    first, last = sorted(chance.sample(range(len(data)), 2))
    yield data[:first] + data[last:]
    yield data[:last]


@pytest.mark.parametrize("kind", ["parquet", "sqlite"])
def test_damage_by_chance_ends_in_a_sentence(
    kind: str, request: pytest.FixtureRequest, ours: str, tmp_path: Path
) -> None:
    file = request.getfixturevalue(kind)
    spoilt = tmp_path / f"spoilt.{kind}"
    for number in range(12):
        for data in _damages(file, number):
            spoilt.write_bytes(data)
            with suppress(XTransferError):  # any other error fails the test
                receive(ours, spoilt, "ours")
