"""What the check of data says of rows that can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.check import look
from xtransfer.data.need import Need, Needs
from xtransfer.data.remarks import Remarks

N = 60


def _said(benchmark: str, split: SplitName, *languages: str) -> list[str]:
    remarks = Remarks()
    found = list(look(Needs(tuple(Need(benchmark, split, code) for code in languages)), "all", remarks))
    assert all(one.ok for one in found)
    return [f"{one.split}: {one.text}" for one in remarks]


def _xcopa(mirror: Path, code: str, split: str = "test", **changes: Any) -> None:
    columns: dict[str, list[Any]] = {
        "premise": [f"{code} {split} p{number}" for number in range(N)],
        "question": ["cause", "effect"] * (N // 2),
        "choice1": ["x"] * N,
        "choice2": [f"y{number}" for number in range(N)],
        "idx": list(range(N)),
        "label": [0, 1, 1] * (N // 3),
    }
    write(mirror, f"cambridgeltl/xcopa/{code}/{split}", {**columns, **changes})


def test_sound_rows_say_nothing(mirror: Path) -> None:
    for code in ("et", "th", "tr"):
        _xcopa(mirror, code)
    assert _said("xcopa", "test", "et", "th", "tr") == []


def test_columns_that_parallel_languages_should_share_are_compared(mirror: Path) -> None:
    for code in ("et", "it"):
        _xcopa(mirror, code)
    _xcopa(mirror, "th", question=["effect"] * N)
    _xcopa(mirror, "tr", label=[1, 1, 1] + [0, 1, 1] * (N // 3 - 1))
    assert _said("xcopa", "test", "et", "th", "it", "tr") == [
        "test: 'question' is 'effect' in every row: th",
        f"test: 'question' differs from the row of the same id in most languages: th {N // 2} of {N} rows",
        f"test: 'label' differs from the row of the same id in most languages: tr 1 of {N} rows",
    ]
    assert _said("xcopa-corrected", "test", "et", "th") == []


def test_languages_with_rows_of_their_own_are_not_compared(mirror: Path) -> None:
    _xcopa(mirror, "et")
    _xcopa(mirror, "th", question=["effect", "cause"] * (N // 2), label=[1, 0, 0] * (N // 3))
    _xcopa(mirror, "tr", idx=list(range(N, 2 * N)), label=[1, 0, 0] * (N // 3))
    assert _said("xcopa", "test", "et", "th", "tr") == []


def test_repeated_rows_are_counted(mirror: Path) -> None:
    premises = [f"p{number}" for number in range(N)]
    premises[3], premises[9] = premises[1], premises[5]
    question, second = ["cause"] * 30 + ["effect"] * 30, ["y"] * N
    _xcopa(mirror, "sw", premise=premises, choice2=second, question=question, label=[0] * 9 + [1] * 51)
    assert _said("xcopa", "test", "sw") == [
        "test: rows that repeat all texts of an earlier row: sw 2; with another answer: sw 1",
        "test: 'choices' is ['x', 'y'] in every row: sw",
    ]


def test_rows_in_two_splits_are_counted(mirror: Path) -> None:
    _xcopa(mirror, "sw")
    _xcopa(mirror, "sw", "validation", premise=[f"sw test p{number + 50}" for number in range(N)])
    remarks = Remarks()
    needs = Needs((Need("xcopa", "test", "sw"), Need("xcopa", "dev", "sw")))
    assert all(one.ok for one in look(needs, "all", remarks)) and list(remarks) == []  # choice2 is another
    write_same = [f"y{number + 50}" for number in range(N)]
    _xcopa(mirror, "sw", "validation", premise=[f"sw test p{number + 50}" for number in range(N)], choice2=write_same)
    list(look(needs, "all", remarks))
    assert [(one.split, one.text) for one in remarks] == [("test", "rows whose texts all stand in dev too: sw 10")]


def test_real_questions_of_xcopa_are_found(hub_dir: Path) -> None:
    codes = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")
    said = _said("xcopa", "test", *codes)
    assert any("th 250, tr 51, sw 37, id 4, it 4 of 500 rows" in one for one in said)
    assert not [one for one in _said("xcopa-corrected", "test", *codes) if "question" in one]


@pytest.mark.parametrize("name", ["lab-nli", "lab-copa"])
def test_generated_languages_agree(name: str) -> None:
    assert not [one for one in _said(name, "test", "en", "de", "sw") if "differs" in one]
