"""Doors to the databases and the store: files that other people made, and what they leave in a shared store."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Hashable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.fuzz.inputs import as_json, changed, damaged, texts, values
from tests.fuzz.outcomes import Door
from tests.results.numbers import Numbers, make
from tests.results.sent import receive, recorded, send
from xtransfer.results.database import open_database
from xtransfer.results.users import announce, demand_all_users
from xtransfer.results.write import record_cell, record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.manifest import FILE


def bundle(folder: Path, suffix: str) -> Door:
    """A file given to `results import`."""
    numbers = _small(folder / "theirs")
    theirs = f"sqlite:///{folder / 'theirs.db'}"
    recorded(theirs, numbers)
    sent = send(theirs, folder / f"sent{suffix}")
    home = folder / "home"
    home.mkdir()
    ours, empty, given = home / "ours.db", folder / "empty.db", folder / f"given{suffix}"
    open_database(f"sqlite:///{empty}").close()
    whole = sent.read_bytes()

    def ready() -> None:
        for file in home.iterdir():
            file.unlink()
        shutil.copyfile(empty, ours)

    def enter(data: Any) -> None:
        given.write_bytes(whole)
        if isinstance(data, bytes):
            given.write_bytes(data)
        else:
            (_change_rows if suffix == ".parquet" else _change_columns)(given, *data)
        receive(f"sqlite:///{ours}", given)

    tables = _tables(folder / "theirs.db")
    one = st.sampled_from([(table, column) for table, columns in tables.items() for column in columns])
    inputs = damaged(whole) | st.tuples(one, values)
    return Door(inputs, enter, lambda: _rows(ours), ready)


def manifest(folder: Path) -> Door:
    """The manifest of an artifact in a shared store: read by `run`, `store verify` and `store ls`."""
    numbers = _small(folder)
    cell = numbers.cells[0]
    keys = [cell.score.key, *cell.score.inputs.values()]
    places = {key: folder / "artifacts" / key[:2] / key for key in keys}
    whole = {key: (place / FILE).read_bytes() for key, place in places.items()}
    template, ours = folder / "template.db", folder / "ours.db"
    with open_database(f"sqlite:///{template}") as db:
        record_study(db, numbers.plan)

    def ready() -> None:
        for file in folder.glob("ours.db*"):
            file.unlink()
        shutil.copyfile(template, ours)
        for key, data in whole.items():
            (places[key] / FILE).write_bytes(data)

    def enter(given: tuple[str, bytes]) -> None:
        key, data = given
        (places[key] / FILE).write_bytes(data)
        store = ArtifactStore(folder / "artifacts")
        store.verify(key)
        store.contents()
        with open_database(f"sqlite:///{ours}") as db:
            record_cell(db, numbers.plan.study.name, cell, store)

    inputs = st.one_of(
        *(st.tuples(st.just(key), texts(json.loads(data), written=as_json)) for key, data in whole.items()),
        *(st.tuples(st.just(key), _facts(json.loads(data))) for key, data in whole.items()),
    )
    return Door(inputs, enter, lambda: _rows(ours), ready)


def mark(folder: Path) -> Door:
    """The mark that another database left in a shared store: read by `store gc`."""
    store = ArtifactStore(folder / "artifacts")
    with open_database(f"sqlite:///{folder / 'results.db'}") as db:
        announce(db, store)
    (file,) = (folder / "artifacts" / ".databases").iterdir()
    whole = json.loads(file.read_text())

    def ready() -> None:
        file.write_text(json.dumps(whole))
        (file.parent / "other.json").unlink(missing_ok=True)

    def enter(given: tuple[bool, bytes]) -> None:
        own_mark, text = given
        (file if own_mark else file.parent / "other.json").write_bytes(text)
        with open_database(f"sqlite:///{folder / 'results.db'}") as db:
            demand_all_users(store, [db])

    return Door(
        st.tuples(st.booleans(), texts(whole, written=as_json)), enter, lambda: _rows(folder / "results.db"), ready
    )


def _small(folder: Path) -> Numbers:
    return make(folder, intermediates=("direct", "nli@de"), seeds=(0,))


def _facts(whole: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A manifest with other facts, which do not change its key."""
    facts = whole["facts"] | {"degenerate": None, "processor": "x", "losses": [[1, 0.5]], "steps": 1}
    some = {"facts": facts, "seconds": 1.0, "started": whole["started"], "packages": whole["packages"]}
    return changed(some).map(lambda made: as_json(whole | made).encode("utf-8", "surrogatepass"))


def _tables(file: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in names
            if connection.execute(f"SELECT 1 FROM {name}").fetchone() and "version" not in name
        }


def _rows(file: Path) -> Hashable:
    """All rows of a database, and the names of the files beside it that are none of SQLite's."""
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = tuple((name, tuple(map(repr, connection.execute(f"SELECT * FROM {name}")))) for name in sorted(names))
    return hash(rows)


def _change_rows(file: Path, place: tuple[str, str], value: Any) -> None:
    """Put a value into a column of the first row of a table of a Parquet bundle."""
    table, column = place
    held = pq.read_table(file)
    rows = held.to_pylist()
    row = next((row for row in rows if row["table"] == table), None)
    if row is None:
        return
    if row["record"] is not None:
        row["record"] = json.dumps(json.loads(row["record"]) | {column: value}).encode("utf-8", "replace").decode()
    elif column in row and isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < 2**31:
        row[column] = type(row[column])(value) if row[column] is not None and value == value else row[column]
    with pq.ParquetWriter(file, held.schema) as writer:
        for name in dict.fromkeys(row["table"] for row in rows):
            writer.write_table(pa.Table.from_pylist([row for row in rows if row["table"] == name], held.schema))


def _change_columns(file: Path, place: tuple[str, str], value: Any) -> None:
    """Put a value into a column of a table of a SQLite bundle."""
    table, column = place
    if isinstance(value, dict | list) or (isinstance(value, int) and abs(value) >= 2**63):
        value = json.dumps(value)
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT min(rowid) FROM {table})", [value]
            )
        except sqlite3.Error:  # a column or value that SQLite itself refuses
            return
        connection.commit()
