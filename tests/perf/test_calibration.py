"""Simulated grids have the truth that they state, rates are counted right, and the table finds its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perf.bootstrap import measure
from perf.calibration import rates, settings
from perf.rates import GOALS, HEADINGS, Rate, measures, rows, write_markdown
from perf.simulated import Setting, differences
from tests.perf.quick import quick

SMALL = Setting("small", 60, 4, True, 1, 1.0, 1, 3, "2", "strong")


@pytest.mark.parametrize("changes", [{}, {"encoders": 3, "seeds": 2}, {"shared": False}, {"group": 6}, {"part": 0.5}])
def test_grids_have_the_stated_truth(changes: dict[str, int | bool | float]) -> None:
    setting = replace(SMALL, **changes)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    found = np.array([differences(setting, rng).means.mean(axis=0) for _ in range(800)])
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - setting.truth) < 4 * error).all()
    assert setting.truth[0] == 0 and setting.truth[1] > 5


def test_influences_are_those_of_the_runs() -> None:
    one = differences(replace(SMALL, group=6, shared=False), np.random.default_rng(0))
    assert one.items is not None and len(one.items.influence) == 4
    for values in one.items.influence.values():
        assert values.shape == (3, 10, 5)
        np.testing.assert_allclose(values.sum(axis=1), 0, atol=1e-9)


def test_rates_of_few_grids() -> None:
    found = rates(SMALL, 60, 0)
    assert set(found) == {*GOALS, "usual"}
    assert 85 < found["covered"].value <= 100 and 60 < found["power"].value < 95
    assert all(one.error >= 0 for one in found.values())


def test_settings_are_those_of_real_grids() -> None:
    found = settings()
    assert {(one.items, one.languages) for one in found} == {
        (500, 11), (5010, 15), (720, 6), (1200, 7), (500, 14), (1200, 11),
    }  # fmt: skip
    assert {one.runs for one in found} == {"2 seeds", "3 seeds", "5 seeds", "10 seeds", "3 encoders × 5 seeds"}
    assert len(set(found)) == len(found)


def test_rates_pool_and_are_judged() -> None:
    one = Rate.of([0.0, 1.0, 1.0, 0.0])
    assert (one.value, one.error) == (50, pytest.approx(100 * np.sqrt(1 / 3) / 2))
    assert Rate.pooled([Rate(4, 3), Rate(8, 4)]) == Rate(6, 2.5)
    assert GOALS["false"].holds(Rate(5.9, 1)) and not GOALS["false"].holds(Rate(6.1, 1))
    assert GOALS["holm"].holds(Rate(0.5, 1)) and not GOALS["holm"].holds(Rate(5.5, 1))
    records = measures([dict.fromkeys([*GOALS, "usual"], Rate(94.0, 0.1))])
    assert records[1] == {"name": "coverage", "ours": 94.0, "error": 0.1, "other": 94.0, "ratio": None,
                          "goal": "95 ± 1.5 %", "holds": True}  # fmt: skip


def test_the_table_replaces_the_one_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    lines = rows({("small", "3 seeds"): [dict.fromkeys([*GOALS, "usual"], Rate(94.0, 0.1))]})
    page.write_text("# A\n<!-- calibration -->\nold\n<!-- /calibration -->\nend\n", encoding="utf-8")
    write_markdown(lines, "Said.", page)
    once = page.read_text(encoding="utf-8")
    write_markdown(lines, "Said.", page)
    assert page.read_text(encoding="utf-8") == once
    assert "| small | 3 seeds | 94.0 (94.0-94.0) |" in once and "old" not in once and once.endswith("end\n")
    assert once.count("\n| ") == len(lines) + 2 and once.splitlines()[2].count("|") == len(HEADINGS) + 1
    page.write_text("# A\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for the table"):
        write_markdown(lines, "Said.", page)


def test_quick_calibration_runs(tmp_path: Path) -> None:
    found, printed = quick("calibration", tmp_path)
    assert [one["name"] for one in found["measures"]] == [goal.what for goal in GOALS.values()]
    assert len(found["settings"]) == 10 and "Calibration at 95%" in printed


def test_quick_families_run(tmp_path: Path) -> None:
    found, printed = quick("families", tmp_path)
    assert [one["name"] for one in found["measures"]] == ["gains: any false", "contrasts: any false"]
    assert "Most often false, joint" in printed


def test_bootstrap_is_measured_both_ways() -> None:
    found = measure(quick=True)
    assert [one.name for one in found] == ["shared items", "own items of each language"]
    assert all(one.ours[0] > 0 and one.other[0] > 0 and one.holds is None for one in found)
