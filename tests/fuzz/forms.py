"""The forms of Prefect: what comes in as a flow's parameters, up to where the flow would run something."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from prefect import Flow
from prefect.exceptions import ParameterBindError, ParameterTypeError, SignatureMismatchError
from prefect.runtime import flow_run

from flows import (
    evaluate_checkpoint,
    evaluate_new_checkpoint,
    finetune_target,
    run_named_study,
    run_own_study,
    train_intermediate,
    translate_data,
    watch_checkpoints,
)
from flows.run_study import run_study
from tests.fuzz.inputs import changed, values, words
from tests.fuzz.outcomes import Door
from xtransfer.base.errors import RequestError
from xtransfer.planning.budget import Budget
from xtransfer.planning.study_check import check
from xtransfer.stages.limits import check_timeouts
from xtransfer.study.study import Study
from xtransfer.watch.record import Look

_HOW: dict[str, Any] = {"options": ["workers=2", "timeout_hours.any=1.0"]}
_ENCODER: dict[str, Any] = {"encoder": "lab-mini@0", "seeds": [0], "rows": 8, "recipe": {"epochs": 1}}
_WATCH: dict[str, Any] = {"name": "w", "sources": ["/runs/*"], "evaluate": {"targets": ["lab-inference"]}}
_STUDY: dict[str, Any] = {"name": "s", "encoders": ["lab-mini@0"], "intermediates": ["direct"],
                          "targets": ["lab-inference"]}  # fmt: skip
_VALID: dict[Flow[..., Any], dict[str, Any]] = {
    run_study: {"study": _STUDY, "workers": 2, "timeout_hours": {"any": 1.0}},
    run_own_study.run_own_study: {**_STUDY, "question": "q?", "seeds": [0], "languages": ["de"],
                                  "settings": ["target_recipe.epochs=1", "intermediate_rows=8"]},
    run_named_study.run_named_study: {"study": "lab", "small": True, "encoders": ["lab-mini@0"], "languages": ["de"],
                                      "seeds": [0], "settings": ["target_recipe.epochs=1"]},
    evaluate_checkpoint.evaluate_checkpoint: {"checkpoint": "lab-mini@0", "targets": ["lab-inference"],
                                              "languages": ["de"],
                                              "split": "test", "rows": 8, "train_rows": 8, "seeds": [0],
                                              "recipe": {"epochs": 1}, "name": "n"},
    evaluate_new_checkpoint.evaluate_new_checkpoint: {"watch": _WATCH, "digest": "a" * 32, "location": "/runs/1"},
    finetune_target.finetune_target: {**_ENCODER, "target": "lab-inference", "after": "lab-nli@de", "after_rows": 8,
                                      "after_recipe": {"epochs": 1}},
    train_intermediate.train_intermediate: {**_ENCODER, "intermediate": "lab-nli@de"},
    translate_data.translate_data: {"benchmark": "lab-nli", "languages": ["de"], "engine": "lab-marian", "rows": 8,
                                    "align_tags": False, "way_back": ""},
    watch_checkpoints.watch_checkpoints: {"watch": _WATCH},
}  # fmt: skip


def form(folder: Path) -> Door:
    """The parameters of a flow, from a form or Prefect's API."""

    def enter(given: tuple[Flow[..., Any], Any]) -> None:
        flow, asked = given
        asked = json.loads(json.dumps(asked).encode())  # as it comes from a browser
        try:
            parameters = flow.validate_parameters(asked)
        except (ParameterTypeError, ParameterBindError, SignatureMismatchError) as error:  # Prefect's own sentence
            raise RequestError(str(error)) from error
        with _nothing_runs(parameters):
            if callable(flow.flow_run_name):
                flow.flow_run_name()
            (_planned if flow is run_study else flow.fn)(**parameters)

    inputs = st.one_of(
        *(st.tuples(st.just(flow), changed(valid | _HOW if "options" in signature(flow).parameters else valid))
          for flow, valid in _VALID.items()),
        st.tuples(st.sampled_from(list(_VALID)), st.dictionaries(words, values, max_size=4)),
    ).filter(lambda given: r"\ud8" not in json.dumps(given[1]))  # fmt: skip
    return Door(inputs, enter, lambda: _files(folder))


def _files(folder: Path) -> Hashable:
    """The files below a folder and beside it, but for the databases."""
    return tuple(sorted(str(path) for path in folder.rglob("*") if path.is_file() and "results.db" not in path.name))


@contextmanager
def _nothing_runs(parameters: dict[str, Any]) -> Iterator[None]:
    """Flows check and plan, and run nothing."""
    with ExitStack() as stack:
        for module in (run_named_study, run_own_study, evaluate_checkpoint, evaluate_new_checkpoint):
            stack.enter_context(mock.patch.object(module, "run_study", mock.Mock(fn=_planned)))
        for module in (finetune_target, train_intermediate, translate_data):
            stack.enter_context(mock.patch.object(module, "make_artifacts", _made))
        stack.enter_context(mock.patch.object(watch_checkpoints, "record", lambda *_: Look()))
        stack.enter_context(mock.patch.object(flow_run, "parameters", parameters, create=True))
        stack.enter_context(mock.patch.object(flow_run, "get_id", lambda: None))
        yield


def _planned(
    study: Study,
    workers: Any = None,
    per_device: Any = None,
    timeout_hours: Any = None,
    devices_per_stage: int = 1,
    keep: str = "all",
    budget: str | None = None,
) -> None:
    check_timeouts(timeout_hours or {})
    if budget is not None:
        Budget.parse(budget)
    check(study)


def _made(wanted: Any, title: str, *, timeout_hours: Any = None, **_: Any) -> None:
    check_timeouts(timeout_hours or {})
