"""Killed at random, and started eight times at once: the same rows as undisturbed, every stage made once."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.prefect_server import prefect_api
from tests.crash.storm import check
from tests.crash.study import Place

pytestmark = pytest.mark.slow
_KILLS = 6  # `python -m tests.crash --kills 100` does more
_PROCESSES = 8


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_api(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(scope="module")
def undisturbed(api: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("undisturbed"), api)
    assert sorted(place.run()["ran"]) == sorted(place.plan())
    return place


def test_random_kills_change_no_row_and_leave_nothing(undisturbed: Place, api: str, tmp_path: Path) -> None:
    killed = check(Place(tmp_path, api), _KILLS, random.Random(1), undisturbed.rows())
    assert killed.total() == _KILLS


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_eight_processes_make_every_stage_once(
    undisturbed: Place, api: str, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    more: dict[str, Any] = {}
    if kind == "postgresql":
        more["XTRANSFER_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    place = Place(tmp_path, api, **more)
    ran: list[str] = []
    runs = [place.start() for _ in range(_PROCESSES)]
    for run in runs:
        ran += _ran(run, place)
    assert sorted(ran) == sorted(place.plan())
    made = [artifact.manifest.name for key in place.store.keys() if (artifact := place.store.find(key))]  # noqa: SIM118
    assert sorted(made) == sorted(ran)
    assert place.rows() == undisturbed.rows() and place.faults() == []


def _ran(run: subprocess.Popen[str], place: Place) -> list[str]:
    printed, _ = run.communicate(timeout=1800)
    assert run.returncode == 0, place.said()
    names: list[str] = json.loads(printed)["ran"]
    return names
