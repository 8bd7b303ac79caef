"""The first migration makes what the models declare; a later one changes a database that has rows, and back."""

from __future__ import annotations

from sqlalchemy import inspect, text

from tests.results.numbers import Numbers, record_all
from tests.results.test_write import contents
from xtransfer.results import database as module
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import Base
from xtransfer.results.views import VIEWS


def _schema(db: Database, *, views: bool = True) -> list[str]:
    """Every table with its columns, keys, constraints and indexes, and every view."""
    inspector = inspect(db.engine)
    names = sorted(inspector.get_view_names()) if views else []
    found = [f"{view} {inspector.get_view_definition(view)}" for view in names]
    for table in sorted(set(inspector.get_table_names()) - {module.VERSION_TABLE}):
        for ask in ("columns", "pk_constraint", "foreign_keys", "check_constraints", "indexes"):
            value = getattr(inspector, f"get_{ask}")(table)
            parts = sorted(map(str, value)) if isinstance(value, list) else [value]
            found += [f"{table} {ask} {part}" for part in parts]
    return found


def test_the_first_migration_makes_what_the_models_declare(db: Database) -> None:
    migrated = _schema(db, views=False)
    module.migrate(db, "base")
    with db.begin() as connection:
        Base.metadata.create_all(connection)
    assert migrated == _schema(db, views=False)


def test_a_database_without_tables_of_ours_is_opened_again(url: str) -> None:
    with open_database(url) as db:
        module.migrate(db, "base")
        assert inspect(db.engine).get_view_names() == []
        assert inspect(db.engine).get_table_names() == [module.VERSION_TABLE]
    with open_database(url) as db:
        assert set(inspect(db.engine).get_view_names()) == set(VIEWS)


def test_a_later_migration_brings_rows_along_and_back(url: str, numbers: Numbers, second_schema: str) -> None:
    with open_database(url) as db:
        assert "made_up" in inspect(db.engine).get_table_names()
        module.migrate(db, "v0001")
        record_all(db, numbers)
        first, held = _schema(db), contents(db)
    with open_database(url) as db, db.begin() as connection:
        assert connection.execute(text("SELECT study FROM made_up")).scalars().all() == ["numbers"]
        query = text(f"SELECT version_num FROM {module.VERSION_TABLE}")
        assert connection.execute(query).scalars().all() == [second_schema]
    with open_database(url) as db:
        assert contents(db) == held
        module.migrate(db, "v0001")
        assert _schema(db) == first and contents(db) == held
