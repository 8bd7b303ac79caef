"""Identifies a checkpoint by the bytes of its weights, configuration, tokenizer and heads.

The digest is computed like that of a local encoder folder, but over these files only: what a trainer adds (its state,
arguments, logs) does not make another model. For a folder without other files, the two digests are equal.
"""

from __future__ import annotations

import json

from xtransfer.base.digest import digest
from xtransfer.models.files.files import Entry, Files

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ENCODER, ROWS, TABLE = "encoder.safetensors", "rows.safetensors", "shared-table.safetensors"  # see `models.weights`
HEADS = ("head.json", "head.safetensors")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
_TOKENIZER = (
    *_VOCABULARIES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
_PIECES = (".model", ".spm")  # SentencePiece


def is_tokenizer(name: str) -> bool:
    """Returns whether a file contains a tokenizer's vocabulary."""
    return name in _VOCABULARIES or name.endswith(_PIECES)


def identity(files: Files, entries: dict[str, Entry]) -> str:
    """Returns the digest of a complete checkpoint; reads every file whose digest the listing does not have."""
    named = [(name, entries[name].sha256 or files.sha256(name)) for name in parts(files, entries)]
    return digest([list(one) for one in named])


def parts(files: Files, entries: dict[str, Entry]) -> list[str]:
    """Returns the names of the files that belong to the checkpoint, sorted."""
    wanted = {"config.json", *HEADS, *_TOKENIZER}
    if INDEX in entries:
        wanted |= {INDEX, *map(str, json.loads(files.read(INDEX))["weight_map"].values())}
    else:
        wanted |= {WEIGHTS} if WEIGHTS in entries else {ENCODER, ROWS, TABLE}
    return [name for name in sorted(entries) if name in wanted or name.endswith(_PIECES)]
