"""Two runs or studies beside each other: what was recorded differently, and their paired scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results.numbers import Numbers, make, record_all, right
from xtransfer.analysis.diff import Diff, diff
from xtransfer.analysis.results import open_results
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'results.db'}"


def record(url: str, *several: Numbers) -> None:
    with open_database(url) as db:
        for numbers in several:
            record_all(db, numbers)


def compared(url: str, numbers: Numbers, a: str, b: str) -> Diff:
    with open_results(url) as results:
        return diff(results, a, b, numbers.store)


@pytest.fixture
def numbers(tmp_path: Path, url: str) -> Numbers:
    made = make(tmp_path)
    record(url, made)
    return made


def test_only_the_seed_differs(numbers: Numbers, url: str) -> None:
    found = compared(url, numbers, "numbers/tiny/nli@de/xnli/0", "numbers/tiny@0/nli@de/xnli/1")
    assert found.words[0] == "They differ only in the seed (0 and 1)."
    assert [one.category for one in found.differences] == ["seed"]
    row = found.scores.set_index("language").loc["de"]
    assert (row["value_a"], row["value_b"], row["difference"]) == (60, 70, -10)
    assert row["low"] < -10 < row["high"] and "Intervals (95%) cover items." in found.words


def test_a_run_is_named_by_the_beginning_of_its_key(numbers: Numbers, url: str) -> None:
    one, two = numbers.cell("direct", 0).key, numbers.cell("nli@en", 0).key
    found = compared(url, numbers, one[:10], two)
    assert found.words[0] == "They differ only in the intermediate (direct and nli@en)."
    assert found.scores["difference"].tolist() == [-10, -20, -10]  # de, en, sw


def test_the_same_run_and_runs_without_artifacts(numbers: Numbers, url: str, tmp_path: Path) -> None:
    key = numbers.cell("direct", 0).key
    same = compared(url, numbers, key, "numbers/tiny/direct/xnli/0")
    assert same.words == ["They are the same: equal training, data and test, one set of scores."]
    assert same.scores["difference"].eq(0).all() and not same.differences
    lost = make(tmp_path / "elsewhere", only=lambda intermediate, seed: False)
    found = compared(url, lost, "numbers/tiny/direct/xnli/0", "numbers/tiny/direct/xnli/1")
    assert "No interval: the artifacts of the scores are not in the artifact store." in found.words
    assert found.scores["low"].isna().all() and len(found.scores) == 3


def test_an_interval_is_of_the_runs_that_the_difference_is_of(numbers: Numbers, url: str, tmp_path: Path) -> None:
    """The second study differs by +10, +10 and +60 points; the artifacts of the last are not here."""

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        return {"en": right(5), "de": right(3 + seed % 2 + (6 if seed == 2 else 1)), "sw": right(4)}

    other = {"name": "other", "recipe": {"epochs": 5}, "intermediates": ("direct",)}
    record(url, make(tmp_path / "all", items, **other))  # type: ignore[arg-type]
    make(tmp_path, items, **other, only=lambda intermediate, seed: seed < 2)  # type: ignore[arg-type]
    found = compared(url, numbers, "other", "numbers")
    german = found.scores.set_index("language").loc["de"]
    assert german["runs"] == 3 and german["difference"] == pytest.approx(80 / 3)
    assert german[["low", "high"]].isna().all() and german["verdict"] == ""
    assert "No interval: the artifact store lacks some of the scores' artifacts." in found.words


def test_studies_with_another_recipe(numbers: Numbers, url: str, tmp_path: Path) -> None:
    other = make(
        tmp_path,
        lambda encoder, intermediate, seed: {"en": right(5), "de": right(8), "sw": right(1)},
        name="other",
        recipe={"epochs": 5},
        intermediates=("direct", "nli@de"),
        seeds=(0, 1),
    )
    record(url, other)
    found = compared(url, numbers, "other", "numbers")
    told = {(one.category, one.name): (one.a, one.b) for one in found.differences}
    assert told["recipe", "epochs"] == ("5", "3")
    assert told["intermediate", ""] == ("direct, nli@de", "direct, nli@de, nli@en")
    assert told["seed", ""] == ("0, 1", "0, 1, 2")
    assert found.words[0].startswith("They differ in the intermediate (direct, nli@de and direct")
    german = found.scores.query("intermediate == 'nli@de' and language == 'de'").iloc[0]
    assert (german["value_a"], german["value_b"], german["runs"]) == (80, 65, 2)
    assert "Intervals (95%) cover seeds and items." in found.words
    assert found.scores["intermediate"].unique().tolist() == ["direct", "nli@de"]


def test_versions_machines_and_revisions_are_told(numbers: Numbers, url: str, tmp_path: Path) -> None:
    record(url, make(tmp_path, name="other", seeds=(5,)))
    with open_database(url) as db, db.begin() as connection:
        change = "UPDATE stage SET host = 'far', packages = json_set(packages, '$.torch', '9.9'), version = version + 1"
        connection.exec_driver_sql(f"{change} WHERE name LIKE '%seed 5'")
    found = compared(url, numbers, "numbers/tiny/direct/xnli/0", "other/tiny/direct/xnli/5")
    told = {(one.category, one.where, one.name): one.b for one in found.differences}
    assert told["machine", "", "host"].endswith("far") and "9.9" in told["package", "", "torch"]
    assert told["stage version", "scoring", "score"] == "2"
    assert json.loads(json.dumps(found.as_dict()))["scores"][0]["language"] == "de"


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("nubers", "numbers", "no study or run 'nubers'; did you mean 'numbers'"),
        ("numbers", "numbers/tiny/direct/xnli/0", "'numbers' is a study and 'numbers/tiny/direct/xnli/0' a run"),
        ("numbers/tiny/direct/xnli/7", "numbers", "no run .*the nearest are: numbers/tiny/direct/xnli/"),
        ("mumbers/tiny/direct/xnli/7", "numbers", "no study 'mumbers'; did you mean 'numbers'"),
        ("x'; DROP TABLE score; --", "numbers", "no study or run"),
        ("../../etc/passwd", "numbers", "no study '..'"),
        ("ffffffff", "numbers", "no study or run 'ffffffff'"),
    ],
)
def test_unknown_names(a: str, b: str, said: str, numbers: Numbers, url: str) -> None:
    with pytest.raises(RequestError, match=said):
        compared(url, numbers, a, b)


def test_runs_on_other_items_have_no_interval(numbers: Numbers, url: str, tmp_path: Path) -> None:
    other = make(tmp_path, lambda *_: {"en": right(6, 12), "de": right(6, 12), "sw": right(6, 12)}, name="other",
                 recipe={"epochs": 9})  # fmt: skip
    record(url, other)
    found = compared(url, numbers, "numbers/tiny/direct/xnli/0", "other/tiny/direct/xnli/0")
    assert any(text.startswith("No interval: xnli/") and "different items" in text for text in found.words)
    assert found.scores["low"].isna().all() and len(found.scores) == 3
