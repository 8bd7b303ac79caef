"""The rows of a benchmark in another language: as many as asked for, whatever is dropped, and facts about both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.translation.made import made
from xtransfer.base.errors import DataError, RequestError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.benchmark import first_kept, translate_rows
from xtransfer.translation.translated_rows import Dropped

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


class Upper:
    """Translates by writing large; `quiet` comes out empty."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        return ["" if one == "quiet" else one.upper() for one in sentences]


def pair(number: int, first: str, second: str) -> dict[str, Any]:
    return {"id": str(number), "group": "g", "first": first, "second": second, "label": 1}


def test_rows_of_pairs() -> None:
    rows = [pair(0, "a", "b"), pair(1, "quiet", "b"), pair(2, "c", "a")]
    references = [pair(0, "A", "X"), pair(1, "Q", "B"), pair(9, "never", "compared")]
    translated, facts = made(rows, "pair", Upper(), "de", references)
    assert translated == [pair(0, "A", "B"), pair(2, "C", "A")]
    assert rows[0]["first"] == "a"
    assert facts["rows"] == 3 and facts["kept"] == 2 and facts["dropped_empty"] == 1
    assert facts["sentences"] == 6 and facts["distinct"] == 4
    assert facts["compared"] == 4 and facts["exact_match"] == 50.0 and 0 < facts["chrf"] < 100


def test_rows_of_choices() -> None:
    row = {"id": "0", "group": "g", "context": "a", "question": "cause", "choices": ["b", "c"], "label": 0}
    translated, facts = made([row], "choice", Upper(), "de")
    assert translated == [{**row, "context": "A", "choices": ["B", "C"]}] and "chrf" not in facts
    with pytest.raises(DataError, match=r"all 1 rows were dropped \(text not translated: 1\)"):
        made([{**row, "choices": ["b", "quiet"]}], "choice", Upper(), "de")
    with pytest.raises(RequestError, match="'bitext' cannot be translated: its task is to find"):
        made([row], "bitext", Upper(), "de")


def test_dropped_rows_are_told_with_texts_and_reason() -> None:
    rows = [pair(0, "a", "b"), pair(1, "quiet", "b"), pair(2, "The dog runs over the grass.", "a")]
    translated = translate_rows(rows, "pair", Upper(), "de")
    dropped, facts = translated.dropped, translated.facts()
    assert dropped[0] == Dropped("1", "text not translated", ["quiet", "b"], ["", "B"])
    assert dropped[1].id == "2" and facts["dropped"][dropped[1].reason] == 1 and facts["kept"] == 1
