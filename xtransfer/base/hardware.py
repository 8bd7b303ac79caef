"""The processor that a stage runs on, by its product name."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


def hardware(device: str) -> str:
    """Returns the product name of the processor or GPU, such as `NVIDIA H100 80GB HBM3`.

    Sums round differently on other hardware, which can decide whether a training that is close to failing learns.
    """
    if not device.startswith("cuda"):
        return processor()
    import torch

    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else device


@cache
def processor() -> str:
    """Returns the name of this machine's processor, or its architecture if the system does not report a name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
