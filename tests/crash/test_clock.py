"""A wall clock that is set by hours, forwards and back, while a process runs: a library loaded before all others
shifts what the process reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.places import wait_until_gone
from tests.crash.study import ENCODER, Place
from tests.running import ROOT, Ran, environment, wait_for

_HOURS = 7 * 3600
_STAGE = """
import sys, time
from pathlib import Path
from tests.standin.loose import Loose
from xtransfer.base.stage import StageKind, nothing
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore

def run(settings, work):
    before = time.time()
    Path(sys.argv[2]).write_text(sys.argv[3])
    assert abs(time.time() - before - int(sys.argv[3])) < 60, "the clock was not set"
    return {}

STAGES["loose"] = StageKind(Loose, run, nothing, seconds=1)
artifact, cached = execute(Loose().stage("something odd"), ArtifactStore(sys.argv[1]))
print(artifact.manifest.seconds)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What shifts the clock, compiled."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("no C compiler")
    made = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True, timeout=60)
    return made


@pytest.fixture
def clock(library: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose clock is set by the seconds in a file."""
    (tmp_path / "shift").write_text("0")
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(tmp_path / "shift")}


@pytest.mark.parametrize("seconds", [_HOURS, -_HOURS])
def test_a_stage_takes_as_long_as_it_takes(tmp_path: Path, clock: dict[str, str], seconds: int) -> None:
    command = [sys.executable, "-c", _STAGE, str(tmp_path / "store"), clock["CLOCK_SHIFT"], str(seconds)]
    variables = environment(tmp_path / "home", clock)
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 <= float(done.stdout) < 60


@pytest.mark.slow
@pytest.mark.storm
def test_a_clock_that_jumps_changes_no_row(small_lab: Ran, prefect: str, tmp_path: Path, clock: dict[str, str]) -> None:
    straight, jumping = (Place(tmp_path / name, prefect, [10]) for name in ("straight", "jumping"))
    jumping.environment |= clock
    for place in (straight, jumping):
        small_lab.give_encoder(place.home / "artifacts")
    straight.run()
    runs = [jumping.start() for _ in range(2)]
    for made, shift in enumerate((_HOURS, -_HOURS, 0, 2 * _HOURS, -_HOURS), 2):
        wait_for(lambda made=made: len([*jumping.store.keys()]) >= made)  # type: ignore[misc]
        Path(clock["CLOCK_SHIFT"]).write_text(str(shift))
    said = [run.communicate(timeout=900)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], jumping.said()
    names = sorted(name for one in said for name in json.loads(one)["ran"])
    assert sorted([ENCODER, *names]) == sorted(straight.plan())
    wait_until_gone(jumping)
    assert jumping.faults() == [] and jumping.rows() == straight.rows() and not jumping.run()["ran"]
    took = [found.manifest.seconds for key in [*jumping.store.keys()] if (found := jumping.store.find(key))]
    assert all(0 <= seconds < 600 for seconds in took)
