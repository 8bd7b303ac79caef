"""Totals of XTREME and XTREME-R: those of the public script, and never one over a part in silence."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.errors import DataError, RequestError
from xtransfer.metrics.aggregate import (
    SUITES,
    XTREME,
    XTREME_R,
    Missing,
    Suite,
    all_scores,
    benchmark_score,
    group_score,
    suite,
    total_score,
)

Nested = dict[str, dict[str, dict[str, float]]]
# what evaluate.py made of generated predictions: its scores per language, and what it makes of those
GOLDEN = json.loads((Path(__file__).parent / "xtreme_totals.json").read_text())
FOLDERS = {"pawsx": "paws-x", "bucc2018": "bucc", "mewslix": "mewsli-x"}  # its names → ours
METRICS = {
    "panx": {"f1": "tag_f1"},
    "udpos": {"f1": "tag_f1"},
    "bucc2018": {"f1": "bitext_f1"},
    "mlqa": {"f1": "mlqa_f1", "exact_match": "mlqa_exact_match"},
}


def golden(version: str) -> tuple[Nested, dict[str, float], dict[str, float]]:
    """Scores per language, and the script's average per benchmark and per group, under our names."""
    held: dict[str, Any] = GOLDEN["versions"][version]
    scores: Nested = {}
    averages = {}
    for folder, metrics in held["benchmarks"].items():
        name = FOLDERS.get(folder, folder)
        averages[name] = metrics["avg_metric"]
        for metric, values in metrics.items():
            for language, value in values.items() if metric != "avg_metric" else ():
                ours = METRICS.get(folder, {}).get(metric, metric)
                scores.setdefault(name, {}).setdefault(language, {})[ours] = value
    return scores, averages, held["overall"]


def as_the_script(held: Suite) -> Suite:
    """With the languages that the public script averages over."""
    return replace(held, members=tuple(replace(one, languages=one.languages + one.further) for one in held.members))


def same(value: float | None, expected: float) -> bool:
    """Equal but for the order in which floats were added."""
    return value is not None and math.isclose(value, expected, rel_tol=1e-14)


def everything(held: Suite) -> Nested:
    """Scores of every language: 10 for the first benchmark, 20 for the second …"""
    return {
        member.benchmark: {code: dict.fromkeys(member.metrics, 10.0 * place) for code in member.languages}
        for place, member in enumerate(held.members, 1)
    }


@pytest.mark.parametrize("version", ["xtreme", "xtreme-r"])
def test_scores_are_those_of_the_public_script(version: str) -> None:
    scores, averages, overall = golden(version)
    held = as_the_script(suite(version))
    ours = {one.name: one for one in all_scores(held, scores)["benchmark"]}
    assert set(ours) - set(averages) == ({"lareqa"} if version == "xtreme-r" else set())
    assert all(same(ours[name].value, value) and not ours[name].missing for name, value in averages.items())
    groups = {"classification", "tagging", "qa"} | ({"retrieval"} if version == "xtreme" else set())
    assert all(same(group_score(held, name, scores).value, overall[name]) for name in groups)
    if version == "xtreme":
        assert same(total_score(held, scores).value, overall["all_task"])


def test_xtreme_r_has_the_total_that_the_script_cannot_give() -> None:
    scores, averages, overall = golden("xtreme-r")
    assert "all_task" not in overall
    assert total_score(XTREME_R, scores).missing == (Missing("lareqa"),)
    scores["lareqa"] = {code: {"map@20": 40.0} for code in XTREME_R.members[-1].languages}
    eleven = benchmark_score(next(one for one in XTREME_R.members if one.benchmark == "xquad"), scores).value
    assert eleven is not None and eleven != averages["xquad"], "Romanian does not count"
    expected = (sum(averages.values()) - averages["xquad"] + eleven + 40) / 10
    assert same(total_score(XTREME_R, scores).value, expected)
    retrieval = (averages["tatoeba"] + averages["mewsli-x"] + 40) / 3
    assert same(group_score(XTREME_R, "retrieval", scores).value, retrieval)


def test_suites_have_the_languages_of_the_papers() -> None:
    assert {one.benchmark: len(one.languages) for one in XTREME.members} == {
        "xnli": 15, "paws-x": 7, "udpos": 33, "panx": 40, "xquad": 11, "mlqa": 7, "tydiqa": 9, "bucc": 4, "tatoeba": 36,
    }  # fmt: skip
    assert {one.benchmark: len(one.languages) for one in XTREME_R.members} == {
        "xnli": 15, "xcopa": 11, "udpos": 38, "panx": 48, "xquad": 11, "mlqa": 7, "tydiqa": 9, "tatoeba": 41,
        "mewsli-x": 11, "lareqa": 11,
    }  # fmt: skip
    for held in SUITES.values():
        assert all(len(set(one.languages)) == len(one.languages) for one in held.members)
    from xtransfer.base import languages

    assert {code for one in XTREME.members for code in one.languages} == set(languages.XTREME)
    assert {code for one in XTREME_R.members for code in one.languages} == set(languages.XTREME_R)


def test_benchmarks_count_alike_however_many_languages_they_have() -> None:
    scores = everything(XTREME)
    assert total_score(XTREME, scores).value == 50
    assert group_score(XTREME, "qa", scores).value == 60
    scores["xquad"]["de"]["exact_match"] = 160.0  # 110 more in one of 11 languages and one of two metrics
    assert group_score(XTREME, "qa", scores).value == pytest.approx(60 + 110 / 11 / 2 / 3)


def test_what_is_missing_is_named_and_nothing_is_averaged_in_silence() -> None:
    scores = everything(XTREME)
    del scores["bucc"], scores["panx"]["ka"], scores["panx"]["yo"], scores["mlqa"]["hi"]["mlqa_f1"]
    total = total_score(XTREME, scores)
    assert total.value is None and not total.partial
    assert total.missing == (
        Missing("panx", ("ka", "yo")),
        Missing("mlqa", ("hi",), "mlqa_f1"),
        Missing("bucc"),
    )
    assert [str(one) for one in total.missing] == ["panx: ka yo", "mlqa: mlqa_f1 of hi", "bucc"]
    assert group_score(XTREME, "classification", scores).value == 15
    assert group_score(XTREME, "retrieval", scores).value is None


def test_a_partial_mean_is_marked() -> None:
    scores = everything(XTREME)
    scores["bucc"] = {}
    scores["tatoeba"] = {"de": {"accuracy": 80.0}, "sw": {"accuracy": 20.0}}
    found = all_scores(XTREME, scores, partial=True)
    tatoeba, bucc = found["benchmark"][8], found["benchmark"][7]
    assert (tatoeba.value, tatoeba.partial) == (50, True) and len(tatoeba.missing[0].languages) == 34
    assert (bucc.value, bucc.partial) == (None, False)
    (total,) = found["total"]
    assert total.partial and total.value == pytest.approx((10 + 20 + 30 + 40 + 50 + 60 + 70 + 50) / 8)
    assert not found["group"][0].partial
    assert total_score(XTREME, {}, partial=True).value is None


def test_other_benchmarks_and_languages_do_not_count() -> None:
    scores = everything(XTREME)
    scores["xnli"]["ja"] = {"accuracy": 0.0}
    scores["lab-nli"] = {"en": {"accuracy": 0.0}}
    assert total_score(XTREME, scores).value == 50


def test_impossible_numbers_and_names_are_refused() -> None:
    with pytest.raises(DataError, match=r"xnli/de: accuracy is nan"):
        benchmark_score(XTREME.members[0], {"xnli": {"de": {"accuracy": math.nan}}})
    with pytest.raises(RequestError, match="did you mean 'xtreme-r'"):
        suite("xtremer")
    with pytest.raises(RequestError, match="no group of xtreme 'qua'"):
        group_score(XTREME, "qua", {})
