"""Results of two teams in one database: completed, never doubled, and what differs is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import column, select, table

from tests.results.numbers import Numbers, make, right, simple
from tests.results.sent import content, count, receive, recorded, send
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.results.write import record_failure, record_study


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
