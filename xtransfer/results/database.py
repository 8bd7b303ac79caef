"""Opens the results database: SQLite by default, PostgreSQL by URL; opening it for writing migrates it.

A SQLite file is first inspected read-only: a newer database, a damaged file or one of another program raises an error
and is not modified.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, insert, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from xtransfer.base.errors import RequestError, StoreError
from xtransfer.base.settings import shown
from xtransfer.results import files, reference
from xtransfer.results.faults import explained
from xtransfer.results.schema import VERSION_TABLE, Base, IdentityRow

_MIGRATIONS = Path(__file__).parent / "migrations"
_UNRELEASED = ("0001", "0002", "0003", "0004", "0005")  # schemas of development versions, before v0001
_LOCK = 0x78746672  # PostgreSQL advisory lock held while migrating


@dataclass(frozen=True)
class Database:
    """An open results database. `engine` takes the write lock when a transaction begins, so writers queue."""

    engine: Engine
    url: URL
    read_only: bool

    @property
    def name(self) -> str:
        """Returns the SQLite file, or the URL without its password; for messages."""
        return str(sqlite_file(self.url) or self.url.render_as_string(hide_password=True))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction; raises StoreError if the database is damaged or locked."""
        with explained(self.name), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(url: str, *, read_only: bool = False) -> Database:
    """Opens the database at `url`; unless `read_only`, creates it or migrates it to this program's schema.

    Raises RequestError for a URL that cannot be used or written; StoreError, without changing anything, for a database
    that is newer than this program, of a development version, damaged, or of another program.
    """
    parsed = _parse(url)
    file = sqlite_file(parsed)
    if file is not None:
        revision, tables = files.look_at(file, read_only=read_only)
        _check_revision(str(file), revision, tables, only_ours=True)
    engine = files.engine(file, read_only=read_only) if file else _server_engine(parsed, read_only)
    database = Database(engine, parsed, read_only)
    try:
        with explained(database.name):
            migrate(database)
    except BaseException:
        engine.dispose()
        raise
    return database


def sqlite_file(url: URL) -> Path | None:
    """Returns the file of a SQLite URL; None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def known_schemas() -> list[str]:
    """Returns the schema revisions that this program can read, newest first."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]


def demand_known(name: str, revision: str, advice: str) -> None:
    """Raises StoreError for a schema that this program cannot read; `advice` says what to do if it is newer."""
    if revision in _UNRELEASED:
        raise StoreError(
            f"{name}: made by a development version of xtransfer (schema {revision}), which this version cannot read; "
            "nothing was changed. Run its studies again with a new database (XTRANSFER_DATABASE_URL; finished stages "
            "are reused from the artifact store), or read it with the version that made it"
        )
    known = known_schemas()
    if revision not in known:
        raise StoreError(f"{name}: has schema {revision}, but this version knows schemas up to {known[0]}; {advice}")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise RequestError(f"XTRANSFER_DATABASE_URL: '{shown(url)}' is not a database URL such as sqlite:///FILE "
                           "or postgresql+psycopg://USER@HOST/NAME") from error  # fmt: skip
    if backend not in ("sqlite", "postgresql"):
        raise RequestError(f"XTRANSFER_DATABASE_URL: '{backend}' is not supported (known: sqlite, postgresql)")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise RequestError("XTRANSFER_DATABASE_URL: results need a file; write sqlite:///FILE")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"):
        raise RequestError(f"XTRANSFER_DATABASE_URL: driver '{parsed.drivername}' is not supported "
                           "(known: sqlite, postgresql+psycopg)")  # fmt: skip
    return parsed


def _check_revision(name: str, revision: str | None, tables: set[str], *, only_ours: bool) -> None:
    if revision is not None:
        advice = "nothing was changed. Update xtransfer, or set XTRANSFER_DATABASE_URL to another database"
        demand_known(name, revision, advice)
    ours = {table.name for table in Base.metadata.sorted_tables}
    if revision is None and (tables - {VERSION_TABLE} if only_ours else tables & ours):
        raise StoreError(f"{name}: a database of another program ({', '.join(sorted(tables)[:3])} …); "
                         "set XTRANSFER_DATABASE_URL to another one")  # fmt: skip


def _server_engine(url: URL, read_only: bool) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    options = "-c default_transaction_read_only=on" if read_only else ""
    try:
        return create_engine(url, pool_pre_ping=True, connect_args={"options": options} if options else {})
    except ModuleNotFoundError as error:
        raise RequestError(
            f"no driver '{error.name}' for {url.get_backend_name()}: pip install 'xtransfer[postgres]'"
        ) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def migrate(database: Database, revision: str = "head") -> None:
    """Migrates schema and rows to a revision in one transaction; concurrent migrations queue.

    At the newest revision, also updates the reference tables (languages, metrics, suites, published scores), and reads
    the languages that the database alone knows.
    """
    config = _config()
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    wanted = head if revision == "head" else revision
    with _for_schema(database) as connection:
        if connection.dialect.name == "postgresql" and not database.read_only:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
        if found != wanted:
            tables = set(inspect(connection).get_table_names())
            _check_revision(database.name, found, tables, only_ours=connection.dialect.name == "sqlite")
            if database.read_only:
                state, mends = (
                    (f"has schema {found}, this version reads {head}", "migrates it")
                    if found
                    else ("is empty", "sets it up")
                )
                raise StoreError(f"{database.name}: {state}; any command that writes, such as xtransfer run, {mends}")
            config.attributes.update(connection=connection, version_table=VERSION_TABLE)
            steps = [step.revision for step in script.walk_revisions("base", "heads")]
            down = found is not None and (wanted == "base" or steps.index(str(wanted)) > steps.index(found))
            (command.downgrade if down else command.upgrade)(config, str(wanted))
            _check_references(database.name, connection)
        if wanted == head and not database.read_only:
            reference.fill(connection)
            _identify(connection)
        if wanted == head:
            reference.read_languages(connection)


def _identify(connection: Connection) -> None:
    """Gives the database an identity if it has none."""
    if connection.scalar(select(IdentityRow.id)) is None:
        connection.execute(insert(IdentityRow).values(id=uuid4().hex))


@contextmanager
def _for_schema(database: Database) -> Iterator[Connection]:
    """A transaction that may recreate tables: SQLite does not enforce foreign keys in it."""
    file = sqlite_file(database.url)
    if file is None or database.read_only:
        with database.engine.begin() as connection:
            yield connection
        return
    engine = files.engine(file, read_only=False, foreign_keys=False)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _check_references(name: str, connection: Connection) -> None:
    """Raises StoreError for a foreign key without its row, which SQLite did not check during the migration."""
    if connection.dialect.name == "sqlite" and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise StoreError(f"{name}: a row of {lost[0]} refers to a missing row of {lost[2]}; nothing was changed")
