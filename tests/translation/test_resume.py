"""A translation that is killed goes on where it was; one that was made before is not made again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.translation.tiny import make_marian
from tests.warm import programs
from xtransfer.data.load import read_rows

ROOT = Path(__file__).parents[2]
SHARD = 8
PROGRAM = f"""
import json, os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from xtransfer.data.revisions import Pins
from xtransfer.base.model_files import model_digest
from xtransfer.stages.execute import execute
from xtransfer.base.stage import FolderModel
from xtransfer.study.stage_settings import TranslateSettings
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.translation import engine
from xtransfer.translation.transformers_engine import TransformersEngine
engine._SHARD = {SHARD}
model, root, kill_after = sys.argv[1], sys.argv[2], int(sys.argv[3])
digest = model_digest(Path(model))
settings = TranslateSettings(benchmark="lab-nli", data=Pins().data("lab-nli", "train", ["en"]), split="train",
                             language="de", rows=96, engine=FolderModel(digest=digest))
made, said = [], []
generate = TransformersEngine.generate
TransformersEngine.generate = lambda self, rows, first: made.append(len(rows)) or generate(self, rows, first)
def progress(message, done, total, metrics=None):
    said.append([done, total, metrics])
    if len(said) == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)
stage = settings.stage("translate", {{digest: model}})
artifact, _ = execute(stage, ArtifactStore(Path(root)), progress)
print(json.dumps({{"made": made, "said": said, "rows": str(artifact.folder / "rows.parquet"),
                   "facts": artifact.manifest.facts, "left": [str(one) for one in Path(root).glob(".partial/*/*/*")]}}))
"""


def run(model: Path, root: Path, home: Path, kill_after: int = 0) -> dict[str, Any] | None:
    """What the stage did; None where it was killed."""
    command = [str(programs() / "python"), "-c", PROGRAM, str(model), str(root), str(kill_after)]
    environment = {**os.environ, "XTRANSFER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marian(tmp_path_factory.mktemp("marian") / "model")


def test_killed_and_begun_again(model: Path, tmp_path: Path) -> None:
    whole = run(model, tmp_path / "whole", tmp_path / "home")
    assert whole is not None and len(whole["made"]) > 3
    assert run(model, tmp_path / "killed", tmp_path / "another home", kill_after=2) is None
    state = tmp_path / "killed" / ".partial"
    assert len(list(state.glob("*/state/shards/*.json"))) == 2
    again = run(model, tmp_path / "killed", tmp_path / "a third home")  # no cache: the shards alone
    assert again is not None and sum(again["made"]) == sum(whole["made"]) - 2 * SHARD
    assert read_rows(Path(again["rows"])) == read_rows(Path(whole["rows"]))
    assert again["facts"] == whole["facts"] and again["left"] == []
    done, total, numbers = whole["said"][-1]
    assert done == total == sum(whole["made"]) and numbers["seconds_left"] == 0 < numbers["sentences_per_second"]
    assert again["said"][0][0] == 3 * SHARD


def test_a_cache_serves_another_store(model: Path, tmp_path: Path) -> None:
    first = run(model, tmp_path / "first", tmp_path / "home")
    second = run(model, tmp_path / "second", tmp_path / "home")
    assert first is not None and second is not None
    assert sum(second["made"]) < 0.2 * sum(first["made"]), "what never ended is translated again"
    assert read_rows(Path(first["rows"])) == read_rows(Path(second["rows"]))
