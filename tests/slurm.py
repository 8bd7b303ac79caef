"""A SLURM cluster of three nodes on this machine, where Debian's slurm-wlm and munge are installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.running import wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
_NODES = ("n1", "n2", "n3")
_SECONDS = 60.0


def missing() -> str:
    """Why there can be no cluster here; '' if there can."""
    if os.getuid() != 0:
        return "a SLURM cluster of several nodes on one machine needs root"
    absent = [one for one in PROGRAMS if shutil.which(one, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None]
    return f"SLURM is not installed here ({', '.join(absent)}): apt-get install slurm-wlm munge" if absent else ""


class NoCluster(Exception):
    """SLURM's daemons do not work here; the message says why."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster; its programs need `environment`."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """What one of SLURM's programs prints."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
        return done.stdout.strip()

    def states(self, job: str) -> dict[str, str]:
        """Task → state of an array, as long as SLURM knows it."""
        lines = self.ask("squeue", "--noheader", "--array", "--states=all", "--job", job, "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a cluster of three nodes with two cores each in a temporary folder; raises NoCluster if none comes up."""
    folder = Path(mkdtemp(prefix="slurm-"))
    found = Cluster(folder)
    (folder / "slurm.conf").write_text(_configuration(folder), encoding="utf-8")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    folder.chmod(0o755)
    places = {name: str(folder / f"munge.{name}") for name in ("socket", "pid", "log", "seed")}
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        with (folder / "log").open("ab") as log:
            environment = {**os.environ, **found.environment, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))

    try:
        start("munged", "--foreground", "--force", f"--key-file={key}",
              f"--socket={places['socket']}", f"--pid-file={places['pid']}",
              f"--log-file={places['log']}", f"--seed-file={places['seed']}")  # fmt: skip
        try:
            wait_for(Path(places["socket"]).exists, _SECONDS)
            start("slurmctld", "-D")
            for node in _NODES:
                start("slurmd", "-D", "-N", node)
            wait_for(lambda: _idle(found), _SECONDS)
        except AssertionError as error:
            said = (folder / "log").read_text(errors="replace")[-500:]
            raise NoCluster(f"SLURM's daemons do not come up here: {said}") from error
        yield found
    finally:
        with suppress(subprocess.SubprocessError):
            found.ask("scancel", "--user=root", "--signal=KILL")
            found.ask("scancel", "--user=root")
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _idle(found: Cluster) -> bool:
    with suppress(subprocess.SubprocessError):
        return found.ask("sinfo", "--noheader", "--format=%D %T") == f"{len(_NODES)} idle"
    return False


def _configuration(folder: Path) -> str:
    host = socket.gethostname().partition(".")[0]
    ports = _free_ports(len(_NODES) + 1)
    nodes = [
        f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname={host} Port={port} CPUs=2 RealMemory=1000"
        for node, port in zip(_NODES, ports[1:], strict=True)
    ]
    return "\n".join([
        "ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={ports[0]}", "SlurmUser=root",
        "AuthType=auth/munge", f"AuthInfo=cred_expire=5,socket={folder}/munge.socket", "CredType=cred/munge",
        f"StateSaveLocation={folder}/state", f"SlurmdSpoolDir={folder}/spool-%n",
        f"SlurmctldPidFile={folder}/slurmctld.pid", f"SlurmdPidFile={folder}/slurmd-%n.pid",
        "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "SwitchType=switch/none", "MpiDefault=none",
        "ReturnToService=2", "SelectType=select/cons_tres", "SelectTypeParameters=CR_CPU", "JobRequeue=1",
        "KillWait=10", "SlurmdTimeout=30", *nodes,
        "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP", "",
    ])  # fmt: skip


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
