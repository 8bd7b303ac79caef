"""A translated intermediate has as many rows as a native one, whatever is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from xtransfer.benchmarks.spec import Row
from xtransfer.translation.first_kept import first_kept

ROWS = [{"id": str(number), "number": number} for number in range(100)]


def _keeping(keep: Callable[[int], bool], asked: list[int]) -> Callable[[Sequence[Row]], SimpleNamespace]:
    def translate(rows: Sequence[Row]) -> SimpleNamespace:
        asked.append(len(rows))
        return SimpleNamespace(kept=[row for row in rows if keep(row["number"])], rows=len(rows))

    return translate


@pytest.mark.parametrize("keep", [lambda n: n % 7 != 0, lambda n: n % 3 == 0, lambda n: n > 9, lambda n: n in (1, 30)])
def test_the_first_that_are_kept_are_taken(keep: Callable[[int], bool]) -> None:
    asked: list[int] = []
    every = [row for row in ROWS if keep(row["number"])]
    wanted = min(20, len(every))
    made = first_kept(ROWS, wanted, _keeping(keep, asked))
    assert made.kept == every[:wanted]
    assert (
        made.rows == asked[-1] == int(made.kept[-1]["id"]) + 1
    )  # counts are of the rows that it took, and of no others
    assert len(asked) <= 6


def test_all_are_taken_where_fewer_are_kept() -> None:
    asked: list[int] = []
    made = first_kept(ROWS, 60, _keeping(lambda number: number % 2 == 0, asked))
    assert len(made.kept) == 50 and made.rows == 100
    assert first_kept(ROWS[:5], 60, _keeping(lambda number: True, asked)).kept == ROWS[:5]


def test_nothing_is_asked_twice_where_nothing_is_dropped() -> None:
    asked: list[int] = []
    assert len(first_kept(ROWS, 60, _keeping(lambda number: True, asked)).kept) == 60 and asked == [60]
