"""A kind whose rows are windows and whose answers are texts, through training, selection and scoring."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.metrics.metrics import get
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.recipes.recipe import Recipe
from xtransfer.training import finetune

from .tiny import COLD, THINGS, WARM

SPAN = Benchmark("where", "span", ("en",), Source("test"), {}, "f1")
RECIPE = Recipe(epochs=6, batch_size=8, learning_rate=3e-3, max_length=16, dropout=0.0, warmup=0.1)


def span_rows(count: int, seed: int = 0) -> list[Row]:
    """Which thing has a warm colour? Most contexts need two windows or more of 16 tokens."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        others = [f"the {rng.choice(COLD)} {rng.choice(THINGS)}" for _ in range(rng.randint(1, 5))]
        answer = f"{rng.choice(WARM)} {rng.choice(THINGS)}"
        others.insert(rng.randrange(len(others) + 1), f"the {answer}")
        context = " ".join(others)
        row = {"id": str(number), "group": str(number), "context": context, "question": "a"}
        rows.append({**row, "answers": [answer], "starts": [context.index(answer)]})
    return rows


def points(folder: Path, rows: list[Row]) -> float:
    loaded = checkpoints.load(folder)
    head = loaded.head_for(SPAN)
    predictions = predict(loaded.encoder, head, SPAN, rows, RowEncoder(loaded.tokenizer, RECIPE.max_length))
    assert all(one.value in row["context"] for one, row in zip(predictions, rows, strict=True))
    return get("f1").compute([row["answers"] for row in rows], [one.value for one in predictions])


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("span")
    rows = span_rows(160)
    return folder / "out", finetune.finetune(encoder, [(SPAN, rows)], RECIPE, 0, folder / "out", folder / "state")


def test_answers_are_learned(trained: tuple[Path, dict[str, object]]) -> None:
    folder, facts = trained
    assert facts["degenerate"] is None and facts["heads"] == {"where": "fresh"}
    assert facts["loss_last"] < 0.5 < 1.5 < facts["loss_first"]  # type: ignore[operator]
    assert points(folder, span_rows(50, seed=1)) > 90


def test_the_head_is_carried_on_and_selected_on_dev(trained: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    recipe = Recipe(
        steps=4, batch_size=8, learning_rate=1e-6, max_length=16, head="carry", select="best", evaluate_every=2
    )
    dev = (SPAN, span_rows(20, seed=2))
    parts = [(SPAN, span_rows(40, seed=3))]
    facts = finetune.finetune(trained[0], parts, recipe, 0, tmp_path / "out", tmp_path / "state", dev=dev)
    assert facts["heads"] == {"where": "carried from where"}
    assert facts["dev"]["metric"] == "f1" and facts["dev"]["best"] > 80
    assert facts["loss_first"] < 0.6
