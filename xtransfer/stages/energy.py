"""Measures the energy that the CPU or GPU used during a stage, from hardware counters.

CPUs: RAPL counters in /sys/class/powercap, which only root can read on most systems. GPUs: NVML. Counters cover the
whole package or card, including other programs. Without a readable counter, no energy is reported; none is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")

Read = Callable[[], dict[str, tuple[float, float]]]  # counter → joules so far, and the value at which it wraps around


class Meter:
    """Measures from its creation."""

    def __init__(self, *devices: str) -> None:
        gpus = [device for device in devices if device.startswith("cuda")]
        self._read: Read = _gpus(gpus) if gpus else _packages
        self._start = self._read()

    def joules(self) -> float | None:
        """Returns the joules used since creation; None if a counter could not be read both times."""
        now = self._read()
        if not self._start or set(now) != set(self._start):
            return None
        used = 0.0
        for name, (joules, limit) in now.items():
            spent = joules - self._start[name][0]
            used += spent if spent >= 0 else spent + limit
        return round(used, 3)


def _packages() -> dict[str, tuple[float, float]]:
    """Reads the counters of CPU packages, without their parts, which are included in the package."""
    found = {}
    with suppress(OSError, ValueError):
        for folder in COUNTERS.glob("*-rapl:*"):
            if folder.name.count(":") == 1:
                micro = [int((folder / name).read_text()) for name in ("energy_uj", "max_energy_range_uj")]
                found[folder.name] = (micro[0] / 1e6, micro[1] / 1e6)
        return found
    return {}


def _gpus(devices: Sequence[str]) -> Read:
    def read() -> dict[str, tuple[float, float]]:
        with suppress(Exception):  # no NVML, or a card without the counter, in many exception classes
            import pynvml
            import torch

            pynvml.nvmlInit()
            found = {}
            for device in devices:
                card = torch.cuda.get_device_properties(device).uuid  # CUDA and NVML may number the cards differently
                handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{card}")
                found[device] = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000, 0.0)
            return found
        return {}

    return read
