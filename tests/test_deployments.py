"""The deployments name flows that exist, and whose parameters render as a form."""

from __future__ import annotations

from unittest import mock

import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.serving.deploy import POOL, declared, flow_of
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.study.builtin import STUDIES
from xtransfer.study.study import make


def test_every_entrypoint_is_a_flow_with_a_form() -> None:
    assert declared()
    for deployment in declared():
        flow = flow_of(deployment["entrypoint"])
        assert isinstance(flow, Flow)
        schema = parameter_schema(flow)
        assert schema.properties
        assert all(field.get("description") for field in schema.properties.values())


def test_what_a_person_starts_is_deployed() -> None:
    names = {one["entrypoint"].rpartition(".")[2] for one in declared()}
    assert {"run_own_study", "run_named_study", "evaluate_checkpoint"} <= names


def test_a_second_run_of_a_kind_is_queued() -> None:
    for one in declared():
        assert one["concurrency_limit"]["collision_strategy"] == "ENQUEUE"
        assert "xtransfer" in one["tags"] and one["work_pool"]["name"] == POOL


def test_choices_show_in_the_form() -> None:
    fields = parameter_schema(flow_of("flows.run_named_study.run_named_study")).properties
    assert set(fields["study"]["enum"]) == set(STUDIES)
    assert fields["languages"]["items"]["enum"] == sorted(LANGUAGES)
    assert fields["workers"]["anyOf"][0]["maximum"] == 1024
    assert fields["seeds"]["items"]["minimum"] == 0


@pytest.mark.parametrize(
    ("field", "number"), [("workers", 0), ("workers", 1025), ("per_device", 0), ("devices_per_stage", 65)]
)
def test_numbers_that_no_machine_has_are_refused(field: str, number: int) -> None:
    with pytest.raises(ParameterTypeError, match=field):
        flow_of("flows.run_study.run_study").validate_parameters({"study": STUDIES["lab"], field: number})


def test_every_flow_that_runs_stages_takes_the_same_limits() -> None:
    flows = [flow_of(one["entrypoint"]) for file in ("prefect.yaml", "machines.yaml") for one in declared(file)]
    fields = {flow.name: parameter_schema(flow).properties for flow in flows}
    own = fields["run-own-study"]
    for name, given in fields.items():
        if "workers" in given:
            for field in ("per_device", "timeout_hours", "devices_per_stage"):
                if (name, field) != ("translate-data", "devices_per_stage"):  # nothing is trained together there
                    assert {**given[field], "position": 0} == {**own[field], "position": 0}, (name, field)
    assert {**fields["run-named-study"]["keep"], "position": 0} == {**own["keep"], "position": 0}
    assert {"train-intermediate", "finetune-target", "translate-data", "evaluate-checkpoint"} < fields.keys()


def test_the_short_form_takes_what_fits_alone() -> None:
    run_named_study = flow_of("flows.run_named_study.run_named_study")
    given = run_named_study.validate_parameters({"study": "lab", "languages": ["de"], "settings": ["seeds=[3]"]})
    assert run_named_study.validate_parameters({})["study"] == "lab", "a schedule without parameters"
    assert given["languages"] == ["de"] and given["seeds"] == [] and given["workers"] is None
    with pytest.raises(ParameterTypeError):
        run_named_study.validate_parameters({"study": "lab", "seeds": [-1]})


def test_the_form_of_an_own_study_says_what_a_file_says() -> None:
    flow = flow_of("flows.run_own_study.run_own_study")
    grid = {"encoders": ["lab-mini@0"], "intermediates": ["direct", "lab-nli@de"], "targets": ["lab-inference"]}
    asked = {"name": "mine", **grid, "languages": ["de"], "settings": ["target_recipe.epochs=1", "seeds=[4]"]}
    with mock.patch("flows.run_own_study.run_study") as run:
        flow.fn(**flow.validate_parameters(asked))
    study = run.fn.call_args.args[0]
    file = {"name": "mine", **grid, "languages": ["de"], "target_recipe": {"epochs": 1}, "seeds": [4]}
    assert study == make(file)
    with pytest.raises(RequestError, match="FIELD=VALUE"):
        flow.fn(**flow.validate_parameters({**asked, "settings": ["epochs"]}))
