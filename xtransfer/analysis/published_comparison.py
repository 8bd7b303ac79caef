"""Our scores beside published ones, each with what stands between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
from xtransfer.base.errors import unknown
from xtransfer.base.languages import LANGUAGES
from xtransfer.metrics.aggregate import SUITES
from xtransfer.results.published import Figure, Paper, figures, paper, papers

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results

COLUMNS = [
    "paper", "model", "setting", "benchmark", "language", "metric", "theirs", "study", "encoder", "intermediate",
    "target", "ours", "difference", "n_seeds", "why", "protocol", "source", "trust", "note",
]  # fmt: skip
_LACKED = "this program has no such benchmark"


def compare(
    results: Results,
    slug: str,
    study: str | None = None,
    *,
    model: Any = None,
    benchmark: Any = None,
    language: Any = None,
    each_language: bool = False,
    **filters: Any,
) -> pd.DataFrame:
    """A paper's figures (and the nearest of others) with ours beside them; a row for each that we have, or one
    without a number and the reason in `why`.

    Means over languages; with `each_language` or `language`, languages where they are published, and where a figure
    has no mean. `difference` is ours minus theirs; `protocol` lists what a reader must know before believing it.
    Filters of ours: encoder, intermediate, seed. Raises RequestError for anything unknown.
    """
    rows(results, "runs", study, **filters)  # refuses what is unknown
    chosen = _chosen(slug, given({"model": model, "benchmark": benchmark, "language": language}), each_language)
    wanted = {name for one in chosen for name in names_of(papers()[one.paper], one)}
    held = ours_of(results, wanted, study, given(filters))
    suites = sorted({_suite(one) for one in chosen} & SUITES.keys())
    whole = {name: suite_totals(results, name, study, given(filters)) for name in suites}
    lines = [line for one in chosen for line in _lines(one, held, whole)]
    for line in lines:  # what the paper that was asked for says holds for the nearest figures of others too
        line["protocol"] = list(dict.fromkeys([*line["protocol"], *told(paper(slug), line["benchmark"])]))
    return pd.DataFrame(lines, columns=COLUMNS).astype({"theirs": float, "ours": float, "difference": float})


def _chosen(slug: str, filters: dict[str, list[Any]], each_language: bool) -> list[Figure]:
    every = figures(slug)
    known = {
        "model": {one.block.model for one in every},
        "benchmark": {one.benchmark for one in every},
        "language": set(LANGUAGES),
    }
    for name, values in filters.items():
        for value in values:
            if value not in known[name]:
                raise unknown(name if name == "language" else f"{name} of {slug}", value, known[name])
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
    """The suite that a figure is a total or a group of; of another figure its benchmark."""
    return figure.benchmark.partition(":")[0]


def _lines(figure: Figure, held: Sequence[Ours], whole: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    source = papers()[figure.paper]
    if _suite(figure) in whole:
        yield from _of_totals(source, figure, our_totals(whole[_suite(figure)], figure))
        return
    names = names_of(source, figure)
    candidates = [one for one in held if one.target.benchmark in names]
    if not candidates:
        yield _line(figure, why="not scored here" if names else _LACKED, protocol=notes(source, figure))
    for ours in candidates:
        languages = languages_of(source, figure)
        mean, num_seeds = ours.mean(languages, figure.metric)
        why = forbids(figure, ours) or ("" if mean is not None else ours.lacks(languages, figure.metric))
        value = None if why else mean
        yield _line(figure, ours=ours, value=value, num_seeds=num_seeds, why=why, protocol=named(source, figure, ours))


def _of_totals(source: Paper, figure: Figure, held: Sequence[OurTotal]) -> Iterator[dict[str, Any]]:
    if not held:
        yield _line(figure, why="no benchmark of the suite was scored here in one way", protocol=notes(source, figure))
    for ours in held:
        why = figure.block.incomparable or ("" if ours.value is not None else f"ours lacks {ours.missing}")
        protocol = [*encoder_difference(source, figure, ours.encoder),
                    *intermediate_difference(figure, ours.intermediate), *notes(source, figure)]  # fmt: skip
        value = None if why else ours.value
        yield _line(figure, ours=ours, value=value, num_seeds=ours.num_seeds, why=why, protocol=protocol)


def _line(
    figure: Figure,
    *,
    ours: Ours | OurTotal | None = None,
    value: float | None = None,
    num_seeds: int = 0,
    why: str,
    protocol: list[str],
) -> dict[str, Any]:
    row = figure.row()
    return row | {
        "theirs": figure.value,
        "study": ours.study if ours else "",
        "encoder": ours.encoder if ours else "",
        "intermediate": ours.intermediate if ours else "",
        "target": ours.target.slug if isinstance(ours, Ours) else "",
        "ours": value,
        "difference": None if value is None else value - figure.value,
        "n_seeds": num_seeds,
        "why": why,
        "protocol": protocol,
    }
