"""The deployments name flows that exist, and whose parameters render as a form."""

from __future__ import annotations

from unittest import mock

import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.forms import HowStudiesRun, HowTrainingsRun, chosen
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
    assert fields["seeds"]["items"]["minimum"] == 0


@pytest.mark.parametrize(
    ("field", "number"), [("workers", 0), ("workers", 1025), ("per_device", 0), ("devices_per_stage", 65)]
)
def test_numbers_that_no_machine_has_are_refused(field: str, number: int) -> None:
    with pytest.raises(ParameterTypeError, match=field):
        flow_of("flows.run_study.run_study").validate_parameters({"study": STUDIES["lab"], field: number})


def test_every_form_takes_options_and_no_field_that_may_be_none() -> None:
    flows = [flow_of(one["entrypoint"]) for file in ("prefect.yaml", "machines.yaml") for one in declared(file)]
    fields = {flow.name: parameter_schema(flow).properties for flow in flows}
    assert {name for name, given in fields.items() if "options" not in given} == {"watch-checkpoints"}
    assert not [field for given in fields.values() for field, one in given.items() if "anyOf" in one]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["workers"], "options: workers: write OPTION=VALUE, such as workers=2"),
        (["worker=2"], "options: worker: no such field; did you mean 'workers'?"),
        (["workers=0"], "options: workers: must be greater than or equal to 1, got 0"),
        (["workers=[1"], "options: workers=.1: not valid YAML"),
        (["timeout_hours=8"], "options: timeout_hours: must be a mapping"),
        (["keep=none"], "options: keep: must be 'all' or 'scores'"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        chosen(HowStudiesRun, options)


def test_options_choose_how_stages_run() -> None:
    how = chosen(HowStudiesRun, ["workers=2", "timeout_hours.train=8", "timeout_hours.any=1.5", "keep=scores"])
    assert how.model_dump() == {"workers": 2, "per_device": None, "devices_per_stage": 1, "budget": None,
                                "timeout_hours": {"train": 8.0, "any": 1.5}, "keep": "scores"}  # fmt: skip
    with pytest.raises(RequestError, match="options: keep: no such field"):
        chosen(HowTrainingsRun, ["keep=scores"])


def test_the_short_form_takes_what_fits_alone() -> None:
    run_named_study = flow_of("flows.run_named_study.run_named_study")
    given = run_named_study.validate_parameters({"study": "lab", "languages": ["de"], "settings": ["seeds=[3]"]})
    assert run_named_study.validate_parameters({})["study"] == "lab", "a schedule without parameters"
    assert given["languages"] == ["de"] and given["seeds"] == [] and given["options"] == []
    with pytest.raises(ParameterTypeError):
        run_named_study.validate_parameters({"study": "lab", "seeds": [-1]})


def test_the_form_of_an_own_study_says_what_a_file_says() -> None:
    flow = flow_of("flows.run_own_study.run_own_study")
    grid = {"encoders": ["lab-mini@0"], "intermediates": ["direct", "lab-nli@de"], "targets": ["lab-inference"]}
    asked = {"name": "mine", **grid, "languages": ["de"], "settings": ["target_recipe.epochs=1", "seeds=[4]"],
             "options": ["workers=2"]}  # fmt: skip
    with mock.patch("flows.run_own_study.run_study") as run:
        flow.fn(**flow.validate_parameters(asked))
    study = run.fn.call_args.args[0]
    assert run.fn.call_args.kwargs["workers"] == 2
    file = {"name": "mine", **grid, "languages": ["de"], "target_recipe": {"epochs": 1}, "seeds": [4]}
    assert study == make(file)
    with pytest.raises(RequestError, match="FIELD=VALUE"):
        flow.fn(**flow.validate_parameters({**asked, "settings": ["epochs"]}))


@pytest.mark.parametrize("name", ["train_intermediate", "finetune_target"])
def test_a_schedule_of_before_that_has_no_number_of_rows_trains_on_all(name: str) -> None:
    flow = flow_of(f"flows.{name}.{name}")
    given = {"encoder": "lab-mini@0", "intermediate": "lab-nli@en", "target": "lab-inference", "rows": None}
    known = {field: value for field, value in given.items() if field in parameter_schema(flow).properties}
    assert flow.validate_parameters(known)["rows"] == 0
    with pytest.raises(ParameterTypeError, match="rows"):
        flow.validate_parameters({**known, "rows": -1})
