"""How large a study must be: against the textbook where a hand can say it, and what is taken from the records."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from tests.results.numbers import make, record_all
from tests.running import QUICK, lab_study, xtransfer
from xtransfer.analysis.spreads import Spread, pooled, spreads
from xtransfer.base.errors import RequestError
from xtransfer.planning.design import DISAGREE, RUN_SD, design
from xtransfer.results.database import open_database


def spread(of_run: float, of_item: float, **fields: object) -> Spread:
    values = {"encoder": "lab-tiny@0", "target": "lab-inference", "num_runs": 3, "items": 100, **fields}
    return Spread(of_run=of_run, of_item=of_item, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("sd", [0.5, 1.0, 2.0])
def test_runs_alone_are_a_paired_t_test(sd: float) -> None:
    """Where items hardly vary, the number of seeds is that of a one-sample t test of paired differences."""
    (found,) = design(lab_study(seeds=[0, 1, 2]), [spread(sd**2, 1e-9)], 1.0)
    expected = math.ceil(TTestPower().solve_power(effect_size=1 / sd, alpha=0.05, power=0.8))
    assert abs(found.runs - expected) <= 1 and found.at_least < 0.01


def test_a_small_test_set_limits_every_number_of_seeds() -> None:
    (found,) = design(lab_study(seeds=[0, 1, 2]), [spread(0.01, 90_000.0)], 1.0)
    assert found.runs == np.inf and found.at_least > 1
    assert found.items < found.items_needed < np.inf
    sure = 90_000 * (1.96 + 0.84) ** 2  # normal items: n = variance × (1.96 + 0.84)² / 1²
    assert found.items_needed == pytest.approx(sure, rel=0.15)


def test_items_that_nobody_knows_are_not_counted_as_none() -> None:
    (found,) = design(lab_study(seeds=[0, 1, 2]), [spread(1.0, math.nan)], 1.0)
    assert math.isnan(found.item_sd) and math.isnan(found.at_least) and found.runs > 3


def test_the_closest_records_count() -> None:
    others = [spread(25.0, 1.0, encoder="other@0"), spread(100.0, 1.0, target="lab-inference:dev"),
              spread(400.0, 1.0, target="lab-copa")]  # fmt: skip
    sds = []
    while others:
        (found,) = design(lab_study(seeds=[0, 1, 2]), [spread(1.0, 1.0), *others] if len(others) == 3 else others, 1.0)
        sds.append((found.run_sd, found.source.partition(",")[0]))
        others.pop(0)
    assert [sd for sd, _ in sds] == pytest.approx([1.0, 10.0, RUN_SD])
    assert [words for _, words in sds] == ["recorded: this target and encoder", "recorded: lab-inference", "assumed"]


def test_nothing_recorded_is_assumed_and_can_be_given() -> None:
    (found,) = design(lab_study(seeds=[0, 1, 2]), [], 3.0)
    assert found.source == "assumed" and found.run_sd == RUN_SD
    assert found.item_sd == pytest.approx((DISAGREE * 1e4 / found.items) ** 0.5)
    (given,) = design(lab_study(seeds=[0, 1, 2]), [], 3.0, run_sd=0.1)
    assert given.run_sd == pytest.approx(0.1) and given.runs < found.runs


def test_variances_are_pooled_by_their_degrees_of_freedom() -> None:
    found = pooled([spread(1.0, 4.0, num_runs=2), spread(4.0, math.nan, num_runs=6)])
    assert found is not None and found.of_run == pytest.approx(3.5) and found.of_item == 4.0
    assert (found.degrees, found.comparisons) == (6, 2) and pooled([]) is None


def test_spreads_come_from_recorded_comparisons_each_once(tmp_path: Path) -> None:
    counts = {"direct": (10, 30, 20), "nli@en": (40, 30, 50), "nli@de": (30, 50, 40)}

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        right = counts[intermediate][seed]
        return {code: [100.0] * right + [0.0] * (100 - right) for code in ("en", "sw")}

    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as database:
        numbers = make(tmp_path, items, group_size=1)
        record_all(database, numbers)
        found = spreads(database, numbers.store)
    assert len(found) == 2 and {one.items for one in found} == {100}
    assert sorted(one.of_run for one in found) == pytest.approx(
        sorted(np.var(np.subtract(counts[name], counts["direct"]), ddof=1) for name in ("nli@en", "nli@de"))
    )


def test_a_part_of_a_study_repeats_no_run(tmp_path: Path) -> None:
    """Another study of the same cells without `direct` adds no comparison."""
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as database:
        whole = make(tmp_path)
        record_all(database, whole)
        before = spreads(database, whole.store)
        record_all(database, make(tmp_path, intermediates=["nli@en", "nli@de"], name="part"))
        assert spreads(database, whole.store) == before and len(before) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"languages": ["en"]}, "in English alone"), ({"intermediates": ["direct"]}, "one intermediate")],
)
def test_a_study_without_a_difference_to_find_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        design(lab_study(**fields), [], 1.0)


def test_the_command_needs_no_record(tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "home", "design", QUICK, "--detect", "2")
    assert done.returncode == 0 and "assumed" in done.stdout and "true difference of 2 points" in done.stdout
    refused = xtransfer(tmp_path / "home", "design", QUICK, "--detect", "0")
    assert refused.returncode == 2 and "detect" in refused.stderr
    assert not (tmp_path / "home" / "results.db").exists()
