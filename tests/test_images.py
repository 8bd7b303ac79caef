"""The images are built and run as compose.yaml has them: a server, and workers that run a study.

Results and leases are in PostgreSQL. The server has its own database in its volume: it needs PostgreSQL's extension
pg_trgm, which the tests' PostgreSQL lacks.

Without XTRANSFER_TEST_IMAGES this skips; tests/images.py says what may be set and what is needed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from perf import postgres
from tests.images import Container, Images, cpu_wheels, images, missing
from tests.running import MINUTES, ROOT, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.storm, pytest.mark.skipif(bool(missing()), reason=missing())]

DOCKER = ROOT / "docker"
SERVICES: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
FILES = {name: Path(one["build"]["dockerfile"]).name for name, one in SERVICES.items() if "build" in one}
WORKERS = ("worker", "worker-cuda")
USER = 10001
PACKAGES = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
WRITABLE = "find / -xdev -type d -writable -not -path '/proc/*' -not -path '/dev*' -not -path '/data/*'"
ASK = """
import base64, sys, urllib.error, urllib.request
url, login = sys.argv[1], sys.argv[2:]
headers = {"Authorization": "Basic " + base64.b64encode(login[0].encode()).decode()} if login else {}
try:
    print(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30).read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
"""


@dataclass(frozen=True)
class Site:
    """Images, secrets and a PostgreSQL server whose socket is in the containers' folder /database."""

    images: Images
    secrets: dict[str, str]
    container: Callable[[str, Path], Container]  # of a service of compose.yaml, with a folder for /data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(DOCKER / "make-secrets", folder)
    subprocess.run([str(folder / "make-secrets")], check=True, capture_output=True)
    secrets = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    rights = folder / "pg_hba.conf"  # what compose.yaml's image has, but for the host's own user
    rights.write_text("local all postgres trust\nlocal all xtransfer scram-sha-256\n")
    rights.chmod(0o644)
    folder.chmod(0o755)
    with ExitStack() as stack:
        url = stack.enter_context(postgres.server())
        database = Path(url.partition("host=")[2])
        _make_databases(database, rights, secrets["database-password"])
        built = stack.enter_context(images())
        index = stack.enter_context(cpu_wheels())

        def container(service: str, data: Path) -> Container:
            began = time.monotonic()
            built.build(_image(service), FILES[service], *(index if service in WORKERS else ()))
            print(f"{_image(service)}: {built.size(_image(service))}, there after {time.monotonic() - began:.0f} s")
            data.mkdir(exist_ok=True)
            os.chown(data, USER, 0)
            places = [f"{data}:/data", f"{database}:/database"]
            places += [f"{folder / 'secrets' / name}:/run/secrets/{name}:ro" for name in SERVICES[service]["secrets"]]
            given = [f"{name}={_here(value)}" for name, value in SERVICES[service]["environment"].items()
                     if name != "PREFECT_API_DATABASE_CONNECTION_URL"]  # fmt: skip
            options = [*(f"--volume={one}" for one in places), *(f"--env={one}" for one in given)]
            return built.container(_image(service), *options)

        yield Site(built, secrets, container)


def _image(service: str) -> str:
    name: str = SERVICES[service]["image"]
    return name


def _here(value: str) -> str:
    """A setting of compose.yaml where all services are on loopback and the database is a socket."""
    return re.sub(r"@database/(\w+)", r"@/\1?host=/database", value).replace("//server:", "//127.0.0.1:")


def _make_databases(folder: Path, rights: Path, password: str) -> None:
    """What PostgreSQL's image does with what compose.yaml gives it."""
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE ROLE xtransfer SUPERUSER LOGIN PASSWORD '{password}'")
        for statement in re.findall(
            r"^CREATE .*;", (DOCKER / "databases.sql").read_text(encoding="utf-8"), re.MULTILINE
        ):
            connection.execute(statement)
        shutil.copy(rights, folder / "data" / "pg_hba.conf")
        connection.execute("SELECT pg_reload_conf()")
    folder.chmod(0o755)  # the containers' users find the socket


@pytest.fixture(scope="module")
def server(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The server, running and healthy; at the end its log has no error and no secret."""
    folder = tmp_path_factory.mktemp("server")
    container, log = site.container("server", folder / "data"), folder / "log"
    with container.started(log) as process:
        wait_for(lambda: process.poll() is not None or container.healthy())
        assert process.poll() is None, log.read_text()
        yield container
    _check_log(log, site)


def _check_log(log: Path, site: Site) -> None:
    said = log.read_text(encoding="utf-8", errors="replace")
    assert not re.search("ERROR|CRITICAL|Traceback", said), said
    _check_no_secret(log, site)


def _check_no_secret(file: Path, site: Site) -> None:
    bytes_ = file.read_bytes()
    for name, secret in site.secrets.items():
        assert secret.rpartition(":")[2].encode() not in bytes_, f"{name} in {file}"


def test_a_server_has_pages_and_a_password(server: Container, site: Site) -> None:
    address = "http://127.0.0.1:4200"
    page = server.output("python", "-c", ASK, address)
    (script,) = re.findall(r'<script [^>]*src="(/[^"]+\.js)"', page)
    assert len(server.output("python", "-c", ASK, address + script)) > 1000
    assert json.loads(server.output("python", "-c", ASK, f"{address}/ui-settings"))["api_url"] == "/api"
    version = f"{address}/api/admin/version"
    assert server.output("python", "-c", ASK, version).strip() == "401"
    assert json.loads(server.output("python", "-c", ASK, version, site.secrets["prefect-login"])) == "3.8.8"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume that the workers share."""
    return tmp_path_factory.mktemp("workers") / "data"


@pytest.mark.parametrize(("service", "seed"), list(zip(WORKERS, (10, 11), strict=True)))
def test_a_worker_runs_a_study(
    service: str, seed: int, server: Container, site: Site, data: Path, tmp_path: Path
) -> None:
    container, log = site.container(service, data), tmp_path / "log"
    assert "run-named-study/study-on-machines" in container.output(*SERVICES["deployments"]["command"])
    run = ["prefect", "deployment", "run", "run-named-study/study-on-machines"]
    run += ["--param", "study=lab", "--param", "small=true", "--param", f"seeds=[{seed}]"]
    run += ["--param", 'encoders=["lab-mini@0"]', "--param", 'settings=["intermediate_rows=480"]']  # the quick study
    with container.started(log) as process:
        wait_for(lambda: process.poll() is not None or container.healthy())
        assert process.poll() is None, log.read_text()
        began = time.monotonic()
        container.output(*run, "--watch", "--watch-timeout", str(15 * MINUTES))
        print(f"{service}: the quick study ran in {time.monotonic() - began:.0f} s")
        query = f"SELECT DISTINCT status FROM cell WHERE seed = {seed}"
        rows = json.loads(container.output("xtransfer", "results", "sql", query, "--format", "json"))
        assert rows and {row["status"] for row in rows} <= {"done", "degenerate"}
    _check_log(log, site)
    for file in (path for path in data.rglob("*") if path.is_file()):
        assert file.stat().st_uid == USER
        _check_no_secret(file, site)


@pytest.mark.parametrize("service", ["server", *WORKERS])
def test_an_image_lists_all_that_it_contains(service: str, site: Site, tmp_path: Path) -> None:
    container = site.container(service, tmp_path / "data")
    listed = json.loads(container.output("sh", "-c", 'cat "$(dirname "$(command -v prefect)")/../sbom.cdx.json"'))
    assert listed["bomFormat"] == "CycloneDX"
    named = {one["name"]: one["version"] for one in listed["components"]}
    assert named == json.loads(container.output("python", "-c", PACKAGES))
    assert sum(bool(one.get("licenses")) for one in listed["components"]) > 0.9 * len(named)
    wanted = {"prefect", "asyncpg"} if service == "server" else {"xtransfer", "torch", "protobuf", "peft", "psycopg"}
    assert wanted <= set(named) and ("nvidia-cublas-cu12" in named) == (service == "worker-cuda")


@pytest.mark.parametrize("service", ["server", *WORKERS])
def test_its_user_writes_to_data_and_temporary_folders_alone(service: str, site: Site, tmp_path: Path) -> None:
    container = site.container(service, tmp_path / "data")
    assert container.output("id", "-u").strip() == str(USER)
    found = set(container.run("sh", "-c", f"{WRITABLE} 2>/dev/null").stdout.split())  # find may not look everywhere
    assert found - {"/data"} <= {"/tmp", "/var/tmp", "/run/lock"}
    assert container.output("sh", "-c", "echo ~").strip() == "/data"
