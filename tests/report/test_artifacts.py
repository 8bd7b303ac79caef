"""What a run leaves in Prefect, read back through its API."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from sqlalchemy import text

from flows import password, run_study
from tasks.artifacts import answer, artifact_key, publish_report
from tests.results.numbers import make, record_all
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.report import samples
from xtransfer.report.findings import find
from xtransfer.results.database import open_database
from xtransfer.results.write import record_study


@pytest.fixture(scope="module", autouse=True)
def server(prefect: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: prefect, PREFECT_API_AUTH_STRING: os.environ[password.CLIENT]}):
        yield


@flow
def ends(study: str, ran: int) -> str | None:
    return run_study._published(study, ran)


def recorded(name: str) -> str:
    """Records a finished study where this test's home is; returns its name."""
    places = current().prepare()
    numbers = make(places.home, name=name, group_size=1)
    with open_database(places.database_url) as db:
        record_all(db, numbers)
    return name


def stored(key: str) -> list[Any]:
    """All artifacts of a key, the oldest first."""
    asked = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/filter", json=asked).json()
    return [SimpleNamespace(**one) for one in reversed(found)]


def test_answer_tables_and_plots_are_in_prefect() -> None:
    page = ends(recorded("numbers"), 7)
    assert page is not None and Path(page).name == "report.html" and Path(page).is_file()
    text = stored("numbers-answer")[-1].data
    said = "Training on nli@de first made no difference that this study can detect: +20.0 points over direct"
    assert page in text and said in text.replace("\\", "")  # in Swahili: German, which it was trained in, is left out
    gains = json.loads(stored("numbers-gains")[-1].data)
    row = next(one for one in gains if (one["intermediate"], one["language"]) == ("nli@de", "de"))
    assert row["score"] - row["gain"] == pytest.approx(33.3, abs=0.1)
    figures = {one["what"]: one["how much"] for one in json.loads(stored("numbers-summary")[-1].data)}
    assert (figures["cells"], figures["stages executed by this run"]) == (9, 7)
    assert [one["kind of stage"] for one in json.loads(stored("numbers-cost")[-1].data)]
    ranked = [one for one in json.loads(stored("numbers-ranking")[-1].data) if one["language"] == "mean-but-en"]
    best = {one["intermediate"]: int(one["best"].strip("<>%")) for one in ranked}
    assert set(best) == {"direct", "nli@en", "nli@de"} and sum(best.values()) == pytest.approx(100, abs=2)
    needed = json.loads(stored("numbers-power")[-1].data)
    assert {one["comparison"] for one in needed} >= {"nli@de - direct", "nli@en - nli@de"}
    image = stored("numbers-heat-map-1")[-1]
    assert image.type == "markdown" and image.data.startswith("![Gains on ")
    drawn, legend = image.data.split(")\n\n")
    assert legend == (
        "95% interval over seeds and test items; a dot: it excludes 0; on means it holds for all 2 comparisons with "
        "direct together"
    )
    assert base64.b64decode(drawn.partition("base64,")[2]).startswith(b"\x89PNG")
    assert all("encoder" not in row for row in gains), "there is one"


def test_runs_of_a_study_make_one_history() -> None:
    recorded("again")
    for ran in (9, 4):
        ends("again", ran)
    assert len(stored("again-answer")) == 2
    latest = json.loads(stored("again-summary")[-1].data)
    assert {"what": "stages executed by this run", "how much": 4} in latest


def test_a_run_that_changes_nothing_leaves_the_report_and_shows_its_answer() -> None:
    recorded("same")
    page = ends("same", 3)
    assert page is not None
    written = Path(page).stat().st_mtime_ns
    assert ends("same", 0) == page and Path(page).stat().st_mtime_ns == written
    (first, again) = stored("same-answer")
    assert first.data == again.data and first.description == again.description and len(stored("same-gains")) == 1
    with open_database(current().database_url) as database, database.begin() as connection:
        connection.execute(text("UPDATE cell SET status = 'failed', reason = 'gone' WHERE intermediate = 'nli@de'"))
    ends("same", 0)
    assert len(stored("same-answer")) == 3 and len(stored("same-gains")) == 2
    Path(page).write_text("another page")
    ends("same", 0)
    assert len(stored("same-gains")) == 3 and "another page" not in Path(page).read_text()


def test_samples_are_made_when_something_ran_or_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def predictions(facts: Any, store: Any) -> list[dict[str, str]]:
        made.append(facts.name)
        return [{"target": "xnli", "right": "no"}]

    monkeypatch.setattr(samples, "predictions", predictions)
    recorded("shown")
    for ran, times in ((0, 1), (0, 1), (4, 2)):
        ends("shown", ran)
        assert len(made) == len(stored("shown-samples")) == times
    assert json.loads(stored("shown-samples")[-1].data) == [{"target": "xnli", "right": "no"}]


def test_a_report_that_fails_is_logged_and_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    places = current().prepare()
    recorded("blocked")
    (places.home / "reports").write_text("a file where the folder should be")
    assert ends("blocked", 0) is None
    assert "the report was not written: " in caplog.text and "name another folder" in caplog.text


@pytest.mark.parametrize("name", ["lab.full", "lab_full", "lab-full"])
def test_keys_are_of_prefects_alphabet_and_apart(name: str) -> None:
    keys = {one: artifact_key(one) for one in ("lab.full", "lab_full", "lab-full")}
    assert keys[name].startswith("lab-full") and set(keys[name]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(set(keys.values())) == 3


def test_a_name_with_path_parts_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not a valid study name"):
        publish_report.fn("../../escaped", 0)
    assert not list(tmp_path.rglob("*escaped*"))


def test_markup_in_a_question_stays_text(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    study = numbers.plan.study.model_copy(update={"question": "Does <b>this</b> *help* [me](x)?"})
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, type(numbers.plan)(study, numbers.plan.cells, numbers.plan.stages))
        text = answer(find("numbers", db, numbers.store), tmp_path / "report.html")
    assert "\\<b\\>this" in text and "\\*help\\*" in text and "\\[me\\]" in text
