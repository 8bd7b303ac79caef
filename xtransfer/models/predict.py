"""Predictions of a model: one pass over the rows of all languages, in batches of a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.base.precision import Precision
from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.batches import Batch, budget_batches, collate
from xtransfer.kinds.encoded import encoded_rows
from xtransfer.kinds.spec import Encoded, Prediction
from xtransfer.models.pooling import pooled
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.pooling import MEAN_OF_LAST, Pooling

T = TypeVar("T")
TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 32768}  # what a cache holds is faster on a CPU (`perf.evaluation`)


@dataclass(frozen=True)
class Reader:
    """How rows become sequences for one encoder."""

    tokenizer: PreTrainedTokenizerBase
    max_length: int  # longest sequence in tokens; longer input is cut, or split into windows


def predict(
    encoder: Any,
    head: Any | None,
    benchmark: Benchmark,
    rows: Sequence[Row],
    reader: Reader,
    device: str = "cpu",
    progress: Progress = silent,
    pooling: Pooling = MEAN_OF_LAST,
    precision: Precision = "fp32",
) -> list[Prediction]:
    """One prediction per row, in order. For retrieval `head` is None and all rows are one pool."""
    parts = {"": rows}
    return predict_languages(encoder, head, benchmark, parts, reader, device, progress, pooling, None, precision)[""]


def predict_languages(
    encoder: Any,
    head: Any | None,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    reader: Reader,
    device: str = "cpu",
    progress: Progress = silent,
    pooling: Pooling = MEAN_OF_LAST,
    dev: Mapping[str, Sequence[Row]] | None = None,
    precision: Precision = "fp32",
    measures: dict[str, Mapping[str, float]] | None = None,
) -> dict[str, list[Prediction]]:
    """Predictions for the rows of each language, in order; all languages share the batches.

    Kinds without a head compare pooled states; `dev` are the rows that such a kind is calibrated on, where
    it is, and `measures` takes what it records of each language's vectors. `precision` is the encoder's: heads,
    similarities and thresholds are computed in fp32. Moves encoder and head to the
    device; puts them into evaluation mode and back.
    """
    kind = kinds.get(benchmark.kind)
    if kind.retrieval is None and head is None:
        raise RequestError(f"without a head nothing of kind '{kind.name}' can be predicted; train the target first")
    with _Evaluating((encoder, head), device), torch.inference_mode():
        if kind.retrieval is None:
            return _answered(encoder, head, benchmark, rows, reader, device, progress, precision)
        calibrated = None
        if kind.retrieval.calibrate is not None:
            if not dev:
                raise RequestError(f"{benchmark.name}: its dev split is needed to set what test is decided by")
            calibrated = kind.retrieval.calibrate(
                _vectors(encoder, benchmark, dev, reader, device, progress, pooling, precision), dev
            )
        vectors = _vectors(encoder, benchmark, rows, reader, device, progress, pooling, precision)
        if kind.retrieval.measure is not None and measures is not None:
            measures.update({language: kind.retrieval.measure(own) for language, own in vectors.items()})
        return kind.retrieval.find(vectors, rows, calibrated)


def vectors_of(
    encoder: Any,
    benchmark: Benchmark,
    rows: Sequence[Row],
    reader: Reader,
    device: str = "cpu",
    pooling: Pooling = MEAN_OF_LAST,
) -> list[torch.Tensor]:
    """Of each row its sequences as vectors [sequences, hidden]; see `predict_languages`."""
    with _Evaluating((encoder,), device), torch.inference_mode():
        return _vectors(encoder, benchmark, {"": rows}, reader, device, silent, pooling, "fp32")[""]


def _answered(
    encoder: Any,
    head: Any,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    reader: Reader,
    device: str,
    progress: Progress,
    precision: Precision,
) -> dict[str, list[Prediction]]:
    decode = kinds.get(benchmark.kind).decode
    if decode is None:
        raise RequestError(f"nothing of kind '{benchmark.kind}' is predicted: {benchmark.name} is only trained on")
    all_rows = [row for part in rows.values() for row in part]
    found: list[Prediction | None] = [None] * len(all_rows)
    for indices, encoded, batch in _batches(benchmark, rows, reader, device, progress):
        found_states = states(encoder, batch, first_only=getattr(head, "first_only", False), precision=precision)
        outputs = head(found_states, batch).cpu()
        decoded = decode(benchmark, outputs, [all_rows[index] for index in indices], encoded)
        for index, prediction in zip(indices, decoded, strict=True):
            found[index] = prediction
    return _by_language(rows, found)


def _vectors(
    encoder: Any,
    benchmark: Benchmark,
    rows: Mapping[str, Sequence[Row]],
    reader: Reader,
    device: str,
    progress: Progress,
    pooling: Pooling,
    precision: Precision,
) -> dict[str, list[torch.Tensor]]:
    """Of each row its sequences as vectors [sequences, hidden], fp32, on the CPU; of length 1 where wanted."""
    retrieval = kinds.get(benchmark.kind).retrieval
    found: list[torch.Tensor | None] = [None] * sum(map(len, rows.values()))
    for indices, _, batch in _batches(benchmark, rows, reader, device, progress):
        vectors = pooled(encoder, batch, pooling, precision)
        if retrieval is None or retrieval.unit:
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        vectors = vectors.cpu()
        for index, own in zip(indices, vectors.split(batch.sizes), strict=True):
            found[index] = own
    return _by_language(rows, found)


def _batches(
    benchmark: Benchmark, rows: Mapping[str, Sequence[Row]], reader: Reader, device: str, progress: Progress
) -> Iterator[tuple[list[int], list[Encoded], Batch]]:
    encoded = encoded_rows(kinds.get(benchmark.kind), list(rows.values()), reader.tokenizer, reader.max_length)
    budget = TOKENS_PER_BATCH[device.partition(":")[0]]
    done = 0
    for indices in budget_batches(encoded.num_tokens(), budget):
        chosen = [encoded[index] for index in indices]
        yield indices, chosen, collate(chosen, reader.tokenizer.pad_token_id or 0).to(device)
        done += len(indices)
        progress("predict", done, len(encoded))


def _by_language(rows: Mapping[str, Sequence[Row]], found: Sequence[T | None]) -> dict[str, list[T]]:
    """What was found, row by row, cut into languages; every row has something."""
    parts: dict[str, list[T]] = {}
    start = 0
    for language, part in rows.items():
        parts[language] = [one for one in found[start : start + len(part)] if one is not None]
        assert len(parts[language]) == len(part)
        start += len(part)
    return parts


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
