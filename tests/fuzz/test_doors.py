"""A few inputs by chance at each door, the same in every run; `python -m tests.fuzz` tries thousands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.fuzz import outcomes
from tests.fuzz.__main__ import count
from tests.fuzz.doors import DOORS
from tests.fuzz.outcomes import GOOD, Door, tried
from xtransfer.base.errors import DataError

_FEW = {"bundle, Parquet": 12, "bundle, SQLite": 12, "manifest": 20, "mark": 20}  # they open databases, which is slow


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without what is logged of an input that is refused."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", DOORS)
def test_inputs_by_chance_are_accepted_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    counts, faults = count(DOORS[name](tmp_path), _FEW.get(name, 60), number=1)
    assert faults == {}
    assert counts["refused"] > 0 and set(counts) <= set(GOOD)


def test_faults_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "HANG_SECONDS", 0.1)
    written: list[int] = []

    def enter(do: Callable[[], object]) -> None:
        do()
        raise DataError("what is wrong")

    def empty() -> None:
        raise DataError("")

    door = Door(st.nothing(), enter, lambda: len(written))
    asked = {"refused": lambda: None, "traceback": lambda: {}["x"], "hang": lambda: time.sleep(5),
             "partial write": lambda: written.append(1), "unreadable message": empty}  # fmt: skip
    assert {what: tried(door, do).what for what, do in asked.items()} == {what: what for what in asked}
    assert tried(door, asked["traceback"]).said.startswith("KeyError at tests/fuzz/test_doors.py:")
