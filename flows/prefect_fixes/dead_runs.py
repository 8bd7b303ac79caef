"""Marks flow runs whose process is gone, and their task runs, which would stay Running for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import State, StateType, WorkerStatus
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from flows.run_lock import dead, forget

_UNENDED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_PAGE = 200  # the most that Prefect returns at once; a flow run has fewer tasks at the same time
_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDED = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "TimedOut")}
# Runs of other machines and other flows have Prefect's default heartbeat interval; single heartbeats may be lost.
_SILENT_SECONDS = 3 * 180
AUTOMATION = "xtransfer: mark runs without heartbeats as crashed"
CRASHED = "its process is gone; run it again to resume"
STOPPED = "stopped with xtransfer serve; run it again to resume"


def mark_dead(home: Path, known: Iterable[str] = ()) -> list[str]:
    """Mark flow runs of this machine whose process is gone; returns the dead runs not marked yet.

    Only runs among `known`, the result of the last call, are marked: a worker may be about to mark its own.
    """
    waiting = []
    for run in dead(home):
        if run in known:
            with get_client(sync_client=True) as client:
                _mark(client, UUID(run), CRASHED)
            forget(home, run)
        else:
            waiting.append(run)
    return waiting


def mark_stopped(home: Path, runs: Iterable[str]) -> None:
    """Mark flow runs that ended with `xtransfer serve` as cancelled, whatever state they reported."""
    with get_client(sync_client=True) as client:
        for run in runs:
            _mark(client, UUID(run), STOPPED, stopped=True)
            forget(home, run)


def mark_never_begun(pool: str, worker: str) -> None:
    """Mark runs that `worker` had taken from `pool` but not begun when it died."""
    with get_client(sync_client=True) as client:
        others = (one for one in client.read_workers_for_work_pool(pool, offset=0, limit=_PAGE) if one.name != worker)
        if any(one.status == WorkerStatus.ONLINE for one in others):
            return  # pending runs may be another worker's, about to start; Prefect does not say whose
        pending = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING])))
        in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
        for run in client.read_flow_runs(
            flow_run_filter=pending, work_pool_filter=in_pool, sort=FlowRunSort.ID_DESC, limit=_PAGE
        ):
            client.set_flow_run_state(run.id, Crashed(message="its worker died before it began"), force=True)


def _mark(client: SyncPrefectClient, run: UUID, reason: str, stopped: bool = False) -> None:
    try:
        state = client.read_flow_run(run).state
    except ObjectNotFound:
        return
    if state is None or state.type in _UNENDED or (stopped and state.type == StateType.CRASHED):
        client.set_flow_run_state(run, _ended(state, reason, stopped), force=True)
    unended = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNENDED)))
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    for task_run in client.read_task_runs(
        flow_run_filter=of_run, task_run_filter=unended, sort=TaskRunSort.ID_DESC, limit=_PAGE
    ):
        client.set_task_run_state(task_run.id, _ended(task_run.state, reason, stopped), force=True)


def _ended(state: State | None, reason: str, stopped: bool) -> State:
    is_cancelled = stopped or (state is not None and state.type == StateType.CANCELLING)
    return Cancelled(message=reason) if is_cancelled else Crashed(message=reason)


def watch_heartbeats() -> None:
    """Install the automation that marks runs on any machine as crashed when their heartbeats stop."""
    trigger = EventTrigger(
        posture=Posture.Proactive,
        match={"prefect.resource.id": "prefect.flow-run.*"},
        after={_HEARTBEAT},
        expect={_HEARTBEAT, *_ENDED},
        for_each={"prefect.resource.id"},
        threshold=1,
        within=timedelta(seconds=_SILENT_SECONDS),
    )
    action = ChangeFlowRunState(state=StateType.CRASHED, message=f"no heartbeat for {_SILENT_SECONDS} s; {CRASHED}")
    automation = AutomationCore(
        name=AUTOMATION,
        description="Flow runs send a heartbeat every 180 s, or more often; see docs/how-to/prefect-ui.md.",
        trigger=trigger,
        actions=[action],
    )
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(AUTOMATION)
        if found:
            client.update_automation(found[0].id, automation)
        else:
            client.create_automation(automation)
