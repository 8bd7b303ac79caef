"""Opening: made, migrated, refused; never changed when refused."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Engine, create_engine, event, inspect, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from tests.results.numbers import Numbers
from tests.running import forks
from xtransfer.base.errors import RequestError, StoreError, XTransferError
from xtransfer.results import database as module
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import Base, CellRow
from xtransfer.results.views import VIEWS
from xtransfer.results.write import record_cell, record_study


def test_a_new_database_has_tables_views_and_constraints(db: Database) -> None:
    inspector = inspect(db.engine)
    assert set(Base.metadata.tables) < set(inspector.get_table_names())
    assert set(inspector.get_view_names()) == set(VIEWS)
    for table in Base.metadata.sorted_tables:
        declared = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        assert {one["name"] for one in inspector.get_check_constraints(table.name)} == declared, table.name


def test_sqlite_writes_ahead_and_looks_at_foreign_keys(sqlite_url: str) -> None:
    with open_database(sqlite_url) as db, db.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000


def test_migrations_and_models_agree(db: Database) -> None:
    with db.begin() as connection:
        options = {"version_table": module.VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_tables_compile_for_postgresql() -> None:
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_a_newer_schema_on_a_server_is_refused(postgres_url: str) -> None:
    with open_database(postgres_url) as db, db.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {module.VERSION_TABLE} SET version_num = '9999'")
    for read_only in (False, True):
        with pytest.raises(StoreError, match="schema 9999, but this version knows schemas up to v0001"):
            open_database(postgres_url, read_only=read_only)


def test_an_older_schema_is_not_read(url: str, second_schema: str) -> None:
    with open_database(url) as db:
        module.migrate(db, "v0001")
    with pytest.raises(StoreError, match=f"schema v0001, this version reads {second_schema}; any command that writes"):
        open_database(url, read_only=True)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    file.touch()
    with pytest.raises(StoreError, match="is empty; any command that writes, such as xtransfer run, sets it up"):
        open_database(f"sqlite:///{file}", read_only=True)


@pytest.mark.parametrize("revision", ["0001", "0005"])
def test_a_database_of_a_development_version_is_refused_and_left_alone(url: str, revision: str) -> None:
    with open_database(url) as db, db.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {module.VERSION_TABLE} SET version_num = '{revision}'")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=rf"development version of xtransfer \(schema {revision}\).*Run its"):
            open_database(url, read_only=read_only)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {module.VERSION_TABLE}").scalar() == revision
    engine.dispose()


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="postgresql"):
        open_database(f"postgresql+psycopg://postgres@/postgres?host={tmp_path}")


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    open_database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE {module.VERSION_TABLE} SET version_num = '9999'")
    before = _contents(tmp_path)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="schema 9999, but this version knows schemas up to v0001"):
            open_database(f"sqlite:///{file}", read_only=read_only)
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("where", ["header", "middle", "end"])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, where: str) -> None:
    file = tmp_path / "results.db"
    open_database(f"sqlite:///{file}").close()
    data = bytearray(file.read_bytes())
    if where == "end":
        del data[len(data) // 2 :]
    else:
        start = 0 if where == "header" else 4096
        data[start : start + 4096] = b"x" * 4096
    file.write_bytes(data)
    before = _contents(tmp_path)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"damaged.*Nothing was changed.*\.recover"):
            open_database(f"sqlite:///{file}", read_only=read_only)
    assert _contents(tmp_path) == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = _contents(tmp_path)
    with pytest.raises(StoreError, match="a database of another program"):
        open_database(f"sqlite:///{file}")
    assert _contents(tmp_path) == before


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://x/y", "not supported"),
        ("sqlite://", "results need a file"),
        ("sqlite:////no/such/folder/results.db", "no folder"),
        ("postgresql://u:secret@host:notaport/db", r"'postgresql://u:\*\*\*@host:notaport/db' is not a database URL"),
        ("postgresql+psycopg://u:secret@[::1/db", "is not a database URL"),
        ("postgresql+none://x/y", r"driver 'postgresql\+none' is not supported"),
        ("postgresql+psycopg://u@127.0.0.1:1/db?foo=1", 'invalid connection option "foo"'),
    ],
)
def test_urls_that_cannot_be_used(url: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        open_database(url)


def test_a_number_that_no_column_holds_is_a_wrong_request(url: str) -> None:
    with open_database(url) as db, pytest.raises(RequestError, match="go up to 2147483647"), db.begin() as connection:
        connection.execute(select(CellRow.key).where(CellRow.seed == 10**20)).all()


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is a folder"):
        open_database(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    open_database(f"sqlite:///{file}").close()
    file.chmod(0o400)
    with pytest.raises(RequestError, match="cannot be written"):
        open_database(f"sqlite:///{file}")


def test_reading_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no results here yet"):
        open_database(f"sqlite:///{tmp_path / 'results.db'}", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_database_cannot_be_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'results.db'}"
    open_database(url).close()
    with open_database(url, read_only=True) as db, pytest.raises(XTransferError), db.begin() as connection:
        connection.exec_driver_sql("DELETE FROM study")


def test_a_migration_that_is_cut_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'results.db'}"

    def fail_at_views(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("CREATE VIEW runs"):
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", fail_at_views)
    try:
        with pytest.raises(KeyboardInterrupt):
            open_database(url)
    finally:
        event.remove(Engine, "before_cursor_execute", fail_at_views)
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    open_database(url).close()


def _open(url: str, migrations: Path, start: object, answers: object) -> None:
    module._MIGRATIONS = migrations  # a process of its own does not have what the test replaced
    start.wait()  # type: ignore[attr-defined]
    try:
        with open_database(url) as db:
            answers.put(sorted(inspect(db.engine).get_view_names()))  # type: ignore[attr-defined]
    except BaseException as error:
        answers.put(repr(error))  # type: ignore[attr-defined]


@pytest.mark.parametrize("revision", [None, "v0001"])
def test_four_processes_may_open_a_new_or_an_older_database_at_once(
    url: str, revision: str | None, numbers: Numbers, second_schema: str
) -> None:
    if revision is not None:
        with open_database(url) as db:
            record_study(db, numbers.plan)
            record_cell(db, "numbers", numbers.cells[0], numbers.store)
            module.migrate(db, revision)
    context = forks()
    start, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_open, args=(url, module._MIGRATIONS, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [sorted(VIEWS)] * 4
    for process in processes:
        process.join()
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT version_num FROM {module.VERSION_TABLE}").scalars().all()
        assert found == [second_schema]
        scores = connection.exec_driver_sql("SELECT count(*) FROM cell_scores").scalar()
    assert scores == (0 if revision is None else 3)


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
