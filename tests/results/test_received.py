"""Files that are imported: older ones are read, bad ones change nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.results.numbers import Numbers
from tests.results.sent import content, count, receive, recorded, send
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results.database import migrate, open_database


def _newer(file: Path, schema: str = "9999") -> None:
    if file.suffix == ".sqlite":
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE xtransfer_schema SET version_num = ?", [schema])
        connection.close()
        return
    held = pq.read_table(file)
    pq.write_table(held.replace_schema_metadata({b"xtransfer": json.dumps({"schema": schema}).encode()}), file)


def _foreign(file: Path) -> None:
    file.unlink()
    if file.suffix == ".sqlite":
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE things (name TEXT)")
        connection.close()
    else:
        pq.write_table(pa.table({"things": ["a"]}), file)


def _damaged(file: Path) -> None:
    data = bytearray(file.read_bytes())
    middle = len(data) // 2 if file.suffix == ".sqlite" else 200
    data[middle : middle + 3000 if file.suffix == ".sqlite" else middle + 40] = b"\xa5" * (
        3000 if file.suffix == ".sqlite" else 40
    )
    file.write_bytes(data)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (_newer, StoreError, "9999.*update xtransfer"),
        (partial(_newer, schema="0005"), StoreError, "made by a development version"),
        (_foreign, RequestError, "holds no results of xtransfer"),
        (_damaged, StoreError, "damaged"),
        (_cut, StoreError, "damaged"),
        (Path.unlink, RequestError, "no such file"),
    ],
)
def test_bad_files_change_nothing(
    numbers: Numbers,
    ours: str,
    theirs: str,
    file: Path,
    spoil: Callable[[Path], None],
    error: type[Exception],
    said: str,
) -> None:
    recorded(ours, numbers, lambda cell: cell.seed == 0)
    recorded(theirs, numbers)
    send(theirs, file)
    spoil(file)
    before = content(ours)
    with pytest.raises(error, match=said) as caught:
        receive(ours, file)
    assert file.name in str(caught.value)
    assert content(ours) == before


def test_rows_that_do_not_fit_together_are_refused(numbers: Numbers, ours: str, theirs: str, tmp_path: Path) -> None:
    recorded(theirs, numbers)
    file = send(theirs, tmp_path / "sent.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE score SET language = 'xx' WHERE language = 'sw'")
    connection.close()
    with pytest.raises(StoreError, match="are inconsistent"):
        receive(ours, file)
    assert count(ours, "cell") == 0


def test_an_older_database_is_brought_up_to_date_in_a_copy(
    numbers: Numbers, ours: str, theirs: str, tmp_path: Path, second_schema: str
) -> None:
    recorded(theirs, numbers)
    file = send(theirs, tmp_path / "sent.sqlite")
    with open_database(f"sqlite:///{file}") as db:
        migrate(db, "v0001")
    before = file.read_bytes()
    assert receive(ours, file).new == len(numbers.cells)
    assert file.read_bytes() == before and count(ours, "score") == 27


def test_what_stands_in_the_log_of_an_older_database_is_imported(
    numbers: Numbers, ours: str, theirs: str, second_schema: str
) -> None:
    file = Path(theirs.removeprefix("sqlite:///"))
    open_database(theirs).close()
    with closing(sqlite3.connect(file)) as another:  # while it reads, the log stays a file of its own
        another.execute("BEGIN")
        another.execute("SELECT * FROM sqlite_master").fetchall()
        recorded(theirs, numbers)
        with open_database(theirs) as db:
            migrate(db, "v0001")
        assert file.with_name(file.name + "-wal").stat().st_size > 0
        assert receive(ours, file).new == len(numbers.cells)
    assert count(ours, "score") == 27


def test_a_database_is_not_imported_into_itself(numbers: Numbers, theirs: str) -> None:
    recorded(theirs, numbers)
    with pytest.raises(RequestError, match="the open database itself"):
        receive(theirs, Path(theirs.removeprefix("sqlite:///")))


def test_an_import_that_breaks_off_changes_nothing(
    numbers: Numbers, ours: str, theirs: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(theirs, numbers)
    send(theirs, file)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xtransfer.results.merging.fill_baselines", broken)
    with pytest.raises(KeyboardInterrupt):
        receive(ours, file)
    assert count(ours, "cell") == count(ours, "score") == 0
