"""The plan is the least set of stages, and its keys hold what changes a result and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Stage
from xtransfer.planning.grid import plan
from xtransfer.study.builtin import STUDIES
from xtransfer.study.builtin.lab import LAB
from xtransfer.study.cells import Plan


def _of_kind(one: Plan, kind: str) -> list[Stage]:
    return [stage for stage in one.stages if stage.kind == kind]


def _kinds(one: Plan) -> Counter[str]:
    return Counter(stage.kind for stage in one.stages)


def test_each_stage_is_planned_once_and_after_its_inputs() -> None:
    planned = plan(LAB)
    seeds, native, translated = 5, 2, 1
    # per seed: 3 intermediates; 4 conditions × one trained target; retrieval by direct needs one score for all seeds
    assert _kinds(planned) == {
        "pretrain": 1,
        "translator": 1,
        "translate": translated,
        "train": seeds * (native + translated) + seeds * 4,
        "score": seeds * 4 + seeds * 3 + 1,
    }
    seen: set[str] = set()
    for stage in planned.stages:
        assert set(stage.inputs.values()) <= seen
        assert stage.key not in seen
        seen.add(stage.key)
    assert len({cell.key for cell in planned.cells}) == len(planned.cells) == 40


def test_a_larger_grid_keeps_the_stages_of_a_smaller_one() -> None:
    small = plan(LAB.with_settings({"seeds": [10], "targets": ["lab-retrieval"]}))
    large = plan(LAB.with_settings({"seeds": [10, 11], "name": "another"}))
    assert {stage.key for stage in small.stages} <= {stage.key for stage in large.stages}


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("question", "another?", set()),
        ("target_recipe.source", "another paper", set()),
        ("target_recipe.learning_rate", 1e-4, {"train", "score"}),
        ("intermediate_recipe.learning_rate", 1e-4, {"train", "score"}),
        ("intermediate_rows", 480, {"train", "score"}),
        ("languages", ["de"], {"score"}),
    ],
)
def test_keys_change_with_what_changes_the_result(path: str, value: object, changed: set[str]) -> None:
    study = LAB.with_settings({"seeds": [10], "intermediates": ["lab-nli@de"], "targets": ["lab-inference"]})
    before = {stage.key for stage in plan(study).stages}
    after = plan(study.with_settings({path: value})).stages
    assert {stage.kind for stage in after if stage.key not in before} == changed


def test_cells_that_share_a_score_stage_are_cells_of_their_own() -> None:
    plain, named = _of(["lab-inference", "lab-inference<lab-inference"]).cells
    assert plain.score == named.score
    assert plain.key != named.key


def test_an_intermediate_recipe_does_not_touch_direct_cells() -> None:
    study = LAB.with_settings({"seeds": [10], "intermediates": ["direct"]})
    assert plan(study).stages == plan(study.with_settings({"intermediate_recipe.epochs": 9})).stages


@pytest.mark.parametrize("name", ["lab", "lab-full"])
def test_built_in_laboratory_studies_plan_without_a_hub(name: str) -> None:
    assert plan(STUDIES[name]).cells


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("targets", ["lab-nly"], "did you mean 'lab-nli'"),
        ("encoders", ["lab-tiny"], "lab-tiny@0"),
        ("intermediates", ["lab-retrieval@de"], "has no training rows"),
        ("intermediates", ["lab-nli@sw~lab-marian"], "translates to"),
        ("targets", ["lab-inference<lab-copa"], "kind choice"),
        ("languages", ["ja"], "there is nothing to score"),
        ("targets", ["lab-retrieval<lab-parallel"], "lab-parallel has no English rows"),
        ("targets", ["tatoeba:dev"], "tatoeba has no dev split"),
        ("targets", ["lab-inference:cls"], "layer and pooling need retrieval"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_does(path: str, value: object, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        plan(LAB.with_settings({path: value}))


def _settings(one: Plan, kind: str) -> list[dict[str, Any]]:
    return [dict(stage.settings) for stage in _of_kind(one, kind)]


def _of(targets: list[Any], **more: Any) -> Plan:
    return plan(LAB.with_settings({"seeds": [10], "intermediates": ["direct"], "targets": targets, **more}))


def test_a_target_trained_in_phases_has_a_stage_for_each() -> None:
    planned = _of(["lab-inference<lab-nli,lab-inference"])
    first, second = _of_kind(planned, "train")
    assert [stage.settings["parts"][0]["benchmark"] for stage in (first, second)] == ["lab-nli", "lab-inference"]
    assert second.inputs == {"start": first.key}
    assert planned.cells[0].score.inputs == {"checkpoint": second.key}
    assert first.name.startswith("train lab-inference<lab-nli,lab-inference on lab-nli after direct")
    other_way = _of(["lab-inference<lab-inference,lab-nli"])
    assert not {one.key for one in _of_kind(planned, "train")} & {one.key for one in _of_kind(other_way, "train")}


def test_phases_select_on_their_own_dev_rows_and_the_last_on_the_targets() -> None:
    values = {"benchmark": "lab-inference", "recipe": {"epochs": 1, "max_length": 64, "select": "best"}}
    planned = _of([{**values, "train_on": "lab-nli,lab-inference"}])
    assert [one["dev"]["benchmark"] for one in _settings(planned, "train")] == ["lab-nli", "lab-inference"]
    planned = _of([{**values, "train_on": "lab-inference,lab-nli"}])
    assert [one["dev"]["benchmark"] for one in _settings(planned, "train")] == ["lab-inference", "lab-inference"]


def test_a_target_that_compares_vectors_may_be_trained_on_any_kind_first() -> None:
    """As XTREME-R fine-tunes on SQuAD before Tatoeba, and on pairs before LAReQA."""
    planned = _of(["lab-retrieval<lab-nli", "lab-retrieval"])
    (trained,) = _of_kind(planned, "train")
    assert trained.settings["parts"][0]["benchmark"] == "lab-nli"
    assert planned.cells[0].score.inputs == {"checkpoint": trained.key}
    best = {
        "benchmark": "lab-retrieval",
        "train_on": ["lab-nli"],
        "recipe": {"epochs": 1, "max_length": 64, "select": "best"},
    }
    assert _settings(_of([best]), "train")[0]["dev"]["benchmark"] == "lab-nli"
    with pytest.raises(RequestError, match=r"lab-nli-dual<lab-inference.* is of kind pair"):
        _of(["lab-nli-dual<lab-inference"])


def test_the_first_phase_is_shared() -> None:
    planned = _of(["lab-inference<lab-nli,lab-inference", "lab-inference<lab-nli"])
    assert _kinds(planned)["train"] == 2


def test_phases_of_an_intermediate_are_stages_that_begin_alike_once() -> None:
    slugs = ["lab-nli@de>lab-copa@en", "lab-nli@de", "lab-nli@de>lab-copa@en+lab-nli@en:rotation"]
    planned = _of(["lab-retrieval"], intermediates=slugs)
    first, second, third = _of_kind(planned, "train")
    assert [stage.name for stage in (first, second, third)] == [
        "train lab-nli@de seed 10", f"train {slugs[0]} seed 10", f"train {slugs[2]} seed 10"
    ]  # fmt: skip
    assert second.inputs == third.inputs == {"start": first.key}
    assert [part["benchmark"] for part in second.settings["parts"]] == ["lab-copa"]
    assert third.settings["sampling"] == {"rule": "rotation"}
    assert [cell.score.inputs["checkpoint"] for cell in planned.cells] == [second.key, first.key, third.key]


def test_a_translated_part_of_a_later_phase_and_its_selection() -> None:
    recipe = {"epochs": 1, "max_length": 64, "select": "best"}
    planned = _of(["lab-retrieval"], intermediates=["lab-copa@en>lab-nli@de~lab-marian"], intermediate_recipe=recipe)
    first, second = _of_kind(planned, "train")
    (translated,) = _of_kind(planned, "translate")
    assert second.inputs == {"start": first.key, "parts.0.translation": translated.key}
    assert [one["dev"]["benchmark"] for one in _settings(planned, "train")] == ["lab-copa", "lab-nli"]


def test_nothing_is_trained_for_a_target_as_it_comes() -> None:
    planned = _of(["lab-retrieval:as-is"])
    assert _kinds(planned) == {"pretrain": 1, "score": 1}
    after = _of(["lab-nli:as-is"], intermediates=["lab-nli@en"])
    (trained,) = _of_kind(after, "train")
    assert after.cells[0].score.inputs == {"checkpoint": trained.key}


def test_the_split_is_part_of_a_score_and_not_of_training() -> None:
    of_test, of_dev = _of(["lab-inference"]), _of(["lab-inference:dev"])
    (test,), (dev,) = _settings(of_test, "score"), _settings(of_dev, "score")
    assert (test["split"], dev["split"]) == ("test", "dev")
    assert test["data"] != dev["data"]
    assert [one.key for one in _of_kind(of_test, "train")] == [one.key for one in _of_kind(of_dev, "train")]


def test_a_part_is_scored_only_where_that_is_asked_for() -> None:
    (whole,) = _settings(_of(["lab-inference"]), "score")
    (part,) = _settings(_of(["lab-inference:first20"]), "score")
    assert "rows" not in whole
    assert part == {**whole, "rows": 20}
    assert _of(["lab-inference:first20"]).cells[0].slug.endswith("lab-inference:first20 seed 10")


def test_pooling_is_part_of_a_score_where_vectors_are_compared() -> None:
    (mean,) = _settings(_of(["lab-retrieval"]), "score")
    (layer,) = _settings(_of(["lab-retrieval:layer1:cls"]), "score")
    assert "pooling" not in mean and layer == {**mean, "pooling": {"layer": 1, "how": "cls"}}


def test_bf16_is_part_of_what_computes_in_it_and_fp32_of_nothing() -> None:
    (usual,) = _settings(_of(["lab-inference"]), "score")
    (bf16,) = _settings(_of(["lab-inference:bf16"]), "score")
    assert "precision" not in usual and bf16 == {**usual, "precision": "bf16"}
    values = {"seeds": [10], "intermediates": ["direct"], "targets": ["lab-inference"]}
    recipe = LAB.target_recipe.model_dump()
    (plain,) = _settings(plan(LAB.with_settings(values)), "train")
    later = {**recipe, "precision": "bf16", "restarts": 1}
    (other,) = _settings(plan(LAB.with_settings({**values, "target_recipe": later})), "train")
    assert not {"precision", "restarts"} & plain["recipe"].keys()
    assert other["recipe"] == {**plain["recipe"], "precision": "bf16", "restarts": 1}


def test_a_rule_of_sampling_is_in_the_key_and_the_usual_one_is_not() -> None:
    parts = "lab-nli@en+lab-copa@en+lab-text@sw"
    slugs = [parts, f"{parts}:cap500", f"{parts}*0.5", f"{parts}:rotation"]
    planned = plan(LAB.with_settings({"seeds": [10], "intermediates": slugs, "targets": ["lab-retrieval"]}))
    usual, capped, weighted, rotated = _settings(planned, "train")
    assert "sampling" not in usual and not any("weight" in part for part in usual["parts"])
    assert capped == {**usual, "sampling": {"cap": 500}}
    assert rotated == {**usual, "sampling": {"rule": "rotation"}}
    assert [part.get("weight") for part in weighted["parts"]] == [None, None, 0.5]
    assert {**weighted, "parts": usual["parts"]} == usual


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("lab-nli@en+lab-nly@de", "'lab-nly@de' of .*did you mean 'lab-nli'"),
        ("lab-text@de+lab-nli@en", "its first part lab-text has no English dev rows for selection"),
    ],
)
def test_a_mixture_that_cannot_be_trained_names_the_part(slug: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        plan(LAB.with_settings({"intermediates": [slug], "intermediate_recipe.select": "best"}))


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("lab-nli@en>lab-nil@en", "intermediates: 'lab-nil@en' of 'lab-nli@en>lab-nil@en': .*did you mean 'lab-nli'"),
        ("lab-nli@en>lab-retrieval@en", "lab-retrieval has no training rows"),
    ],
)
def test_a_phase_that_cannot_be_trained_names_the_part(slug: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        _of(["lab-inference"], intermediates=[slug])


def test_natural_nli_plans_from_a_mirror(hub_dir: object) -> None:
    planned = plan(STUDIES["natural-nli"].shrunk())
    assert _kinds(planned)["score"] == 28
