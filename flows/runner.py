"""What `xtransfer.run` calls: an entry point of the group `xtransfer.runners`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.direct import run_and_report
from flows.terminal import Console
from xtransfer.running.runners import Ran
from xtransfer.stages.limits import check_timeouts
from xtransfer.stages.slots import slots
from xtransfer.study.study import Study

if TYPE_CHECKING:
    from flows.run_study import Summary

_OF_PREFECT = ("PREFECT_", "DO_NOT_TRACK")


def run(
    study: Study,
    *,
    workers: int | None,
    per_device: int | None,
    devices_per_stage: int,
    timeout_hours: Mapping[str, float],
    keep: Literal["all", "scores"],
    budget: str | None,
    out: Path | None,
    progress: bool,
) -> Ran:
    """Run a study on the Prefect server of this home; leaves Prefect's settings as they were."""
    limits = dict(timeout_hours)
    check_timeouts(limits)
    slots(workers, per_device, devices_per_stage)  # raises RequestError before a server starts

    def start() -> Summary:
        from flows.run_study import run_study

        return run_study(study, workers, per_device, limits, devices_per_stage, keep, budget)

    with _settings_of_prefect_kept():
        done = run_and_report(study, start, out, Console(stderr=True), quiet=not progress)
    return Ran(tuple(done.ran), done.report, done.left_out, done.seconds, done.rounds)


@contextmanager
def _settings_of_prefect_kept() -> Iterator[None]:
    """Undo what a run sets for Prefect: the program that called us may use Prefect for something else."""
    before = _settings()
    try:
        yield
    finally:
        for name in _settings().keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_OF_PREFECT)}
