"""Encodes rows, pads them into batches, and orders them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.spec import Encoded, Extra, Kind, Target

_ROWS_PER_CALL = 4096  # rows per tokenizer call, to bound its memory


@dataclass(frozen=True)
class Batch:
    """The padded sequences of some rows; row i has `sizes[i]` sequences."""

    input_ids: torch.Tensor  # long [sequences, tokens]
    attention_mask: torch.Tensor  # long [sequences, tokens], 1 for real tokens
    token_type_ids: torch.Tensor | None  # long [sequences, tokens], for encoders that use them
    lengths: list[int]  # tokens of each sequence
    sizes: list[int]
    targets: list[Target]  # of each row
    extras: list[Extra]  # of each row

    def to(self, device: str | torch.device) -> Batch:
        """Returns the batch on a device."""
        types = self.token_type_ids
        return replace(
            self,
            input_ids=self.input_ids.to(device, non_blocking=True),
            attention_mask=self.attention_mask.to(device, non_blocking=True),
            token_type_ids=types.to(device, non_blocking=True) if types is not None else None,
        )

    def parts(self, rows: int) -> Iterator[Batch]:
        """Splits the batch into batches of at most `rows` rows, each padded only as far as it needs."""
        first = 0  # sequence
        for start in range(0, len(self.sizes), rows):
            own = slice(start, start + rows)
            end = first + sum(self.sizes[own])
            lengths = self.lengths[first:end]
            place = (slice(first, end), slice(max(lengths)))
            types = self.token_type_ids
            yield replace(
                self,
                input_ids=self.input_ids[place],
                attention_mask=self.attention_mask[place],
                token_type_ids=types[place] if types is not None else None,
                lengths=lengths,
                sizes=self.sizes[own],
                targets=self.targets[own],
                extras=self.extras[own],
            )
            first = end

    def inputs(self) -> dict[str, torch.Tensor]:
        """Returns the encoder's keyword arguments."""
        inputs = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        if self.token_type_ids is not None:
            inputs["token_type_ids"] = self.token_type_ids
        return inputs


def encode_rows(kind: Kind, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes rows in order; sequences longer than `max_length` tokens are truncated."""
    encoded: list[Encoded] = []
    for start in range(0, len(rows), _ROWS_PER_CALL):
        encoded.extend(kind.encode(rows[start : start + _ROWS_PER_CALL], tokenizer, max_length))
    return encoded


def collate(encoded: Sequence[Encoded], pad_id: int) -> Batch:
    """Pads the rows' sequences on the right to the longest."""
    sequences = [sequence for one in encoded for sequence in one.sequences]
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    mask = np.arange(lengths.max()) < lengths[:, None]
    types = None
    if encoded[0].types is not None:
        types = _padded([segment for one in encoded for segment in one.types or ()], mask, 0)
    sizes = [len(one.sequences) for one in encoded]
    targets, extras = [one.target for one in encoded], [one.extra for one in encoded]
    attention = torch.from_numpy(mask.astype(np.int64))
    return Batch(_padded(sequences, mask, pad_id), attention, types, lengths.tolist(), sizes, targets, extras)


def _padded(sequences: Sequence[Sequence[int]], mask: np.ndarray, value: int) -> torch.Tensor:
    padded = np.full(mask.shape, value, np.int64)
    padded[mask] = np.fromiter(chain.from_iterable(sequences), np.int64)
    return torch.from_numpy(padded)


def epoch_order(n: int, seed: int, epoch: int) -> list[int]:
    """Returns the order of `n` rows in an epoch: a permutation that depends only on the three arguments."""
    order = list(range(n))
    random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311 - shuffling, not cryptography
    return order


def budget_batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Groups indices into batches of at most `max_tokens` tokens, including padding; similar lengths go together.

    The longest come first, so that running out of memory shows at once. A row over the budget is a batch of its own.
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if room == 0:
            batches.append([])
            room = max(1, max_tokens // max(1, lengths[index]))
        batches[-1].append(index)
        room -= 1
    return batches
