"""Checkpoints in all states of being written: real safetensors files, with a handful of numbers in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

CONFIG = {"model_type": "xlm-roberta", "hidden_size": 4}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def weights(seed: int = 0, *names: str) -> bytes:
    """A safetensors file of small tensors."""
    draw = np.random.default_rng(seed)
    return save({name: draw.normal(size=(4, 4)).astype(np.float32) for name in names or ("a", "b")})


def files(seed: int = 0) -> dict[str, bytes]:
    """A whole checkpoint; another seed is another one."""
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": weights(seed),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b"{}",
    }


def in_shards(seed: int = 0) -> dict[str, bytes]:
    """The same with its weights in two files and an index."""
    whole = files(seed)
    del whole["model.safetensors"]
    index = {"metadata": {}, "weight_map": dict(zip("ab", SHARDS, strict=True))}
    shards = {shard: weights(seed, name) for name, shard in index["weight_map"].items()}
    return {**whole, **shards, "model.safetensors.index.json": json.dumps(index).encode()}


def by_trainer(seed: int = 0) -> dict[str, bytes]:
    """As the Trainer of transformers leaves one: pickles of its own state lie beside."""
    state = json.dumps({"global_step": seed}).encode()
    return {**files(seed), "optimizer.pt": b"\x80", "training_args.bin": b"\x80", "trainer_state.json": state}


def put(folder: Path, content: dict[str, bytes]) -> Path:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder
