"""Finds the program that runs studies, without importing it: the library works without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal, Protocol, cast

from xtransfer.base.errors import RequestError
from xtransfer.study.study import Study

GROUP = "xtransfer.runners"  # of entry points; one is loaded, so a second needs to replace the first


@dataclass(frozen=True)
class Ran:
    """What a runner did."""

    stages: tuple[str, ...]  # names of the stages that ran; the others were cached
    report: Path  # the HTML page
    not_in_run: tuple[str, ...]  # recorded parts of the study outside this run: `seeds 0, 1`
    seconds: float
    rounds: str = ""  # of a study by rounds: what they have shown, and why they ended


class Runner(Protocol):
    """Runs the missing stages of a study, records its cells in the results database and writes its report."""

    def __call__(
        self,
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
        """Returns what was done; raises RequestError before anything runs, XTransferError if a cell has no result."""


def runner() -> Runner:
    """Returns the installed runner; raises RequestError if there is none, or if it cannot be imported."""
    found = sorted(entry_points(group=GROUP), key=lambda one: one.name)
    if not found:
        raise RequestError(
            f"nothing is installed that can run studies: no package declares an entry point '{GROUP}'. The package "
            "xtransfer does; install it again with: pip install xtransfer (in a clone: pip install --editable .)"
        )
    return _loaded(found[0])


def _loaded(point: EntryPoint) -> Runner:
    try:
        return cast(Runner, point.load())
    except (ImportError, AttributeError) as error:
        raise RequestError(
            f"the runner '{point.name}' ({point.value}) cannot be imported: {error}; install xtransfer again with: "
            "pip install xtransfer (in a clone: pip install --editable .)"
        ) from error
