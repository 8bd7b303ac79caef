"""`xtransfer slurm`: submits a study to a SLURM cluster."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import Settings, Small, StudyName, chosen, demand_parent
from flows.terminal import echo, emit
from xtransfer.base.errors import RequestError, XTransferError

if TYPE_CHECKING:
    from xtransfer.base.settings import Settings as Places
    from xtransfer.study.cells import Plan

_MOST_TASKS = 8  # unless more are asked for
_SUBMIT_SECONDS = 60.0


def command(
    study: StudyName,
    to: Annotated[Path, typer.Option(help="New folder for scripts and logs, on a disk that all nodes mount.")],
    small: Small = False,
    settings: Settings = None,
    tasks: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Tasks of the job array; default: as many as can work, up to 8.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.02, max=8760, help="Time limit of a task.")] = 24.0,
    cpus: Annotated[int, typer.Option(min=1, max=1024, help="CPU cores of a task.")] = 8,
    gpus: Annotated[int, typer.Option(min=0, max=64, help="GPUs of a task.")] = 0,
    restarts: Annotated[int, typer.Option(min=0, help="Times that a task queues itself again at its time limit.")] = 20,
    option: Annotated[
        list[str] | None, typer.Option("--sbatch", metavar="--NAME=VALUE", help="An option of sbatch. Repeatable.")
    ] = None,
    setup: Annotated[
        list[str] | None, typer.Option(metavar="COMMAND", help="A line of shell before the run. Repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the scripts; write and submit nothing.")] = False,
) -> None:
    """Run a study as a SLURM job array: tasks share its stages, resume after their time limit, and end with a report.

    The store and the database must be ones that all nodes reach: XTRANSFER_STORE, and PostgreSQL in
    XTRANSFER_DATABASE_URL if there are several tasks.
    """
    from xtransfer.base.settings import absolute, current
    from xtransfer.planning import grid

    if strange := sorted(set('"%\n') & set(str(to))):
        raise RequestError(f"--to: SLURM reads {' '.join(map(repr, strange))} in a path in its own way; choose another")
    plan = grid.plan(chosen(study, small, settings))
    places = current()
    count = tasks or min(_MOST_TASKS, _width(plan))
    _demand_shared(places, count)
    from flows.slurm import Jobs, report_script, run_script, shared

    jobs = Jobs(
        plan.study.name, absolute(to, "--to"), count, hours, cpus, gpus, restarts, _options(option or ()), setup or ()
    )
    variables = shared(os.environ)
    program = (sys.executable, "-m", "flows.cli")
    scripts = {"run.sh": run_script(jobs, program, variables), "report.sh": report_script(jobs, program, variables)}
    if dry_run:
        for name, text in scripts.items():
            emit(f"# {jobs.folder / name}\n{text}")
        return
    if shutil.which("sbatch") is None:
        raise RequestError("sbatch: no such program here; run this on a login node of the cluster, or use --dry-run")
    demand_parent("--to", to)
    _write(jobs.folder, scripts, plan)
    array = _submitted(jobs.folder / "run.sh")
    report = _submitted(jobs.folder / "report.sh", f"--dependency=afterany:{array}")
    echo(f"submitted: array {array} of {count}, then report {report}")
    echo(f"  logs    {jobs.log}")
    echo(f"  report  {jobs.folder / 'report'}")
    echo(f"  watch   squeue --job {array}")
    echo(f"  stop    scancel {array} {report}")
    echo(f"  go on   sbatch {jobs.folder / 'run.sh'}")


def _width(plan: Plan) -> int:
    """The most stages that can run at the same time: chains that end in a score, at most."""
    return max(1, len({cell.score.key for cell in plan.cells}))


def _demand_shared(places: Places, count: int) -> None:
    """Raise RequestError where tasks on several nodes would not see each other's work."""
    needed = {
        "XTRANSFER_STORE": "to a folder that all nodes mount, or to a URL such as s3://",
        "XTRANSFER_DATABASE_URL": "to a database that all nodes reach, postgresql+psycopg://USER@HOST/NAME; for one "
        "task (--tasks 1) also a file on a disk that they mount, sqlite:////shared/results.db",
    }
    if unset := [f"set {name} {how}" for name, how in needed.items() if not os.environ.get(name)]:
        raise RequestError("; ".join(unset))
    if count > 1 and places.database_url.startswith("sqlite"):
        raise RequestError(
            f"{count} tasks need PostgreSQL (XTRANSFER_DATABASE_URL=postgresql+psycopg://…), because SQLite is not "
            "safe on a disk that several nodes write to; or ask for one task with many cores or GPUs: --tasks 1"
        )


def _options(given: Sequence[str]) -> tuple[str, ...]:
    for one in given:
        try:
            words = shlex.split(one)
        except ValueError:  # a quote is not closed
            words = []
        if len(words) != 1 or not one.startswith("-") or set(";\n") & set(one):
            raise RequestError(
                f"--sbatch {one[:80]}: write one option of sbatch, for example --sbatch=--partition=gpu, with quotes "
                "around a value that has spaces"
            )
    return tuple(given)


def _write(folder: Path, scripts: dict[str, str], plan: Plan) -> None:
    import yaml

    from xtransfer.base.disk import new_folder

    with new_folder(folder) as made:
        (made / "logs").mkdir()
        definition = plan.study.model_dump(mode="json", exclude_defaults=True)
        (made / "study.yaml").write_text(yaml.safe_dump(definition, sort_keys=False, allow_unicode=True), "utf-8")
        for name, text in scripts.items():
            (made / name).write_text(text, "utf-8")


def _submitted(script: Path, *more: str) -> str:
    """The id of a submitted job."""
    command = ["sbatch", "--parsable", "--export=ALL", *more, str(script)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SUBMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise XTransferError(f"sbatch: no answer in {_SUBMIT_SECONDS:.0f} s; submit {script} by hand") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise XTransferError(f"sbatch refused {script}: {said}")
    return done.stdout.strip().partition(";")[0]
