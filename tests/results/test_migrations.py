"""Steps up and down with rows in the tables; an older database is filled with what follows from its rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, text, update

from tests.results.numbers import Numbers, record_all
from tests.results.test_write import contents
from xtransfer.results import database as module
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import CellRow
from xtransfer.results.views import VIEWS
from xtransfer.results.write import record_cell, record_study

STAY = ("study", "study_cell", "cell", "cell_stage", "encoder", "cell_mean")  # tables that older rows say all of


def _schema(db: Database) -> list[str]:
    """Every table with its columns, keys, constraints and indexes, and every view."""
    inspector = inspect(db.engine)
    found = [f"{view} {inspector.get_view_definition(view)}" for view in sorted(inspector.get_view_names())]
    for table in sorted(inspector.get_table_names()):
        for ask in ("columns", "pk_constraint", "foreign_keys", "check_constraints", "indexes"):
            found.append(f"{table} {ask} {getattr(inspector, f'get_{ask}')(table)}")
    return found


def _old(db: Database) -> dict[str, list[Any]]:
    """The rows of the second schema, as it had them."""
    queries = {
        "study": "SELECT name, digest FROM study ORDER BY 1",
        "cell": "SELECT key, encoder, intermediate, target, seed, status, reason FROM cell ORDER BY 1",
        "study_cell": "SELECT study, cell FROM study_cell ORDER BY 1, 2",
        "stage": "SELECT key, kind, name, host, seconds FROM stage ORDER BY 1",
        "cell_stage": "SELECT cell, stage FROM cell_stage ORDER BY 1, 2",
        "score": "SELECT cell, language, split, metric, value, n, chance, constant, artifact FROM score ORDER BY 1, 2",
        "gains": "SELECT study, intermediate, target, seed, language, gain FROM gains ORDER BY 1, 2, 3, 4, 5",
    }
    with db.begin() as connection:
        return {name: connection.execute(text(query)).all() for name, query in queries.items()}


def test_down_and_up_again_leaves_the_same_schema(db: Database) -> None:
    at = {"head": _schema(db)}
    for revision in ("0004", "0003", "0002", "0001"):
        module.migrate(db, revision)
        at[revision] = _schema(db)
    module.migrate(db, "base")
    assert inspect(db.engine).get_view_names() == []
    for revision in ("0001", "0002", "0003", "0004", "head"):
        module.migrate(db, revision)
        assert _schema(db) == at[revision]


def test_a_database_without_tables_of_ours_is_opened_again(url: str) -> None:
    with open_database(url) as db:
        module.migrate(db, "base")
    with open_database(url) as db:
        assert set(inspect(db.engine).get_view_names()) == set(VIEWS)


def test_rows_outlive_the_way_down_and_up(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    for cell in numbers.cells[:-1]:  # the last stays planned
        record_cell(db, "numbers", cell, numbers.store)
    full, old = contents(db), _old(db)
    module.migrate(db, "0002")
    assert _old(db) == old and all(old.values())
    module.migrate(db)
    assert _old(db) == old
    now = contents(db)
    assert {name: now[name] for name in STAY} == {name: full[name] for name in STAY}
    assert not any(now[name] for name in ("checkpoint", "prediction"))  # these come with the next run
    record_all(db, numbers)
    again = contents(db)
    assert set(again["checkpoint"]) > set(full["checkpoint"]) and len(again["prediction"]) == 9
    with db.begin() as connection:
        assert connection.execute(text("SELECT count(*), count(low), count(high) FROM score")).one() == (27, 27, 27)


def test_what_older_rows_say_of_targets_and_encoders(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    slugs = {
        "xnli<lingnli": ("xnli", True), "xnli:first500": ("xnli", False), "xcopa<siqa,copa:dev": ("xcopa", False),
        "tatoeba:layer7:cls": ("tatoeba", True), "paws-x:dev:first9": ("paws-x", False), "xnli:as-is": ("xnli", True),
    }  # fmt: skip
    module.migrate(db, "0002")
    settings = {"hub/one@0123456789ab": '{"encoder": {"id": "hub/one", "revision": "0123456789abcdef"}}',
                "folder@aaaaaaaaaaaa": '{"encoder": {"digest": "aaaaaaaaaaaaaaaa"}}', "gone@1": "{}"}  # fmt: skip
    with db.begin() as connection:
        for cell, slug in zip(numbers.cells, slugs, strict=False):
            connection.execute(update(CellRow).where(CellRow.key == cell.key).values(target=slug))
        for cell, (name, value) in zip(numbers.cells, settings.items(), strict=False):
            values = {"name": name, "cell": cell.key, "value": value}
            connection.execute(text("UPDATE cell SET encoder = :name, encoder_revision = '' WHERE key = :cell"), values)
            stage = "UPDATE stage SET settings = :value WHERE key = (SELECT score_stage FROM cell WHERE key = :cell)"
            kind = "CAST(:value AS JSONB)" if connection.dialect.name == "postgresql" else ":value"
            connection.execute(text(stage.replace(":value", kind)), {"cell": cell.key, "value": value})
    module.migrate(db)
    with db.begin() as connection:
        rows = connection.execute(text("SELECT target, benchmark, whole_test FROM cell"))
        found = {target: (benchmark, bool(whole)) for target, benchmark, whole in rows}
        encoders = connection.execute(text("SELECT name, source, id, revision FROM encoder ORDER BY name")).all()
    assert found == {**slugs, "xnli": ("xnli", True)}
    assert encoders == [
        ("folder@aaaaaaaaaaaa", "folder", "folder", "aaaaaaaaaaaaaaaa"),
        ("gone@1", "unknown", "gone", "1"),
        ("hub/one@0123456789ab", "hub", "hub/one", "0123456789abcdef"),
        ("tiny@0", "trained-here", "tiny", "0"),
    ]


def test_scores_below_zero_have_no_place_in_the_first_schema(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    with db.begin() as connection:
        connection.execute(text("UPDATE score SET metric = 'spearman', value = -12.5, low = NULL, high = NULL"))
    module.migrate(db, "0002")
    with db.begin() as connection:
        assert connection.execute(text("SELECT min(value), count(*) FROM cell_scores")).one() == (-12.5, 27)
    module.migrate(db, "0001")
    with db.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM score")).scalar() == 0
    module.migrate(db)
    assert set(inspect(db.engine).get_view_names()) == set(VIEWS)
