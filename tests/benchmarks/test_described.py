"""What a declaration says as plain values, for scripts and for the page of the docs."""

from __future__ import annotations

from xtransfer.benchmarks import BUILT_IN
from xtransfer.benchmarks.described import described, places


def test_places_name_each_source_once_with_its_languages() -> None:
    (train,) = places(BUILT_IN["xnli"], "train")
    assert (train["path"], train["languages"], train["splits"]) == ("nyu-mll/multi_nli", ["en"], "train")
    english, others = places(BUILT_IN["xcopa"], "dev")[::-1]
    assert (english["path"], english["languages"]) == ("aps/super_glue", ["en"])
    assert len(others["languages"]) == 11
    assert [one["path"] for one in places(BUILT_IN["anli-plus"], "train")] == [
        "facebook/anli",
        "nyu-mll/multi_nli",
        "stanfordnlp/snli",
    ]


def test_values_say_all_that_a_script_may_ask() -> None:
    facts = described(BUILT_IN["hellaswag"])
    assert facts["adapted_by"] == "_hellaswag"
    assert {"name", "kind", "roles", "languages", "metric", "chance", "source", "licence", "note"} <= set(facts)
