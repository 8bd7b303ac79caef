"""The numbers that a model computes in: fp32, or bf16 where a rounding to 8 bits does no harm."""

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
    """Inside, matrix products are computed in that precision; weights, their updates and losses stay fp32.

    Raises RequestError for a GPU that cannot; a processor that has no such instructions is slow, and says so.
    """
    if precision == "bf16":
        _check(device.partition(":")[0])
    found: AbstractContextManager[None] = torch.autocast(
        device.partition(":")[0], torch.bfloat16, enabled=precision == "bf16"
    )
    return found


def _fast_on_cpu() -> bool:
    """Whether this processor has instructions for bf16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def _check(kind: str) -> None:
    if kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RequestError("precision: this GPU does not compute in bf16; set precision to fp32")
    if kind == "cpu" and not _fast_on_cpu():
        log.warning("precision: this processor has no instructions for bf16, which makes it slower than fp32")
