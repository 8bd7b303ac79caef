"""Builds the images of docker/ with buildah and runs their commands in a network of their own, as compose.yaml would.

Opt in with XTRANSFER_TEST_IMAGES, because it takes many minutes and gigabytes of disk:
- XTRANSFER_TEST_IMAGES=1 makes the base image from Debian's packages (mmdebstrap), =pull takes it from its registry;
- XTRANSFER_TEST_WHEELS=FOLDER has the wheel of torch for the CPU, where PyTorch's own index cannot be reached;
- XTRANSFER_TEST_IMAGES_IN=FOLDER keeps the images there, and uses those that are there.
It needs root and Debian's buildah, mmdebstrap and iproute2. STORAGE_DRIVER=vfs works where overlay does not.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

from tests.running import MINUTES, ROOT

OPT_IN, WHEELS, KEPT = "XTRANSFER_TEST_IMAGES", "XTRANSFER_TEST_WHEELS", "XTRANSFER_TEST_IMAGES_IN"
_PROGRAMS = ("buildah", "mmdebstrap", "ip", "unshare", "nsenter")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # the machine's, for what it installs packages through


def missing() -> str:
    """Why no image is built here; '' if they are."""
    if not os.environ.get(OPT_IN):
        return f"building the images takes minutes and gigabytes: set {OPT_IN}=1 (tests/images.py says what it needs)"
    if os.getuid() != 0:
        return "building images here needs root"
    absent = [one for one in _PROGRAMS if shutil.which(one) is None]
    return f"not installed: {', '.join(absent)}; apt-get install buildah mmdebstrap iproute2" if absent else ""


@dataclass(frozen=True)
class Container:
    """A container of an image; all containers see each other on loopback, and no other network."""

    images: Images
    name: str
    config: dict[str, Any]  # of the image, with Entrypoint, Cmd and Healthcheck
    options: tuple[str, ...]

    def _line(self, *command: str) -> list[str]:
        return [*self.images.inside, *self.images.program, "run", *self.options, self.name, "--", *command]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program behind the image's entry point, as `docker compose exec CONTAINER with-secrets` does."""
        line = self._line(*self.config["Entrypoint"], *command)
        return subprocess.run(line, capture_output=True, text=True, timeout=20 * MINUTES, check=False)

    def output(self, *command: str) -> str:
        """What a program prints, which must end well."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def healthy(self) -> bool:
        """What the image's own health check says."""
        kind, *command = self.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return subprocess.run(self._line(*command), capture_output=True, check=False).returncode == 0

    @contextmanager
    def started(self, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Run what the image runs by itself, as its user; what it prints goes to `log`."""
        line = self._line(*self.config["Entrypoint"], *self.config["Cmd"])
        with log.open("wb") as out, subprocess.Popen(line, stdout=out, stderr=out) as process:
            try:
                yield process
            finally:
                _end(process.pid)


@dataclass(frozen=True)
class Images:
    """Images and containers in a folder of their own; `inside` enters the network of the containers."""

    folder: Path
    inside: tuple[str, ...]
    containers: list[str] = field(default_factory=list)  # that were made here

    @property
    def program(self) -> tuple[str, ...]:
        return ("buildah", "--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run"))

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([*self.program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"buildah {arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def has(self, name: str) -> bool:
        return bool(self("images", "--quiet", "--filter", f"reference={name}"))

    def build(self, image: str, file: str, *arguments: str) -> None:
        """Build docker/FILE as it is, unless the image is there."""
        if not self.has(image):
            options = ("--format", "docker", "--network", "host", "--pull-never", *arguments)
            self("build", *options, "--file", str(ROOT / "docker" / file), "--tag", image, str(ROOT))

    def size(self, image: str) -> str:
        return self("images", "--noheading", "--format", "{{.Size}}", image)

    def container(self, image: str, *options: str) -> Container:
        """A container of an image; `options` are those of `buildah run`."""
        config = json.loads(self("inspect", "--type", "image", image))["Docker"]["config"]
        self.containers.append(self("from", "--pull-never", f"localhost/{image}"))
        return Container(self, self.containers[-1], config, options)


@contextmanager
def images() -> Iterator[Images]:
    """A place for images with the base image in it; removed at the end, unless XTRANSFER_TEST_IMAGES_IN names it."""
    kept = os.environ.get(KEPT)
    folder = Path(kept or mkdtemp(prefix="images-", dir="/var/tmp"))
    folder.mkdir(exist_ok=True)
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")  # needs no control groups
    with _network() as inside:
        made = Images(folder, inside)
        try:
            base = re.findall(r"^FROM (\S+)", (ROOT / "docker/server.Dockerfile").read_text(), re.MULTILINE)[0]
            if not made.has(f"docker.io/library/{base}"):
                if os.environ[OPT_IN] == "pull":
                    made("pull", f"docker.io/library/{base}")
                else:
                    _make_base(made, f"docker.io/library/{base}")
            yield made
        finally:
            for container in made.containers:
                made("rm", container)
            if not kept:
                made("rmi", "--all", "--force")
                if (mounted := folder / "storage" / "overlay").is_mount():  # which buildah leaves so
                    subprocess.run(["umount", str(mounted)], check=True)
                shutil.rmtree(folder)


def _make_base(made: Images, name: str) -> None:
    """Debian with its own Python, which trusts what this machine trusts and installs from where it installs from."""
    root = made.folder / "base.tar"
    packages = "--include=python3,python3-venv,python-is-python3,ca-certificates"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", packages, "bookworm", str(root)], check=True)
    container = made("from", "scratch")
    made("add", container, str(root), "/")
    root.unlink()
    if _CERTIFICATES.exists():
        made("add", container, str(_CERTIFICATES), str(_CERTIFICATES))
        made("config", "--env", f"PIP_CERT={_CERTIFICATES}", container)
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if index:
        made("config", "--env", f"PIP_INDEX_URL={index}", container)
    made("commit", "--rm", container, name)


@contextmanager
def cpu_wheels() -> Iterator[list[str]]:
    """Arguments of a build that name an index with the wheel of torch for the CPU; none for PyTorch's own."""
    folder = os.environ.get(WHEELS)
    if not folder:
        yield ["--build-arg", "TORCH_INDEX=https://download.pytorch.org/whl/cpu"]
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Index, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ["--build-arg", f"TORCH_INDEX=http://127.0.0.1:{server.server_port}"]
        server.shutdown()


class _Index(SimpleHTTPRequestHandler):
    """The files of a folder, as an index that has them for each package."""

    def translate_path(self, path: str) -> str:
        package, _, file = path.strip("/").partition("/")
        return super().translate_path(f"/{file}" if package == "torch" else path)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _network() -> Iterator[tuple[str, ...]]:
    """A network with nothing but loopback; yields the command that enters it."""
    line = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"up\n"
            yield ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        finally:
            holder.kill()


def _end(pid: int) -> None:
    """End a process and all that it started."""
    with suppress(psutil.NoSuchProcess):
        processes = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
        for step in (psutil.Process.terminate, psutil.Process.kill):
            for one in processes:
                with suppress(psutil.NoSuchProcess):
                    step(one)
            processes = psutil.wait_procs(processes, timeout=30)[1]
