"""A study on a Ray cluster of several nodes, one of which dies in the middle of a stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.ray_cluster import ray_cluster
from tests.running import MINUTES, QUICK, ROOT, Ran, cold_xtransfer, environment, score_rows, xtransfer
from xtransfer.base.errors import RequestError

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed: pip install 'xtransfer[ray]'")


class Nodes:
    """A cluster whose nodes have a home each and one store; Ray's nodes take their environment from us."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.cluster = cluster_utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.nodes: dict[str, Any] = {}

    def add(self, name: str) -> None:
        self._monkeypatch.setenv("XTRANSFER_HOME", str(self.folder / name))
        self.nodes[name] = self.cluster.add_node(num_cpus=1)

    def busy(self) -> str | None:
        """The node on which a stage runs, by the home in the environment of a stage server's child."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                parents = (Path("/proc") / parent / "cmdline").read_bytes()
                home = (process / "environ").read_bytes().split(b"XTRANSFER_HOME=")[1].split(b"\0")[0].decode()
            except (OSError, IndexError):
                continue
            if b"xtransfer.stages.server" in command and command == parents and home.startswith(str(self.folder)):
                return Path(home).name
        return None

    def kill(self, name: str) -> None:
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # a token would be written to the user's home
    monkeypatch.setenv("XTRANSFER_STORE", str(tmp_path / "shared"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Nodes(tmp_path, monkeypatch)
    try:
        yield made
    finally:
        made.cluster.shutdown()


@pytest.mark.slow
@pytest.mark.storm
def test_the_work_of_a_killed_node_is_taken_up_by_another(small_lab: Ran, nodes: Nodes, tmp_path: Path) -> None:
    nodes.add("one")
    nodes.add("two")
    driver = tmp_path / "driver"
    store = {"XTRANSFER_STORE": os.environ["XTRANSFER_STORE"]}
    address = ("--runner", "ray", "--ray-address", nodes.cluster.address)
    command = [sys.executable, "-m", "flows.cli", "run", QUICK, "--json", *address]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(driver, store), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        killed = _wait_for(nodes.busy, process)
        nodes.kill(killed)
        output, said = process.communicate(timeout=10 * MINUTES)
    assert process.returncode == 0, said
    plan = json.loads(xtransfer(driver, "plan", QUICK, "--json", **store).stdout)
    assert sorted(json.loads(output)["ran"]) == sorted(stage["name"] for stage in plan["stages"])
    assert not any(stage["to_run"] for stage in plan["stages"])
    assert score_rows(driver) == small_lab.rows()
    assert not list((tmp_path / "shared" / ".partial").iterdir())


@pytest.mark.slow
def test_a_node_with_another_store_says_so(nodes: Nodes, tmp_path: Path) -> None:
    nodes.add("one")
    address = ("--runner", "ray", "--ray-address", nodes.cluster.address)
    done = cold_xtransfer(tmp_path / "driver", "run", QUICK, *address)
    assert done.returncode == 1
    assert "differs from the store of the run" in done.stderr


def test_an_address_without_a_cluster_is_named() -> None:
    with pytest.raises(RequestError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"), ray_cluster("127.0.0.1:9"):
        pass


def _wait_for(found: Any, process: subprocess.Popen[str]) -> Any:
    deadline = time.monotonic() + 5 * MINUTES
    while (result := found()) is None:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.1)
    time.sleep(2)
    return result
