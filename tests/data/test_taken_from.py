"""A column that one language has right and others wrong: its values, found by id, replace theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from xtransfer.base.errors import DataError
from xtransfer.benchmarks import get
from xtransfer.data.check import look
from xtransfer.data.load import load_rows
from xtransfer.data.need import Need, Needs
from xtransfer.data.revisions import Pins
from xtransfer.kinds.check import fault

RIGHT = ["cause", "effect", "cause"]
TEXTS = {"premise": ["p", "q", "r"], "choice1": ["x", "z", "y"], "choice2": ["y", "w", "z"], "label": [1, 0, 0]}


def _write(mirror: Path, code: str, questions: list[str], ids: list[int]) -> None:
    columns: dict[str, list[Any]] = {**TEXTS, "idx": ids, "question": questions}
    write(mirror, f"cambridgeltl/xcopa/{code}/test", columns)


def _questions(name: str, code: str) -> list[str]:
    return [row["question"] for row in load_rows(get(name), code, "test")]


def test_the_value_of_the_same_id_is_taken(mirror: Path) -> None:
    _write(mirror, "et", RIGHT, [5, 6, 7])
    _write(mirror, "th", ["effect"] * 3, [7, 6, 5])
    assert _questions("xcopa", "th") == ["effect"] * 3
    assert _questions("xcopa-corrected", "th") == ["cause", "effect", "cause"]
    _write(mirror, "et", ["cause", "effect", "effect"], [5, 6, 7])
    assert _questions("xcopa-corrected", "th") == ["effect", "effect", "cause"]
    assert _questions("xcopa-corrected", "et") == ["cause", "effect", "effect"]
    (found,) = look(Needs((Need("xcopa-corrected", "test", "th"),)), "none")
    assert (found.state, found.origin) == ("ok", "mirror")


def test_the_pin_follows_the_rows_that_are_taken_from(mirror: Path) -> None:
    _write(mirror, "et", RIGHT, [5, 6, 7])
    _write(mirror, "th", ["effect"] * 3, [5, 6, 7])
    published, corrected = (Pins().data(name, "test", ["th"]) for name in ("xcopa", "xcopa-corrected"))
    _write(mirror, "et", RIGHT[::-1], [7, 5, 6])
    assert Pins().data("xcopa", "test", ["th"]) == published
    assert Pins().data("xcopa-corrected", "test", ["th"]) != corrected


def test_a_row_that_is_not_there_is_named(mirror: Path) -> None:
    _write(mirror, "et", RIGHT, [5, 6, 8])
    _write(mirror, "th", RIGHT, [5, 6, 7])
    said = "xcopa-corrected/et/test: no row with id 7, which xcopa-corrected/th/test takes 'question' from"
    with pytest.raises(DataError, match=said):
        load_rows(get("xcopa-corrected"), "th", "test")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": None}, "rows are found by id"),
        ({"adapt": lambda row: row}, "leave adapt out"),
        ({"taken_from": {"questions": "et"}}, "'questions' is none of the columns (premise, question,"),
        ({"taken_from": {"question": "fi"}}, "'fi' is none of the languages (et, ht,"),
    ],
)
def test_declarations_that_cannot_be_followed_are_told(changes: dict[str, Any], said: str) -> None:
    assert said in str(fault(replace(get("xcopa-corrected"), **changes)))


def test_questions_of_xcopa_agree_over_languages(hub_dir: Path) -> None:
    for split, copies in (("dev", 6), ("test", 6)):
        right = {row["id"]: row["question"] for row in load_rows(get("xcopa"), "et", split)}  # type: ignore[arg-type]
        counts = {}
        for code in (code for code in get("xcopa").languages if code != "en"):
            rows = load_rows(get("xcopa-corrected"), code, split)  # type: ignore[arg-type]
            assert {row["id"]: row["question"] for row in rows} == right
            published = load_rows(get("xcopa"), code, split)  # type: ignore[arg-type]
            counts[code] = sum(row["question"] != right[row["id"]] for row in published)
        assert sum(not count for count in counts.values()) == copies
        th, tr = {"dev": (52, 52), "test": (250, 51)}[split]
        assert (counts["th"], counts["tr"]) == (th, tr)
