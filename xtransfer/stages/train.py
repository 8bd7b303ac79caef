"""Stage `train`: one training run, of an intermediate or of a target. Its artifact is a checkpoint folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xtransfer.base.stage import Outside, Progress, StageKind, Work
from xtransfer.data.pinned import check, rows
from xtransfer.stages.translate import ROWS

if TYPE_CHECKING:
    from xtransfer.training.process_group import ProcessGroup


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    for part in settings["parts"]:
        if part["data"] is not None:  # else it was translated
            yield rows(part["benchmark"], "train", [part["language"]], part["data"])
    if settings["dev"] is not None:
        yield rows(settings["dev"]["benchmark"], "dev", ["en"], settings["dev"]["data"])


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.training.process_group import SINGLE_PROCESS

    if len(work.devices) > 1:
        from xtransfer.training.ranks import together

        facts: dict[str, Any] = together(work.devices, _ranked, (settings, inputs, work.out, work.state), work.progress)
        return facts
    return _train(settings, inputs, work, SINGLE_PROCESS)


def _ranked(
    process_group: ProcessGroup,
    device: str,
    progress: Progress,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Path],
    out: Path,
    state: Path,
) -> dict[str, Any]:
    check(reads(settings))  # this process asks the hub for itself, where a branch may have moved
    return _train(settings, inputs, Work(out, state, progress, device), process_group)


def _train(
    settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work, process_group: ProcessGroup
) -> dict[str, Any]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows, read_rows
    from xtransfer.recipes.mixture import Sampling
    from xtransfer.recipes.recipe import Recipe
    from xtransfer.stages.memory_kills import noted
    from xtransfer.training.finetune import finetune

    recipe = Recipe.model_validate(settings["recipe"])
    parts = []
    for number, part in enumerate(settings["parts"]):
        benchmark = benchmarks.get(part["benchmark"])
        translated = inputs.get(f"data-{number}")
        if translated is not None:
            parts.append((benchmark, read_rows(translated / ROWS)))
        else:
            parts.append((benchmark, load_rows(benchmark, part["language"], "train", settings["rows"])))
    dev = None
    if settings["dev"] is not None:
        benchmark = benchmarks.get(settings["dev"]["benchmark"])
        dev = (benchmark, load_rows(benchmark, "en", "dev", recipe.dev_rows))
    facts = finetune(
        inputs.get("start") or (settings["encoder"]["id"], settings["encoder"]["revision"]),
        parts,
        recipe,
        settings["seed"],
        work.out,
        state_dir=work.state,
        progress=work.progress,
        device=work.device,
        dev=dev,
        sampling=Sampling.model_validate(settings.get("sampling", {})),
        weights=[part.get("weight", 1.0) for part in settings["parts"]],
        process_group=process_group,
        memory_kills=noted(work.state),
    )
    return {**facts, "part_rows": [len(read) for _, read in parts]}


KIND = StageKind(name="train", version=4, run=run, reads=reads, seconds=8)
