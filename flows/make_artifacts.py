"""Shared by the smaller flows: makes the requested artifacts and lists them in Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prefect import get_run_logger

from flows.stages import run_stages, stage_runtime
from tasks.artifacts import Made, publish_made
from xtransfer.base.errors import XTransferError
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.planning.costs import Costs, finished
from xtransfer.planning.schedule import missing
from xtransfer.planning.single_runs import Wanted
from xtransfer.results.database import open_database
from xtransfer.results.users import announce
from xtransfer.stages.limits import check_timeouts
from xtransfer.stages.slots import slots
from xtransfer.store.artifacts import Artifact, ArtifactStore


class NotMade(XTransferError):
    """Some requested artifacts could not be made; the others are in the store."""


def make_artifacts(
    wanted: Wanted,
    title: str,
    workers: int | None,
    per_device: int | None = None,
    timeout_hours: Mapping[str, float] | None = None,
    devices_per_stage: int = 1,
    show: Callable[[list[Artifact]], object] = len,
) -> dict[str, str]:
    """Run the missing stages within a flow; returns name → key of each requested artifact.

    `show` is called with the requested artifacts that were made, even if others failed.
    Raises NotMade with each reason once.
    """
    check_timeouts(timeout_hours or {})
    places = current().prepare()
    store = ArtifactStore(places.store)
    with open_database(places.database_url) as database:
        announce(database, store)
        known = finished(database, slots()[0].device)
    for stage in wanted.stages:
        store.used(stage.key)  # no recorded study needs them, so `store gc` goes by their last use
    to_run = missing(wanted.stages, [stage.key for stage in wanted.results], lambda key: store.find(key) is not None)
    get_run_logger().info("%d stages, %d of them to run", len(wanted.stages), len(to_run))
    reasons: dict[str, str] = {}

    def lost(stage: Stage, readers: Sequence[Stage], reason: str) -> None:
        reasons.update({one.name: reason for one in (stage, *readers)})

    with stage_runtime(places.store, workers, title, per_device, timeout_hours, devices_per_stage) as runtime:
        cost = Costs(wanted.stages, known, runtime.size)
        runtime.listener.planned(to_run, len(wanted.stages) - len(to_run), cost)
        run_stages(to_run, runtime, lambda stage: None, lost, wanted.stages, cost)
    ran = {stage.key for stage in to_run}
    made = {stage.key: _found(stage, store) for stage in wanted.results if stage.name not in reasons}
    publish_made(title, [_made(one, key not in ran) for key, one in made.items()])
    if made:
        show(list(made.values()))
    if reasons:
        raise NotMade(
            "; ".join(f"{reason} (costs {_of(reasons, reason)})" for reason in dict.fromkeys(reasons.values()))
        )
    return {one.manifest.name: key for key, one in made.items()}


def _found(stage: Stage, store: ArtifactStore) -> Artifact:
    artifact = store.find(stage.key)
    assert artifact is not None, stage.name
    return artifact


def _made(one: Artifact, was_stored: bool) -> Made:
    manifest = one.manifest
    return Made(manifest.name, one.key, manifest.seconds, was_stored, manifest.facts)


def _of(reasons: dict[str, str], reason: str) -> str:
    return ", ".join(name for name, why in reasons.items() if why == reason)
