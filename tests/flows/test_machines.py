"""Prefect workers on two machines, PostgreSQL and S3 between them; one is cut off, or dies, in mid-stage."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from perf.postgres import NoServer
from perf.postgres import server as postgres_server
from tests.running import MINUTES, ROOT, Ran, T, environment, score_rows, xtransfer
from tests.standin.network import Machine, machines
from tests.standin.s3 import make_bucket, s3

_SEEDS = 10, 11  # of the quick study, which a form cannot name; a built-in one becomes it
_SETTINGS = ["intermediate_rows=480"]
_PASSWORD = "admin:a password of a test"
_OF_DATABASE = "another-password-of-a-test"  # PostgreSQL does not ask for it here
_CUT_SECONDS = 45  # a lease on PostgreSQL ends 25 s after its holder was heard last


@dataclass(frozen=True)
class Site:
    """Two machines, what they share, and how to reach it."""

    folder: Path
    machines: list[Machine]
    shared: dict[str, str]  # environment of every process
    api: httpx.Client

    def environment(self, name: str) -> dict[str, str]:
        """Of a machine: a home, a cache and one slot of its own."""
        return environment(self.folder / name, {**self.shared, "XTRANSFER_WORKERS": "1"})

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start_worker(self, machine: Machine) -> None:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "machines", "--type", "process",
                   "--limit", "1", "--name", machine.name]  # fmt: skip
        machine.start(command, self.environment(machine.name), self.log(machine.name), ROOT)

    def start_run(self, seed: int) -> str:
        deployment = self._ask("GET", "/deployments/name/run-named-study/study-on-machines")
        parameters = {"study": "lab", "small": True, **_fields(seed), "settings": _SETTINGS}
        run = self._ask("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
        return str(run["id"])

    def state(self, run: str) -> str:
        return str(self._ask("GET", f"/flow_runs/{run}")["state_type"])

    def made(self) -> list[str]:
        """The names of the tasks that did their work; a stage that was found or made elsewhere has another state."""
        runs = self._ask("POST", "/task_runs/filter", {"limit": 200})
        return [one["name"] for one in runs if one["state_name"] == "Completed"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with machines("one", "two") as made, _postgres(made[0].server) as database, s3(made[0].server) as endpoint:
        bucket = make_bucket(endpoint, "studies")
        url = f"http://{made[0].server}:4200/api"
        shared = {
            "XTRANSFER_DATABASE_URL": database,
            "XTRANSFER_STORE": bucket.url,
            "PREFECT_API_URL": url,
            "PREFECT_API_AUTH_STRING": _PASSWORD,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": str(ROOT),
            **bucket.environment,
        }
        with (
            _prefect(made[0].server, environment(folder / "server", shared), folder / "server.log"),
            httpx.Client(base_url=url, auth=tuple(_PASSWORD.split(":")), timeout=60) as api,  # type: ignore[arg-type]
        ):
            _deploy(shared, folder)
            yield Site(folder, made, shared, api)


@pytest.mark.slow
@pytest.mark.storm
def test_a_machine_that_is_cut_off_and_joins_again_does_nothing_twice(small_lab: Ran, site: Site) -> None:
    for machine in site.machines:
        site.start_worker(machine)
    runs, alone = _running(site, _SEEDS[0])
    alone.connect(on=False)
    time.sleep(_CUT_SECONDS)
    alone.connect(on=True)
    _wait(lambda: not {"PENDING", "SCHEDULED", "RUNNING"} & {*map(site.state, runs)}, site)
    assert "COMPLETED" in map(site.state, runs)
    _whole(site, small_lab, _SEEDS[:1])


@pytest.mark.slow
@pytest.mark.storm
def test_the_work_of_a_dead_machine_is_taken_up_by_the_other(small_lab: Ran, site: Site) -> None:
    runs, dead = _running(site, _SEEDS[1])
    dead.kill()
    _wait(lambda: "COMPLETED" in map(site.state, runs), site)
    _whole(site, small_lab, _SEEDS)
    for file in (*site.folder.glob("*.log"), *site.folder.rglob("logs/**/*")):
        said = file.read_bytes() if file.is_file() else b""
        assert not [secret for secret in (_PASSWORD.partition(":")[2], _OF_DATABASE) if secret.encode() in said], file


def _running(site: Site, seed: int) -> tuple[list[str], Machine]:
    """Two runs of one study, and a machine in the middle of one of its stages."""
    runs = [site.start_run(seed) for _ in site.machines]
    _wait(lambda: all(site.state(run) == "RUNNING" for run in runs), site)
    return runs, _wait(lambda: _busy(site), site)


def _whole(site: Site, small_lab: Ran, seeds: Sequence[int]) -> None:
    """Each stage was done once, and its results are those of one machine."""
    assert score_rows(site.folder / "three", **site.shared) == [row for row in small_lab.rows() if row[3] in seeds]
    stages = _planned(site, seeds)
    assert not any(stage["to_run"] for stage in stages)
    made = Counter(one for one in site.made() if one in {stage["name"] for stage in stages})
    assert set(made.values()) == {1}
    assert len(made) >= len(stages) - len(seeds)  # of each seed, the end of one may have been lost with its machine
    listed = json.loads(xtransfer(site.folder / "three", "store", "ls", "--json", **site.shared).stdout)
    assert {one["host"] for one in listed} <= {"one", "two"}
    assert xtransfer(site.folder / "three", "store", "verify", **site.shared).returncode == 0


def _fields(*seeds: int) -> dict[str, list[Any]]:
    return {"encoders": ["lab-mini@0"], "seeds": [*seeds]}


def _planned(site: Site, seeds: Sequence[int]) -> list[dict[str, Any]]:
    fields = [f"{name}=[{','.join(map(str, values))}]" for name, values in _fields(*seeds).items()]
    asked = ("lab", "--small", *(word for one in (*fields, *_SETTINGS) for word in ("--set", one)), "--json")
    stages: list[dict[str, Any]] = json.loads(xtransfer(site.folder / "three", "plan", *asked, **site.shared).stdout)[
        "stages"
    ]
    return stages


def _busy(site: Site) -> Machine | None:
    """The machine on which a stage runs now."""
    for machine in site.machines:
        if any((site.folder / machine.name / "cache" / "stores").glob("*/.partial/*/out")):
            return machine
    return None


@contextmanager
def _postgres(address: str) -> Iterator[str]:
    import psycopg

    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        rules = Path(folder) / "rules"
        rules.write_text("local all all trust\nhost all all 0.0.0.0/0 trust\n")
        rules.chmod(0o644)
        try:
            with postgres_server("fsync=off", f"listen_addresses={address}", f"hba_file={rules}"):
                with closing(psycopg.connect(host=address, user="postgres", autocommit=True)) as connection:
                    connection.execute("CREATE DATABASE results")
                yield f"postgresql+psycopg://postgres:{_OF_DATABASE}@{address}/results"
        except NoServer as error:
            pytest.skip(str(error))


@contextmanager
def _prefect(address: str, around: dict[str, str], log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", address, "--port", "4200"]
    secret = {"PREFECT_SERVER_API_AUTH_STRING": _PASSWORD, "PREFECT_HOME": str(log.parent / "prefect")}
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env={**around, **secret}, stdout=file, stderr=file) as process,
    ):
        try:
            deadline = time.monotonic() + 5 * MINUTES
            while not _answers(f"http://{address}:4200/api/health"):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.5)
            yield
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _deploy(shared: dict[str, str], folder: Path) -> None:
    command = [sys.executable, "-m", "flows.serving.machines"]
    around = {**environment(folder / "server", shared), "PREFECT_HOME": str(folder / "prefect")}
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["run-named-study/study-on-machines"]


def _wait(for_: Callable[[], T | None], site: Site) -> T:
    """What is there once it is there, and true."""
    deadline = time.monotonic() + 30 * MINUTES
    while not (found := for_()):
        logs = "\n".join(site.log(machine.name).read_text(errors="replace")[-3000:] for machine in site.machines)
        assert time.monotonic() < deadline, logs
        time.sleep(0.3)
    return found
