"""Killed at named places, and started several times at once: the same rows as undisturbed, every stage made once."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.places import GROUPS, Undisturbed, check, finish, storm, takeover
from tests.crash.study import ENCODER, Place
from tests.running import Ran, xtransfer

pytestmark = pytest.mark.slow
_STORM = pytest.mark.storm
_SEEDS = [10]


@pytest.fixture(scope="module")
def undisturbed(small_lab: Ran, prefect: str, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    place = _place(tmp_path_factory.mktemp("undisturbed"), prefect, small_lab)
    found = Undisturbed.of(place)
    assert found.stages == len(place.plan()) - 1
    return found


def _place(folder: Path, api: str, small_lab: Ran, **more: str) -> Place:
    """A place that has its encoder, whose pretraining takes longer than all the rest."""
    place = Place(folder, api, _SEEDS, **more)
    small_lab.give_encoder(folder / "artifacts")
    return place


# `python -m tests.crash --kills 100` does more
@pytest.mark.parametrize(
    "kills",
    [
        {"stage": 1, "record-cell-written": 1},
        pytest.param({place: 1 for places in GROUPS.values() for place in places}, marks=_STORM),
    ],
    ids=["some", "all"],
)
def test_kills_change_no_row_and_leave_nothing(
    undisturbed: Undisturbed, small_lab: Ran, prefect: str, tmp_path: Path, kills: dict[str, int]
) -> None:
    hit = storm(_place(tmp_path, prefect, small_lab), Counter(kills), random.Random(1), undisturbed)
    assert hit
    # a stage, or a run, may have ended before the moment that was drawn for it
    assert set(Counter(kills) - hit) <= {"stage", "run"} and not hit - Counter(kills)


@_STORM
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_while_taking_over_from_a_killed_run(
    undisturbed: Undisturbed,
    small_lab: Ran,
    prefect: str,
    tmp_path: Path,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    place, draw = _place(tmp_path, prefect, small_lab, **_database(kind, request)), random.Random(1)
    assert any(takeover(place, draw, undisturbed) for _ in range(3))
    finish(place)
    check(place, undisturbed)


@pytest.mark.parametrize(
    ("processes", "kind"),
    [(4, "sqlite"), pytest.param(8, "sqlite", marks=_STORM), pytest.param(8, "postgresql", marks=_STORM)],
)
def test_several_processes_make_every_stage_once(
    undisturbed: Undisturbed,
    small_lab: Ran,
    prefect: str,
    tmp_path: Path,
    processes: int,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    place = _place(tmp_path, prefect, small_lab, **_database(kind, request))
    ran: list[str] = []
    runs = [place.start() for _ in range(processes)]
    for run in runs:
        ran += _ran(run, place)
    ran.append(ENCODER)
    assert sorted(ran) == sorted(place.plan())
    made = [artifact.manifest.name for key in place.store.keys() if (artifact := place.store.find(key))]  # noqa: SIM118
    assert sorted(made) == sorted(ran)
    assert place.rows() == undisturbed.rows and place.faults() == []


@_STORM
def test_two_homes_with_one_store_make_every_stage_once(
    undisturbed: Undisturbed, small_lab: Ran, prefect: str, tmp_path: Path
) -> None:
    """Each has a database of its own, which is whole at the end, and neither removes what the other needs."""
    store = tmp_path / "shared"
    small_lab.give_encoder(store)
    homes = [Place(tmp_path / name, prefect, _SEEDS, XTRANSFER_STORE=str(store)) for name in ("one", "two")]
    runs = [home.start() for home in homes]
    ran = [_ran(run, home) for run, home in zip(runs, homes, strict=True)]
    assert sorted([ENCODER, *ran[0], *ran[1]]) == sorted(homes[0].plan())
    for home in homes:
        assert home.rows() == undisturbed.rows and home.faults() == []
    removed = xtransfer(homes[0].home, "store", "gc", "--yes", XTRANSFER_STORE=str(store))
    assert removed.returncode == 2 and "two/results.db" in removed.stderr
    assert homes[1].run()["ran"] == []


def _database(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"XTRANSFER_DATABASE_URL": request.getfixturevalue("postgres_url")} if kind == "postgresql" else {}


def _ran(run: subprocess.Popen[str], place: Place) -> list[str]:
    printed, _ = run.communicate(timeout=1800)
    assert run.returncode == 0, place.said()
    names: list[str] = json.loads(printed)["ran"]
    return names
