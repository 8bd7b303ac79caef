"""Loads encoders from a folder or a hub, checks them, and reads their limits."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from transformers import (
    MODEL_MAPPING,
    AutoConfig,
    MT5EncoderModel,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5EncoderModel,
    UMT5EncoderModel,
)
from transformers.utils import logging as transformers_logging

from xtransfer.base.errors import RequestError, in_short
from xtransfer.base.hub_files import Start
from xtransfer.models import weights
from xtransfer.models.encoder_check import config_file, refuse_replaced, too_long
from xtransfer.models.tokenizer_files import read_tokenizer

_LANGUAGE_HEADS = ("lm_head.", "cls.predictions.")  # of XLM-R and RoBERTa, of BERT
_ENCODER_HALF = {"t5": T5EncoderModel, "mt5": MT5EncoderModel, "umt5": UMT5EncoderModel}
_POSITIONS = ("position_embeddings", "embed_positions", "wpe", "positions_embed")  # tables of absolute positions
_SUCH_AS = "an encoder such as XLM-R, BERT, mDeBERTa or mT5"
_DROPOUT = re.compile("dropout|pdrop$")  # layerdrop and drop_path drop whole layers, and stay
_OF_ATTENTION = re.compile("attention|attn")


def load_encoder(
    folder: Path, dropout: float | None = None, attention_dropout: float | None = None, reads_last: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, dict[str, float]]:
    """Returns a folder's encoder (fp32, eval mode, no pooler) and tokenizer, and the dropout rates that it declares.

    A causal decoder is read as an encoder only if each text's last token alone is used (`reads_last`).

    Raises RequestError for an unknown model type, another causal decoder, a damaged file, missing weights (which
    transformers would draw at random), a tokenizer that cannot be read or does not fit the model, and a dropout rate
    of attention for a model without one of its own.
    """
    config = _config(folder)
    declared = dropout_rates(config)
    if dropout is not None:
        set_dropout(config, dropout)
    if attention_dropout is not None:
        _set_attention_dropout(config, attention_dropout, folder)
    chosen, options = model_class(config, folder)
    loader: Any = chosen  # Any: its stubs do not know that it also returns the loading info
    try:
        with torch.random.fork_rng(devices=[]), quiet():
            apart = weights.read(folder)
            encoder, info = loader.from_pretrained(
                folder if apart is None else None,
                config=config,
                state_dict=apart,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise whatever a value leads to
        raise RequestError(f"{folder}: its weights cannot be read ({in_short(error)})") from error
    if info["missing_keys"]:
        raise RequestError(
            f"{folder}: its weights lack {len(info['missing_keys'])} tensors of {chosen.__name__}, first "
            f"{min(info['missing_keys'])}: these are not the weights of this configuration"
        )
    rows = _embedding_rows(encoder, folder)
    causal = _is_causal(encoder.eval(), rows, folder)
    if causal and not reads_last:
        raise RequestError(
            f"{folder}: '{encoder.config.model_type}' is a causal decoder here: each token sees only those before it, "
            "so only the last knows the whole text; set pooling: last in the recipe (dual.pooling for kinds that train "
            f"vectors, :last for a target that compares them), or use {_SUCH_AS}"
        )
    tokenizer = read_tokenizer(folder, rows, causal)
    if causal:
        encoder.config.use_cache = False  # of generation: keys and values of all layers
    return encoder, tokenizer, declared


def left_over(folder: Path) -> dict[str, torch.Tensor]:
    """Returns a folder's weights that belong to the head of a masked language model, by their names in its files."""
    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            names = [name for name in opened.keys() if name.startswith(_LANGUAGE_HEADS)]  # noqa: SIM118
            found.update((name, opened.get_tensor(name)) for name in names)
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Silences transformers' progress bars and loading reports; what matters in them is raised as an error."""
    bars, verbosity = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def set_dropout(config: PreTrainedConfig, rate: float) -> None:
    """Sets every dropout rate that a configuration has. Rates that are None follow another one, and stay None."""
    for name in dropout_rates(config):
        setattr(config, name, rate)


def _set_attention_dropout(config: PreTrainedConfig, rate: float, folder: Path) -> None:
    names = [name for name in dropout_rates(config) if _OF_ATTENTION.search(name)]
    if not names:
        raise RequestError(
            f"{folder}: '{config.model_type}' has no dropout rate for attention alone; leave attention_dropout out, or "
            "set dropout, which applies everywhere"
        )
    for name in names:
        setattr(config, name, rate)


def dropout_rates(config: PreTrainedConfig) -> dict[str, float]:
    """Returns the dropout rates that a configuration has, by field."""
    return {
        name: rate
        for name, rate in vars(config).items()
        if _DROPOUT.search(name) and isinstance(rate, int | float) and not isinstance(rate, bool)
    }


def head_dropout(config: PreTrainedConfig) -> float:
    """Returns the dropout rate for a head, chosen as in transformers: the classifier's, else the hidden states'."""
    rates = dropout_rates(config)
    for name in ("classifier_dropout", "cls_dropout", "hidden_dropout_prob", "dropout_rate", "dropout"):
        if name in rates:
            return rates[name]
    return 0.1


def longest_sequence(encoder: nn.Module) -> int | None:
    """Returns how many tokens an encoder has positions for; None if positions are relative.

    XLM-R counts positions from its padding id + 1, so a table of 514 rows has positions for 512 tokens; OPT's table has
    two rows more than its configuration says, which no token gets.
    """
    rows = [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
        for table in _position_tables(encoder)
    ]
    declared = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
    if rows and isinstance(declared, int) and declared > 0:
        rows.append(declared)
    return min(rows, default=None)


def _position_tables(encoder: nn.Module) -> list[nn.Embedding]:
    named = encoder.named_modules()
    return [table for name, table in named if name.rpartition(".")[2] in _POSITIONS and isinstance(table, nn.Embedding)]


def check_length(encoder: nn.Module, max_length: int, start: Start) -> None:
    """Raises RequestError if sequences may be longer than an encoder has positions for."""
    longest = longest_sequence(encoder)
    if longest is not None and max_length > longest:
        raise RequestError(too_long(max_length, start if isinstance(start, Path) else start[0], longest))


def freeze_embeddings(encoder: PreTrainedModel) -> None:
    """Freezes the embedding tables (words, positions, segments); the layer norm after them is still trained."""
    within = getattr(encoder, "embeddings", nn.Module()).modules()
    tables = [one for one in within if isinstance(one, nn.Embedding)]
    for table in (encoder.get_input_embeddings(), *tables, *_position_tables(encoder)):
        table.requires_grad_(False)


def _config(folder: Path) -> PreTrainedConfig:
    refuse_replaced(folder, config_file(folder / "config.json"))
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        return config
    except Exception as error:  # as above
        raise RequestError(
            f"{folder}/config.json: {in_short(error)} (code that comes with a model is never run)"
        ) from error


def model_class(config: PreTrainedConfig, folder: object) -> tuple[type[PreTrainedModel], dict[str, bool]]:
    """Returns the class of an encoder and the options that leave out its pooler.

    Raises RequestError, which names the folder, for an unknown model type and for one that is not an encoder.
    """
    if config.model_type in _ENCODER_HALF:
        return _ENCODER_HALF[config.model_type], {}
    if getattr(config, "is_encoder_decoder", False) or type(config) not in MODEL_MAPPING:
        raise RequestError(f"{folder}: '{config.model_type}' is not an encoder; use {_SUCH_AS}")
    found: object = MODEL_MAPPING[type(config)]
    chosen = found[0] if isinstance(found, tuple) else found  # the mapping has several classes for some models
    assert isinstance(chosen, type) and issubclass(chosen, PreTrainedModel)
    # Heads read the tokens; a checkpoint without a pooler would get a random one.
    pooler = "add_pooling_layer" in inspect.signature(chosen.__init__).parameters
    return chosen, {"add_pooling_layer": False} if pooler else {}


def _embedding_rows(encoder: PreTrainedModel, folder: Path) -> int:
    """Returns the number of token embeddings; raises RequestError for a model without a table of them."""
    try:
        table = encoder.get_input_embeddings()
    except NotImplementedError:  # as CANINE does, which hashes characters
        table = None
    if not isinstance(table, nn.Embedding):
        raise RequestError(f"{folder}: '{encoder.config.model_type}' has no table of token embeddings; use {_SUCH_AS}")
    return table.num_embeddings


def _is_causal(encoder: PreTrainedModel, rows: int, folder: Path) -> bool:
    """Returns whether the first token's state is the same whatever follows it; RequestError if there is no state.

    Tried out on two texts, because families name their masks differently, or decide on them in code.
    """
    padding = encoder.config.pad_token_id
    first, *others = (number for number in range(rows) if number != padding)
    texts = [torch.tensor([[first, *others[start:][:4]]]) for start in (0, len(others) // 2)]
    try:
        with torch.inference_mode(), quiet():
            states = [encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state for ids in texts]
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise RequestError(
            f"{folder}: '{encoder.config.model_type}' cannot encode a text ({in_short(error)}); use {_SUCH_AS}"
        ) from error
    return torch.equal(states[0][:, 0], states[1][:, 0])
