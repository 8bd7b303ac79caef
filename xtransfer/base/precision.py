"""Precision of a model's computation: fp32, or fewer bits where rounding does no harm."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from xtransfer.base.errors import RequestError
from xtransfer.base.hardware import faster_in_bf16

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "tf32"]  # tf32: fp32 whose factors a GPU rounds to 11 bits in matrix products


@contextmanager
def autocast(precision: Precision, device: str) -> Iterator[None]:
    """Computes matrix products inside in this precision, whatever is set outside; weights and losses stay fp32.

    Raises RequestError for a GPU without bf16. What a device has not, or would only be slower with, is computed in
    fp32, which is logged: tf32 on a device without it, bf16 on a CPU that is not `faster_in_bf16`.
    """
    import torch

    kind = device.partition(":")[0]
    _check(kind, precision)
    in_bf16 = precision == "bf16" and (kind != "cpu" or faster_in_bf16())
    with products_in_tf32(kind, precision == "tf32"), torch.autocast(kind, torch.bfloat16, in_bf16):
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


@cache
def _check(kind: str, precision: Precision) -> None:
    import torch

    if precision == "bf16" and kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RequestError("precision: this GPU does not support bf16; set precision to fp32")
    if precision == "bf16" and kind == "cpu" and not faster_in_bf16():
        log.warning("precision: this CPU is slower in bf16 than in fp32, so bf16 is fp32 here")
    if precision == "tf32" and (kind != "cuda" or torch.cuda.get_device_capability() < (8, 0)):
        log.warning("precision: this device has no TF32, so tf32 is fp32 here")
