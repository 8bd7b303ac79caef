"""Plans and runs a study from Python, in the same way as `xtransfer plan` and `xtransfer run`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.planning import grid
from xtransfer.planning.budget import Budget
from xtransfer.running.result import StudyResult
from xtransfer.running.runners import runner
from xtransfer.study.builtin import find
from xtransfer.study.cells import Plan
from xtransfer.study.study import Study

_MOST = 1024  # workers, or devices


def plan(study: Study | str | Path, *, small: bool = False) -> Plan:
    """Returns the cells and stages of a study; runs nothing.

        plan("lab", small=True).cells[0].slug

    Args:
        study: a Study, the name of a built-in one, or a YAML file.
        small: use the small version that the study declares.

    Raises:
        RequestError: there is no such study, or something in it cannot run.
    """
    return grid.plan(_chosen(study, small))


def run(
    study: Study | str | Path,
    *,
    small: bool = False,
    workers: int | None = None,
    per_device: int | None = None,
    devices_per_stage: int = 1,
    timeout_hours: Mapping[str, float] | None = None,
    keep: Literal["all", "scores"] = "all",
    budget: str | None = None,
    out: str | Path | None = None,
    progress: bool = False,
) -> StudyResult:
    """Runs the missing stages of a study, and returns its results.

        result = run("lab")
        result.gains(target="lab-inference")
        result.plot("lab-inference").save("gains.svg")

    Everything is where `xtransfer run` has it: the database, the artifacts and the report in XTRANSFER_HOME. Finished
    stages are not run again, so after an interruption the same call resumes. Prints nothing but what failed.

    Args:
        study: a Study, the name of a built-in one, or a YAML file.
        small: use the small version that the study declares.
        workers: stages at the same time; default: one per GPU or CPU core.
        per_device: scoring and translating stages at the same time on one GPU; default: 1.
        devices_per_stage: devices that train one model together, each on a part of every batch.
        timeout_hours: limits by kind of stage (`translate`, `train`, `score` ..., or `any`), in hours.
        keep: "scores" removes a target's checkpoint once all its scores and predictions are stored.
        budget: of a study by rounds: a time, such as "4h", hours of all GPUs or CPU cores together, such as "20gpuh"
            or "20cpuh", or a number of cells, such as "24cells"; default: no limit.
        out: folder for the report; default: `reports/STUDY` in XTRANSFER_HOME.
        progress: print progress on standard error.

    Raises:
        RequestError: the study cannot run, or nothing is installed that runs studies; nothing has been run.
        XTransferError: some cells have no result; the message says which and why. The others are recorded.
    """
    chosen = _chosen(study, small)
    for name, number in (("workers", workers), ("per_device", per_device), ("devices_per_stage", devices_per_stage)):
        if number is not None and not 1 <= number <= _MOST:
            raise RequestError(f"{name}: {number} is not a valid number; use 1 to {_MOST}, or leave it out")
    if keep not in ("all", "scores"):
        raise RequestError(f"keep: {keep!r} is not a choice; use 'all' or 'scores'")
    if budget is not None:
        if chosen.rounds is None:
            raise RequestError("budget: is for a study by rounds; give the study a question, rounds=Rounds(...)")
        Budget.parse(budget)
    ran = runner()(
        chosen,
        workers=workers,
        per_device=per_device,
        devices_per_stage=devices_per_stage,
        timeout_hours=dict(timeout_hours or {}),
        keep=keep,
        budget=budget,
        out=Path(out) if out is not None else None,
        progress=progress,
    )
    return StudyResult(chosen, ran, current())


def _chosen(study: Study | str | Path, small: bool) -> Study:
    found = study if isinstance(study, Study) else find(str(study))
    return found.shrunk() if small else found
