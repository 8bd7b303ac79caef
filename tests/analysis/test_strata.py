"""An item is drawn once for all languages that have it, however few of the others they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from perf.simulated import Setting, differences
from xtransfer.analysis.bootstrap import intervals
from xtransfer.analysis.points import Layout
from xtransfer.analysis.strata import strata


def layout(groups: Sequence[Sequence[str]], names: Sequence[str] | None = None) -> Layout:
    """Groups of item ids, named by their first item or as given; names are sorted, as where they are read."""
    named = sorted(zip(names or [one[0] for one in groups], groups, strict=True))
    ids = sorted((item, number) for number, (_, items) in enumerate(named) for item in items)
    group_of = np.array([number for _, number in ids])
    sizes = np.array([len(items) for _, items in named])
    return Layout(np.arange(len(ids)), group_of, tuple(name for name, _ in named), sizes,
                  tuple(item for item, _ in ids), group_of)  # fmt: skip


def singles(*ids: str) -> Layout:
    return layout([[one] for one in ids])


def test_languages_that_lack_items_are_drawn_with_the_others() -> None:
    (one,) = strata("mlqa", (singles("a", "b", "c"), singles("b", "c", "d"), singles("d", "e")))
    assert one.members == (0, 1, 2) and one.has.shape == (5, 3)
    assert one.spread([np.array([1, 2, 3]), np.array([4, 5, 6]), np.array([7, 8])]).tolist() == [
        [1, 2, 3, 0, 0],
        [0, 4, 5, 6, 0],
        [0, 0, 0, 7, 8],
    ]
    weights = np.array([[1, 0, 1 / 3], [0, 0, 1 / 3], [0, 1, 1 / 3]])
    assert one.num_groups(weights).tolist() == [3, 2, 5]


def test_languages_without_common_items_are_apart() -> None:
    found = strata("tydiqa", (singles("fi-1", "fi-2"), singles("sw-1", "sw-2")))
    assert [one.members for one in found] == [(0,), (1,)] and found[0].name != found[1].name


def test_passages_are_one_where_they_have_a_question_in_common() -> None:
    (one,) = strata("mlqa", (layout([["a", "b"], ["c"]]), layout([["b"], ["c"], ["d"]])))
    assert one.has.sum(axis=0).tolist() == [2, 3] and len(one.has) == 3


def test_row_numbers_connect_no_groups_but_equal_ones() -> None:
    """Of languages that are not parallel, rows of one number have nothing in common: chains would be one group."""
    (one,) = strata("tags", (layout([["0", "1"], ["2", "3"]]), layout([["0"], ["1", "2"], ["3"]])))
    assert len(one.has) == 4


@pytest.mark.parametrize("part", [0.45, 0.99])
def test_missing_rows_leave_intervals_of_the_mean_as_wide(part: float) -> None:
    """Drawn apart, languages of which each lacks some rows would have a mean that is far too sure."""
    rng = np.random.default_rng(0)
    settings = [Setting("", 400, 8, True, 1, share, 1, 3, "0.5", "strong") for share in (1.0, part)]
    whole, lacking = ([differences(one, rng) for _ in range(20)] for one in settings)
    widths = [
        np.mean([one.high[-1] - one.low[-1] for one in intervals(each, resamples=500)]) for each in (whole, lacking)
    ]
    assert widths[1] > 0.93 * widths[0]
