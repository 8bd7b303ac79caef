"""Samples to look at: predictions beside the rows that they answer, translations beside their sources.

The rows of a scored split are read again to be shown, when all scores are written: nothing is chosen by them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from xtransfer import benchmarks, kinds
from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName
from xtransfer.data.load import load_rows
from xtransfer.kinds.spec import Kind
from xtransfer.report import translated
from xtransfer.report.data_used import into
from xtransfer.report.provenance import Provenance
from xtransfer.report.translated import cut
from xtransfer.results.predictions import Predictions
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_facts import TranslateFacts
from xtransfer.study.study import Target

log = logging.getLogger(__name__)

EACH = 2  # right and wrong ones of a target in a language
_MANY_LANGUAGES = 20  # from here on, one of each
_COLUMNS = ("language", "id", "gold", "prediction", "item")

Shown = dict[str, Any]
_Sources = dict[tuple[str, str, SplitName, int | None], dict[str, Row]]


def predictions(facts: Provenance, store: ArtifactStore) -> list[Shown]:
    """Right and wrong answers for each target and language, of the target's first run that has learnt something.

    Columns: target, language, right, gold, predicted, input, run: narrow ones first, since Prefect cuts wide tables.
    Targets whose rows cannot be read any more are left out.
    """
    firsts: dict[str, Any] = {}
    for cell in sorted(facts.cells, key=lambda cell: cell.status != "done"):  # else one that has learnt nothing
        firsts.setdefault(cell.target, cell)
    return _readable((cell.target, partial(_of_cell, cell, store)) for cell in firsts.values())


def translations(facts: Provenance, store: ArtifactStore) -> list[Shown]:
    """Some sentences of each translation that the study was trained or scored on.

    Columns: benchmark, language, engine, source, translation.
    """
    sources: _Sources = {}
    return _readable(
        (f"{one.benchmark} in {one.language}", partial(_of_translation, one, store, sources))
        for one in facts.translations
    )


def _readable(parts: Iterable[tuple[str, Callable[[], Iterator[Shown]]]]) -> list[Shown]:
    found: list[Shown] = []
    for name, part in parts:
        try:
            found += part()
        except XTransferError as error:
            log.warning("no samples of %s: %s", name, error)
    return found


def _of_cell(cell: Any, store: ArtifactStore) -> Iterator[Shown]:
    artifact = store.find(cell.score_stage)
    if artifact is None:
        return
    target = Target.parse(cell.target)
    benchmark = benchmarks.get(target.benchmark)
    kind = kinds.get(benchmark.kind)
    frame = Predictions(artifact).read(_COLUMNS).to_pandas()
    each = EACH if frame["language"].nunique() <= _MANY_LANGUAGES else 1
    for language, own in frame.groupby("language", sort=False):
        loaded = load_rows(benchmark, str(language), target.split, target.score_rows)
        rows = {row["id"]: row for row in loaded}
        for answer in _chosen(own, each).to_dict("records"):
            row = rows.get(answer["id"])
            gold, predicted = json.loads(answer["gold"]), json.loads(answer["prediction"])
            if row is None or not _agrees(kind, benchmark, row, gold):
                continue
            yield {
                "target": cell.target,
                "language": language,
                "right": _judged(answer["item"]),
                "gold": cut(kind.words(benchmark, row, gold, rows)),
                "predicted": cut(kind.words(benchmark, row, predicted, rows)),
                "input": _input(kind, row),
                "run": f"{cell.encoder} after {cell.intermediate}, seed {cell.seed}",
            }


def _chosen(answers: pd.DataFrame, each: int) -> pd.DataFrame:
    """The first wrong and the first right ones; the first of all where the metric has no points per item."""
    if answers["item"].isna().all():
        return answers.head(2 * each)
    right = answers["item"] >= 50
    return pd.concat([answers[~right].head(each), answers[right].head(each)])


def _agrees(kind: Kind, benchmark: Benchmark, row: Row, gold: Any) -> bool:
    """Whether a row is the one that was scored: its source may have changed since."""
    return kind.together is not None or json.loads(json.dumps(kind.gold(benchmark, row))) == gold


def _input(kind: Kind, row: Row) -> str:
    parts = (row[field] for field in kind.shown)
    return " ‖ ".join(cut(" ".join(part) if isinstance(part, list) else part) for part in parts if part)


def _judged(points: float) -> str:
    if pd.isna(points):
        return ""
    return {100.0: "yes", 0.0: "no"}.get(points, f"{points:.0f} of 100 points")


def _of_translation(one: Any, store: ArtifactStore, sources: _Sources) -> Iterator[Shown]:
    artifact = store.find(one.stage)
    if artifact is None:
        return
    settings = translated.settings_of(artifact)
    place = one.benchmark, settings.source, settings.split, TranslateFacts.of(artifact.manifest.facts).rows
    if place not in sources:
        sources[place] = translated.source_rows(artifact)
    for source, text, _ in translated.sentences(artifact, sources[place], {}):
        named = {
            "benchmark": one.benchmark,
            "language": into(one.language, artifact.manifest.settings),
            "engine": one.engine,
        }
        yield {**named, "source": source, "translation": text}
