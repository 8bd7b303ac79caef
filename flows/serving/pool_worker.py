"""Prefect's process worker, which starts nothing but flows: `python -m flows.serving.pool_worker POOL NAME`.

The job variables of Prefect's own worker hold a command, environment variables and a folder, each a way to run any
program. Ours refuses runs that have job variables, and reads none from the work pool's template: a form, a schedule
and an automation say which flow runs with which parameters, and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.utilities.processutils import setup_signal_handlers_worker
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse

_FIXED: dict[str, Any] = {"job_configuration": {}, "variables": {}}


class Configuration(ProcessJobConfiguration):
    """How a run is started: the same for all."""

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
        """The configuration of one run; raises RequestError where the run or its deployment has job variables."""
        if deployment is None and flow_run.deployment_id is not None:
            deployment = await client.read_deployment(flow_run.deployment_id)
        given = {**((deployment and deployment.job_variables) or {}), **(flow_run.job_variables or {})}
        if named := sorted(name for name, value in given.items() if value not in (None, {}, "")):
            raise RequestError(
                f"job variables are not allowed here ({', '.join(named)}): they can change the program that is run; "
                "remove them from the run or its deployment, or use a work pool and a worker of your own"
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
    """Work until a signal comes."""
    worker = ProcessWorker(work_pool_name=pool, name=name, create_pool_if_not_found=False)
    worker.job_configuration = Configuration
    setup_signal_handlers_worker(os.getpid(), "the process worker", print)
    try:
        asyncio.run(worker.start(printer=print))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"worker {name} stopped")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
