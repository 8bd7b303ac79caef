from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from xtransfer.base.stage import identity
from xtransfer.recipes.recipe import Recipe


def test_a_key_has_what_differs_from_the_defaults_and_no_source() -> None:
    assert identity(Recipe(epochs=3, source="somewhere")) == {"epochs": 3.0}
    later = Recipe(epochs=3, precision="bf16", restarts=2)
    assert identity(later) == {"epochs": 3.0, "precision": "bf16", "restarts": 2}
    assert Recipe.model_validate(identity(later)) == later


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
        ({"epochs": 3, "precision": "fp16"}, "'fp32', 'bf16' or 'tf32'"),
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
