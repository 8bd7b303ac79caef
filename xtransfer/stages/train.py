"""Stage `train`: one training run on an intermediate or a target. The artifact is a checkpoint folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xtransfer.base.stage import Facts, Outside, Progress, StageKind, Work
from xtransfer.data.pinned import check, rows
from xtransfer.study.stage_settings import ROWS, TrainPart, TrainSettings

if TYPE_CHECKING:
    from xtransfer.benchmarks.spec import Row
    from xtransfer.training.process_group import ProcessGroup


def reads(settings: TrainSettings) -> Iterator[Outside]:
    for part in settings.parts:
        if part.data is not None:  # otherwise it was translated
            yield rows(part.benchmark, "train", [part.language], part.data)
    if settings.dev is not None:
        yield rows(settings.dev.benchmark, "dev", ["en"], settings.dev.data)


def run(settings: TrainSettings, work: Work) -> Facts:
    from xtransfer.training.process_group import SINGLE_PROCESS

    if len(work.devices) > 1:
        from xtransfer.training.ranks import together

        given = (settings, work.folders, work.out, work.state)
        return together(work.devices, _ranked, given, work.progress)
    return _train(settings, work, SINGLE_PROCESS)


def _ranked(
    process_group: ProcessGroup,
    device: str,
    progress: Progress,
    settings: TrainSettings,
    folders: Mapping[str, Path],
    out: Path,
    state: Path,
) -> Facts:
    check(reads(settings))  # this process makes its own requests to the hub, where a branch may have moved
    return _train(settings, Work(out, state, progress, device, folders=folders), process_group)


def _train(settings: TrainSettings, work: Work, process_group: ProcessGroup) -> Facts:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows
    from xtransfer.stages.memory_kills import noted
    from xtransfer.training.finetune import finetune

    recipe = settings.recipe
    parts = [(benchmarks.get(part.benchmark), _rows(part, settings.rows, work)) for part in settings.parts]
    dev = None
    if settings.dev is not None:
        benchmark = benchmarks.get(settings.dev.benchmark)
        dev = (benchmark, load_rows(benchmark, "en", "dev", recipe.dev_rows))
    facts = finetune(
        work.model(settings.start),
        parts,
        recipe,
        settings.seed,
        work.out,
        state_dir=work.state,
        progress=work.progress,
        device=work.device,
        dev=dev,
        sampling=settings.sampling,
        weights=[part.weight for part in settings.parts],
        process_group=process_group,
        memory_kills=noted(work.state),
    )
    return {**facts, "part_rows": [len(read) for _, read in parts]}


def _rows(part: TrainPart, limit: int | None, work: Work) -> list[Row]:
    from xtransfer import benchmarks
    from xtransfer.data.load import load_rows, read_rows

    if part.translation is not None:
        return read_rows(work.folder(part.translation) / ROWS)
    return load_rows(benchmarks.get(part.benchmark), part.language, "train", limit)


KIND = StageKind(TrainSettings, run, reads, seconds=8)
