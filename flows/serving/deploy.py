"""Deploys deployments/prefect.yaml to a server: creates, updates, and removes deployments that left the file.

`prefect deploy --all` reads the same file. This does it in process, from the installed package or a clone, and keeps
what users set in the UI (schedules, a pause) unless the file sets it.
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
Entry = dict[str, Any]  # a deployment as its YAML declares it; Prefect checks the values


def declared(file: str = "prefect.yaml") -> list[Entry]:
    """The deployments that a file of the package `deployments` declares."""
    text = files("deployments").joinpath(file).read_text(encoding="utf-8")
    found: list[Entry] = yaml.safe_load(text)["deployments"]
    return found


def deploy(made: Path) -> list[str]:
    """Create or update the work pool and every deployment; returns their names, FLOW/DEPLOYMENT.

    `made`: file with the ids of deployments made before. Those no longer declared are removed; deployments that users
    made, or copied from ours in the UI, are kept.
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


def flow_of(entrypoint: str) -> Flow[..., object]:
    """The flow that an entrypoint names."""
    module, _, name = entrypoint.rpartition(".")
    flow: Flow[..., object] = getattr(importlib.import_module(module), name)
    return flow


def deployment_of(declared: Entry) -> RunnerDeployment:
    """One entry of the file as a Prefect deployment."""
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
    given: set[str] = {"schedules"} if schedules else set()
    deployment.model_fields_set.difference_update({"schedules", "paused"} - given)  # unset: keep what users set
    return deployment


def make_pool(client: SyncPrefectClient, name: str, description: str) -> None:
    """Create a work pool whose workers start processes, unless it exists."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type="process", description=description))


def _remove(client: SyncPrefectClient, deployment: UUID) -> None:
    try:
        client.delete_deployment(deployment)
    except ObjectNotFound:  # a user removed it, or this is another server
        return
