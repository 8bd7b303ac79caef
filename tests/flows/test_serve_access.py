"""Who may use `xtransfer serve`: how one logs in, what is closed without the password, what nobody can start."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.deployments import run_deployment

from flows.prefect_login import LOGIN
from flows.serving.deploy import POOL, deployment_of
from tests.flows.served import PASSWORD, QUICK, WAIT, Served, serve
from tests.running import ROOT, environment, processes_of, xtransfer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("a served home") / "home"
    running = serve(home)
    yield running
    running.process.send_signal(signal.SIGINT)
    running.process.wait(timeout=WAIT)


def test_in_a_terminal_it_prints_a_link_that_logs_in(served: Served) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", "0"]
    subprocess.run(command, cwd=ROOT, env=environment(served.home, {}), stdout=end, check=True, timeout=WAIT)
    printed = re.search(rf"({served.url.removesuffix('/api')}{LOGIN})#(\S+)", os.read(terminal, 65536).decode())
    assert printed is not None
    assert b64decode(httpx.post(printed[1], content=printed[2]).text).decode() == f"admin:{PASSWORD}"


def test_job_variables_start_no_program(served: Served, tmp_path: Path) -> None:
    """Neither those of a run or a deployment, nor those of the work pool."""
    command = f"touch {tmp_path / 'started'}"
    with served.client() as client:
        deployment_of({"name": "by-hand", **QUICK}).apply()
        pool = {"name": "local", "job_variables": {"env": {"PYTHONSTARTUP": "evil.py"}}}
        deployment_of({"name": "with-variables", **QUICK, "work_pool": pool}).apply()
        refused = [
            run_deployment("quick/by-hand", parameters={"seconds": 0}, job_variables={"command": command}, timeout=0),
            run_deployment("quick/with-variables", parameters={"seconds": 0}, timeout=0),
        ]
    for run, named in zip(refused, ("command", "env"), strict=True):
        state = served.ended(run.id)  # type: ignore[union-attr]
        assert state.type == StateType.CRASHED and f"job variables are not allowed here ({named})" in state.message
    with served.client() as client:
        before = client.read_work_pool(POOL).base_job_template
        template = {"job_configuration": {"command": command}, "variables": {"properties": {}}}
        client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
    try:
        assert served.ended(served.started(0).id).type == StateType.COMPLETED
    finally:
        with served.client() as client:
            client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=before))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_wants_a_password_says_so(served: Served, tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "other", "serve", PREFECT_API_URL=served.url, PREFECT_API_AUTH_STRING="admin:wrong")
    assert done.returncode == 1 and "PREFECT_API_AUTH_STRING" in done.stderr and "401" in done.stderr


CLOSED = [
    ("GET", "/api/version"), ("GET", "/api/admin/version"), ("GET", "/api/admin/settings"),
    ("POST", "/api/deployments/filter"), ("POST", "/api/flow_runs/filter"), ("POST", "/api/flows/filter"),
    ("POST", "/api/logs/filter"), ("POST", "/api/artifacts/filter"), ("POST", "/api/work_pools/filter"),
    ("POST", "/api/automations/filter"), ("POST", "/api/events/filter"), ("POST", "/api/variables/filter"),
    ("POST", "/api/block_documents/filter"), ("GET", "/api/docs"), ("GET", "/api/openapi.json"),
    ("GET", "/docs"), ("GET", "/redoc"), ("GET", "/openapi.json"), ("POST", "/xtransfer/codes"),
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
