"""Checkpoints: a folder of transformers' own layout, with the heads that were trained on it beside.

config.json, model.safetensors, tokenizer files      the encoder, as AutoModel reads it
head.safetensors                                     tensors `<benchmark>/<parameter>`
head.json                                            {"heads": {benchmark: {"kind", "labels", "dropout"}}}; kinds that
                                                     train vectors also have "dual"

Weights are read from safetensors alone and no code that comes with a model is run: a pickle or a
`modeling_*.py` from a hub is a program of somebody else's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import Start, fetch
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.kinds import KINDS
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.models import pretrained


@dataclass(frozen=True)
class HeadInfo:
    """What a head is for; with the encoder's width it is all that is needed to build it."""

    benchmark: str
    kind: str
    labels: tuple[str, ...]
    dropout: float
    dual: Mapping[str, Any] | None = None  # how vectors are compared, where the kind trains them


@dataclass(frozen=True)
class SavedHead:
    """A head and what it is for."""

    info: HeadInfo
    module: nn.Module


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory: fp32, eval mode, on the CPU."""

    encoder: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    dropouts: Mapping[str, float]  # rates by field of the configuration, as they were before any override
    heads: Mapping[str, SavedHead] = field(default_factory=dict)  # by benchmark; several after a mixture
    folder: Path | None = None  # where it was read

    def head_for(self, benchmark: Benchmark) -> nn.Module:
        """The head that answers `benchmark`: its own, else the only one of the same kind and labels.

        Raises RequestError where there is none, or more than one and no way to choose.
        """
        if benchmark.name in self.heads:
            return self.heads[benchmark.name].module
        fitting = [
            saved.module
            for saved in self.heads.values()
            if saved.info.kind == benchmark.kind and len(saved.info.labels) == len(benchmark.labels)
        ]
        if len(fitting) != 1:
            has = ", ".join(f"{saved.info.benchmark} ({saved.info.kind})" for saved in self.heads.values()) or "none"
            raise RequestError(
                f"the checkpoint has no head for '{benchmark.name}' ({benchmark.kind}, {len(benchmark.labels)} "
                f"labels); its heads: {has}; train it on '{benchmark.name}' first"
            )
        return fitting[0]


def load(start: Start, dropout: float | None = None) -> Loaded:
    """An encoder or checkpoint with the heads it has. `dropout` replaces every rate in the encoder.

    Raises RequestError for what is no usable encoder (see `hub_files.fetch` and `pretrained.load_encoder`).
    """
    folder = fetch(start)
    encoder, tokenizer, dropouts = pretrained.load_encoder(folder, dropout)
    heads = _load_heads(folder, encoder) if (folder / "head.json").exists() else {}
    return Loaded(encoder, tokenizer, dropouts, heads, folder)


def save(
    folder: Path,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    heads: Mapping[str, SavedHead] | None = None,
) -> None:
    """Write a checkpoint into `folder`, which the caller makes visible when it is whole (a stage's out
    folder)."""
    with pretrained.quiet():
        encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if not heads:
        return
    tensors = {
        f"{name}/{parameter}": value.detach().contiguous()
        for name, saved in heads.items()
        for parameter, value in saved.module.state_dict().items()
    }
    save_file(tensors, folder / "head.safetensors")
    infos = {name: _without_nones(asdict(saved.info)) for name, saved in heads.items()}
    (folder / "head.json").write_text(json.dumps({"heads": infos}, indent=1) + "\n", encoding="utf-8")


def _without_nones(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def new_head(info: HeadInfo, hidden_size: int) -> nn.Module:
    """A fresh head, drawn from torch's global generator."""
    make = KINDS[info.kind].head
    if make is None:
        raise RequestError(f"'{info.benchmark}' is of kind {info.kind}: nothing is trained on it")
    shape = Benchmark(info.benchmark, info.kind, (), Source(""), {}, "", labels=info.labels)
    return make(hidden_size, shape, info.dropout, *([info.dual] if info.dual is not None else []))


def bind(head: nn.Module, encoder: PreTrainedModel) -> None:
    """Give a head that predicts the encoder's own tokens their embeddings; other heads have no use for them."""
    if isinstance(head, LanguageHead):
        head.bind(encoder)


def _load_heads(folder: Path, encoder: PreTrainedModel) -> dict[str, SavedHead]:
    tensors = load_file(folder / "head.safetensors")
    heads = {}
    for name, values in json.loads((folder / "head.json").read_text(encoding="utf-8"))["heads"].items():
        info = HeadInfo(**{**values, "labels": tuple(values["labels"])})
        with torch.random.fork_rng(devices=[]):  # weights are drawn and then replaced: nobody's stream moves
            module = new_head(info, encoder.config.hidden_size)
        bind(module, encoder)
        module.load_state_dict(_below(name, tensors))
        heads[name] = SavedHead(info, module.eval())
    return heads


def _below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
