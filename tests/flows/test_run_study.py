"""The main job as a user runs it: a study from nothing, again, after a kill, with a damaged artifact."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running import QUICK, ROOT, Ran, environment, score_rows, stages_of, wait_for, xtransfer
from xtransfer.store.artifacts import ArtifactStore


def test_a_study_ends_with_scores_in_every_language(small_lab: Ran) -> None:
    rows = small_lab.rows()
    assert {row[1] for row in rows} == {"direct", "lab-nli@en"}
    assert {row[5] for row in rows} == {"en", "de", "fr", "ru", "tr", "sw"}
    assert len(rows) == 2 * 2 * (6 + 5)  # intermediates, seeds, languages of lab-inference and lab-retrieval
    assert all(0 <= row[8] <= 100 and row[9] > 100 for row in rows)


def test_the_report_needs_nothing_from_outside(small_lab: Ran) -> None:
    page = Path(small_lab.output["report"])
    text = page.read_text(encoding="utf-8")
    assert "lab-nli@en" in text
    assert 'src="http' not in text and "url(http" not in text and "<link" not in text
    assert list(page.parent.glob("*.png")) and list(page.parent.glob("*.svg")) and list(page.parent.glob("*.csv"))


def test_a_second_run_executes_no_stage_and_adds_no_row(small_lab: Ran, own_lab: Path, prefect: str) -> None:
    again = xtransfer(own_lab, "run", QUICK, "--json", PREFECT_API_URL=prefect)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["ran"] == []
    assert score_rows(own_lab) == small_lab.rows()
    plan = json.loads(xtransfer(own_lab, "plan", QUICK, "--json").stdout)
    assert plan["stages"] and not any(stage["to_run"] for stage in plan["stages"])


def test_every_stage_ran_once(small_lab: Ran) -> None:
    plan = json.loads(xtransfer(small_lab.home, "plan", QUICK, "--json").stdout)
    assert sorted(small_lab.output["ran"]) == sorted(stage["name"] for stage in plan["stages"])


def test_a_run_says_in_json_what_it_found_and_what_it_left_out(small_lab: Ran) -> None:
    found = small_lab.output
    assert found["not_part_of_this_run"] == [] and Path(found["report"]).is_file()
    assert {row["intermediate"] for row in found["gains"]} == {"direct"}  # the other cells learned nothing
    assert {(one["target"], one["intermediate"]) for one in found["left_out"]} == {
        ("lab-inference", "direct"), ("lab-inference", "lab-nli@en"), ("lab-retrieval", "lab-nli@en")
    }  # fmt: skip
    assert all("the loss did not fall" in one["reason"] for one in found["left_out"])


def test_damage_and_a_lost_database_are_made_good(small_lab: Ran, own_lab: Path, prefect: str) -> None:
    home = own_lab
    plan = json.loads(xtransfer(home, "plan", QUICK, "--json").stdout)
    score = next(stage for stage in plan["stages"] if stage["kind"] == "score")
    artifact = home / "artifacts" / score["key"][:2] / score["key"]
    (artifact / "scores.json").write_text("[")
    for file in home.glob("results.db*"):
        file.unlink()
    done = xtransfer(home, "run", QUICK, "--json", PREFECT_API_URL=prefect)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ran"] == [score["name"]]
    assert score_rows(home) == small_lab.rows()


@pytest.mark.slow
@pytest.mark.storm
def test_killed_and_run_again_gives_the_same_rows(small_lab: Ran, tmp_path: Path) -> None:
    home = tmp_path / "killed"
    command = [sys.executable, "-m", "flows.cli", "run", QUICK, "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(home, {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: any((home / "artifacts").glob(".partial/*/out")))
        time.sleep(2)
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not stages_of(home), 30)
    done = xtransfer(home, "run", QUICK, "--json")
    assert done.returncode == 0, done.stderr
    assert score_rows(home) == small_lab.rows()
    assert not list((home / "artifacts" / ".partial").iterdir())


REPEATED = """
import sys
import pandas as pd
from flows import cli, run_study
from flows.commands import run
from prefect import flow, flow_engine

propose = flow_engine.propose_state_sync

def repeated(*given, **more):
    '''A busy server gets the request twice, and answers the second with the state that it has: without a value.'''
    answer = propose(*given, **more)
    return answer.model_copy(update={"data": None}) if answer.is_completed() else answer

@flow(persist_result=False, validate_parameters=False)
def nothing(study, workers, per_device, hours, devices, keep, budget):
    return run_study.Summary(cells=0, stages=0, report=sys.argv[1])

flow_engine.propose_state_sync, run_study.run_study = repeated, nothing
none = pd.DataFrame()  # nothing was recorded
none.attrs["excluded"] = []
run.gains_of = lambda study: none
cli.app(["run", "lab", "--small", "--json"])
"""


def test_a_run_ends_well_though_the_server_had_its_state_already(tmp_path: Path, prefect: str) -> None:
    page = tmp_path / "report.html"
    page.write_text("a page")
    command = [sys.executable, "-c", REPEATED, str(page)]
    variables = environment(tmp_path / "home", {"PREFECT_API_URL": prefect})
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"] == str(page)


def test_scored_checkpoints_are_removed_when_asked(own_lab: Path, prefect: str) -> None:
    store = ArtifactStore(own_lab / "artifacts")
    before = {key for key in store.keys() if store.find(key)}  # noqa: SIM118
    asked = ("run", QUICK, "--set", "seeds=[7]", "--keep", "scores")
    done = xtransfer(own_lab, *asked, PREFECT_API_URL=prefect)
    assert done.returncode == 0, done.stderr
    # of 5.1 MB, a part is the tokenizer's file, which they share with the artifacts that stay
    assert re.search(r"\(2 scored checkpoints removed, 4\.\d MB\)", done.stdout), done.stdout
    plan = json.loads(xtransfer(own_lab, "plan", QUICK, "--set", "seeds=[7]", "--json").stdout)
    gone = {one["name"] for one in plan["stages"] if store.find(one["key"]) is None}
    assert gone == {"train lab-inference after direct seed 7", "train lab-inference after lab-nli@en seed 7"}
    assert not any(one["to_run"] for one in plan["stages"])
    assert before <= set(store.keys()), "what an earlier run made stays"
    rows = score_rows(own_lab)
    again = xtransfer(own_lab, *asked, "--json", PREFECT_API_URL=prefect)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["ran"] == [] and score_rows(own_lab) == rows
    for file in own_lab.glob("results.db*"):
        file.unlink()
    anew = xtransfer(own_lab, *asked[:-2], "--json", PREFECT_API_URL=prefect)
    assert anew.returncode == 0, anew.stderr
    assert set(json.loads(anew.stdout)["ran"]) == gone, "a new database needs to know how the scores were made"
    assert score_rows(own_lab) == [row for row in rows if row[3] == 7]
