"""Checkpoints: a folder in transformers' layout, plus the heads trained with the encoder.

config.json, model.safetensors, tokenizer files      the encoder, as AutoModel reads it (of T5, mT5 and
                                                     umT5 their encoder class, such as MT5EncoderModel); with a large
                                                     embedding table other files of weights (see `models.weights`),
                                                     which `xtransfer export-model` makes into transformers' own
head.safetensors                                     tensors `<benchmark>/<parameter>`
head.json                                            {"heads": {benchmark: {"kind", "labels", "dropout"}}}; kinds that
                                                     train vectors also have "dual", and heads that read
                                                     each text's last token "pooling"

Only safetensors weights are read and no code from a model repository is run, because a pickle or a `modeling_*.py`
from a hub is somebody else's program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import Start, fetch
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.kinds import KINDS
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.models import pretrained, weights
from xtransfer.models.tokenizer_files import save_tokenizer


@dataclass(frozen=True)
class HeadInfo:
    """What a head is for. Together with the encoder's hidden size, this is enough to build it."""

    benchmark: str
    kind: str
    labels: tuple[str, ...]
    dropout: float
    dual: Mapping[str, object] | None = None  # values of the recipe's `dual`, for kinds that train vectors
    pooling: str | None = None  # "last" for a head that reads each sequence's last token instead of the first

    @property
    def reads_last(self) -> bool:
        """Whether the head reads each sequence's last token alone."""
        return (self.pooling or (self.dual or {}).get("pooling")) == "last"


@dataclass(frozen=True)
class SavedHead:
    """A head together with what it is for."""

    info: HeadInfo
    module: nn.Module


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory: fp32, evaluation mode, on the CPU."""

    encoder: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    dropouts: Mapping[str, float]  # dropout rates by configuration field, before any override
    heads: Mapping[str, SavedHead] = field(default_factory=dict)  # by benchmark; several after training on a mixture
    folder: Path | None = None  # where it was loaded from

    def head_for(self, benchmark: Benchmark) -> nn.Module:
        """Returns the head for `benchmark`: its own, else the only one with the same kind and number of labels.

        Raises RequestError if no head fits or several do.
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
                f"the checkpoint has no head for '{benchmark.name}' (kind {benchmark.kind}, {len(benchmark.labels)} "
                f"labels); its heads: {has}; fine-tune it on '{benchmark.name}' first"
            )
        return fitting[0]


def load(
    start: Start,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    reads_last: bool | None = None,
) -> Loaded:
    """Loads an encoder or checkpoint with its heads.

    `dropout` replaces all dropout rates of the encoder, `attention_dropout` those of attention weights alone. A causal
    decoder is an encoder only where each text's last token is read (`reads_last`; None: if a head of it does).

    Raises RequestError if `start` is not a usable encoder (see `hub_files.fetch` and `pretrained.load_encoder`).
    """
    folder = fetch(start)
    infos = _infos(folder)
    if reads_last is None:
        reads_last = any(info.reads_last for info in infos.values())
    encoder, tokenizer, dropouts = pretrained.load_encoder(folder, dropout, attention_dropout, reads_last)
    heads = _load_heads(folder, infos, encoder)
    return Loaded(encoder, tokenizer, dropouts, heads, folder)


def save(
    folder: Path,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    heads: Mapping[str, SavedHead] | None = None,
    start: Path | None = None,
) -> None:
    """Writes a checkpoint to `folder`; `start` is the folder that the encoder was loaded from, if any.

    The caller publishes the folder once it is complete (a stage's `out`).
    """
    with pretrained.quiet():
        weights.save(folder, encoder, start)
    save_tokenizer(tokenizer, folder)
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


def _without_nones(values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def new_head(info: HeadInfo, hidden_size: int) -> nn.Module:
    """Returns a head initialised from torch's global generator; raises RequestError if the kind has no head."""
    make = KINDS[info.kind].head
    if make is None:
        raise RequestError(f"'{info.benchmark}' cannot be trained on: kind {info.kind} is scored only")
    shape = Benchmark(info.benchmark, info.kind, (), Source(""), {}, "", labels=info.labels)
    module = make(hidden_size, shape, info.dropout, *([info.dual] if info.dual is not None else []))
    if info.pooling is not None:
        module.pooling = info.pooling  # type: ignore[assignment]  # nn.Module types its members as tensors
    return module


def bind(head: nn.Module, encoder: PreTrainedModel) -> None:
    """Ties a language-modelling head to the encoder's embeddings; does nothing for other heads."""
    if isinstance(head, LanguageHead):
        head.bind(encoder)


def _infos(folder: Path) -> dict[str, HeadInfo]:
    """Returns what the heads of a folder are for; empty for an encoder without heads."""
    if not (folder / "head.json").exists():
        return {}
    heads = json.loads((folder / "head.json").read_text(encoding="utf-8"))["heads"]
    return {name: HeadInfo(**{**values, "labels": tuple(values["labels"])}) for name, values in heads.items()}


def _load_heads(folder: Path, infos: Mapping[str, HeadInfo], encoder: PreTrainedModel) -> dict[str, SavedHead]:
    tensors = load_file(folder / "head.safetensors") if infos else {}
    heads = {}
    for name, info in infos.items():
        with torch.random.fork_rng(devices=[]):  # initial weights are overwritten, so keep the caller's random stream
            module = new_head(info, encoder.config.hidden_size)
        bind(module, encoder)
        module.load_state_dict(below(name, tensors))
        heads[name] = SavedHead(info, module.eval())
    return heads


def below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors whose names start with `name/`, without that prefix."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
