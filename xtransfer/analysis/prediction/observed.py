"""The gains of all recorded studies, as the rows that a prediction learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from xtransfer.analysis.grid import DIRECT, Grid
from xtransfer.analysis.points import ENGLISH, study_points
from xtransfer.analysis.prediction.features import NUMBERS
from xtransfer.analysis.predictors import observations as of_target
from xtransfer.analysis.predictors import steps_apart
from xtransfer.base.languages import LANGUAGES
from xtransfer.results.database import Database
from xtransfer.results.read import study_names
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.intermediate import Intermediate

COLUMNS = ("encoder", "target", "intermediate", "language", "gain", "runs", "log2_rows", "of_runs", "run_degrees")
PLACE = ["encoder", "target", "intermediate", "log2_rows"]  # what runs have in common that differ in seed alone
_ASSUMED = 1.0  # squared points by which the gain of a run varies, where no intermediate has two runs


def observed(db: Database, store: ArtifactStore) -> pd.DataFrame:
    """Returns a row per encoder, target, intermediate and test language but English: the gain over `direct` in points,
    averaged over `runs` runs, each counted once where studies share it, and log2 of the rows seen in intermediate
    training (NaN if that is not known); trainings on other numbers of rows have rows of their own.

    `of_runs` is the variance by runs of the mean gain over all languages, in squared points: what a run does to all
    languages is no evidence of an intermediate, however many languages there are. It is pooled over all intermediates
    with two runs or more, with `run_degrees` degrees of freedom; 0 where it is assumed. Encoders have no seed or
    revision: `lab-tiny@0` and `lab-tiny@1` are `lab-tiny`.
    """
    found = [one for name in study_names(db) for one in _of_study(db, store, name)]
    if not found:
        return pd.DataFrame(columns=[*COLUMNS])
    # A cell that two studies share has the same gain in both, to the last digit; one of another recipe has not.
    same = ["encoder", "seed", "target", "intermediate", "language", "log2_rows", "gain"]
    runs = pd.concat(found).rename(columns={"log2_rows_seen": "log2_rows"}).drop_duplicates(same)
    runs["run"] = runs["encoder"] + " " + runs["seed"].astype(str) + " " + runs["study"]
    runs["encoder"] = runs["encoder"].str.partition("@")[0]
    each = runs.groupby([*PLACE, "run"], sort=False, dropna=False)["gain"].mean().groupby(PLACE, dropna=False)
    freedom = each.size() - 1
    of_runs = float((each.var() * freedom).sum() / freedom.sum()) if freedom.sum() else _ASSUMED
    grouped = runs.groupby([*PLACE, "language"], sort=False, dropna=False)["gain"].agg(gain="mean", runs="size")
    return grouped.reset_index().assign(of_runs=lambda frame: of_runs / frame["runs"], run_degrees=freedom.sum())


def _of_study(db: Database, store: ArtifactStore, study: str) -> Iterator[pd.DataFrame]:
    grid = Grid(study_points(db, study), store)
    for target in dict.fromkeys(point.target for point in grid.points):
        rows = of_target(grid, target)
        rows = rows[rows["language"] != ENGLISH]
        if len(rows):
            columns = ["encoder", "seed", "intermediate", "language", "gain", "log2_rows_seen"]
            yield rows[columns].assign(target=target, study=study)


def described(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns for each row what it can have in common with others: its names, the benchmarks and languages that the
    intermediate is in, and in numbers whether it is in the test language (`own`), how far from it else (`distance`, 1
    to 3), whether it is translated, and those of `NUMBERS` that the rows have."""
    parsed = {name: Intermediate.parse(name) for name in dict.fromkeys(rows["intermediate"])}
    parts = {name: sorted({part.benchmark for part in one.all_parts}) for name, one in parsed.items()}
    sources = {name: sorted({part.language for part in one.all_parts}) for name, one in parsed.items()}
    engines = {name: any(part.engine for part in one.all_parts) for name, one in parsed.items()}
    apart = [nearest(sources[name], to) for name, to in zip(rows["intermediate"], rows["language"], strict=True)]
    return pd.DataFrame(
        {
            "encoder": rows["encoder"],
            "target": rows["target"],
            "language": rows["language"],
            "intermediate": rows["intermediate"],
            "task": [" ".join(parts[name]) for name in rows["intermediate"]],
            "source": [" ".join(sources[name]) for name in rows["intermediate"]],
            "own": [float(one == 0) for one in apart],
            "distance": [max(one, 1.0) for one in apart],
            "translated": [float(engines[name]) for name in rows["intermediate"]],
            **{name: rows[name].to_numpy(float) for name in NUMBERS if name in rows},
        }
    )  # fmt: skip


def nearest(sources: Iterable[str], to: str) -> float:
    """Returns the steps up the family tree to the nearest of some languages, as `steps_apart`; 3 if one is unknown."""
    known = [LANGUAGES[code] for code in sources if code in LANGUAGES]
    return min((steps_apart(one, LANGUAGES[to]) for one in known), default=3.0) if to in LANGUAGES else 3.0


def wanted(encoder: str, target: str, intermediates: Iterable[str], languages: Iterable[str]) -> pd.DataFrame:
    """Returns the rows to predict: every intermediate but `direct` in every language but English."""
    codes = [code for code in languages if code != ENGLISH]
    rows = [(encoder, target, name, code) for name in intermediates if name != DIRECT for code in codes]
    return pd.DataFrame(rows, columns=[*COLUMNS[:4]])
