"""Translates with CTranslate2, the default: several times as fast on a CPU as transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import ctranslate2
import numpy as np
import torch
from ctranslate2.converters.converter import Converter
from ctranslate2.converters.transformers import M2M100Loader, MarianMTLoader, ModelLoader
from ctranslate2.specs.model_spec import SequenceToSequenceModelConfig
from ctranslate2.specs.transformer_spec import TransformerDecoderSpec, TransformerSpec
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.models.pretrained import quiet
from xtransfer.translation.cublas import usable
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.libraries import runtime_of
from xtransfer.translation.model_tokenizer import ModelTokenizer
from xtransfer.translation.span_matching import Weights, aligning_layer
from xtransfer.translation.transformers_engine import load_model

_MODEL = "ctranslate2"  # subfolder of the converted weights
_VOCABULARY = "shared_vocabulary.json"  # in it; tokens in the order of their ids
_MAX_TOKENS = {"cpu": 2048, "cuda": 16_384}  # source tokens in a batch, padding included
_STEP = 16  # tokens; rows of equal rounded length are translated in one call, which has one output limit
_INT8 = {"cpu": "int8_float32", "cuda": "int8_float16"}  # int8 weights; other numbers in the device's fast format


def open_engine(folder: Path, name: str, device: str, beams: int) -> CTranslate2Engine:
    """Returns the engine of a folder with a converted model."""
    return CTranslate2Engine(folder, device, beams)


def convert(folder: Path, tokenizer: ModelTokenizer, runtime: str, out: Path) -> int:
    """Writes the weights of a transformers folder to `out` in a number format; returns their size in bytes."""
    quantization = None if runtime == "float32" else runtime
    with quiet():
        _Conversion(folder, tokenizer).convert(str(out / _MODEL), quantization=quantization)
    return (out / _MODEL / "model.bin").stat().st_size


def compute_type(runtime: str, device: str, supported: Collection[str]) -> str:
    """Returns CTranslate2's name for the number format in which a model computes on a device.

    Raises RequestError if the device does not support it: CTranslate2 would silently use another one.
    """
    wanted = _INT8[device] if runtime == "int8" else runtime
    if wanted not in supported:
        raise RequestError(
            f"this machine's {device} does not compute in {wanted}, only in {', '.join(sorted(supported))}: name the "
            "engine with another format behind it, such as .int8 or .float32"
        )
    return wanted


class CTranslate2Engine(ModelEngine):
    """A converted model; greedy decoding, or beam search with `beams` > 1.

    On a CPU it runs as many batches in parallel as torch has threads. A GPU is used if cuBLAS 12 is there (`cublas`).
    """

    def __init__(self, folder: Path, device: str = "cpu", beams: int = 1, max_tokens: int | None = None) -> None:
        kind, _, index = usable(device).partition(":")
        self.compute_type = compute_type(runtime_of(folder), kind, ctranslate2.get_supported_compute_types(kind))
        decoding = ("ctranslate2", ctranslate2.__version__, self.compute_type, beams)
        super().__init__(folder, ModelTokenizer(folder, str(folder)), decoding)
        self._model = ctranslate2.Translator(
            str(folder / _MODEL),
            device=kind,
            device_index=int(index or 0),
            compute_type=self.compute_type,
            inter_threads=torch.get_num_threads() if kind == "cpu" else 1,
            intra_threads=1,
        )
        self._tokens: list[str] = json.loads((folder / _MODEL / _VOCABULARY).read_text(encoding="utf-8"))
        self._ids = {token: number for number, token in enumerate(self._tokens)}
        pad = self.tokenizer.backend.pad_token_id
        assert isinstance(pad, int)
        self._never = [[self._tokens[pad]]]  # Marian models start with it; transformers never generates it
        self._beams = beams
        self._max_tokens = max_tokens or _MAX_TOKENS[kind]

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        return [
            self._output(result)
            for group, limit in _groups(rows, self.output_limit)
            for result in self._results(group, first, limit)
        ]

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        return [
            (self._output(result), np.array(result.attention[0], dtype=np.float32))
            for group, limit in _groups(rows, self.output_limit)
            for result in self._results(group, first, limit, return_attention=True)
        ]

    def _output(self, result: ctranslate2.TranslationResult) -> list[int]:
        return [self._ids[token] for token in result.hypotheses[0]]

    def _results(
        self, rows: list[Sequence[int]], first: int | None, limit: int, return_attention: bool = False
    ) -> list[ctranslate2.TranslationResult]:
        results: list[ctranslate2.TranslationResult] = self._model.translate_batch(
            [[self._tokens[number] for number in row] for row in rows],
            target_prefix=None if first is None else [[self._tokens[first]]] * len(rows),
            max_batch_size=self._max_tokens,
            batch_type="tokens",
            beam_size=self._beams,
            max_decoding_length=limit,
            max_input_length=0,  # no limit: nothing is cut, longer sentences are left out before
            return_end_token=True,
            suppress_sequences=self._never,
            return_attention=return_attention,
        )
        return results


def _groups(
    rows: Sequence[Sequence[int]], output_limit: Callable[[int], int]
) -> Iterator[tuple[list[Sequence[int]], int]]:
    """Yields consecutive rows of about the same length, and the maximum number of tokens of each output."""
    for step, group in groupby(rows, lambda row: -(-len(row) // _STEP)):
        yield list(group), output_limit(step * _STEP)


@dataclass
class _Conversion(Converter):  # type: ignore[misc]  # ctranslate2 has no types
    folder: Path
    tokenizer: ModelTokenizer

    def _load(self) -> TransformerSpec:
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        spec = _LOADERS[config["model_type"]]()(load_model(self.folder), self.tokenizer.backend)
        spec.decoder.alignment_layer = np.int16(aligning_layer(config["decoder_layers"]))
        spec.decoder.alignment_heads = np.int16(config["decoder_attention_heads"])
        return spec


def _vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Returns a distinct token for each row of the embeddings, so that ids are the same after the conversion."""
    ids = {number: token for token, number in tokenizer.get_vocab().items()}
    embeddings = model.get_input_embeddings()
    assert isinstance(embeddings, torch.nn.Embedding)
    return [ids.get(number, f"<unused {number}>") for number in range(embeddings.num_embeddings)]


class _M2M100(M2M100Loader):  # type: ignore[misc]  # ctranslate2 has no types
    def get_vocabulary(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
        return _vocabulary(model, tokenizer)


class _Marian(MarianMTLoader):  # type: ignore[misc]  # ctranslate2 has no types
    """Starts decoding with the padding token, whatever its id and embedding, as transformers does.

    CTranslate2's loader expects it to be the last token, with a zero vector.
    """

    def set_config(
        self, config: SequenceToSequenceModelConfig, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        super().set_config(config, model, tokenizer)
        config.decoder_start_token = tokenizer.convert_ids_to_tokens(model.config.decoder_start_token_id)

    def set_decoder(self, spec: TransformerDecoderSpec, decoder: torch.nn.Module) -> None:
        super().set_decoder(spec, decoder)
        spec.start_from_zero_embedding = False

    def get_vocabulary(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
        return _vocabulary(model, tokenizer)

    def _remove_pad_weights(self, spec: TransformerSpec) -> None:
        pass


_LOADERS: Mapping[str, type[ModelLoader]] = {"m2m_100": _M2M100, "marian": _Marian}
