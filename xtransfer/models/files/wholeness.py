"""Checks whether a folder is a usable checkpoint: complete, readable, and no longer being written.

`unfinished`: something is missing that may still come. `refused`: something is wrong, and waiting does not help. While
files still change, nothing is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from xtransfer.models.files import tensors
from xtransfer.models.files.files import Entry, Files, fingerprint
from xtransfer.models.files.identity import ENCODER, HEADS, INDEX, ROWS, TABLE, WEIGHTS, identity, is_tokenizer
from xtransfer.models.files.tensors import Corrupt, Truncated

State = Literal["whole", "unfinished", "refused"]
Entries = dict[str, Entry]

_PICKLES = ("pytorch_model", "model", "adapter_model")  # weight files; a trainer's optimizer.pt is never read
_LARGEST_JSON = 64 << 20  # bytes; an index of thousands of tensors has 1 MB
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class Verdict:
    """The result of checking a checkpoint. Only a whole one has a `digest`."""

    state: State
    reason: str = ""
    digest: str = ""


class _Missing(Exception):
    """A file is missing."""


class _Unsafe(Exception):
    """Weights that can run code."""


def inspect(files: Files, entries: Entries, unsteady: str = "") -> Verdict:
    """Checks whether these files, listed as `entries`, are a complete checkpoint; computes its digest.

    `unsteady` says why they may still be written to; then no digest is computed. Raises OSError if they cannot be
    read.
    """
    try:
        _check(files, entries)
    except _Missing as fault:
        return Verdict("unfinished", str(fault))
    except (Truncated, Corrupt, _Unsafe) as fault:
        return Verdict("unfinished", f"{fault}; {unsteady}") if unsteady else Verdict("refused", str(fault))
    if unsteady:
        return Verdict("unfinished", unsteady)
    found = identity(files, entries)
    if fingerprint(files.entries()) != fingerprint(entries):
        return Verdict("unfinished", "its files changed while they were being read")
    return Verdict("whole", digest=found)


def fault(files: Files, entries: Entries) -> str:
    """Returns why these files, listed as `entries`, are not a complete checkpoint; empty if they are."""
    try:
        _check(files, entries)
    except (_Missing, Truncated, Corrupt, _Unsafe) as found:
        return str(found)
    return ""


def _check(files: Files, entries: Entries) -> None:
    _json(files, entries, "config.json")
    _check_weights(files, entries)
    _check_heads(files, entries)
    if not any(map(is_tokenizer, entries)):
        raise _Missing("no tokenizer (tokenizer.json); save it with the model, for example by giving it to the trainer")


def _check_weights(files: Files, entries: Entries) -> None:
    if INDEX in entries:
        _check_shards(files, entries)
    elif WEIGHTS in entries:
        tensors.names(files, entries[WEIGHTS])
    elif ENCODER in entries:
        for name in (ENCODER, ROWS, TABLE):
            if name not in entries:
                raise _Missing(f"{name} is missing")
            tensors.names(files, entries[name])
    elif shards := [name for name in entries if name.startswith("model-") and name.endswith(".safetensors")]:
        raise _Missing(f"{INDEX} is missing, though there are shards such as {shards[0]}")
    elif pickles := [name for name in entries if name.endswith(_PICKLED) and name.startswith(_PICKLES)]:
        raise _Unsafe(f"unsafe: its weights are a pickle ({pickles[0]}), which can run code; save them as safetensors")
    else:
        raise _Missing(f"{WEIGHTS} is missing")


def _check_shards(files: Files, entries: Entries) -> None:
    """Checks that every shard of the index exists and has the tensors that the index lists."""
    index = _json(files, entries, INDEX).get("weight_map")
    if not isinstance(index, dict) or not index:
        raise Corrupt(f"{INDEX}: no weight_map")
    shards = sorted(set(map(str, index.values())))
    missing = [name for name in shards if name not in entries]
    if missing:
        raise _Missing(f"{len(missing)} of {len(shards)} shards are missing, first {missing[0]}")
    for name in shards:
        lacking = {one for one, shard in index.items() if shard == name} - tensors.names(files, entries[name])
        if lacking:
            raise Corrupt(f"{name}: {len(lacking)} tensors listed in {INDEX} are missing, first {min(lacking)}")


def _check_heads(files: Files, entries: Entries) -> None:
    """Checks that both files of trained heads exist, or neither."""
    there = [name for name in HEADS if name in entries]
    if len(there) == 1:
        raise _Missing(f"{there[0]} is there, but heads need both {' and '.join(HEADS)}")
    if there:
        _json(files, entries, HEADS[0])
        tensors.names(files, entries[HEADS[1]])


def _json(files: Files, entries: Entries, name: str) -> dict[str, object]:
    if name not in entries:
        raise _Missing(f"{name} is missing")
    if entries[name].size > _LARGEST_JSON:
        raise Corrupt(f"{name}: {entries[name].size:,} bytes, too large to be read")
    try:
        values = json.loads(files.read(name))
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{name}: not valid JSON") from error
    if not isinstance(values, dict):
        raise Corrupt(f"{name}: not a JSON object")
    return values
