"""Images and compose file: what a linter says, and that they name what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.serving import machines
from flows.serving.deploy import declared, flow_of
from tests import test_kubernetes as kubernetes
from tests.running import ROOT

DOCKER = ROOT / "docker"
IMAGES = sorted(DOCKER.glob("*.Dockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SOURCE = "\n".join(
    path.read_text(encoding="utf-8") for folder in ("xtransfer", "flows") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.stem)
def test_the_linter_has_nothing_to_say(image: Path) -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed: pip install 'xtransfer[dev]'")
    command = [program, "--failure-threshold", "style", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.stem)
def test_images_are_pinned_small_and_not_root(image: Path) -> None:
    text = image.read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2 and all(re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+-slim-bookworm", base) for base in bases)
    last = text.rpartition("\nFROM ")[2]
    assert "USER 10001\n" in last and "HEALTHCHECK" in last and "pip install" not in last
    assert "PIP_NO_CACHE_DIR=1" in text
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for name, version in re.findall(r"(?<![\w-])([a-z]+)==([0-9.]+)", text):
        assert f"{name}=={version}" in pinned
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / one).exists() for one in source.split())


def test_what_is_copied_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    for image in IMAGES:
        for source in re.findall(r"^COPY (?!--from)(.+) \S+$", image.read_text(encoding="utf-8"), re.MULTILINE):
            assert set(source.split()) <= sent


def test_compose_listens_on_loopback_and_bakes_no_secret() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert "no-new-privileges:true" in service["security_opt"]
        assert not service["image"].endswith(":latest") and ":" in service["image"]
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|AUTH|SECRET", variable):
                assert variable.endswith("_FILE") and value.removeprefix("/run/secrets/") in service["secrets"]
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value))
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        if "build" in service:
            assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_compose_waits_for_services_that_exist_and_are_checked() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in services
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other] or "build" in services[other]
    assert services["deployments"]["command"] == ["python", "-m", machines.__name__]


def test_variables_of_containers_are_read_by_somebody() -> None:
    named = {variable for service in COMPOSE["services"].values() for variable in service["environment"]}
    named |= set(kubernetes.only("ConfigMap")["data"])
    for image in IMAGES:
        named |= set(re.findall(r"\b(XTRANSFER_[A-Z_]+)=", image.read_text(encoding="utf-8")))
    ours = {variable for variable in named if variable.startswith("XTRANSFER_")}
    assert ours and all(f'"{variable}"' in SOURCE for variable in ours)


def test_the_deployment_for_machines_names_a_flow_and_its_pool() -> None:
    (one,) = declared(machines.FILE)
    assert flow_of(one["entrypoint"]).name == "run-named-study"
    assert one["work_pool"]["name"] == machines.POOL
    assert "concurrency_limit" not in one  # runs of one study work together
    for image in IMAGES:
        if image.stem.startswith("worker"):
            assert f'"--pool", "{machines.POOL}"' in image.read_text(encoding="utf-8")


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("pa ss$word\nignored")
    script = str(DOCKER / "with-secrets")
    show = ["sh", "-c", 'printf %s "$ONE"; test -z "${ONE_FILE:-}"']
    done = subprocess.run(
        [script, *show],
        env={"PATH": "/usr/bin:/bin", "ONE_FILE": str(tmp_path / "one")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "pa ss$word"), done.stderr
    gone = subprocess.run(
        [script, *show], env={"PATH": "/usr/bin:/bin", "ONE_FILE": "/gone"}, capture_output=True, text=True
    )
    assert gone.returncode == 2 and "ONE_FILE names /gone" in gone.stderr


def test_files_that_programs_read_themselves_are_no_secrets(tmp_path: Path) -> None:
    own = ("SSL_CERT_FILE", "PREFECT_API_SSL_CERT_FILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
           "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")  # fmt: skip
    (tmp_path / "key").write_text("secret")
    given = {"AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "key"), **dict.fromkeys(own, "/a/file")}
    done = subprocess.run(
        [str(DOCKER / "with-secrets"), "env"], env={"PATH": "/usr/bin:/bin", **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert {name: seen.get(name) for name in own} == dict.fromkeys(own, "/a/file")
    assert seen["AWS_SECRET_ACCESS_KEY"] == "secret" and "AWS_SECRET_ACCESS_KEY_FILE" not in seen


def test_secrets_are_made_once(tmp_path: Path) -> None:
    shutil.copy(DOCKER / "make-secrets", tmp_path)
    texts = []
    for _ in range(2):
        subprocess.run([str(tmp_path / "make-secrets")], check=True, capture_output=True)
        texts.append({file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()})
    assert texts[0] == texts[1]
    assert set(texts[0]) == set(COMPOSE["secrets"])
    assert re.fullmatch(r"admin:[0-9a-f]{48}", texts[0]["prefect-login"])
