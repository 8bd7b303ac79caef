"""The loop that runs stages: what is tried again, what is waited for, what a failure costs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows import password
from flows.stages import run_stages
from tasks.runtime import Runtime
from tests.standin import odd as odd_stages
from tests.standin.odd import odd
from xtransfer.base import retry
from xtransfer.base.stage import Stage
from xtransfer.stages import memory_kills
from xtransfer.stages.devices import Device
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Pool, Slot
from xtransfer.store.artifacts import ArtifactStore

pytestmark = pytest.mark.slow
CPU = (Slot("cpu", 1), Slot("cpu", 1))


@pytest.fixture(scope="module")
def api(prefect: str) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: prefect, PREFECT_API_AUTH_STRING: os.environ[password.CLIENT]}):
        yield prefect


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def processes(root: Path) -> Iterator[StageProcesses]:
    os.environ["XTRANSFER_BENCHMARKS"] = odd_stages.__file__
    try:
        with StageProcesses(str(root)) as running:
            running.start()
            yield running
    finally:
        del os.environ["XTRANSFER_BENCHMARKS"]


@dataclass
class Seen:
    """A listener, and what became of the stages."""

    started_: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def planned(self, stages: Sequence[Stage], stored: int) -> None: ...

    def started(self, stage: Stage) -> None:
        self.started_.append(stage.name)

    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None:
        self.said.append(f"{stage.name}: {message}")

    def finished(self, stage: Stage, error: str | None) -> None: ...


Run = Callable[..., Seen]


@pytest.fixture
def run(api: str, processes: StageProcesses, root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs stages in a flow, and says what became of them."""
    monkeypatch.setattr(retry, "_PAUSES", (0.01,) * 4)

    def stages(
        *stages: Stage,
        slots: Sequence[Slot] = CPU,
        timeouts: Mapping[str, float] | None = None,
        seen: Seen | None = None,
    ) -> Seen:
        found = seen or Seen()
        store = ArtifactStore(root)

        def failed(stage: Stage, readers: Sequence[Stage], reason: str) -> None:
            found.failed[stage.name] = reason
            found.lost += [one.name for one in readers]

        @flow(name="some-stages")
        def some_stages() -> None:
            runtime = Runtime(processes, Pool(slots), found, store, timeouts)
            done = run_stages(stages, runtime, lambda stage: found.done.append(stage.name), failed)
            found.made = [stage.name for stage in done]

        some_stages()
        return found

    return stages


def test_what_passes_is_tried_again_until_it_is_done(run: Run, tmp_path: Path) -> None:
    first = odd("away", tries=str(tmp_path / "tries"), failures=3, how="away")
    seen = run(first, odd("after away", first), odd("beside away"))
    assert sorted(seen.made) == ["after away", "away", "beside away"] == sorted(seen.done) and not seen.failed
    assert (tmp_path / "tries").stat().st_size == 4
    assert any("waiting to retry" in text and "hung up" in text for text in seen.said)


def test_what_does_not_pass_is_given_up(run: Run, tmp_path: Path) -> None:
    seen = run(odd("always away", tries=str(tmp_path / "tries"), failures=99, how="away"))
    assert "the hub hung up" in seen.failed["always away"] and (tmp_path / "tries").stat().st_size == 5


def test_what_is_wrong_is_tried_once_and_costs_its_readers_alone(run: Run, tmp_path: Path) -> None:
    wrong = odd("wrong", tries=str(tmp_path / "tries"), failures=99, how="wrong")
    seen = run(wrong, odd("after wrong", wrong), odd("beside wrong"))
    assert list(seen.failed) == ["wrong"] and "row 3" in seen.failed["wrong"]
    assert seen.lost == ["after wrong"] and seen.made == ["beside wrong"]
    assert (tmp_path / "tries").stat().st_size == 1


def test_a_killed_stage_is_tried_once_more(run: Run, tmp_path: Path) -> None:
    seen = run(
        odd("killed once", tries=str(tmp_path / "once"), failures=1, how="killed"),
        odd("killed always", tries=str(tmp_path / "always"), failures=99, how="killed"),
    )
    assert seen.made == ["killed once"] and list(seen.failed) == ["killed always"]
    assert "was killed" in seen.failed["killed always"] and (tmp_path / "always").stat().st_size == 2


def test_a_stage_that_the_kernel_killed_for_lack_of_memory_is_told_so(
    run: Run, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = tmp_path / "tries"
    before = memory_kills.counted()
    monkeypatch.setattr(memory_kills, "counted", lambda: before + (tries.stat().st_size if tries.exists() else 0))
    seen = run(odd("large", tries=str(tries), memory_kills=2))
    assert seen.made == ["large"] and tries.stat().st_size == 3
    assert sum("the kernel killed its process" in text for text in seen.said) == 2
    seen = run(larger := odd("larger", tries=str(tries), memory_kills=99))
    assert "lower batch_size" in seen.failed["larger"] and tries.stat().st_size == 3 + 4
    assert memory_kills.noted(ArtifactStore(root).state(larger.key)) == 4, "the next run goes on with less"


def test_a_stage_that_takes_too_long_is_ended_and_not_tried_again(run: Run, tmp_path: Path) -> None:
    seen = run(odd("slow", seconds=600, tries=str(tmp_path / "tries")), timeouts={"odd": 1.0, "any": 3600.0})
    assert "took over 1 s" in seen.failed["slow"] and (tmp_path / "tries").stat().st_size == 1


def test_a_killed_server_is_replaced(run: Run, processes: StageProcesses) -> None:
    assert run(odd("before the kill")).made
    server = processes._server
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert run(odd("after the kill")).made == ["after the kill"]


def test_a_device_that_goes_gives_its_stage_to_another(run: Run, tmp_path: Path) -> None:
    slots = []
    for number in range(2):
        (tmp_path / f"gpu{number}").mkdir()
        slots.append(Slot(f"odd:{number}", 1, (Device(f"odd:{number}", tmp_path / f"gpu{number}"),)))
    going = odd("device goes", tries=str(tmp_path / "tries"), failures=1, how="device", folder=str(tmp_path / "gpu0"))
    seen = run(going, *(odd(f"on a device {number}") for number in range(4)), slots=slots)
    assert len(seen.made) == 5 and not seen.failed
    assert not (tmp_path / "gpu0").exists() and (tmp_path / "tries").stat().st_size == 2
    last = odd(
        "last device goes", tries=str(tmp_path / "more"), failures=1, how="device", folder=str(tmp_path / "gpu1")
    )
    seen = run(last, odd("no device left"), slots=slots[1:])
    assert set(seen.failed) == {"last device goes", "no device left"}
    assert all("all devices of this machine are gone" in reason for reason in seen.failed.values())


class Elsewhere:
    """Another process that makes a stage, as far as a run can see."""

    def __init__(self, root: Path, stage: Stage) -> None:
        self.store, self.stage = ArtifactStore(root), stage
        self._end = threading.Event()
        self._holds = threading.Event()
        self._makes = True
        self.thread = threading.Thread(target=self._hold)

    def __enter__(self) -> Elsewhere:
        self.thread.start()
        assert self._holds.wait(30)
        return self

    def __exit__(self, *exception: object) -> None:
        self.end(makes=False)
        self.thread.join()

    def end(self, *, makes: bool) -> None:
        if not self._end.is_set():
            self._makes = makes
            self._end.set()

    def _hold(self) -> None:
        with self.store.lease(self.stage.key) as lease:
            assert lease is not None
            self._holds.set()
            self._end.wait()
            if self._makes:
                out = self.store.empty_out(self.stage.key)
                self.store.commit(self.stage, out, {}, "cpu", datetime.now(UTC))


@pytest.mark.parametrize("finishes", [True, False], ids=["finishes", "dies"])
def test_what_another_process_makes_is_waited_for_while_others_run(run: Run, root: Path, finishes: bool) -> None:
    held = odd(f"held {finishes}", seconds=0.01)
    others = [odd(f"beside held {finishes} {number}") for number in range(4)]
    after = odd(f"after held {finishes}", held)
    seen = Seen()
    with Elsewhere(root, held) as elsewhere:

        def end_when_all_others_are_done() -> None:
            while len(seen.done) < len(others):
                time.sleep(0.01)
            elsewhere.end(makes=finishes)

        watcher = threading.Thread(target=end_when_all_others_are_done)
        watcher.start()
        run(held, *others, after, slots=CPU[:2], seen=seen)
        watcher.join()
    assert seen.done[-2:] == [held.name, after.name] and not seen.failed
    assert (held.name in seen.made) is not finishes and after.name in seen.made
    assert f"{held.name}: another process is computing it" in seen.said
