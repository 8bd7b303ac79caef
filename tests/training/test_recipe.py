from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from xtransfer.recipes.recipe import Recipe


def test_settings_that_came_later_leave_older_keys_as_they_were() -> None:
    older = {
        "epochs": 3.0, "steps": None, "batch_size": 32, "learning_rate": 2e-05, "warmup": 0.0, "weight_decay": 0.0,
        "clip_norm": 1.0, "max_length": 128, "dropout": None, "freeze_embeddings": False, "head": "fresh",
        "select": "last", "evaluate_every": None,
    }  # fmt: skip
    assert Recipe(epochs=3, source="somewhere").deciding() == older
    later = Recipe(epochs=3, precision="bf16", restarts=2)
    assert later.deciding() == {**older, "precision": "bf16", "restarts": 2}
    assert Recipe.model_validate(later.deciding()) == later


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 3, "steps": 5}, "exactly one of epochs and steps"),
        ({}, "exactly one of epochs and steps"),
        ({"epochs": 0}, "greater than 0"),
        ({"epochs": 3, "learning_rate": 1}, "less than 1"),
        ({"epochs": 3, "warmup": 1}, "less than 1"),
        ({"epochs": 3, "batch_size": 0}, "greater than 0"),
        ({"epochs": 3, "max_length": 4}, "greater than or equal to 8"),
        ({"epochs": 3, "dropout": 1.0}, "less than 1"),
        ({"epochs": 3, "clip_norm": 0}, "greater than 0"),
        ({"epochs": 3, "precision": "fp16"}, "'fp32' or 'bf16'"),
        ({"epochs": 3, "restarts": -1}, "greater than or equal to 0"),
        ({"epochs": 3, "evaluate_every": 5}, "evaluate_every needs select: best"),
        ({"epochs": 3, "patience": 5}, "patience needs select: best"),
        ({"epochs": 3, "dev_rows": 5}, "dev_rows needs select: best"),
        ({"epochs": 3, "learning_rates": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_recipe_out_of_range_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe(**values)
