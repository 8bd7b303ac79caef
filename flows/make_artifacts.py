"""What the smaller flows do: make the artifacts that were asked for, and say in Prefect which they are."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger

from flows.stages import run_stages, stage_runtime
from tasks.made import Made, publish_made
from xtransfer.errors import XTransferError
from xtransfer.schedule import missing
from xtransfer.settings import current
from xtransfer.stages.spec import Stage
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.wanted import Wanted


class NotMade(XTransferError):
    """Some of the artifacts that were asked for could not be made; the others are in the store."""


def make_artifacts(wanted: Wanted, title: str, workers: int | None) -> dict[str, str]:
    """Run the stages that are missing; returns name → key of each artifact asked for. Called within a flow.

    Raises NotMade with every reason once.
    """
    places = current().prepare()
    store = ArtifactStore(places.store)
    to_run = missing(wanted.stages, [stage.key for stage in wanted.results], lambda key: store.find(key) is not None)
    get_run_logger().info("%d stages, %d of them to run", len(wanted.stages), len(to_run))
    reasons: dict[str, str] = {}

    def lost(stage: Stage, readers: Sequence[Stage], reason: str) -> None:
        reasons.update({one.name: reason for one in (stage, *readers)})

    with stage_runtime(places.store, workers, title) as runtime:
        runtime.listener.planned(to_run, len(wanted.stages) - len(to_run))
        run_stages(to_run, runtime, lambda stage: None, lost, wanted.stages)
    ran = {stage.key for stage in to_run}
    made = [_made(stage, store, stage.key not in ran) for stage in wanted.results if stage.name not in reasons]
    publish_made(title, made)
    if reasons:
        raise NotMade(
            "; ".join(f"{reason} (costs {_of(reasons, reason)})" for reason in dict.fromkeys(reasons.values()))
        )
    return {one.name: one.key for one in made}


def _made(stage: Stage, store: ArtifactStore, was_stored: bool) -> Made:
    artifact = store.find(stage.key)
    assert artifact is not None, stage.name
    return Made(stage.name, stage.key, artifact.manifest.seconds, was_stored, artifact.manifest.facts)


def _of(reasons: dict[str, str], reason: str) -> str:
    return ", ".join(name for name, why in reasons.items() if why == reason)
