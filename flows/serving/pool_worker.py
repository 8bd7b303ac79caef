"""Prefect's process worker, restricted to starting flows: `python -m flows.serving.pool_worker POOL NAME`.

Job variables (a command, environment variables, a folder) would let a run start any program. This worker refuses runs
that have any and ignores those of the work pool's template: forms, schedules and automations can only choose a flow and
its parameters.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.utilities.processutils import setup_signal_handlers_worker
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse

_FIXED: dict[str, dict[str, object]] = {"job_configuration": {}, "variables": {}}


class Configuration(ProcessJobConfiguration):
    """How a run is started: the same way for all."""

    @classmethod
    async def resolve_for_flow_run(
        cls,
        flow_run: FlowRun,
        *,
        client: PrefectClient,
        work_pool: WorkPool,
        worker_name: str,
        worker_id: UUID | None = None,
        deployment: DeploymentResponse | None = None,
    ) -> Configuration:
        """The configuration of one run; raises RequestError if the run or its deployment has job variables."""
        if deployment is None and flow_run.deployment_id is not None:
            deployment = await client.read_deployment(flow_run.deployment_id)
        given = {**((deployment and deployment.job_variables) or {}), **(flow_run.job_variables or {})}
        if named := sorted(name for name, value in given.items() if value not in (None, {}, "")):
            raise RequestError(
                f"job variables are not allowed here ({', '.join(named)}): they can change the program that runs; "
                "remove them from the run or its deployment, or use your own work pool and worker"
            )
        return await super().resolve_for_flow_run(
            flow_run,
            client=client,
            work_pool=work_pool.model_copy(update={"base_job_template": _FIXED}),
            worker_name=worker_name,
            worker_id=worker_id,
            deployment=deployment,
        )


def main(pool: str, name: str) -> None:
    """Run the worker until a signal ends it."""
    worker = ProcessWorker(work_pool_name=pool, name=name, create_pool_if_not_found=False)
    worker.job_configuration = Configuration
    setup_signal_handlers_worker(os.getpid(), "the process worker", print)
    try:
        asyncio.run(worker.start(printer=print))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"worker {name} stopped")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
