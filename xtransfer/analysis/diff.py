"""Why two runs or studies differ: their recorded differences, and their scores side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import select

from xtransfer.analysis.bootstrap import intervals
from xtransfer.analysis.paired_difference import Pairs, compare
from xtransfer.analysis.points import Point, Result, load
from xtransfer.analysis.recorded import CATEGORIES, Difference, differences
from xtransfer.analysis.run_lookup import Side, side
from xtransfer.analysis.verdict import Verdict
from xtransfer.base.errors import DataError, RequestError, StoreError
from xtransfer.results.schema import CellRow, ScoreRow
from xtransfer.results.upsert import chunks
from xtransfer.study.study import Target

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results
    from xtransfer.store.artifacts import ArtifactStore

PLACE = ["encoder", "intermediate", "target"]
COLUMNS = [*PLACE, "language", "metric", "value_a", "value_b", "difference", "low", "high", "runs", "verdict"]
_SAME = "They are the same: equal training, data and test, one set of scores."
_MANY = 3  # differences of one category that the sentences list; further ones are counted


@dataclass(frozen=True)
class Diff:
    """The comparison of A and B: in sentences, as a list of differences, and in points (A minus B)."""

    a: str
    b: str
    words: list[str]
    differences: list[Difference]
    # COLUMNS; runs: pairs of runs behind a row; low and high: NaN without an interval; verdict: the state of a
    # `Verdict`, empty if nothing could be paired
    scores: pd.DataFrame

    def as_dict(self) -> dict[str, object]:
        """Returns the comparison as JSON values."""
        scores = self.scores.astype(object).where(self.scores.notna(), None).to_dict("records")
        return {"a": self.a, "b": self.b, "words": self.words, "differences": [asdict(one) for one in self.differences],
                "scores": scores}  # fmt: skip


def diff(results: Results, a: str, b: str, store: ArtifactStore) -> Diff:
    """Compares two runs or two studies, named as in `xtransfer.analysis.run_lookup.side`.

    Scores are paired by target, language and metric (for studies by encoder, intermediate and seed too). Intervals
    are of the paired differences over test items, and over runs if there are several.
    Raises RequestError for an unknown name, or for a run compared with a study.
    """
    one, two = side(results, a), side(results, b)
    if one.is_study != two.is_study:
        study, run = (a, b) if one.is_study else (b, a)
        raise RequestError(f"'{study}' is a study and '{run}' a run; name two runs or two studies")
    found = differences(one, two)
    pairs, remarks = _pairs(one, two)
    scores = _scores(results, pairs)
    if _is_same(one, two):
        return Diff(a, b, [_SAME], [], scores)
    if not scores.empty:
        remarks += _add_intervals(scores, pairs, store)
    return Diff(a, b, [_in_words(found), *remarks, *_of_numbers(scores)], found, scores)


_Paired = dict[tuple[str, str, str], list[tuple[CellRow, CellRow]]]  # encoder, intermediate, target → cells of A, B


def _pairs(a: Side, b: Side) -> tuple[_Paired, list[str]]:
    """Returns the cells of both sides that are compared with each other, and remarks on them."""
    cells = {cell.key: cell for cell in [*a.cells, *b.cells]}
    reasons = [f"{_slug(cell)} is {cell.status}: {cell.reason}" for cell in cells.values() if cell.reason]
    remarks = reasons[:_MANY] + [f"So are {len(reasons) - _MANY} more runs."] * (len(reasons) > _MANY)
    if not a.is_study:
        one, two = a.cells[0], b.cells[0]
        benchmarks = [Target.parse(cell.target).benchmark for cell in (one, two)]
        if benchmarks[0] != benchmarks[1]:
            return {}, [*remarks, f"They were scored on {' and '.join(benchmarks)}, so their scores cannot be "
                        "compared."]  # fmt: skip
        if one.key != two.key and one.score_stage == two.score_stage:
            remarks.append("Nothing was trained for either: both have the scores of the same stage.")
        return {(one.encoder, one.intermediate, one.target): [(one, two)]}, remarks
    shared = {cell.encoder for cell in a.cells} & {cell.encoder for cell in b.cells}
    of_b = {_place(cell, shared): cell for cell in b.cells}
    paired: _Paired = {}
    for cell in a.cells:
        if other := of_b.get(_place(cell, shared)):
            encoder = _place(cell, shared)[0]
            paired.setdefault((encoder, cell.intermediate, cell.target), []).append((cell, other))
    if not paired:
        remarks.append("They share no cell (encoder, intermediate, target and seed), so no scores are compared.")
    return paired, remarks


def _slug(cell: CellRow) -> str:
    return f"{cell.encoder} {cell.intermediate} {cell.target} seed {cell.seed}"


def _place(cell: CellRow, shared: set[str]) -> tuple[str, str, str, int]:
    """Returns what pairs a cell with one of the other study; encoders not `shared` pair by name, without revision."""
    encoder = cell.encoder if cell.encoder in shared else cell.encoder.partition("@")[0]
    return encoder, cell.intermediate, cell.target, cell.seed


def _scores(results: Results, paired: _Paired) -> pd.DataFrame:
    """Returns the mean scores of both sides in the languages and metrics that they share; no intervals yet."""
    keys = sorted({cell.key for several in paired.values() for pair in several for cell in pair})
    held: dict[str, dict[tuple[str, str], float]] = {}
    with results.db.begin() as connection:
        for some in chunks(keys):
            query = (
                select(ScoreRow.cell, ScoreRow.language, ScoreRow.metric, ScoreRow.value)
                .where(ScoreRow.cell.in_(some))
                .order_by(ScoreRow.language, ScoreRow.metric)
            )
            for cell, language, metric, value in connection.execute(query):
                held.setdefault(cell, {})[language, metric] = value
    lines = []
    for place, several in paired.items():
        both = [(held[one.key], held[two.key]) for one, two in several if one.key in held and two.key in held]
        if not both:
            continue
        for language, metric in [at for at in both[0][0] if all(at in values for pair in both for values in pair)]:
            values = [sum(pair[number][language, metric] for pair in both) / len(both) for number in (0, 1)]
            lines.append([*place, language, metric, *values, values[0] - values[1], None, None, len(both), ""])
    return pd.DataFrame(lines, columns=COLUMNS).astype({"low": float, "high": float})


def _add_intervals(scores: pd.DataFrame, paired: _Paired, store: ArtifactStore) -> list[str]:
    """Fills in low and high for the metric that has points per item; returns remarks, also on why any are missing."""
    remarks: dict[str, None] = {}
    for place, several in paired.items():
        try:
            pairs, metrics = _results(several, store)
            comparison = compare(pairs, pooled=False) if pairs else None
        except (DataError, StoreError) as error:
            remarks[f"No interval: {error}"] = None
            continue
        if comparison is None:
            remarks["No interval: the artifacts of the scores are not in the artifact store."] = None
            continue
        num_runs = len(comparison.differences.means)
        here = (scores[PLACE] == list(place)).all(axis=1)
        if (scores.loc[here, "runs"] != num_runs).any():
            remarks["No interval: the artifact store lacks some of the scores' artifacts."] = None
            continue
        answer = intervals([comparison.differences])[0]
        for number, language in enumerate(comparison.columns):
            rows = here & (scores["language"] == language) & (scores["metric"] == metrics.get(language))
            low, high, covers = answer.low[number], answer.high[number], comparison.covers(number)
            verdict = Verdict.of(float(low), float(high), covers, comparison.top, num_runs, len(several))
            scores.loc[rows, ["low", "high", "verdict"]] = [low, high, verdict.state]
            if rows.any():
                varied = comparison.differences.variance.knows_items[number] or num_runs > 1
                why = "every run gave the same difference" if varied else "one group of items"
                remarks[f"Intervals (95%) cover {covers}." if low == low else f"No interval: {why}."] = None
                if verdict.reason:
                    remarks[f"Whether they differ is {verdict.reason}: another seed may give another result."] = None
    return list(remarks)


def _results(several: Sequence[tuple[CellRow, CellRow]], store: ArtifactStore) -> tuple[Pairs, dict[str, str]]:
    """Returns the pairs whose artifacts are in the store, and language → the metric that has points per item."""
    pairs: Pairs = {}
    metrics: dict[str, str] = {}
    for cells in several:
        found, missing = load([_point(cell) for cell in cells], store)
        if missing:
            continue
        one, two = found
        pairs[cells[0].encoder, cells[0].seed] = [(one, two)]
        metrics |= _first_metrics(one)
    return pairs, metrics


def _point(cell: CellRow) -> Point:
    return Point(cell.encoder, cell.intermediate, cell.target, cell.seed, cell.score_stage)


def _first_metrics(result: Result) -> dict[str, str]:
    metrics: dict[str, str] = {}
    for score in result.found.scores if result.found else ():
        metrics.setdefault(score.language, score.metric)
    return metrics


def _is_same(a: Side, b: Side) -> bool:
    return {cell.key for cell in a.cells} == {cell.key for cell in b.cells}


def _in_words(found: Sequence[Difference]) -> str:
    if not found:
        return "No recorded value differs."
    by_category = {name: [one for one in found if one.category == name] for name in CATEGORIES}
    told = {name: _of_category(several) for name, several in by_category.items() if several}
    listed = "; ".join(f"the {name} ({text})" for name, text in told.items())
    return f"They differ only in {listed}." if len(told) == 1 else f"They differ in {listed}."


def _of_category(several: Sequence[Difference]) -> str:
    more = len(several) - _MANY
    return ", ".join(map(str, several[:_MANY])) + (f" and {more} more" if more > 0 else "")


def _of_numbers(scores: pd.DataFrame) -> list[str]:
    if scores.empty:
        return []
    known = int(scores["verdict"].isin(["up", "down", "open"]).sum())
    sure = int(scores["verdict"].isin(["up", "down"]).sum())
    return [f"A minus B is not 0 with 95% confidence in {sure} of {known} comparisons."] if known else []
