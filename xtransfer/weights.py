"""Weights that are refused by their files' names: pickles, which can run code when they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xtransfer.errors import RequestError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def refuse_pickles(where: Path, names: Iterable[str], loader: str) -> None:
    """Raises RequestError where the files of a model, by their names, hold no safetensors.

    `where` is its folder, or its id on the hub; `loader` the class of transformers that reads it, for advice.
    """
    own = [name for name in names if "/" not in name]
    if any(name.endswith(".safetensors") for name in own):
        return
    pickles = sorted(name for name in own if any(Path(name).match(one) for one in _PICKLES))
    if not pickles:
        raise RequestError(f"{where}: holds no weights (*.safetensors)")
    mirrored = "" if where.is_dir() else f", or make it {where} of a mirror (XTRANSFER_HUB_DIR)"
    raise RequestError(
        f"{where}: its weights are a pickle only ({', '.join(pickles)}), which can run code when it is read. If you "
        f'trust it, convert it: python -c "from transformers import {loader} as M, AutoTokenizer as T; '
        f"M.from_pretrained('{where}', use_safetensors=False).save_pretrained('DIR'); "
        f"T.from_pretrained('{where}').save_pretrained('DIR')\" and name DIR instead{mirrored}"
    )
