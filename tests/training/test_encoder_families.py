"""Families of models that transformers knows: which are encoders, and what their configurations mean."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from packaging.requirements import Requirement
from transformers import CONFIG_MAPPING, AutoModel

from tests.training.tiny import make_encoder
from xtransfer.base.errors import RequestError
from xtransfer.models import pretrained
from xtransfer.models.encoder_check import check_encoder, positions_of
from xtransfer.study.encoders import resolve

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
FAMILIES = """albert bert camembert deberta deberta-v2 distilbert electra ernie eurobert funnel gpt2 jina_embeddings_v3
    modernbert mpnet mt5 nomic_bert rembert roformer umt5 xlm xlm-roberta xlm-roberta-xl xlnet xmod"""


def folder_of(folder: Path, model_type: str, **values: Any) -> Path:
    """A tiny random model of a family, with the tests' tokenizer."""
    make_encoder(folder)
    tokenizer = pretrained.load_encoder(folder)[1]
    common = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    config = CONFIG_MAPPING[model_type](**common | values)
    torch.manual_seed(0)
    with pretrained.quiet():
        AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("qwen3", SIZES | {"head_dim": 16}),
        ("llama", SIZES),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),
        ("bert", SIZES | {"is_decoder": True}),
        ("gemma3_text", SIZES | {"head_dim": 16}),
        ("xlm", {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "causal": True}),
    ],
)
def test_causal_decoders_are_refused(tmp_path: Path, model_type: str, values: dict[str, Any]) -> None:
    folder = folder_of(tmp_path / "model", model_type, **values)
    with pytest.raises(RequestError, match=rf"model: '{model_type}' is a causal decoder here: .* use an encoder such"):
        pretrained.load_encoder(folder)


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("bert", SIZES),
        ("modernbert", SIZES | {"cls_token_id": 0, "sep_token_id": 2, "bos_token_id": 0, "eos_token_id": 2}),
        ("deberta-v2", SIZES),
        ("electra", SIZES | {"embedding_size": 16}),
        ("gemma3_text", SIZES | {"head_dim": 16, "use_bidirectional_attention": True}),
        ("xlm", {"emb_dim": 32, "n_layers": 2, "n_heads": 2}),
    ],
)
def test_encoders_whose_tokens_see_the_whole_text(tmp_path: Path, model_type: str, values: dict[str, Any]) -> None:
    encoder, *_ = pretrained.load_encoder(folder_of(tmp_path / "model", model_type, **values))
    assert encoder.config.model_type == model_type


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("canine", SIZES | {"num_hash_functions": 2, "num_hash_buckets": 64}),
        ("vit", SIZES | {"image_size": 16, "patch_size": 8}),
        ("clip_vision_model", SIZES | {"image_size": 16, "patch_size": 8}),
    ],
)
def test_models_without_token_embeddings_are_refused(tmp_path: Path, model_type: str, values: dict[str, Any]) -> None:
    folder = folder_of(tmp_path / "model", model_type, **values)
    with pytest.raises(RequestError, match=rf"model: '{model_type}' has no table of token embeddings.*such as XLM-R"):
        pretrained.load_encoder(folder)


def test_a_type_whose_code_comes_with_the_weights_is_refused_with_the_one_to_use(tmp_path: Path) -> None:
    """When a study is planned, and when a folder is loaded."""
    folder = folder_of(tmp_path / "model", "gte", **SIZES)
    file = folder / "config.json"
    auto = {"AutoConfig": "configuration.NewConfig", "AutoModel": "modeling.NewModel"}
    file.write_text(json.dumps({**json.loads(file.read_text()), "model_type": "new", "auto_map": auto}))
    message = r"'new' needs code .* never run; .* type 'gte': use alibaba-nlp-community/gte-multilingual-base, "
    with pytest.raises(RequestError, match=message):
        pretrained.load_encoder(folder)
    with pytest.raises(RequestError, match=message):
        check_encoder(resolve(str(folder)), {})


def test_a_model_that_needs_more_than_a_text_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", "lxmert", hidden_size=32, num_attention_heads=2, intermediate_size=64,
                       l_layers=1, x_layers=1, r_layers=1)  # fmt: skip
    with pytest.raises(RequestError, match=r"model: 'lxmert' cannot encode a text \(.*such as XLM-R"):
        pretrained.load_encoder(folder)


@pytest.mark.parametrize(
    ("model_type", "file"), [("deberta-v2", "spm.model"), ("xlm-roberta", "sentencepiece.bpe.model")]
)
def test_a_tokenizer_that_is_a_sentencepiece_model_alone(tmp_path: Path, model_type: str, file: str) -> None:
    """As mDeBERTa-v3's and XLM-R's repositories had it at first."""
    folder = _of_pieces(tmp_path, model_type, file)
    _, tokenizer, _ = pretrained.load_encoder(folder)
    assert tokenizer.convert_ids_to_tokens(tokenizer("the red house")["input_ids"])[1].startswith("▁")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    declared = {Requirement(one).name for one in project["dependencies"]}
    assert {"sentencepiece", "protobuf"} <= declared  # transformers reads such a file with both, and requires neither


def test_a_tokenizer_that_changes_once_it_is_saved_is_refused(tmp_path: Path) -> None:
    """RemBERT's, read from its pieces, has no special tokens, which it has once a checkpoint was saved and read."""
    folder = _of_pieces(tmp_path, "rembert", "sentencepiece.model", input_embedding_size=16)
    with pytest.raises(RequestError, match=r"has no tokenizer.json, and its tokenizer.*once it is saved as \[CLS\]"):
        pretrained.load_encoder(folder)


def _of_pieces(tmp_path: Path, model_type: str, file: str, **values: int) -> Path:
    """A model whose tokenizer is a file of sentencepiece alone."""
    folder = folder_of(tmp_path / "model", model_type, **SIZES | {"vocab_size": 200} | values)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    prefix = tmp_path / "trained"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the red house and the blue tree"]), model_prefix=str(prefix), vocab_size=18,
        minloglevel=2,
    )  # fmt: skip
    prefix.with_suffix(".model").rename(folder / file)
    return folder


@pytest.mark.parametrize("model_type", FAMILIES.split())
def test_a_dropout_rate_reaches_all_of_a_model(model_type: str) -> None:
    """Wherever a module keeps its rate: as a module of its own, or as a number that a function gets."""
    config = CONFIG_MAPPING[model_type]()
    config.architectures = config.architectures or []  # AutoModel looks in them for Funnel's
    pretrained.set_dropout(config, 0.37)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    rates = {name: module.p for name, module in model.named_modules() if isinstance(module, torch.nn.Dropout)}
    rates |= {
        f"{name}.{field}": value
        for name, module in model.named_modules()
        for field, value in vars(module).items()
        if "dropout" in field and isinstance(value, float)
    }
    assert rates and set(rates.values()) == {0.37}, {name: rate for name, rate in rates.items() if rate != 0.37}
    assert set(pretrained.dropout_rates(config).values()) == {0.37}


def test_what_drops_no_states_keeps_its_value() -> None:
    esm, flaubert = CONFIG_MAPPING["esm"](token_dropout=True), CONFIG_MAPPING["flaubert"](layerdrop=0.2)
    for config in (esm, flaubert):
        pretrained.set_dropout(config, 0.37)
    assert esm.token_dropout is True and flaubert.layerdrop == 0.2


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("bert", SIZES),
        ("xlm-roberta", SIZES),
        ("camembert", SIZES),
        ("mpnet", SIZES),
        ("electra", SIZES | {"embedding_size": 16}),
        ("roformer", SIZES | {"embedding_size": 32}),
        ("xlm", {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64}),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),
        ("openai-gpt", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),
        ("gpt_neo", SIZES | {"num_layers": 2, "num_heads": 2, "attention_types": [[["global"], 2]]}),
        ("opt", SIZES | {"ffn_dim": 64, "word_embed_proj_dim": 32}),
        ("biogpt", SIZES),
        ("yoso", SIZES | {"use_expectation": True}),
        ("big_bird", SIZES | {"attention_type": "original_full"}),
        ("longformer", SIZES | {"attention_window": 4}),
        ("deberta-v2", SIZES | {"relative_attention": True, "position_biased_input": False}),
    ],
)
def test_the_longest_text_of_a_family(tmp_path: Path, model_type: str, values: dict[str, Any]) -> None:
    """As long as is told it is computed, and one token more fails; a plan reads the same from the configuration."""
    folder = folder_of(tmp_path / "model", model_type, **values)
    encoder, *_ = pretrained.load_encoder(folder, reads_last=True)
    longest = pretrained.longest_sequence(encoder)
    assert positions_of(resolve(str(folder))) == longest
    assert (longest is None) == (model_type == "deberta-v2")
    pad = encoder.config.pad_token_id
    ids = torch.full((1, (longest or 200) + 1), 5 if pad != 5 else 6)
    with torch.inference_mode():
        encoder(input_ids=ids[:, :-1], attention_mask=torch.ones_like(ids[:, :-1]))
        if longest is not None:
            with pytest.raises((IndexError, RuntimeError)):
                encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
