"""Joules from counters that are there, and silence where none is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from xtransfer.stages import energy
from xtransfer.stages.energy import Meter


def counter(folder: Path, name: str, micro: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{micro}\n")
    (folder / name / "max_energy_range_uj").write_text("262143328850\n")


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    return tmp_path


def test_packages_are_added_up_and_their_parts_are_not(counters: Path) -> None:
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        counter(counters, name, 5_000_000)
    meter = Meter("cpu")
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        counter(counters, name, 8_500_000)
    assert meter.joules() == 7.0


def test_a_counter_that_begins_anew(counters: Path) -> None:
    counter(counters, "intel-rapl:0", 262_143_000_000)
    meter = Meter("cpu")
    counter(counters, "intel-rapl:0", 1_000_000)
    assert meter.joules() == 1.329


def test_without_a_counter_nothing_is_said(counters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Meter("cpu").joules() is None
    meter = Meter("cpu")
    counter(counters, "intel-rapl:0", 1)
    assert meter.joules() is None
    (counters / "intel-rapl:0" / "energy_uj").write_text("none\n")
    assert Meter("cpu").joules() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # a machine without NVML
    assert Meter("cuda:0").joules() is None
