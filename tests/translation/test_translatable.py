"""Every benchmark that can be trained on can be translated, or says why not, before anything runs."""

from __future__ import annotations

from dataclasses import fields

import pytest

from xtransfer import benchmarks, kinds
from xtransfer.base.errors import RequestError
from xtransfer.data.revisions import Pins
from xtransfer.kinds.spec import Kind, Translatable
from xtransfer.planning.single_runs import translations
from xtransfer.planning.study_check import check
from xtransfer.study.study import Study, make
from xtransfer.translation import engines
from xtransfer.translation.translatable import BENCHMARKS, why_not


def test_every_kind_is_declared() -> None:
    for name, kind in kinds.KINDS.items():
        if isinstance(kind.translation, Translatable):
            assert set(kind.translation.fields) <= set(kind.fields), name
        else:
            assert kind.translation != next(one.default for one in fields(Kind) if one.name == "translation"), name
    assert set(BENCHMARKS) <= set(benchmarks.BUILT_IN)


def test_every_intermediate_can_be_translated_or_says_why_not() -> None:
    reasons = {
        one.name: why_not(one)
        for one in benchmarks.BUILT_IN.values()
        if "intermediate" in one.roles and one.has("train")
    }
    able = {name for name, reason in reasons.items() if reason is None}
    assert {"mnli", "squad", "hellaswag", "panx", "wikipedia", "squad-answers", "lab-stories"} <= able
    assert {"ccg", "jsquad", "multi30k"}.isdisjoint(able)
    assert all(reason is None or len(reason) > 20 for reason in reasons.values())


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("ccg@de~opus-mt", "categories of English syntax"),
        ("jsquad@de~opus-mt", "has no train rows in 'en'"),
        ("panx@de~opus-mt", "set align_tags to move the tags"),
    ],
)
def test_a_study_says_so_when_it_is_planned(part: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        check(_study(part))


def test_what_is_only_scored_is_not_translated() -> None:
    with pytest.raises(RequestError, match="tatoeba cannot be translated: its task is to find translations"):
        engines.check("opus-mt", "tatoeba", "de", "test")


def test_tags_are_moved_where_a_study_says_so() -> None:
    check(_study("panx@de~opus-mt", align_tags=True))
    assert _study("panx@de~opus-mt", align_tags=True).model_dump(mode="json")["align_tags"] is True


def test_the_stage_is_told_of_tags_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pins, "data", lambda self, *asked: "pin")
    (tags,) = translations("panx", ["de"], "lab-marian", align_tags=True).results
    (answers,) = translations("squad", ["de"], "lab-marian").results
    assert tags.settings["align_tags"] is True and "align_tags" not in answers.settings
    with pytest.raises(RequestError, match="align_tags"):
        translations("panx", ["de"], "lab-marian")


def _study(part: str, **values: object) -> Study:
    recipe = {"epochs": 1, "select": "last"}
    recipes = {"intermediate_recipe": recipe, "target_recipe": recipe}
    grid = {"name": "a", "encoders": ["lab-mini@0"], "intermediates": [part], "targets": ["lab-copa"]}
    return make({**grid, **recipes, **values})
