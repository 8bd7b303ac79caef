from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from xtransfer.base.errors import DataError
from xtransfer.metrics.evaluation import metric
from xtransfer.metrics.metrics import get

GOLDS = [0.0, 0.2, 0.2, 0.76, 1.0]


def test_worked_examples() -> None:
    assert get("spearman").compute([1.0, 2.0, 3.0], [10.0, 20.0, 900.0]) == pytest.approx(100)
    assert get("spearman").compute([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(-100)
    # ranks 1 2.5 2.5 4 against 1 2 3 4: covariance 4.5, variances 4.5 and 5
    assert get("spearman").compute([0.0, 1.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]) == pytest.approx(100 * (4.5 / 5) ** 0.5)
    # deviations -1 0 1 against -1 1 0
    assert get("pearson").compute([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == pytest.approx(50)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_scipys(seed: int) -> None:
    rng = random.Random(seed)
    golds = [round(rng.random() * 5, rng.choice((0, 1, 3))) / 5 for _ in range(200)]
    predictions = [gold + rng.gauss(0, 0.5) if rng.random() < 0.8 else 0.5 for gold in golds]
    assert get("spearman").compute(golds, predictions) == 100 * stats.spearmanr(golds, predictions).statistic
    assert get("pearson").compute(golds, predictions) == 100 * stats.pearsonr(golds, predictions).statistic
    scaled = [one * 5 for one in golds]
    assert get("spearman").compute(scaled, predictions) == get("spearman").compute(golds, predictions)


@pytest.mark.parametrize("name", ["spearman", "pearson"])
@pytest.mark.parametrize("predictions", [[0.5] * 5, [math.nan] * 5, [0.1, 0.2, math.inf, 0.3, 0.4]])
def test_predictions_without_an_order_have_no_correlation(name: str, predictions: list[float]) -> None:
    assert get(name).compute(GOLDS, predictions) == 0.0


@pytest.mark.parametrize("name", ["spearman", "pearson"])
def test_nearly_equal_predictions_raise_no_warning(name: str) -> None:
    value = get(name).compute(GOLDS, [1.0, 1.0, 1.0, 1.0, 1.0 + 2e-16 * 2])
    assert -100 <= value <= 100


@pytest.mark.parametrize("golds", [[-1.0] * 5, [0.3], [math.nan, 0.1, 0.2, 0.3, 0.4]])
def test_gold_without_an_order_is_a_fault_of_the_data(golds: list[float]) -> None:
    with pytest.raises(DataError, match="cannot be ranked"):
        get("spearman").compute(golds, [0.1 * number for number in range(len(golds))])


def test_range_and_items() -> None:
    assert (get("spearman").minimum, get("pearson").maximum) == (-100, 100)
    assert get("spearman").per_item is None, "an item alone has no correlation"


def test_as_metrics_of_evaluate() -> None:
    predictions = [0.1, 0.3, 0.2, 0.9, 0.8]
    found = metric("spearman").compute(predictions=predictions, references=GOLDS)
    assert found == {"spearman": get("spearman").compute(GOLDS, predictions)}
