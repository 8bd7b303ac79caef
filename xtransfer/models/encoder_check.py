"""Checks an encoder's file names, headers and configuration before anything runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import refuse_pickles
from xtransfer.models.files.sources import opened
from xtransfer.models.files.wholeness import fault
from xtransfer.recipes.recipe import Recipe
from xtransfer.study import packages
from xtransfer.study.encoders import ENCODERS, EncoderRef

_ABSOLUTE = ("bert", "electra", "ernie", "xlm", "mpnet", "xmod", "roformer", "longformer", "nystromformer", "big_bird",
             "gpt2", "openai-gpt", "gpt_bigcode", "biogpt")  # parts of types with a table of positions  # fmt: skip
_ABSOLUTE_TYPES = ("opt", "gpt_neo", "yoso", "mra")  # likewise, by their whole name
_AFTER_PADDING = ("roberta", "camembert", "mpnet", "xmod", "longformer")  # whose positions start after the padding id

_REPLACED = {  # types whose code came with the weights: the type that transformers has, and a hub id with it
    "new": ("gte", "alibaba-nlp-community/gte-multilingual-base"),
}


def check_encoder(ref: EncoderRef, recipes: Mapping[str, Recipe]) -> None:
    """Checks a folder's files, and that the encoder has enough positions for the recipes, given by field name.

    Raises RequestError for an incomplete checkpoint, for weights only in pickles, for a type whose code comes with the
    weights, and for a recipe whose `max_length` is too long or whose LoRA targets are not there. What only weights and
    tokenizer show is checked when a stage loads them.
    """
    if ref.source == "folder":
        refuse_pickles(Path(ref.id), [path.name for path in Path(ref.id).iterdir()], "AutoModel")
        files = opened(ref.id)
        if reason := fault(files, files.entries()):
            raise RequestError(f"encoder '{ref.id}': {reason}")
    config = json_file(ref, "config.json")
    refuse_replaced(ref.id, config)
    _check_lora(ref, config, recipes)
    positions = positions_of(ref)
    for name, recipe in recipes.items():
        if positions is not None and recipe.max_length > positions:
            raise RequestError(f"{name}: {too_long(recipe.max_length, ref.id, positions)}")


def _check_lora(ref: EncoderRef, config: Mapping[str, object], recipes: Mapping[str, Recipe]) -> None:
    asked = {name: recipe.lora for name, recipe in recipes.items() if recipe.lora is not None}
    if ref.source == "trained-here":
        config = {"model_type": "xlm-roberta"}
    if asked and config:
        from xtransfer.models.lora_layers import check_lora  # which imports torch

        check_lora(ref.id, config, asked)


def refuse_replaced(encoder: object, config: Mapping[str, object]) -> None:
    """Raises RequestError for a model type whose code comes with the weights, where transformers has it by now."""
    model_type = str(config.get("model_type"))
    if model_type in _REPLACED:
        native, example = _REPLACED[model_type]
        raise RequestError(
            f"encoder {encoder}: its type '{model_type}' needs code that comes with the weights, which is never run; "
            f"transformers has these layers as type '{native}': use {example}, with the same weights as "
            "Alibaba-NLP/gte-multilingual-base, or another checkpoint of that type"
        )


def too_long(max_length: int, encoder: object, positions: int) -> str:
    """Returns the message for a `max_length` above the number of positions."""
    return (
        f"max_length {max_length} is too long: encoder {encoder} has positions for {positions} tokens; set max_length "
        f"to at most {positions}"
    )


def positions_of(ref: EncoderRef) -> int | None:
    """Returns how many tokens an encoder has positions for, from its configuration; None if there is no limit."""
    if ref.source == "trained-here":
        return ENCODERS[ref.id].recipe.max_length
    if ref.source == "package":
        return packages.get(ref.id).positions
    config = json_file(ref, "config.json")
    rows = config.get("max_position_embeddings", config.get("n_positions"))
    model_type = str(config.get("model_type"))
    has_table = model_type in _ABSOLUTE_TYPES or any(name in model_type for name in _ABSOLUTE)
    if not isinstance(rows, int) or not has_table or "deberta" in model_type:
        return None
    padding = config.get("pad_token_id")
    after_padding = any(name in model_type for name in _AFTER_PADDING)
    return rows - ((padding if isinstance(padding, int) else 1) + 1 if after_padding else 0)


def json_file(ref: EncoderRef, name: str) -> dict[str, object]:
    """Returns a JSON file of a checkpoint; empty if it does not exist."""
    if ref.source in ("trained-here", "package") or not ref.revision:
        return {}
    file = Path(ref.id) / name if ref.source == "folder" else _hub_file(ref, name)
    return {} if file is None else config_file(file)


def config_file(file: Path) -> dict[str, object]:
    """Returns a JSON file; empty if it does not exist. Raises RequestError if it is not JSON."""
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{file}: not valid JSON ({error}); the checkpoint is damaged") from error
    return values if isinstance(values, dict) else {}


def _hub_file(ref: EncoderRef, name: str) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(hf_hub_download(ref.id, name, revision=ref.revision))
    except (HfHubHTTPError, OSError):  # no such file or no hub; files it needs are requested again when it runs
        return None
