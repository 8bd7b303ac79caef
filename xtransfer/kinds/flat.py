"""Stores encoded rows in a few flat Arrow arrays: compact in memory, and usable directly from a mapped file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import overload

import numpy as np
import pyarrow as pa

from xtransfer.kinds.spec import Encoded

Sequences = tuple[tuple[int, ...], ...]
_TOKENS = pa.large_list(pa.large_list(pa.int32()))
_SCHEMA = pa.schema(
    [
        ("sequences", _TOKENS),
        ("types", _TOKENS),  # null if the encoder uses no segments
        ("target", pa.large_string()),  # JSON
        ("extra", pa.large_string()),  # JSON
    ]
)


def flattened(encoded: Sequence[Encoded]) -> pa.RecordBatch:
    """Returns rows as one Arrow batch; raises TypeError if a target or extra is not made of tuples and plain values."""
    columns = [
        _nested([one.sequences for one in encoded]),
        _nested([one.types for one in encoded]),
        pa.array([_packed(one.target) for one in encoded], pa.large_string()),
        pa.array([_packed(one.extra) for one in encoded], pa.large_string()),
    ]
    return pa.record_batch(columns, schema=_SCHEMA)


def together(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Concatenates batches of `flattened` into one."""
    whole = pa.Table.from_batches(batches, _SCHEMA).combine_chunks().to_batches()
    assert len(whole) < 2
    return whole[0] if whole else flattened([])


class FlatRows(Sequence[Encoded]):
    """The rows of a batch of `flattened`; each row is built when it is accessed."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._sequences = _Nested(batch.column("sequences"))
        types = batch.column("types")
        self._types = _Nested(types) if types.null_count < len(types) else None
        self._targets, self._extras = batch.column("target"), batch.column("extra")

    def __len__(self) -> int:
        return len(self._targets)

    @overload
    def __getitem__(self, index: int) -> Encoded: ...

    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...

    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        row = range(len(self))[index]
        types = self._types[row] if self._types is not None else None
        target, extra = _unpacked(self._targets[row].as_py()), _unpacked(self._extras[row].as_py())
        return Encoded(self._sequences[row], types, target, extra)

    def num_tokens(self) -> list[int]:
        """Returns the number of tokens of each row, with its sequences padded to its longest."""
        return self._sequences.padded()

    def tokens(self) -> np.ndarray:
        """Returns all token ids, row after row."""
        return self._sequences.tokens()


class _Nested:
    """A column of lists of lists of integers, as three arrays that share its memory."""

    def __init__(self, column: pa.LargeListArray) -> None:
        inner = column.values
        self._rows = column.offsets.to_numpy()  # start of each row's sequences, and the end of the last
        self._starts = inner.offsets.to_numpy()  # start of each sequence's tokens, and the end of the last
        self._tokens = inner.values.to_numpy()

    def __getitem__(self, row: int) -> Sequences:
        edges = self._starts[self._rows[row] : self._rows[row + 1] + 1].tolist()
        tokens = self._tokens[edges[0] : edges[-1]].tolist()
        return tuple(tuple(tokens[start - edges[0] : end - edges[0]]) for start, end in pairwise(edges))

    def tokens(self) -> np.ndarray:
        own: np.ndarray = self._tokens[self._starts[self._rows[0]] : self._starts[self._rows[-1]]]
        return own

    def padded(self) -> list[int]:
        lengths = np.diff(self._starts)
        if not len(lengths):
            return []
        longest = np.maximum.reduceat(lengths, self._rows[:-1])
        padded: list[int] = (longest * np.diff(self._rows)).tolist()
        return padded


def _nested(values: Sequence[Sequences | None]) -> pa.LargeListArray:
    sequences = [sequence for value in values for sequence in value or ()]
    flat = np.fromiter(chain.from_iterable(sequences), np.int32, sum(map(len, sequences)))
    inner = pa.LargeListArray.from_arrays(_edges(map(len, sequences)), pa.array(flat))
    nulls = pa.array([value is None for value in values], pa.bool_())
    return pa.LargeListArray.from_arrays(_edges(len(value or ()) for value in values), inner, mask=nulls)


def _edges(lengths: Iterable[int]) -> pa.Int64Array:
    return pa.array(np.cumsum([0, *lengths]), pa.int64())


def _packed(value: object) -> str:
    _check(value)
    return json.dumps(value, separators=(",", ":"))


def _check(value: object) -> None:
    if type(value) is tuple:
        for part in value:
            _check(part)
    elif value is not None and type(value) not in (bool, int, float, str):
        raise TypeError(f"a target or extra contains {value!r}; use tuples of None, bool, int, float and str")


@lru_cache(maxsize=1024)
def _unpacked(text: str) -> object:
    return _frozen(json.loads(text))


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if type(value) is list else value
