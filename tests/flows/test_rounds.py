"""Running a study by rounds: what runs next, budgets, and that its grid stays as it began."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect import flow
from prefect.context import FlowRunContext
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_rounds import _part, _where_this_runs, run_round
from tests.running import QUICK, Ran, lab_study, xtransfer
from xtransfer.base.errors import RequestError
from xtransfer.planning.budget import Budget, Spent
from xtransfer.planning.study_check import check

_BY_ROUNDS = ("--set", "target=lab-inference", "--set", "seeds=[10,11,12,13]", "--until", "decided")


GRID = lab_study(
    intermediates=["direct", "lab-nli@en", "lab-nli@de"],
    targets=["lab-inference", "lab-retrieval"],
    seeds=[7, 3, 5, 4],
    rounds={"target": "lab-inference"},
)


def test_a_round_is_the_part_of_the_grid_that_the_look_needs() -> None:
    part = _part(GRID, (3, 4, 4))
    assert [one.slug for one in part.intermediates] == ["lab-nli@en", "lab-nli@de"]
    assert [one.slug for one in part.targets] == ["lab-inference"] and part.seeds == (3, 4, 5, 7)
    assert _part(GRID, (3, 3, 3)).seeds == (3, 4, 5)


def test_a_round_of_some_intermediates_keeps_the_prior_of_all() -> None:
    """The study's settings are those of each of its rounds, so that a round extends the recorded study."""
    rounds = {"target": "lab-inference", "prior": {"lab-nli@en": [3, 1], "direct": [0, 1], "lab-nli@de": [-3, 1]}}
    part = _part(GRID.with_settings({"rounds": rounds}), (3, 3, 0))
    assert part.rounds is not None and len(part.rounds.prior) == 3
    assert [one.slug for one in part.intermediates] == ["direct", "lab-nli@en"]
    check(part)


@pytest.mark.slow
def test_what_is_predicted_to_be_the_best_runs_first(small_lab: Ran, tmp_path: Path) -> None:
    home = tmp_path / "home"
    small_lab.give_encoder(home / "artifacts")
    asked = ("run", QUICK, "--set", "name=first", "--set", "target=lab-inference", "--set", "seeds=[10,11,12]", "--set",
             "intermediates=[direct,lab-nli@en,lab-nli@de]", "--until", "likely", "--json")  # fmt: skip
    prior = ("--set", "rounds={prior: {direct: [0, 0.1], lab-nli@en: [3, 0.1]}}")
    done = xtransfer(home, *asked, *prior, "--budget", "6cells")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [one["why"] for one in said["rounds"]] == [
        "those that are predicted to be the best ran first; the others follow"
    ]
    assert "direct and lab-nli@en ran first, as predicted" in said["verdict"]
    assert {one["intermediate"]: one["n_runs"] for one in said["standing"]}["lab-nli@de"] == 0
    refused = xtransfer(home, *asked)
    assert refused.returncode == 2 and "began with predictions of what runs first: add --prior" in refused.stderr
    whole = xtransfer(home, *asked, *prior)
    assert whole.returncode == 0 and len(json.loads(whole.stdout)["rounds"]) > 1, whole.stderr


def test_runs_may_be_seeds_of_the_encoder() -> None:
    several = GRID.with_settings({"encoders": ["lab-tiny@10", "lab-tiny@2", "lab-tiny@0"], "seeds": [0, 1]})
    part = _part(several, (2, 2, 2))
    assert part.encoders == ("lab-tiny@0", "lab-tiny@2") and part.seeds == (0, 1)


def test_rounds_run_where_the_study_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    @flow(name="outer", task_runner=ThreadPoolTaskRunner(max_workers=7))
    def outer() -> None: ...

    assert _where_this_runs(run_round) is run_round and run_round.on_running_hooks
    monkeypatch.setattr(FlowRunContext, "get", lambda: FlowRunContext.model_construct(flow=outer))
    runner = _where_this_runs(run_round).task_runner
    assert isinstance(runner, ThreadPoolTaskRunner) and runner._max_workers == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4h", Budget(seconds=14400)),
        ("90min", Budget(seconds=5400)),
        ("1.5 hours", Budget(seconds=5400)),
        ("2days", Budget(seconds=172800)),
        ("20gpuh", Budget(work=72000)),
        ("20 GPU hours", Budget(work=72000)),
        ("30cpu-min", Budget(work=1800)),
        ("24cells", Budget(cells=24)),
        ("1 cell", Budget(cells=1)),
    ],
)
def test_a_budget_is_a_time_or_work_or_a_number_of_cells(text: str, expected: Budget) -> None:
    assert Budget.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "4", "h", "0h", "-1h", "1.5cells", "4 GPUs", "4gpu", "4gpucells", "1e3h", "nan h"]
)
def test_another_budget_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="write a time, such as 4h"):
        Budget.parse(text)


def test_a_budget_counts_what_is_spent() -> None:
    hour, work, cells = Budget(seconds=3600), Budget(work=3600), Budget(cells=10)
    half = Spent(1800, 1800, 6)
    for one in (hour, work, cells):
        assert not one.lacks(Spent(1800, 1800, 4), half)
    assert hour.lacks(Spent(seconds=1801), half) == (
        "the next round takes about 30 min 1 s, and the budget has 30 min 0 s left"
    )
    assert work.lacks(Spent(work=1801), half) == (
        "the stages of the next round take about 30 min 1 s, and the budget has 30 min 0 s left"
    )
    assert cells.lacks(Spent(cells=5), half) == "the next round scores 5 cells, and the budget has 4 left"
    assert half + Spent(1, 2, 3) == Spent(1801, 1802, 9)


def test_a_budget_is_for_rounds_alone(tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "home", "run", QUICK, "--budget", "1h")
    assert done.returncode == 2 and "add --until decided" in done.stderr
    done = xtransfer(tmp_path / "home", "run", QUICK, "--until", "decided")
    assert done.returncode == 2 and "name one of lab-inference, lab-retrieval" in done.stderr


@pytest.mark.slow
def test_a_study_runs_by_rounds_and_keeps_its_grid(small_lab: Ran, tmp_path: Path) -> None:
    """Its encoder learns nothing, so the first look has nothing to compare, and no cell of the fourth seed runs.

    Two machines that share a store and a database, as tasks of a SLURM array do, share the stages of its rounds too.
    """
    home = tmp_path / "home"
    small_lab.give_encoder(home / "artifacts")
    done = xtransfer(home, "run", QUICK, *_BY_ROUNDS, "--budget", "5cells")
    assert done.returncode == 2 and "scores 6 cells, and the budget has 5 left; nothing was run" in done.stderr

    shared = {"XTRANSFER_STORE": str(home / "artifacts"), "XTRANSFER_DATABASE_URL": f"sqlite:///{home}/results.db"}
    with ThreadPoolExecutor() as machines:
        other = machines.submit(xtransfer, tmp_path / "beside", "run", QUICK, *_BY_ROUNDS, "--json", **shared)
        done = xtransfer(home, "run", QUICK, *_BY_ROUNDS, "--budget", "6cells", "--json")
    assert done.returncode == other.result().returncode == 0, done.stderr + other.result().stderr
    said, beside = json.loads(done.stdout), json.loads(other.result().stdout)
    assert all(said[part] == beside[part] for part in ("rounds", "standing", "verdict"))
    assert len({*said["ran"], *beside["ran"]}) == len(said["ran"]) + len(beside["ran"]) == 15
    assert [one["why"] for one in said["rounds"]] == ["no two intermediates have two usable runs in common"]
    assert said["rounds"][0]["regret"] is None and {one["state"] for one in said["standing"]} == {"unknown"}
    assert said["verdict"] == "No two intermediates have two usable runs in common after 3 runs of each."
    listed = json.loads(xtransfer(home, "results", "runs", "--study", "quick", "--format", "json").stdout)
    assert sorted(one["seed"] for one in listed if one["status"] == "planned") == [13, 13]

    again = xtransfer(home, "run", QUICK, *_BY_ROUNDS)
    assert again.returncode == 0 and "done in" in again.stdout and ", 0 stages ran" in again.stdout
    assert "no two intermediates have two usable runs in common" in " ".join(again.stdout.split())

    named = xtransfer(home, "run", QUICK, *_BY_ROUNDS, "--set", "name=other")
    assert named.returncode == 0 and ", 0 stages ran" in named.stdout
    listed = json.loads(xtransfer(home, "results", "runs", "--study", "other", "--format", "json").stdout)
    assert len(listed) == 8  # its whole grid is recorded, though it needed none of its stages

    more = xtransfer(home, "run", QUICK, *_BY_ROUNDS, "--set", "seeds=[10,11,12,13,14]")
    assert more.returncode == 2 and "keeps the grid that it began with" in " ".join(more.stderr.split())
    fixed = xtransfer(home, "run", QUICK, "--set", "target=lab-inference", "--set", "seeds=[10,11,12,13]")
    assert fixed.returncode == 2 and "rounds" in fixed.stderr and "--set name=quick-2" in fixed.stderr
