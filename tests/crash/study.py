"""The study that is killed: the laboratory's, with so few rows that a stage takes seconds; run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from flows import password
from tests.running import ROOT, environment, processes_of
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore

ENCODER = "pretrain lab-mini@0"  # a stage of the study
STUDY = """\
name: killed
encoders: [lab-mini@0]
intermediates: [direct, lab-nli@en]
targets:
  - {benchmark: lab-inference, train_rows: 320, score_rows: 60}
  - {benchmark: lab-retrieval, score_rows: 60}
intermediate_rows: 160
intermediate_recipe: {epochs: 2, batch_size: 16, learning_rate: 5.0e-4, max_length: 64, dropout: 0.0}
target_recipe: {epochs: 2, batch_size: 16, learning_rate: 3.0e-4, max_length: 64, dropout: 0.0, head: carry}
"""
_ROWS = (
    "SELECT c.encoder, c.intermediate, c.target, c.seed, c.status, s.language, s.split, s.metric, s.value, s.n, s.low, "
    "s.high FROM cell c LEFT JOIN score s ON s.cell = c.key ORDER BY 1, 2, 3, 4, 6, 7, 8"
)


class Place:
    """A home of its own, and one Prefect server that all of its runs use."""

    def __init__(self, home: Path, api: str, seeds: Sequence[int] = (10, 11), **more: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.study = home / "killed.yaml"
        self.study.write_text(f"{STUDY}seeds: {list(seeds)}\n")
        server = {"PREFECT_API_URL": api, password.CLIENT: os.environ[password.CLIENT]}
        self.environment = environment(home, {**server, "PREFECT_HOME": str(home / "prefect"), **more})
        self._log = home / "runs.log"

    def start(self) -> subprocess.Popen[str]:
        """A run in a process of its own. One slot, so that each stage has the threads that it has in every other run:
        a sum over other threads may differ in its last digit."""
        command = [sys.executable, "-m", "flows.cli", "run", str(self.study), "--workers", "1", "--json"]
        with self._log.open("a") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def run(self) -> dict[str, Any]:
        """A run to its end; what it printed. Raises AssertionError where it failed."""
        with self.start() as process:
            printed, _ = process.communicate(timeout=900)
        assert process.returncode == 0, self.said()
        found: dict[str, Any] = json.loads(printed)
        return found

    def plan(self) -> list[str]:
        """Names of the stages."""
        command = [sys.executable, "-m", "flows.cli", "plan", str(self.study), "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True, timeout=300
        )
        return [stage["name"] for stage in json.loads(done.stdout)["stages"]]

    def said(self) -> str:
        return self._log.read_text()[-4000:] if self._log.exists() else ""

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.environment.get("XTRANSFER_STORE", str(self.home / "artifacts")))

    @property
    def database_url(self) -> str:
        return self.environment.get("XTRANSFER_DATABASE_URL", f"sqlite:///{self.home / 'results.db'}")

    def rows(self) -> list[tuple[Any, ...]]:
        """Every score, and every cell without one."""
        with open_database(self.database_url, read_only=True) as database, database.begin() as connection:
            return [tuple(row) for row in connection.execute(text(_ROWS))]

    def processes(self) -> dict[int, str]:
        """Process id → kind of what runs for this home: flow, server or stage."""
        found = processes_of(self.home)
        return {pid: _kind(pid, command, found) for pid, command in found.items()}

    def faults(self) -> list[str]:
        """What should not be there once nothing runs any more."""
        store = self.store
        keys = [*store.keys()]
        found = [f"process {pid} ({kind}) is left" for pid, kind in self.processes().items()]
        found += [f"unfinished stage {key}" for key in store.unfinished()]
        found += [f"artifact {key}: {wrong}" for key in keys for wrong in store.verify(key)]
        with _database(self.database_url):
            found += [f"lease on {key} is held" for key in sorted(store.made_elsewhere(keys))]
        written = [*(self.home / "reports").rglob(".*"), *self.home.rglob("*partial*")]
        found += [f"half-written {one}" for one in written if one.is_file() and one.name != ".made-from"]
        return found


@contextmanager
def _database(url: str) -> Iterator[None]:
    """Leases are asked for where the results are."""
    before = os.environ.get("XTRANSFER_DATABASE_URL")
    os.environ["XTRANSFER_DATABASE_URL"] = url
    try:
        yield
    finally:
        os.environ.pop("XTRANSFER_DATABASE_URL")
        if before is not None:
            os.environ["XTRANSFER_DATABASE_URL"] = before


def _kind(pid: int, command: str, known: dict[int, str]) -> str:
    """A stage is a fork of a stage server: it has its command line, and another parent than a run."""
    if "xtransfer.stages.server" not in command:
        return "flow"
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return "stage"
    return "stage" if "xtransfer.stages.server" in known.get(parent, "xtransfer.stages.server") else "server"
