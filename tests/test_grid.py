"""The plan is the least set of stages, and its keys hold what changes a result and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from xtransfer.errors import RequestError
from xtransfer.grid import Plan, plan
from xtransfer.studies import STUDIES
from xtransfer.studies.lab import LAB


def _kinds(one: Plan) -> Counter[str]:
    return Counter(stage.kind for stage in one.stages)


def test_each_stage_is_planned_once_and_after_its_inputs() -> None:
    planned = plan(LAB)
    seeds, native, translated = 3, 3, 1
    # per seed: 4 intermediates; 5 conditions × 2 trained targets; retrieval by direct needs one score for all seeds
    assert _kinds(planned) == {
        "pretrain": 1,
        "translator": 1,
        "translate": translated,
        "train": seeds * (native + translated) + seeds * 5 * 2,
        "score": seeds * 5 * 2 + seeds * 4 + 1,
    }
    seen: set[str] = set()
    for stage in planned.stages:
        assert set(stage.inputs.values()) <= seen
        assert stage.key not in seen
        seen.add(stage.key)
    assert len({cell.key for cell in planned.cells}) == len(planned.cells) == 45


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
        ("intermediates", ["lab-retrieval@de"], "nothing can be trained"),
        ("intermediates", ["lab-nli@sw~lab-marian"], "translates to"),
        ("targets", ["lab-inference<lab-copa"], "kind choice"),
        ("languages", ["ja"], "the grid would be empty"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_does(path: str, value: object, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        plan(LAB.with_settings({path: value}))


def test_natural_nli_plans_from_a_mirror(hub_dir: object) -> None:
    planned = plan(STUDIES["natural-nli"].shrunk())
    assert _kinds(planned)["score"] == 28
