"""What all tests share: a home of their own, no network, the mirror where there is one."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.prefect_server import prefect_api
from perf.postgres import NoServer, server
from tests.running import QUICK, Ran, cold_xtransfer, copied
from xtransfer.base import languages, precision

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before huggingface_hub is imported; hub tests undo it themselves
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of tiny models wait for each other on a busy machine
os.environ.setdefault("DO_NOT_TRACK", "1")

_counter = itertools.count()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """XTRANSFER_HOME of this test, empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XTRANSFER_HOME", str(folder))
    for name in (
        "XTRANSFER_DATABASE_URL",
        "XTRANSFER_STORE",
        "XTRANSFER_CACHE",
        "XTRANSFER_WORKERS",
        "PREFECT_API_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(languages, "_recorded", {})  # of the databases of other tests
    yield folder


@pytest.fixture(scope="session", autouse=True)
def bf16_on_every_processor() -> Iterator[None]:
    """bf16 is computed in bf16 in this process, also where that is slower."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "faster_in_bf16", lambda: True)
        yield


@pytest.fixture
def hub_dir() -> Path:
    """The mirror of real data; the test is skipped where there is none."""
    folder = os.environ.get("XTRANSFER_HUB_DIR")
    if not folder:
        pytest.skip("XTRANSFER_HUB_DIR names no mirror of real data")
    return Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that the others fill what time is left; of those that wait for a laboratory
    in which an encoder learns, one comes first and makes it, and the others when it is made."""

    def place(item: pytest.Item) -> int:
        if item.get_closest_marker("slow") is None:
            return 2
        waits = "learnt_lab" in getattr(item, "fixturenames", ())
        return int(waits and "test_docs" not in item.nodeid)

    items.sort(key=place)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A failure is printed when it happens: a run that is ended at its limit of time has no summary."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(
            f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext[-4000:]}", file=sys.__stderr__, flush=True
        )


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a test run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def small_lab(run_folder: Path) -> Ran:
    """`xtransfer run quick.yaml` as a user starts it, run by the first worker that asks. Its home is to be read alone:
    who writes takes `own_lab`."""
    return _run_once(run_folder / "a home with spaces", QUICK)


@pytest.fixture(scope="session")
def learnt_lab(run_folder: Path) -> Ran:
    """`xtransfer run lab --small`, whose encoder learns, likewise run once and to be read alone."""
    return _run_once(run_folder / "learnt", "lab", "--small")


def _run_once(folder: Path, *study: str) -> Ran:
    folder.mkdir(exist_ok=True)
    home, said = folder / "x", folder / "said.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            done = cold_xtransfer(home, "run", *study, "--json")
            assert done.returncode == 0, done.stderr
            said.write_text(done.stdout)
    return Ran(home, json.loads(said.read_text()))


@pytest.fixture
def own_lab(small_lab: Ran, tmp_path: Path) -> Path:
    """A copy of the home in which the quick study was run."""
    return copied(small_lab.home, tmp_path / "own home")


@pytest.fixture(scope="session")
def prefect(run_folder: Path) -> Iterator[str]:
    """The URL of a Prefect server that all workers share; for PREFECT_API_URL."""
    with prefect_api(run_folder / "server") as url:
        del os.environ["PREFECT_API_URL"]
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL server."""
    try:
        with server("fsync=off") as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The URL of an empty database of its own."""
    import psycopg

    name = f"results_{next(_counter)}"
    host = postgres.partition("host=")[2]
    with closing(psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")
