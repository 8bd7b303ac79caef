"""Tokenised rows, encoded once per installation: all seeds, intermediates and stages read the same mapped file.

A file's name depends on everything its contents depend on: the rows, the kind and its version, the tokenizer, the
maximum length, the libraries. So it does not matter where rows come from (a split, a sample, a translation, a joined
pool), and a stale file is never used.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate, chain
from typing import overload

import numpy as np
import pyarrow as pa
import tokenizers
import transformers
from transformers import PreTrainedTokenizerBase

from xtransfer.base import disk_cache
from xtransfer.base.digest import digest
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.batches import encode_rows
from xtransfer.kinds.flat import FlatRows, flattened, together
from xtransfer.kinds.spec import Encoded, Kind

FEW = 256  # encoding this many rows is faster than opening a file
_ROWS_AT_ONCE = 4096  # bounds memory beside the flat arrays
_FORMAT = 1  # version of the file format


class EncodedRows(Sequence[Encoded]):
    """The rows of several parts in sequence; each row is built when it is accessed."""

    def __init__(self, parts: Sequence[FlatRows]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._ends = list(accumulate(map(len, self._parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Encoded: ...

    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...

    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        row = range(len(self))[index]
        part = bisect_right(self._ends, row)
        return self._parts[part][row - self._ends[part]]  # negative index from the end of the part

    def num_tokens(self) -> list[int]:
        """Returns the number of tokens of each row, with its sequences padded to its longest."""
        return list(chain.from_iterable(part.num_tokens() for part in self._parts))

    def tokens(self) -> np.ndarray:
        """Returns all token ids, row after row."""
        return np.concatenate([np.empty(0, np.int32), *(part.tokens() for part in self._parts)])


def encoded_rows(
    kind: Kind, parts: Sequence[Sequence[Row]], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> EncodedRows:
    """Encodes the rows of all parts with `kind.encode`; each part (a language, for example) is cached separately.

    Sequences longer than `max_length` tokens are truncated. Parts of fewer than 256 rows are not cached, nor those of
    a tokenizer whose state cannot be read.
    """
    reads = _tokenizer_digest(tokenizer) if any(len(part) >= FEW for part in parts) else None
    found = []
    for rows in parts:
        if reads is None or len(rows) < FEW:
            found.append(FlatRows(_encoded(kind, rows, tokenizer, max_length)))
            continue
        key = digest(_FORMAT, kind.name, kind.version, reads, max_length, _rows_digest(rows))
        batch = disk_cache.read(key)
        if batch is None:
            batch = _encoded(kind, rows, tokenizer, max_length)
            if disk_cache.write(key, batch):
                batch = disk_cache.read(key) or batch
        found.append(FlatRows(batch))
    return EncodedRows(found)


def _encoded(kind: Kind, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> pa.RecordBatch:
    starts = range(0, len(rows), _ROWS_AT_ONCE)
    return together(
        flattened(encode_rows(kind, rows[start : start + _ROWS_AT_ONCE], tokenizer, max_length)) for start in starts
    )


def _rows_digest(rows: Sequence[Row]) -> str:
    sha = sha256()
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        text = json.dumps(rows[start : start + _ROWS_AT_ONCE], ensure_ascii=False, separators=(",", ":"))
        sha.update(text.encode("utf-8", "surrogatepass"))
    return sha.hexdigest()


def _tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Returns a digest of everything that determines tokenisation; None if the tokenizer has no serialisable backend.

    Truncation and padding are excluded, since each call sets them and they remain set in the backend.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, tokenizers.Tokenizer):
        return None
    truncation, padding = backend.truncation, backend.padding
    backend.no_truncation()
    backend.no_padding()
    text = backend.to_str()
    if truncation is not None:
        backend.enable_truncation(**truncation)
    if padding is not None:
        backend.enable_padding(**padding)
    return digest(
        sha256(text.encode()).hexdigest(),
        type(tokenizer).__qualname__,
        {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        list(tokenizer.model_input_names),
        tokenizer.truncation_side,
        bool(getattr(tokenizer, "split_special_tokens", False)),
        tokenizers.__version__,
        transformers.__version__,
    )
