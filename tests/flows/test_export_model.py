"""`xtransfer export-model` on a study that was run: a model that transformers loads, and a card of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from transformers import AutoModelForSequenceClassification

from tests.running import Ran, artifact, trained, xtransfer

pytestmark = pytest.mark.slow


def test_a_checkpoint_of_a_study_is_exported_with_its_card(small_lab: Ran, tmp_path: Path) -> None:
    key = trained(small_lab.home).name
    done = xtransfer(small_lab.home, "export-model", key[:12], "--to", str(tmp_path / "model"))
    assert done.returncode == 0, done.stderr
    assert "load it with transformers.AutoModelForSequenceClassification" in done.stdout
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    assert [*model.config.id2label.values()] == ["entailment", "neutral", "contradiction"]
    _, front, card = (tmp_path / "model" / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(front)["language"] == ["en"] and yaml.safe_load(front)["library_name"] == "transformers"
    assert key in card and "lab-inference | en" in card and "Apache-2.0" in card and "seed 10" in card
    scores = [line for line in card.splitlines() if line.startswith("| lab-inference (degenerate) | ")]
    assert len(scores) == 6 and all("| 33.3 |" in line for line in scores)
    assert "It starts from what the stage pretrain lab-mini@0 made." in card
    assert "the loss did not fall" in card
    again = xtransfer(small_lab.home, "export-model", key[:12], "--to", str(tmp_path / "model"))
    assert again.returncode == 2 and "already exists" in again.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "no folder, and no key in the store; `xtransfer plan"),
        ("a", "no folder, and a key needs its first 6 characters"),
        ("", "no folder, and a key needs its first 6 characters"),
        ("score lab-inference after direct seed 10", "'score lab-inference after direct seed 10', not of a training"),
    ],
)
def test_what_is_no_checkpoint_is_refused(name: str, said: str, small_lab: Ran, tmp_path: Path) -> None:
    key = artifact(small_lab.home, name).name if " " in name else name
    done = xtransfer(small_lab.home, "export-model", key, "--to", str(tmp_path / "model"))
    assert done.returncode == 2 and said in " ".join(done.stderr.split())
    assert not (tmp_path / "model").exists()
