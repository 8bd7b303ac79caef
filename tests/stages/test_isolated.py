"""Stages run in processes of their own: a failure, a kill or a timeout ends one stage and leaves the store whole."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from safetensors import SafetensorError

from tests.running import Ran, lab_study
from tests.standin.loose import Loose
from xtransfer.base.errors import DataError, StageError
from xtransfer.base.stage import Stage, StageKind, nothing
from xtransfer.lab import REVISION
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Slot
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.encoders import ENCODERS

SLOT = Slot("cpu", 1)


def _pretraining(steps: int) -> Stage:
    recipe = {**ENCODERS["lab-mini"].recipe.model_dump(mode="json"), "steps": steps}
    settings = {
        "corpus": {"name": "lab", "pin": REVISION},
        "num_texts": 300,
        "languages": ["en", "de"],
        "recipe": recipe,
        "seed": 0,
    }
    return Stage("pretrain", 1, f"pretrain {steps} steps", settings)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def processes(root: Path) -> Iterator[StageProcesses]:
    with StageProcesses(str(root)) as running:
        yield running


def test_a_stage_is_made_once_and_then_served(processes: StageProcesses, root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    stage = _pretraining(2)
    made = processes.run(stage, SLOT, lambda message, done, total, metrics=None: told.append((message, done, total)))
    assert not made.cached and made.facts["steps"] == 2 and told
    assert processes.run(stage, SLOT).cached
    found = ArtifactStore(root).find(stage.key)
    assert found is not None and "model.safetensors" in found.manifest.files


def test_what_goes_wrong_is_told_and_leaves_nothing(processes: StageProcesses, root: Path) -> None:
    asked = {"benchmark": "nothing", "split": "test", "languages": ["en"], "data": "?", "max_length": 64}
    wrong = Stage("score", 1, "score nothing", {**asked, "checkpoint": {"id": "x", "revision": "y"}})
    with pytest.raises(StageError, match="score nothing"):
        processes.run(wrong, SLOT)
    store = ArtifactStore(root)
    assert store.find(wrong.key) is None and wrong.key not in store.unfinished()


def test_a_timeout_ends_the_stage_and_the_next_one_runs(processes: StageProcesses) -> None:
    with pytest.raises(StageError, match="took over 3 s"):
        processes.run(_pretraining(100_000), SLOT, timeout=3)
    assert not processes.run(_pretraining(3), SLOT).cached


def test_a_killed_stage_frees_its_lease(processes: StageProcesses, root: Path) -> None:
    stage = _pretraining(100_001)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            processes.run(stage, SLOT)
        except StageError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while not (root / ".partial" / stage.key / "out").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while thread.is_alive():  # its owner may not have heard yet which process it is
        assert time.monotonic() < deadline + 60
        processes.kill()
        thread.join(0.2)
    assert "was killed" in str(failures[0])
    with ArtifactStore(root).lease(stage.key) as lease:
        assert lease is not None


def _kind(monkeypatch: pytest.MonkeyPatch, run: Any) -> Stage:
    monkeypatch.setitem(STAGES, "loose", StageKind(Loose, run, nothing, seconds=1))
    return Loose().stage("something odd")


def _system_says_full() -> NoReturn:
    raise RuntimeError("could not save") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _safetensors_says_full() -> NoReturn:
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("fail", [_system_says_full, _safetensors_says_full])
def test_a_full_disk_keeps_the_store_whole_and_the_rerun_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: Callable[[], NoReturn]
) -> None:
    full = True

    def run(settings: Loose, work: Any) -> dict[str, Any]:
        (work.out / "half.txt").write_text("half")
        if full:
            fail()
        return {"fine": True}

    stage, store = _kind(monkeypatch, run), ArtifactStore(tmp_path)
    with pytest.raises(StageError, match="no space left"):
        execute(stage, store)
    assert list(store.keys()) == [] and not (tmp_path / ".partial" / stage.key / "out").exists()
    full = False
    artifact, cached = execute(stage, store)
    assert not cached and artifact.manifest.facts["fine"]


def test_wrong_data_leave_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(settings: Loose, work: Any) -> dict[str, Any]:
        (work.state / "step.txt").write_text("1")
        raise DataError("row 3: no label")

    stage, store = _kind(monkeypatch, run), ArtifactStore(tmp_path)
    with pytest.raises(StageError, match="row 3"):
        execute(stage, store)
    assert store.unfinished() == []


def test_state_outlives_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(settings: Loose, work: Any) -> dict[str, Any]:
        file = work.state / "tries.txt"
        tries = int(file.read_text()) if file.exists() else 0
        file.write_text(str(tries + 1))
        if tries == 0:
            raise ConnectionError("the hub is away")
        return {"tries": tries + 1}

    stage, store = _kind(monkeypatch, run), ArtifactStore(tmp_path)
    with pytest.raises(ConnectionError):
        execute(stage, store)
    assert execute(stage, store)[0].manifest.facts["tries"] == 2


def test_a_training_stage_on_two_devices(small_lab: Ran, tmp_path: Path) -> None:
    from xtransfer.planning import grid

    small_lab.give_encoder(tmp_path)
    store = ArtifactStore(tmp_path)
    recipe = {"steps": 6, "batch_size": 8, "max_length": 48}
    study = lab_study(encoders=["lab-mini@0"], seeds=[0], target_recipe=recipe, intermediate_recipe=recipe)
    plan = grid.plan(study)
    train = next(stage for stage in plan.stages if stage.kind == "train" and "direct" in stage.name)
    assert all(store.find(key) for key in train.inputs.values())
    told: list[str] = []
    with StageProcesses(str(tmp_path)) as processes:
        slot = Slot("cpu", 2, devices=("cpu", "cpu"))
        outcome = processes.run(train, slot, lambda message, done, total, metrics=None: told.append(message))
    assert outcome.key == train.key and outcome.facts["devices"] == 2 and outcome.facts["steps"] == 6
    assert "training" in told and store.find(train.key)
