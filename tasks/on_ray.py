"""The Prefect task that runs a stage on a Ray cluster."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from xtransfer.base.stage import Stage


@task(name="stage", task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def run_stage_on_ray(stage: Stage, store: str, timeout: float | None = None) -> State[dict[str, Any]]:
    """As `run_stage`. `store`: the fingerprint of the run's store, which the node must have too; `timeout`: seconds
    that it may take."""
    from tasks import ray_node  # not above: Ray carries this function and its globals to the node by value

    return ray_node.run(stage, store, timeout)
