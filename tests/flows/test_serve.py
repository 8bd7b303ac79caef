"""`xtransfer serve` as a user meets it: what runs, what a schedule starts, what is left at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from flows.prefect_fixes.dead_runs import AUTOMATION, CRASHED, STOPPED
from flows.prefect_login import LOGIN
from flows.private import read_json, write_json
from flows.serving.deploy import declared, deploy, deployment_of
from flows.serving.worker import POOL_WORKER
from tests.flows.served import PASSWORD, QUICK, WAIT, Served, serve
from tests.running import ROOT, environment, processes_of, wait_for, xtransfer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("a served home") / "home"
    running = serve(home)
    yield running
    running.process.send_signal(signal.SIGINT)
    running.process.wait(timeout=WAIT)


def test_a_second_call_says_what_runs(served: Served) -> None:
    done = xtransfer(served.home, "serve", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert served.url.removesuffix("/api") in done.stdout and str(served.process.pid) in done.stdout
    assert all(one["name"] in done.stdout for one in declared())
    assert "log in" in done.stdout and LOGIN not in done.stdout  # others may read what is no terminal


def test_deployments_and_automation_are_there_once(served: Served) -> None:
    with served.client() as client:
        found = {one.name: one for one in client.read_deployments(sort="NAME_ASC", limit=200, offset=0)}  # type: ignore[arg-type]
        automations = client.read_automations_by_name(AUTOMATION)
    assert {one["name"] for one in declared()} <= set(found)
    study = found["study"]
    assert study.entrypoint == "flows.run_named_study.run_named_study" and not study.pull_steps
    assert study.global_concurrency_limit is not None and study.global_concurrency_limit.limit == 1
    assert study.parameter_openapi_schema["properties"]["study"]["enum"]
    assert len(automations) == 1 and automations[0].enabled


def test_deploying_again_keeps_what_a_person_set_and_removes_what_left_the_file(served: Served) -> None:
    made = served.home / "prefect" / "deployments.json"
    yearly = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 0 1 1 *", timezone="UTC"), active=True)
    with served.client() as client:
        study = client.read_deployment_by_name("run-named-study/study").id
        client.create_deployment_schedules(study, [yearly])
        client.pause_deployment(study)
        own, old = (deployment_of({"name": name, **QUICK}).apply() for name in ("a-person's", "of-an-older-version"))
        write_json(made, {**read_json(made), str(old): "quick/of-an-older-version"})
        assert deploy(made) == deploy(made)
        assert [one.schedule for one in client.read_deployment_schedules(study)] == [yearly.schedule]
        assert client.read_deployment(study).paused
        assert client.read_deployment(own).name == "a-person's"
        with pytest.raises(ObjectNotFound):
            client.read_deployment(old)


def test_a_schedule_fires(served: Served) -> None:
    every = {"name": "every-10-seconds", "schedules": [{"interval": 10}], **QUICK}
    with served.client() as client:
        deployment = deployment_of(every).apply()

        def completed() -> list[FlowRun]:
            runs = client.read_flow_runs(sort=FlowRunSort.ID_DESC, limit=200)
            return [run for run in runs if run.deployment_id == deployment and run.state and run.state.is_completed()]

        wait_for(lambda: len(completed()) >= 2)
        assert all(run.auto_scheduled for run in completed())
        client.delete_deployment(deployment)


def test_a_run_of_the_worker_that_was_killed_has_crashed(served: Served) -> None:
    run = served.started(600)
    os.kill(served.pid(run.id), signal.SIGKILL)
    assert served.ended(run.id).type == StateType.CRASHED


def test_a_worker_that_was_killed_takes_its_runs_along_and_is_started_again(served: Served) -> None:
    run = served.started(600)
    pid = served.pid(run.id)
    started = psutil.Process(served.process.pid).children(recursive=True)
    (worker,) = (one for one in started if POOL_WORKER in one.cmdline())
    worker.kill()
    wait_for(lambda: not psutil.pid_exists(pid))
    assert served.ended(run.id).type == StateType.CRASHED
    assert served.ended(served.started(0).id).type == StateType.COMPLETED


def test_a_run_of_a_script_that_was_killed_has_crashed(served: Served) -> None:
    """Prefect alone leaves it Running, the more so when it dies before its first heartbeat."""
    more = {"PREFECT_API_URL": served.url, "PREFECT_API_AUTH_STRING": f"admin:{PASSWORD}"}
    command = [sys.executable, "-m", "tests.flows.quick", "600"]
    before = set((served.home / "prefect" / "runs").iterdir())
    with subprocess.Popen(command, cwd=ROOT, env=environment(served.home, more), stderr=subprocess.DEVNULL) as script:
        (file,) = wait_for(lambda: set((served.home / "prefect" / "runs").iterdir()) - before)
        script.kill()
    state = served.ended(file.name)
    assert state.type == StateType.CRASHED and state.message == CRASHED


def test_a_cancelled_run_has_no_process_left(served: Served) -> None:
    run = served.started(600)
    pid = served.pid(run.id)
    with served.client() as client:
        from prefect.states import Cancelling

        client.set_flow_run_state(run.id, Cancelling())
    assert served.ended(run.id).type == StateType.CANCELLED
    wait_for(lambda: not psutil.pid_exists(pid))


def test_ctrl_c_ends_everything_and_says_so_in_the_runs(tmp_path: Path) -> None:
    first = serve(tmp_path / "home")
    run = first.started(600)
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(timeout=WAIT) == 0
    wait_for(lambda: not processes_of(first.home))
    assert not first.state.exists()
    second = serve(first.home)
    state = second.ended(run.id)
    assert state.type == StateType.CANCELLED and state.message == STOPPED

    again = second.started(600)
    second.process.kill()
    second.process.wait()
    assert second.state.exists()  # stale, and no obstacle
    wait_for(lambda: not processes_of(second.home))
    third = serve(first.home)
    assert third.ended(again.id).type == StateType.CRASHED
    third.process.send_signal(signal.SIGTERM)
    assert third.process.wait(timeout=WAIT) == 0
    wait_for(lambda: not processes_of(third.home))
