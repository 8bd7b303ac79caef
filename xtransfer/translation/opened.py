"""An engine for a model, with all that keeps its translations."""

from __future__ import annotations

from pathlib import Path

from xtransfer.base.digest import digest
from xtransfer.base.errors import SourceError
from xtransfer.base.hub_files import Start, fetch
from xtransfer.base.model_files import files_of
from xtransfer.base.remembered_digests import file_digest
from xtransfer.store.manifest import FILE as MANIFEST
from xtransfer.translation.cache import SentenceCache
from xtransfer.translation.convert import MODEL, is_converted
from xtransfer.translation.ctranslate2_engine import CTranslate2Engine
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.kept import Everywhere
from xtransfer.translation.shards import Shards
from xtransfer.translation.transformers_engine import TransformersEngine

_VERSION = 1  # of what an engine does round the model; higher: the cache's earlier sentences are not used


def open_engine(model: Start, device: str, beams: int, state: Path) -> ModelEngine:
    """CTranslate2 for a model that was converted, transformers for any other. What it translates is kept in `state`
    until the stage is done, and in the cache of this machine."""
    engine: ModelEngine
    if isinstance(model, Path) and is_converted(model):
        folder, read = model, model_digest(model)
        engine = CTranslate2Engine(model, device, beams)
    else:
        folder = fetch(model, "AutoModelForSeq2SeqLM")
        read = model_digest(folder)
        engine = TransformersEngine(model, device, beams)
    if model_digest(folder) != read:
        raise SourceError(f"{folder}: its files changed while the model was loaded; run the study again")
    named = digest(_VERSION, read, list(engine.decoding))
    engine.kept = Everywhere(Shards(state / "shards"), SentenceCache(named))
    return engine


def model_digest(folder: Path) -> str:
    """Of the files that an engine reads, wherever they are, and not of when and where they were made."""
    files = [path for path in files_of(folder) if path.name != MANIFEST]
    if is_converted(folder):
        files += sorted((folder / MODEL).iterdir())
    return digest([(path.name, file_digest(path)) for path in files])
