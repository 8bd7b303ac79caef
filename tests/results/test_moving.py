"""Results passed on: nothing is lost on the way, nothing is doubled, and what differs is said."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import column, func, inspect, select, table, text

from tests.results.numbers import Numbers, make, right, simple
from xtransfer.errors import RequestError, StoreError
from xtransfer.results import open_database, record_cell, record_failure, record_study
from xtransfer.results.database import migrate
from xtransfer.results.moving import Imported, bring_in, export
from xtransfer.results.schema import Base
from xtransfer.results.selection import OWN, moved

FORMATS = ["parquet", "sqlite"]


def recorded(url: str, numbers: Numbers, only: Callable[[Any], bool] = lambda cell: True) -> None:
    with open_database(url) as db:
        record_study(db, numbers.plan)
        for cell in filter(only, numbers.cells):
            record_cell(db, numbers.plan.study.name, cell, numbers.store)


def send(url: str, file: Path, **options: Any) -> Path:
    with open_database(url, read_only=True) as db:
        return export(db, file, **options).file


def receive(url: str, file: Path, prefer: Any = None) -> Imported:
    with open_database(url) as db:
        return bring_in(db, file, prefer)


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables and views, sorted."""
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        views = inspect(connection).get_view_names()
        queries = {one.name: select(one) for one in Base.metadata.sorted_tables}
        queries |= {name: select(text("*")).select_from(table(name)) for name in views}
        assert "gains" in views and "cell_scores" in views
        return {name: sorted(map(tuple, connection.execute(query)), key=repr) for name, query in queries.items()}


def count(url: str, name: str) -> int:
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table(name))) or 0)


@pytest.fixture
def ours(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ours.db'}"


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'theirs.db'}"


@pytest.fixture(params=FORMATS)
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / f"sent.{request.param}"


def test_a_round_trip_loses_nothing(numbers: Numbers, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, numbers)
    with open_database(theirs) as db:
        record_failure(db, "numbers", numbers.cells[0], "a reason of 'quotes' and ünïcode")
    done = receive(ours, send(theirs, file))
    assert done.new == len(numbers.cells) and not done.conflicts
    assert content(ours) == content(theirs)
    assert sorted(path.name for path in file.parent.iterdir() if "partial" in path.name) == []


def test_through_a_server_and_back(numbers: Numbers, ours: str, theirs: str, postgres_url: str, file: Path) -> None:
    recorded(theirs, numbers)
    sent = receive(postgres_url, send(theirs, file))
    assert sent.new == len(numbers.cells) and count(postgres_url, "gains") == count(theirs, "gains") > 0
    assert not any(receive(postgres_url, file).rows.values())
    receive(ours, send(postgres_url, file, force=True))
    assert content(ours) == content(theirs)


def test_a_server_completes_and_is_corrected(tmp_path: Path, theirs: str, postgres_url: str, file: Path) -> None:
    recorded(postgres_url, make(tmp_path / "1"), lambda cell: cell.seed != 2)
    recorded(theirs, make(tmp_path / "2", differing))
    send(theirs, file)
    with pytest.raises(RequestError, match=r"value is 60\.0 here and 90\.0 there"):
        receive(postgres_url, file)
    done = receive(postgres_url, file, "theirs")
    assert (done.completed, done.replaced, done.known) == (3, 1, 5)
    assert count(postgres_url, "score") == count(theirs, "score") == 27


def test_importing_twice_is_importing_once(numbers: Numbers, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, numbers)
    send(theirs, file)
    receive(ours, file)
    before = content(ours)
    again = receive(ours, file)
    assert (again.new, again.completed, again.replaced, again.known) == (0, 0, 0, len(numbers.cells))
    assert not any(again.rows.values())
    assert content(ours) == before


def test_two_halves_make_a_whole(numbers: Numbers, tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    """One team ran the baseline and seed 0, the other the rest and seed 0 as well."""
    recorded(ours, numbers, lambda cell: cell.intermediate.slug == "direct" or cell.seed == 0)
    recorded(theirs, numbers, lambda cell: cell.intermediate.slug != "direct")
    done = receive(ours, send(theirs, file))
    assert done.completed == 4 and done.new == 0 and done.known == 5
    whole = f"sqlite:///{tmp_path / 'whole.db'}"
    recorded(whole, numbers)
    merged, expected = content(ours), content(whole)
    for name in ("gains", "contrasts", "cell_mean", "study_cell"):
        assert merged[name] == expected[name], name
    assert len(merged["score"]) == len(expected["score"]) == 27


def test_seeds_of_two_teams_are_one_study(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    """The declarations differ in their seeds: that is said, and with a preference all cells belong to the study."""
    first, second = make(tmp_path / "1", seeds=(0, 1)), make(tmp_path / "2", seeds=(2,))
    recorded(ours, first)
    recorded(theirs, second)
    with pytest.raises(RequestError, match=r"study numbers: seeds is \[0, 1\] here and \[2\] there"):
        receive(ours, send(theirs, file))
    assert receive(ours, file, "ours").new == 3
    assert count(ours, "study_cell") == 9 and count(ours, "gains") == 18
    assert not receive(ours, file, "ours").rows["study_cell"]


def test_a_study_whose_baseline_comes_later_has_gains(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    recorded(ours, make(tmp_path / "1", intermediates=("nli@de",)))
    recorded(theirs, make(tmp_path / "2", intermediates=("direct",)))
    assert count(ours, "gains") == 0
    receive(ours, send(theirs, file), "ours")
    assert count(ours, "gains") == 9


def differing(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """As `simple`, but one score of one cell."""
    values = simple(encoder, intermediate, seed)
    return values | ({"sw": right(9)} if (intermediate, seed) == ("nli@de", 1) else {})


def disputed(tmp_path: Path, ours: str, theirs: str) -> None:
    recorded(ours, make(tmp_path / "1"))
    recorded(theirs, make(tmp_path / "2", differing))


def test_other_numbers_are_listed_and_refused(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    disputed(tmp_path, ours, theirs)
    before = content(ours)
    with pytest.raises(RequestError) as caught:
        receive(ours, send(theirs, file))
    said = str(caught.value)
    assert "1 numbers differ" in said
    assert "score tiny@0 nli@de xnli seed 1 sw test accuracy: value is 60.0 here and 90.0 there" in said
    assert "--prefer ours or --prefer theirs" in said
    assert content(ours) == before


@pytest.mark.parametrize(("prefer", "expected"), [("ours", 60.0), ("theirs", 90.0)])
def test_a_preference_settles_it(
    tmp_path: Path, ours: str, theirs: str, file: Path, prefer: str, expected: float
) -> None:
    disputed(tmp_path, ours, theirs)
    done = receive(ours, send(theirs, file), prefer)
    assert (done.replaced, done.known) == ((1, 8) if prefer == "theirs" else (0, 9))
    assert [str(conflict)[:28] for conflict in done.conflicts] == ["score tiny@0 nli@de xnli see"]
    numbers = content(ours if prefer == "ours" else theirs)
    for name in ("score", "cell_mean", "gains", "prediction"):
        mine = [row[:-1] for row in content(ours)[name]] if name == "score" else content(ours)[name]
        assert mine == ([row[:-1] for row in numbers[name]] if name == "score" else numbers[name])
    with open_database(ours, read_only=True) as db, db.engine.connect() as connection:
        row = table("cell_scores", *map(column, ("value", "intermediate", "seed", "language")))
        query = select(row.c.value).where(row.c.intermediate == "nli@de", row.c.seed == 1, row.c.language == "sw")
        assert connection.scalar(query) == expected


def test_a_cell_that_learnt_nothing_there_is_a_conflict(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    def constant(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        return {code: right(10) for code in ("en", "de", "sw")} if seed == 2 else simple(encoder, intermediate, seed)

    recorded(ours, make(tmp_path / "1"))
    recorded(theirs, make(tmp_path / "2", constant))
    with pytest.raises(RequestError, match="status is done here and degenerate there"):
        receive(ours, send(theirs, file))


def test_what_failed_here_and_ended_there_is_completed(numbers: Numbers, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, numbers)
    with open_database(ours) as db:
        record_study(db, numbers.plan)
        record_failure(db, "numbers", numbers.cells[0], "no space left")
    done = receive(ours, send(theirs, file))
    assert done.completed == len(numbers.cells)
    assert [row for row in content(ours)["cell"] if "no space" in repr(row)] == []
    back = receive(theirs, send(ours, file, force=True))
    assert back.known == len(numbers.cells) and not any(back.rows.values())


def test_one_study_alone(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, make(tmp_path / "1", name="first"))
    recorded(theirs, make(tmp_path / "2", name="second", encoders=("other@0",), seeds=(7,)))
    receive(ours, send(theirs, file, studies=["second"]))
    found = content(ours)
    assert [row[0] for row in found["study"]] == ["second"]
    assert [row[0] for row in found["encoder"]] == ["other@0"]
    assert len(found["cell"]) == 3 and len(found["score"]) == 9
    assert {row[1] for row in found["cell_stage"]} == {row[0] for row in found["stage"]}
    with pytest.raises(RequestError, match="no study 'thrid'"):
        send(theirs, file, studies=["thrid"], force=True)


def test_pandas_opens_the_scores(numbers: Numbers, theirs: str, tmp_path: Path) -> None:
    recorded(theirs, numbers)
    frame = pd.read_parquet(send(theirs, tmp_path / "sent.parquet"))
    assert frame["table"].iloc[0] == "score"
    scores = frame[frame["table"] == "score"]
    assert len(scores) == 27 and scores["value"].dtype == "float64"
    assert set(scores["intermediate"]) == {"direct", "nli@en", "nli@de"} and set(scores["language"]) == {
        "en",
        "de",
        "sw",
    }
    assert list(scores["studies"].iloc[0]) == ["numbers"]
    assert set(frame["table"]) <= {one.name for one in moved()}


def test_every_table_is_moved_but_what_the_program_fills() -> None:
    assert {one.name for one in moved()} | set(OWN) == set(Base.metadata.tables)


def _newer(file: Path) -> None:
    if file.suffix == ".sqlite":
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE xtransfer_schema SET version_num = '9999'")
        connection.close()
        return
    held = pq.read_table(file)
    pq.write_table(held.replace_schema_metadata({b"xtransfer": json.dumps({"schema": "9999"}).encode()}), file)


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
        (_newer, StoreError, "9999"),
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
    with pytest.raises(StoreError, match="do not fit together"):
        receive(ours, file)
    assert count(ours, "cell") == 0


def test_an_older_database_is_brought_up_to_date_in_a_copy(
    numbers: Numbers, ours: str, theirs: str, tmp_path: Path
) -> None:
    recorded(theirs, numbers)
    file = send(theirs, tmp_path / "sent.sqlite")
    with open_database(f"sqlite:///{file}") as db:
        migrate(db, "0002")
    before = file.read_bytes()
    assert receive(ours, file).new == len(numbers.cells)
    assert file.read_bytes() == before and count(ours, "score") == 27


def test_what_stands_in_the_log_of_an_older_database_is_imported(numbers: Numbers, ours: str, theirs: str) -> None:
    file = Path(theirs.removeprefix("sqlite:///"))
    open_database(theirs).close()
    with closing(sqlite3.connect(file)) as another:  # while it reads, the log stays a file of its own
        another.execute("BEGIN")
        another.execute("SELECT * FROM sqlite_master").fetchall()
        recorded(theirs, numbers)
        with open_database(theirs) as db:
            migrate(db, "0002")
        assert file.with_name(file.name + "-wal").stat().st_size > 0
        assert receive(ours, file).new == len(numbers.cells)
    assert count(ours, "score") == 27


def test_files_are_not_overwritten_by_accident(numbers: Numbers, theirs: str, file: Path, tmp_path: Path) -> None:
    recorded(theirs, numbers)
    file.write_text("mine")
    with pytest.raises(RequestError, match=r"exists; .*--force"):
        send(theirs, file)
    assert file.read_text() == "mine"
    send(theirs, file, force=True)
    assert file.stat().st_size > 1000
    for name in ("sent.csv", "nowhere/sent.parquet"):
        with pytest.raises(RequestError, match=r"must end in|no folder"):
            send(theirs, tmp_path / name)


def test_an_export_that_breaks_off_leaves_nothing(
    numbers: Numbers, theirs: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(theirs, numbers)
    file.write_text("mine")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space left"):
        send(theirs, file, force=True)
    assert file.read_text() == "mine"
    assert not [path for path in file.parent.iterdir() if "partial" in path.name]


def test_a_database_is_not_imported_into_itself(numbers: Numbers, theirs: str) -> None:
    recorded(theirs, numbers)
    with pytest.raises(RequestError, match="is this database itself"):
        receive(theirs, Path(theirs.removeprefix("sqlite:///")))


def test_an_import_that_breaks_off_changes_nothing(
    numbers: Numbers, ours: str, theirs: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(theirs, numbers)
    send(theirs, file)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xtransfer.results.merging._fill_baselines", broken)
    with pytest.raises(KeyboardInterrupt):
        receive(ours, file)
    assert count(ours, "cell") == count(ours, "score") == 0
