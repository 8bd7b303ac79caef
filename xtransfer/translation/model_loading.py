"""Converts translation models for a library, and opens them as engines with stores for their translations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TypedDict

from xtransfer.base.digest import digest
from xtransfer.base.errors import SourceError
from xtransfer.base.hub_files import Start, fetch
from xtransfer.base.model_files import files_of
from xtransfer.base.remembered_digests import file_digest
from xtransfer.store.manifest import FILE as MANIFEST
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.libraries import is_converted, library_of, runtime_of, save_conversion
from xtransfer.translation.model_tokenizer import ModelTokenizer
from xtransfer.translation.translation_store import ChainedStore, SentenceCache, ShardStore

_LOADER = "AutoModelForSeq2SeqLM"  # the class of transformers that reads these models
_VERSION = 1  # of the code around the model; increase it to stop using cached sentences of earlier versions
_WEIGHTS = (".safetensors", ".safetensors.index.json")


class ConversionFacts(TypedDict):
    num_bytes: int  # of the converted weights
    num_targets: int  # languages that the model translates to


def convert(model: Start, runtime: str, wanted: str, out: Path) -> ConversionFacts:
    """Writes a model to `out` in the format of `runtime`, with its tokenizer and directions.

    `wanted` is the library's version that the study was planned with. Raises RequestError if another one is installed,
    for an unknown runtime, and for a model that is not a Marian or M2M100 translator.
    """
    library = library_of(runtime)
    library.check_version(wanted)
    folder = fetch(model, _LOADER)
    tokenizer = ModelTokenizer(folder, _name(model))
    num_bytes = library.load().convert(folder, tokenizer, runtime, out)
    for file in files_of(folder):
        if not file.name.endswith((*_WEIGHTS, MANIFEST)):
            shutil.copyfile(file, out / file.name)
    tokenizer.directions.save(out)
    save_conversion(out, runtime)
    return {"num_bytes": num_bytes, "num_targets": len(tokenizer.directions.targets)}


def open_engine(model: Start, device: str, beams: int, state: Path) -> ModelEngine:
    """Returns the engine of a model, in the library for which it was converted, else in transformers.

    It stores translations in `state` until the stage is done, and in the cache of this machine.
    """
    folder = model if isinstance(model, Path) and is_converted(model) else fetch(model, _LOADER)
    read = model_digest(folder)
    engine = library_of(runtime_of(folder)).load().open_engine(folder, _name(model), device, beams)
    if model_digest(folder) != read:
        raise SourceError(f"{folder}: its files changed while the model was loaded; run the study again")
    key = digest(_VERSION, read, list(engine.decoding))
    engine.store = ChainedStore(ShardStore(state / "shards"), SentenceCache(key))
    return engine


def model_digest(folder: Path) -> str:
    """Returns a digest of the files that an engine reads, independent of their location and time."""
    own = sorted(path for path in folder.rglob("*") if path.is_file())  # of a conversion, whatever its library wrote
    files = own if is_converted(folder) else files_of(folder)
    return digest([(str(path.relative_to(folder)), file_digest(path)) for path in files if path.name != MANIFEST])


def _name(model: Start) -> str:
    """Returns the name of a model in error messages."""
    return str(model if isinstance(model, Path) else model[0])
