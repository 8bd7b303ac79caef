"""Reading: the views hold what a hand computes, and SQL cannot write."""

from __future__ import annotations

from pathlib import Path

import pytest

from xtransfer.analysis.results import Results, open_results
from xtransfer.base.errors import RequestError


def test_scores(results: Results) -> None:
    frame = results.scores("numbers", intermediate="nli@de", language=["de", "sw"], seed=1)
    assert list(zip(frame["language"], frame["value"], frame["n"], strict=True)) == [
        ("de", 70, 10),
        ("sw", 60, 10),
    ]


def test_a_filter_of_none_selects_all(results: Results) -> None:
    assert len(results.view("gains", "numbers", intermediate=None)) == len(results.view("gains", "numbers"))


def test_gains_are_paired(results: Results) -> None:
    frame = results.view("gains", "numbers", intermediate="nli@de")
    assert len(frame) == 9
    assert frame.groupby("language")["gain"].unique().map(list).to_dict() == {
        "en": [10],
        "de": [30],
        "sw": [20],
    }


def test_contrasts_have_each_pair_once(results: Results) -> None:
    frame = results.view("contrasts", "numbers", language="de", seed=0)
    assert list(zip(frame["first"], frame["second"], frame["difference"], strict=True)) == [
        ("direct", "nli@de", -30),
        ("direct", "nli@en", -10),
        ("nli@de", "nli@en", 20),
    ]


def test_transfer_gap(results: Results) -> None:
    frame = results.transfer_gap("numbers", intermediate="nli@en", seed=0)
    assert frame[["english", "others", "gap", "num_languages"]].to_numpy().tolist() == [[60, 40, 20, 2]]


def test_runs(results: Results) -> None:
    frame = results.runs("numbers")
    assert len(frame) == 9
    assert set(frame["status"]) == {"done"}
    assert set(frame["num_stages"]) == {3}


def test_unknown_names_are_refused(results: Results) -> None:
    with pytest.raises(RequestError, match="no study 'nubers'; did you mean 'numbers'"):
        results.scores("nubers")
    with pytest.raises(RequestError, match="no filter 'lang'; did you mean 'language'"):
        results.view("cell_scores", "numbers", lang="de")
    with pytest.raises(RequestError, match="no study"):
        results.scores("x'; DROP TABLE score; --")


def test_nothing_to_read_yet(home: Path) -> None:
    with pytest.raises(RequestError, match="no results here yet"):
        open_results()
