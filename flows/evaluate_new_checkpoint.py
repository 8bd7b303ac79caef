"""The flow that an event starts: what a watch wants run for a checkpoint, unless another run has done it or does it."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.forms import Hours, OnDevice, Workers
from flows.run_lock import hold
from flows.run_study import Summary, run_study
from xtransfer.base.settings import current
from xtransfer.models.files import fetched
from xtransfer.results.database import open_database
from xtransfer.watch.claims import claimed
from xtransfer.watch.watch import Watch


@flow(
    name="evaluate-new-checkpoint",
    flow_run_name="{watch.name} {location}",
    on_running=[hold],
    persist_result=False,
)
def evaluate_new_checkpoint(
    watch: Watch,
    digest: str,
    location: str,
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
) -> Summary | State[Any]:
    """Run for one recorded checkpoint what its watch says; ends at once where that was done or is being done.

    Args:
        watch: what is run, and under which name.
        digest: of the checkpoint, as the table `watched_checkpoint` has it.
        location: where it was seen, for the run's name; where it is read is on record.
        workers: stages that run at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: stages that score or translate at the same time on one GPU; what trains has it alone. Empty: one.
        timeout_hours: hours that a stage may take, by its kind: translate, train, score ..., or any; empty: no limit.
        devices_per_stage: devices that train one stage together, a part of each batch on each.
    """
    settings = current().prepare()
    me = str(flow_run.get_id() or "")
    with (
        open_database(settings.database_url) as db,
        claimed(watch, digest, db, settings.home, me) as claim,
    ):
        if claim.refused:
            return Completed(name="Nothing to do", message=claim.refused)
        encoder = fetched.encoder(claim.location, digest, settings.home)
        return run_study(watch.study_for(encoder, claim.study), workers, per_device, timeout_hours, devices_per_stage)
