from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, MT5Config, MT5EncoderModel, MT5Model

from xtransfer.base.errors import RequestError
from xtransfer.models import checkpoints, pretrained, tokenizer_files
from xtransfer.models.checkpoints import HeadInfo, SavedHead, new_head

from .tiny import CHOICE, PAIR

SIZES = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
MT5_SIZES = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 1}


@pytest.fixture
def copy(encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(encoder, tmp_path / "copy"))


def test_a_checkpoint_comes_back_as_it_was(encoder: Path, tmp_path: Path) -> None:
    loaded = checkpoints.load(encoder)
    info = HeadInfo("colours", "pair", ("entailment", "other"), 0.1)
    head = new_head(info, 32)
    checkpoints.save(tmp_path, loaded.encoder, loaded.tokenizer, {"colours": SavedHead(info, head)})
    again = checkpoints.load(tmp_path)
    saved = again.heads["colours"]
    assert saved.info == info and not again.encoder.training
    for name, value in head.state_dict().items():
        assert torch.equal(saved.module.state_dict()[name], value)
    for name, value in loaded.encoder.state_dict().items():
        assert torch.equal(again.encoder.state_dict()[name], value)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_a_saved_tokenizer_does_not_depend_on_what_it_has_encoded(encoder: Path, tmp_path: Path) -> None:
    """Rows from the cache need no encoding, and a checkpoint has the same bytes with them."""
    loaded = checkpoints.load(encoder)
    checkpoints.save(tmp_path / "one", loaded.encoder, loaded.tokenizer)
    loaded.tokenizer(["a red car", "a car"], truncation=True, max_length=3, padding=True)
    checkpoints.save(tmp_path / "two", loaded.encoder, loaded.tokenizer)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "tokenizer.json" in files
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "two", files, shallow=False) == (files, [], [])


def test_checkpoints_with_the_same_tokenizer_read_it_once(
    encoder: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[Path]()
    from_pretrained = tokenizer_files.AutoTokenizer.from_pretrained

    def counted(folder: Path, **options: bool) -> object:
        read.append(folder)
        return from_pretrained(folder, **options)

    monkeypatch.setattr(tokenizer_files.AutoTokenizer, "from_pretrained", counted)
    tokenizer_files._last_read.clear()
    assert checkpoints.load(encoder).tokenizer is checkpoints.load(copy).tokenizer and read == [encoder]
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 7}))
    assert checkpoints.load(copy).tokenizer.model_max_length == 7 and read == [encoder, copy]


def test_loading_draws_nothing(encoder: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    checkpoints.load(encoder)
    assert torch.equal(torch.rand(3), expected)


def test_the_right_head_or_none(encoder: Path, tmp_path: Path) -> None:
    loaded = checkpoints.load(encoder)
    assert not loaded.heads
    with pytest.raises(RequestError, match="no head for 'choices'"):
        loaded.head_for(CHOICE)
    info = HeadInfo("other-colours", "pair", ("entailment", "other"), 0.1)
    checkpoints.save(tmp_path, loaded.encoder, loaded.tokenizer, {info.benchmark: SavedHead(info, new_head(info, 32))})
    again = checkpoints.load(tmp_path)
    # Another benchmark of the same kind and number of labels.
    assert again.head_for(PAIR) is again.heads["other-colours"].module
    with pytest.raises(RequestError, match=r"its heads: other-colours \(pair\)"):
        again.head_for(CHOICE)


def test_pickles_are_refused_by_name(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(RequestError, match=r"pytorch_model\.bin.*convert it: python -c"):
        checkpoints.load(copy)
    (copy / "pytorch_model.bin").unlink()
    with pytest.raises(RequestError, match=r"no weights \(\*\.safetensors\) found"):
        checkpoints.load(copy)


def test_code_of_a_model_is_not_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "own.py").write_text("raise SystemExit('was run')")
    with pytest.raises(RequestError, match="never run"):
        checkpoints.load(copy)


def test_a_tokenizer_that_does_not_fit(copy: Path) -> None:
    loaded = checkpoints.load(copy)
    loaded.tokenizer.add_tokens([f"new{number}" for number in range(5)])
    loaded.tokenizer.save_pretrained(copy)
    with pytest.raises(RequestError, match="do not belong together"):
        checkpoints.load(copy)


def test_weights_that_are_missing_are_not_drawn_at_random(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(RequestError, match="weights lack"):
        checkpoints.load(copy)


def test_limits_of_positions(encoder: Path) -> None:
    assert pretrained.longest_sequence(checkpoints.load(encoder).encoder) == 32
    bert = BertModel(BertConfig(**SIZES, intermediate_size=16, max_position_embeddings=20), add_pooling_layer=False)
    assert pretrained.longest_sequence(bert) == 20
    t5 = MT5EncoderModel(MT5Config(vocab_size=50, **MT5_SIZES))
    assert pretrained.longest_sequence(t5) is None


def test_the_encoder_half_of_mt5(encoder: Path, tmp_path: Path) -> None:
    tokenizer = checkpoints.load(encoder).tokenizer
    whole = MT5Model(MT5Config(vocab_size=len(tokenizer), **MT5_SIZES))
    with pretrained.quiet():
        whole.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = checkpoints.load(tmp_path)
    assert isinstance(loaded.encoder, MT5EncoderModel)
    ours, theirs = loaded.encoder.get_input_embeddings().weight, whole.get_input_embeddings().weight
    assert torch.equal(ours, theirs)
    ids = torch.tensor([[5, 6, 7]])
    states = loaded.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    whole.eval()
    assert torch.equal(states, whole.encoder(input_ids=ids).last_hidden_state)


def test_no_folder_of_an_encoder(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"has no config\.json"):
        checkpoints.load(tmp_path)


def test_a_damaged_file(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RequestError, match="cannot be read"):
        checkpoints.load(copy)
