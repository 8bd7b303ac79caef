"""Precision of a model's computation: fp32, or bf16 where rounding to 8 bits does no harm."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from functools import cache
from typing import Literal

import torch

from xtransfer.base.errors import RequestError

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]


def autocast(precision: Precision, device: str) -> AbstractContextManager[None]:
    """Computes matrix products inside in this precision; weights, their updates and losses stay fp32.

    Raises RequestError for a GPU without bf16. A CPU without bf16 instructions is slow, which is logged.
    """
    if precision == "bf16":
        _check(device.partition(":")[0])
    found: AbstractContextManager[None] = torch.autocast(
        device.partition(":")[0], torch.bfloat16, enabled=precision == "bf16"
    )
    return found


def _fast_on_cpu() -> bool:
    """Returns whether this CPU has bf16 instructions."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def _check(kind: str) -> None:
    if kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RequestError("precision: this GPU does not support bf16; set precision to fp32")
    if kind == "cpu" and not _fast_on_cpu():
        log.warning("precision: this CPU has no bf16 instructions, so bf16 is slower than fp32")
