"""What makes two checkpoints the same: the bytes of weights, configuration, tokenizer and heads.

The digest is made as that of a local encoder's folder is, over these files alone: what a trainer leaves beside them
(its own state, arguments, logs) makes no other model. Of a folder that holds nothing else the two are equal.
"""

from __future__ import annotations

import json

from xtransfer.base.digest import digest
from xtransfer.models.files.files import Entry, Files

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
HEADS = ("head.json", "head.safetensors")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
_TOKENIZER = (
    *_VOCABULARIES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
_PIECES = (".model", ".spm")  # SentencePiece


def is_tokenizer(name: str) -> bool:
    """Whether a file holds a tokenizer's vocabulary."""
    return name in _VOCABULARIES or name.endswith(_PIECES)


def identity(files: Files, entries: dict[str, Entry]) -> str:
    """The digest of a whole checkpoint; every byte of it is read, unless the listing knows a file's digest."""
    named = [(name, entries[name].sha256 or files.sha256(name)) for name in parts(files, entries)]
    return digest([list(one) for one in named])


def parts(files: Files, entries: dict[str, Entry]) -> list[str]:
    """The names of the files that are the checkpoint, sorted."""
    wanted = {"config.json", *HEADS, *_TOKENIZER}
    if INDEX in entries:
        wanted |= {INDEX, *map(str, json.loads(files.read(INDEX))["weight_map"].values())}
    else:
        wanted.add(WEIGHTS)
    return [name for name in sorted(entries) if name in wanted or name.endswith(_PIECES)]
