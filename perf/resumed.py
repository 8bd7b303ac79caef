"""A training that is stopped half-way and resumed, and the same undisturbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perf.inputs import NLI
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.recipes.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Trained:
    """What a training left."""

    losses: Sequence[float]  # as recorded
    weights: Mapping[str, Tensor]  # by file and name


def undisturbed_and_resumed(
    encoder: Path, rows: Sequence[Row], recipe: Recipe, folder: Path, device: str = "cpu"
) -> tuple[Trained, Trained]:
    """Trains in `folder` with a recipe that has `steps`, saving its state after each."""
    from safetensors.torch import load_file

    from xtransfer.training.finetune import finetune

    half = (recipe.steps or 0) // 2

    def stop(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        if done >= half:
            raise InterruptedError

    def run(name: str, progress: Progress = no_progress) -> Trained:
        out, state = folder / name / "out", folder / name / "state"
        facts = finetune(encoder, [(NLI, rows)], recipe, 0, out, state, progress, device, save_every=0.0)
        files = sorted(out.glob("*.safetensors"))
        weights = {f"{file.name}/{key}": value for file in files for key, value in load_file(file).items()}
        return Trained([loss for _, loss in facts["losses"]], weights)

    whole = run("whole")
    with suppress(InterruptedError):
        run("resumed", stop)
    return whole, run("resumed")
