"""What a plan refuses before anything runs: targets that cannot be trained on, and declarations that do not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import BUILT_IN, get
from xtransfer.benchmarks.spec import Source
from xtransfer.planning.study_check import check
from xtransfer.study.study import make

CROATIAN = replace(
    get("xnli"),
    name="hr-nli",
    languages=("hr",),
    source=Source("someone/hr-nli", splits={"train": "train", "test": "test"}),
    sources={},
    roles=("intermediate", "target"),
)


def _check(target: str, intermediate: str = "direct", **recipe: Any) -> None:
    recipe = {"epochs": 1, "select": "last", **recipe}
    recipes = {"intermediate_recipe": recipe, "target_recipe": recipe}
    grid = {"name": "a", "encoders": ["lab-tiny@0"], "intermediates": [intermediate], "targets": [target]}
    check(make({**grid, **recipes}))


def test_a_target_without_english_training_rows_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "hr-nli", CROATIAN)
    with pytest.raises(RequestError, match=r"hr-nli has no English rows to train on \(it has hr\)") as raised:
        _check("hr-nli:first500")
    said = str(raised.value)
    remedy = said.split("rows: ")[1].split(" ")[0]
    assert remedy == "hr-nli<mnli:first500"
    for target in (remedy, "hr-nli<mnli", "hr-nli:as-is"):
        _check(target)
    _check("xnli", intermediate="hr-nli@hr")
    monkeypatch.setitem(BUILT_IN, "hr-nli", replace(CROATIAN, labels=("a", "b"), label_values=None))
    with pytest.raises(RequestError, match="hr-nli<OTHER, a benchmark of its kind and labels"):
        _check("hr-nli")


def test_the_head_that_is_scored_has_the_targets_labels() -> None:
    with pytest.raises(RequestError, match=r"the head of paws-x has labels .*, and xnli has entailment, neutral"):
        _check("xnli<paws-x")
    _check("xnli<paws-x,mnli")


def test_a_declaration_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "xnli", replace(get("xnli"), metric="tag_f1"))
    for intermediate, target in (("direct", "xnli"), ("xnli@en", "xcopa"), ("direct", "lab-nli<xnli")):
        with pytest.raises(RequestError, match="benchmark 'xnli': metric: tag_f1 scores tags"):
            _check(target, intermediate)


@pytest.mark.parametrize(("part", "instead"), [("ocnli@en", "mnli"), ("terra@de~lab-marian", "rte")])
def test_the_english_rows_of_another_benchmark_are_asked_for_by_its_name(part: str, instead: str) -> None:
    with pytest.raises(RequestError, match=f"are those of {instead}.*; name {instead} instead$"):
        _check("xnli", part)
    _check("ocnli", "ocnli@zh")
