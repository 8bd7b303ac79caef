"""How many weights the models of a plan have, as far as that is known here without loading them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from xtransfer.base import settings as base_settings
from xtransfer.base.stage import FolderModel, HubModel, Made, ModelSource, StageSettings
from xtransfer.study import packages
from xtransfer.study.stage_settings import PretrainSettings, TrainSettings, UnpackSettings


@dataclass(frozen=True)
class ModelSize:
    """The weights of a model."""

    layers: float  # without embeddings
    vocabulary: int  # tokens; 0 if unknown
    width: int  # of an embedding

    @property
    def table(self) -> int:
        """Weights of the token embeddings."""
        return self.vocabulary * self.width


_BASE, _LARGE = ModelSize(84_934_656, 250_002, 768), ModelSize(301_989_888, 250_002, 1024)  # as XLM-R has them
UNKNOWN = _BASE  # of a model that is not in reach


class ModelSizes:
    """Sizes of the models that stages start from or make."""

    def __init__(self, settings: Mapping[str, StageSettings], places: Mapping[str, str]) -> None:
        """`settings`: of the stage with a key. `places`: digest of an own encoder → its folder."""
        self._settings = settings
        self._places = places

    def __call__(self, source: ModelSource) -> ModelSize | None:
        """Returns a model's size; None if it is not known here."""
        if isinstance(source, Made):
            made = self._settings.get(source.key)
            if isinstance(made, TrainSettings):
                return self(made.start)
            return of_made(made) if made is not None else None
        if isinstance(source, FolderModel):
            folder = self._places.get(source.digest)
            return _in_config(Path(folder) / "config.json") if folder is not None else None
        return _on_hub(source)


def of_made(made: StageSettings) -> ModelSize | None:
    """Returns the size of an encoder that a stage makes; None for stages that make none, and for trainings."""
    if isinstance(made, PretrainSettings):
        recipe = made.recipe
        layers = _in_layers(recipe.layers, recipe.hidden_size, recipe.intermediate_size)
        return ModelSize(layers, recipe.vocab_size, recipe.hidden_size)
    if isinstance(made, UnpackSettings):
        package = packages.PACKAGES[made.package]
        return ModelSize(package.weights, package.vocabulary, package.width)
    return None


def _in_layers(layers: int, hidden: int, inner: int) -> float:
    return float(layers * (4 * hidden**2 + 2 * hidden * inner))


_WIDTH = ("hidden_size", "d_model", "n_embd", "emb_dim", "dim")  # what families call it in their configurations
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
_INNER = ("intermediate_size", "d_ff", "n_inner", "ffn_dim", "hidden_dim")


def _in_config(file: Path) -> ModelSize | None:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        width, layers = _first(config, _WIDTH), _first(config, _LAYERS)
        inner = _first(config, _INNER, 4 * width)
        return ModelSize(_in_layers(layers, width, inner), int(config.get("vocab_size", 0)), width)
    except (OSError, ValueError, TypeError, AttributeError):  # whoever loads the model says what is wrong
        return None


def _first(config: Mapping[str, int | None], names: Sequence[str], otherwise: int | None = None) -> int:
    """Returns the first of several fields that has a value; raises TypeError if none has."""
    return int(next((config[name] for name in names if config.get(name)), otherwise))  # type: ignore[arg-type]


@cache
def _on_hub(model: HubModel) -> ModelSize | None:
    mirror = base_settings.current().hub_dir
    if mirror is not None and (mirror / model.id / "config.json").exists():
        return _in_config(mirror / model.id / "config.json")
    found = try_to_load_from_cache(model.id, "config.json", revision=model.revision)
    return _in_config(Path(found)) if isinstance(found, str) else _by_name(model.id)


def _by_name(name: str) -> ModelSize | None:
    """Returns the size that the name of a model which is not in reach promises."""
    return _LARGE if "large" in name else _BASE if "base" in name else None
