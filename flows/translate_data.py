"""The flow that translates a benchmark's English training rows for later studies."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import EngineName, HowStagesRun, LanguageCode, Options, Rows, TrainedOn, chosen, joined
from flows.make_artifacts import make_artifacts
from flows.run_lock import hold
from tasks.artifacts import publish_translations
from xtransfer.planning.single_runs import translations


def _name() -> str:
    """`lab-nli to de, tr by lab-marian, first 100`."""
    asked = flow_run.parameters
    rows = f", first {asked['rows']}" if asked.get("rows") else ""
    return f"{asked['benchmark']} to {joined(asked['languages'])} by {asked['engine']}{rows}"


@flow(
    name="translate-data",
    flow_run_name=_name,
    on_running=[hold],
    persist_result=False,
)
def translate_data(
    benchmark: TrainedOn,
    languages: Annotated[list[LanguageCode], Field(min_length=1)],
    engine: EngineName,
    rows: Rows = 0,
    align_tags: bool = False,
    way_back: str = "",
    options: Options = [],  # noqa: B006 - shown in the form
) -> dict[str, str]:
    """Translate the English training rows of a benchmark; returns the key of each language's artifact.

    Args:
        benchmark: whose English training rows are translated.
        languages: languages to translate to; the engine must know them.
        engine: the translation engine.
        rows: translate the first N rows; 0: all.
        align_tags: move the tags of a benchmark with one tag per word by word alignment; it is refused otherwise.
        way_back: an engine that translates some sentences back to English, as a check; empty: the same engine, if it
            can.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (translations on a GPU),
            timeout_hours.translate=8 (or .any).
    """
    how = chosen(HowStagesRun, options)
    wanted = translations(benchmark, languages, engine, rows or None, align_tags=align_tags, way_back=way_back or None)
    title = f"{benchmark} by {engine}"
    show = partial(publish_translations, title)
    return make_artifacts(wanted, title, **how.model_dump(), show=show)
