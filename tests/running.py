"""The command line run as a user would, and one small laboratory study that many tests look at."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, TypeVar

import psutil

from flows import password
from tests.warm import programs
from xtransfer.study.study import Study

ROOT = Path(__file__).parents[1]
MINUTES = 60
QUICK = str(ROOT / "tests" / "quick.yaml")  # a study of seconds, which learns nothing
T = TypeVar("T")


def xtransfer(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, which starts warm; `more` goes into its environment."""
    return _run([str(programs() / "xtransfer"), *arguments], home, more)


def cold_xtransfer(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The same as a user starts it, which takes seconds longer."""
    return _run([sys.executable, "-m", "flows.cli", *arguments], home, more)


def _run(command: list[str], home: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(home, more),
        capture_output=True,
        text=True,
        timeout=20 * MINUTES,
        check=False,
    )


def environment(home: Path, more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XTRANSFER_", "PREFECT_"))}
    if "PREFECT_API_URL" in more and password.CLIENT in os.environ:  # the key of the server that all tests share
        kept[password.CLIENT] = os.environ[password.CLIENT]
    return {**kept, "XTRANSFER_HOME": str(home), "COLUMNS": "200", **more}


def lab_study(**fields: object) -> Study:
    """A study of the laboratory that is planned and not run, with some fields replaced."""
    values = {"name": "one", "encoders": ["lab-tiny@0"], "intermediates": ["direct", "lab-nli@en"],
              "targets": ["lab-inference"], "seeds": [0, 1, 2, 3]}  # fmt: skip
    return Study.model_validate(values | fields)


def give_stages(home: Path, to: Path) -> None:
    """Copy the artifacts of a home into another's store, which stays unknown to the first one's database."""
    shutil.copytree(home / "artifacts", to / "artifacts", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))


def copied(home: Path, to: Path) -> Path:
    """A copy of a home, whose database is the one that its store knows."""
    from xtransfer.results.database import open_database
    from xtransfer.results.users import announce
    from xtransfer.store.artifacts import ArtifactStore

    shutil.copytree(home, to)
    with open_database(f"sqlite:///{to / 'results.db'}") as database:
        announce(database, ArtifactStore(str(to / "artifacts")))
    return to


@cache
def forks() -> BaseContext:
    """Processes for parts of a test: forked from a server that has our modules and, unlike a test process, no threads.
    They have the environment of the first call, not of the test."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["psycopg", "tests.results.test_write", "tests.checkpoints.test_claims"])
    return context


def as_another_user(folder: Path, ask: Callable[[], str]) -> str:
    """What `ask`, a function of a module, answers in `folder`, by another user where we are root."""
    folder.chmod(0o777)
    answers = forks().SimpleQueue()
    process = forks().Process(target=_answer, args=(folder, ask, answers))
    process.start()
    process.join()
    assert process.exitcode == 0
    return str(answers.get())


def _answer(folder: Path, ask: Callable[[], str], answers: Any) -> None:
    os.chdir(folder)  # the folders above are closed to others
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    answers.put(ask())


def wait_for(true: Callable[[], T], seconds: float = 8 * MINUTES) -> T:
    """What `true` gives, once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)
    return found


def processes_of(home: Path) -> dict[int, str]:
    """Process id → command line of what was started for a home and has not ended."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("XTRANSFER_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def stages_of(home: Path) -> list[int]:
    """Ids of the processes that run stages of a home, and of their servers."""
    return [pid for pid, command in processes_of(home).items() if "xtransfer.stages.server" in command]


@dataclass(frozen=True)
class Ran:
    """A home in which `lab --small` was run, and what the run printed."""

    home: Path
    output: dict[str, Any]

    def rows(self) -> list[tuple[Any, ...]]:
        return score_rows(self.home)

    def give_encoder(self, store: Path) -> None:
        """Put the study's pretrained encoder, which takes most of its time, into a store of its own."""
        shutil.copytree(found := artifact(self.home, "pretrain lab-mini@0"), store / found.parent.name / found.name)


def score_rows(home: Path, **more: str) -> list[tuple[Any, ...]]:
    """Every score of a home, or of the database that `more` of the environment names; without times."""
    query = (
        "SELECT c.encoder, c.intermediate, c.target, c.seed, c.status, s.language, s.split, s.metric, s.value, s.n "
        "FROM score s JOIN cell c ON c.key = s.cell ORDER BY 1, 2, 3, 4, 6, 7, 8"
    )
    done = xtransfer(home, "results", "sql", query, "--format", "json", **more)
    assert done.returncode == 0, done.stderr
    return [tuple(row.values()) for row in json.loads(done.stdout)]


def trained(home: Path) -> Path:
    """The checkpoint of `train lab-inference after direct seed 10`."""
    return artifact(home, "train lab-inference after direct seed 10")


def artifact(home: Path, name: str) -> Path:
    """The folder of what a stage made."""
    for manifest in (home / "artifacts").glob("*/*/manifest.json"):
        if json.loads(manifest.read_text())["name"].startswith(name):
            return manifest.parent
    raise AssertionError(f"the store has nothing of '{name}'")
