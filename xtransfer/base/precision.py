"""Precision of a model's computation: fp32, or fewer bits where rounding does no harm."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from xtransfer.base.errors import RequestError

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "tf32"]  # tf32: fp32 whose factors a GPU rounds to 11 bits in matrix products


@contextmanager
def autocast(precision: Precision, device: str) -> Iterator[None]:
    """Computes matrix products inside in this precision, whatever is set outside; weights and losses stay fp32.

    Raises RequestError for a GPU without bf16. A CPU without bf16 instructions is slow, which is logged, as is a device
    without TF32, where tf32 is fp32.
    """
    import torch

    kind = device.partition(":")[0]
    _check(kind, precision)
    with products_in_tf32(kind, precision == "tf32"), torch.autocast(kind, torch.bfloat16, precision == "bf16"):
        yield


@contextmanager
def products_in_tf32(device: str, on: bool) -> Iterator[None]:
    """Sets whether fp32 matrix products on a GPU use TF32. Gradients follow what is set when they are computed."""
    import torch

    if not device.startswith("cuda"):
        yield
        return
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, on
    try:
        yield
    finally:
        matmul.allow_tf32 = before


def _fast_on_cpu() -> bool:
    """Returns whether this CPU has bf16 instructions."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def _check(kind: str, precision: Precision) -> None:
    import torch

    if precision == "bf16" and kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RequestError("precision: this GPU does not support bf16; set precision to fp32")
    if precision == "bf16" and kind == "cpu" and not _fast_on_cpu():
        log.warning("precision: this CPU has no bf16 instructions, so bf16 is slower than fp32")
    if precision == "tf32" and (kind != "cuda" or torch.cuda.get_device_capability() < (8, 0)):
        log.warning("precision: this device has no TF32, so tf32 is fp32 here")
