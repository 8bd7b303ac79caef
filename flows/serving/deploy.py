"""The deployments of deployments/prefect.yaml, brought to a server: made, changed, and removed when they left the file.

`prefect deploy --all` reads the same file. Here it is done in this process, from the installed package as from a clone,
and what a person has set in the UI (schedules, a pause) is kept, unless the file says something about it.
"""

from __future__ import annotations

import importlib
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect import Flow
from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule
from prefect.cli.deploy._triggers import _initialize_deployment_triggers
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType

from flows.private import read_json, write_json
from xtransfer.base.version import __version__

POOL = "local"


def declared(file: str = "prefect.yaml") -> list[dict[str, Any]]:
    """What a file of the package `deployments` declares."""
    text = files("deployments").joinpath(file).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)["deployments"]
    return found


def deploy(made: Path) -> list[str]:
    """Make the work pool and every deployment; returns their names, FLOW/DEPLOYMENT.

    `made`: file that holds the ids of those made before. What is in there and not declared any more is removed; what
    a person has made, or copied from ours in the UI, is not.
    """
    with get_client(sync_client=True) as client:
        make_pool(client, POOL, "Runs on this machine")
        deployed = {}
        for one in declared():
            deployment = deployment_of(one)
            deployed[str(deployment.apply())] = deployment.full_name
        before = read_json(made)
        write_json(made, deployed)
        for old in before.keys() - deployed.keys():
            _remove(client, UUID(old))
    return list(deployed.values())


def flow_of(entrypoint: str) -> Flow[..., Any]:
    """The flow that an entrypoint names."""
    module, _, name = entrypoint.rpartition(".")
    flow: Flow[..., Any] = getattr(importlib.import_module(module), name)
    return flow


def deployment_of(declared: dict[str, Any]) -> RunnerDeployment:
    """One entry of the file, as Prefect brings it to a server."""
    limit = declared.get("concurrency_limit")
    schedules = [_schedule_config_to_deployment_schedule(one) for one in declared.get("schedules") or ()]
    deployment = RunnerDeployment.from_flow(
        flow_of(declared["entrypoint"]),
        name=declared["name"],
        description=declared.get("description"),
        tags=declared.get("tags"),
        version=__version__,
        parameters=declared.get("parameters"),
        schedules=schedules or None,
        triggers=[*_initialize_deployment_triggers(declared["name"], declared.get("triggers") or [])],
        concurrency_limit=ConcurrencyLimitConfig.model_validate(limit) if isinstance(limit, dict) else limit,
        work_pool_name=declared["work_pool"]["name"],
        job_variables=declared["work_pool"].get("job_variables"),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    said: set[str] = {"schedules"} if schedules else set()
    deployment.model_fields_set.difference_update({"schedules", "paused"} - said)  # unset: what a person set stays
    return deployment


def make_pool(client: SyncPrefectClient, name: str, description: str) -> None:
    """A work pool whose workers start processes, unless it is there."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type="process", description=description))


def _remove(client: SyncPrefectClient, deployment: UUID) -> None:
    try:
        client.delete_deployment(deployment)
    except ObjectNotFound:  # a person was first, or it is another server
        return
