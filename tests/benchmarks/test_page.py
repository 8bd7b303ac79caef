"""The page of the docs that lists every benchmark is what the declarations say now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from xtransfer.benchmarks import BUILT_IN
from xtransfer.benchmarks.page import KINDS as EXPLAINED
from xtransfer.benchmarks.page import described, markdown, places
from xtransfer.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "python -m xtransfer.benchmarks.page > docs/benchmarks.md"


def test_every_kind_is_explained_and_every_benchmark_listed() -> None:
    assert set(EXPLAINED) == set(KINDS)
    page = markdown()
    assert all(f"\n| {name} |" in page and f"\n**{name}**" in page for name in BUILT_IN)


def test_the_page_follows_a_declaration() -> None:
    changed = dict(BUILT_IN) | {"xnli": replace(BUILT_IN["xnli"], licence="none at all")}
    assert "none at all" in markdown(changed) and "none at all" not in markdown()


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
