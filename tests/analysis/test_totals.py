"""XTREME over a database: the mean over seeds, and in words what keeps a total from being there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from tests.scoring.finished import Outcome, finish
from xtransfer.analysis.results import open_results
from xtransfer.analysis.totals import totals
from xtransfer.base.errors import RequestError
from xtransfer.metrics.aggregate import XTREME, XTREME_R, Suite


def outcomes(suite: Suite, points: float, **more: Outcome) -> dict[str, Outcome]:
    """Every benchmark with the same points in each language."""
    found = {
        member.benchmark: Outcome(points={code: dict.fromkeys(member.metrics, points) for code in member.languages})
        for member in suite.members
    }
    return found | more


def table(suite: Suite = XTREME, **more: Any) -> pd.DataFrame:
    with open_results() as results:
        return totals(results, suite, **more)


def row(frame: pd.DataFrame, name: str, **where: Any) -> Mapping[str, Any]:
    for column, value in {"name": name, **where}.items():
        frame = frame[frame[column] == value]
    (found,) = frame.to_dict("records")
    return found


def test_means_over_seeds_with_their_spread() -> None:
    finish(
        {
            ("direct", 0): outcomes(XTREME_R, 40),
            ("direct", 1): outcomes(XTREME_R, 50),
            ("nli@en", 0): outcomes(XTREME_R, 60),
        }
    )
    frame = table(XTREME_R, study="mine")
    direct = row(frame, "total", intermediate="direct")
    assert (direct["value"], direct["n_seeds"], direct["missing"]) == (45, 2, "")
    assert direct["spread"] == pytest.approx(50**0.5) and not direct["partial"]
    after = row(frame, "total", intermediate="nli@en")
    assert after["value"] == 60 and pd.isna(after["spread"])
    assert list(frame["scope"].value_counts()) == [20, 8, 2]
    seeds = table(XTREME_R, each_seed=True, intermediate="direct", seed=[1])
    assert row(seeds, "retrieval", seed=1)["value"] == 50 and len(seeds) == 15


def test_what_is_missing_is_said_with_the_reason() -> None:
    held = outcomes(XTREME, 40, xnli=Outcome(failed="no memory"), panx=Outcome(points={"de": {"tag_f1": 10.0}}))
    del held["bucc"]
    finish({("direct", 0): held, ("direct", 1): outcomes(XTREME, 50)})
    frame = table()
    total, tagging = row(frame, "total"), row(frame, "tagging")
    assert (total["value"], total["n_seeds"]) == (50, 1)
    assert total["missing"].startswith("seed 0: xnli (failed); panx: af ar bg bn el ")
    assert total["missing"].endswith("; bucc")
    assert tagging["n_seeds"] == 1 and row(frame, "udpos")["n_seeds"] == 2
    alone = table(seed=[0])
    assert pd.isna(row(alone, "total")["value"]) and row(alone, "total")["missing"].startswith("xnli (failed)")
    partial = row(table(seed=[0], partial=True), "total")
    assert partial["partial"] and partial["value"] == pytest.approx((40 * 6 + 10) / 7)


def test_a_degenerate_cell_does_not_count() -> None:
    held = outcomes(XTREME, 40)
    constant = {code: {"accuracy": 33.0} for code in held["xnli"].points}
    finish({("direct", 0): {**held, "xnli": Outcome(points=constant, constant=True)}})
    assert row(table(), "total")["missing"] == "xnli (degenerate)"


def test_two_ways_to_score_a_benchmark_need_a_choice() -> None:
    held = {"tatoeba:layer7": Outcome(points={"de": {"accuracy": 10.0}}),
            "tatoeba:layer8": Outcome(points={"de": {"accuracy": 20.0}}),
            "tatoeba:first9": Outcome(points={"de": {"accuracy": 98.0}}),
            "tatoeba:dev": Outcome(points={"de": {"accuracy": 99.0}})}  # fmt: skip
    finish({("direct", 0): held})
    with pytest.raises(RequestError, match=r"tatoeba in several ways \(tatoeba:layer7, tatoeba:layer8\)"):
        table()
    assert row(table(target=["tatoeba:layer8"], partial=True), "tatoeba")["value"] == 20


def test_a_benchmark_with_more_languages_counts_as_the_one_it_extends() -> None:
    held = outcomes(XTREME, 40)
    held["tatoeba-r"] = Outcome(points={**held.pop("tatoeba").points, "pl": {"accuracy": 100.0}})
    finish({("direct", 0): held})
    assert row(table(), "tatoeba")["value"] == 40 and row(table(), "total")["missing"] == ""
    assert row(table(XTREME_R), "tatoeba")["missing"] == "tatoeba: az lt ro uk"


def test_nothing_of_a_suite_is_an_error() -> None:
    finish({("direct", 0): {"lab-nli": Outcome(points={"de": {"accuracy": 40.0}})}})
    with pytest.raises(RequestError, match="no cell has a target of xtreme"):
        table()
