"""What the smaller flows ask for is what a study of the same values has: the same stages, none that is not needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.planning import grid, single_runs
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Study

ENCODER, FIRST, TARGET = "lab-mini@0", "lab-nli@tr~lab-marian", "lab-inference"
ONE_EPOCH = {"epochs": 1}


def _study(target_recipe: dict[str, Any], intermediate_recipe: dict[str, Any]) -> Study:
    return Study.model_validate(
        {"name": "mine", "encoders": [ENCODER], "intermediates": [FIRST], "targets": [TARGET], "seeds": [3],
         "intermediate_rows": 48, "target_recipe": target_recipe, "intermediate_recipe": intermediate_recipe}
    )  # fmt: skip


def _recipe_of(stage: Any) -> dict[str, Any]:
    recipe = Recipe.model_validate(stage.settings["recipe"])
    return recipe.model_dump(mode="json")


def test_the_stages_are_those_of_a_study() -> None:
    asked = single_runs.target_training(
        ENCODER, TARGET, [3], after=FIRST, recipe=ONE_EPOCH, after_rows=48, after_recipe=ONE_EPOCH
    )
    first, last = asked.stages[-2], asked.stages[-1]
    planned = {stage.key for stage in grid.plan(_study(_recipe_of(last), _recipe_of(first))).stages}
    assert {stage.key for stage in asked.stages} < planned
    assert len(planned) == len(asked.stages) + 1  # the score
    assert asked.results == (last,)


def test_a_fine_tuning_starts_from_the_checkpoint_that_the_intermediate_flow_makes() -> None:
    (first,) = single_runs.intermediate_training(ENCODER, FIRST, [3], rows=48, recipe=ONE_EPOCH).results
    asked = single_runs.target_training(ENCODER, TARGET, [3], after=FIRST, after_rows=48, after_recipe=ONE_EPOCH)
    assert asked.results[0].inputs["start"] == first.key


def test_an_intermediate_trains_on_the_translation_that_the_translating_flow_makes() -> None:
    (translation,) = single_runs.translations("lab-nli", ["tr"], "lab-marian", rows=48).results
    (trained,) = single_runs.intermediate_training(ENCODER, FIRST, [3], rows=48).results
    assert translation.key in trained.inputs.values()


def test_a_way_back_is_a_result_of_its_own_and_changes_no_translation() -> None:
    (alone,) = single_runs.translations("lab-nli", ["tr"], "lab-marian", rows=48).results
    asked = single_runs.translations("lab-nli", ["tr"], "lab-marian", rows=48, way_back="lab-marian-back")
    translation, back = asked.results
    assert translation == alone and back.inputs["translation"] == alone.key
    (translator,) = [stage for stage in asked.stages if stage.key == back.inputs["engine"]]
    assert translator.settings["to_english"] is True
    assert asked.stages.index(translation) < asked.stages.index(back)


def test_each_result_is_asked_for_once() -> None:
    assert len(single_runs.intermediate_training(ENCODER, "lab-nli@de", [1, 1, 2]).results) == 2
    assert len(single_runs.translations("lab-nli", ["de", "tr", "de"], "lab-marian").results) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: single_runs.translations("lab-nli", [], "lab-marian"), "at least one"),
        (lambda: single_runs.translations("lab-nli", ["fr"], "lab-marian"), "translates to de, tr"),
        (lambda: single_runs.translations("lab-nli", ["de"], "google"), "lab-marian"),
        (
            lambda: single_runs.translations("lab-nli", ["de"], "lab-marian", way_back="lab-marian"),
            "to de, tr, not to en",
        ),
        (lambda: single_runs.translations("lab-nli", ["de"], "lab-marian", way_back="parallel"), "human translations"),
        (lambda: single_runs.intermediate_training(ENCODER, "direct", [0]), "trains on nothing"),
        (lambda: single_runs.intermediate_training(ENCODER, "lab-nli@zh", [0]), "no rows in 'zh'"),
        (lambda: single_runs.intermediate_training(ENCODER, "lab-nli", [0]), "benchmark@language"),
        (
            lambda: single_runs.intermediate_training(ENCODER, "lab-nli@de*2", [0]),
            "^intermediate: 'lab-nli@de.2': weights",
        ),
        (lambda: single_runs.intermediate_training(ENCODER, "lab-nli@de", []), "seeds"),
        (lambda: single_runs.intermediate_training(ENCODER, "lab-nli@de", [0], recipe={"epcohs": 1}), "epcohs"),
        (lambda: single_runs.intermediate_training("lab-mni@0", "lab-nli@de", [0]), "lab-mini"),
        (lambda: single_runs.target_training(ENCODER, "lab-retrieval", [0]), "needs no training"),
        (lambda: single_runs.target_training(ENCODER, "lab-inferense", [0]), "did you mean 'lab-inference'"),
        (lambda: single_runs.target_training(ENCODER, TARGET, [0], recipe={"epochs": -1}), "epochs"),
    ],
)
def test_wrong_requests_say_what_is_wrong(asked: Callable[[], Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        asked()


@pytest.mark.parametrize("rows", [0, -1, 2**63, 10**25])
@pytest.mark.parametrize("field", ["rows", "after_rows"])
def test_numbers_of_rows_that_cannot_be_are_refused(field: str, rows: int) -> None:
    with pytest.raises(RequestError, match=f"^{field}: {rows} is not from 1 to"):
        single_runs.target_training(ENCODER, TARGET, [0], after=FIRST, **{field: rows})
    if field == "rows":
        with pytest.raises(RequestError, match=f"^rows: {rows} is not from 1 to"):
            single_runs.intermediate_training(ENCODER, FIRST, [0], rows=rows)
        with pytest.raises(RequestError, match=f"^rows: {rows} is not from 1 to"):
            single_runs.translations("lab-nli", ["de"], "lab-marian", rows)


@pytest.mark.parametrize("change", [{"steps": 10**30}, {"source": "\ud800"}, {"source": "\0"}])
def test_recipes_that_cannot_be_stored_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"^recipe: .*(too large|cannot be stored)"):
        single_runs.intermediate_training(ENCODER, FIRST, [0], recipe=change)


@pytest.mark.parametrize("text", ["x" * 5000, f"a/{'x' * 5000}", f"/{'x' * 5000}", "~no-such-user/x", "/a\0b"])
def test_encoders_whose_names_no_disk_has_are_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    with pytest.raises(RequestError, match="encoder '"):
        single_runs.intermediate_training(text, FIRST, [0])
