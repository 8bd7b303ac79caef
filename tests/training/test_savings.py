"""What a run leaves out changes its time and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from xtransfer.models import checkpoints
from xtransfer.models.pretrained import head_dropout
from xtransfer.models.trimmed import Trimming
from xtransfer.training.finetune import Savings
from xtransfer.training.loop import clip

from .test_finetune import changed, equal, run, weights
from .test_language import TEXT, text_rows
from .tiny import CHOICE, PAIR, RECIPE, Killed, choice_rows, killed_at, pair_rows

ROWS = pair_rows(96)
NO_DECAY = changed(RECIPE, weight_decay=0)
WHOLE_TABLE, PADDED = Savings(trimmed=False), Savings(packed=False)


def losses(facts: dict[str, Any]) -> torch.Tensor:
    return torch.tensor([loss for _, loss in facts["losses"]])


@pytest.mark.parametrize("kind", ["pair", "choice", "tags and mlm"])
def test_packed_losses_are_the_padded_ones_over_100_steps(encoder: Path, tmp_path: Path, kind: str) -> None:
    from .test_tags import TAGS, tag_rows

    parts = {
        "pair": [(PAIR, ROWS)],
        "choice": [(CHOICE, choice_rows(48))],
        "tags and mlm": [(TAGS, tag_rows(48)), (TEXT, text_rows(48))],
    }[kind]
    recipe = changed(RECIPE, epochs=None, steps=100, dropout=0.0, learning_rate=1e-3)
    ours = run(encoder, tmp_path / "packed", recipe, parts)
    theirs = run(encoder, tmp_path / "padded", recipe, parts, savings=PADDED)
    assert ours["steps"] == len(losses(ours)) == 100
    assert (losses(ours) - losses(theirs)).abs().max() <= 1e-5
    assert losses(ours).std() > 0.01, "losses that never move are equal for nothing"


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("clip_norm", [1.0, 0.05])
def test_trimmed_embeddings_give_the_same_checkpoint_bit_for_bit(
    encoder: Path, tmp_path: Path, dropout: float, clip_norm: float
) -> None:
    recipe = changed(NO_DECAY, dropout=dropout, clip_norm=clip_norm, epochs=3)
    ours = run(encoder, tmp_path / "trimmed", recipe)
    theirs = run(encoder, tmp_path / "whole", recipe, savings=WHOLE_TABLE)
    assert equal(tmp_path / "trimmed" / "out", tmp_path / "whole" / "out")
    assert ours["losses"] == theirs["losses"]
    vocabulary = len(checkpoints.load(encoder).encoder.get_input_embeddings().weight)  # type: ignore[arg-type]
    assert ours["embeddings_trained"] < theirs["embeddings_trained"] == vocabulary
    name = "embeddings.word_embeddings.weight"
    before, after = (
        load_file(folder / "model.safetensors")[name] for folder in (encoder, tmp_path / "trimmed" / "out")
    )
    moved = (before != after).any(1)
    assert 10 < moved.sum() < ours["embeddings_trained"], "some rows learned, the others are as they were"


def test_trimmed_and_killed_and_selected_on_dev(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(NO_DECAY, select="best", evaluate_every=15)
    dev = (PAIR, [{**row, "second": "a stone tree stone"} for row in pair_rows(30, seed=2)])
    undisturbed = run(encoder, tmp_path / "one", recipe, dev=dev, savings=WHOLE_TABLE)

    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", recipe, dev=dev, progress=killed_at(40), save_every=0.01)
    (state,) = (tmp_path / "two" / "state").iterdir()
    table = load_file(state)["trained/encoder.embeddings.word_embeddings.weight"]
    assert len(table) < 100, "the state holds the rows that are trained"
    resumed = run(encoder, tmp_path / "two", recipe, dev=dev)
    assert resumed["dev"] == undisturbed["dev"]
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")


@pytest.mark.parametrize(
    ("values", "parts", "trained"),
    [
        ({"weight_decay": 0.01}, [(PAIR, ROWS)], "all"),  # it shrinks every row
        ({"freeze_embeddings": True}, [(PAIR, ROWS)], "none"),
        ({}, [(PAIR, ROWS), (TEXT, text_rows(16))], "all"),  # any token may be drawn or predicted
    ],
)
def test_where_every_row_may_matter_the_table_is_whole(
    encoder: Path, tmp_path: Path, values: dict[str, Any], parts: Any, trained: str
) -> None:
    facts = run(encoder, tmp_path, changed(NO_DECAY, epochs=1, **values), parts)
    table = load_file(encoder / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert facts["embeddings_trained"] == (len(table) if trained == "all" else 0)


def test_a_token_that_was_left_out_cannot_be_looked_up(encoder: Path) -> None:
    loaded = checkpoints.load(encoder)
    whole = loaded.encoder.get_input_embeddings()
    trimming = Trimming(loaded.encoder, [0, 1, 2, 7])
    with pytest.raises(IndexError):
        loaded.encoder.get_input_embeddings()(torch.tensor([[7, 8]]))
    with torch.no_grad():
        trimming.trimmed.weight[3] = 5.0
    trimming.undo()
    assert loaded.encoder.get_input_embeddings() is whole
    assert (whole.weight[7] == 5).all() and not (whole.weight[8] == 5).any()  # type: ignore[union-attr,index]


def test_half_of_the_moments(encoder: Path) -> None:
    loaded = checkpoints.load(encoder)
    before = sum(parameter.numel() for parameter in loaded.encoder.parameters())
    Trimming(loaded.encoder, range(20))
    after = sum(parameter.numel() for parameter in loaded.encoder.parameters())
    assert before - after == (len(loaded.tokenizer) - 20) * 32
    assert head_dropout(loaded.encoder.config) == 0.1


def test_rows_of_zeros_leave_the_norm_as_it_is() -> None:
    torch.manual_seed(0)
    for _ in range(50):
        few = torch.randn(37, 24)
        many = torch.zeros(1000, 24)
        many[torch.randperm(1000)[:37].sort().values] = few
        one, other = (torch.nn.Parameter(torch.zeros_like(grad)) for grad in (few, many))
        one.grad, other.grad = few, many
        clip([one], 0.5)
        clip([other], 0.5)
        assert torch.equal(one.grad, other.grad[other.grad.any(1)])
        assert one.grad.norm() == pytest.approx(0.5, rel=1e-5)


def test_equal_weights_are_compared_with_unequal_ones_too(encoder: Path, tmp_path: Path) -> None:
    """That `equal` can fail: another rate of dropout gives other weights."""
    run(encoder, tmp_path / "one", changed(NO_DECAY, epochs=1))
    run(encoder, tmp_path / "two", changed(NO_DECAY, epochs=1, dropout=0.2))
    assert weights(tmp_path / "one" / "out").keys() == weights(tmp_path / "two" / "out").keys()
    assert not equal(tmp_path / "one" / "out", tmp_path / "two" / "out")
