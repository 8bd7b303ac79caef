"""Curves go to the tracker that a setting names, change nothing that is computed, and break nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.training.tiny import PAIR, RECIPE, make_encoder, pair_rows
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Progress, Stage
from xtransfer.planning import grid
from xtransfer.stages import curves, execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.builtin import STUDIES
from xtransfer.training import finetune

STAGE = Stage("train", 1, "train nli@de: seed 1", {})
NAME = f"train-nli@de-seed-1-{STAGE.key[:12]}"


class Fake(ModuleType):
    """A library as wandb's and trackio's, mlflow's and tensorboardX's; `calls` is what it was asked."""

    def __init__(self, name: str, fails: str = "", hangs: threading.Event | None = None) -> None:
        super().__init__(name)
        self.__spec__ = sys.__spec__
        self.fails, self.hangs = fails, hangs
        self.calls = list[tuple[str, Any]]()

    def __getattr__(self, what: str) -> Any:
        if what.startswith("__"):
            raise AttributeError(what)

        def call(*given: Any, **options: Any) -> Fake:
            if self.hangs is not None and what == "log":
                self.hangs.wait()
            if what == self.fails:
                raise ConnectionError(f"{what}:\nno server")
            self.calls.append((what, (*given, *options.values())))
            return self

        return call


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Fake:
    return installed(monkeypatch, Fake(getattr(request, "param", "wandb")))


def installed(monkeypatch: pytest.MonkeyPatch, fake: Fake) -> Fake:
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    real = curves.find_spec
    monkeypatch.setattr(curves, "find_spec", lambda name: None if name == "tensorboard" else real(name))
    name = "tensorboard" if fake.__name__ == "tensorboardX" else fake.__name__
    monkeypatch.setenv("XTRANSFER_CURVES", f"{name}:here")
    return fake


class Told(list[tuple[str, int, int, Mapping[str, float] | None]]):
    """A `Progress` that remembers."""

    def __call__(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        self.append((message, done, total, metrics))


REPORTS: Any = [
    ("tokenizer", 0, 9, None),
    ("training", 3, 9, {"loss": 0.5}),
    ("training", 9, 9, {"loss": 0.2, "dev": 80}),
]


def report(progress: Progress) -> None:
    for one in REPORTS:
        progress(*one)


@pytest.mark.parametrize(
    ("library", "calls"),
    [
        ("wandb", [("init", ("here", NAME, NAME, "allow")), ("log", ({"loss": 0.5}, 3)),
                   ("log", ({"loss": 0.2, "dev": 80}, 9)), ("finish", ())]),
        ("trackio", [("init", ("here", NAME, "allow")), ("log", ({"loss": 0.5}, 3)),
                     ("log", ({"loss": 0.2, "dev": 80}, 9)), ("finish", ())]),
        ("mlflow", [("set_experiment", ("here",)), ("start_run", (NAME,)), ("log_metrics", ({"loss": 0.5}, 3)),
                    ("log_metrics", ({"loss": 0.2, "dev": 80}, 9)), ("end_run", ())]),
        ("tensorboardX", [("SummaryWriter", (str(Path("here").absolute() / NAME), 3, 10)),
                          ("add_scalar", ("loss", 0.5, 3)), ("add_scalar", ("loss", 0.2, 9)),
                          ("add_scalar", ("dev", 80, 9)), ("close", ())]),
    ],
    indirect=["library"],
)  # fmt: skip
def test_numbers_go_to_the_library_and_on(library: Fake, calls: list[tuple[str, Any]]) -> None:
    told = Told()
    with curves.followed(STAGE, told) as progress:
        report(progress)
    assert library.calls == calls and told == REPORTS


def test_a_stage_that_is_computed_is_followed_and_one_that_is_found_is_not(
    library: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(stage: Stage, store: Any, lease: Any, progress: Progress, device: str, devices: Any) -> str:
        report(progress)
        return "artifact"

    monkeypatch.setattr(execute, "_make", make)
    store, told = ArtifactStore(str(tmp_path)), Told()
    assert execute.execute(STAGE, store, told) == ("artifact", False)
    assert told == REPORTS and [what for what, _ in library.calls] == ["init", "log", "log", "finish"]
    monkeypatch.setattr(store, "find", lambda key: "found")
    assert execute.execute(STAGE, store, told) == ("found", True)
    assert len(library.calls) == 4


def test_without_the_setting_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_CURVES", raising=False)
    threads, told = threading.active_count(), Told()
    with curves.followed(STAGE, told) as progress:
        assert progress is told and threading.active_count() == threads


def test_a_stage_without_numbers_opens_nothing(library: Fake) -> None:
    with curves.followed(STAGE, Told()) as progress:
        progress("predict", 1, 2)
    assert not library.calls


@pytest.mark.parametrize("fails", ["init", "log", "finish"])
def test_a_failing_tracker_is_reported_once_and_fails_nothing(
    fails: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed(monkeypatch, Fake("wandb", fails))
    told = Told()
    with curves.followed(STAGE, told) as progress:
        report(progress)
    assert told == REPORTS
    assert caplog.messages == [f"curves: wandb failed (ConnectionError: {fails}: no server); the stage is not affected"]


def test_a_stage_does_not_wait_for_a_tracker_that_hangs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    going_on = threading.Event()
    installed(monkeypatch, Fake("wandb", hangs=going_on))
    monkeypatch.setattr(curves, "_PATIENCE", 0.05)
    monkeypatch.setattr(curves, "_MOST_WAITING", 2)
    told, began = Told(), time.monotonic()
    with curves.followed(STAGE, told) as progress:
        for _ in range(5):
            report(progress)
    assert len(told) == 15 and time.monotonic() - began < 5
    assert caplog.messages == ["curves: wandb did not take everything in time; the stage is not affected"]
    going_on.set()


def test_an_error_of_the_stage_stays_what_it_is(library: Fake) -> None:
    with pytest.raises(ZeroDivisionError), curves.followed(STAGE, Told()) as progress:
        report(progress)
        1 / 0  # noqa: B018
    assert library.calls[-1] == ("finish", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paper", "XTRANSFER_CURVES: 'paper' is not one of tensorboard, trackio, mlflow, wandb"),
        ("wandb:mine", "XTRANSFER_CURVES: wandb is not installed; pip install wandb, or unset it"),
        ("tensorboard", r"tensorboard is not installed; pip install 'xtransfer\[curves\]'"),
    ],
)
def test_planning_says_what_is_missing_and_a_stage_runs_without(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XTRANSFER_CURVES", text)
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=said):
        grid.plan(STUDIES["lab"].shrunk())
    with curves.followed(STAGE, Told()) as progress:
        report(progress)
    assert len(caplog.messages) == 1 and caplog.messages[0].startswith("no curves: XTRANSFER_CURVES")


def test_a_training_gives_loss_rate_speed_and_dev_scores_and_stays_the_same(
    library: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    values = {**RECIPE.model_dump(), "epochs": None, "steps": 4, "select": "best", "evaluate_every": 2}
    recipe, rows = type(RECIPE).model_validate(values), pair_rows(24)

    def train(name: str, progress: Progress) -> Mapping[str, Any]:
        out, state = tmp_path / name, tmp_path / f"{name}-state"
        return finetune.finetune(encoder, [(PAIR, rows)], recipe, 0, out, state, progress, dev=(PAIR, rows))

    with curves.followed(STAGE, Told()) as progress:
        watched = train("watched", progress)
    alone = train("alone", Told())
    sent = [(step, set(numbers)) for what, (numbers, step) in library.calls[1:-1] if what == "log"]
    dev = {f"dev_{PAIR.metric}"}
    assert sent == [(2, dev), (4, dev), (4, {"loss", "rate", "tokens_per_second"})]
    assert watched["losses"] == alone["losses"] and watched["dev"] == alone["dev"]
    assert not {name for name in watched if "curve" in name or "token" in name}
    last = library.calls[-2][1][0]
    assert last["tokens_per_second"] > 0


def test_tensorboard_reads_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("XTRANSFER_CURVES", f"tensorboard:{tmp_path}")
    with curves.followed(STAGE, Told()) as progress:
        report(progress)
    with curves.followed(STAGE, Told()) as progress:  # resumed from step 5
        progress("training", 6, 9, {"loss": 0.3})
    (folder,) = tmp_path.iterdir()
    assert folder.name == NAME
    read = EventAccumulator(str(folder))
    read.Reload()
    assert [(one.step, round(one.value, 3)) for one in read.Scalars("loss")] == [(3, 0.5), (6, 0.3)]
