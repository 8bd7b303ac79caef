"""`xtransfer watch` by itself and on a real server: a schedule fires, an event starts a run, and each runs once."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events import Event, Resource
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.utilities.callables import parameter_schema
from typer.testing import CliRunner

from flows import cli
from flows.prefect_guard import KEY
from flows.serving.deploy import declared, flow_of
from flows.watch_checkpoints import DEPLOYMENT, EVENT
from tests.running import MINUTES, ROOT, environment, wait_for, xtransfer
from tests.training.tiny import make_encoder
from tests.warm import programs
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.results.upsert import table_of
from xtransfer.results.watched import CheckpointRunRow

RUN = "evaluate-new-checkpoint"
TARGET = ("--target", "lab-retrieval", "--set", "languages=[de]", "--steady", "0")


def make_checkpoints(folder: Path) -> None:
    """One checkpoint at two places, half of another, and one that is a pickle."""
    made = make_encoder(folder / "checkpoint-10")
    shutil.copytree(made, folder / "checkpoint-20")
    for step in (30, 40):
        (folder / f"checkpoint-{step}").mkdir()
        shutil.copy(made / "config.json", folder / f"checkpoint-{step}")
    (folder / "checkpoint-40" / "pytorch_model.bin").write_bytes(b"\x80")


def rows(home: Path) -> list[Any]:
    """The runs on record, in the order of their checkpoints."""
    with open_database(f"sqlite:///{home / 'results.db'}") as db, db.begin() as connection:
        table = table_of(CheckpointRunRow)
        return list(connection.execute(table.select().order_by(table.c.recorded_at)))


@pytest.mark.slow
def test_the_command_runs_what_is_new_and_nothing_twice(tmp_path: Path, prefect: str) -> None:
    home, api = tmp_path / "home", {"PREFECT_API_URL": prefect}
    make_checkpoints(tmp_path / "runs")
    arguments = ["watch", "--source", f"{tmp_path}/runs/*", *TARGET]
    looked = xtransfer(home, *arguments, "--dry-run", **api)
    assert looked.returncode == 0 and "whole" in looked.stdout and rows(home) == []
    done = xtransfer(home, *arguments, "--json", **api)
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    found = {Path(one["location"]).name: one for one in output["checkpoints"]}
    assert {name: (one["state"], one["run"]) for name, one in found.items()} == {
        "checkpoint-10": ("whole", "done"), "checkpoint-20": ("repeated", "done"),
        "checkpoint-30": ("unfinished", ""), "checkpoint-40": ("refused", ""),
    }  # fmt: skip
    assert output["ran"] == 1 and "unsafe" in found["checkpoint-40"]["why"]
    (row,) = rows(home)
    scores = json.loads(xtransfer(home, "results", "scores", "--study", row.study, "--format", "json").stdout)
    assert len(scores) == 1 and scores[0]["target"] == "lab-retrieval" and scores[0]["language"] == "de"
    again = xtransfer(home, *arguments, "--json", **api)
    assert json.loads(again.stdout)["ran"] == 0 and rows(home) == [row]


@pytest.mark.slow
def test_a_run_that_fails_is_recorded_and_tried_again_when_asked(tmp_path: Path, prefect: str) -> None:
    home, api = tmp_path / "home", {"PREFECT_API_URL": prefect}
    make_encoder(tmp_path / "runs" / "checkpoint-10", positions=6)  # too few for any sentence
    arguments = [
        "watch",
        "--source",
        f"{tmp_path}/runs/*",
        "--target",
        "lab-inference",
        "--set",
        "recipe={max_length: 32}",
    ]
    arguments += ["--steady", "0"]
    failed = xtransfer(home, *arguments, **api)
    assert failed.returncode == 1 and "positions" in failed.stdout
    assert [(row.state, row.tries) for row in rows(home)] == [("failed", 1)]
    assert "positions" in rows(home)[0].reason
    quiet = xtransfer(home, *arguments, **api)
    assert quiet.returncode == 0 and "failed" in quiet.stdout and rows(home)[0].tries == 1
    assert xtransfer(home, *arguments, "--retry", **api).returncode == 1
    assert [(row.state, row.tries) for row in rows(home)] == [("failed", 1)]  # counted anew


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a watch file"),
        (["--source", "/runs/*"], "either --target or --study"),
        (["--source", "/runs/*", "--target", "xnly"], "did you mean 'xnli'"),
        (["--source", "/runs/*", "--study", "lap"], "did you mean 'lab'"),
        (["--source", "/runs/*", "--study", "lab", "--target", "xnli"], "--target and --study: give only one"),
        (["--source", "hf://model", "--target", "xnli", "--dry-run"], "write hf://someone/model"),
        (["--source", "/runs/*", "--target", "xnli", "--set", "language=[de]"], "evaluate.language: no such field"),
        (["--source", "/runs/*", "--target", "xnli", "--every", "5", "--off"], "give only one of them"),
        (["watch.yaml", "--target", "xnli"], "--target: set in the file"),
        (["watch.yaml"], "watch.yaml: cannot be read"),
    ],
)
def test_wrong_requests_are_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        CliRunner().invoke(cli.app, ["watch", *arguments], catch_exceptions=False)


def test_another_thing_to_run_is_another_watch(tmp_path: Path) -> None:
    names = set()
    for more in (["--target", "xnli"], ["--target", "xcopa"], ["--study", "lab"], ["--study", "lab", "--small"]):
        shown = CliRunner().invoke(cli.app, ["watch", "--source", f"{tmp_path}/*", *more, "--dry-run", "--json"])
        names.add(json.loads(shown.stdout)["watch"])
    assert len(names) == 4


def test_every_field_of_the_form_is_described() -> None:
    schema = parameter_schema(flow_of("flows.watch_checkpoints.watch_checkpoints"))
    fields = [one for name in ("Watch", "Evaluation") for one in schema.definitions[name]["properties"].values()]
    assert len(fields) > 15 and all(field["description"] for field in fields)
    assert schema.definitions["Watch"]["properties"]["at_once"]["maximum"] == 64


def test_the_automation_gives_the_flow_what_it_takes() -> None:
    (deployment,) = [one for one in declared() if one["name"] == DEPLOYMENT.partition("/")[2]]
    (trigger,) = deployment["triggers"]
    flow = flow_of(deployment["entrypoint"])
    assert flow.name == DEPLOYMENT.partition("/")[0] and trigger["expect"] == [EVENT]
    assert set(trigger["parameters"]) == set(parameter_schema(flow).required)


@dataclass(frozen=True)
class Served:
    """A running `xtransfer serve`."""

    home: Path
    url: str
    runs: Path  # where checkpoints appear

    def xtransfer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return xtransfer(self.home, *arguments)

    @contextlib.contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        key = (self.home / "prefect" / KEY).read_text().strip()
        said = {PREFECT_API_URL: self.url, PREFECT_API_AUTH_STRING: key}
        with temporary_settings(said), get_client(sync_client=True) as client:
            yield client

    def flow_runs(self, flow: str) -> list[Any]:
        """All runs of a flow."""
        named = FlowFilter(name=FlowFilterName(any_=[flow]))
        with self.client() as client:
            order = FlowRunSort.EXPECTED_START_TIME_ASC
            return list(client.read_flow_runs(flow_filter=named, sort=order, limit=200))

    def watch(self, name: str, **more: Any) -> Path:
        """A watch file on this server's checkpoints."""
        said = {"name": name, "sources": [f"{self.runs}/*"], "steady_seconds": 0,
                "evaluate": {"targets": ["lab-retrieval"], "languages": ["de"]}, **more}  # fmt: skip
        file = self.home.parent / f"{name}.yaml"
        file.write_text(yaml.safe_dump(said))
        return file

    def states(self, watch: str) -> list[str]:
        return [row.state for row in rows(self.home) if row.watch == watch]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    make_checkpoints(folder / "runs")
    home, state = folder / "home", folder / "home" / "prefect" / "serve.json"
    command = [str(programs() / "xtransfer"), "serve", "--port", "0"]
    with (
        (folder / "serve.log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment(home, {}), stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: state.exists() or process.poll() is not None)
            assert process.poll() is None, (folder / "serve.log").read_text()
            yield Served(home, json.loads(state.read_text())["url"], folder / "runs")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=3 * MINUTES)


@pytest.mark.slow
def test_a_schedule_fires_and_an_event_starts_one_run(served: Served) -> None:
    file = served.watch("mine")
    scheduled = served.xtransfer("watch", str(file), "--every", "15")
    assert scheduled.returncode == 0, scheduled.stderr
    assert "every 15 s" in scheduled.stdout
    wait_for(lambda: served.states("mine") == ["done"])
    looks = served.flow_runs("watch-checkpoints")
    assert looks and all(one.auto_scheduled and one.created_by.type == "SCHEDULE" for one in looks)
    (run,) = served.flow_runs(RUN)
    assert run.created_by.type == "AUTOMATION" and run.parameters["watch"]["name"] == "mine"
    (row,) = rows(served.home)
    assert row.flow_run == str(run.id) and row.location.endswith("checkpoint-10")  # 20 is the same
    wait_for(lambda: all(one.state.is_final() for one in served.flow_runs(RUN)))
    assert served.xtransfer("watch", str(file), "--off").returncode == 0


@pytest.mark.slow
def test_the_same_event_again_does_no_work(served: Served) -> None:
    (row,) = [one for one in rows(served.home) if one.watch == "mine"]
    (run,) = served.flow_runs(RUN)
    payload = {**run.parameters, "study": row.study}
    resource = Resource({"prefect.resource.id": f"xtransfer.checkpoint.{row.digest}"})
    with served.client() as client:
        event = Event(event=EVENT, resource=resource, payload=payload)
        client.request("POST", "/events", json=[event.model_dump(mode="json")])
    wait_for(lambda: len(runs := served.flow_runs(RUN)) == 2 and all(one.state.is_final() for one in runs))
    assert [one.state.name for one in served.flow_runs(RUN)] == ["Completed", "Nothing to do"]
    assert [one for one in rows(served.home) if one.watch == "mine"] == [row]


@pytest.mark.slow
@pytest.mark.storm  # it waits for a schedule's minutes; tests/checkpoints/test_claims.py has the same without a server
def test_an_event_that_is_lost_is_made_good_at_the_next_tick(served: Served) -> None:
    file = served.watch("lost", lost_minutes=0.2)
    with served.client() as client:
        known = client.request("POST", "/automations/filter", json={}).json()
        (automation,) = [one for one in known if "new-checkpoint" in one["name"]]
        client.pause_automation(UUID(automation["id"]))
    scheduled = served.xtransfer("watch", str(file), "--cron", "* * * * *")
    assert scheduled.returncode == 0, scheduled.stderr
    wait_for(lambda: served.states("lost") == ["done"])
    (row,) = [one for one in rows(served.home) if one.watch == "lost"]
    (run,) = [one for one in served.flow_runs(RUN) if str(one.id) == row.flow_run]
    assert run.created_by is None or run.created_by.type != "AUTOMATION"
    assert row.tries == 1
    assert served.xtransfer("watch", str(file), "--off").returncode == 0
