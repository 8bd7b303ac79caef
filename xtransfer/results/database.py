"""Opening the results database: SQLite by default, PostgreSQL by URL; migrated when it is opened for writing.

Before anything is written the database is looked at read-only: one of a newer program, a damaged file or a
file of something else is refused and stays byte for byte as it was.
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
    """An open results database. `engine` begins writing transactions at once, so two writers queue up."""

    engine: Engine
    url: URL
    read_only: bool

    @property
    def name(self) -> str:
        """For messages: the file of SQLite, else the URL without its password."""
        return str(sqlite_file(self.url) or self.url.render_as_string(hide_password=True))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction; damage and locks found on the way become StoreError."""
        with explained(self.name), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_database(url: str, *, read_only: bool = False) -> Database:
    """The database at `url`, made or migrated to this program's schema unless `read_only`.

    Raises RequestError for a URL that cannot be used or written, StoreError for a database that is newer
    than this program, of a development version, damaged, or not xtransfer's (nothing is changed then).
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
    """The file of a SQLite URL; None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def known_schemas() -> list[str]:
    """The schemas that this program can read, its own first."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]


def demand_known(name: str, revision: str, advice: str) -> None:
    """Raises StoreError for a schema that this program cannot read; `advice` says what to do about a newer one."""
    if revision in _UNRELEASED:
        raise StoreError(
            f"{name}: was made by a development version of xtransfer (schema {revision}), which this program cannot "
            "read; it was left as it is. Run its studies again into a new database (XTRANSFER_DATABASE_URL; finished "
            "stages in the artifact store are not repeated), or read it with the version that made it"
        )
    known = known_schemas()
    if revision not in known:
        raise StoreError(f"{name}: has schema {revision}, this program knows schemas up to {known[0]}; {advice}")


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
        raise RequestError("XTRANSFER_DATABASE_URL: results are kept in a file; write sqlite:///FILE")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"):
        raise RequestError(f"XTRANSFER_DATABASE_URL: driver '{parsed.drivername}' is not supported "
                           "(known: sqlite, postgresql+psycopg)")  # fmt: skip
    return parsed


def _check_revision(name: str, revision: str | None, tables: set[str], *, only_ours: bool) -> None:
    if revision is not None:
        advice = "it was left as it is. Update xtransfer, or name another database with XTRANSFER_DATABASE_URL"
        demand_known(name, revision, advice)
    ours = {table.name for table in Base.metadata.sorted_tables}
    if revision is None and (tables - {VERSION_TABLE} if only_ours else tables & ours):
        raise StoreError(f"{name}: is another program's database ({', '.join(sorted(tables)[:3])} …); "
                         "name another with XTRANSFER_DATABASE_URL")  # fmt: skip


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
    """Brings the schema to a revision, rows included, in one transaction under a lock: of two at once, one waits.

    At the newest revision, what the program knows of languages and metrics is brought up to date too.
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
                raise StoreError(
                    f"{database.name}: the database has schema {found}, this program reads {head}; "
                    "any command that writes, such as xtransfer run, brings it up to date"
                )
            config.attributes.update(connection=connection, version_table=VERSION_TABLE)
            steps = [step.revision for step in script.walk_revisions("base", "heads")]
            down = found is not None and (wanted == "base" or steps.index(str(wanted)) > steps.index(found))
            (command.downgrade if down else command.upgrade)(config, str(wanted))
            _check_references(database.name, connection)
        if wanted == head and not database.read_only:
            reference.fill(connection)
            _identify(connection)


def _identify(connection: Connection) -> None:
    """Gives the database an identity, unless it has one."""
    if connection.scalar(select(IdentityRow.id)) is None:
        connection.execute(insert(IdentityRow).values(id=uuid4().hex))


@contextmanager
def _for_schema(database: Database) -> Iterator[Connection]:
    """A transaction in which tables may be made anew: SQLite must not look at foreign keys meanwhile."""
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
    """Looks at what SQLite was told not to look at."""
    if connection.dialect.name == "sqlite" and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise StoreError(
            f"{name}: a row of {lost[0]} refers to a row of {lost[2]} that is not there; nothing was changed"
        )
