"""Samples for people to read: predictions beside their inputs, translations beside their sources.

Rows of a scored split are read only for display, after all scores are written; nothing is selected on them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pandas as pd

from xtransfer import benchmarks, kinds
from xtransfer.base.errors import XTransferError
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName
from xtransfer.data.load import load_rows
from xtransfer.kinds.spec import Kind
from xtransfer.report import translated
from xtransfer.report.provenance import Provenance
from xtransfer.report.translated import Shown, cut
from xtransfer.results.predictions import Predictions
from xtransfer.results.schema import CellRow, TranslationRow
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_facts import TranslateFacts
from xtransfer.study.study import Target

log = logging.getLogger(__name__)

EACH = 2  # right answers, and as many wrong ones, per target and language
_MANY_LANGUAGES = 20  # targets with more languages show one of each
_COLUMNS = ("language", "id", "gold", "prediction", "item")

_Sources = dict[tuple[str, str, SplitName, int | None], dict[str, Row]]


def predictions(facts: Provenance, store: ArtifactStore) -> list[Shown]:
    """Returns right and wrong answers per target and language, of the target's first run with usable scores.

    Columns: target, language, right, gold, predicted, input, run; narrow ones first, since Prefect cuts wide tables.
    Targets whose rows can no longer be read are left out, with a warning.
    """
    firsts: dict[str, CellRow] = {}
    for cell in sorted(facts.cells, key=lambda cell: cell.status != "done"):
        firsts.setdefault(cell.target, cell)
    return _readable((cell.target, partial(_of_cell, cell, store)) for cell in firsts.values())


def translations(facts: Provenance, store: ArtifactStore) -> list[Shown]:
    """Returns some sentences of each translation that the study was trained or scored on.

    Columns: benchmark, language, engine, source, translation.
    """
    sources: _Sources = {}
    return _readable(
        (f"{one.benchmark} in {one.language}", partial(_of_translation, one, direction, store, sources))
        for one, direction in facts.translations
    )


def _readable(parts: Iterable[tuple[str, Callable[[], Iterator[Shown]]]]) -> list[Shown]:
    found: list[Shown] = []
    for name, part in parts:
        try:
            found += part()
        except XTransferError as error:
            log.warning("no samples of %s: %s", name, error)
    return found


def _of_cell(cell: CellRow, store: ArtifactStore) -> Iterator[Shown]:
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
    """Returns the first wrong and the first right answers; the first answers if the metric has no points per item."""
    if answers["item"].isna().all():
        return answers.head(2 * each)
    right = answers["item"] >= 50
    return pd.concat([answers[~right].head(each), answers[right].head(each)])


def _agrees(kind: Kind, benchmark: Benchmark, row: Row, gold: object) -> bool:
    """Whether a row is still the one that was scored; its source may have changed since."""
    return kind.together is not None or bool(json.loads(json.dumps(kind.gold(benchmark, row))) == gold)


def _input(kind: Kind, row: Row) -> str:
    parts = (row[field] for field in kind.shown)
    return " ‖ ".join(cut(" ".join(part) if isinstance(part, list) else part) for part in parts if part)


def _judged(points: float) -> str:
    if pd.isna(points):
        return ""
    return {100.0: "yes", 0.0: "no"}.get(points, f"{points:.0f} of 100 points")


def _of_translation(one: TranslationRow, direction: str, store: ArtifactStore, sources: _Sources) -> Iterator[Shown]:
    artifact = store.find(one.stage)
    if artifact is None:
        return
    settings = translated.settings_of(artifact)
    place = one.benchmark, settings.source, settings.split, TranslateFacts.of(artifact.manifest.facts).rows
    if place not in sources:
        sources[place] = translated.source_rows(artifact)
    for source, text, _ in translated.sentences(artifact, sources[place], {}):
        yield {
            "benchmark": one.benchmark,
            "language": direction,
            "engine": one.engine,
            "source": source,
            "translation": text,
        }
