"""`xtransfer evaluate` as a user runs it: a trained checkpoint is scored by its head, retrieval by its vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.running import Ran, trained, xtransfer
from xtransfer.base.errors import RequestError


@pytest.mark.slow
def test_a_checkpoint_is_scored_by_its_head(small_lab: Ran, own_lab: Path, prefect: str) -> None:
    home, api = own_lab, {"PREFECT_API_URL": prefect}
    arguments = ["evaluate", str(trained(home)), "--target", "lab-inference", "--target", "lab-retrieval"]
    arguments += ["--name", "mine", "--language", "de", "--language", "tr"]
    done = xtransfer(home, *arguments, "--json", **api)
    assert done.returncode == 0, done.stderr
    assert "lab-inference: scored by a head of the checkpoint" in done.stderr
    output = json.loads(done.stdout)
    assert output["study"] == "mine" and len(output["ran"]) == 2
    scores = {(one["target"], one["language"]): one["value"] for one in output["scores"]}
    assert set(scores) == {(name, code) for name in ("lab-inference:as-is", "lab-retrieval") for code in ("de", "tr")}
    stored = {row[5]: row[8] for row in small_lab.rows() if row[1:4] == ("direct", "lab-inference", 10)}
    assert scores["lab-inference:as-is", "de"] == pytest.approx(stored["de"])  # as the study scored it
    again = xtransfer(home, *arguments, **api)
    assert again.returncode == 0, again.stderr
    assert "0 stages ran" in again.stdout and "de " in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lab-mini@0", "--target", "xnly"], "did you mean 'xnli'"),
        (["lab-mini@0", "--target", "lab-inference", "--language", "ja"], "there is nothing to score"),
        (["lab-mini@0", "--target", "lab-inference", "--set", "seeds=[1]"], "use --seed instead"),
        (["lab-mini@0", "--target", "lab-inference", "--set", "recipe.epoch=1"], "did you mean 'epochs'"),
        (["./nowhere", "--target", "lab-inference"], "is not a folder"),
    ],
)
def test_wrong_requests_leave_nothing_behind(arguments: list[str], said: str, home: Path) -> None:
    with pytest.raises(RequestError, match=said):
        CliRunner().invoke(cli.app, ["evaluate", *arguments], catch_exceptions=False)
    assert not (home / "results.db").exists() and not (home / "artifacts").exists()


def test_one_benchmark_in_full_and_all_as_values() -> None:
    shown = CliRunner().invoke(cli.app, ["benchmarks", "xnli"], env={"COLUMNS": "200"}, catch_exceptions=False).stdout
    for part in ("Swahili", "nyu-mll/multi_nli", "premise", "learning_rate 2e-05", "CC BY-NC 4.0", "33.3"):
        assert part in shown, part
    facts = json.loads(CliRunner().invoke(cli.app, ["benchmarks", "ccg", "--json"]).stdout)
    assert facts["how_to_get"].startswith("CCGbank is LDC2005T13") and facts["available"] is False and facts["reason"]
    with pytest.raises(RequestError, match="did you mean 'xnli'"):
        CliRunner().invoke(cli.app, ["benchmarks", "xnly"], catch_exceptions=False)


def test_the_list_says_why_a_benchmark_is_not_here() -> None:
    listed = CliRunner().invoke(cli.app, ["benchmarks"], env={"COLUMNS": "250"}, catch_exceptions=False).stdout
    assert "ccg: 'local/ccgbank' is in no mirror" in listed
    assert "CC BY-NC 4.0" in listed and "nyu-mll/multi_nli" in listed
