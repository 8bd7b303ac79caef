"""Several devices train as one does: two processes on the CPU stand for two devices."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from xtransfer.base.errors import DeviceError, RequestError
from xtransfer.base.stage import Progress
from xtransfer.recipes.mixture import Sampling
from xtransfer.training import finetune
from xtransfer.training.finetune import Savings
from xtransfer.training.process_group import ProcessGroup
from xtransfer.training.ranks import together

from .test_dual import RANKING, ranking_rows
from .test_dual import RECIPE as DUAL_RECIPE
from .test_dual_at_scale import RESPONSE
from .test_finetune import ROWS, changed, weights
from .test_language import TEXT, text_rows
from .tiny import CHOICE, PAIR, RECIPE, choice_rows, pair_rows

TWO = ("cpu", "cpu")
STILL = changed(RECIPE, dropout=0.0, epochs=None, steps=30)  # devices draw dropout for themselves
DEV = (PAIR, pair_rows(30, seed=2))
RUNS: dict[str, dict[str, Any]] = {
    "packed, embeddings trimmed": {"recipe": changed(STILL, weight_decay=0)},
    "padded": {"recipe": STILL, "savings": Savings(packed=False)},
    "a mixture of three heads": {
        "recipe": STILL,
        "parts": [(PAIR, ROWS), (CHOICE, choice_rows(48)), (TEXT, text_rows(48))],
        "sampling": Sampling(rule="rotation"),
    },
    "rows that are compared": {"recipe": changed(DUAL_RECIPE, steps=12), "parts": [(RANKING, ranking_rows())]},
    "rows that are compared, in micro-batches": {
        "recipe": changed(DUAL_RECIPE, steps=8, dual={"symmetric": True, "skip_duplicates": True, "hard_negatives": 1}),
        "parts": [(RESPONSE, ranking_rows())],
        "memory_kills": 1,
    },
    "fewer compared rows than devices": {
        "recipe": changed(DUAL_RECIPE, steps=8, batch_size=11),
        "parts": [(RANKING, ranking_rows()[:12])],
    },
    "fewer rows than devices": {"recipe": changed(STILL, batch_size=1, steps=12)},
    "selected on dev, stopped early": {
        "recipe": changed(STILL, steps=60, select="best", evaluate_every=5, patience=2),
        "dev": DEV,
    },
}


def one_run(start: Path, folder: Path, name: str, **options: Any) -> dict[str, Any]:
    given = {"parts": [(PAIR, ROWS)], **RUNS[name], **options}
    parts, recipe = given.pop("parts"), given.pop("recipe")
    out, state = folder / name / "out", folder / name / "state"
    return finetune.finetune(start, parts, recipe, 0, out, state, **given)


def every_run(
    process_group: ProcessGroup, device: str, progress: Progress, start: Path, folder: Path
) -> dict[str, Any]:
    return {name: one_run(start, folder, name, process_group=process_group, device=device) for name in RUNS}


@pytest.fixture(scope="module")
def by_two(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("by two")
    return folder, together(TWO, every_run, (encoder, folder))


@pytest.mark.parametrize("name", RUNS)
def test_two_devices_take_the_steps_of_one(
    encoder: Path, by_two: tuple[Path, dict[str, Any]], tmp_path: Path, name: str
) -> None:
    folder, facts = by_two
    alone = one_run(encoder, tmp_path, name)
    assert facts[name]["devices"] == 2 and "devices" not in alone
    assert facts[name]["steps"] == alone["steps"] and facts[name]["heads"] == alone["heads"]
    ours = torch.tensor([loss for _, loss in facts[name]["losses"]])
    theirs = torch.tensor([loss for _, loss in alone["losses"]])
    assert (ours - theirs).abs().max() <= 1e-5
    assert theirs.std() > 0.001, "losses that never move are equal for nothing"
    assert facts[name].get("dev") == alone.get("dev")
    one, other = weights(tmp_path / name / "out"), weights(folder / name / "out")
    assert one.keys() == other.keys()
    # AdamW makes steps of a whole rate of the last bits of a gradient that should be 0: a choice is the same
    # whatever is added to all its options.
    apart = {key: float((one[key] - other[key]).abs().max()) for key in one if key != "head/choices/out_proj.bias"}
    assert max(apart.values()) < 3e-5


def killed_once(
    process_group: ProcessGroup, device: str, progress: Progress, start: Path, folder: Path
) -> dict[str, Any]:
    """The second rank is killed in the middle of its first try, as by a system that is out of memory."""

    def kill(message: str, done: int, total: int, metrics: Any = None) -> None:
        if process_group.rank == 1 and done >= 20 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    own = progress if process_group.first else kill
    recipe = changed(RECIPE, select="best", evaluate_every=15)
    out, state = folder / "out", folder / "state"
    return finetune.finetune(
        start, [(PAIR, ROWS)], recipe, 0, out, state, own, device, dev=DEV, save_every=0.0, process_group=process_group
    )


def test_a_rank_that_is_killed_ends_all_and_the_next_try_goes_on(encoder: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    told: list[int] = []
    with pytest.raises(DeviceError, match=r"2 of 2\) was killed, likely for lack of memory"):
        together(TWO, killed_once, (encoder, tmp_path), lambda message, done, total, metrics=None: told.append(done))
    assert time.monotonic() - began < 120, "the other rank was not left waiting"
    assert max(told) >= 19 and not (tmp_path / "out").exists()
    (state,) = (tmp_path / "state").iterdir()  # the first rank's, whole
    told.clear()
    facts = together(
        TWO, killed_once, (encoder, tmp_path), lambda message, done, total, metrics=None: told.append(done)
    )
    assert min(told) > int(state.stem.partition("-")[2]) > 15, "it began where the first try had stopped"
    assert facts["steps"] == 72 and facts["degenerate"] is None

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    (undisturbed / "killed").touch()
    assert together(TWO, killed_once, (encoder, undisturbed))["losses"] == facts["losses"]
    ours, theirs = weights(tmp_path / "out"), weights(undisturbed / "out")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours), "bit for bit, dropout of both ranks included"


def wrong(process_group: ProcessGroup, device: str, progress: Progress, why: str) -> None:
    if process_group.rank == 1:
        raise RequestError(why)
    process_group.from_first(lambda: time.sleep(0.1))
    process_group.agreed(True)  # waits for the second rank, in vain


def test_what_a_rank_raises_is_raised() -> None:
    with pytest.raises(RequestError, match="nothing to train on"):
        together(TWO, wrong, ("nothing to train on",))


def ended(process_group: ProcessGroup, device: str, progress: Progress) -> None:
    """As a rank that a library ends, or that fails before it can report."""
    os._exit(3)


def test_a_rank_that_ends_by_itself_is_not_said_to_lack_memory() -> None:
    with pytest.raises(DeviceError, match=r"of 1\) ended with exit status 3; its own messages are above") as caught:
        together(("cpu",), ended)
    assert "memory" not in str(caught.value)
