"""Job scripts for SLURM: an array whose tasks all run the same study, and a job that writes its report.

Tasks share the study through its store: each takes a missing stage that no other is making, so that an array needs no
dependencies between its tasks, and one that ends early is made good by the others.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xtransfer.base.settings import shown

WARNING_SECONDS = 120  # before a task's time limit
_OF_A_TASK = "XTRANSFER_HOME"


@dataclass(frozen=True)
class Jobs:
    """What is asked of SLURM."""

    study: str  # its name
    folder: Path  # on a disk that all nodes mount: study.yaml, scripts, logs
    tasks: int
    hours: float
    cpus: int
    gpus: int
    restarts: int  # of a task that was stopped by its time limit, before it gives up
    options: Sequence[str] = ()  # more of sbatch's: --partition=gpu
    setup: Sequence[str] = ()  # lines of shell before the run: module load cuda

    @property
    def log(self) -> Path:
        return self.folder / "logs"


def run_script(jobs: Jobs, program: Sequence[str], variables: Mapping[str, str]) -> str:
    """Returns the script of the array.

    At its time limit a task gets SIGTERM ahead of time, ends its run, which can be resumed, and queues itself again. A
    task that was cancelled or preempted is no longer running: SLURM decides what becomes of it. Tasks are named by
    array and number, for the id of one of them is that of the whole array.
    """
    task = '"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"'
    minutes = max(1, round(60 * jobs.hours))
    ahead = min(WARNING_SECONDS, 30 * minutes)
    options = [
        f"--job-name=xtransfer-{jobs.study}",
        f"--array=1-{jobs.tasks}",
        f"--time={minutes}",
        f"--signal=B:TERM@{ahead}",
        f"--cpus-per-task={jobs.cpus}",
        *([f"--gpus-per-task={jobs.gpus}", "--ntasks=1"] if jobs.gpus else []),
        "--requeue",
        "--open-mode=append",
        f'--chdir="{Path.cwd()}"',  # relative paths of the study and the environment stay right
        f'--output="{jobs.log}/%A_%a.log"',
        *jobs.options,
    ]
    workers = [] if jobs.gpus else ["--workers", str(jobs.cpus)]
    run = shlex.join([*program, "run", str(jobs.folder / "study.yaml"), *workers])
    return "\n".join([
        *_head(options, variables),
        *jobs.setup,
        _home("$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID"),
        'echo "$(date -Is) task $SLURM_ARRAY_TASK_ID on $(hostname), restart ${SLURM_RESTART_COUNT:-0}"',
        "again() {",
        '    kill -TERM "$run" 2> /dev/null',
        '    wait "$run"',
        f'    [ "$(squeue --noheader --job {task} --format %T)" = RUNNING ] || exit 1',
        f'    if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {jobs.restarts} ]; then',
        f'        echo "stopped at its time limit after {jobs.restarts} restarts; submit the script again to go on"',
        "        exit 1",
        "    fi",
        '    echo "$(date -Is) time is nearly up; queued again"',
        f"    scontrol requeue {task}",
        "    sleep 60  # until SLURM ends this attempt",
        "    exit 0",
        "}",
        "trap again TERM",
        f"{run} &",
        "run=$!",
        'wait "$run"',
        "status=$?",
        '[ $status != 0 ] || rm -rf "$XTRANSFER_HOME"  # all that counts is in the store and the database',
        "exit $status",
        "",
    ])  # fmt: skip


def report_script(jobs: Jobs, program: Sequence[str], variables: Mapping[str, str]) -> str:
    """Returns the script that writes the report, to be run after the array."""
    options = [f"--job-name=xtransfer-{jobs.study}-report", "--time=60", "--cpus-per-task=1",
               f'--chdir="{Path.cwd()}"', f'--output="{jobs.log}/report-%j.log"', *jobs.options]  # fmt: skip
    run = shlex.join([*program, "report", jobs.study, "--out", str(jobs.folder / "report")])
    return "\n".join([*_head(options, variables), *jobs.setup, _home("$SLURM_JOB_ID"), run, ""])


def shared(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns what of an environment stands in the scripts: the settings that all tasks share.

    An address with a password does not; tasks get it from the environment of sbatch.
    """
    ours = {name: value for name, value in sorted(variables.items()) if name.startswith("XTRANSFER_") and value}
    return {name: value for name, value in ours.items() if name != _OF_A_TASK and shown(value) == value}


def _home(name: str) -> str:
    """A line that gives each task a Prefect server and logs of its own, on a disk of its node."""
    return f'export XTRANSFER_HOME="${{SLURM_TMPDIR:-${{TMPDIR:-/tmp}}}}/xtransfer-$USER-{name}"'


def _head(options: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return ["#!/bin/bash", *(f"#SBATCH {one}" for one in options), *exports]
