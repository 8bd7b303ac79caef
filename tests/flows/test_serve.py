"""`xtransfer serve` as a user meets it: what runs, what a schedule starts, what is closed, what is left at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.private import read_json, write_json
from flows.serving.dead import AUTOMATION, CRASHED, STOPPED
from flows.serving.deploy import declared, deploy, deployment_of
from tests.running import MINUTES, ROOT, environment, processes_of, wait_for, xtransfer

pytestmark = pytest.mark.slow
WAIT = 5 * MINUTES
PASSWORD = "a-long-secret-of-the-tests"
QUICK: dict[str, Any] = {
    "entrypoint": "tests.flows.quick.quick",
    "tags": ["test"],
    "work_pool": {"name": "local"},
}


@dataclass
class Served:
    """A running `xtransfer serve`."""

    home: Path
    process: subprocess.Popen[str]
    url: str

    @property
    def state(self) -> Path:
        return self.home / "prefect" / "serve.json"

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        with (
            temporary_settings({PREFECT_API_URL: self.url, PREFECT_API_AUTH_STRING: f"admin:{PASSWORD}"}),
            get_client(sync_client=True) as client,
        ):
            yield client

    def started(self, seconds: float) -> FlowRun:
        """A run of the quick flow by the worker, once it is running."""
        with self.client() as client:
            deployment_of({"name": "by-hand", **QUICK}).apply()
            run = run_deployment("quick/by-hand", parameters={"seconds": seconds}, timeout=0)
            assert isinstance(run, FlowRun)
            begun = self.home / "prefect" / "runs" / str(run.id)
            wait_for(lambda: begun.exists() or client.read_flow_run(run.id).state.is_final())  # type: ignore[union-attr]
            return client.read_flow_run(run.id)

    def ended(self, run: Any) -> Any:
        """The final state of a run, waited for."""
        with self.client() as client:
            return wait_for(lambda: (state := client.read_flow_run(run).state) and state.is_final() and state)

    def pid(self, run: Any) -> int:
        pid: int = json.loads((self.home / "prefect" / "runs" / str(run)).read_text())["pid"]
        return pid


def serve(home: Path) -> Served:
    file = home.parent / "password"
    file.touch(mode=0o600)
    file.write_text(PASSWORD + "\n")
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", "0", "--password-file", str(file)]
    with (home.parent / "serve.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(home, {}), stdout=log, stderr=log, text=True)
    state = home / "prefect" / "serve.json"

    def ready() -> bool:
        assert process.poll() is None, (home.parent / "serve.log").read_text()
        return state.exists() and json.loads(state.read_text())["pid"] == process.pid

    wait_for(ready)
    return Served(home, process, json.loads(state.read_text())["url"])


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
    every = {"name": "every-20-seconds", "schedules": [{"interval": 20}], **QUICK}
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
    workers = [one for one in psutil.Process(served.process.pid).children(recursive=True) if "prefect" in one.cmdline()]
    (worker,) = (one for one in workers if "worker" in one.cmdline())
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


def test_a_server_that_wants_a_password_says_so(served: Served, tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "other", "serve", PREFECT_API_URL=served.url, PREFECT_API_AUTH_STRING="admin:wrong")
    assert done.returncode == 1 and "PREFECT_API_AUTH_STRING" in done.stderr and "401" in done.stderr


CLOSED = [
    ("GET", "/api/version"), ("GET", "/api/admin/version"), ("GET", "/api/admin/settings"),
    ("POST", "/api/deployments/filter"), ("POST", "/api/flow_runs/filter"), ("POST", "/api/flows/filter"),
    ("POST", "/api/logs/filter"), ("POST", "/api/artifacts/filter"), ("POST", "/api/work_pools/filter"),
    ("POST", "/api/automations/filter"), ("POST", "/api/events/filter"), ("POST", "/api/variables/filter"),
    ("POST", "/api/block_documents/filter"), ("GET", "/api/docs"), ("GET", "/api/openapi.json"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_tells_something_is_closed_without_the_password(served: Served, method: str, path: str) -> None:
    base = served.url.removesuffix("/api")
    for auth in (None, ("admin", "wrong")):
        assert httpx.request(method, base + path, json={} if method == "POST" else None, auth=auth).status_code == 401


def test_what_stays_open_tells_nothing(served: Served) -> None:
    base = served.url.removesuffix("/api")
    assert httpx.get(f"{base}/api/health").json() is True
    assert httpx.get(f"{base}/ui-settings").json()["auth"] == "BASIC"
    page = httpx.get(f"{base}/v2/dashboard", headers={"accept": "text/html"})
    assert page.status_code == 200 and "connect-src 'self'" in page.headers["content-security-policy"]


def test_the_event_stream_is_closed_without_the_password(served: Served) -> None:
    import websockets.sync.client

    address = f"{served.url.replace('http', 'ws')}/events/out"
    with websockets.sync.client.connect(address, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "auth", "token": "admin:wrong"}))
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            socket.recv(timeout=60)


def test_the_password_is_written_nowhere(served: Served) -> None:
    served.ended(served.started(0).id)
    files = [file for file in served.home.rglob("*") if file.is_file()]
    assert any(file.name == "worker.log" for file in files) and any(file.name == "prefect.db" for file in files)
    assert [file for file in files if PASSWORD.encode() in file.read_bytes()] == []
    assert PASSWORD not in (served.home.parent / "serve.log").read_text()
    assert not any(PASSWORD in line for line in processes_of(served.home).values())
    assert served.state.stat().st_mode & 0o077 == 0


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
