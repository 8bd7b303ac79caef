"""XTREME and XTREME-R from the scores in the database: means over seeds per encoder and intermediate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from xtransfer.analysis.statistic import Chosen
from xtransfer.base.errors import RequestError
from xtransfer.metrics.aggregate import Aggregate, Suite, all_scores
from xtransfer.study.study import Target

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results

ROW = ["study", "encoder", "intermediate"]
COLUMNS = [*ROW, "seed", "scope", "name", "value", "spread", "n_seeds", "partial", "missing"]
_SPLIT = "test"

Held = dict[str, dict[str, dict[str, float]]]  # benchmark → language → metric → points


def totals(
    results: Results,
    suite: Suite,
    study: str | None = None,
    *,
    partial: bool = False,
    each_seed: bool = False,
    **filters: Chosen,
) -> pd.DataFrame:
    """Returns benchmark, group and total scores of a suite, from the test scores of done cells.

    Columns: study, encoder, intermediate, seed (only with `each_seed`), scope (benchmark, group, total), name,
    value (points; mean over the seeds that have one), spread (standard deviation over them), n_seeds, partial
    (whether it is a mean over a part, only with `partial`), missing (benchmarks, languages and metrics; per seed if
    seeds differ). Filters are columns of the scores: encoder, intermediate, target, seed.

    Raises RequestError if no cell belongs to the suite, or a study scores one benchmark in two ways.
    """
    cells = _of_suite(results.view("runs", study, **filters), suite)
    if cells.empty:
        names = ", ".join(member.benchmark for member in suite.members)
        raise RequestError(f"no cell has a target of {suite.name}; run a study with some of: {names}")
    _check_one_way(cells)
    scores = results.view("cell_scores", study, split=_SPLIT, **filters)
    scores = _of_suite(scores[scores["status"] == "done"], suite)
    by_cell = {place: _held(part) for place, part in scores.groupby([*ROW, "seed"])}
    rows: list[dict[str, object]] = []
    for place, part in cells.groupby(ROW, sort=False):
        runs = {
            int(str(seed)): _run(by_cell.get((*place, seed), {}), of_seed, suite, partial)
            for seed, of_seed in part.groupby("seed")
        }
        lines = _each(runs) if each_seed else _mean(runs)
        rows.extend(dict(zip(ROW, place, strict=True)) | line for line in lines)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame if each_seed else frame.drop(columns="seed")


_Run = dict[tuple[str, str], tuple[Aggregate, str]]  # (scope, name) → the score and what it lacks, in words


def _of_suite(frame: pd.DataFrame, suite: Suite) -> pd.DataFrame:
    """Returns the rows of the suite's benchmarks, with the column `benchmark`: the member of the suite."""
    targets = [Target.parse(slug) for slug in frame["target"]]
    whole = [target.split == _SPLIT and target.score_rows is None for target in targets]
    members = [suite.member(one.benchmark) if counts else None for one, counts in zip(targets, whole, strict=True)]
    names = pd.Series([member and member.benchmark for member in members], index=frame.index, dtype=object)
    return frame.assign(benchmark=names)[names.notna()]


def _check_one_way(cells: pd.DataFrame) -> None:
    for (study, benchmark), part in cells.groupby(["study", "benchmark"]):
        ways = sorted(set(part["target"]))
        if len(ways) > 1:
            raise RequestError(
                f"study '{study}' scores {benchmark} in several ways ({', '.join(ways)}); choose one target per "
                "benchmark with --target"
            )


def _held(part: pd.DataFrame) -> Held:
    held: Held = {}
    for row in part.to_dict("records"):
        held.setdefault(row["benchmark"], {}).setdefault(row["language"], {})[row["metric"]] = row["value"]
    return held


def _run(held: Held, cells: pd.DataFrame, suite: Suite, partial: bool) -> _Run:
    """Returns the scores of one encoder, intermediate and seed."""
    status = {str(row.benchmark): str(row.status) for row in cells.itertuples()}
    found = all_scores(suite, held, partial=partial)
    return {(scope, one.name): (one, _said(one, status)) for scope, several in found.items() for one in several}


def _said(one: Aggregate, status: Mapping[str, str]) -> str:
    """Returns what is missing, with the status of cells that were planned: `panx: ka yo; xcopa (failed)`."""
    reasons = {name: how for name, how in status.items() if how != "done"}
    return "; ".join(
        str(lack) + (f" ({reasons[lack.benchmark]})" if lack.benchmark in reasons else "") for lack in one.missing
    )


def _each(runs: Mapping[int, _Run]) -> Iterator[dict[str, object]]:
    for seed, run in runs.items():
        for (scope, name), (one, said) in run.items():
            here = int(one.value is not None)
            yield _line(scope, name, one.value, float("nan"), here, one.partial, said) | {"seed": seed}


def _mean(runs: Mapping[int, _Run]) -> Iterator[dict[str, object]]:
    for scope, name in next(iter(runs.values())):
        of_seeds = {seed: run[scope, name] for seed, run in runs.items()}
        values = pd.Series([one.value for one, _ in of_seeds.values() if one.value is not None], dtype=float)
        partial = any(one.partial for one, _ in of_seeds.values())
        said = _together({seed: said for seed, (_, said) in of_seeds.items()})
        yield _line(scope, name, values.mean(), values.std(), len(values), partial, said)


def _together(said: Mapping[int, str]) -> str:
    """Returns one text if all seeds lack the same, else each seed's."""
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"seed {seed}: {text}" for seed, text in said.items() if text)


def _line(
    scope: str, name: str, value: float | None, spread: float, n_seeds: int, partial: bool, missing: str
) -> dict[str, object]:
    return {
        "scope": scope,
        "name": name,
        "value": value,
        "spread": spread,
        "n_seeds": n_seeds,
        "partial": partial,
        "missing": missing,
    }
