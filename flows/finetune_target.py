"""The flow that fine-tunes an encoder on a target in English, as it comes or after an intermediate."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import Hours, OnDevice, Rows, Workers, joined
from flows.make_artifacts import make_artifacts
from flows.run_lock import hold
from xtransfer.base.declared import Seed
from xtransfer.planning.single_runs import target_training


def _name() -> str:
    """`lab-mini@0 on lab-inference after lab-nli@de, seeds 0, 1`."""
    asked = flow_run.parameters
    after = f" after {asked['after']}" if asked.get("after", "direct") != "direct" else ""
    return f"{asked['encoder']} on {asked['target']}{after}, seeds {joined(asked.get('seeds') or [0])}"


@flow(
    name="finetune-target",
    flow_run_name=_name,
    on_running=[hold],
    persist_result=False,
)
def finetune_target(
    encoder: str,
    target: str,
    after: str = "direct",
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0],  # noqa: B006 - a form shows it
    rows: Rows | None = None,
    recipe: dict[str, Any] | None = None,
    after_rows: Rows | None = None,
    after_recipe: dict[str, Any] | None = None,
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
) -> dict[str, str]:
    """Fine-tune an encoder on a target in English; returns the key of each seed's checkpoint.

    Args:
        encoder: a hub id (id or id@commit), a local folder, or an encoder trained here (name@seed).
        target: what is fine-tuned on, as in a study: xnli, xcopa<siqa,copa.
        after: the intermediate that is trained on first, as in a study: mnli@en; direct: none.
        seeds: training seeds, of both trainings.
        rows: fine-tune on the first so many rows; empty: all.
        recipe: fields of the target's recipe to replace, as {"epochs": 1}; empty: the published recipe of its kind.
        after_rows: train on the first so many rows of each part of the intermediate; empty: all.
        after_recipe: fields of the intermediate's recipe to replace; empty: the published recipe of its kind.
        workers: stages that run at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: stages that score or translate at the same time on one GPU; what trains has it alone. Empty: one.
        timeout_hours: hours that a stage may take, by its kind: translate, train, score ..., or any; empty: no limit.
        devices_per_stage: devices that train one stage together, a part of each batch on each.
    """
    wanted = target_training(
        encoder,
        target,
        seeds,
        after=after,
        rows=rows,
        recipe=recipe,
        after_rows=after_rows,
        after_recipe=after_recipe,
    )
    return make_artifacts(
        wanted, f"{encoder} on {target} after {after}", workers, per_device, timeout_hours, devices_per_stage
    )
