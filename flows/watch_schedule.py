"""The schedule of a watch: one of the deployment `watch`, named after the watch, with the watch as its parameter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from xtransfer.base.errors import RequestError
from xtransfer.watch.watch import Watch

DEPLOYMENT = "watch-checkpoints/watch"


def keep_watching(watch: Watch, every: float | None, cron: str | None) -> None:
    """Have the server look every `every` seconds, or at the times of a cron expression (UTC).

    Replaces a schedule of the same name. Raises RequestError for an invalid expression, and if the server has no
    deployment for it.
    """
    made = DeploymentScheduleCreate(
        schedule=_times(every, cron),
        parameters={"watch": watch.model_dump(mode="json")},
        slug=watch.name,
        active=True,
    )
    with _deployed() as (client, deployment):
        _remove(client, deployment, watch.name)
        client.create_deployment_schedules(deployment, [made])


def stop_watching(name: str) -> bool:
    """Remove the schedule of a watch; returns whether there was one."""
    with _deployed() as (client, deployment):
        return _remove(client, deployment, name)


def _times(every: float | None, cron: str | None) -> IntervalSchedule | CronSchedule:
    if every is not None:
        return IntervalSchedule(interval=timedelta(seconds=every), anchor_date=datetime.now(UTC))
    try:
        return CronSchedule(cron=str(cron), timezone="UTC")
    except ValidationError as error:
        raise RequestError(f"--cron '{cron}' is not a valid cron expression, such as '*/10 * * * *'") from error


@contextmanager
def _deployed() -> Iterator[tuple[SyncPrefectClient, UUID]]:
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(DEPLOYMENT).id
        except ObjectNotFound as error:
            raise RequestError(f"the server has no deployment '{DEPLOYMENT}'; start `xtransfer serve` first") from error
        yield client, found


def _remove(client: SyncPrefectClient, deployment: UUID, slug: str) -> bool:
    found = [one.id for one in client.read_deployment_schedules(deployment) if one.slug == slug]
    for schedule in found:
        client.delete_deployment_schedule(deployment, schedule)
    return bool(found)
