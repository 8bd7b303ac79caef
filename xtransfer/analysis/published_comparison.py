"""Our scores beside published ones, with the differences in protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from xtransfer.analysis.protocol import encoder_difference, forbids, intermediate_difference, named, notes, told
from xtransfer.analysis.questions import given, rows
from xtransfer.analysis.reproduced_scores import (
    Ours,
    OurTotal,
    languages_of,
    names_of,
    our_totals,
    ours_of,
    suite_totals,
)
from xtransfer.analysis.statistic import Chosen, Value
from xtransfer.base.errors import unknown
from xtransfer.base.languages import language
from xtransfer.metrics.aggregate import SUITES
from xtransfer.results.published import Figure, Paper, figures, paper, papers

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results

COLUMNS = [
    "paper", "model", "setting", "benchmark", "language", "metric", "theirs", "study", "encoder", "intermediate",
    "target", "ours", "difference", "n_seeds", "why", "protocol", "source", "trust", "note",
]  # fmt: skip
_LACKED = "xtransfer has no such benchmark"


def compare(
    results: Results,
    slug: str,
    study: str | None = None,
    *,
    model: Chosen = None,
    benchmark: Chosen = None,
    language: Chosen = None,
    each_language: bool = False,
    **filters: Chosen,
) -> pd.DataFrame:
    """Returns a paper's figures (and the nearest of other papers) with our scores beside them.

    Each figure has a row per score of ours; if we have none, it has one row without a number and the reason in `why`.
    Figures are means over languages; with `each_language` or `language`, and where no mean is published, they are of
    single languages. `difference` is ours minus theirs; `protocol` lists what to know before trusting it.
    Filters of ours: encoder, intermediate, seed. Raises RequestError for an unknown paper or filter value.
    """
    rows(results, "runs", study, **filters)  # refuses unknown filter values
    asked = paper(slug)
    chosen = _chosen(slug, given({"model": model, "benchmark": benchmark, "language": language}), each_language)
    wanted = {name for one in chosen for name in names_of(papers()[one.paper], one)}
    held = ours_of(results, wanted, study, given(filters))
    suites = sorted({_suite(one) for one in chosen} & SUITES.keys())
    whole = {name: suite_totals(results, name, study, given(filters)) for name in suites}
    lines = [line for one in chosen for line in _lines(asked, one, held, whole)]
    return pd.DataFrame(lines, columns=COLUMNS).astype({"theirs": float, "ours": float, "difference": float})


def _chosen(slug: str, filters: dict[str, list[Value]], each_language: bool) -> list[Figure]:
    every = figures(slug)
    known: dict[str, set[str]] = {
        "model": {one.block.model for one in every},
        "benchmark": {one.benchmark for one in every},
    }
    for name, values in filters.items():
        for value in values:
            if name == "language":
                language(str(value))
            elif value not in known[name]:
                raise unknown(f"{name} of {slug}", str(value), known[name])
    with_mean = {one.key[:4] + one.key[5:] for one in every if not one.language}
    return [
        one
        for one in every
        if one.block.model in filters.get("model", known["model"])
        and one.benchmark in filters.get("benchmark", known["benchmark"])
        and (one.language in filters["language"] if "language" in filters
             else each_language or not one.language or one.key[:4] + one.key[5:] not in with_mean)
    ]  # fmt: skip


def _suite(figure: Figure) -> str:
    """Returns the suite of which a figure is a total or group score; for other figures, the benchmark."""
    return figure.benchmark.partition(":")[0]


def _lines(
    asked: Paper, figure: Figure, held: Sequence[Ours], whole: Mapping[str, pd.DataFrame]
) -> Iterator[dict[str, object]]:
    """Yields the rows of a figure. The notes of the paper that was asked for hold for nearest figures of others too."""
    source, further = papers()[figure.paper], told(asked, figure.benchmark)
    if _suite(figure) in whole:
        yield from _of_totals(source, figure, our_totals(whole[_suite(figure)], figure), further)
        return
    names = names_of(source, figure)
    candidates = [one for one in held if one.target.benchmark in names]
    if not candidates:
        why = "not scored here" if names else _LACKED
        yield _line(figure, why=why, protocol=[*notes(source, figure), *further])
    for ours in candidates:
        languages = languages_of(source, figure)
        mean, num_seeds = ours.mean(languages, figure.metric)
        why = forbids(figure, ours) or ("" if mean is not None else ours.lacks(languages, figure.metric))
        value = None if why else mean
        protocol = [*named(source, figure, ours), *further]
        yield _line(figure, ours=ours, value=value, num_seeds=num_seeds, why=why, protocol=protocol)


def _of_totals(
    source: Paper, figure: Figure, held: Sequence[OurTotal], further: Sequence[str]
) -> Iterator[dict[str, object]]:
    noted = [*notes(source, figure), *further]
    if not held:
        yield _line(figure, why="no benchmark of the suite was scored here in one way", protocol=noted)
    for ours in held:
        why = figure.block.incomparable or ("" if ours.value is not None else f"ours lacks {ours.missing}")
        protocol = [*encoder_difference(source, figure, ours.encoder),
                    *intermediate_difference(figure, ours.intermediate), *noted]  # fmt: skip
        value = None if why else ours.value
        yield _line(figure, ours=ours, value=value, num_seeds=ours.num_seeds, why=why, protocol=protocol)


def _line(
    figure: Figure,
    *,
    ours: Ours | OurTotal | None = None,
    value: float | None = None,
    num_seeds: int = 0,
    why: str,
    protocol: Sequence[str],
) -> dict[str, object]:
    return figure.row() | {
        "theirs": figure.value,
        "study": ours.study if ours else "",
        "encoder": ours.encoder if ours else "",
        "intermediate": ours.intermediate if ours else "",
        "target": ours.target.slug if isinstance(ours, Ours) else "",
        "ours": value,
        "difference": None if value is None else value - figure.value,
        "n_seeds": num_seeds,
        "why": why,
        "protocol": list(dict.fromkeys(protocol)),
    }
