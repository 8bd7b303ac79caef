"""Questions about the results, each answered with a data frame; `Results` has them as methods.

Filters are values or lists of values. A value that the database lacks is refused, with the nearest one that it has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Select, column, select, table

from xtransfer.analysis.measures import measures
from xtransfer.analysis.statistic import FILTERS, Chosen, Statistic, Value
from xtransfer.analysis.statistics import CONTRASTS
from xtransfer.analysis.totals import totals
from xtransfer.analysis.verdict import turned as turned_state
from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.languages import LANGUAGES, meant
from xtransfer.metrics.aggregate import suite
from xtransfer.results.faults import explained

if TYPE_CHECKING:
    from xtransfer.analysis.points import Point
    from xtransfer.analysis.results import Results

BY = ("language", "family", "script", "mean")
_OF_CELLS = ("target", "seed")
_PAIR = ("first", "second")  # the intermediates that a row compares
_OF_CONTRASTS = tuple(name for name in FILTERS if name != "intermediate")


def rows(results: Results, view: str, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
    """Returns rows of a view. Raises RequestError for a filter value that occurs nowhere in the study.

    A combination of filters without rows is not an error.
    """
    chosen = given(filters)
    frame = results.view(view, study, **chosen)
    for name, values in chosen.items():
        present = set(frame[name])
        if absent := [value for value in values if value not in present]:
            _check(results, view, study, name, absent, chosen)
    return frame


def measured(results: Results, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
    """Returns the recorded measures of embedding spaces. Raises RequestError for an unknown study or filter value."""
    from xtransfer.analysis.points import study_points

    if study is not None:
        study_points(results.db, study)  # refuses an unknown study
    frame = measures(results.db, study)
    for name, values in given(filters).items() if len(frame) else ():
        _require(f"measure of {name}", values, set(frame[name]))
        frame = frame[frame[name].isin(values)]
    return frame.reset_index(drop=True)


def statistic(
    results: Results, asked: Statistic, study: str, *, by: str | None = None, **filters: Chosen
) -> pd.DataFrame:
    """Returns the chosen rows of a statistic of a study.

    Filters are those of the statistic. encoder: `NAME@*` means all encoders of that name, pooled. intermediate: `any`
    means their mean; in a comparison, one of the two must match. `by` (a value of `BY`) says what the rows are about.
    """
    from xtransfer.analysis import Grid, by_rounds

    if by and not asked.by:
        raise RequestError(f"rows of '{asked.name}' are not about languages: it has no 'by'")
    grid = Grid(_points(results, study, filters, asked.filters), results.artifacts, by_rounds(results.db, study))
    frame = asked.compute(grid)
    frame.attrs["without_items"] = grid.num_without_items
    return _asked(frame, by or asked.by, filters)


def contrasts(
    results: Results,
    study: str,
    first: str | None = None,
    second: str | None = None,
    *,
    by: str = "language",
    **filters: Chosen,
) -> pd.DataFrame:
    """Returns first minus second with intervals, as `xtransfer.analysis.contrasts`; filters as in `statistic`.

    Without `second`, returns `first` minus every other intermediate; without both, every pair once.
    """
    if second is not None and first is None:
        raise RequestError(f"a contrast with '{second}' also needs the first intermediate")
    from xtransfer.analysis import Grid, by_rounds

    points = _points(results, study, filters, _OF_CONTRASTS)
    chosen = [name for name in (first, second) if name is not None]
    _require("intermediate", chosen, {point.intermediate for point in points})
    if len(chosen) == 2:
        if first == second:
            raise RequestError(f"a contrast needs two intermediates, got '{first}' twice")
        points = [point for point in points if point.intermediate in chosen]
    grid = Grid(points, results.artifacts, by_rounds(results.db, study))
    frame = CONTRASTS.compute(grid)
    frame.attrs["without_items"] = grid.num_without_items
    if chosen:
        frame = frame[frame["first"].isin(chosen) | frame["second"].isin(chosen)]
    return _asked(oriented(frame, chosen[0]) if chosen else frame, by, filters)


def aggregate(
    results: Results,
    version: str = "xtreme",
    study: str | None = None,
    *,
    partial: bool = False,
    each_seed: bool = False,
    **filters: Chosen,
) -> pd.DataFrame:
    """Returns the scores of XTREME or XTREME-R, as `xtransfer.analysis.totals`.

    Filters: encoder, intermediate, target, seed.
    """
    chosen = suite(version)
    rows(results, "runs", study, **filters)  # refuses unknown filter values
    return totals(results, chosen, study, partial=partial, each_seed=each_seed, **given(filters))


def oriented(frame: pd.DataFrame, first: str) -> pd.DataFrame:
    """Returns contrasts with `first` as the first intermediate of every row; reversed rows change their sign."""
    turned = frame.rename(
        columns={"first": "second", "second": "first", "value": "second_value", "second_value": "value"}
    )[list(frame.columns)]
    for name, other in (("difference",) * 2, ("low", "high"), ("high", "low"), ("joint_low", "joint_high"),
                        ("joint_high", "joint_low")):  # fmt: skip
        turned[name] = 0.0 - frame[other]  # not minus: 0 stays without a sign
    turned["verdict"] = frame["verdict"].map(turned_state)
    made = frame.where(frame["first"] == first, turned)
    made.attrs = frame.attrs
    return made


def given(filters: Mapping[str, Chosen]) -> dict[str, list[Value]]:
    """Returns the filters that are set, as lists."""
    listed = {name: [value] if isinstance(value, str | int) else list(value or ()) for name, value in filters.items()}
    return {name: values for name, values in listed.items() if values}


def _points(results: Results, study: str, filters: Mapping[str, Chosen], allowed: Sequence[str]) -> list[Point]:
    """Returns the study's cells of the chosen targets and seeds; the other filters select rows of the result."""
    from xtransfer.analysis.points import study_points

    _require("filter", given(filters), allowed)
    points = study_points(results.db, study)
    for name in _OF_CELLS:
        chosen = given(filters).get(name, [])
        _require(name, chosen, {getattr(point, name) for point in points})
        points = [point for point in points if not chosen or getattr(point, name) in chosen]
    return points


def _asked(frame: pd.DataFrame, by: str | None, filters: Mapping[str, Chosen]) -> pd.DataFrame:
    """Returns the requested rows of a frame and keeps its `attrs`. Without `by`, rows are not about languages."""
    _require("way to show rows by", [by] if by else [], BY)
    said = dict(frame.attrs)
    for name, values in given(filters).items():
        if name in _OF_CELLS:
            continue  # applied to the cells
        columns = frame[[name] if name in frame else [*_PAIR]]
        _require(name, values, {*columns.to_numpy().flat})
        frame = frame[columns.isin(values).any(axis=1)]
    if by and "language" not in given(filters):
        frame = frame[frame["language"].map(lambda language: _is_of(by, language)).astype(bool)]
    frame = frame.reset_index(drop=True)
    frame.attrs = said
    return frame


def _is_of(by: str, language: str) -> bool:
    from xtransfer.analysis.paired_difference import BUT_EN, OTHERS

    means = (BUT_EN, OTHERS)
    if by == "language":
        return language in LANGUAGES or language in means
    return language in means if by == "mean" else language.startswith(f"{by}:")


def _check(
    results: Results, view: str, study: str | None, name: str, values: Sequence[Value], filters: dict[str, list[Value]]
) -> None:
    """Raises RequestError for filter values that the study lacks; a metric must be one of the chosen targets."""
    within: dict[str, list[Value]] = {"study": [study]} if study else {}
    if name == "metric" and "target" in filters:
        within["target"] = filters["target"]
    of = f" of {', '.join(map(str, filters['target']))}" if "target" in within else ""
    _require(f"{name}{of}", values, _values(results, view, name, within))


def _require(what: str, values: Iterable[Value], known: Collection[object]) -> None:
    """Raises RequestError for an unknown value, with the nearest known one."""
    for value in values:
        if value not in known:
            language = meant(str(value)) if what.partition(" ")[0] == "language" else None
            # a known language that is not here: the nearest code that is here would be no help
            raise unknown(what, str(value), map(str, known), meant=language and (language if language in known else ""))


def _values(results: Results, view: str, name: str, within: dict[str, list[Value]]) -> set[Value]:
    # Any: the column is known at run time only
    query: Select[Any] = select(column(name)).select_from(table(view)).distinct()
    for other, values in within.items():
        query = query.where(column(other).in_(values))
    with explained(results.db.name), results.db.engine.connect() as connection:
        return set(connection.scalars(query))
