"""Predictions of a model: one pass over the rows of all languages, in batches of a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Row
from xtransfer.data.batches import Batch, budget_batches, collate, encode_rows, num_tokens
from xtransfer.errors import RequestError
from xtransfer.kinds.spec import Kind, Prediction
from xtransfer.stages.spec import Progress, silent

TOKENS_PER_BATCH = {"cpu": 4096, "cuda": 32768}  # padding included


def predict(
    encoder: Any,
    head: Any | None,
    kind: Kind,
    rows: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    device: str = "cpu",
    progress: Progress = silent,
    layer: int | None = None,
) -> list[Prediction]:
    """One prediction per row, in order. For retrieval `head` is None and all rows are one pool."""
    pool = {"": rows}
    return predict_languages(encoder, head, kind, pool, tokenizer, max_length, device, progress, layer)[""]


@torch.inference_mode()
def predict_languages(
    encoder: Any,
    head: Any | None,
    kind: Kind,
    rows: Mapping[str, Sequence[Row]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    device: str = "cpu",
    progress: Progress = silent,
    layer: int | None = None,
) -> dict[str, list[Prediction]]:
    """Predictions for the rows of each language, in order; all languages share the batches.

    Kinds without a head pool the states of `layer` (0: embeddings, None: the last) and compare within a
    language. Moves encoder and head to the device; puts them into evaluation mode and back.
    """
    pooled = [row for part in rows.values() for row in part]
    encoded = encode_rows(kind, pooled, tokenizer, max_length)
    outputs: list[torch.Tensor | None] = [None] * len(encoded)
    batches = budget_batches([num_tokens(one) for one in encoded], TOKENS_PER_BATCH[device.partition(":")[0]])
    done = 0
    with _Evaluating((encoder, head), device):
        for indices in batches:
            batch = collate([encoded[index] for index in indices], tokenizer.pad_token_id or 0).to(device)
            for index, output in zip(indices, _outputs(encoder, head, kind, batch, layer), strict=True):
                outputs[index] = output
            done += len(indices)
            progress("predict", done, len(encoded))
    decoded: dict[str, list[Prediction]] = {}
    start = 0
    for language, part in rows.items():
        found = [output for output in outputs[start : start + len(part)] if output is not None]
        decoded[language] = kind.decode(_joined(kind, found), part) if found else []
        start += len(part)
    return decoded


class _Evaluating:
    """Evaluation mode on a device, and the modes as they were afterwards."""

    def __init__(self, modules: Sequence[Any], device: str) -> None:
        self.modules = [module for module in modules if module is not None]
        self.device = device

    def __enter__(self) -> None:
        self.modes = [module.training for module in self.modules]
        for module in self.modules:
            module.to(self.device).eval()

    def __exit__(self, *_: object) -> None:
        for module, mode in zip(self.modules, self.modes, strict=True):
            module.train(mode)


def _outputs(encoder: Any, head: Any, kind: Kind, batch: Batch, layer: int | None) -> Iterator[torch.Tensor]:
    """On the CPU: the head's output per row, or the row's pooled sequences [sequences, hidden]."""
    if kind.head is None:
        yield from _pooled(encoder, batch, layer).cpu().split(batch.sizes)
        return
    if head is None:
        raise RequestError(f"without a head nothing of kind '{kind.name}' can be predicted; train the target first")
    states = encoder(**batch.inputs()).last_hidden_state
    yield from head(states, batch.attention_mask, batch.sizes).cpu()


def _pooled(encoder: Any, batch: Batch, layer: int | None) -> torch.Tensor:
    """Means [sequences, hidden] over all tokens, special ones included, as XTREME's Tatoeba script pools."""
    output = encoder(**batch.inputs(), output_hidden_states=layer is not None)
    if layer is not None and not 0 <= layer < len(output.hidden_states):
        deepest = len(output.hidden_states) - 1
        raise RequestError(f"layer {layer}: the encoder has layers 0 (embeddings) to {deepest}")
    states = output.last_hidden_state if layer is None else output.hidden_states[layer]
    mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
    means: torch.Tensor = (states * mask).sum(1) / mask.sum(1)
    return means


def _joined(kind: Kind, outputs: list[torch.Tensor]) -> torch.Tensor:
    """What the kind decodes: logits [rows, most], or cosine similarities [sources, targets]."""
    if kind.head is None:
        vectors = torch.nn.functional.normalize(torch.stack(outputs).float(), dim=-1)
        return vectors[:, 0] @ vectors[:, 1].T
    return torch.nn.utils.rnn.pad_sequence(outputs, batch_first=True, padding_value=float("-inf"))
