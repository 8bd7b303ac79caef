from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from xtransfer.models.checkpoints import below
from xtransfer.training import finetune, state
from xtransfer.training.state import State

from .test_finetune import ROWS, equal
from .tiny import PAIR
from .tiny import RECIPE as DECAYING

RECIPE = DECAYING.model_copy(update={"weight_decay": 0.0})  # so that embeddings are trimmed


def test_the_last_whole_state_of_this_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert state.read(tmp_path, "run") is None
    tensors = {"a/x": torch.arange(3), "b/x": torch.ones(2)}
    state.write(tmp_path, State("run", 5, {"a/x": torch.zeros(1)}, {}))
    state.write(tmp_path, State("run", 10, tensors, {"note": "é"}))
    assert [path.name for path in tmp_path.iterdir()] == ["state-10.safetensors"]
    found = state.read(tmp_path, "run")
    assert found is not None and found.step == 10 and found.values == {"note": "é"}
    assert torch.equal(below("a", found.tensors)["x"], torch.arange(3))
    assert state.read(tmp_path, "another run") is None and "another run" in caplog.text


def test_a_damaged_state_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state.write(tmp_path, State("run", 5, {"x": torch.zeros(100)}, {}))
    file = tmp_path / "state-5.safetensors"
    file.write_bytes(file.read_bytes()[:-50])
    assert state.read(tmp_path, "run") is None and "damaged" in caplog.text


def test_a_full_disk_leaves_the_older_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.write(tmp_path, State("run", 5, {"x": torch.zeros(3)}, {}))

    def full(*arguments: object) -> None:
        (tmp_path / f"partial-{os.getpid()}").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        state.write(tmp_path, State("run", 6, {"x": torch.ones(3)}, {}))
    assert [path.name for path in tmp_path.iterdir()] == ["state-5.safetensors"]
    found = state.read(tmp_path, "run")
    assert found is not None and found.step == 5


CHILD = """
    import sys
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from training.tiny import PAIR, RECIPE as DECAYING, pair_rows
    from xtransfer.training.finetune import finetune

    def tell(message, done, total, metrics=None):
        print(done, flush=True)

    RECIPE = DECAYING.model_copy(update={"weight_decay": 0.0})
    encoder, folder = map(Path, sys.argv[1:])
    rows = pair_rows(96)
    finetune(encoder, [(PAIR, rows)], RECIPE, 0, folder / "out", folder / "state", tell, save_every=0.02)
"""


def test_kill_9_and_again_gives_the_same_weights(encoder: Path, tmp_path: Path) -> None:
    step = random.randrange(5, 60)  # a new place each time: any must do
    tests = Path(__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(encoder), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tests), str(tests.parent)))},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= step:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not (tmp_path / "out").exists(), f"killed too late at step {step}"
    seen: list[int] = []
    options = {"progress": lambda message, done, total, metrics=None: seen.append(done)}
    finetune.finetune(encoder, [(PAIR, ROWS)], RECIPE, 0, tmp_path / "out", tmp_path / "state", **options)  # type: ignore[arg-type]
    finetune.finetune(encoder, [(PAIR, ROWS)], RECIPE, 0, tmp_path / "whole", tmp_path / "state-of-whole")
    assert seen[0] > 20 or step < 25, "began again instead of going on"
    assert equal(tmp_path / "out", tmp_path / "whole")
