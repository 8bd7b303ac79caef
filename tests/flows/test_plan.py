"""A plan can be looked at anywhere; without a hub it says that nothing is pinned."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.running import QUICK, Ran, xtransfer
from tests.standin.hub import Hub
from tests.training.tiny import make_encoder
from xtransfer.base.errors import SourceError
from xtransfer.data.revisions import Pins, PinsInReach
from xtransfer.planning.grid import plan
from xtransfer.stages.slots import slots
from xtransfer.study.study import make

STUDY = {
    "name": "mine",
    "encoders": ["someone/encoder"],
    "intermediates": ["direct", "lab-nli@sw~m2m100-418m"],
    "targets": ["lab-inference"],
    "seeds": [0],
    "intermediate_recipe": {"epochs": 1, "max_length": 32},
    "target_recipe": {"epochs": 1, "max_length": 32},
}


def test_a_plan_without_a_hub_names_what_is_not_pinned(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(cli.app, ["plan", "natural-nli", "--set", "seeds=[0]"], catch_exceptions=False)
    assert "natural-nli: 14 cells, 34 stages\n" in done.stdout
    kinds = [line.split()[:2] for line in done.stdout.splitlines()[1:3]]
    assert kinds == [["train", "20"], ["score", "14"]]
    assert "disk    about 7.2 GB of artifacts, and up to" in done.stdout  # 20 checkpoints of XLM-R base
    (said,) = [line for line in done.stdout.splitlines() if "not pinned" in line]
    assert "it is unknown what is cached" in said
    assert "xlm-roberta-base" in said and "ocnli" in said and "sick-nl" not in said  # its declaration names a commit
    assert "to run" not in done.stdout and "cached," not in done.stdout and not home.exists()


def test_what_cannot_be_pinned_is_planned_and_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    study = make(STUDY)
    pins = PinsInReach()
    planned = plan(study, pins)
    assert pins.unpinned == ["someone/encoder", "facebook/m2m100_418M@refs/pr/19"]
    assert planned.cells[0].encoder == "someone/encoder" and len(planned.stages) == 7
    with pytest.raises(SourceError, match="someone/encoder"):
        plan(study, Pins())


def test_with_everything_in_reach_a_plan_is_pinned() -> None:
    study = make({**STUDY, "encoders": ["lab-mini@0"], "intermediates": ["direct"]})
    pins = PinsInReach()
    assert plan(study, pins).stages == plan(study).stages and not pins.unpinned


def test_a_plan_with_a_hub_names_commits(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps({**STUDY, "intermediates": ["direct"]}))
    with Hub() as hub:
        commit = hub.add_folder("models", "someone/encoder", make_encoder(tmp_path / "encoder"))
        asked = ("plan", str(tmp_path / "mine.yaml"), "--json")
        done = xtransfer(tmp_path / "home", *asked, **hub.environment(tmp_path / "cache"))
    values = json.loads(done.stdout)
    assert values["unpinned"] == [] and all(stage["to_run"] for stage in values["stages"])
    assert values["cells"][0]["cell"].startswith(f"someone/encoder@{commit[:12]}")


def test_scripts_learn_that_nothing_is_known_of_the_cache(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps(STUDY))
    done = xtransfer(tmp_path / "home", "plan", str(tmp_path / "mine.yaml"), "--json", HF_HUB_OFFLINE="1")
    values = json.loads(done.stdout)
    assert values["unpinned"] and {stage["to_run"] for stage in values["stages"]} == {None}
    ran = xtransfer(tmp_path / "home", "run", str(tmp_path / "mine.yaml"), HF_HUB_OFFLINE="1")
    assert ran.returncode == 1 and "someone/encoder" in ran.stderr


def test_a_plan_ends_with_its_cost_and_lists_stages_when_asked(small_lab: Ran) -> None:
    done = xtransfer(small_lab.home, "plan", QUICK, "--set", "seeds=[8]")
    assert "train lab-inference" not in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert lines["pretrain"].split() == ["pretrain", "1", "1", "0"]
    assert lines["train"].split()[:4] == ["train", "3", "0", "3"]
    assert re.fullmatch(r"time    about .* on \d+ slots?: .* CPU hours", lines["time"])
    assert re.fullmatch(r"disk    about \d\.\d MB of artifacts, and up to .*", lines["disk"])
    listed = xtransfer(small_lab.home, "plan", QUICK, "--set", "seeds=[8]", "--stages").stdout
    assert re.search(r"train lab-inference after lab-nli@en seed 8 +[0-9a-f]{12} +to run", listed)
    values = json.loads(xtransfer(small_lab.home, "plan", QUICK, "--set", "seeds=[8]", "--json").stdout)
    assert values["bytes"] == sum(values["bytes_by_kind"].values()) and values["device"] == "CPU"
    assert values["joules"] is None or values["joules"] > 0


def test_a_precision_that_a_cpu_has_not_is_said(home: Path) -> None:
    said = CliRunner().invoke(cli.app, ["plan", "lab", "--set", "target_recipe.precision=tf32"]).stdout
    assert ("precision tf32 has no effect on a CPU" in said) is (slots()[0].device == "cpu")
    assert "tf32" not in CliRunner().invoke(cli.app, ["plan", "lab"]).stdout
