"""Results of two teams in one database: completed, never doubled, and what differs is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import column, select, table

from tests.results.numbers import Numbers, make, right, simple
from tests.results.sent import content, count, receive, recorded, send
from xtransfer.analysis.points import study_points
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.results.read import definition_of
from xtransfer.results.schema import CellRow, StudyCellRow
from xtransfer.results.write import record_failure, record_study
from xtransfer.study.cells import Plan


def definition(url: str) -> dict[str, Any]:
    with open_database(url, read_only=True) as db:
        return definition_of(db, "numbers") or {}


def differing(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """As `simple`, but one score of one cell."""
    values = simple(encoder, intermediate, seed)
    return values | ({"sw": right(9)} if (intermediate, seed) == ("nli@de", 1) else {})


def disputed(tmp_path: Path, ours: str, theirs: str) -> None:
    recorded(ours, make(tmp_path / "1"))
    recorded(theirs, make(tmp_path / "2", differing))


def test_a_server_completes_and_is_corrected(tmp_path: Path, theirs: str, postgres_url: str, file: Path) -> None:
    recorded(postgres_url, make(tmp_path / "1"), lambda cell: cell.seed != 2)
    recorded(theirs, make(tmp_path / "2", differing))
    send(theirs, file)
    with pytest.raises(RequestError, match=r"value is 60\.0 here and 90\.0 there"):
        receive(postgres_url, file)
    done = receive(postgres_url, file, "theirs")
    assert (done.completed, done.replaced, done.known) == (3, 1, 5)
    assert count(postgres_url, "score") == count(theirs, "score") == 27


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
    first, second = make(tmp_path / "1", seeds=(0, 1)), make(tmp_path / "2", seeds=(2,))
    recorded(ours, first)
    recorded(theirs, second)
    assert receive(ours, send(theirs, file)).new == 3
    assert count(ours, "study_cell") == 9 and count(ours, "gains") == 18
    assert definition(ours)["seeds"] == [0, 1, 2]
    assert not any(receive(ours, file).rows.values())


def test_an_intermediate_that_only_they_have_joins_the_study(
    tmp_path: Path, ours: str, theirs: str, file: Path
) -> None:
    recorded(ours, make(tmp_path / "1", intermediates=("direct", "nli@en")))
    recorded(theirs, make(tmp_path / "2"))
    assert receive(ours, send(theirs, file)).new == 3
    assert len(definition(ours)["intermediates"]) == 3
    with open_database(ours, read_only=True) as db:
        assert {point.intermediate for point in study_points(db, "numbers")} == {"direct", "nli@en", "nli@de"}


@pytest.mark.parametrize("prefer", [None, "ours", "theirs"])
def test_a_place_of_a_study_holds_one_cell(
    tmp_path: Path, ours: str, theirs: str, file: Path, prefer: Literal["ours", "theirs"] | None
) -> None:
    """The same declaration, and other rows behind it: their cells have other keys."""
    recorded(ours, make(tmp_path / "1"))
    recorded(theirs, make(tmp_path / "2", recipe={"learning_rate": 1e-4}, seeds=(1, 2, 3)))
    before = content(ours)
    send(theirs, file)
    if prefer is None:
        with pytest.raises(RequestError) as caught:
            receive(ours, file)
        assert "6 values differ" in str(caught.value)
        assert "study numbers: tiny@0 direct xnli seed 1 made from is " in str(caught.value)
        assert content(ours) == before
        return
    done = receive(ours, file, prefer)
    assert (done.new, done.replaced, done.known) == ((3, 0, 6) if prefer == "ours" else (3, 6, 0))
    with open_database(ours, read_only=True) as db:
        points = study_points(db, "numbers")
    places = [(point.encoder, point.intermediate, point.target, point.seed) for point in points]
    assert len(places) == len(set(places)) == 12
    keys = {point.score_stage for point in points if point.seed in (1, 2)}
    own = {row[0] for row in before["stage"]}
    assert keys <= own if prefer == "ours" else not keys & own


@pytest.mark.parametrize("prefer", [None, "ours", "theirs"])
def test_studies_of_one_name_that_mean_different_things_do_not_mix(
    tmp_path: Path, ours: str, theirs: str, file: Path, prefer: Literal["ours", "theirs"] | None
) -> None:
    other = make(tmp_path / "2", recipe={"epochs": 9}, seeds=(3, 4))
    study = other.plan.study.with_settings({"target_recipe.epochs": 9})
    recorded(ours, make(tmp_path / "1"))
    recorded(theirs, Numbers(Plan(study, other.plan.cells, other.plan.stages), other.store))
    send(theirs, file)
    if prefer is None:
        with pytest.raises(RequestError, match=r"study numbers: target_recipe.epochs is 3.* here and 9.* there"):
            receive(ours, file)
        return
    receive(ours, file, prefer)
    with open_database(ours, read_only=True) as db:
        assert {point.seed for point in study_points(db, "numbers")} == ({0, 1, 2} if prefer == "ours" else {3, 4})
    assert definition(ours)["target_recipe"]["epochs"] == (3 if prefer == "ours" else 9)


def test_a_study_whose_baseline_comes_later_has_gains(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    recorded(ours, make(tmp_path / "1", intermediates=("nli@de",)))
    recorded(theirs, make(tmp_path / "2", intermediates=("direct",)))
    assert count(ours, "gains") == 0
    receive(ours, send(theirs, file), "ours")
    assert count(ours, "gains") == 9


@pytest.mark.parametrize("prefer", [None, "ours", "theirs"])
def test_gains_are_over_the_baseline_that_the_study_has(
    tmp_path: Path, ours: str, theirs: str, file: Path, prefer: Literal["ours", "theirs"] | None
) -> None:
    """Both have a `direct` cell of other rows, and an intermediate that the other lacks; without a preference theirs
    is only planned."""
    recorded(ours, make(tmp_path / "1", intermediates=("direct", "nli@en")))
    other = make(tmp_path / "2", intermediates=("direct", "nli@de"), recipe={"learning_rate": 1e-4})
    recorded(theirs, other, lambda cell: prefer is not None or bool(cell.intermediate.parts))
    receive(ours, send(theirs, file), prefer)
    with open_database(ours, read_only=True) as db, db.engine.connect() as connection:
        direct = select(CellRow.key).join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        in_study = set(connection.scalars(direct.where(CellRow.intermediate == "direct")))
        used = connection.scalars(select(StudyCellRow.baseline).where(StudyCellRow.baseline.is_not(None))).all()
    assert len(used) == 6 and set(used) == in_study and len(in_study) == 3
    assert (in_study <= {cell.key for cell in other.cells}) == (prefer == "theirs")
    assert count(ours, "gains") == 18


def test_other_numbers_are_listed_and_refused(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    disputed(tmp_path, ours, theirs)
    before = content(ours)
    with pytest.raises(RequestError) as caught:
        receive(ours, send(theirs, file))
    said = str(caught.value)
    assert "1 values differ" in said
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
