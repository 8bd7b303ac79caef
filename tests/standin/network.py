"""Machines of a test: network namespaces with a host name, a home and an environment of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Machine:
    """A namespace that reaches the host at `server`, and nothing else."""

    name: str
    namespace: str
    link: str  # the host's end of it
    server: str  # an address of the host
    started: list[subprocess.Popen[bytes]] = field(default_factory=list, compare=False)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> None:
        """Start a program on the machine."""
        there = f'hostname {self.name} && exec "$@"'
        words = ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "sh", "-c", there, "sh", *command]
        with log.open("ab") as file:
            self.started.append(subprocess.Popen(words, env=dict(environment), cwd=folder, stdout=file, stderr=file))

    def connect(self, *, on: bool) -> None:
        """Cut the machine off the network, or join it again; its programs go on."""
        subprocess.run(["ip", "link", "set", self.link, "up" if on else "down"], check=True)

    def kill(self) -> None:
        """As if its power were cut: every process at once."""
        found = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=True)
        for pid in found.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for process in self.started:
            process.wait()


@contextmanager
def machines(*names: str) -> Iterator[list[Machine]]:
    """Machines with a link to this one; the test is skipped where no namespaces can be made."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "hostname"))):
        pytest.skip("network namespaces need root, and the programs ip, unshare and hostname")
    made: list[Machine] = []
    server = _address(0, 1)
    try:
        for number, name in enumerate(names):
            link = f"xt{os.getpid() % 100000}h{number}"
            made.append(Machine(name, f"xt{os.getpid()}-{name}", link, server))
            _make(made[-1], number)
        yield made
    finally:
        for machine in made:
            with suppress(subprocess.CalledProcessError):
                machine.kill()
            subprocess.run(["ip", "netns", "del", machine.namespace], check=False)


def _make(machine: Machine, number: int) -> None:
    ours, theirs = machine.link, f"xt{os.getpid() % 100000}n{number}"
    here, there = _address(number, 1), _address(number, 2)
    if subprocess.run(["ip", "netns", "add", machine.namespace], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no network namespaces")
    for words in (
        ("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", machine.namespace),
        ("ip", "addr", "add", f"{here}/30", "dev", ours),
        ("ip", "link", "set", ours, "up"),
        ("ip", "-n", machine.namespace, "addr", "add", f"{there}/30", "dev", theirs),
        ("ip", "-n", machine.namespace, "link", "set", theirs, "up"),
        ("ip", "-n", machine.namespace, "link", "set", "lo", "up"),
        ("ip", "-n", machine.namespace, "route", "add", "default", "via", here),
    ):
        subprocess.run(words, check=True)


def _address(number: int, end: int) -> str:
    """Addresses of a test run's own, so that two test runs do not meet."""
    return f"10.{64 + os.getpid() % 128}.{os.getpid() // 128 % 256}.{4 * number + end}"
