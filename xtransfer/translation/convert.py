"""A model of transformers as CTranslate2 runs it: its weights in another number format, once for all translations.

The folder made holds the tokenizer's files as they were, the directions that the model has, and `ctranslate2/`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
from ctranslate2.converters.converter import Converter
from ctranslate2.converters.transformers import M2M100Loader, MarianMTLoader, ModelLoader

from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.hub_files import Start, fetch
from xtransfer.base.model_files import files_of
from xtransfer.models.pretrained import quiet
from xtransfer.store.manifest import FILE as MANIFEST
from xtransfer.translation.alignment import aligning_layer
from xtransfer.translation.numbers import NumberFormat
from xtransfer.translation.reader import Reader
from xtransfer.translation.transformers_engine import load_model

MODEL = "ctranslate2"  # the subfolder of the converted model
VOCABULARY = "shared_vocabulary.json"  # in it: the tokens in the order of their ids
_CONVERSION_FILE = "conversion.json"  # {"number_format": …, "ctranslate2": version}
_LEFT_OUT = (".safetensors", ".safetensors.index.json", MANIFEST)  # weights, and what says how an artifact was made


def convert(model: Start, number_format: NumberFormat, wanted: str, out: Path) -> dict[str, Any]:
    """Write the converted model to `out`. Facts: num_bytes, and num_targets (languages that it translates to).

    `wanted` is the version of CTranslate2 that must do it. Raises RequestError for another one, an unknown format
    and a model that is no translator of Marian's or M2M100's kind.
    """
    check_version(wanted)
    if number_format not in get_args(NumberFormat):
        raise unknown("number format", number_format, get_args(NumberFormat))
    folder = fetch(model, "AutoModelForSeq2SeqLM")
    name = str(model if isinstance(model, Path) else model[0])
    reader = Reader(folder, name)
    quantization = None if number_format == "float32" else number_format
    with quiet():
        _Conversion(folder, reader).convert(str(out / MODEL), quantization=quantization)
    for file in files_of(folder):
        if not file.name.endswith(_LEFT_OUT):
            shutil.copyfile(file, out / file.name)
    reader.directions.save(out)
    made = {"number_format": number_format, "ctranslate2": wanted}
    (out / _CONVERSION_FILE).write_text(json.dumps(made) + "\n", encoding="utf-8")
    return {
        "num_bytes": (out / MODEL / "model.bin").stat().st_size,
        "num_targets": len(reader.directions.targets),
    }


def number_format_of(folder: Path) -> NumberFormat:
    """What a model was converted to; raises RequestError where another version of CTranslate2 did it."""
    made = json.loads((folder / _CONVERSION_FILE).read_text(encoding="utf-8"))
    check_version(made["ctranslate2"])
    found: NumberFormat = made["number_format"]
    return found


def check_version(wanted: str) -> None:
    """Raises RequestError where this machine has another version of CTranslate2 than a plan was made for."""
    if version("ctranslate2") != wanted:
        raise RequestError(
            f"the translation was planned for CTranslate2 {wanted} and this machine has {version('ctranslate2')}: "
            "install one version on all machines, as constraints.txt says"
        )


def is_converted(folder: Path) -> bool:
    """Whether `convert` made a folder."""
    return (folder / MODEL / "model.bin").is_file()


@dataclass
class _Conversion(Converter):
    folder: Path
    reader: Reader

    def _load(self) -> Any:
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        spec = _LOADERS[config["model_type"]]()(load_model(self.folder), self.reader.tokenizer)
        spec.decoder.alignment_layer = np.int16(aligning_layer(config["decoder_layers"]))
        spec.decoder.alignment_heads = np.int16(config["decoder_attention_heads"])
        return spec


def _vocabulary(model: Any, tokenizer: Any) -> list[str]:
    """A token for each row of the embeddings, all different, so that ids survive the way through them."""
    ids = {number: token for token, number in tokenizer.get_vocab().items()}
    return [ids.get(number, f"<unused {number}>") for number in range(model.get_input_embeddings().weight.shape[0])]


class _M2M100(M2M100Loader):
    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        return _vocabulary(model, tokenizer)


class _Marian(MarianMTLoader):
    """Begins with the padding token as transformers does, whatever its embedding and its place in the vocabulary:
    CTranslate2's own loader takes it for the last one, and for a vector of zeros."""

    def set_config(self, config: Any, model: Any, tokenizer: Any) -> None:
        super().set_config(config, model, tokenizer)
        config.decoder_start_token = tokenizer.convert_ids_to_tokens(model.config.decoder_start_token_id)

    def set_decoder(self, spec: Any, decoder: Any) -> None:
        super().set_decoder(spec, decoder)
        spec.start_from_zero_embedding = False

    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        return _vocabulary(model, tokenizer)

    def _remove_pad_weights(self, spec: Any) -> None:
        pass


_LOADERS: Mapping[str, type[ModelLoader]] = {"m2m_100": _M2M100, "marian": _Marian}
