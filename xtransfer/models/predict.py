"""Predicts all languages in one pass, in batches with a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.base.precision import Precision
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.batches import Batch, budget_batches, collate
from xtransfer.kinds.encoded import encoded_rows
from xtransfer.kinds.spec import Encoded, Prediction
from xtransfer.models.pooling import pooled
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.pooling import MEAN_OF_LAST, Pooling

T = TypeVar("T")
TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 32768}  # larger batches leave a CPU's cache and are slower (`perf.evaluation`)


@dataclass(frozen=True)
class RowEncoder:
    """Turns rows into token sequences for one encoder."""

    tokenizer: PreTrainedTokenizerBase
    max_length: int  # in tokens; longer input is truncated or split into windows


def predict(
    encoder: PreTrainedModel,
    head: nn.Module | None,
    benchmark: Benchmark,
    rows: Sequence[Row],
    row_encoder: RowEncoder,
    device: str = "cpu",
    progress: Progress = no_progress,
    pooling: Pooling = MEAN_OF_LAST,
    precision: Precision = "fp32",
) -> list[Prediction]:
    """Returns one prediction per row, in order. For retrieval, `head` is None and all rows form one pool."""
    parts = {"": rows}
    return predict_languages(encoder, head, benchmark, parts, row_encoder, device, progress, pooling, None, precision)[
        ""
    ]


def predict_languages(
    encoder: PreTrainedModel,
    head: nn.Module | None,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    row_encoder: RowEncoder,
    device: str = "cpu",
    progress: Progress = no_progress,
    pooling: Pooling = MEAN_OF_LAST,
    dev: Mapping[str, Sequence[Row]] | None = None,
    precision: Precision = "fp32",
    measures: dict[str, Mapping[str, float]] | None = None,
) -> dict[str, list[Prediction]]:
    """Returns predictions for the rows of each language, in order; all languages share batches.

    Retrieval kinds compare pooled states instead of using a head. `dev` has the rows to calibrate on, if the kind
    calibrates. `measures` is filled with statistics of each language's vectors, if the kind has any. `precision`
    applies to the encoder; heads, similarities and thresholds are always fp32. Moves encoder and head to the device
    and restores their training mode afterwards.

    Raises RequestError if the kind needs a head or dev rows and has none.
    """
    kind = kinds.get(benchmark.kind)
    if kind.retrieval is None and head is None:
        raise RequestError(f"kind '{kind.name}' needs a trained head to predict; fine-tune on the target first")
    with _Evaluating((encoder, head), device), torch.inference_mode():
        if kind.retrieval is None:
            return _answered(encoder, head, benchmark, rows, row_encoder, device, progress, precision)
        calibrated = None
        if kind.retrieval.calibrate is not None:
            if not dev:
                raise RequestError(f"{benchmark.name}: needs its dev split to set the threshold for test")
            calibrated = kind.retrieval.calibrate(
                _vectors(encoder, benchmark, dev, row_encoder, device, progress, pooling, precision), dev
            )
        vectors = _vectors(encoder, benchmark, rows, row_encoder, device, progress, pooling, precision)
        if kind.retrieval.measure is not None and measures is not None:
            measures.update({language: kind.retrieval.measure(own) for language, own in vectors.items()})
        return kind.retrieval.find(vectors, rows, calibrated)


def vectors_of(
    encoder: PreTrainedModel,
    benchmark: Benchmark,
    rows: Sequence[Row],
    row_encoder: RowEncoder,
    device: str = "cpu",
    pooling: Pooling = MEAN_OF_LAST,
) -> list[torch.Tensor]:
    """Returns the vectors [sequences, hidden] of each row; see `predict_languages`."""
    with _Evaluating((encoder,), device), torch.inference_mode():
        return _vectors(encoder, benchmark, {"": rows}, row_encoder, device, no_progress, pooling, "fp32")[""]


def _answered(
    encoder: PreTrainedModel,
    head: nn.Module | None,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    row_encoder: RowEncoder,
    device: str,
    progress: Progress,
    precision: Precision,
) -> dict[str, list[Prediction]]:
    decode = kinds.get(benchmark.kind).decode
    if decode is None or head is None:
        raise RequestError(f"{benchmark.name}: kind '{benchmark.kind}' is for training only and cannot be scored")
    all_rows = [row for part in rows.values() for row in part]
    found: list[Prediction | None] = [None] * len(all_rows)
    for indices, encoded, batch in _batches(benchmark, rows, row_encoder, device, progress):
        found_states = states(encoder, batch, first_only=getattr(head, "first_only", False), precision=precision)
        outputs = head(found_states, batch).cpu()
        decoded = decode(benchmark, outputs, [all_rows[index] for index in indices], encoded)
        for index, prediction in zip(indices, decoded, strict=True):
            found[index] = prediction
    return _by_language(rows, found)


def _vectors(
    encoder: PreTrainedModel,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    row_encoder: RowEncoder,
    device: str,
    progress: Progress,
    pooling: Pooling,
    precision: Precision,
) -> dict[str, list[torch.Tensor]]:
    """Returns the vectors [sequences, hidden] of each row, fp32 on the CPU; at unit length if the kind asks for it."""
    retrieval = kinds.get(benchmark.kind).retrieval
    found: list[torch.Tensor | None] = [None] * sum(map(len, rows.values()))
    for indices, _, batch in _batches(benchmark, rows, row_encoder, device, progress):
        vectors = pooled(encoder, batch, pooling, precision)
        if retrieval is None or retrieval.unit:
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        vectors = vectors.cpu()
        for index, own in zip(indices, torch.split(vectors, batch.sizes), strict=True):
            found[index] = own
    return _by_language(rows, found)


def _batches(
    benchmark: Benchmark, rows: Mapping[str, Sequence[Row]], row_encoder: RowEncoder, device: str, progress: Progress
) -> Iterator[tuple[list[int], list[Encoded], Batch]]:
    encoded = encoded_rows(
        kinds.get(benchmark.kind), list(rows.values()), row_encoder.tokenizer, row_encoder.max_length
    )
    budget = TOKENS_PER_BATCH[device.partition(":")[0]]
    done = 0
    for indices in budget_batches(encoded.num_tokens(), budget):
        chosen = [encoded[index] for index in indices]
        yield indices, chosen, collate(chosen, row_encoder.tokenizer.pad_token_id or 0).to(device)
        done += len(indices)
        progress("predict", done, len(encoded))


def _by_language(rows: Mapping[str, Sequence[Row]], found: Sequence[T | None]) -> dict[str, list[T]]:
    """Splits results in row order into languages; asserts that every row has one."""
    parts: dict[str, list[T]] = {}
    start = 0
    for language, part in rows.items():
        parts[language] = [one for one in found[start : start + len(part)] if one is not None]
        assert len(parts[language]) == len(part)
        start += len(part)
    return parts


class _Evaluating:
    """Puts modules on a device in evaluation mode, and restores their modes on exit."""

    def __init__(self, modules: Sequence[nn.Module | None], device: str) -> None:
        self.modules = [module for module in modules if module is not None]
        self.device = device

    def __enter__(self) -> None:
        self.modes = [module.training for module in self.modules]
        for module in self.modules:
            module.to(self.device).eval()

    def __exit__(self, *_: object) -> None:
        for module, mode in zip(self.modules, self.modes, strict=True):
            module.train(mode)
