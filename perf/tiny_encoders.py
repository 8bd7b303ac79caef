"""Tiny encoders with random weights, one for each model family that multilingual encoders come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import CONFIG_MAPPING, PreTrainedConfig, PreTrainedModel

from xtransfer.models.pretrained import model_class, quiet, set_dropout

Values = Mapping[str, Any]  # fields of a configuration, each with its own type
_SIZES: Values = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 162,
}  # fmt: skip
_T5: Values = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
_ENDS: Values = {"cls_token_id": 0, "sep_token_id": 2, "bos_token_id": 0, "eos_token_id": 2}
_DEBERTA: Values = {
    "relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"], "share_att_key": True,
    "norm_rel_ebd": "layer_norm", "position_biased_input": False,
}  # fmt: skip
FAMILIES: Mapping[str, tuple[str, Values]] = {  # name: `model_type`, values; ModernBERT sees 8 tokens on either side
    "XLM-R": ("xlm-roberta", _SIZES),
    "BERT": ("bert", _SIZES),
    "RoBERTa": ("roberta", _SIZES),
    "CamemBERT": ("camembert", _SIZES),
    "ModernBERT, mmBERT": ("modernbert", {**_SIZES, **_ENDS, "local_attention": 16, "global_attn_every_n_layers": 2}),
    "EuroBERT": ("eurobert", {**_SIZES, "num_attention_heads": 4, "bos_token_id": 0, "eos_token_id": 2,
                              "mask_token_id": 3}),
    "GTE, mGTE": ("gte", _SIZES),
    "NomicBERT": ("nomic_bert", _SIZES),
    "Jina v3": ("jina_embeddings_v3", _SIZES),
    "XLM-R XL": ("xlm-roberta-xl", _SIZES),
    "ELECTRA": ("electra", {**_SIZES, "embedding_size": 16}),
    "ALBERT": ("albert", {**_SIZES, "embedding_size": 16}),
    "mDeBERTa": ("deberta-v2", {**_SIZES, **_DEBERTA}),
    "RemBERT": ("rembert", {**_SIZES, "input_embedding_size": 16, "bos_token_id": 0, "eos_token_id": 2}),
    "mT5": ("mt5", _T5),
    "umT5": ("umt5", _T5),
}  # fmt: skip


def config_of(name: str, dropout: float = 0.0, **values: object) -> PreTrainedConfig:
    """The configuration of a family, with one rate for every dropout, and other values."""
    model_type, own = FAMILIES[name]
    config: PreTrainedConfig = CONFIG_MAPPING[model_type](**{**own, **values})
    set_dropout(config, dropout)
    return config


def wide(name: str, width: int) -> Values:
    """The values that give a family this hidden size, in heads of 32."""
    _, own = FAMILIES[name]
    heads = width // 32
    if own is _T5:
        return {"d_model": width, "d_ff": 4 * width, "d_kv": 32, "num_heads": heads}
    queries = {"hidden_size": width, "intermediate_size": 4 * width, "num_attention_heads": heads}
    return {**queries, "num_key_value_heads": heads}


def encoder_of(name: str, dropout: float = 0.0, **values: object) -> PreTrainedModel:
    """An encoder of a family with random weights, without a pooler."""
    config = config_of(name, dropout, **values)
    torch.manual_seed(0)
    with quiet():
        chosen, options = model_class(config, name)
        found: PreTrainedModel = chosen(config, **options).eval()
    return found
