"""The flow that a schedule runs: looks for new checkpoints once, and has each new one run.

An event announces a new checkpoint, and an automation starts `evaluate_new_checkpoint` for it. Events can be lost: if
nothing began, or a run has died, the next look starts the run itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound

from flows.run_lock import hold
from tasks.artifacts import artifact_key
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.settings import current
from xtransfer.results.database import open_database
from xtransfer.watch.claims import Turn, recover, take_turns
from xtransfer.watch.record import Look, record
from xtransfer.watch.watch import Watch

EVENT = "xtransfer.checkpoint.created"
DEPLOYMENT = "evaluate-new-checkpoint/new-checkpoint"


@dataclass(frozen=True)
class Looked:
    """The result of one look."""

    found: int  # checkpoints there, in any state
    announced: int  # by an event
    started: int  # by this flow: their event was lost or their run died


@flow(name="watch-checkpoints", flow_run_name="{watch.name}", on_running=[hold], persist_result=False)
def watch_checkpoints(watch: Watch) -> Looked:
    """Look for new checkpoints once, record them, and have each new one run as the watch says.

    Args:
        watch: where checkpoints appear, and what to run for each.
    """
    watch.check()
    settings = current().prepare()
    with open_database(settings.database_url) as db:
        looked = record(watch, db)
        recover(watch, db, settings.home, _was_cancelled)
        turns = take_turns(watch, db)
    for turn in turns:
        (_start if _was_begun(turn) else _announce)(watch, turn)
    _publish(watch, looked)
    if looked.faults:
        raise SourceError("; ".join(looked.faults.values()))
    again = sum(map(_was_begun, turns))
    return Looked(len(looked.sightings), len(turns) - again, again)


def _was_begun(turn: Turn) -> bool:
    """Whether it had its turn before and nothing came of it."""
    return turn.again or turn.tries > 0


def _announce(watch: Watch, turn: Turn) -> None:
    get_run_logger().info("new checkpoint: %s", turn.location)
    resource = {
        "prefect.resource.id": f"xtransfer.checkpoint.{turn.digest}",
        "prefect.resource.name": turn.location,
        "xtransfer.watch": watch.name,
    }
    emit_event(event=EVENT, resource=resource, payload={**_parameters(watch, turn), "study": turn.study})


def _start(watch: Watch, turn: Turn) -> None:
    """Start its run without an event, unless one started this way has not ended yet."""
    get_run_logger().warning("%s: its last announcement or run came to nothing; starting it", turn.location)
    for number in itertools.count():
        key = f"{watch.name}-{turn.digest}-{turn.tries}-{number}"
        try:
            run = cast(
                "FlowRun",
                run_deployment(
                    DEPLOYMENT,
                    parameters=_parameters(watch, turn),
                    timeout=0,  # do not wait for its end
                    idempotency_key=key,
                    as_subflow=False,
                ),
            )
        except ObjectNotFound as error:
            raise RequestError(f"the server has no deployment '{DEPLOYMENT}'; start `xtransfer serve`") from error
        if run.state is None or not run.state.is_final():
            return


def _parameters(watch: Watch, turn: Turn) -> dict[str, object]:
    return {"watch": watch.model_dump(mode="json"), "digest": turn.digest, "location": turn.location}


def _was_cancelled(flow_run: str) -> bool:
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(flow_run).state  # type: ignore[arg-type]
        except ObjectNotFound:
            return False
    return state is not None and (state.is_cancelled() or state.is_cancelling())


def _publish(watch: Watch, looked: Look) -> None:
    """Publish what was seen as an artifact of the run."""
    rows = [
        {"checkpoint": one.candidate.location, "step": one.candidate.step, "state": one.state, "why": one.reason}
        for one in looked.sightings
    ]
    if rows:
        create_table_artifact(rows, key=artifact_key(f"checkpoints-{watch.name}"))
