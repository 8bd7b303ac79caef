"""`xtransfer predict --describe` and `run --prior`, in a laboratory whose encoder learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import Ran, copied, xtransfer


@pytest.mark.slow
def test_a_study_begins_with_what_is_predicted(learnt_lab: Ran, tmp_path: Path) -> None:
    """All its cells are known, so nothing is trained; what was predicted when it began stays its prior."""
    home = copied(learnt_lab.home, tmp_path / "home")
    by_rounds = ("run", "lab", "--small", "--set", "target=lab-inference", "--set", "name=first", "--until", "likely")
    asked = (*by_rounds, "--prior", "--json")
    done = xtransfer(home, *asked)
    assert done.returncode == 0 and "Predicted gain ± its standard deviation" in done.stderr, done.stderr
    said = json.loads(done.stdout)
    predicted = {one["intermediate"]: one["predicted"] for one in said["standing"]}
    assert said["ran"] == [] and predicted["lab-nli@en"] != predicted["direct"]
    again = xtransfer(home, *asked)
    assert again.returncode == 0 and json.loads(again.stdout)["standing"] == said["standing"]
    refused = xtransfer(home, "run", "lab", "--small", "--prior")
    assert refused.returncode == 2 and "add --until likely" in refused.stderr

    cold = xtransfer(tmp_path / "cold", *by_rounds, "--prior", "--budget", "1cells")
    assert "No recorded study bears on this question" in " ".join(cold.stdout.split())
    assert cold.returncode == 2 and "nothing was run" in cold.stderr


@pytest.mark.slow
def test_rows_are_described_before_a_prediction(learnt_lab: Ran, tmp_path: Path) -> None:
    home = copied(learnt_lab.home, tmp_path / "home")
    plain = json.loads(xtransfer(home, "predict", "lab", "--small", "--json").stdout)
    done = xtransfer(home, "predict", "lab", "--small", "--describe", "24", "--json")
    assert done.returncode == 0 and "describe lab-nli@en train" in done.stderr, done.stderr
    said = json.loads(done.stdout)
    assert plain["without_features"] == [] and said["without_features"] == [
        one for one in plain["skill"] if one["rule"] == "predicted"
    ]
    assert [one["intermediate"] for one in said["predicted"]] == ["lab-nli@en", "lab-nli@en"]
    listed = json.loads(xtransfer(home, "store", "ls", "--json").stdout)
    facts = [one for one in listed if one["kind"] == "describe"]
    assert len(facts) >= 8
    again = xtransfer(home, "predict", "lab", "--small", "--describe", "24", "--json")
    assert json.loads(again.stdout) == said and "0 to run" in again.stderr
