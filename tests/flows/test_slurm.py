"""Studies as SLURM job arrays: the scripts, and a cluster of three nodes on which tasks are stopped and cancelled."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.postgres import NoServer, server
from tests.running import MINUTES, QUICK, ROOT, Ran, score_rows, wait_for, xtransfer
from tests.slurm import Cluster, NoCluster, cluster, missing

_URL = "postgresql+psycopg://me@host/results"


def asked(home: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return xtransfer(home, "slurm", QUICK, "--to", str(home.parent / "a job"), *more, **environment)


def test_the_scripts_have_what_was_asked_and_no_password(tmp_path: Path) -> None:
    places = {"XTRANSFER_STORE": str(tmp_path / "a store"), "XTRANSFER_DATABASE_URL": _URL}
    options = ("--sbatch=--partition=gpu", '--sbatch=--comment="a b"', "--setup", "module load cuda")
    more = ("--gpus", "2", "--hours", "12", *options, "--dry-run")
    done = asked(tmp_path / "home", *more, **places)
    assert done.returncode == 0, done.stderr
    store = f"export XTRANSFER_STORE='{tmp_path / 'a store'}'"
    for line in ("#SBATCH --array=1-7", "#SBATCH --time=720", "#SBATCH --gpus-per-task=2", "#SBATCH --partition=gpu",
                 '#SBATCH --comment="a b"', "#SBATCH --signal=B:TERM@120", "#SBATCH --requeue", "module load cuda",
                 store, f"export XTRANSFER_DATABASE_URL={_URL}"):  # fmt: skip
        assert line in done.stdout.splitlines(), line
    assert "--workers" not in done.stdout and not (tmp_path / "a job").exists()
    for script in done.stdout.split("# " + str(tmp_path / "a job"))[1:]:
        subprocess.run(["bash", "-n"], input=script.partition("\n")[2], text=True, check=True)
    secret = asked(tmp_path / "home", "--dry-run", **places | {"XTRANSFER_DATABASE_URL": _URL.replace("me", "me:pw")})
    assert secret.returncode == 0 and "pw" not in secret.stdout and "DATABASE_URL" not in secret.stdout
    assert f'#SBATCH --chdir="{ROOT}"' in secret.stdout


@pytest.mark.parametrize(
    ("places", "more", "words"),
    [
        ({}, (), "set XTRANSFER_STORE to a folder that all nodes mount, or to a URL such as s3://; set XTRANSFER_DATA"),
        (
            {"XTRANSFER_STORE": "/s"},
            ("--tasks", "1"),
            "also a file on a disk that they mount, sqlite:////shared/results.db",
        ),
        ({"XTRANSFER_STORE": "/s", "XTRANSFER_DATABASE_URL": "sqlite:////r.db"}, (), "7 tasks need PostgreSQL"),
        ({"XTRANSFER_STORE": "/s", "XTRANSFER_DATABASE_URL": _URL}, ("--sbatch", "gpu"), "write one option of sbatch"),
        ({"XTRANSFER_STORE": "/s", "XTRANSFER_DATABASE_URL": _URL}, ("--sbatch=-p gpu; rm x",), "write one option"),
        ({"XTRANSFER_STORE": "/s", "XTRANSFER_DATABASE_URL": _URL}, ("--to", "/a %j"), "SLURM reads '%' in a path"),
        ({"XTRANSFER_STORE": "/s", "XTRANSFER_DATABASE_URL": _URL, "PATH": "/nowhere"}, (), "no such program here"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, places: dict[str, str], more: tuple[str, ...], words: str) -> None:
    done = asked(tmp_path / "home", *more, **places)
    assert done.returncode == 2 and words in " ".join(done.stderr.split()), done.stderr
    assert not (tmp_path / "a job").exists()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    if reason := missing():
        pytest.skip(reason)
    try:
        with cluster() as found:
            yield found
    except NoCluster as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.storm
def test_tasks_share_a_study_and_one_that_is_stopped_comes_back(nodes: Cluster, small_lab: Ran, tmp_path: Path) -> None:
    try:
        with server("fsync=off") as url:
            _run(nodes, small_lab, tmp_path, url)
    except NoServer as error:
        pytest.skip(str(error))


def _run(nodes: Cluster, small_lab: Ran, tmp_path: Path, url: str) -> None:
    places = {**nodes.environment, "XTRANSFER_STORE": str(tmp_path / "store"), "XTRANSFER_DATABASE_URL": url,
              "TMPDIR": str(tmp_path)}  # fmt: skip
    job = tmp_path / "a job"
    done = asked(tmp_path / "home", "--tasks", "3", "--cpus", "1", "--hours", "1", **places)
    assert done.returncode == 0, done.stderr
    array = done.stdout.partition("array ")[2].partition(" ")[0]
    log = lambda task: job / "logs" / f"{array}_{task}.log"  # noqa: E731
    wait_for(lambda: log(3).exists() and "running" in log(3).read_text(), 5 * MINUTES)
    nodes.ask("scancel", f"{array}_1")
    last = f"{array}_3"  # its job has the number of the whole array
    where = nodes.ask("squeue", "--noheader", "--job", last, "--format=%N")
    nodes.ask("scontrol", "update", f"nodename={where}", "state=drain", "reason=test")
    nodes.ask("scancel", "--batch", "--signal=TERM", last)  # as ahead of a time limit
    wait_for(lambda: "queued again" in log(3).read_text(), 5 * MINUTES)
    wait_for(lambda: "restart 1" in log(3).read_text(), 5 * MINUTES)
    assert nodes.ask("squeue", "--noheader", "--job", last, "--format=%N") not in ("", where), "a drained node"
    wait_for(lambda: (job / "report" / "report.html").exists(), 20 * MINUTES)
    states = nodes.states(array)
    assert states[f"{array}_1"] == "CANCELLED", "it does not come back"
    assert {states[f"{array}_{task}"] for task in (2, 3)} == {"COMPLETED"}
    assert "Stopped. Finished stages are kept" in log(3).read_text()
    assert not list(tmp_path.glob(f"xtransfer-*-{array}-[23]")), "what a task that is done had on its node"
    assert score_rows(tmp_path / "home", XTRANSFER_DATABASE_URL=url) == small_lab.rows()
