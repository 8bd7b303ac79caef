"""What computes: the processor or GPU by its maker's name. Another one rounds sums otherwise, and a training that sits
between learning and not learning may take another course on it."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


def computes(device: str) -> str:
    """The name of what stands behind a device's: `AMD EPYC`, `NVIDIA H100 80GB HBM3`; that of the device where nothing
    tells."""
    if not device.startswith("cuda"):
        return processor()
    import torch

    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else device


@cache
def processor() -> str:
    """The name of this machine's processor, or its architecture where the system does not tell."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
