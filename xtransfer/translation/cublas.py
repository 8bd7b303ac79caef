"""Finds the library that CTranslate2 multiplies matrices with on a GPU.

Its wheels load libcublas.so.12 by name when a model is opened, and do not bring it; torch built for CUDA 13 brings
another version. A library that is loaded already is found by its name, wherever its file lies.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

log = logging.getLogger(__name__)

_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")  # the second needs the first


def usable(device: str) -> str:
    """Returns the device to translate on: the CPU instead of a GPU, with a warning, if cuBLAS 12 is missing.

    Translations on both come from the same converted model, so that an artifact means the same; a model that is
    planned with the runtime `transformers` needs no cuBLAS 12.
    """
    if device.startswith("cuda") and not _loaded():
        log.warning(
            "CTranslate2 needs libcublas.so.12 to use %s, and it is not installed: translating on the CPU; "
            "pip install 'xtransfer[cuda]', or name the engine with .transformers behind it, which uses the GPU",
            device,
        )
        return "cpu"
    return device


@cache
def _loaded() -> bool:
    """Loads cuBLAS 12 from the system's folders or from a package of NVIDIA's; returns whether it was found."""
    return _load(*_LIBRARIES) or any(_load(*(str(folder / name) for name in _LIBRARIES)) for folder in _folders())


def _load(*names: str) -> bool:
    with suppress(OSError):
        for name in names:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        return True
    return False


def _folders() -> Iterator[Path]:
    """Yields the folders of installed packages that may have the library, such as nvidia-cublas-cu12."""
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        yield Path(folder) / "cublas" / "lib"
