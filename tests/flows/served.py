"""A running `xtransfer serve` with a password, for tests that use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.serving.deploy import deployment_of
from tests.running import MINUTES, ROOT, environment, wait_for

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
