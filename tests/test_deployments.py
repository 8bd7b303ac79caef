"""The deployments name flows that exist, and whose parameters render as a form."""

from __future__ import annotations

import importlib
from pathlib import Path

import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema

FILE = Path(__file__).parents[1] / "deployments" / "prefect.yaml"


def test_every_entrypoint_is_a_flow_with_a_form() -> None:
    deployments = yaml.safe_load(FILE.read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert isinstance(flow, Flow)
        schema = parameter_schema(flow)
        assert schema.properties
        fields = list(schema.definitions.get("Study", {}).get("properties", {}).values())
        assert all(field.get("description") for field in [*schema.properties.values(), *fields])


def test_the_study_and_the_evaluation_are_deployed() -> None:
    names = {one["entrypoint"].rpartition(".")[2] for one in yaml.safe_load(FILE.read_text())["deployments"]}
    assert {"run_study", "evaluate_checkpoint"} <= names
