"""A checkpoint stores the rows of a large embedding table that changed, and comes back bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fsspec.implementations.local import LocalFileSystem
from transformers import BertConfig, BertForMaskedLM, MT5Config, MT5EncoderModel, PreTrainedModel

from tests.training.tiny import PAIR, make_encoder, pair_rows
from xtransfer.base.errors import RequestError
from xtransfer.models import checkpoints, pretrained, weights
from xtransfer.models.files.files import Files
from xtransfer.models.files.wholeness import inspect
from xtransfer.recipes.recipe import Recipe
from xtransfer.training.finetune import finetune

APART = {"encoder.safetensors", "rows.safetensors", "shared-table.safetensors"}
RECIPE = Recipe(epochs=1, batch_size=8, max_length=16, learning_rate=1e-3)
WORDS = " ".join(f"word{number}" for number in range(60))  # of which training sees few


@pytest.fixture(autouse=True)
def small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_LARGE", 0)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    return make_encoder(tmp_path / "start", text=[WORDS, "red blue"] * 20)


def _train(start: Path, out: Path, recipe: Recipe, seed: int) -> None:
    state = out.with_name(f"{out.name}.state")
    state.mkdir()
    finetune(start, [(PAIR, pair_rows(16, seed=seed))], recipe, seed, out, state_dir=state)


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.safetensors")} - {"head.safetensors"}


def _equal(ours: PreTrainedModel, theirs: PreTrainedModel) -> bool:
    one, other = ours.state_dict(), theirs.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _whole(trained: Path, folder: Path) -> PreTrainedModel:
    """Writes a checkpoint in transformers' layout and loads it with transformers alone."""
    loaded = checkpoints.load(trained)
    with pretrained.quiet():
        loaded.encoder.save_pretrained(folder)
        model: PreTrainedModel = type(loaded.encoder).from_pretrained(folder, **_no_pooler(loaded.encoder))
    return model


def _no_pooler(encoder: PreTrainedModel) -> dict[str, bool]:
    return {} if encoder.config.model_type == "mt5" else {"add_pooling_layer": False}


def test_training_twice_comes_back_bit_by_bit(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {}
    for way in ("apart", "whole"):
        if way == "whole":
            monkeypatch.setattr(weights, "_LARGE", 1 << 40)
        first, second = tmp_path / f"{way}1", tmp_path / f"{way}2"
        _train(start, first, RECIPE, 0)
        _train(first, second, RECIPE, 1)
        made[way] = (first, second)
    for apart, whole in zip(made["apart"], made["whole"], strict=True):
        assert _names(apart) == APART and _names(whole) == {"model.safetensors"}
        assert _equal(checkpoints.load(apart).encoder, checkpoints.load(whole).encoder)
        assert _equal(_whole(apart, tmp_path / f"{apart.name}-out"), checkpoints.load(whole).encoder)
    tables = [(folder / "shared-table.safetensors").read_bytes() for folder in made["apart"]]
    assert tables[0] == tables[1]  # so that a store has it once


def test_a_frozen_table_has_no_changed_rows(start: Path, tmp_path: Path) -> None:
    _train(start, tmp_path / "out", RECIPE.model_copy(update={"freeze_embeddings": True}), 0)
    assert (tmp_path / "out" / "rows.safetensors").stat().st_size < 300
    assert _equal_tables(tmp_path / "out", start)


def _equal_tables(one: Path, other: Path) -> bool:
    first, second = (checkpoints.load(folder).encoder.get_input_embeddings().weight for folder in (one, other))
    return torch.equal(first, second)  # type: ignore[arg-type]


def test_a_table_that_changed_everywhere_is_written_whole(start: Path, tmp_path: Path) -> None:
    _train(start, tmp_path / "out", RECIPE.model_copy(update={"weight_decay": 0.1}), 0)
    assert _names(tmp_path / "out") == {"model.safetensors"}


def test_names_with_the_prefix_of_a_head_s_model(start: Path, tmp_path: Path) -> None:
    tokenizer = checkpoints.load(start).tokenizer
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **sizes)
    with pretrained.quiet():
        BertForMaskedLM(config).save_pretrained(tmp_path / "mlm")
    tokenizer.save_pretrained(tmp_path / "mlm")
    _train(tmp_path / "mlm", tmp_path / "out", RECIPE, 0)
    assert _names(tmp_path / "out") == APART


def test_tied_tables_of_mt5(start: Path, tmp_path: Path) -> None:
    tokenizer = checkpoints.load(start).tokenizer
    config = MT5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=1)
    with pretrained.quiet():
        MT5EncoderModel(config).save_pretrained(tmp_path / "mt5")
    tokenizer.save_pretrained(tmp_path / "mt5")
    loaded = checkpoints.load(tmp_path / "mt5")
    with torch.no_grad():
        loaded.encoder.get_input_embeddings().weight[3] += 1  # type: ignore[operator]
    checkpoints.save(tmp_path / "out", loaded.encoder, loaded.tokenizer, start=tmp_path / "mt5")
    assert _names(tmp_path / "out") == APART
    assert _equal(checkpoints.load(tmp_path / "out").encoder, loaded.encoder)


@pytest.mark.parametrize("name", sorted(APART))
def test_a_checkpoint_without_one_of_its_files(start: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    _train(start, out, RECIPE, 0)
    files = Files(LocalFileSystem(), str(out))
    whole = inspect(files, files.entries())
    assert whole.state == "whole"
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[:-8])
    assert inspect(files, files.entries()).state == "refused"
    (out / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert inspect(files, files.entries()).digest != whole.digest
    (out / name).unlink()
    assert inspect(files, files.entries()).state == "unfinished"
    with pytest.raises(RequestError):
        checkpoints.load(out)
