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
    return _of_processor("model name") or platform.machine()


@cache
def faster_in_bf16() -> bool:
    """Returns whether this machine's processor multiplies matrices faster in bf16 than in fp32.

    Its instructions tell, and no measurement, so that a resumed run computes as it began. Training was measured
    2.1 times as fast with AMX, 2.7 times with AVX-512 BF16 on an AMD EPYC, but 0.6 times with that on an Intel Xeon
    without AMX (products: 83 and 147 GFLOP/s on one core). Without either, bf16 is emulated.
    """
    instructions = _of_processor("flags").split()
    return "amx_bf16" in instructions or ("avx512_bf16" in instructions and "Intel" not in processor())


def _of_processor(name: str) -> str:
    """Returns what Linux says of the first processor under a name; empty on other systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition("\t")[0] == name), "")
