"""Predicts all languages in one pass, in batches with a token budget."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.base.out_of_memory import is_out_of_memory, release_cached
from xtransfer.base.precision import Precision
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.batches import Batch, budget_batches, collate
from xtransfer.kinds.encoded import encoded_rows
from xtransfer.kinds.nearest_search import searching_on
from xtransfer.kinds.prompts import prompted
from xtransfer.kinds.spec import Encoded, Prediction
from xtransfer.models.pooling import pooled
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.pooling import MEAN_OF_LAST, Pooling

log = logging.getLogger(__name__)

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
    with _Evaluating((encoder, head), device), searching_on(device), torch.inference_mode():
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

    def answer(indices: list[int], encoded: list[Encoded], batch: Batch) -> list[Prediction]:
        found_states = states(encoder, batch, first_only=getattr(head, "first_only", False), precision=precision)
        outputs = head(found_states, batch).cpu()
        return list(decode(benchmark, outputs, [all_rows[index] for index in indices], encoded))

    dual = getattr(head, "dual", None)  # settings of a head that compares vectors
    prompts = (dual.query_prompt, dual.passage_prompt) if isinstance(dual, DualRecipe) else ("", "")
    return _computed(answer, benchmark, rows, row_encoder, device, progress, prompts)


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

    def vectors_of_batch(indices: list[int], encoded: list[Encoded], batch: Batch) -> list[torch.Tensor]:
        vectors = pooled(encoder, batch, pooling, precision)
        if retrieval is None or retrieval.unit:
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        return list(torch.split(vectors.cpu(), batch.sizes))

    prompts = pooling.query_prompt, pooling.passage_prompt
    return _computed(vectors_of_batch, benchmark, rows, row_encoder, device, progress, prompts)


def _computed(
    compute: Callable[[list[int], list[Encoded], Batch], list[T]],
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    row_encoder: RowEncoder,
    device: str,
    progress: Progress,
    prompts: tuple[str, str],
) -> dict[str, list[T]]:
    """Returns what `compute` makes of each row, in order: it gets a batch's indices, encoded rows and tensors.

    A batch that does not fit into memory, and those after it, are computed in batches of half the size. Raises
    RequestError if a single row does not fit.
    """
    kind = kinds.get(benchmark.kind)
    read = [prompted(kind, part, *prompts) for part in rows.values()]
    encoded = encoded_rows(kind, read, row_encoder.tokenizer, row_encoder.max_length)
    found: list[T | None] = [None] * len(encoded)
    sizes = encoded.num_tokens()
    left, done = budget_batches(sizes, TOKENS_PER_BATCH[device.partition(":")[0]]), 0
    while left:
        indices = left[0]
        chosen = [encoded[index] for index in indices]
        try:
            batch = collate(chosen, row_encoder.tokenizer.pad_token_id or 0).to(device)
            results = compute(indices, chosen, batch)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            results = None
        if results is None:  # outside the handler, whose traceback would keep the activations alive
            left = _halved(left, sizes)
            continue
        for index, result in zip(indices, results, strict=True):
            found[index] = result
        left, done = left[1:], done + len(indices)
        progress("predict", done, len(encoded))
    return _by_language(rows, found)


def _halved(left: Sequence[Sequence[int]], sizes: Sequence[int]) -> list[list[int]]:
    """Returns the rows of the batches that are left in batches of half the first one's size."""
    release_cached()
    rows = len(left[0])
    if rows == 1:
        raise RequestError(
            "out of memory with a single row; lower max_length, use a smaller encoder or a device with more memory"
        )
    order = [index for batch in left for index in batch]
    log.warning("out of memory with %d rows: computing batches of half the size from now on", rows)
    batches = budget_batches([sizes[index] for index in order], rows // 2 * max(1, sizes[order[0]]))
    return [[order[place] for place in batch] for batch in batches]


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
