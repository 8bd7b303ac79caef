"""The artifacts of a running study: few requests, complete at the end, and no harm where the server is gone."""

from __future__ import annotations

import json
import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from tasks import progress_publisher
from tasks.progress_publisher import Live
from tasks.progress_state import Board
from tests.running import wait_for
from xtransfer.base.stage import Stage

STAGES = [Stage("score", 1, f"score {number}", {"number": number}) for number in range(1000)]


class Server:
    """Stands in for Prefect's client: keeps artifacts, counts requests."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.artifacts: dict[Any, Any] = {}

    def create_artifact(self, artifact: Any) -> Any:
        self.requests["create"] += 1
        made = uuid4()
        self.artifacts[made] = {"key": artifact.key, "data": artifact.data, "description": artifact.description}
        return SimpleNamespace(id=made)

    def request(self, method: str, path: str, *, json: Any, path_params: Any) -> None:
        self.requests["change"] += 1
        self.artifacts[path_params["id"]].update(json)

    def named(self, key: str) -> Any:
        return next(one for one in self.artifacts.values() if one["key"] == key)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None: ...


class Gone(Server):
    def create_artifact(self, artifact: Any) -> Any:
        self.requests["create"] += 1
        raise ConnectionError("nobody there")


def run(board: Board, shown: Live, ticks_every: int) -> None:
    """A run of all stages; the writer's turn comes after every so many."""
    board.planned(STAGES, 0)
    for number, stage in enumerate(STAGES):
        board.started(stage)
        for step in range(0, 100, 5):
            board.progressed(stage, "predict", step, 100)
        board.finished(stage, None)
        if number % ticks_every == 0:
            shown.tick()


def test_requests_do_not_grow_with_stages_and_steps() -> None:
    """One request per turn: in a run of 1,000 stages of 3 s, one in 5 s, so far fewer than stages or steps."""
    board, server = Board(), Server()
    shown = Live(board, server, "numbers", None)
    run(board, shown, ticks_every=50)
    turns = len(STAGES) // 50
    assert server.requests.total() <= turns
    before = server.requests.total()
    shown.end()
    assert server.requests.total() - before <= 2
    assert len(server.artifacts) == 2  # changed in place, not made again


def test_at_the_end_both_artifacts_are_complete() -> None:
    board, server = Board(), Server()
    shown = Live(board, server, "numbers", None)
    run(board, shown, ticks_every=100)
    during = json.loads(server.named("numbers-stages")["data"])
    assert len(during) == 200 and during[-1]["stage"] == "and 801 more"
    shown.end()
    rows = json.loads(server.named("numbers-stages")["data"])
    assert [row["stage"] for row in rows] == [stage.name for stage in STAGES]
    assert {row["state"] for row in rows} == {"done"}
    assert server.named("numbers-progress")["data"] == 100
    assert server.named("numbers-progress")["description"] == "numbers: 1000 of 1,000 stages done"


def test_what_has_not_changed_is_not_sent() -> None:
    board, server = Board(clock=lambda: 0.0), Server()
    shown = Live(board, server, "numbers", None)
    board.planned(STAGES[:3], 0)
    for _ in range(10):
        shown.tick()
    assert server.requests == {"create": 2}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_publisher, "EVERY", 0.01)


@pytest.mark.parametrize("server", [Server(), Gone()], ids=["answers", "gone"])
def test_a_run_is_the_same_with_and_without_a_server(
    server: Server, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_publisher, "get_client", lambda **_: server)
    with progress_publisher.live("numbers") as board:
        board.planned(STAGES[:2], 0)
        for stage in STAGES[:2]:
            board.started(stage)
            board.finished(stage, None)
        wait_for(lambda: server.requests.total() > 0)
    assert not any(one.name == "live artifacts" for one in threading.enumerate())
    if server.artifacts:
        assert server.named("numbers-progress")["data"] == 100


def test_a_stopped_run_says_so(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(progress_publisher, "get_client", lambda **_: server)
    with pytest.raises(KeyboardInterrupt), progress_publisher.live("numbers") as board:
        board.planned(STAGES[:2], 0)
        board.started(STAGES[0])
        raise KeyboardInterrupt
    assert [row["state"] for row in json.loads(server.named("numbers-stages")["data"])] == ["stopped", "stopped"]


def test_progress_is_there_as_soon_as_a_run_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after a pause between requests: whoever opens the run before it exists is told that there is none."""
    server = Server()
    monkeypatch.setattr(progress_publisher, "get_client", lambda **_: server)
    with progress_publisher.live("numbers") as board:
        board.planned(STAGES, 0)
        wait_for(lambda: server.artifacts, progress_publisher.EVERY / 2)
        assert server.named("numbers-progress")["description"].startswith("numbers: 0 of 1,000 stages done")
