"""The flow that scores one checkpoint: a study without intermediates, run as every study is."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow

from flows.alive import hold
from flows.run_study import Summary, run_study
from xtransfer.studies.evaluation import evaluation


@flow(name="evaluate-checkpoint", flow_run_name="{checkpoint}", on_running=[hold], persist_result=False)
def evaluate_checkpoint(
    checkpoint: str,
    targets: list[str],
    languages: list[str] | None = None,
    split: Literal["test", "dev"] = "test",
    rows: int | None = None,
    train_rows: int | None = None,
    seeds: list[int] = [0],  # noqa: B006 - a form shows it
    recipe: dict[str, Any] | None = None,
    name: str | None = None,
    workers: int | None = None,
) -> Summary:
    """Score a checkpoint on targets in every language; what it has no head for is fine-tuned in English first.

    Args:
        checkpoint: a folder, a hub id (id or id@commit), or an encoder trained here (name@seed).
        targets: what is scored, as in a study: xnli, xcopa<siqa,copa, tatoeba:layer7, xnli:as-is.
        languages: languages to score; empty: all that a target has.
        split: the split that is scored.
        rows: score so many rows of each language, for a quick look; empty: all.
        train_rows: fine-tune on the first so many rows; empty: all.
        seeds: training seeds.
        recipe: fields of the recipe to replace, for every target; empty: the published recipe of its kind.
        name: the study's name, under which results are kept; empty: evaluate-CHECKPOINT.
        workers: stages that run at the same time; empty: one per GPU, or one per CPU core up to eight.
    """
    study = evaluation(
        checkpoint,
        targets,
        languages=languages,
        split=split,
        rows=rows,
        train_rows=train_rows,
        seeds=seeds,
        recipe=recipe,
        name=name,
    )
    return run_study(study, workers)
