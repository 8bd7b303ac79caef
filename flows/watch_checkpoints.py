"""The flow that a schedule runs: look for new checkpoints once, and have run what is to be run for each.

A new checkpoint is announced by an event, for which an automation starts `evaluate_new_checkpoint`. Events can be lost:
where nothing began, and where a run has died, the next look starts the run itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
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
    """What one look came to."""

    found: int  # checkpoints that are there, in whatever state
    announced: int  # by an event
    started: int  # by this flow itself: their event was lost, or their run died


@flow(name="watch-checkpoints", flow_run_name="{watch.name}", on_running=[hold], persist_result=False)
def watch_checkpoints(watch: Watch) -> Looked:
    """Look for new checkpoints once, record what is there, and have each new one run as the watch says.

    Args:
        watch: where checkpoints appear, and what is run for each.
    """
    watch.check()
    settings = current().prepare()
    with open_database(settings.database_url) as db:
        looked = record(watch, db)
        recover(watch, db, settings.home, _was_cancelled)
        turns = take_turns(watch, db)
    for turn in turns:
        (_start if _was_begun(turn) else _announce)(watch, turn)
    _tell(watch, looked)
    if looked.faults:
        raise SourceError("; ".join(looked.faults.values()))
    again = sum(map(_was_begun, turns))
    return Looked(len(looked.sightings), len(turns) - again, again)


def _was_begun(turn: Turn) -> bool:
    """Whether it was its turn before, and nothing came of it."""
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
    """Start its run without an event, unless one that was started so has not ended yet."""
    get_run_logger().warning("nothing came of the last announcement or run of %s: it is started", turn.location)
    for number in itertools.count():
        key = f"{watch.name}-{turn.digest}-{turn.tries}-{number}"
        try:
            run: Any = run_deployment(
                DEPLOYMENT,
                parameters=_parameters(watch, turn),
                timeout=0,  # it is only started
                idempotency_key=key,
                as_subflow=False,
            )
        except ObjectNotFound as error:
            raise RequestError(f"the server has no deployment '{DEPLOYMENT}'; start `xtransfer serve`") from error
        if run.state is None or not run.state.is_final():
            return


def _parameters(watch: Watch, turn: Turn) -> dict[str, Any]:
    return {"watch": watch.model_dump(mode="json"), "digest": turn.digest, "location": turn.location}


def _was_cancelled(flow_run: str) -> bool:
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(flow_run).state  # type: ignore[arg-type]
        except ObjectNotFound:
            return False
    return state is not None and (state.is_cancelled() or state.is_cancelling())


def _tell(watch: Watch, looked: Look) -> None:
    """What was seen, as an artifact of the run."""
    rows = [
        {"checkpoint": one.candidate.location, "step": one.candidate.step, "state": one.state, "why": one.reason}
        for one in looked.sightings
    ]
    if rows:
        create_table_artifact(rows, key=artifact_key(f"checkpoints-{watch.name}"))
