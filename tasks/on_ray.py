"""The Prefect task that runs a stage on a Ray cluster."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from tasks.stage import Ran
from xtransfer.base.stage import Stage


@task(name="stage", task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def run_stage_on_ray(stage: Stage, store: str, timeout: float | None = None) -> State[Ran]:
    """As `run_stage`. `store`: fingerprint of the run's store, which the node must share; `timeout`: in seconds."""
    from tasks import ray_node  # not at the top: Ray pickles this function with its globals by value

    return ray_node.run(stage, store, timeout)
